"""The way out: take from the outbox what is due, hand it over, and note what came of it."""

import logging
import smtplib
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from models import Message, transaction
from services import mime
from settings import settings
from words import MessageState

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20
LEASE = timedelta(minutes=10)


def deliver_due(now):
    """Hand over all mails that are due and return how many were sent."""
    if not settings.smtp_url:
        return 0
    due = Message.select().where(Message.state == MessageState.WAITING, Message.due_at <= now).order_by(Message.id)
    ids = [message.id for message in due]
    if not ids:
        return 0
    url = urlsplit(settings.smtp_url)
    with smtplib.SMTP(url.hostname, url.port or 587, timeout=TIMEOUT_SECONDS) as server:
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        for id in ids:
            server.send_message(mime.as_mail(Message.get_by_id(id)))
            with transaction():
                Message.update(state=MessageState.SENT, sent_at=now).where(Message.id == id).execute()
    return len(ids)
