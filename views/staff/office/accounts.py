"""The accounts of the office: add, lock and change them; only the role "Leitung" may."""

from flask import Blueprint, abort, g, redirect, url_for

import clock
from database import count_rows
from enums import StaffRole
from models import Staff, Ticket
from services.mail import messages
from services.security import account_links
from services.security.audit_log import SecurityEvent, log_event
from services.staff import accounts, two_factor
from views.shared.responses import client_ip, render_page
from views.staff.forms.account import HandOverForm, NewAccountForm, RoleForm
from views.staff.sign_in import auth

bp = Blueprint("accounts", __name__, url_prefix="/konten")
bp.before_request(auth.require_lead)


@bp.get("")
def show_all():
    return _show_all(NewAccountForm(formdata=None))


@bp.post("")
def add():
    """Add an account and show or send the link by which its owner chooses a password."""
    form = NewAccountForm()
    if not form.succeeds(lambda: accounts.invite(form.name.data, form.role.data, clock.now()), "name"):
        return _show_all(form, 422)
    _log_event(SecurityEvent.ACCOUNT_ADDED, form.result)
    return _hand_over(form.result, form.email.data)


@bp.get("/<int:staff_id>")
def show(staff_id):
    return _show(_load(staff_id))


@bp.post("/<int:staff_id>/rolle")
def change_role(staff_id):
    member, form = _load(staff_id), RoleForm()
    if not form.succeeds(lambda: accounts.change_role(member, form.role.data), "role"):
        return _show(member, 422, role_form=form)
    _log_event(SecurityEvent.ROLE_CHANGED, member)
    may_stay = member != g.member or form.role.data == StaffRole.LEAD
    return redirect(url_for(".show", staff_id=staff_id) if may_stay else url_for("staff.today.show"), 303)


@bp.post("/<int:staff_id>/sperren")
def lock(staff_id):
    """Lock an account and hand its open tickets over."""
    member, form = _load(staff_id), HandOverForm(staff=_colleagues(staff_id))
    if not form.succeeds(lambda: accounts.lock_and_hand_over(member, form.chosen, g.member, clock.now())):
        return _show(member, 422, hand_over_form=form)
    _log_event(SecurityEvent.ACCOUNT_LOCKED, member)
    return redirect(url_for(".show", staff_id=staff_id), 303)


@bp.post("/<int:staff_id>/entsperren")
def unlock(staff_id):
    member = _load(staff_id)
    accounts.unlock(member)
    _log_event(SecurityEvent.ACCOUNT_UNLOCKED, member)
    return redirect(url_for(".show", staff_id=staff_id), 303)


@bp.post("/<int:staff_id>/link")
def renew_link(staff_id):
    """Make a link by which the owner chooses a new password; until then the former one is valid."""
    member = _load(staff_id)
    accounts.renew_link(member, clock.now())
    _log_event(SecurityEvent.PASSWORD_LINK, member)
    return _hand_over(member, "")


@bp.post("/<int:staff_id>/ohne-zweiten-faktor")
def reset_second_factor(staff_id):
    member = _load(staff_id)
    two_factor.disable(member)
    _log_event(SecurityEvent.SECOND_FACTOR_OFF, member)
    return redirect(url_for(".show", staff_id=staff_id), 303)


def _load(staff_id):
    return Staff.get_or_none(Staff.id == staff_id) or abort(404)


def _colleagues(staff_id):
    return [member for member in Staff.by_name() if member.id != staff_id and not member.locked_at]


def _log_event(event, member):
    log_event(event, client_ip(), account=member.name, by=g.member.name)


def _hand_over(member, email):
    """Send the link by mail, or show it this one time."""
    if email:
        messages.invitation(member, email, g.member, clock.now())
    link = "" if email else account_links.url(member)
    return render_page("staff/office/account_link.html", member=member, link=link, email=email)


def _show_all(form, status=200):
    return render_page("staff/office/accounts.html", status, form=form, members=Staff.by_name(), notice=form.notice)


def _show(member, status=200, role_form=None, hand_over_form=None):
    parts = {
        "member": member,
        "open_tickets": count_rows(Ticket.select().where(Ticket.assignee == member, Ticket.closed_at.is_null())),
        "role_form": role_form or RoleForm(formdata=None, obj=member),
        "hand_over_form": hand_over_form or HandOverForm(formdata=None, staff=_colleagues(member.id)),
    }
    return render_page("staff/office/account.html", status, failed=role_form or hand_over_form, **parts)
