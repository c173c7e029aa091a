"""Change a ticket in one transaction: reread it first, and refuse if its history has grown since the person looked."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from database import transaction
from enums import EventKind, MessageKind, TicketStatus
from models import Event, Message, Staff, Ticket, TicketLink
from services import search
from services.errors import EditConflict, UserError
from services.mail import outbox
from services.tickets import events

# All other columns keep what the ticket was created with.
CHANGEABLE = (
    Ticket.status,
    Ticket.approval,
    Ticket.assignee,
    Ticket.remind_at,
    Ticket.reminders,
    Ticket.replied_at,
    Ticket.first_action_at,
    Ticket.closed_at,
    Ticket.rank,
    Ticket.category,
    Ticket.due_on,
    Ticket.caller_name,
    Ticket.caller_phone,
    Ticket.follow_up_on,
    Ticket.follow_up_note,
    Ticket.customer,
    Ticket.duplicate_of,
)

CHANGED_MEANWHILE = "Inzwischen ist an diesem Ticket etwas geschehen. Bitte prüfen Sie, ob Ihre Eingabe noch passt."


@contextmanager
def staff_action(ticket: Ticket, by: Staff, seen: int, now: datetime) -> Iterator[Callable[..., Event]]:
    """Open the transaction of a staff action and yield its recorder; raises EditConflict if events followed `seen`.

    While undo.py can restore what was before, no mail of the ticket leaves.
    """
    with locked_ticket(ticket):
        newer = list(ticket.events.where(Event.id > seen).order_by(Event.id))
        if newer:
            raise EditConflict(CHANGED_MEANWHILE, newer)
        columns = {field.name: ticket.__data__[field.name] for field in CHANGEABLE}
        waiting = [mail.id for mail in ticket.messages.select(Message.id).where(outbox.IS_WAITING)]
        of_link = TicketLink.id, TicketLink.approver, TicketLink.expires_at, TicketLink.revoked_at
        links = list(ticket.links.select(*of_link).tuples())
        before = {"seen": seen, "columns": columns, "waiting": waiting, "links": links}
        ticket.first_action_at = ticket.first_action_at or now

        def record(kind: EventKind, text: str = "", **more: Any) -> Event:
            return events.record(ticket, kind, by.name, now, text, **more)

        yield record
        if event := ticket.events.where(Event.id > seen).order_by(Event.id.desc()).first():
            outbox.hold(event, waiting)
            event.before = json.dumps(before, default=str)
            event.save(only=[Event.before])


@contextmanager
def locked_ticket(ticket: Ticket) -> Iterator[None]:
    """Open the transaction of one change of a ticket: update the object from the database, and save it at the end."""
    with transaction():
        current = Ticket.get_by_id(ticket.id)
        for field in CHANGEABLE:
            setattr(ticket, field.name, getattr(current, field.name))
        yield
        ticket.save(only=CHANGEABLE)


def close(ticket: Ticket, status: TicketStatus, now: datetime) -> None:
    """Close a ticket and cancel its approval request and follow-up, within the caller's transaction."""
    ticket.status = status
    ticket.follow_up_on, ticket.follow_up_note = None, ""
    ticket.closed_at = now
    cancel_approval_request(ticket)
    search.update_state(ticket)


def cancel_approval_request(ticket: Ticket) -> None:
    """Cancel the next reminder and discard unsent approval mails, within the caller's transaction."""
    ticket.remind_at = None
    is_request = Message.kind.in_((MessageKind.APPROVAL_WANTED, MessageKind.REMINDER))
    outbox.discard_where((Message.ticket == ticket) & is_request)


def require(condition: object, sentence: str) -> None:
    """Raise UserError with a sentence unless the condition holds."""
    if not condition:
        raise UserError(sentence)
