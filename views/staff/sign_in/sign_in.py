"""Sign in and sign out."""

from flask import Blueprint, g, redirect, request, url_for
from flask_wtf.csrf import CSRFError

import clock
from i18n import formats
from services.security.audit_log import SecurityEvent, log_event
from services.security.login_throttle import TooManyAttempts
from services.staff import accounts, sessions
from views.shared.responses import client_ip, is_cross_site, set_retry_after, wrong_address_notice
from views.staff.forms.common import SignInForm
from views.staff.sign_in import auth, pending_post

bp = Blueprint("sign_in", __name__)

WRONG_CREDENTIALS = (
    "Name, Kennwort oder Code stimmt nicht. Bitte prüfen Sie alles noch einmal. Einen Code brauchen Sie nur mit "
    "zweitem Faktor, und jeder gilt nur einmal."
)
TOO_MANY_ATTEMPTS = "Zu viele Versuche. Bitte warten Sie {wait} und versuchen Sie es dann noch einmal."
PAGE_EXPIRED = "Diese Seite war zu lange offen. Bitte melden Sie sich noch einmal an."


@bp.get("/anmelden")
def form():
    """Show the sign-in form, unless somebody is signed in already."""
    if auth.current_member():
        return redirect(url_for("staff.today.show"), 303)
    return auth.show_sign_in(SignInForm(formdata=None, next_url=request.args.get("weiter")))


@bp.post("/anmelden")
def submit():
    """Sign in, then go on to the requested page or to the form that was posted without a session."""
    form, now = SignInForm(), clock.now()
    if not form.validate():
        return auth.show_sign_in(form, 422)
    try:
        typed = form.name.data, form.password.data, form.one_time_code.data
        token = accounts.sign_in(*typed, client_ip(), auth.browser_tokens(), now)
    except TooManyAttempts as slowed:
        log_event(SecurityEvent.LOGIN_THROTTLED, client_ip())
        return set_retry_after(
            auth.show_sign_in(form, 429, TOO_MANY_ATTEMPTS.format(wait=formats.wait_time(slowed.wait))), slowed.wait
        )
    if token is None:
        log_event(SecurityEvent.SIGN_IN_REFUSED, client_ip())
        return auth.show_sign_in(form, 422, WRONG_CREDENTIALS)
    auth.start_session(token, now)
    log_event(SecurityEvent.SIGNED_IN, client_ip(), account=auth.current_member().name)
    return _go_on(form)


@bp.post("/abmelden")
def sign_out():
    """End this browser's session."""
    member, token = auth.current_member(), auth.clear_session()
    if token:
        sessions.end(token, clock.now())
    if member:
        log_event(SecurityEvent.SIGNED_OUT, client_ip(), account=member.name)
    return redirect(url_for(".form"), 303)


@bp.errorhandler(CSRFError)
def ask_again(error):
    """Show the sign-in form again with a new CSRF token."""
    if request.endpoint != "staff.sign_in.submit" or is_cross_site():
        return auth.handle_csrf_error(error)
    return auth.show_sign_in(SignInForm(), 422, wrong_address_notice(url_for(".form")) or PAGE_EXPIRED)


def _go_on(form):
    pending = pending_post.deserialise(form.pending_post.data)
    if pending and auth.is_staff_url(pending.path, "POST"):
        g.member = auth.current_member()
        return pending_post.show(pending)
    next_url = form.next_url.data
    return redirect(next_url if auth.is_staff_url(next_url, "GET") else url_for("staff.today.show"), 303)
