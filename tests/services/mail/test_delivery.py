"""Delivery to a real mail server: encryption, login, and what the office reads when the server fails."""

import errno
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from database import database
from enums import MessageState
from models import Message, TicketLink
from services.mail import access_links, delivery, smtp
from settings import settings
from tests.support.servers.mailbox import DIES, HANGS, FaultyController, mail_server_running, text_of
from tests.support.servers.scripted_server import scripted_server

OFFICE, SOMMER = "support@muster-it.example", "post@sommer.example"


def arrived(mailbox):
    return sorted(mail["To"] for mail in mailbox.mails)


def test_all_mails_use_one_connection(two_mails, deliver_mails, mailbox, outbox):
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
def test_server_that_fails_at_a_step(
    two_mails, deliver_mails, mailbox, outbox, advance_clock, monkeypatch, step, failure, sentence
):
    settings.smtp_url = mailbox.url.replace("//", "//portal:geheim@")
    mailbox.failure = {step: failure}
    with monkeypatch.context() as patch:
        if failure == HANGS:
            patch.setattr(smtp, "STEP_SECONDS", 0.3)
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
def test_server_that_fails_after_it_has_a_mail(
    two_mails, deliver_mails, mailbox, outbox, advance_clock, monkeypatch, failure
):
    mailbox.failure = {"END": failure}
    with monkeypatch.context() as patch:
        patch.setattr(smtp, "FINAL_REPLY_SECONDS", 1)
        deliver_mails()
    assert arrived(mailbox) == [SOMMER, OFFICE]
    assert all("Vielleicht kommt sie deshalb zweimal an." in message.last_error for message in outbox())
    mailbox.failure = {}
    advance_clock(minutes=2)
    deliver_mails()
    assert arrived(mailbox) == [SOMMER, SOMMER, OFFICE, OFFICE]
    first, second = mailbox.to(SOMMER)
    assert first["Message-ID"] == second["Message-ID"]
    # Each says when it was sent.
    assert second["Date"].datetime - first["Date"].datetime == timedelta(minutes=2)


def test_refusal_of_one_mail_leaves_the_connection_to_the_next(two_mails, deliver_mails, mailbox, outbox):
    mailbox.failure = {"DATA": ["451 4.3.0 Später"]}
    deliver_mails()
    assert arrived(mailbox) == [OFFICE]
    assert mailbox.connections == 1
    assert [message.state for message in outbox()] == [MessageState.WAITING, MessageState.SENT]


def test_connection_lost_between_two_mails_leaves_no_doubt(two_mails, deliver_mails, mailbox, outbox):
    mailbox.failure = {"MAIL": [None, DIES]}
    deliver_mails()
    assert [message.last_error for message in outbox()] == ["", "Der Mailserver hat die Verbindung abgebrochen."]


@pytest.mark.parametrize("wrong_answer", [b"* OK IMAP4rev1\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
@pytest.mark.parametrize("answers", [(), (b"220 mail.example\r\n", b"250 mail.example\r\n")], ids=["greeting", "MAIL"])
def test_server_of_another_protocol(two_mails, deliver_mails, outbox, wrong_answer, answers):
    with scripted_server(*answers, wrong_answer) as port:
        settings.smtp_url = f"smtp://127.0.0.1:{port}"
        deliver_mails()
    sentence = "Der Mailserver antwortet unverständlich. Stimmt der Port?"
    assert [(message.last_error, message.attempts) for message in outbox()] == [(sentence, 1)] * 2


def test_refusal_is_shown_even_if_the_server_then_hangs_up(two_mails, deliver_mails, outbox):
    refusal = "554 5.7.1 Nie"
    answers = [f"{line}\r\n".encode() for line in ("220 mail.example", "250 gern", "250 gern", "250 gern", refusal)]
    with scripted_server(*answers) as port:
        settings.smtp_url = f"smtp://127.0.0.1:{port}"
        deliver_mails()
    assert [(message.last_error, message.attempts) for message in outbox()] == [
        (f"Der Mailserver nimmt die E-Mail nicht an: „{refusal}“", 1)
    ] * 2


@pytest.mark.parametrize("login", [(b"250-mail.example\r\n250 AUTH CRAM-MD5\r\n", b"334 abc\r\n"), (b"250 gern\r\n",)])
def test_server_without_a_usable_login(two_mails, deliver_mails, outbox, login):
    with scripted_server(b"220 mail.example\r\n", *login) as port:
        settings.smtp_url = f"smtp://portal:geheim@127.0.0.1:{port}"
        deliver_mails()
    assert [(message.last_error, message.attempts) for message in outbox()] == [(smtp.NO_LOGIN, 1)] * 2


def test_password_repeated_by_the_server_is_not_shown(two_mails, deliver_mails, mailbox, outbox):
    settings.smtp_url = mailbox.url.replace("//", "//portal:geheim@")
    mailbox.failure = {"AUTH": "535 Z2VoZWlt ist falsch, geheim auch, AHBvcnRhbABnZWhlaW0= ebenso"}
    deliver_mails()
    assert outbox()[0].last_error.endswith("„535 … ist falsch, … auch, … ebenso“")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (socket.gaierror(), "ist nicht zu finden: Das Netz kennt den Namen nicht, oder das Netz ist gestört."),
        (OSError(errno.ENETUNREACH, ""), "ist nicht zu erreichen (ENETUNREACH)."),
        (OSError(), "ist nicht zu erreichen (ohne nähere Angabe)."),
    ],
)
def test_network_that_fails(two_mails, deliver_mails, outbox, monkeypatch, error, sentence):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    deliver_mails()
    assert {message.last_error for message in outbox()} == {f"Der Mailserver {sentence}"}


def test_address_with_an_umlaut_does_not_hold_up_other_mails(two_mails, deliver_mails, outbox):
    with database.connection_context():
        Message.update(recipient="jürgen@sommer.example").where(Message.recipient == SOMMER).execute()
    with mail_server_running(enable_SMTPUTF8=False) as simple:
        settings.smtp_url = simple.url
        deliver_mails()
        assert arrived(simple) == [OFFICE]
    assert outbox()[0].last_error == smtp.NO_UMLAUTS


def test_message_that_breaks_the_portal_does_not_hold_up_others(two_mails, deliver_mails, outbox):
    with database.connection_context():
        Message.update(recipient=f"{SOMMER}\r\nBcc: dora@boese.example").where(Message.recipient == SOMMER).execute()
    (mail,) = deliver_mails()
    assert mail.envelope.rcpt_tos == [OFFICE]
    assert [message.last_error for message in outbox()] == [delivery.BROKEN, ""]


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
def test_error_shows_no_token(two_mails, deliver_mails, mailbox, outbox, quote, shown):
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


# The second is mail.straße.example, as it must be looked up.
MAIL_HOSTS = ("mail.example", "mail.xn--strae-oqa.example")


@pytest.fixture
def authority(tmp_path, monkeypatch):
    """Return an authority whose certificates this machine trusts; names of mail servers lead to this machine."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    look_up = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        return look_up("127.0.0.1" if host in MAIL_HOSTS else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return authority


def certified(authority, name="mail.example", **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **options).configure_cert(context)
    return context


class SecureController(FaultyController):
    """A server that is encrypted from the start."""

    def _trigger_server(self):
        socket.create_connection((self.hostname, self.port)).close()


def test_login_and_mails_go_encrypted(two_mails, deliver_mails, authority):
    with mail_server_running(tls_context=certified(authority)) as server:
        settings.smtp_url = f"smtp://portal%40sommer:ge%3Aheim@mail.example:{server.port}"
        deliver_mails()
        assert server.logins == [("portal@sommer", "ge:heim")]
        assert [mail.was_encrypted for mail in server.mails] == [True, True]


def test_mail_server_with_an_umlaut_in_its_name(two_mails, deliver_mails, authority):
    """Python itself would look up, and give the password to, mail.strasse.example."""
    with mail_server_running(tls_context=certified(authority, MAIL_HOSTS[1])) as server:
        settings.smtp_url = f"smtp://portal:geheim@mail.straße.example:{server.port}"
        deliver_mails()
        assert [mail.was_encrypted for mail in server.mails] == [True, True]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_on_this_machine_encryption_is_used_where_it_is_offered(two_mails, deliver_mails, host):
    """The certificate is one that nobody trusts, for another name; the login is accepted only encrypted."""
    with mail_server_running(tls_context=certified(trustme.CA()), auth_require_tls=True) as server:
        settings.smtp_url = f"smtp://portal:geheim@{host}:{server.port}"
        deliver_mails()
        assert server.logins == [("portal", "geheim")]
        assert [mail.was_encrypted for mail in server.mails] == [True, True]


def test_on_this_machine_mails_go_even_if_the_server_refuses_the_encryption_it_offers(two_mails, deliver_mails):
    with mail_server_running(tls_context=certified(trustme.CA())) as server:
        server.failure = {"STARTTLS": "454 4.7.0 TLS not available"}
        settings.smtp_url = f"smtp://localhost:{server.port}"
        deliver_mails()
        assert [mail.was_encrypted for mail in server.mails] == [False, False]


def unencodable():
    raise UnicodeError("label too long")


@pytest.mark.parametrize(
    ("own_name", "client_name"),
    [
        (lambda: "portal.muster.example", "portal.muster.example"),
        (lambda: "Müllers-PC.büro.example", "xn--mllers-pc-q9a.xn--bro-hoa.example"),
        (lambda: "müllers-pc", "[127.0.0.1]"),
        (lambda: "Büro PC.muster.example", "[127.0.0.1]"),
        (unencodable, "[127.0.0.1]"),
    ],
)
@pytest.mark.parametrize("login", ["", "portal:geheim@"])
def test_name_of_this_machine_stops_no_mail(
    two_mails, deliver_mails, mailbox, outbox, monkeypatch, own_name, client_name, login
):
    monkeypatch.setattr(socket, "getfqdn", own_name)
    settings.smtp_url = mailbox.url.replace("//", f"//{login}")
    assert [mail.client_name for mail in deliver_mails()] == [client_name] * 2
    assert {message.last_error for message in outbox()} == {""}


def test_encrypted_from_the_start(two_mails, deliver_mails, authority):
    with mail_server_running(SecureController, ssl_context=certified(authority)) as server:
        settings.smtp_url = f"smtps://portal:geheim@mail.example:{server.port}"
        deliver_mails()
        assert arrived(server) == [SOMMER, OFFICE]


@pytest.mark.parametrize("trust", ["no encryption", "unknown authority", "wrong name", "expired"])
def test_untrusted_server_gets_neither_password_nor_mail(two_mails, deliver_mails, outbox, authority, trust):
    context, sentence = {
        "no encryption": (None, smtp.NO_ENCRYPTION),
        "unknown authority": (
            certified(trustme.CA()),
            "Der Mailserver zeigt ein Zertifikat, das niemand beglaubigt, dem dieser Rechner vertraut.",
        ),
        "wrong name": (
            certified(authority, "other.example"),
            "Der Mailserver zeigt ein Zertifikat, das für einen anderen Namen gilt.",
        ),
        "expired": (
            certified(authority, not_after=datetime.now(UTC) - timedelta(days=1)),
            "Der Mailserver zeigt ein Zertifikat, das abgelaufen ist.",
        ),
    }[trust]
    with mail_server_running(tls_context=context) as server:
        settings.smtp_url = f"smtp://portal:geheim@mail.example:{server.port}"
        deliver_mails()
        assert (server.logins, server.mails) == ([], [])
    assert {message.last_error for message in outbox()} == {sentence}


def test_encryption_from_the_start_where_the_server_has_none(two_mails, deliver_mails, mailbox, outbox):
    settings.smtp_url = mailbox.url.replace("smtp:", "smtps:")
    deliver_mails()
    sentence = "Der Mailserver verschlüsselt nicht so, wie es eingestellt ist. Passt der Anfang der Adresse zum Port?"
    assert {message.last_error for message in outbox()} == {sentence}
