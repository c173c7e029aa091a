"""Correct a fact of a ticket; the submission stays as it was sent."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from enums import PORTAL_ACTOR, Approval, Category, EventKind, Priority
from i18n import formats
from models import Customer, Event, Staff, Ticket
from services import search
from services.mail import access_links, messages
from services.tickets import approvals, conversation
from services.tickets.locking import cancel_approval_request, require, staff_action

# The label of each fact that can be corrected, and how the history names its values.
_FACTS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "rank": ("Priorität", lambda rank: Priority.from_rank(rank).label),
    "category": ("Art der Anfrage", lambda category: category.label),
    "due_on": ("Eintrittsdatum", formats.date),
    "caller_name": ("Name", str),
    "caller_phone": ("Kontaktnummer", str),
}


# What the customer's page, or that of its approvers, goes on quoting.
_QUOTED_LATER = (*conversation.CUSTOMER_VISIBLE, EventKind.REOPENED, EventKind.STARTED_EARLY)

SAME = "Diese Angabe hat schon diesen Wert."


def correct(ticket: Ticket, fact: str, value: Any, by: Staff, seen: int, now: datetime) -> None:
    """Set a fact of a ticket to the right value and record both values."""
    with staff_action(ticket, by, seen, now) as record:
        require(fact in correctable(ticket), "Diese Angabe können Sie bei dieser Anfrage nicht ändern.")
        before = current(ticket, fact)
        require(value != before, SAME)
        setattr(ticket, fact, value)
        label, shown = _FACTS[fact]
        record(EventKind.CORRECTED, f"{label}: {shown(before)} → {shown(value)}")
        search.reindex(ticket)


def change_customer(ticket: Ticket, by: Staff, seen: int, now: datetime, customer: Customer) -> None:
    """Move an open ticket to another customer: the former one's links end, and the new one's approval rule holds.

    Refused once somebody wrote with the former customer, because the new one would read it.
    """
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open, "Bitte öffnen Sie das Ticket zuerst wieder.")
        former = ticket.customer
        require(customer.locked_at is None, "Dieser Kunde ist gesperrt.")
        require(customer != former, SAME)
        has_talked = ticket.events.where(Event.kind.in_(_QUOTED_LATER)).exists()
        require(not has_talked, "Mit diesem Kunden gibt es schon Nachrichten. Bitte legen Sie ein neues Ticket an.")
        access_links.end_all(ticket, now)
        cancel_approval_request(ticket)
        ticket.customer = customer
        record(EventKind.CORRECTED, f"Kunde: {former.name} → {customer.name}")
        search.reindex(ticket)
        messages.confirmation(ticket, now)
        if customer.approvers.exists():
            approvals.request_approval(ticket, PORTAL_ACTOR, now)
        else:
            ticket.approval = Approval.NOT_REQUIRED


def current(ticket: Ticket, fact: str) -> Any:
    """Return the value of a fact: the corrected one, or what was sent."""
    return getattr(ticket, fact.removeprefix("caller_"))


def correctable(ticket: Ticket) -> list[str]:
    """Return the facts that can be corrected; the fields of a new employee fit no other kind."""
    own = ["due_on"] if ticket.category is Category.NEW_EMPLOYEE else ["rank", "category"]
    return [*own, "caller_name", "caller_phone", "customer"]
