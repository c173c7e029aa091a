"""What is stored about one person: found, handed over, deleted. Who is looked for stands in no address and no log."""

from flask import Blueprint, g, redirect, render_template, request, send_file, url_for

import clock
from form_fields import row_id
from services.privacy import data_export, erasure, person_search
from services.security.audit_log import SecurityEvent, note
from views.shared.responses import answer
from views.staff.forms.common import PersonForm

bp = Blueprint("person", __name__, url_prefix="/datenschutz/person")

NOTHING_CHOSEN = "Bitte kreuzen Sie an, was zu der Person gehört."


@bp.get("")
def form():
    """Ask whom to look for."""
    return _show(PersonForm(formdata=None), erased=request.args)


@bp.post("")
def search():
    """Show everything in which the person is recognised; nothing is written."""
    form = PersonForm()
    return _show_found(form) if form.validate() else _show(form, 422)


@bp.post("/auskunft")
def disclose():
    """Hand over all that is stored in what was chosen."""
    form = PersonForm()
    finds = _chosen(form)
    if not finds:
        return _refuse(form)
    now = clock.now()
    told, files = data_export.gather(finds, form.likeness, _file_ids())
    page = render_template("staff/privacy/disclosure.html", told=told, lines=form.likeness.lines, now=now)
    archive = data_export.pack(told, files, page, form.likeness.lines, now)
    _note(SecurityEvent.PERSON_DISCLOSED)
    response = send_file(archive, "application/zip", as_attachment=True, download_name=f"auskunft-{clock.today()}.zip")
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/loeschen")
def ask():
    """Show once more what would be deleted; nothing is written."""
    form = PersonForm()
    finds = _chosen(form)
    if not finds:
        return _refuse(form)
    parts = {"form": form, "finds": finds, "file_ids": _file_ids()}
    return answer(render_template("staff/privacy/erase.html", **parts))


@bp.post("/loeschen/ausfuehren")
def erase():
    """Take the person out of what was chosen, for good."""
    form = PersonForm()
    finds = _chosen(form)
    if not finds:
        return _refuse(form)
    gone = erasure.erase(finds, form.likeness, _file_ids(), g.member, clock.now())
    _note(SecurityEvent.PERSON_ERASED)
    return redirect(url_for(".form", geloescht="ja", **gone), 303)


def _chosen(form):
    return person_search.find_again(request.form.getlist("fund"), form.likeness) if form.validate() else []


def _refuse(form):
    return _show(form, 422) if form.errors else _show_found(form, NOTHING_CHOSEN)


def _file_ids():
    return [row_id(id) for id in request.form.getlist("datei")]


def _show_found(form, notice=""):
    finds, are_more = person_search.find(form.likeness)
    parts = {"form": form, "finds": finds, "are_more": are_more, "notice": notice, "most": person_search.MOST_FOUND}
    parts["searched_in_part"] = person_search.searched_in_part()
    return answer(render_template("staff/privacy/found.html", **parts), 422 if notice else 200)


def _show(form, status=200, erased=None):
    return answer(render_template("staff/privacy/person.html", form=form, erased=erased), status)


def _note(event):
    note(event, request.remote_addr, by=g.member.name)
