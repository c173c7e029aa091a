"""The first account, created with the link that the portal prints when it starts."""

from flask import Blueprint, abort, redirect, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import NotFound

import clock
from services.security.audit_log import SecurityEvent, log_event
from services.staff import accounts, sessions
from settings import settings
from views.shared.error_pages import error_page
from views.shared.responses import client_ip, is_cross_site, render_page, wrong_address_notice
from views.staff.forms.common import SetupForm, SignInForm
from views.staff.sign_in import auth

bp = Blueprint("setup", __name__, url_prefix="/einrichten")

ALREADY_SET_UP = (
    "Das erste Konto gibt es schon, deshalb gilt der Link zum Einrichten nicht mehr. Bitte melden Sie sich an. Weitere "
    "Konten legen Sie unter „Büro“ an."
)
PAGE_EXPIRED = "Diese Seite war zu lange offen. Bitte geben Sie das Kennwort noch einmal ein."


@bp.get("/<token>")
def form(token):
    _check(token)
    return _show(SetupForm(formdata=None))


@bp.post("/<token>")
def submit(token):
    """Create the first account and sign it in."""
    _check(token)
    form, now = SetupForm(), clock.now()
    if not form.succeeds(lambda: accounts.add(form.name.data, form.password.data, now, is_first=True), "name"):
        return _show(form, 422)
    member = form.result
    log_event(SecurityEvent.ACCOUNT_ADDED, client_ip(), account=member.name)
    auth.start_session(sessions.begin(member, client_ip(), now), now)
    return redirect(url_for("staff.today.show"), 303)


@bp.errorhandler(accounts.AlreadySetUp)
def show_sign_in(error):
    """Lead whoever opens a used link to the sign-in page."""
    if auth.current_member():
        return redirect(url_for("staff.today.show"), 303)
    return auth.show_sign_in(SignInForm(formdata=None), 410, ALREADY_SET_UP)


@bp.errorhandler(CSRFError)
def ask_again(error):
    """Show the form again with a new CSRF token."""
    if is_cross_site():
        return auth.handle_csrf_error(error)
    if not accounts.is_setup_token((request.view_args or {})["token"]):
        return error_page(NotFound())
    if accounts.is_set_up():
        return show_sign_in(error)
    return _show(SetupForm(), 422, wrong_address_notice(request.path) or PAGE_EXPIRED)


def setup_link():
    """Return the link for creating the first account, or None if there is an account."""
    return None if accounts.is_set_up() else settings.url + url_for("staff.setup.form", token=accounts.setup_token())


def _check(token):
    if not accounts.is_setup_token(token):
        abort(404)
    if accounts.is_set_up():
        raise accounts.AlreadySetUp


def _show(form, status=200, notice=""):
    return render_page("staff/sign_in/setup.html", status, form=form, notice=notice)
