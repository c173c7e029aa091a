"""What happened to a ticket, line by line."""

from enums import EventKind
from models import Event
from services.mail import webhook

# After one of these nobody waits for an answer of the office any more.
STAFF_REACTIONS = frozenset(
    {
        EventKind.ANSWERED,
        EventKind.NOTED,
        EventKind.STARTED,
        EventKind.STARTED_EARLY,
        EventKind.WAITING,
        EventKind.DONE,
        EventKind.CANCELLED,
    }
)


def record(ticket, kind, actor, now, text="", submission_key=None):
    """Add a line to a ticket's history, within the transaction of what it tells, and return it.

    The ticket is given as it is after the event, for whoever is told of it by the webhook; whether a message from the
    customer waits is noted on it, to be saved with what else changes.
    """
    if kind is EventKind.REPLIED:
        ticket.replied_at = now
    elif kind in STAFF_REACTIONS:
        ticket.replied_at = None
    event = Event.create(ticket=ticket, at=now, kind=kind, actor=actor, text=text, draft=submission_key)
    webhook.announce(event, ticket, now)
    return event
