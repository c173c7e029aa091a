"""The way out: take from the outbox what is due, hand it over, and note what came of it.

A message is leased before it is handed over, so that nobody else takes it meanwhile, and marked as sent when the other
side has said yes. Who is killed between the two leaves it to the end of the lease: then it goes once more, as the same
message.
"""

import logging
import re
import time
from datetime import timedelta

from peewee import Case

from database import transaction
from enums import MAX_ERROR_LENGTH, MessageKind, MessageState
from models import Message
from services.mail import access_links, smtp, webhook
from services.mail.outbox import LEASE, ConnectionLost, DeliveryError, ServerUnavailable, is_not_leased, one_line
from settings import settings

log = logging.getLogger(__name__)

# How long to wait after the first failed try, the second and so on; the last is for all that follow.
RETRY_DELAYS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 3 * 60, 6 * 60, 12 * 60)]

# When nothing can be handed over, one try speaks for all messages; so it costs little to look again soon.
MAX_DELAY_WHEN_UNAVAILABLE = timedelta(hours=1)

# One message may have what breaks the line; when so many do in a row, it is the other side.
LOST_IN_A_ROW = 3

BROKEN = "Das Portal kann diese Nachricht nicht verschicken; den Grund nennt das Protokoll des Servers."


def deliver_due(now):
    """Hand over all that is due and return how many mails were sent."""
    deliver_webhooks(now)
    return deliver_mails(now)


def deliver_mails(now, is_stopping=lambda: False):
    """Hand over all mails that are due, unless somebody stops us, and return how many were sent."""
    if not settings.smtp_url:
        return 0
    return _deliver(Message.kind != MessageKind.WEBHOOK, smtp.SmtpTransport(), now, is_stopping)


def deliver_webhooks(now, is_stopping=lambda: False):
    """Tell the other system all that is due, unless somebody stops us, and return how many messages were sent."""
    if not settings.webhook_url:
        return 0
    return _deliver(Message.kind == MessageKind.WEBHOOK, webhook.WebhookTransport(), now, is_stopping)


def _deliver(is_kind, transport, now, is_stopping):
    began, sent, lost = time.monotonic(), 0, 0

    def current_time():
        return now + timedelta(seconds=time.monotonic() - began)

    with transport:
        while not is_stopping() and (message := _lease(is_kind, current_time())):
            try:
                transport.deliver(message, current_time())
            except ServerUnavailable as error:
                _record_failure(_is_leased(message), str(error), current_time(), MAX_DELAY_WHEN_UNAVAILABLE)
                _record_failure(
                    _is_due(is_kind, current_time()), str(error), current_time(), MAX_DELAY_WHEN_UNAVAILABLE
                )
                break
            except DeliveryError as error:
                _record_failure(_is_leased(message), _redacted(str(error), message), current_time())
                lost = lost + 1 if isinstance(error, ConnectionLost) else 0
                if lost == LOST_IN_A_ROW:
                    _record_failure(
                        _is_due(is_kind, current_time()),
                        _redacted(str(error), message),
                        current_time(),
                        MAX_DELAY_WHEN_UNAVAILABLE,
                    )
                    break
            except Exception:
                log.exception("Eine Nachricht ließ sich nicht verschicken.")
                _record_failure(_is_leased(message), BROKEN, current_time())
            else:
                _mark_sent(message, current_time())
                sent, lost = sent + 1, 0
    return sent


def _lease(is_kind, now):
    """Take the next message that is due for oneself alone, or None; most looks find none and so write nothing."""
    is_due = _is_due(is_kind, now)
    if not Message.select(Message.id).where(is_due).exists():
        return None
    with transaction():
        message = Message.select().where(is_due).order_by(Message.due_at, Message.id).first()
        if message:
            message.leased_until = now + LEASE
            message.save(only=[Message.leased_until])
    return message


def _is_due(is_kind, now):
    return (Message.state == MessageState.WAITING) & (Message.due_at <= now) & is_kind & is_not_leased(now)


def _is_leased(message):
    """Return the condition that a message is still ours: we may have slept, and somebody else took it over."""
    is_waiting = Message.state == MessageState.WAITING
    return (Message.id == message.id) & is_waiting & (Message.leased_until == message.leased_until)


def _record_failure(which, sentence, now, longest=RETRY_DELAYS[-1]):
    """Note a failed try at messages: when the next one is due, or that it was the last."""
    patience_ends = now - timedelta(days=settings.mail_give_up_days)
    is_too_old = Message.failing_since <= patience_ends
    next_try = [now + min(pause, longest) for pause in RETRY_DELAYS]
    due_at = Case(
        Message.attempts,
        [(tried, Message.due_at.db_value(moment)) for tried, moment in enumerate(next_try)],
        Message.due_at.db_value(next_try[-1]),
    )
    state = Case(None, [(is_too_old, MessageState.FAILED.value)], MessageState.WAITING.value)
    with transaction():
        Message.update(failing_since=now).where(which, Message.failing_since.is_null()).execute()
        Message.update(
            state=state,
            attempts=Message.attempts + 1,
            due_at=due_at,
            last_error=one_line(sentence, MAX_ERROR_LENGTH),
            leased_until=None,
        ).where(which).execute()


def _mark_sent(message, now):
    with transaction():
        Message.update(
            state=MessageState.SENT,
            sent_at=now,
            attempts=Message.attempts + 1,
            failing_since=None,
            leased_until=None,
            last_error="",
        ).where(Message.id == message.id).execute()


def _redacted(sentence, message):
    """Return a sentence without the token of a message's link: a filter for spam may quote an address it dislikes.

    It may quote a piece of it, or break it as mails break long lines, or as answers do.
    """
    if message.link is None:
        return sentence
    token = access_links.insert_token(message.link.nonce, message.link)
    paths = "|".join(access_links.PATHS.values())
    piece = rf"((?:{paths})(?:/|%2F))(?:\s*[\w-]){{1,{len(token)}}}[^\s“]*"
    whole_lines = re.sub(r"=\s+", "", sentence)
    return re.sub(piece, r"\1…", whole_lines, flags=re.IGNORECASE).replace(token, "…")
