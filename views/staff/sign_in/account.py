"""One's own account: password, second factor and sessions."""

from flask import Blueprint, g, redirect, render_template, request, session, url_for

import clock
from i18n import formats
from services.security.audit_log import SecurityEvent, log_event
from services.security.keys import hash_token
from services.security.login_throttle import TooManyAttempts
from services.staff import accounts, sessions, two_factor
from views.shared.responses import client_ip, html_response, render_page
from views.staff.forms.common import ChangePasswordForm, ConfirmCodeForm, PasswordForm
from views.staff.sign_in import auth
from views.staff.sign_in.sign_in import TOO_MANY_ATTEMPTS

bp = Blueprint("account", __name__, url_prefix="/konto")

# The message after an action, by the word in the URL.
DONE = {
    "kennwort": "Ihr Kennwort ist geändert. In allen anderen Browsern sind Sie abgemeldet.",
    "ohne": "Der zweite Faktor ist abgeschaltet.",
    "abgemeldet": "In allen anderen Browsern sind Sie abgemeldet.",
}

SHOWN_SESSIONS = 50


@bp.get("")
def show():
    return _show()


@bp.post("/kennwort")
def change_password():
    """Change the password; this browser gets a new session, all others are signed out."""
    form, now = ChangePasswordForm(), clock.now()
    form.owner = g.member.name
    if not form.validate() or not _is_confirmed(form.current_password):
        return _show(change=form)
    accounts.set_password(g.member, form.password.data, now)
    _log_event(SecurityEvent.PASSWORD_CHANGED)
    auth.start_session(sessions.begin(g.member, client_ip(), now), now)
    return redirect(url_for(".show", getan="kennwort"), 303)


@bp.post("/zweiter-faktor")
def begin_second_factor():
    """Create a secret for an app; the account page shows it until a code confirms it."""
    if g.member.totp_enabled_at:
        return redirect(url_for(".show"), 303)
    form = PasswordForm(prefix="beginnen")
    if not form.validate() or not _is_confirmed(form.password):
        return _show(begin=form)
    two_factor.begin_setup(g.member)
    return redirect(url_for(".show", _anchor="second-factor"), 303)


@bp.post("/zweiter-faktor/bestaetigen")
def confirm_second_factor():
    """Switch the second factor on with a code from the app, and show the recovery codes."""
    if not _has_begun():
        return redirect(url_for(".show"), 303)
    form = ConfirmCodeForm()
    if not form.validate():
        return _show(confirm=form)
    codes = two_factor.confirm_setup(g.member, form.one_time_code.data, clock.now())
    if codes is None:
        form.one_time_code.errors = ["Dieser Code stimmt nicht. Bitte tippen Sie den ab, den die App gerade zeigt."]
        return _show(confirm=form)
    _log_event(SecurityEvent.SECOND_FACTOR_ON)
    return render_page("staff/sign_in/recovery_codes.html", codes=codes)


@bp.post("/zweiter-faktor/codes")
def renew_recovery_codes():
    """Replace the recovery codes and show the new ones."""
    if not g.member.totp_enabled_at:
        return redirect(url_for(".show"), 303)
    form = PasswordForm(prefix="codes")
    if not form.validate() or not _is_confirmed(form.password):
        return _show(codes=form)
    _log_event(SecurityEvent.RECOVERY_CODES_RENEWED)
    return render_page("staff/sign_in/recovery_codes.html", codes=two_factor.renew_recovery_codes(g.member))


@bp.post("/zweiter-faktor/abschalten")
def switch_off_second_factor():
    """Switch the second factor off; one that is not confirmed yet needs no password for that."""
    if g.member.totp_enabled_at is None:
        two_factor.cancel_setup(g.member)
        return redirect(url_for(".show"), 303)
    form = PasswordForm(prefix="abschalten")
    if not form.validate() or not _is_confirmed(form.password):
        return _show(switch_off=form)
    two_factor.disable(g.member)
    _log_event(SecurityEvent.SECOND_FACTOR_OFF)
    return redirect(url_for(".show", getan="ohne"), 303)


@bp.post("/abmelden")
def sign_out_elsewhere():
    """End all other sessions of the account."""
    sessions.end_all(g.member, clock.now(), keep=session["staff"])
    _log_event(SecurityEvent.SIGNED_OUT_ELSEWHERE)
    return redirect(url_for(".show", getan="abgemeldet"), 303)


def _is_confirmed(field):
    """Say whether the account's password was typed; if not, put an error at the field."""
    try:
        if accounts.verify_password(g.member, field.data, clock.now()):
            return True
        _log_event(SecurityEvent.PASSWORD_REFUSED)
        field.errors = ["Dieses Kennwort stimmt nicht. Bitte tippen Sie es noch einmal."]
    except TooManyAttempts as slowed:
        _log_event(SecurityEvent.LOGIN_THROTTLED)
        field.errors = [TOO_MANY_ATTEMPTS.format(wait=formats.wait_time(slowed.wait))]
    return False


def _log_event(event):
    log_event(event, client_ip(), account=g.member.name)


def _has_begun():
    """Say whether there is a secret that is not confirmed yet."""
    return g.member.totp_salt is not None and g.member.totp_enabled_at is None


def _show(**failed):
    """Show the account with all its forms; `failed` is the one with errors, by its name in the template."""
    forms = {
        "change": ChangePasswordForm(formdata=None),
        "begin": PasswordForm(formdata=None, prefix="beginnen"),
        "confirm": ConfirmCodeForm(formdata=None),
        "codes": PasswordForm(formdata=None, prefix="codes"),
        "switch_off": PasswordForm(formdata=None, prefix="abschalten"),
    }
    page = render_template(
        "staff/sign_in/account.html",
        forms=forms | failed,
        failed=next(iter(failed.values()), None),
        done=DONE.get(request.args.get("getan", "")),
        sessions=sessions.active_sessions(g.member, clock.now()).limit(SHOWN_SESSIONS),
        this_session=hash_token(session["staff"]),
        key=two_factor.setup_key(g.member) if _has_begun() else None,
        qr_code=_qr_code(two_factor.provisioning_uri(g.member)) if _has_begun() else None,
        recovery_codes_left=g.member.recovery_codes.count(),
    )
    return html_response(page, 422 if failed else 200)


def _qr_code(text):
    # Imported only here: takes 10 ms.
    import segno

    return segno.make(text, error="m").svg_data_uri(scale=5, dark="#000", light="#fff")
