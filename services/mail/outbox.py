"""The outbox: what is to leave the house, put there in the transaction of what it tells, and nowhere else."""

import secrets
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from peewee import JOIN, fn

from database import transaction
from enums import MAX_SUBJECT_LENGTH, LabelledEnum, MessageKind, MessageState
from models import Message, Submission, Ticket, TicketLink
from settings import settings

PAGE_SIZE = 50

# Longer than a message can take from the lease to the mark.
LEASE = timedelta(minutes=10)

OPEN_STATES = (MessageState.WAITING, MessageState.FAILED)

IS_FAILING = Message.failing_since.is_null(False)
IS_MAIL = Message.kind != MessageKind.WEBHOOK


class OutboxFilter(LabelledEnum):
    """What the office wants to see of the outbox."""

    ALL = "all", "Alle"
    FAILING = "failing", "Nicht zustellbar"
    WAITING = "waiting", "Wartet"
    SENT = "sent", "Gesendet"
    DISCARDED = "discarded", "Verworfen"


_ON_SHELF = {
    OutboxFilter.ALL: None,
    OutboxFilter.FAILING: IS_FAILING,
    OutboxFilter.WAITING: Message.state == MessageState.WAITING,
    OutboxFilter.SENT: Message.state == MessageState.SENT,
    OutboxFilter.DISCARDED: Message.state == MessageState.DISCARDED,
}

# What has not gone yet; the office may decide that it never will.
DISCARDABLE = (OutboxFilter.FAILING, OutboxFilter.WAITING)


class MailStatus(NamedTuple):
    """How it stands with the mails."""

    waiting: int
    last_sent_at: datetime | None


class DeliveryError(Exception):
    """A message stays here for now; the text is a German sentence for the office, with the answer that came."""


class ConnectionLost(DeliveryError):
    """The connection broke while a message was handed over; the next message may fare better."""


class ServerUnavailable(DeliveryError):
    """Nothing at all can be handed over: this concerns every message that is due."""


def put(kind, body, now, **facts):
    """Put a message into the outbox, within the transaction of what it tells, and return it."""
    facts["subject"] = one_line(facts.get("subject", ""), MAX_SUBJECT_LENGTH)
    return Message.create(kind=kind, body=body, message_id=_message_id(), created_at=now, due_at=now, **facts)


def discard_for_approver(approver):
    """Discard what an approver has not got yet, within the transaction in which they are removed."""
    _discard(Message.link.in_(TicketLink.select(TicketLink.id).where(TicketLink.approver == approver)))


def failing_since():
    """Return since when the oldest message that cannot be delivered has been failing, or None: one look at an index."""
    return Message.select(Message.failing_since).where(IS_FAILING).order_by(Message.id).limit(1).scalar()


def failing():
    """Return the query of what cannot be delivered, for now or for good, newest first."""
    return _with_ticket().where(IS_FAILING).order_by(Message.id.desc())


def mail_status():
    """Return how it stands with the mails."""
    waiting = Message.select().where(IS_MAIL, Message.state == MessageState.WAITING).count()
    sent = Message.select(Message.sent_at).where(IS_MAIL, Message.sent_at.is_null(False))
    return MailStatus(waiting, sent.order_by(Message.sent_at.desc()).limit(1).scalar())


def count_mails(ticket):
    """Return the shelves with mails about a ticket and how many each has; what fails does not count as waiting."""
    mails = Message.select(Message.state, Message.failing_since).where(Message.ticket == ticket, IS_MAIL).tuples()
    counts = Counter(OutboxFilter.FAILING if failing_since else OutboxFilter(state) for state, failing_since in mails)
    return [(outbox_filter, counts[outbox_filter]) for outbox_filter in OutboxFilter if outbox_filter in counts]


def page(outbox_filter, before=None, ticket=None):
    """Return a page of a shelf, newest first, and where the next page begins, or None.

    `before` is what the last page gave as the beginning of this one; with a ticket it has only what concerns that.
    """
    query = _with_ticket().order_by(Message.id.desc()).limit(PAGE_SIZE + 1)
    for condition in (
        _ON_SHELF[outbox_filter],
        Message.id < before if before else None,
        ticket and Message.ticket == ticket,
    ):
        if condition is not None:
            query = query.where(condition)
    rows = list(query)
    return rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None


def past_retention(moment):
    """Return the query of what was sent longer ago than the configured days at a moment, or will never be sent.

    What was discarded or given up counts from when it was written; what waits is kept.
    """
    limit = moment - timedelta(days=settings.mail_days)
    is_over = Message.state.in_((MessageState.FAILED, MessageState.DISCARDED)) & (Message.created_at < limit)
    # In no order: each half has its index.
    return Message.select().where((Message.sent_at < limit) | is_over)


def count_and_newest_id(outbox_filter):
    """Return how many messages are on a shelf at this moment, and the newest one's id."""
    return (
        Message.select(fn.COUNT(Message.id), fn.MAX(Message.id)).where(_ON_SHELF[outbox_filter]).scalar(as_tuple=True)
    )


def find(message_id):
    """Return a message with its ticket and link, or None."""
    return _with_ticket().where(Message.id == message_id).get_or_none()


def redacted_text(message):
    """Return the text of a message as the office may see it: what stands for a link's token shows nothing of it."""
    return message.body.replace(message.link.nonce, "…") if message.link else message.body


def is_transport_configured(kind):
    """Say whether the settings tell whom to hand messages of a kind to."""
    return bool(settings.webhook_url if kind is MessageKind.WEBHOOK else settings.smtp_url)


def is_being_sent(message, now):
    """Say whether a message is handed over in these moments."""
    return is_transport_configured(message.kind) and message.state is MessageState.WAITING and message.due_at <= now


def can_retry():
    """Say whether anything that cannot be delivered may fare better in a new try."""
    kinds = Message.select(Message.kind).where(IS_FAILING).order_by(Message.id).tuples()
    return any(is_transport_configured(kind) for (kind,) in kinds)


def retry(message, now):
    """Let a message go once more, now, and for as long as a new one; it counts as failing until it is there."""
    _retry(Message.id == message.id, now)


def retry_all(now):
    """Let all go once more that cannot be delivered."""
    _retry(IS_FAILING, now)


def discard(message, now):
    """Let a message not go after all, unless it is on its way in this moment."""
    with transaction():
        _discard((Message.id == message.id) & is_not_leased(now))


def discard_all(outbox_filter, newest_id, now):
    """Let nothing on a shelf go, up to the newest that somebody saw there, unless it is on its way in this moment."""
    with transaction():
        _discard(_ON_SHELF[outbox_filter] & (Message.id <= newest_id) & is_not_leased(now))


def discard_approval_requests(ticket):
    """Discard what would still ask for a decision about a ticket, within the transaction that makes it needless."""
    _discard((Message.ticket == ticket) & Message.kind.in_((MessageKind.APPROVAL_WANTED, MessageKind.REMINDER)))


def discard_webhooks():
    """Discard what the other system has not heard yet, because it is to hear nothing more."""
    with transaction():
        _discard(Message.kind == MessageKind.WEBHOOK)


def unsent_with_link(link):
    """Return the messages with a link that have not left yet."""
    return list(Message.select().where(Message.link == link, Message.state.in_(OPEN_STATES)))


def replace_link(messages, link, fresh):
    """Let messages lead to a fresh link in place of a revoked one, within the transaction that revokes it."""
    for message in messages:
        message.body = message.body.replace(link.nonce, fresh.nonce)
        message.link = fresh
        message.save(only=[Message.body, Message.link])


def one_line(text, limit):
    """Return a text without anything that could end a line, cut to its limit.

    Python takes an encoded word in a header for what it stands for, and that may hold a line's end.
    """
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.replace("=?", "= ?").split())[:limit]


def is_not_leased(now):
    """Return the condition that nobody holds a message to deliver it."""
    # Nobody leases for longer; somebody's clock was ahead.
    is_too_long = Message.leased_until > now + 2 * LEASE
    return Message.leased_until.is_null() | (Message.leased_until <= now) | is_too_long


def _with_ticket():
    return (
        Message.select(Message, Ticket, Submission, TicketLink)
        .join(Ticket, JOIN.LEFT_OUTER)
        .join(Submission, JOIN.LEFT_OUTER)
        .switch(Message)
        .join(TicketLink, JOIN.LEFT_OUTER)
    )


def _retry(which, now):
    is_open = Message.state.in_(OPEN_STATES)
    with transaction():
        Message.update(failing_since=now).where(which, is_open, IS_FAILING).execute()
        Message.update(state=MessageState.WAITING, due_at=now, attempts=0).where(which, is_open).execute()


def _discard(which):
    changes = {"state": MessageState.DISCARDED, "failing_since": None}
    Message.update(changes).where(which, Message.state.in_(OPEN_STATES)).execute()


def _message_id():
    return f"<{secrets.token_urlsafe(16)}@{settings.sender.rpartition('@')[2]}>"
