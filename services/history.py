"""What happened to a ticket, line by line."""

from models import Event

# Who does what nobody does in person.
PORTAL = "Portal"


def record(ticket, kind, actor, now, text="", draft=None):
    """Add a line to a ticket's history, within the transaction of what it tells, and return it."""
    return Event.create(ticket=ticket, at=now, kind=kind, actor=actor, text=text, draft=draft)
