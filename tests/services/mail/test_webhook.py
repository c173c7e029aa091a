"""A system beside the portal hears of every event: signed, in its own time, and without holding up a mail."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain

import pytest

from database import database
from enums import MessageKind, MessageState
from models import Message
from services.background import worker
from services.mail import delivery, webhook
from settings import Settings, StartError, settings
from tests.support.cast import NOW
from tests.support.servers.endless_server import drip, repeat_forever, talking_server
from tests.support.servers.live_server import free_port
from tests.support.servers.mailbox import DIES, HANGS, path_in

SECRET = "ein langes Geheimnis"


class System:
    """The other system: it checks signatures and keeps what it is told, unless it is in a mood."""

    def __init__(self):
        self.told, self.ids, self.requests = [], [], 0
        self.failure = 200
        self.gone = threading.Event()

    def take(self, handler):
        """Answer a request as the mood is."""
        self.requests += 1
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if self.failure == HANGS:
            self.gone.wait()
        if self.failure in (HANGS, DIES):
            return
        handler.send_response(self.failure)
        handler.send_header("Location", "/woanders")
        handler.end_headers()
        if self.failure == 200 and self.is_signed(handler.headers, body):
            self.ids.append(handler.headers["webhook-id"])
            self.told.append(json.loads(body))

    @staticmethod
    def is_signed(headers, body):
        """Check a signature as the handbook says."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        return hmac.compare_digest(expected, headers["webhook-signature"])


@pytest.fixture
def system(app):
    """The other system, to which the portal tells everything."""
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
    other.gone.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch):
    """Wait for nobody longer than a moment."""
    monkeypatch.setattr(webhook, "STEP_SECONDS", 0.3)


@pytest.fixture
def tell(app):
    """Let the portal tell what is due."""

    def deliver(now=None):
        with database.connection_context():
            delivery.deliver_webhooks(now or NOW)

    return deliver


def waiting():
    """Return what the other system has not heard yet, oldest first."""
    with database.connection_context():
        is_open = Message.state != MessageState.SENT
        return list(Message.select().where(Message.kind == MessageKind.WEBHOOK, is_open).order_by(Message.id))


def test_a_new_ticket_is_told_with_all_that_a_system_needs(anna, run_worker, system, tickets):
    anna.report("incident", description="Drucker ä€", priority="high")
    run_worker()
    (ticket,) = tickets()
    (told,) = system.told
    assert told["event"] | {"id": 0} == {
        "id": 0,
        "kind": "opened",
        "at": "2026-11-23T09:30:00+00:00",
        "actor": "Portal",
        "text": "Kundennummer und PIN stimmen.",
    }
    assert told["ticket"] == {
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


def test_what_is_told_is_the_state_after_the_event(anna, clara, run_worker, system, tickets, tell):
    anna.report("incident")
    run_worker()
    address = f"/verwaltung/ticket/{tickets()[0].submission.code}"
    for slug, text in (("beginnen", ""), ("notieren", "Toner bestellt"), ("erledigen", "Toner getauscht")):
        form = clara.get(address).fields(f"{address}/{slug}")
        assert clara.post(f"{address}/{slug}", form.to_dict() | {f"{slug}-text": text}).status == 303
    tell()
    told = [
        (
            one["event"]["kind"],
            one["event"]["text"],
            one["ticket"]["status"],
            one["ticket"]["assignee"],
            one["ticket"]["first_action_at"] is not None,
            one["ticket"]["closed_at"] is not None,
        )
        for one in system.told
    ]
    assert told == [
        ("opened", "Kundennummer und PIN stimmen.", "new", None, False, False),
        ("started", "", "in_progress", "Clara Neumann", True, False),
        ("noted", "Toner bestellt", "in_progress", "Clara Neumann", True, False),
        ("done", "Toner getauscht", "done", "Clara Neumann", True, True),
    ]
    assert len(set(system.ids)) == 4


def test_a_message_of_the_customer_is_told_with_what_it_changes(
    anna, clara, run_worker, system, mailbox, deliver_mails, tickets, tell
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
    tell()
    told = system.told[-1]
    assert (told["event"]["kind"], told["ticket"]["status"]) == ("replied", "in_progress")


def test_nothing_is_told_without_an_address_or_of_what_nobody_sent(anna, dora, run_worker, system):
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
def test_system_that_fails(anna, run_worker, system, tell, advance_clock, failure, sentence):
    system.failure = failure
    anna.report("incident")
    run_worker()
    (message,) = waiting()
    assert (message.last_error, message.attempts, system.requests) == (sentence, 1, 1)
    system.failure = 200
    advance_clock(minutes=2)
    tell(NOW + (delivery.RETRY_DELAYS[0] * 2))
    assert len(system.told) == 1
    assert waiting() == []


SILENT = "Der Empfänger des Webhooks antwortet nicht."
STRANGE = "Der Empfänger des Webhooks antwortet unverständlich. Stimmt der Port?"


@pytest.mark.parametrize(
    ("talk", "sentence"),
    [
        (lambda: drip(b"HTTP/1.1 200 "), SILENT),
        (lambda: drip(b"HTTP/1.1 200 OK\r\nX: "), SILENT),
        (lambda: repeat_forever(b"HTTP/1.1 200"), STRANGE),
        (lambda: chain([b"HTTP/1.1 200 OK\r\n"], repeat_forever(b"X: y\r\n")), STRANGE),
        (lambda: repeat_forever(b"HTTP/1.1 100 Continue\r\n\r\n"), STRANGE),
        (lambda: [b"220 mail.example ESMTP\r\n"], STRANGE),
    ],
)
def test_system_that_talks_without_end_or_sense(anna, system, run_worker, monkeypatch, talk, sentence):
    monkeypatch.setattr(webhook, "STEP_SECONDS", 3600)
    if sentence == SILENT:
        monkeypatch.setattr(webhook, "ANSWER_SECONDS", 0.3)
    anna.report("incident")
    with talking_server(talk) as port:
        settings.webhook_url = f"http://127.0.0.1:{port}/"
        run_worker()
    (message,) = waiting()
    assert (message.last_error, message.attempts) == (sentence, 1)


def test_the_same_message_on_every_try(anna, run_worker, system, tell):
    anna.report("incident")
    settings.webhook_url, address = f"http://127.0.0.1:{free_port()}/", settings.webhook_url
    run_worker()
    (message,) = waiting()
    assert message.last_error == "Der Empfänger des Webhooks nimmt an diesem Port keine Verbindung an."
    settings.webhook_url = address
    tell(NOW + delivery.RETRY_DELAYS[0] * 2)
    assert system.ids == [message.message_id[1:].partition("@")[0]]


@pytest.mark.parametrize(("is_off", "state"), [(True, MessageState.DISCARDED), (False, MessageState.WAITING)])
def test_a_start_without_the_system_gives_up_what_it_has_not_heard(anna, run_worker, app, system, is_off, state):
    system.failure = 500
    anna.report("incident")
    run_worker()
    if is_off:
        settings.webhook_url = ""
    worker.stop(worker.start())
    (message,) = waiting()
    assert (message.state, message.failing_since is None) == (state, is_off)
    with database.connection_context():
        mails = Message.select().where(Message.kind != MessageKind.WEBHOOK)
        assert {mail.state for mail in mails} == {MessageState.WAITING}


def test_a_dead_system_holds_up_no_mail(anna, run_worker, system, mailbox):
    system.failure = HANGS
    anna.report("incident")
    run_worker()
    assert len(mailbox.mails) == 2
    assert len(waiting()) == 1


def test_a_dead_mail_server_holds_up_no_system(anna, run_worker, system):
    settings.smtp_url = f"smtp://127.0.0.1:{free_port()}"
    anna.report("incident")
    run_worker()
    assert len(system.told) == 1


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
def test_settings_that_cannot_be_used(tmp_path, values, sentence):
    with pytest.raises(StartError, match=sentence) as caught:
        Settings().load({"TICKET_DATA_DIR": str(tmp_path)} | values)
    assert "system.example" not in str(caught.value)
    assert "zu kurz" not in str(caught.value)
