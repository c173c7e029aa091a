"""The page on which a member of staff chooses a password, opened by a link that was mailed or handed over."""

from flask import Blueprint, abort, redirect, request, url_for
from flask_wtf.csrf import CSRFError

import clock
from services.security import account_links
from services.security.audit_log import SecurityEvent, log_event
from services.staff import accounts, sessions
from views.shared.responses import client_ip, is_cross_site, render_page, wrong_address_notice
from views.staff.forms.common import ChosenPasswordForm
from views.staff.sign_in import auth
from views.staff.sign_in.setup import PAGE_EXPIRED

bp = Blueprint("account_link", __name__, url_prefix="/konto-einrichten")


@bp.get("/<token>")
def form(token):
    return _show(_load(token), ChosenPasswordForm(formdata=None))


@bp.post("/<token>")
def submit(token):
    """Set the password and sign in, unless the account has a second factor, which the link does not replace."""
    member, form, now = _load(token), ChosenPasswordForm(), clock.now()
    form.owner = member.name
    if not form.succeeds(lambda: accounts.set_password(member, form.password.data, now), "password"):
        return _show(member, form, 422)
    log_event(SecurityEvent.PASSWORD_CHANGED, client_ip(), account=member.name)
    if member.totp_enabled_at:
        return redirect(url_for("staff.sign_in.form"), 303)
    auth.start_session(sessions.begin(member, client_ip(), now), now)
    return redirect(url_for("staff.today.show"), 303)


@bp.errorhandler(CSRFError)
def ask_again(error):
    """Show the form again with a new CSRF token."""
    member = account_links.find((request.view_args or {})["token"], clock.now())
    if member is None or is_cross_site():
        return auth.handle_csrf_error(error)
    return _show(member, ChosenPasswordForm(formdata=None), 422, wrong_address_notice(request.path) or PAGE_EXPIRED)


def _load(token):
    return account_links.find(token, clock.now()) or abort(404)


def _show(member, form, status=200, notice=""):
    return render_page("staff/sign_in/account_link.html", status, form=form, member=member, notice=notice)
