"""How a ticket changes: in one transaction, as it is now, with its history, and not behind anybody's back."""

from contextlib import contextmanager

from database import transaction
from models import Event, Ticket
from services import search
from services.errors import EditConflict, UserError
from services.mail import outbox
from services.tickets import events

# What changes of a ticket; all else is as it was when the ticket was opened.
_CHANGEABLE = (
    Ticket.status,
    Ticket.approval,
    Ticket.assignee,
    Ticket.remind_at,
    Ticket.reminders,
    Ticket.replied_at,
    Ticket.first_action_at,
    Ticket.closed_at,
)


CHANGED_MEANWHILE = "Inzwischen ist an diesem Ticket etwas geschehen. Bitte prüfen Sie, ob Ihre Eingabe noch passt."


@contextmanager
def staff_action(ticket, by, seen, now):
    """Open the transaction of one verb of the office's, which is told by its record; raises Outdated."""
    with locked_ticket(ticket):
        newer = list(ticket.events.where(Event.id > seen).order_by(Event.id))
        if newer:
            raise EditConflict(CHANGED_MEANWHILE, newer)
        ticket.first_action_at = ticket.first_action_at or now

        def record(kind, text=""):
            events.record(ticket, kind, by.name, now, text)

        yield record


@contextmanager
def locked_ticket(ticket):
    """Open the transaction of one change of the ticket as it is now, and save it."""
    with transaction():
        current = Ticket.get_by_id(ticket.id)
        for field in _CHANGEABLE:
            setattr(ticket, field.name, getattr(current, field.name))
        ticket.customer = current.customer
        yield
        ticket.save(only=_CHANGEABLE)


def close(ticket, status, now):
    """Close a ticket, within the transaction of its change; nobody is reminded of it any more."""
    ticket.status = status
    ticket.closed_at = now
    cancel_approval_request(ticket)
    search.update_state(ticket)


def cancel_approval_request(ticket):
    """Ask nobody for a decision any more, within the transaction of the change; what waits to ask goes nowhere."""
    ticket.remind_at = None
    outbox.discard_approval_requests(ticket)


def require(condition, sentence):
    """Refuse with a sentence what cannot be done; raises UserError."""
    if not condition:
        raise UserError(sentence)
