"""Delivery: take due messages from the outbox, hand them over, record the result.

A message is leased before it is handed over, so that no other process takes it, and marked as sent when the other side
has accepted it. After a crash between the two, the same message is sent again when the lease has ended.
"""

import logging
import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from peewee import Case, Expression, ModelUpdate, fn

from database import database, transaction
from enums import MAX_ERROR_LENGTH, MessageKind, MessageState
from models import Event, Message
from services.mail import access_links, smtp, webhook
from services.mail.outbox import (
    IS_MAIL,
    LEASE,
    ConnectionLost,
    DeliveryError,
    ServerUnavailable,
    is_not_leased,
    one_line,
)
from services.security import account_links
from settings import settings

log = logging.getLogger(__name__)

# The pause after the first failed attempt, the second and so on; the last is for all that follow.
RETRY_DELAYS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 3 * 60, 6 * 60, 12 * 60)]

# An unavailable server costs one attempt for all messages, so it can be tried often.
MAX_DELAY_WHEN_UNAVAILABLE = timedelta(hours=1)

# A single message may break the connection; after this many in a row the server counts as unavailable.
MAX_LOST_IN_A_ROW = 3

BROKEN = "Das Portal kann diese Nachricht nicht verschicken; den Grund nennt das Protokoll des Servers."


def deliver_mails(now: datetime, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Deliver all due mails and return how many were sent; the rest waits as soon as `is_stopping` returns True."""
    if not settings.smtp_url:
        return 0
    with closing(smtp.SmtpTransport()) as transport:
        return _deliver(IS_MAIL, transport.deliver, now, is_stopping)


def deliver_webhooks(now: datetime, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Deliver all due webhooks and return how many were sent; is_stopping as in deliver_mails."""
    if not settings.webhook_url:
        return 0
    return _deliver(Message.kind == MessageKind.WEBHOOK, webhook.deliver, now, is_stopping)


def _deliver(
    is_kind: Expression, hand_over: Callable[[Message, datetime], None], now: datetime, is_stopping: Callable[[], bool]
) -> int:
    began, sent, lost = time.monotonic(), 0, 0
    results: list[ModelUpdate] = []

    def current_time() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    # The result of a message and the lease of the next are one commit: clients that write wait for it and may notice.
    while (message := None if is_stopping() else _next_due(is_kind, current_time())) or results:
        leases = _lease(message, current_time()) if message else []
        is_leased = _write(*results, *leases) > 0
        results = []
        if message is None or not is_leased:
            continue
        try:
            hand_over(message, current_time())
        except DeliveryError as error:
            sentence = _redacted(str(error), message)
            is_unavailable = isinstance(error, ServerUnavailable)
            results.append(_failure(_is_leased(message), sentence, current_time(), is_unavailable))
            lost = lost + 1 if isinstance(error, ConnectionLost) else 0
            if is_unavailable or lost == MAX_LOST_IN_A_ROW:
                # This leaves none that could be leased.
                results.append(_failure(_is_due(is_kind, current_time()), sentence, current_time(), True))
        except Exception:
            log.exception("Eine Nachricht ließ sich nicht verschicken.")
            results.append(_failure(_is_leased(message), BROKEN, current_time()))
        else:
            results.append(_success(message, current_time()))
            sent, lost = sent + 1, 0
    return sent


def _next_due(is_kind: Expression, now: datetime) -> Message | None:
    return Message.select().where(_is_due(is_kind, now)).order_by(Message.due_at, Message.id).first()


def _lease(message: Message, now: datetime) -> list[ModelUpdate]:
    """Return the queries that lease a message, unless another process has leased it or somebody undid it meanwhile."""
    message.leased_until = now + LEASE
    is_still_due = _is_due(Message.id == message.id, now)
    lease = Message.update(leased_until=message.leased_until).where(is_still_due)
    # What may have been read cannot be undone; webhooks leave at once and report an undo, too.
    is_undoable = (Event.ticket == message.ticket_id) & Event.before.is_null(False)
    is_final = message.ticket_id and message.kind is not MessageKind.WEBHOOK
    return [Event.update(before=None).where(is_undoable), lease] if is_final else [lease]


def _write(*queries: ModelUpdate) -> int:
    """Run queries in one transaction and return how many rows the last one changed."""
    # Nobody waits while the SQL is built.
    statements = [query.sql() for query in queries]
    with transaction():
        for sql, parameters in statements:
            cursor = database.execute_sql(sql, parameters)
    return cursor.rowcount


def _is_due(is_kind: Expression, now: datetime) -> Expression:
    return (Message.state == MessageState.WAITING) & (Message.due_at <= now) & is_kind & is_not_leased(now)


def _is_leased(message: Message) -> Expression:
    """Return the condition that the lease of a message is still ours: another process may have taken it over."""
    is_waiting = Message.state == MessageState.WAITING
    return (Message.id == message.id) & is_waiting & (Message.leased_until == message.leased_until)


def _failure(which: Expression, sentence: str, now: datetime, is_unavailable: bool = False) -> ModelUpdate:
    """Return the query that records a failed attempt: when the next one is due, or that it was the last."""
    longest = MAX_DELAY_WHEN_UNAVAILABLE if is_unavailable else RETRY_DELAYS[-1]
    failing_since = fn.COALESCE(Message.failing_since, Message.failing_since.db_value(now))
    is_too_old = failing_since <= Message.failing_since.db_value(now - timedelta(days=settings.mail_give_up_days))
    next_attempts = [Message.due_at.db_value(now + min(delay, longest)) for delay in RETRY_DELAYS]
    return Message.update(
        state=Case(None, [(is_too_old, MessageState.FAILED.value)], MessageState.WAITING.value),
        attempts=Message.attempts + 1,
        due_at=Case(Message.attempts, list(enumerate(next_attempts)), next_attempts[-1]),
        failing_since=failing_since,
        last_error=one_line(sentence, MAX_ERROR_LENGTH),
        leased_until=None,
    ).where(which)


def _success(message: Message, now: datetime) -> ModelUpdate:
    """Return the query that records that a message was sent."""
    return Message.update(
        state=MessageState.SENT,
        sent_at=now,
        attempts=Message.attempts + 1,
        failing_since=None,
        leased_until=None,
        last_error="",
    ).where(Message.id == message.id)


def _redacted(sentence: str, message: Message) -> str:
    """Return a sentence without the token of a message's link: a spam filter may quote an address it rejects.

    It may quote only a part, or break it in the way of long lines in mails or answers.
    """
    if message.kind is MessageKind.INVITATION:
        token = account_links.token_in(message.body)
    elif message.link:
        token = access_links.insert_token(message.link.nonce, message.link)
    else:
        return sentence
    paths = "|".join((*access_links.PATHS.values(), account_links.PATH))
    piece = rf"((?:{paths})(?:/|%2F))(?:\s*[\w-]){{1,{len(token)}}}[^\s“]*"
    whole_lines = re.sub(r"=\s+", "", sentence)
    return re.sub(piece, r"\1…", whole_lines, flags=re.IGNORECASE).replace(token, "…")
