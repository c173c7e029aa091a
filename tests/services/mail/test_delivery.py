"""Nothing is lost: a real mail server that refuses, hangs, is rude or dies, and what becomes of the mails."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import trustme

import clock
from database import database
from enums import MessageState
from models import Message, TicketLink
from services.mail import access_links, delivery, smtp
from settings import settings
from tests.support.cast import NOW
from tests.support.servers.endless_server import drip, repeat_forever, talking_server
from tests.support.servers.live_server import free_port
from tests.support.servers.mailbox import DIES, HANGS, FaultyController, mail_server_running, text_of

OFFICE, SOMMER = "support@example.org", "post@sommer.example"


@pytest.fixture
def outbox(app):
    """Return the messages of the outbox, oldest first."""

    def load():
        with database.connection_context():
            return list(Message.select().order_by(Message.id))

    return load


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch):
    """Wait for nobody longer than a moment."""
    for name in ("STEP_SECONDS", "FINAL_REPLY_SECONDS", "LEAVE_SECONDS"):
        monkeypatch.setattr(smtp, name, 0.3)


@pytest.fixture
def two_mails(anna, run_worker, mailbox):
    """One to the customer and one to the office, written while there was no mail server."""
    settings.smtp_url = ""
    anna.report("incident")
    run_worker()
    settings.smtp_url = mailbox.url


def arrived(mailbox):
    return sorted(mail["To"] for mail in mailbox.mails)


def test_both_go_over_one_line(two_mails, deliver_mails, mailbox, outbox):
    deliver_mails()
    assert arrived(mailbox) == [SOMMER, OFFICE]
    assert mailbox.connections == 1
    assert [(message.state, message.attempts, message.last_error) for message in outbox()] == [
        (MessageState.SENT, 1, "")
    ] * 2
    deliver_mails()
    assert len(mailbox.mails) == 2


@pytest.mark.parametrize(
    ("step", "failure", "sentence"),
    [
        ("connect", "421 4.3.2 Später", "Der Mailserver nimmt zurzeit nichts an: „421 4.3.2 Später“"),
        ("connect", "554 5.3.2 Nie", "Der Mailserver nimmt zurzeit nichts an: „554 5.3.2 Nie“"),
        ("connect", HANGS, "Der Mailserver antwortet nicht."),
        ("connect", DIES, "Der Mailserver hat die Verbindung abgebrochen."),
        ("EHLO", "421 4.3.2 Später", "Der Mailserver nimmt zurzeit nichts an: „421 4.3.2 Später“"),
        ("EHLO", "550 5.7.1 Nie", "Der Mailserver nimmt zurzeit nichts an: „550 5.7.1 Nie“"),
        ("EHLO", HANGS, "Der Mailserver antwortet nicht."),
        ("EHLO", DIES, "Der Mailserver hat die Verbindung abgebrochen."),
        ("AUTH", "454 4.7.0 Später", "und Kennwort in der Einstellung „smtp_url“: „454 4.7.0 Später“"),
        ("AUTH", "535 5.7.8 Falsch", "und Kennwort in der Einstellung „smtp_url“: „535 5.7.8 Falsch“"),
        ("AUTH", HANGS, "Der Mailserver antwortet nicht."),
        ("AUTH", DIES, "Der Mailserver hat die Verbindung abgebrochen."),
        ("MAIL", "451 4.3.0 Später", "Der Mailserver nimmt den Absender nicht an: „451 4.3.0 Später“"),
        ("MAIL", "550 5.7.1 Nie", "Der Mailserver nimmt den Absender nicht an: „550 5.7.1 Nie“"),
        ("MAIL", "421 4.3.2 Später", "Der Mailserver nimmt den Absender nicht an: „421 4.3.2 Später“"),
        ("MAIL", HANGS, "Der Mailserver antwortet nicht."),
        ("MAIL", DIES, "Der Mailserver hat die Verbindung abgebrochen."),
        ("RCPT", "450 4.2.0 Später", "Der Mailserver nimmt den Empfänger nicht an: „450 4.2.0 Später“"),
        ("RCPT", "550 5.1.1 Nie", "Der Mailserver nimmt den Empfänger nicht an: „550 5.1.1 Nie“"),
        ("RCPT", HANGS, "Der Mailserver antwortet nicht."),
        ("RCPT", DIES, "Der Mailserver hat die Verbindung abgebrochen."),
        ("DATA", "451 4.3.0 Später", "Der Mailserver nimmt die E-Mail nicht an: „451 4.3.0 Später“"),
        ("DATA", "554 5.6.0 Nie", "Der Mailserver nimmt die E-Mail nicht an: „554 5.6.0 Nie“"),
        ("DATA", HANGS, "Der Mailserver antwortet nicht."),
        ("DATA", DIES, "Der Mailserver hat die Verbindung abgebrochen."),
        ("END", "452 4.3.1 Voll", "Der Mailserver nimmt die E-Mail nicht an: „452 4.3.1 Voll“"),
        ("END", "554 5.7.1 Spam", "Der Mailserver nimmt die E-Mail nicht an: „554 5.7.1 Spam“"),
    ],
)
def test_server_that_fails_at_a_step(two_mails, deliver_mails, mailbox, outbox, advance_clock, step, failure, sentence):
    settings.smtp_url = mailbox.url.replace("//", "//portal:geheim@")
    mailbox.failure = {step: failure}
    deliver_mails()
    assert mailbox.mails == []
    for message in outbox():
        assert (message.state, message.attempts) == (MessageState.WAITING, 1)
        assert sentence in message.last_error
        assert "geheim" not in message.last_error
    mailbox.failure = {}
    deliver_mails()
    assert mailbox.mails == [], "the pause after a failure is kept"
    advance_clock(minutes=2)
    deliver_mails()
    assert arrived(mailbox) == [SOMMER, OFFICE]
    assert {(message.state, message.last_error) for message in outbox()} == {(MessageState.SENT, "")}


@pytest.mark.parametrize("failure", [HANGS, DIES])
def test_server_that_fails_after_it_has_a_mail(two_mails, deliver_mails, mailbox, outbox, advance_clock, failure):
    mailbox.failure = {"END": failure}
    deliver_mails()
    assert arrived(mailbox) == [SOMMER, OFFICE]
    assert all("Vielleicht kommt sie deshalb zweimal an." in message.last_error for message in outbox())
    mailbox.failure = {}
    advance_clock(minutes=2)
    deliver_mails()
    assert arrived(mailbox) == [SOMMER, SOMMER, OFFICE, OFFICE]
    first, second = mailbox.to(SOMMER)
    assert (first["Message-ID"], first["Date"]) == (second["Message-ID"], second["Date"])


def test_server_that_is_down_for_a_day(two_mails, deliver_mails, mailbox, outbox, advance_clock):
    settings.smtp_url = f"smtp://127.0.0.1:{free_port()}"
    for _ in range(24):
        deliver_mails()
        advance_clock(hours=1)
    assert {message.last_error for message in outbox()} == {"Der Mailserver nimmt an diesem Port keine Verbindung an."}
    settings.smtp_url = mailbox.url
    # Whoever is down is looked at again every hour, however long it takes.
    advance_clock(hours=1)
    deliver_mails()
    assert arrived(mailbox) == [SOMMER, OFFICE]


def test_gives_up_after_five_days(two_mails, deliver_mails, mailbox, outbox, advance_clock):
    mailbox.failure = {"RCPT": "550 5.1.1 Nie"}
    while outbox()[0].state is MessageState.WAITING:
        deliver_mails()
        advance_clock(hours=3)
    assert timedelta(days=5) <= clock.now() - NOW <= timedelta(days=6)
    assert [message.state for message in outbox()] == [MessageState.FAILED] * 2
    mailbox.failure = {}
    advance_clock(days=1)
    assert deliver_mails() == []


def test_whole_conversation_has_its_time(two_mails, deliver_mails, mailbox, outbox, monkeypatch):
    monkeypatch.setattr(smtp, "STEP_SECONDS", 3600)
    monkeypatch.setattr(smtp, "CONNECT_SECONDS", 0.3)
    mailbox.failure = {"EHLO": HANGS}
    deliver_mails()
    assert {message.last_error for message in outbox()} == {"Der Mailserver antwortet nicht."}


SILENT, STRANGE = "Der Mailserver antwortet nicht.", "Der Mailserver antwortet unverständlich. Stimmt der Port?"


@pytest.mark.parametrize("answers", [(), (b"220 mail.example\r\n", b"250 mail.example\r\n")], ids=["greeting", "MAIL"])
@pytest.mark.parametrize(
    ("talk", "sentence"),
    [
        (lambda: drip(b"250 "), SILENT),
        (lambda: drip(b"250-Das dauert\r\n"), SILENT),
        (lambda: repeat_forever(b"250 Das hat kein Ende"), STRANGE),
        (lambda: repeat_forever(b"250-Noch eine Zeile\r\n"), STRANGE),
        (lambda: [b"* OK IMAP4rev1\r\n"], STRANGE),
        (lambda: [b"HTTP/1.1 400 Bad Request\r\n\r\n"], STRANGE),
    ],
)
def test_whoever_talks_without_end_or_sense_is_left(
    two_mails, deliver_mails, outbox, monkeypatch, talk, sentence, answers
):
    monkeypatch.setattr(smtp, "STEP_SECONDS", 3600)
    if sentence == SILENT:
        for name in ("CONNECT_SECONDS", "MAIL_SECONDS"):
            monkeypatch.setattr(smtp, name, 0.3)
    with talking_server(talk, answers) as port:
        settings.smtp_url = f"smtp://127.0.0.1:{port}"
        deliver_mails()
    assert [(message.last_error, message.attempts) for message in outbox()] == [(sentence, 1)] * 2


def test_a_refusal_is_told_even_if_it_was_the_last_word(two_mails, deliver_mails, outbox):
    refusal = "554 5.7.1 Nie"
    said = [f"{line}\r\n".encode() for line in ("220 mail.example", "250 gern", "250 gern", "250 gern", refusal)]
    with talking_server(lambda: [], said) as port:
        settings.smtp_url = f"smtp://127.0.0.1:{port}"
        deliver_mails()
    assert [(message.last_error, message.attempts) for message in outbox()] == [
        (f"Der Mailserver nimmt die E-Mail nicht an: „{refusal}“", 1)
    ] * 2


def test_a_login_that_makes_no_sense(two_mails, deliver_mails, outbox):
    said = [b"220 mail.example\r\n", b"250-mail.example\r\n250 AUTH CRAM-MD5\r\n", b"334 abc\r\n"]
    with talking_server(lambda: [], said) as port:
        settings.smtp_url = f"smtp://portal:geheim@127.0.0.1:{port}"
        deliver_mails()
    assert [(message.last_error, message.attempts) for message in outbox()] == [(smtp.NO_LOGIN, 1)] * 2


def test_line_that_breaks_again_and_again_is_left_alone(anna, two_mails, run_worker, deliver_mails, mailbox, outbox):
    settings.smtp_url = ""
    anna.report("incident")
    anna.report("incident")
    run_worker()
    settings.smtp_url, mailbox.failure = mailbox.url, {"MAIL": DIES}
    deliver_mails()
    assert mailbox.connections == delivery.LOST_IN_A_ROW
    assert [message.attempts for message in outbox()] == [1] * 6


def test_one_bad_address_holds_up_no_other(two_mails, deliver_mails, outbox):
    with database.connection_context():
        Message.update(recipient="jürgen@sommer.example").where(Message.recipient == SOMMER).execute()
    with mail_server_running(enable_SMTPUTF8=False) as simple:
        settings.smtp_url = simple.url
        deliver_mails()
        assert arrived(simple) == [OFFICE]
    assert outbox()[0].last_error == smtp.NO_UMLAUTS


def test_one_that_is_no_mail_holds_up_no_other(two_mails, deliver_mails, outbox):
    with database.connection_context():
        Message.update(recipient=f"{SOMMER}\r\nBcc: dora@boese.example").where(Message.recipient == SOMMER).execute()
    (mail,) = deliver_mails()
    assert mail.envelope.rcpt_tos == [OFFICE]
    assert [message.last_error for message in outbox()] == [delivery.BROKEN, ""]


def test_killed_between_the_yes_and_the_mark(two_mails, deliver_mails, mailbox, advance_clock, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_mark_sent", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            deliver_mails()
    assert len(mailbox.mails) == 1
    advance_clock(minutes=5)
    deliver_mails()
    assert len(mailbox.mails) == 2, "the lease of the one holds, the other goes"
    advance_clock(minutes=6)
    deliver_mails()
    first, _, again = mailbox.mails
    assert first["Message-ID"] == again["Message-ID"]
    advance_clock(days=1)
    assert len(deliver_mails()) == 3


def test_a_lease_by_a_clock_that_was_ahead_holds_nothing(two_mails, deliver_mails, mailbox):
    with database.connection_context():
        Message.update(leased_until=NOW + timedelta(days=3650)).execute()
    deliver_mails()
    assert arrived(mailbox) == [SOMMER, OFFICE]


def test_two_who_deliver_at_once_send_each_mail_once(anna, two_mails, run_worker, mailbox):
    settings.smtp_url = ""
    for _ in range(4):
        anna.report("incident")
    run_worker()
    settings.smtp_url = mailbox.url

    def deliver():
        with database.connection_context():
            return delivery.deliver_due(clock.now())

    with ThreadPoolExecutor(2) as couriers:
        counts = [courier.result() for courier in [couriers.submit(deliver) for _ in range(2)]]
    assert sum(counts) == 10
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == len(mailbox.mails) == 10


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        (lambda token: f"https://melden.example/vorgang/{token}", "https://melden.example/vorgang/…"),
        (lambda token: f"<//melden.example/vorgang/{token}> nie", "<//melden.example/vorgang/… nie"),
        (lambda token: f"%2FMELDEN.EXAMPLE%2FVORGANG%2F{token}", "%2FMELDEN.EXAMPLE%2FVORGANG%2F…"),
        (lambda token: f"/vorgang/{token[:32]}= {token[32:]} nie", "/vorgang/… nie"),
        (lambda token: f"/vor=\ngang/{token[:32]}", "/vorgang/…"),
        (lambda token: f"/vorgang/{token[:9]}\n{token[9:33]}=\n{token[33:]} nie", "/vorgang/… nie"),
        (lambda token: f"/vorgang/{token[:9]}… nie", "/vorgang/… nie"),
        (lambda token: f"Zeichen {token}", "Zeichen …"),
    ],
)
def test_no_token_stands_in_an_error(two_mails, deliver_mails, mailbox, outbox, quote, shown):
    with database.connection_context():
        link = TicketLink.get()
    *lines, last = f"Gesperrt:\n{quote(access_links.insert_token(link.nonce, link))}".split("\n")
    mailbox.failure = {"RCPT": "".join(f"550-{line}\r\n" for line in lines) + f"550 {last}"}
    deliver_mails()
    assert outbox()[0].last_error.endswith(f" Gesperrt: {shown}“")


PAYLOAD = "<script>alert(1)</script> & \"'"


def test_mail_for_machines_and_for_people(anna, run_worker, mailbox):
    settings.office_name = "Büro\nBcc: dora@example.org"
    long = "ä" * 4000
    anna.report("incident", description=f"{PAYLOAD}\nhttp://127.0.0.1:8400/falsch\n.\n{long}", name="Anna")
    run_worker()
    mail = mailbox.to(SOMMER)[0]
    assert mail.envelope.rcpt_tos == [SOMMER]
    assert mail["Bcc"] is None
    assert [mail["Auto-Submitted"], mail["Precedence"], mail["X-Auto-Response-Suppress"]] == [
        "auto-generated",
        "bulk",
        "All",
    ]
    assert max(map(len, mail.envelope.content.splitlines())) < 998
    assert mail.envelope.content.isascii()
    assert PAYLOAD in text_of(mail)
    assert long in text_of(mail)
    page = mail.get_body(("html",)).get_content()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in page
    assert page.count("<a href=") == 1, "the link of the ticket, and nothing that somebody typed"
    assert len({mail["References"] for mail in mailbox.mails}) == 1


@pytest.fixture
def authority(tmp_path, monkeypatch):
    """Somebody whom this machine trusts, who issues certificates; mail.example is this machine."""
    known = trustme.CA()
    known.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    look_up = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        return look_up("127.0.0.1" if host == "mail.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


def certified(authority, name="mail.example"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


class SecureController(FaultyController):
    """A server that encrypts from the start."""

    def _trigger_server(self):
        socket.create_connection((self.hostname, self.port)).close()


def test_login_and_mails_go_encrypted(two_mails, deliver_mails, authority):
    with mail_server_running(tls_context=certified(authority)) as server:
        settings.smtp_url = f"smtp://portal%40sommer:ge%3Aheim@mail.example:{server.port}"
        deliver_mails()
        assert server.logins == [("portal@sommer", "ge:heim")]
        assert [mail.was_encrypted for mail in server.mails] == [True, True]


def test_encrypted_from_the_start(two_mails, deliver_mails, authority):
    with mail_server_running(SecureController, ssl_context=certified(authority)) as server:
        settings.smtp_url = f"smtps://portal:geheim@mail.example:{server.port}"
        deliver_mails()
        assert arrived(server) == [SOMMER, OFFICE]


@pytest.mark.parametrize("trust", ["no encryption", "stranger", "wrong name"])
def test_nobody_who_cannot_be_trusted_gets_a_password_or_a_mail(two_mails, deliver_mails, outbox, authority, trust):
    context, sentence = {
        "no encryption": (None, smtp.NO_ENCRYPTION),
        "stranger": (
            certified(trustme.CA()),
            "Der Mailserver zeigt ein Zertifikat, das niemand beglaubigt, dem dieser Rechner vertraut.",
        ),
        "wrong name": (
            certified(authority, "other.example"),
            "Der Mailserver zeigt ein Zertifikat, das für einen anderen Namen gilt.",
        ),
    }[trust]
    with mail_server_running(tls_context=context) as server:
        settings.smtp_url = f"smtp://portal:geheim@mail.example:{server.port}"
        deliver_mails()
        assert (server.logins, server.mails) == ([], [])
    assert {message.last_error for message in outbox()} == {sentence}
