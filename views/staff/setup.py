"""The first run: who holds the printed link makes the first account."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import NotFound

import clock
from services import sessions, staff
from services.security_log import SecurityEvent, note
from settings import settings
from staff_forms import SetupForm
from views.answers import answer, comes_from_elsewhere
from views.errors import error_page
from views.staff import guard

bp = Blueprint("setup", __name__, url_prefix="/einrichten")

RENEWED = "Diese Seite war zu lange offen. Bitte geben Sie das Kennwort noch einmal ein."


@bp.get("/<token>")
def form(token):
    """Ask for name and password of the first account."""
    _check(token)
    return _show(SetupForm(formdata=None))


@bp.post("/<token>")
def submit(token):
    """Make the first account and sign it in."""
    _check(token)
    form, now = SetupForm(), clock.now()
    if not form.validate():
        return _show(form, 422)
    try:
        member = staff.add_first(form.name.data, form.password.data, now)
    except staff.AlreadySetUp:
        abort(404)
    except staff.AccountError as error:
        form.name.errors = [str(error)]
        return _show(form, 422)
    note(SecurityEvent.ACCOUNT_ADDED, request.remote_addr, account=member.name)
    guard.let_in(sessions.begin(member, request.remote_addr, now), now)
    return redirect(url_for("staff.today.show"), 303)


@bp.errorhandler(CSRFError)
def ask_again(error):
    """Show the form again with a new token."""
    if comes_from_elsewhere():
        return guard.refuse_token(error)
    if not staff.is_setup_token(request.view_args["token"]):
        return error_page(NotFound())
    return _show(SetupForm(), 422, RENEWED)


def link():
    """Return the set-up link, or None once there is an account."""
    return None if staff.is_set_up() else settings.url + url_for("staff.setup.form", token=staff.setup_token())


def _check(token):
    if not staff.is_setup_token(token):
        abort(404)


def _show(form, status=200, notice=""):
    return answer(render_template("staff/setup.html", form=form, notice=notice), status)
