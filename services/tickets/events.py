"""The history of a ticket."""

from datetime import datetime

from enums import EventKind
from models import Event, Ticket
from services.mail import webhook

# Events that count as a reaction of staff to the customer's message.
STAFF_REACTIONS = (
    EventKind.ANSWERED,
    EventKind.NOTED,
    EventKind.STARTED,
    EventKind.STARTED_EARLY,
    EventKind.WAITING,
    EventKind.DONE,
    EventKind.CANCELLED,
)


def record(
    ticket: Ticket,
    kind: EventKind,
    actor: str,
    now: datetime,
    text: str = "",
    submission_key: str | None = None,
    minutes: int | None = None,
) -> Event:
    """Add an event to a ticket's history, within the transaction of the change, and return it.

    Call it after the change: the webhook reports the ticket's new state. The caller saves ticket.replied_at, set here.
    What was done before can no longer be undone. minutes: how long staff worked for it.
    """
    if kind is EventKind.REPLIED:
        ticket.replied_at = now
    elif kind in STAFF_REACTIONS:
        ticket.replied_at = None
    Event.update(before=None).where(Event.ticket == ticket, Event.before.is_null(False)).execute()
    columns = {"kind": kind, "actor": actor, "text": text, "draft": submission_key, "minutes": minutes or 0}
    event = Event.create(ticket=ticket, at=now, **columns)
    webhook.announce(event, ticket, now)
    return event
