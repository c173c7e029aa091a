"""The settings of the office: shown with where they come from, changed without a restart."""

from flask import Blueprint, current_app, g, redirect, request, url_for

import clock
from services import branding, disk
from services.errors import UserError
from services.mail import messages
from services.operations import settings_file
from services.security.audit_log import SecurityEvent, log_event
from settings import settings
from views.shared import static_files
from views.shared.responses import client_ip, render_page
from views.staff.forms.office import GROUPS, OfficeForm
from views.staff.sign_in import auth

bp = Blueprint("office", __name__, url_prefix="/buero")
bp.before_request(auth.require_lead)


@bp.get("")
def show():
    return _show(OfficeForm(formdata=None), settings_file.fingerprint())


@bp.post("")
def save():
    """Save the settings that differ, put them in force, and send a test mail if that button was used."""
    form = OfficeForm()
    if not form.succeeds(lambda: _save(form)):
        return _show(form, settings_file.fingerprint(), 422)
    if "test" in request.form:
        message = messages.test_mail(settings.office_email, g.member, clock.now())
        return redirect(url_for("staff.outbox.show", message_id=message.id), 303)
    return redirect(url_for(".show", gespeichert="ja"), 303)


@bp.post("/farbe")
def show_colour():
    """Show how well a colour can be read, before it is saved."""
    return render_page("staff/office/_colour.html", colour=request.form.get("office_colour", ""))


def _save(form):
    if form.logo_content and not form.no_logo.data:
        name, _ = branding.logo_name(form.logo_content)
        disk.replace_bytes(settings.data_dir / name, form.logo_content)
    try:
        settings_file.save(form.changes, request.form.get("seen", ""))
    except OSError:
        raise UserError("Die Datei config.toml ließ sich nicht schreiben. Ist noch Platz auf der Platte?") from None
    static_files.prepare(current_app)
    what = ", ".join(sorted(form.changes)) or "nichts"
    log_event(SecurityEvent.SETTINGS_CHANGED, client_ip(), what=what, by=g.member.name)


def _show(form, seen, status=200):
    parts = {"groups": GROUPS, "seen": seen, "notice": form.notice, "saved": "gespeichert" in request.args}
    return render_page("staff/office/office.html", status, form=form, colour=form.office_colour.data, **parts)
