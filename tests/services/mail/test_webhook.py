"""The webhook posts every event to another system, signed, and delays no mail."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from database import database
from enums import MessageKind, MessageState
from models import Message
from services.background import worker
from services.mail import delivery, webhook
from settings import Settings, StartError, settings
from tests.support.cast import NOW
from tests.support.servers.live_server import free_port
from tests.support.servers.mailbox import DIES, HANGS, path_in
from tests.support.servers.scripted_server import scripted_server

SECRET = "ein langes Geheimnis"


class System:
    """The other system: it checks signatures and keeps the events, unless it is told to fail."""

    def __init__(self):
        self.events, self.ids, self.requests = [], [], 0
        self.failure = 200
        self.is_closing = threading.Event()

    def take(self, handler):
        """Answer a request, or fail."""
        self.requests += 1
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if self.failure == HANGS:
            self.is_closing.wait()
        if self.failure in (HANGS, DIES):
            return
        # Kept before the answer, which the test waits for.
        if self.failure == 200 and self.is_signed(handler.headers, body):
            self.ids.append(handler.headers["webhook-id"])
            self.events.append(json.loads(body))
        handler.send_response(self.failure)
        handler.send_header("Location", "/woanders")
        handler.end_headers()

    @staticmethod
    def is_signed(headers, body):
        """Check a signature in the way that the handbook shows."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        return hmac.compare_digest(expected, headers["webhook-signature"])


@pytest.fixture
def system(app):
    """The other system, to which the portal posts its events."""
    other = System()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            other.take(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.webhook_url = f"http://127.0.0.1:{server.server_port}/meldungen?an=uns"
    settings.webhook_secret = SECRET
    yield other
    other.is_closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def deliver_webhooks(app):
    """Post the events that are due."""

    def deliver(now=None):
        with database.connection_context():
            delivery.deliver_webhooks(now or NOW)

    return deliver


def waiting():
    """Return the webhooks that were not sent, oldest first."""
    with database.connection_context():
        is_open = Message.state != MessageState.SENT
        return list(Message.select().where(Message.kind == MessageKind.WEBHOOK, is_open).order_by(Message.id))


def test_new_ticket_is_posted_with_all_its_facts(anna, run_worker, system, tickets):
    anna.report("incident", description="Drucker ä€", priority="high")
    run_worker()
    (ticket,) = tickets()
    (posted,) = system.events
    assert posted["event"] | {"id": 0} == {
        "id": 0,
        "kind": "opened",
        "at": "2026-11-23T09:30:00+00:00",
        "actor": "Portal",
        "text": "Kundennummer und PIN stimmen.",
    }
    assert posted["ticket"] == {
        "code": ticket.submission.spoken_code,
        "url": f"http://127.0.0.1:8400/verwaltung/ticket/{ticket.submission.code}",
        "category": "incident",
        "priority": "high",
        "summary": "Drucker ä€",
        "status": "new",
        "approval": "not_required",
        "customer": {"number": "K1001", "name": "Bäckerei Sommer"},
        "assignee": None,
        "due_on": None,
        "created_at": "2026-11-23T09:30:00+00:00",
        "first_action_at": None,
        "closed_at": None,
    }


def test_event_is_posted_with_the_state_after_it(anna, clara, run_worker, system, tickets, deliver_webhooks):
    anna.report("incident")
    run_worker()
    address = f"/verwaltung/ticket/{tickets()[0].submission.code}"
    typed = {"notieren": {"text": "Toner bestellt"}, "erledigen": {"erledigen-text": "Toner getauscht"}}
    for slug in ("beginnen", "notieren", "erledigen"):
        form = clara.get(address).fields(f"{address}/{slug}")
        assert clara.post(f"{address}/{slug}", form.to_dict() | typed.get(slug, {})).status == 303
    deliver_webhooks()
    posted = [
        (
            one["event"]["kind"],
            one["event"]["text"],
            one["ticket"]["status"],
            one["ticket"]["assignee"],
            one["ticket"]["first_action_at"] is not None,
            one["ticket"]["closed_at"] is not None,
        )
        for one in system.events
    ]
    assert posted == [
        ("opened", "Kundennummer und PIN stimmen.", "new", None, False, False),
        ("started", "", "in_progress", "Clara Neumann", True, False),
        ("noted", "Toner bestellt", "in_progress", "Clara Neumann", True, False),
        ("done", "Toner getauscht", "done", "Clara Neumann", True, True),
    ]
    assert len(set(system.ids)) == 4


def test_reply_of_the_customer_is_posted_with_what_it_changes(
    anna, clara, run_worker, system, mailbox, deliver_mails, tickets, deliver_webhooks
):
    anna.report("incident")
    run_worker()
    address = f"/verwaltung/ticket/{tickets()[0].submission.code}"
    for slug in ("beginnen", "warten"):
        form = clara.get(address).fields(f"{address}/{slug}")
        assert clara.post(f"{address}/{slug}", form.to_dict() | {f"{slug}-text": "Auf die Seriennummer"}).status == 303
    deliver_mails()
    path = path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")
    assert anna.post(path, anna.get(path).fields().to_dict() | {"text": "PF4X7Q"}).status == 303
    deliver_webhooks()
    posted = system.events[-1]
    assert (posted["event"]["kind"], posted["ticket"]["status"]) == ("replied", "in_progress")


def test_nothing_is_posted_without_an_address_or_for_unmatched_requests(anna, dora, run_worker, system):
    dora.report("incident")
    run_worker()
    settings.webhook_url = ""
    anna.report("incident")
    run_worker()
    assert system.requests == 0
    assert waiting() == []


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (500, "Der Empfänger des Webhooks antwortet mit dem Fehler 500."),
        (404, "Der Empfänger des Webhooks antwortet mit dem Fehler 404."),
        (302, "Der Empfänger des Webhooks leitet weiter (Status 302); das Portal folgt ihm nicht."),
        (307, "Der Empfänger des Webhooks leitet weiter (Status 307); das Portal folgt ihm nicht."),
        (HANGS, "Der Empfänger des Webhooks antwortet nicht."),
        (DIES, "Der Empfänger des Webhooks hat die Verbindung abgebrochen."),
    ],
)
def test_system_that_fails(anna, run_worker, system, deliver_webhooks, monkeypatch, failure, sentence):
    system.failure = failure
    anna.report("incident")
    with monkeypatch.context() as patch:
        if failure == HANGS:
            patch.setattr(webhook, "STEP_SECONDS", 0.3)
        run_worker()
    (message,) = waiting()
    assert (message.last_error, message.attempts, system.requests) == (sentence, 1, 1)
    system.failure = 200
    deliver_webhooks(NOW + delivery.RETRY_DELAYS[0] * 2)
    assert len(system.events) == 1
    assert waiting() == []


@pytest.mark.parametrize("answer", [b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200" * 10_000])
def test_server_of_another_protocol(anna, system, run_worker, answer):
    anna.report("incident")
    with scripted_server(answer) as port:
        settings.webhook_url = f"http://127.0.0.1:{port}/"
        run_worker()
    (message,) = waiting()
    assert message.last_error == "Der Empfänger des Webhooks antwortet unverständlich. Stimmt der Port?"
    assert message.attempts == 1


def test_every_attempt_has_the_same_id(anna, run_worker, system, deliver_webhooks):
    anna.report("incident")
    settings.webhook_url, address = f"http://127.0.0.1:{free_port()}/", settings.webhook_url
    run_worker()
    (message,) = waiting()
    assert message.last_error == "Der Empfänger des Webhooks nimmt an diesem Port keine Verbindung an."
    settings.webhook_url = address
    deliver_webhooks(NOW + delivery.RETRY_DELAYS[0] * 2)
    assert system.ids == [message.message_id[1:].partition("@")[0]]


@pytest.mark.parametrize(("is_off", "state"), [(True, MessageState.DISCARDED), (False, MessageState.WAITING)])
def test_start_without_a_webhook_discards_unsent_events(anna, run_worker, app, system, is_off, state):
    system.failure = 500
    anna.report("incident")
    run_worker()
    if is_off:
        settings.webhook_url = ""
    worker.start()()
    (message,) = waiting()
    assert (message.state, message.failing_since is None) == (state, is_off)
    with database.connection_context():
        mails = Message.select().where(Message.kind != MessageKind.WEBHOOK)
        assert {mail.state for mail in mails} == {MessageState.WAITING}


def test_dead_system_delays_no_mail(anna, run_worker, system, mailbox, monkeypatch):
    monkeypatch.setattr(webhook, "STEP_SECONDS", 0.3)
    system.failure = HANGS
    anna.report("incident")
    run_worker()
    assert len(mailbox.mails) == 2
    assert len(waiting()) == 1


def test_dead_mail_server_delays_no_webhook(anna, run_worker, system):
    settings.smtp_url = f"smtp://127.0.0.1:{free_port()}"
    anna.report("incident")
    run_worker()
    assert len(system.events) == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"TICKET_WEBHOOK_URL": "https://system.example/"}, "gehört „webhook_secret“"),
        ({"TICKET_WEBHOOK_SECRET": "zu kurz"}, "muss mindestens 16 Zeichen haben"),
        ({"TICKET_WEBHOOK_URL": "ftp://system.example/", "TICKET_WEBHOOK_SECRET": SECRET}, "muss so aussehen"),
        ({"TICKET_WEBHOOK_URL": "https://n:pw@system.example/", "TICKET_WEBHOOK_SECRET": SECRET}, "muss so aussehen"),
        ({"TICKET_WEBHOOK_URL": "https://system.example/a b", "TICKET_WEBHOOK_SECRET": SECRET}, "muss so aussehen"),
    ],
)
def test_invalid_settings(tmp_path, values, sentence):
    with pytest.raises(StartError, match=sentence) as caught:
        Settings().load({"TICKET_DATA_DIR": str(tmp_path)} | values)
    assert "system.example" not in str(caught.value)
    assert "zu kurz" not in str(caught.value)
