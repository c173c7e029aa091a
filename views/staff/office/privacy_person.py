"""What is stored about one person: found, handed over, deleted. Who is looked for stands in no address and no log."""

from flask import Blueprint, g, redirect, render_template, request, send_file, url_for

import clock
from form_fields import row_id
from services.privacy import data_export, erasure, person_search
from services.security.audit_log import SecurityEvent, log_event
from views.shared.responses import render_page
from views.staff.forms.common import PersonForm

bp = Blueprint("person", __name__, url_prefix="/datenschutz/person")

NOTHING_CHOSEN = "Bitte kreuzen Sie an, was zu der Person gehört."


@bp.get("")
def show():
    """Ask whom to look for."""
    return _show(PersonForm(formdata=None), erased=request.args)


@bp.post("")
def search():
    """Show everything in which the person is recognised; nothing is written."""
    form = PersonForm()
    return _show_found(form) if form.validate() else _show(form, 422)


@bp.post("/auskunft")
def export():
    """Hand over all that is stored in what was chosen."""
    form = PersonForm()
    matches = _chosen(form)
    if not matches:
        return _refuse(form)
    now = clock.now()
    data, files = data_export.collect(matches, form.matcher, _file_ids())
    page = render_template("staff/office/privacy/data_export.html", data=data, lines=form.matcher.lines, now=now)
    archive = data_export.build_archive(data, files, page, form.matcher.lines, now)
    _log_event(SecurityEvent.PERSON_DISCLOSED)
    response = send_file(archive, "application/zip", as_attachment=True, download_name=f"auskunft-{clock.today()}.zip")
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/loeschen")
def confirm_erase():
    """Show once more what would be deleted; nothing is written."""
    form = PersonForm()
    matches = _chosen(form)
    if not matches:
        return _refuse(form)
    parts = {"form": form, "matches": matches, "file_ids": _file_ids()}
    return render_page("staff/office/privacy/confirm_erase.html", **parts)


@bp.post("/loeschen/ausfuehren")
def erase():
    """Take the person out of what was chosen, for good."""
    form = PersonForm()
    matches = _chosen(form)
    if not matches:
        return _refuse(form)
    gone = erasure.erase(matches, form.matcher, _file_ids(), g.member, clock.now())
    _log_event(SecurityEvent.PERSON_ERASED)
    return redirect(url_for(".show", geloescht="ja", **gone), 303)


def _chosen(form):
    return person_search.find_selected(request.form.getlist("fund"), form.matcher) if form.validate() else []


def _refuse(form):
    return _show(form, 422) if form.errors else _show_found(form, NOTHING_CHOSEN)


def _file_ids():
    return [row_id(id) for id in request.form.getlist("datei")]


def _show_found(form, notice=""):
    matches, are_more = person_search.find(form.matcher)
    parts = {
        "form": form,
        "matches": matches,
        "are_more": are_more,
        "notice": notice,
        "most": person_search.MAX_MATCHES,
    }
    parts["partly_searched"] = person_search.count_partly_searched()
    return render_page("staff/office/privacy/person_matches.html", 422 if notice else 200, **parts)


def _show(form, status=200, erased=None):
    return render_page("staff/office/privacy/person.html", status, form=form, erased=erased)


def _log_event(event):
    log_event(event, request.remote_addr, by=g.member.name)
