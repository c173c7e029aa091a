"""The data about one person: find, export and erase it. The person is named in no URL and no log."""

from urllib.parse import urlencode

from flask import Blueprint, abort, g, redirect, render_template, request, send_file, url_for

import clock
from form_fields import row_id
from services.privacy import data_export, erasure, person_search
from services.security.audit_log import SecurityEvent, log_event
from views.shared.responses import client_ip, render_page
from views.staff.forms.common import PersonForm
from views.staff.sign_in import auth

bp = Blueprint("person", __name__, url_prefix="/datenschutz/person")
bp.before_request(auth.require_lead)

NOTHING_CHOSEN = "Bitte kreuzen Sie an, was zu der Person gehört."


@bp.get("")
def show():
    return _show(PersonForm(formdata=None), erased=request.args)


@bp.post("")
def search():
    """Show everything in which the person is found; nothing is changed."""
    form = PersonForm()
    return _show_found(form) if form.validate() else _show(form, 422)


@bp.post("/auskunft")
def export():
    """Send all that is stored in the chosen matches as a ZIP file."""
    form, matches = _chosen()
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
    """Show what would be deleted; nothing is changed."""
    form, matches = _chosen()
    return render_page("staff/office/privacy/confirm_erase.html", form=form, matches=matches, file_ids=_file_ids())


@bp.post("/loeschen/ausfuehren")
def erase():
    """Erase the person from the chosen matches for good."""
    form, matches = _chosen()
    gone = erasure.erase(matches, form.matcher, _file_ids(), g.member, clock.now())
    _log_event(SecurityEvent.PERSON_ERASED)
    query = urlencode({"geloescht": "ja"} | gone)
    return redirect(f"{url_for('.show')}?{query}", 303)


def _chosen():
    """Return the form and the chosen matches, or answer with what is wrong."""
    form = PersonForm()
    if not form.validate():
        abort(_show(form, 422))
    matches = person_search.find_selected(request.form.getlist("fund"), form.matcher)
    return form, matches or abort(_show_found(form, NOTHING_CHOSEN))


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
        "partly_searched": person_search.count_partly_searched(),
    }
    return render_page("staff/office/privacy/person_matches.html", 422 if notice else 200, **parts)


def _show(form, status=200, erased=None):
    return render_page("staff/office/privacy/person.html", status, form=form, erased=erased)


def _log_event(event):
    log_event(event, client_ip(), by=g.member.name)
