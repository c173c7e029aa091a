"""The outbox: what is to leave the house, put there in the transaction of what it tells, and nowhere else."""

import secrets

from models import Message, TicketLink
from settings import settings
from words import MAX_SUBJECT_LENGTH, MessageState


def put(kind, body, now, **facts):
    """Put a message into the outbox, within the transaction of what it tells, and return it."""
    facts["subject"] = _one_line(facts.get("subject", ""))
    return Message.create(kind=kind, body=body, message_id=_message_id(), created_at=now, due_at=now, **facts)


def discard_to(approver):
    """Discard what an approver has not got yet, within the transaction in which they are removed."""
    links = TicketLink.select(TicketLink.id).where(TicketLink.approver == approver)
    open_states = (MessageState.WAITING, MessageState.FAILED)
    Message.update(state=MessageState.DISCARDED).where(
        Message.link.in_(links), Message.state.in_(open_states)
    ).execute()


def _one_line(text):
    """Return a text without anything that could end a header's line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:MAX_SUBJECT_LENGTH]


def _message_id():
    return f"<{secrets.token_urlsafe(16)}@{settings.sender.rpartition('@')[2]}>"
