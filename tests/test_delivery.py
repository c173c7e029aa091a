"""Nothing is lost: a real mail server that refuses, hangs, is rude or dies, and what becomes of the mails."""

from datetime import timedelta

import pytest

import clock
from models import Message, database
from services import smtp
from settings import settings
from tests.conftest import NOW
from tests.live import free_port
from tests.mailbox import DIES, HANGS
from words import MessageState

OFFICE, SOMMER = "support@example.org", "post@sommer.example"


@pytest.fixture
def outbox(app):
    """Return the messages of the outbox, oldest first."""

    def load():
        with database.connection_context():
            return list(Message.select().order_by(Message.id))

    return load


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Wait for nobody longer than a moment."""
    for name in ("STEP_SECONDS", "LAST_WORD_SECONDS", "LEAVE_SECONDS"):
        monkeypatch.setattr(smtp, name, 0.3)


@pytest.fixture
def two_mails(anna, work, mailbox):
    """One to the customer and one to the office, written while there was no mail server."""
    settings.smtp_url = ""
    anna.report("incident")
    work()
    settings.smtp_url = mailbox.url


def arrived(mailbox):
    return sorted(mail["To"] for mail in mailbox.mails)


def test_both_go_over_one_line(two_mails, post, mailbox, outbox):
    post()
    assert arrived(mailbox) == [SOMMER, OFFICE]
    assert mailbox.connections == 1
    assert [(message.state, message.attempts, message.last_error) for message in outbox()] == [
        (MessageState.SENT, 1, "")
    ] * 2
    post()
    assert len(mailbox.mails) == 2


@pytest.mark.parametrize(
    ("step", "mood", "sentence"),
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
def test_server_that_fails_at_a_step(two_mails, post, mailbox, outbox, later, step, mood, sentence):
    settings.smtp_url = mailbox.url.replace("//", "//portal:geheim@")
    mailbox.mood = {step: mood}
    post()
    assert mailbox.mails == []
    for message in outbox():
        assert (message.state, message.attempts) == (MessageState.WAITING, 1)
        assert sentence in message.last_error
        assert "geheim" not in message.last_error
    mailbox.mood = {}
    post()
    assert mailbox.mails == [], "the pause after a failure is kept"
    later(minutes=2)
    post()
    assert arrived(mailbox) == [SOMMER, OFFICE]
    assert {(message.state, message.last_error) for message in outbox()} == {(MessageState.SENT, "")}


@pytest.mark.parametrize("mood", [HANGS, DIES])
def test_server_that_fails_after_it_has_a_mail(two_mails, post, mailbox, outbox, later, mood):
    mailbox.mood = {"END": mood}
    post()
    assert arrived(mailbox) == [SOMMER, OFFICE]
    assert all("Vielleicht kommt sie deshalb zweimal an." in message.last_error for message in outbox())
    mailbox.mood = {}
    later(minutes=2)
    post()
    assert arrived(mailbox) == [SOMMER, SOMMER, OFFICE, OFFICE]
    first, second = mailbox.to(SOMMER)
    assert (first["Message-ID"], first["Date"]) == (second["Message-ID"], second["Date"])


def test_server_that_is_down_for_a_day(two_mails, post, mailbox, outbox, later):
    settings.smtp_url = f"smtp://127.0.0.1:{free_port()}"
    for _ in range(24):
        post()
        later(hours=1)
    assert {message.last_error for message in outbox()} == {"Der Mailserver nimmt an diesem Port keine Verbindung an."}
    settings.smtp_url = mailbox.url
    # Whoever is down is looked at again every hour, however long it takes.
    later(hours=1)
    post()
    assert arrived(mailbox) == [SOMMER, OFFICE]


def test_gives_up_after_five_days(two_mails, post, mailbox, outbox, later):
    mailbox.mood = {"RCPT": "550 5.1.1 Nie"}
    while outbox()[0].state is MessageState.WAITING:
        post()
        later(hours=3)
    assert timedelta(days=5) <= clock.now() - NOW <= timedelta(days=6)
    assert [message.state for message in outbox()] == [MessageState.FAILED] * 2
    mailbox.mood = {}
    later(days=1)
    assert post() == []
