"""The outbox: mails and webhooks, each stored in the transaction of the event that it reports, and sent later."""

import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from peewee import JOIN, Expression, ModelSelect, fn

from database import transaction
from enums import MAX_SUBJECT_LENGTH, LabelledEnum, MessageKind, MessageState
from i18n.typed_text import clean_line
from models import Contact, Event, Message, Submission, Ticket, TicketLink
from settings import settings

PAGE_SIZE = 50

# How long a message is leased to one process: longer than one attempt can take (see smtp.STEP_SECONDS).
LEASE = timedelta(minutes=15)

OPEN_STATES = (MessageState.WAITING, MessageState.FAILED)

IS_FAILING = Message.failing_since.is_null(False)
IS_WAITING = Message.state == MessageState.WAITING
IS_MAIL = Message.kind != MessageKind.WEBHOOK


class OutboxFilter(LabelledEnum):
    """Which messages the page of the outbox shows."""

    ALL = "all", "Alle"
    FAILING = "failing", "Nicht zustellbar"
    WAITING = "waiting", "Wartet"
    SENT = "sent", "Gesendet"
    DISCARDED = "discarded", "Verworfen"


_CONDITIONS: dict[OutboxFilter, Expression | None] = {
    OutboxFilter.ALL: None,
    OutboxFilter.FAILING: IS_FAILING,
    OutboxFilter.WAITING: IS_WAITING,
    OutboxFilter.SENT: Message.state == MessageState.SENT,
    OutboxFilter.DISCARDED: Message.state == MessageState.DISCARDED,
}

# These show only unsent messages; the office may discard them all at once.
DISCARDABLE = (OutboxFilter.FAILING, OutboxFilter.WAITING)


class MailStatus(NamedTuple):
    """How many mails wait, and when the last one was sent."""

    waiting: int
    last_sent_at: datetime | None


class DeliveryError(Exception):
    """A message could not be delivered; the text is a German sentence for the office, with the server's answer."""


class ConnectionLost(DeliveryError):
    """The connection broke during a message; others may still be delivered."""


class ServerUnavailable(DeliveryError):
    """No message at all can be delivered."""


def put(kind: MessageKind, body: str, now: datetime, subject: str = "", **columns: object) -> Message:
    """Put a message into the outbox, within the transaction of the event that it reports, and return it."""
    subject = one_line(subject, MAX_SUBJECT_LENGTH)
    message_id = f"<{secrets.token_urlsafe(16)}@{settings.sender.rpartition('@')[2]}>"
    return Message.create(
        kind=kind, body=body, subject=subject, message_id=message_id, created_at=now, due_at=now, **columns
    )


def hold(event: Event, waiting: Collection[int]) -> None:
    """Hold back a ticket's mails, also those that waited before its newest event, while that can be undone."""
    due_at = Message.due_at.db_value(event.at + timedelta(seconds=settings.undo_seconds))
    is_held = (Message.ticket == event.ticket_id) & IS_MAIL & (IS_WAITING | Message.id.in_(waiting))
    Message.update(due_at=fn.MAX(Message.due_at, due_at)).where(is_held).execute()
    # An answer with files keeps the event that has them.
    has_files = (Message.kind == MessageKind.ANSWER) & Message.with_attachments
    Message.update(event=event).where(is_held, ~has_files).execute()


def take_back(events: Sequence[Event], waiting: Collection[int]) -> None:
    """Delete the mails of events, and put back those that they discarded, within the transaction that undoes them."""
    Message.delete().where(Message.event.in_(events), Message.id.not_in(waiting)).execute()
    was_discarded = Message.event.in_(events) & (Message.state == MessageState.DISCARDED)
    Message.update(state=MessageState.WAITING).where(was_discarded).execute()


def discard_for_approver(approver: Contact) -> None:
    """Discard the unsent mails to an approver, within the transaction that removes them."""
    to_approver = Message.link.in_(TicketLink.select(TicketLink.id).where(TicketLink.approver == approver))
    Message.update(event=None).where(to_approver).execute()
    discard_where(to_approver)


def failing_since() -> datetime | None:
    """Return since when the oldest undeliverable message has been failing, or None; one look-up in an index."""
    return Message.select(Message.failing_since).where(IS_FAILING).order_by(Message.id).limit(1).scalar()


def failing() -> ModelSelect:
    """Return the query of the messages that could not be delivered so far or were given up, newest first."""
    return _with_ticket().where(IS_FAILING).order_by(Message.id.desc())


def mail_status() -> MailStatus:
    """Return how many mails wait, and when the last one was sent."""
    waiting = Message.select().where(IS_MAIL, IS_WAITING).count()
    sent = Message.select(Message.sent_at).where(IS_MAIL, Message.sent_at.is_null(False))
    return MailStatus(waiting, sent.order_by(Message.sent_at.desc()).limit(1).scalar())


def count_mails(ticket: Ticket) -> list[tuple[OutboxFilter, int]]:
    """Return how many mails about a ticket each filter shows, without empty ones; a failing mail is not waiting."""
    mails = Message.select(Message.state, Message.failing_since).where(Message.ticket == ticket, IS_MAIL).tuples()
    counts = Counter(OutboxFilter.FAILING if failing_since else OutboxFilter(state) for state, failing_since in mails)
    return [(outbox_filter, counts[outbox_filter]) for outbox_filter in OutboxFilter if outbox_filter in counts]


def page(
    outbox_filter: OutboxFilter, before: int | None = None, ticket: Ticket | None = None
) -> tuple[list[Message], int | None]:
    """Return a page of messages, newest first, and the `before` of the next page, or None.

    before: the id of the last message on the page before. ticket: show only messages about this one.
    """
    query = _with_ticket().order_by(Message.id.desc()).limit(PAGE_SIZE + 1)
    if (condition := _CONDITIONS[outbox_filter]) is not None:
        query = query.where(condition)
    if before:
        query = query.where(Message.id < before)
    if ticket:
        query = query.where(Message.ticket == ticket)
    rows = list(query)
    return rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None


def past_retention(moment: datetime) -> ModelSelect:
    """Return the query of the messages whose retention period has ended.

    It counts from sending, or from writing for what was discarded or given up. Waiting messages are kept.
    """
    limit = moment - timedelta(days=settings.mail_days)
    is_over = Message.state.in_((MessageState.FAILED, MessageState.DISCARDED)) & (Message.created_at < limit)
    # Without an order, so that each half uses its index.
    return Message.select().where((Message.sent_at < limit) | is_over)


def count_and_newest_id(outbox_filter: OutboxFilter) -> tuple[int, int | None]:
    """Return how many messages a discardable filter shows, and the newest one's id."""
    count_and_id = Message.select(fn.COUNT(Message.id), fn.MAX(Message.id))
    return count_and_id.where(_CONDITIONS[outbox_filter]).scalar(as_tuple=True)


def find(message_id: int) -> Message | None:
    """Return a message with its ticket and link, or None."""
    return _with_ticket().where(Message.id == message_id).get_or_none()


def redacted_text(message: Message) -> str:
    """Return the text of a message as the office may see it: without the nonce of a link's token."""
    return message.body.replace(message.link.nonce, "…") if message.link else message.body


def is_transport_configured(kind: MessageKind) -> bool:
    """Say whether there is a mail server, or a webhook, for messages of a kind."""
    return bool(settings.webhook_url if kind is MessageKind.WEBHOOK else settings.smtp_url)


def is_being_sent(message: Message, now: datetime) -> bool:
    """Say whether a message is sent just now, or at the next tick of the sender."""
    return is_transport_configured(message.kind) and message.state is MessageState.WAITING and message.due_at <= now


def can_retry() -> bool:
    """Say whether there is a failing message with a server to send it to."""
    kinds = Message.select(Message.kind).where(IS_FAILING).order_by(Message.id).tuples()
    return any(is_transport_configured(kind) for (kind,) in kinds)


def retry(now: datetime, message: Message | None = None) -> None:
    """Retry a message, or all failing ones; the time until it is given up starts anew."""
    which = Message.id == message.id if message else IS_FAILING
    is_open = Message.state.in_(OPEN_STATES)
    with transaction():
        Message.update(failing_since=now).where(which, is_open, IS_FAILING).execute()
        Message.update(state=MessageState.WAITING, due_at=now, attempts=0).where(which, is_open).execute()


def discard(message: Message, now: datetime) -> None:
    """Discard an unsent message, unless it is leased."""
    with transaction():
        discard_where((Message.id == message.id) & is_not_leased(now))


def discard_all(outbox_filter: OutboxFilter, newest_id: int, now: datetime) -> None:
    """Discard all unsent messages that a filter shows, up to the newest one that the person saw, except leased ones."""
    with transaction():
        discard_where(_CONDITIONS[outbox_filter] & (Message.id <= newest_id) & is_not_leased(now))


def discard_where(which: Expression) -> None:
    """Discard the unsent messages that meet a condition, within a transaction."""
    # Undoing its event does not put it back.
    changes = {"state": MessageState.DISCARDED, "failing_since": None, "event": None}
    Message.update(changes).where(which, Message.state.in_(OPEN_STATES)).execute()


def one_line(text: str, limit: int) -> str:
    """Return a text without anything that could end a line, cut to so many characters.

    Encoded words ("=?utf-8?q?…?=") are broken up: Python decodes them in a header, and they may hold a line end.
    """
    printable = "".join(sign if sign.isprintable() else " " for sign in clean_line(text))
    return " ".join(printable.replace("=?", "= ?").split())[:limit]


def is_not_leased(now: datetime) -> Expression:
    """Return the condition that a message is free to be sent."""
    # A lease that ends later was made by a clock that was ahead.
    is_too_long = Message.leased_until > now + 2 * LEASE
    return Message.leased_until.is_null() | (Message.leased_until <= now) | is_too_long


def _with_ticket() -> ModelSelect:
    return (
        Message.select(Message, Ticket, Submission, TicketLink)
        .join(Ticket, JOIN.LEFT_OUTER)
        .join(Submission, JOIN.LEFT_OUTER)
        .switch(Message)
        .join(TicketLink, JOIN.LEFT_OUTER)
    )
