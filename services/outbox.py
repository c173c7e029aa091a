"""The outbox: what is to leave the house, put there in the transaction of what it tells, and nowhere else."""

import secrets

from models import Message, TicketLink
from settings import settings
from words import MAX_SUBJECT_LENGTH, MessageState


class NotDelivered(Exception):
    """A message stays here for now; the text is a German sentence for the office, with the answer that came."""


class LineLost(NotDelivered):
    """The connection broke while a message was handed over; the next message may fare better."""


class NobodyThere(NotDelivered):
    """Nothing at all can be handed over: this concerns every message that is due."""


def put(kind, body, now, **facts):
    """Put a message into the outbox, within the transaction of what it tells, and return it."""
    facts["subject"] = one_line(facts.get("subject", ""), MAX_SUBJECT_LENGTH)
    return Message.create(kind=kind, body=body, message_id=_message_id(), created_at=now, due_at=now, **facts)


def discard_to(approver):
    """Discard what an approver has not got yet, within the transaction in which they are removed."""
    _discard(Message.link.in_(TicketLink.select(TicketLink.id).where(TicketLink.approver == approver)))


def one_line(text, limit):
    """Return a text without anything that could end a line, cut to its limit."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:limit]


def _discard(which):
    is_open = Message.state.in_([MessageState.WAITING, MessageState.FAILED])
    return Message.update(state=MessageState.DISCARDED, failing_since=None).where(which, is_open).execute()


def _message_id():
    return f"<{secrets.token_urlsafe(16)}@{settings.sender.rpartition('@')[2]}>"
