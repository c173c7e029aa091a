"""In and out: signing in with name and password, signing out."""

from flask import Blueprint, g, redirect, request, url_for
from flask_wtf.csrf import CSRFError

import clock
from i18n import formats
from services.security.audit_log import SecurityEvent, note
from services.security.login_throttle import TooManyAttempts
from services.staff import accounts, sessions
from views.shared.responses import ask_to_wait, comes_from_elsewhere
from views.staff.forms.common import SignInForm
from views.staff.sign_in import auth, pending_post

bp = Blueprint("sign_in", __name__)

WRONG = (
    "Name, Kennwort oder Code stimmt nicht. Bitte prüfen Sie alles noch einmal. Einen Code brauchen Sie nur mit "
    "zweitem Faktor, und jeder gilt nur einmal."
)
TOO_MANY = "Zu viele Versuche. Bitte warten Sie {wait} und versuchen Sie es dann noch einmal."
RENEWED = "Diese Seite war zu lange offen. Bitte melden Sie sich noch einmal an."


@bp.get("/anmelden")
def form():
    """Ask for name and password, unless somebody is signed in already."""
    if auth.member():
        return redirect(url_for("staff.today.show"), 303)
    return auth.show_sign_in(SignInForm(formdata=None, onward=request.args.get("weiter")))


@bp.post("/anmelden")
def submit():
    """Sign in and go on to where the way was going, or to what was sent and held."""
    form, now = SignInForm(), clock.now()
    if not form.validate():
        return auth.show_sign_in(form, 422)
    try:
        token = accounts.sign_in(
            form.name.data, form.password.data, form.one_time_code.data, address=request.remote_addr, now=now
        )
    except TooManyAttempts as slowed:
        note(SecurityEvent.SLOWED_DOWN, request.remote_addr)
        return ask_to_wait(auth.show_sign_in(form, 429, TOO_MANY.format(wait=formats.wait(slowed.wait))), slowed.wait)
    if token is None:
        note(SecurityEvent.SIGN_IN_REFUSED, request.remote_addr)
        return auth.show_sign_in(form, 422, WRONG)
    auth.let_in(token, now)
    note(SecurityEvent.SIGNED_IN, request.remote_addr, account=auth.member().name)
    return _go_on(form)


@bp.post("/abmelden")
def sign_out():
    """End this browser's session."""
    member, token = auth.member(), auth.put_out()
    if token:
        sessions.end(token, clock.now())
    if member:
        note(SecurityEvent.SIGNED_OUT, request.remote_addr, account=member.name)
    return redirect(url_for(".form"), 303)


@bp.errorhandler(CSRFError)
def ask_again(error):
    """Show the sign-in form again with a new token; what it holds stays."""
    if request.endpoint != "staff.sign_in.submit" or comes_from_elsewhere():
        return auth.refuse_token(error)
    return auth.show_sign_in(SignInForm(), 422, RENEWED)


def _go_on(form):
    kept = pending_post.read(form.held.data)
    if kept and auth.leads_inside(kept.path, "POST"):
        g.member = auth.member()
        return pending_post.show(kept)
    onward = form.onward.data
    return redirect(onward if auth.leads_inside(onward, "GET") else url_for("staff.today.show"), 303)
