"""Retries: when a message is tried again, when it is given up, and that no second sender takes it meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest

import clock
from database import database
from enums import MessageState
from models import Message
from services.mail import delivery, smtp
from services.mail import outbox as message_outbox
from settings import settings
from tests.support.cast import NOW
from tests.support.servers.live_server import free_port
from tests.support.servers.mailbox import DIES

OFFICE, SOMMER = "support@muster-it.example", "post@sommer.example"
REFUSAL = "451 4.3.0 Später"
INSTANT = timedelta(microseconds=1)
WAITING, SENT, FAILED = MessageState.WAITING, MessageState.SENT, MessageState.FAILED


@pytest.fixture(autouse=True)
def instant_delivery(monkeypatch):
    """Let delivery take no time, so that its moments are exact."""
    monkeypatch.setattr(delivery, "time", SimpleNamespace(monotonic=lambda: 0.0))


@pytest.fixture
def six_mails(anna, two_mails, run_worker, mailbox):
    settings.smtp_url = ""
    anna.report("incident")
    anna.report("incident")
    run_worker()
    settings.smtp_url = mailbox.url


def change_messages(**values):
    with database.connection_context():
        Message.update(values).execute()


def states(messages):
    return [message.state for message in messages]


# --- Pauses ---

REFUSED_PAUSES = [1, 5, 15, 60, 180, 360, 720, 720]


@pytest.mark.parametrize(
    ("is_unavailable", "pauses"), [(False, REFUSED_PAUSES), (True, [min(pause, 60) for pause in REFUSED_PAUSES])]
)
def test_pauses_after_failures(two_mails, deliver_mails, mailbox, outbox, is_unavailable, pauses):
    mailbox.failure = {"connect" if is_unavailable else "RCPT": REFUSAL}
    moment = NOW
    for attempts, minutes in enumerate(pauses, 1):
        deliver_mails(moment)
        for message in outbox():
            assert (message.attempts, message.failing_since) == (attempts, NOW)
            assert message.due_at - moment == timedelta(minutes=minutes)
        moment += timedelta(minutes=minutes)
        deliver_mails(moment - INSTANT)
        assert outbox()[0].attempts == attempts, "not before it is due"
    mailbox.failure = {}
    assert len(deliver_mails(moment)) == 2
    assert {message.failing_since for message in outbox()} == {None}


def test_three_lost_connections_in_a_row_delay_all_mails(six_mails, deliver_mails, mailbox, outbox):
    mailbox.failure = {"MAIL": DIES}
    deliver_mails()
    assert mailbox.connections == 3
    assert [(message.attempts, message.due_at) for message in outbox()] == [(1, NOW + timedelta(minutes=1))] * 6


@pytest.mark.parametrize(
    ("failures", "is_sent"),
    [
        ([DIES, REFUSAL, DIES, REFUSAL, DIES], [False] * 5 + [True]),
        ([DIES, DIES, REFUSAL, DIES, DIES], [False] * 5 + [True]),
        ([DIES, DIES, None, DIES, DIES], [False, False, True, False, False, True]),
    ],
)
def test_scattered_lost_connections_delay_no_other_mail(six_mails, deliver_mails, mailbox, outbox, failures, is_sent):
    mailbox.failure = {"MAIL": failures}
    deliver_mails()
    assert [message.state is SENT for message in outbox()] == is_sent
    assert {message.attempts for message in outbox()} == {1}


def test_third_lost_connection_has_the_longer_pause_of_its_own_message(six_mails, deliver_mails, mailbox, outbox):
    change_messages(attempts=6)
    mailbox.failure = {"MAIL": DIES}
    deliver_mails()
    pauses = [(message.due_at - NOW) / timedelta(hours=1) for message in outbox()]
    assert pauses == [12, 12, 12, 1, 1, 1]


def test_server_that_is_down_for_a_day(two_mails, deliver_mails, mailbox, outbox):
    settings.smtp_url = f"smtp://127.0.0.1:{free_port()}"
    for hour in range(24):
        deliver_mails(NOW + timedelta(hours=hour))
    assert {message.last_error for message in outbox()} == {"Der Mailserver nimmt an diesem Port keine Verbindung an."}
    settings.smtp_url = mailbox.url
    assert len(deliver_mails(NOW + timedelta(hours=24))) == 2, "an unavailable server is tried again every hour"


# --- Giving up ---


@pytest.mark.parametrize("step", ["connect", "RCPT"])
@pytest.mark.parametrize(("age", "state"), [(timedelta(days=5) - INSTANT, WAITING), (timedelta(days=5), FAILED)])
def test_gives_up_five_days_after_the_first_failure(two_mails, deliver_mails, mailbox, outbox, step, age, state):
    mailbox.failure = {step: REFUSAL}
    deliver_mails(NOW)
    change_messages(due_at=NOW)
    deliver_mails(NOW + age)
    assert [(message.state, message.failing_since) for message in outbox()] == [(state, NOW)] * 2
    mailbox.failure = {}
    deliver_mails(NOW + timedelta(days=100))
    assert len(mailbox.mails) == (0 if state is FAILED else 2)


def test_old_mail_is_not_given_up_at_its_first_failure(two_mails, deliver_mails, mailbox, outbox):
    mailbox.failure = {"RCPT": REFUSAL}
    later = NOW + timedelta(days=6)
    deliver_mails(later)
    assert [(message.state, message.failing_since) for message in outbox()] == [(WAITING, later)] * 2


def test_retry_gives_an_old_mail_the_full_time_again(two_mails, deliver_mails, mailbox, outbox):
    mailbox.failure = {"RCPT": REFUSAL}
    deliver_mails(NOW)
    later = NOW + timedelta(days=6)
    deliver_mails(later)
    assert states(outbox()) == [FAILED, FAILED]
    with database.connection_context():
        message_outbox.retry(later, Message.get())
    assert [(message.state, message.failing_since) for message in outbox()] == [(WAITING, later), (FAILED, NOW)]
    deliver_mails(later)
    assert outbox()[0].due_at == later + timedelta(minutes=1)
    change_messages(due_at=later)
    deliver_mails(later + timedelta(days=5))
    assert states(outbox()) == [FAILED, FAILED]


# --- Leases ---


@pytest.mark.parametrize(
    ("leased_for", "is_sent"),
    [
        (timedelta(0), True),
        (INSTANT, False),
        (2 * message_outbox.LEASE, False),
        # No lease is that long; a clock was ahead.
        (2 * message_outbox.LEASE + INSTANT, True),
    ],
)
def test_leased_mail_is_left_alone(two_mails, deliver_mails, mailbox, leased_for, is_sent):
    change_messages(leased_until=NOW + leased_for)
    assert len(deliver_mails(NOW)) == (2 if is_sent else 0)


def test_mail_is_sent_again_after_the_lease_of_a_sender_that_died(
    two_mails, deliver_mails, mailbox, outbox, monkeypatch
):
    deliver = smtp.SmtpTransport.deliver

    def deliver_and_die(*arguments):
        deliver(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(smtp.SmtpTransport, "deliver", deliver_and_die)
        with pytest.raises(KeyboardInterrupt):
            deliver_mails()
    assert len(mailbox.mails) == 1
    deliver_mails(NOW + message_outbox.LEASE - INSTANT)
    assert len(mailbox.mails) == 2, "the first mail is leased, the second is sent"
    deliver_mails(NOW + message_outbox.LEASE)
    first, _, again = mailbox.mails
    assert first["Message-ID"] == again["Message-ID"]
    assert states(outbox()) == [SENT, SENT]
    assert len(deliver_mails(NOW + timedelta(days=1))) == 3


def test_a_stop_between_two_mails_leaves_none_leased(two_mails, mailbox, outbox):
    with database.connection_context():
        assert delivery.deliver_mails(NOW, is_stopping=lambda: len(mailbox.mails) == 1) == 1
    assert states(outbox()) == [SENT, WAITING]
    assert {message.leased_until for message in outbox()} == {None}


def test_the_result_of_a_mail_and_the_lease_of_the_next_are_one_commit(two_mails, deliver_mails, outbox, monkeypatch):
    commits, commit = [], database.commit
    monkeypatch.setattr(database, "commit", lambda: commits.append(commit()))
    deliver_mails()
    assert (states(outbox()), len(commits)) == ([SENT, SENT], 3)


def test_lease_is_longer_than_an_attempt_can_take():
    """A dozen steps, the final reply, and two minutes at least for the bytes of the mail."""
    seconds = 12 * smtp.STEP_SECONDS + smtp.FINAL_REPLY_SECONDS + 120
    assert timedelta(seconds=seconds) < message_outbox.LEASE


def test_mail_that_another_sender_leases_between_look_and_lease(two_mails, deliver_mails, mailbox, outbox, monkeypatch):
    transaction, others = delivery.transaction, NOW + timedelta(minutes=7)

    @contextmanager
    def transaction_of_the_slower_one():
        change_all = Message.update(leased_until=others)
        with transaction():
            change_all.execute()
        with transaction():
            yield

    monkeypatch.setattr(delivery, "transaction", transaction_of_the_slower_one)
    deliver_mails()
    assert mailbox.mails == []
    assert {message.leased_until for message in outbox()} == {others}


@pytest.mark.parametrize(
    "taken_over",
    [
        {"state": WAITING, "leased_until": NOW + message_outbox.LEASE + INSTANT},
        {"state": SENT, "leased_until": None, "sent_at": NOW},
    ],
)
def test_failure_is_not_recorded_for_a_mail_that_another_sender_took_over(
    two_mails, deliver_mails, mailbox, outbox, taken_over
):
    async def take_over():
        change_messages(**taken_over)
        return REFUSAL

    mailbox.failure = {"END": take_over}
    deliver_mails()
    for message in outbox():
        assert (message.state, message.leased_until) == (taken_over["state"], taken_over["leased_until"])
        assert (message.attempts, message.last_error) == (0, "")


def test_two_senders_at_once_send_each_mail_once(six_mails, mailbox):
    def deliver():
        with database.connection_context():
            return delivery.deliver_mails(clock.now())

    with ThreadPoolExecutor(2) as senders:
        counts = [sender.result() for sender in [senders.submit(deliver) for _ in range(2)]]
    assert sum(counts) == 6
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == len(mailbox.mails) == 6
