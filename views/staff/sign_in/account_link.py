"""The page on which a member of staff chooses a password, opened by a link that was mailed or handed over."""

from flask import Blueprint, abort, redirect, url_for

import clock
from services.security import account_links
from services.security.audit_log import SecurityEvent, log_event
from services.staff import accounts, sessions
from views.shared.responses import client_ip, render_page
from views.staff.forms.common import ChosenPasswordForm
from views.staff.sign_in import auth

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


def _load(token):
    return account_links.find(token, clock.now()) or abort(404)


def _show(member, form, status=200):
    return render_page("staff/sign_in/account_link.html", status, form=form, member=member)
