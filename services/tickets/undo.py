"""Undo what staff did last with a ticket: for some seconds, while nothing followed and no mail about it has left.

`Event.before` holds what the action changed. The ticket's next event empties it, and the sender when it takes a mail of
the ticket: each in its own transaction, so an undo finds it empty or comes first.
"""

import json
from datetime import datetime
from math import ceil

from enums import EventKind
from models import Attachment, Event, Staff, Ticket
from services import search
from services.mail import access_links, outbox
from services.tickets import actions, events
from services.tickets.locking import CHANGEABLE, locked_ticket, require
from settings import settings

TOO_LATE = (
    "Sie können das nicht mehr rückgängig machen, weil die Zeit dafür vorbei oder an diesem Ticket inzwischen etwas "
    "geschehen ist."
)


def seconds_left(event: Event, now: datetime) -> int:
    """Return for how many seconds the action that an event ended can still be undone, or 0."""
    left = ceil(settings.undo_seconds - (now - event.at).total_seconds())
    return max(0, left) if event.before else 0


def undo(ticket: Ticket, by: Staff, seen: int, now: datetime) -> None:
    """Undo the action whose last event the person saw, and put one event in place of its own; raises UserError."""
    with locked_ticket(ticket):
        last = ticket.events.order_by(Event.id.desc()).get()
        require(last.id == seen and seconds_left(last, now), TOO_LATE)
        before = json.loads(last.before)
        other = ticket.duplicate_of
        if other and other.id != before["columns"]["duplicate_of"]:
            is_about_this = (Event.kind == EventKind.DUPLICATE) & (Event.text == actions.duplicate_text(ticket))
            Event.delete().where(Event.ticket == other, is_about_this).execute()
        for field in CHANGEABLE:
            setattr(ticket, field.name, field.python_value(before["columns"][field.name]))
        undone = list(ticket.events.where(Event.id > before["seen"]).order_by(Event.id))
        outbox.take_back(undone, before["waiting"])
        access_links.restore(ticket, before["links"], now)
        search.reindex(ticket)
        text = "\n".join(": ".join(filter(None, (event.kind.label, event.text))) for event in undone)
        event = events.record(ticket, EventKind.UNDONE, by.name, now, text)
        Attachment.update(event=event).where(Attachment.event.in_(undone)).execute()
        Event.delete().where(Event.id.in_(undone)).execute()
