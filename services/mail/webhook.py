"""What tells a bigger system beside the portal of each event: signed JSON, in the form of Standard Webhooks."""

import hashlib
import hmac
import json
import ssl
from base64 import b64encode
from datetime import UTC
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from enums import MessageKind, format_code
from services.mail import outbox
from services.mail.connection import BoundedReader, Deadline, ProtocolError, error_sentence
from services.mail.outbox import ConnectionLost, DeliveryError, ServerUnavailable
from settings import settings

# How long the other side may take for one step, and for the whole answer.
STEP_SECONDS = 20
ANSWER_SECONDS = 60

PEER = "Der Empfänger des Webhooks"


class WebhookTransport:
    """The way to the other system; each message is a request of its own."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def deliver(self, message, now):
        """Post a message and return when the other side has said that it is fine; raises NotDelivered."""
        url = urlsplit(settings.webhook_url)
        body = message.body.encode()
        connection = _connect(url)
        try:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request("POST", target, body, _headers(message.message_id, body, now))
            # The rest of the answer is nobody's concern.
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


def announce(event, ticket, now):
    """Put what a system needs to know of an event into the outbox, within the event's transaction."""
    if settings.webhook_url:
        body = json.dumps({"event": _event_payload(event), "ticket": _ticket_payload(ticket)}, ensure_ascii=False)
        outbox.put(MessageKind.WEBHOOK, body, now, ticket=ticket, subject=event.kind.label)


def signature(id, timestamp, body):
    """Return what proves that a message comes from the portal, unchanged and at this time."""
    signed = f"{id}.{timestamp}.".encode() + body
    digest = hmac.new(settings.webhook_secret.encode(), signed, hashlib.sha256).digest()
    return f"v1,{b64encode(digest).decode()}"


def _event_payload(event):
    return {
        "id": event.id,
        "kind": event.kind,
        "at": _moment(event.at),
        "actor": event.actor,
        "text": event.text,
    }


def _ticket_payload(ticket):
    submission, customer = ticket.submission, ticket.customer
    return {
        "code": format_code(submission.code),
        "url": f"{settings.url}/verwaltung/ticket/{submission.code}",
        "category": ticket.category,
        "priority": submission.priority,
        "summary": submission.summary,
        "status": ticket.status,
        "approval": ticket.approval,
        "customer": {"number": customer.number, "name": customer.name},
        "assignee": ticket.assignee and ticket.assignee.name,
        "due_on": ticket.due_on and ticket.due_on.isoformat(),
        "created_at": _moment(ticket.created_at),
        "first_action_at": _moment(ticket.first_action_at),
        "closed_at": _moment(ticket.closed_at),
    }


def _moment(value):
    return value and value.astimezone(UTC).isoformat()


def _connect(url):
    """Return a connection to the other side; raises NobodyThere."""
    is_secure = url.scheme == "https"
    kind = partial(HTTPSConnection, context=ssl.create_default_context()) if is_secure else HTTPConnection
    connection = kind(url.hostname, url.port, timeout=STEP_SECONDS)
    connection.response_class = _response
    try:
        connection.connect()
    except OSError as error:
        raise ServerUnavailable(error_sentence(error, PEER)) from None
    return connection


def _response(sock, **options):
    return HTTPResponse(BoundedReader(sock, Deadline(ANSWER_SECONDS, STEP_SECONDS)), **options)


def _headers(message_id, body, now):
    # The part before the @ is random, and has none of the dots that part what is signed.
    id, timestamp = message_id[1:].partition("@")[0], int(now.timestamp())
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Meldeportal",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(id, timestamp, body),
    }
