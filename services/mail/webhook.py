"""Webhook: posts each event of a ticket to another system as signed JSON, in the form of Standard Webhooks."""

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from enums import MessageKind, format_code
from models import Event, Message, Ticket
from services.mail import outbox
from services.mail.connection_errors import ProtocolError, error_sentence
from services.mail.outbox import ConnectionLost, DeliveryError, ServerUnavailable
from settings import settings

# The longest wait for one step, of which a message takes a handful.
STEP_SECONDS = 20

PEER = "Der Empfänger des Webhooks"


def deliver(message: Message, now: datetime) -> None:
    """Post a message and return when the other system has accepted it; raises DeliveryError."""
    url = urlsplit(settings.webhook_url)
    body = message.body.encode()
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=STEP_SECONDS)
    try:
        connection.connect()
    except OSError as error:
        raise ServerUnavailable(error_sentence(error, PEER)) from None
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("POST", target, body, _headers(message.message_id, body, now))
        # Only status and headers are read; http.client limits their size.
        status = connection.getresponse().status
    except OSError as error:
        raise ConnectionLost(error_sentence(error, PEER)) from None
    except HTTPException:
        raise ConnectionLost(error_sentence(ProtocolError(), PEER)) from None
    finally:
        connection.close()
    if 300 <= status < 400:
        raise DeliveryError(f"{PEER} leitet weiter (Status {status}); das Portal folgt ihm nicht.")
    if not 200 <= status < 300:
        raise DeliveryError(f"{PEER} antwortet mit dem Fehler {status}.")


def announce(event: Event, ticket: Ticket, now: datetime) -> None:
    """Put an event into the outbox, within the event's transaction, if a webhook is configured."""
    if settings.webhook_url:
        body = json.dumps(_payload(event, ticket), ensure_ascii=False)
        outbox.put(MessageKind.WEBHOOK, body, now, ticket=ticket, subject=event.kind.label)


def _payload(event: Event, ticket: Ticket) -> dict[str, dict[str, object]]:
    submission, customer, at = ticket.submission, ticket.customer, _timestamp(event.at)
    of_event = {"id": event.id, "kind": event.kind, "at": at, "actor": event.actor, "text": event.text}
    of_ticket = {
        "code": format_code(submission.code),
        "url": f"{settings.url}/verwaltung/ticket/{submission.code}",
        "category": ticket.category,
        "priority": ticket.priority,
        "summary": submission.summary,
        "status": ticket.status,
        "approval": ticket.approval,
        "customer": {"number": customer.number, "name": customer.name},
        "assignee": ticket.assignee and ticket.assignee.name,
        "due_on": ticket.due_on and ticket.due_on.isoformat(),
        "created_at": _timestamp(ticket.created_at),
        "first_action_at": _timestamp(ticket.first_action_at),
        "closed_at": _timestamp(ticket.closed_at),
    }
    return {"event": of_event, "ticket": of_ticket}


def _timestamp(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def _headers(message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    # The part before the @ is random, and has none of the dots that separate what is signed.
    id, timestamp = message_id[1:].partition("@")[0], int(now.timestamp())
    signed = f"{id}.{timestamp}.".encode() + body
    digest = hmac.new(settings.webhook_secret.encode(), signed, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Meldeportal",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
