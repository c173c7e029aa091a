"""Unmatched requests: look through them, turn them into tickets, or discard them."""

from flask import Blueprint, abort, g, request, url_for

import clock
from form_fields import row_id
from i18n.typed_text import normalise_code
from models import Customer, Event, Submission, Ticket
from services.customers import customers
from services.intake import intake, unmatched
from views.shared.responses import redirect_to, render_page
from views.staff.forms.call import ConvertForm

bp = Blueprint("unmatched", __name__, url_prefix="/nicht-zugeordnet")


@bp.get("")
def show_all():
    """Show one page of the groups; the group with the newest submission comes first."""
    before = row_id(request.args.get("vor"))
    groups, following = unmatched.groups(before)
    parts = {"groups": groups, "before": before, "following": following}
    with_correct_pin = [] if before else unmatched.with_correct_pin()
    return render_page("staff/unmatched/list.html", with_correct_pin=with_correct_pin, **parts)


@bp.get("/<code>/gruppe")
def show_group(code):
    """Show a submission and the older ones with the same customer number from the same IP address."""
    submission = _find(code, 404)
    page, following = unmatched.page_of_group(submission)
    shown = {"newest": submission, "submissions": page, "following": following}
    count = unmatched.group_of(submission).count()
    return render_page("staff/unmatched/group.html", count=count, **shown)


@bp.get("/<code>")
def show(code):
    """Show what was sent, with the customer whose number was typed."""
    return _show(_find(code, 404))


@bp.post("/<code>/umwandeln")
def convert(code):
    """Turn a submission into a ticket for the chosen customer."""
    submission, form = _find(code, 409), ConvertForm()

    def convert_for_customer():
        customer = customers.find(form.customer_number.data)
        intake.convert(submission, customer, by=g.member, confirmed_by=form.note.data, now=clock.now())

    try:
        if not form.succeeds(convert_for_customer, "customer_number"):
            return _show(submission, form, 422)
    except intake.NoLongerUnmatched:
        return _gone(code, 409)
    return redirect_to(url_for("staff.ticket.show", code=submission.code))


@bp.post("/<code>/verwerfen")
def discard(code):
    """Delete a submission with its files."""
    if not unmatched.discard(_find(code, 409), clock.now()):
        return _gone(code, 409)
    return redirect_to(url_for(".show_all"))


@bp.post("/<code>/gruppe/verwerfen")
def discard_group(code):
    """Delete a submission and the older ones of its group."""
    if not unmatched.discard_group(_find(code, 409), clock.now()):
        return _gone(code, 409)
    return redirect_to(url_for(".show_all"))


def _find(code, status_if_gone):
    found = Submission.unmatched().where(Submission.code == normalise_code(code))
    return found.get_or_none() or abort(_gone(code, status_if_gone))


def _show(submission, form=None, status=200):
    customer = Customer.get_or_none(Customer.number == submission.customer_number)
    if form is None:
        form = ConvertForm(formdata=None, data={"customer_number": customer.number if customer else ""})
    shown = {"submission": submission, "customer": customer, "form": form, "files": submission.attachments}
    return render_page("staff/unmatched/show.html", status, **shown)


def _gone(code, status):
    """Say what somebody else has done with a submission meanwhile."""
    ticket = Ticket.find_by_code(code)
    opened = ticket and ticket.events.order_by(Event.id).first()
    return render_page("staff/unmatched/no_longer_unmatched.html", status, ticket=ticket, opened=opened)
