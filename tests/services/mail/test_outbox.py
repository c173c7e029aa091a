"""The outbox: what is discarded before it is sent, and when its retention period ends."""

from datetime import timedelta

import pytest

from database import database
from enums import MessageKind, MessageState
from models import Message
from services.mail import outbox
from settings import settings
from tests.support.approvers import BERND, PETRA
from tests.support.cast import NOW
from tests.support.servers.live_server import free_port


def unsent(*kinds):
    """Return kind, ticket and state of the messages of these kinds that were not sent, oldest first."""
    with database.connection_context():
        messages = Message.select().where(Message.kind.in_(kinds), Message.state != MessageState.SENT)
        return [(message.kind, message.ticket_id, message.state) for message in messages.order_by(Message.id)]


@pytest.mark.parametrize("end", ["approved", "declined", "cancelled"])
@pytest.mark.parametrize("state", [MessageState.WAITING, MessageState.FAILED])
def test_decided_ticket_sends_no_reminder_that_waited(
    ask_approvers, run_worker_at, advance_clock, deliver_mails, mailbox, ticket_page, tickets, end, state
):
    """The mail server is down when the reminders are written; another ticket's reminders are sent."""
    ask_approvers()
    bernd, _ = ask_approvers()
    settings.smtp_url = f"smtp://127.0.0.1:{free_port()}"
    run_worker_at(NOW + timedelta(days=1))
    other, ended = [ticket.id for ticket in tickets()]
    with database.connection_context():
        Message.update(state=state).where(Message.ticket == ended, Message.state == MessageState.WAITING).execute()
    if end == "cancelled":
        ticket_page().act("stornieren", "Doppelt gemeldet")
    else:
        bernd.press(end, "Zu teuer")
    reminders = [(MessageKind.REMINDER, other, MessageState.WAITING)] * 2
    reminders += [(MessageKind.REMINDER, ended, MessageState.DISCARDED)] * 2
    assert unsent(MessageKind.REMINDER) == reminders
    settings.smtp_url = mailbox.url
    advance_clock(hours=1)
    subjects = [mail["Subject"].partition(" [")[0] for mail in deliver_mails() if mail["To"] in (BERND, PETRA)]
    assert subjects == ["Bitte um Freigabe"] * 4 + ["Erinnerung: Bitte um Freigabe"] * 2


def test_decided_ticket_sends_no_approval_request_that_waited(ask_approvers, tickets, ticket_page, mailbox):
    ask_approvers()
    settings.smtp_url = ""
    ticket_page().act("antworten", "Wir warten auf die Freigabe.")
    ticket_page().act("freigabe-anfragen")
    (ticket,) = tickets()
    assert unsent(MessageKind.APPROVAL_WANTED) == [(MessageKind.APPROVAL_WANTED, ticket.id, MessageState.WAITING)] * 2
    ticket_page().act("freigeben", "Bernd Brot, am Telefon")
    assert unsent(MessageKind.APPROVAL_WANTED) == [(MessageKind.APPROVAL_WANTED, ticket.id, MessageState.DISCARDED)] * 2
    assert unsent(MessageKind.ANSWER) == [(MessageKind.ANSWER, ticket.id, MessageState.WAITING)], "no other mail"


INSTANT = timedelta(microseconds=1)
LONG_AGO = NOW - timedelta(days=1000)


@pytest.mark.parametrize("is_over", [False, True])
@pytest.mark.parametrize("state", [MessageState.SENT, MessageState.FAILED, MessageState.DISCARDED])
def test_retention_period_ends_after_its_last_day(db, state, is_over):
    written = NOW - timedelta(days=settings.mail_days) - is_over * INSTANT
    dates = {"created_at": LONG_AGO, "sent_at": written} if state is MessageState.SENT else {"created_at": written}
    message = outbox.put(MessageKind.TEST, "", LONG_AGO, recipient=BERND)
    failing_since = LONG_AGO if state is MessageState.FAILED else None
    Message.update(state=state, failing_since=failing_since, **dates).where(Message.id == message.id).execute()
    assert list(outbox.past_retention(NOW)) == ([message] if is_over else [])


def test_waiting_message_is_kept_however_old(db):
    outbox.put(MessageKind.TEST, "", LONG_AGO, recipient=BERND)
    assert list(outbox.past_retention(NOW)) == []
