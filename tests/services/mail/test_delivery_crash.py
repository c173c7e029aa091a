"""A real portal with a real mail server, killed, stopped and run twice: no mail is lost, and none gets a second id."""

import asyncio
import threading
from datetime import timedelta

import pytest

from enums import MessageState
from models import Message, Ticket
from services.mail import smtp
from tests.support.servers.http_client import HttpClient, code_on
from tests.support.servers.live_server import START_SECONDS
from tests.support.servers.mailbox import HANGS, TIMEOUT_SECONDS

SOMMER, OFFICE = "post@sommer.example", "support@muster-it.example"

NEVER = 3600
SOON = 0.05


@pytest.fixture
def known(own_portal, mail_server):
    """Customer number and PIN of a company with an address on file; config.toml names the mail server."""
    known = own_portal.add_customer("K1001", "Bäckerei Sommer", "--mail", SOMMER)
    (own_portal.data_dir / "config.toml").write_text(f'smtp_url = "{mail_server.url}"\n', encoding="utf-8")
    return known


def report(portal, known):
    """Send a request; it makes two mails, one to the customer and one to the office."""
    line = HttpClient(portal)
    assert code_on(line.post("/", line.filled(known)))


def messages(portal):
    with portal.database():
        return list(Message.select().order_by(Message.id))


def states(portal):
    return [message.state for message in messages(portal)]


def ids(mailbox):
    return [mail["Message-ID"] for mail in mailbox.mails]


def end_leases(portal):
    """End all leases."""
    with portal.database():
        for message in Message.select().where(Message.leased_until.is_null(False)):
            message.leased_until = message.created_at - timedelta(seconds=1)
            message.save(only=[Message.leased_until])


def test_kill_between_acceptance_and_record(own_portal, known, mail_server):
    killed = threading.Event()

    async def kill():
        own_portal.kill()
        killed.set()

    mail_server.failure = {"END": kill}
    own_portal.start(worker_tick_seconds=SOON)
    report(own_portal, known)
    assert killed.wait(TIMEOUT_SECONDS)
    first, second = messages(own_portal)
    assert [first.leased_until is not None, second.leased_until is not None] == [True, False]
    assert states(own_portal) == [MessageState.WAITING] * 2
    mail_server.failure = {}
    own_portal.run("worker", "--einmal")
    assert states(own_portal) == [MessageState.WAITING, MessageState.SENT], "only the first is leased"
    end_leases(own_portal)
    own_portal.start(worker_tick_seconds=SOON)
    mail_server.wait_for(SOMMER, 2)
    assert own_portal.stop() == 0
    assert states(own_portal) == [MessageState.SENT] * 2
    assert ids(mail_server) == [first.message_id, second.message_id, first.message_id]
    assert own_portal.log() == ""


def test_kill_between_receipt_and_delivery(own_portal, known, mail_server):
    own_portal.start(worker_tick_seconds=NEVER)
    report(own_portal, known)
    own_portal.kill()
    assert (messages(own_portal), mail_server.mails) == ([], [])
    own_portal.start(worker_tick_seconds=SOON)
    mail_server.wait_for(OFFICE)
    assert own_portal.stop() == 0
    own_portal.run("worker", "--einmal")
    with own_portal.database():
        assert Ticket.select().count() == 1
    assert ids(mail_server) == [message.message_id for message in messages(own_portal)]
    assert states(own_portal) == [MessageState.SENT] * 2


def test_two_processes_at_once_send_each_mail_once(own_portal, known, mail_server):
    senders = 0
    both = asyncio.Event()

    async def answer_when_both_hold_a_mail():
        nonlocal senders
        senders += 1
        if senders == 2:
            both.set()
        await asyncio.wait_for(both.wait(), TIMEOUT_SECONDS)

    mail_server.failure = {"END": answer_when_both_hold_a_mail}
    own_portal.start(worker_tick_seconds=SOON)
    for _ in range(4):
        report(own_portal, known)
    mail_server.wait_for(SOMMER)
    own_portal.run("worker", "--einmal")
    for address in (SOMMER, OFFICE):
        mail_server.wait_for(address, 4)
    assert own_portal.stop() == 0
    assert mail_server.connections == 2
    assert sorted(ids(mail_server)) == sorted(message.message_id for message in messages(own_portal))
    assert states(own_portal) == [MessageState.SENT] * 8
    assert own_portal.log() == ""


def test_server_that_hangs_delays_neither_requests_nor_a_stop(own_portal, known, mail_server):
    mail_server.failure = {"END": HANGS}
    own_portal.start(worker_tick_seconds=SOON)
    report(own_portal, known)
    mail_server.wait_for(SOMMER)
    report(own_portal, known)
    # So a stop that waited for the final reply would fail below.
    assert START_SECONDS < smtp.FINAL_REPLY_SECONDS
    assert own_portal.stop() == 0
    assert own_portal.log() == ""
    assert set(states(own_portal)) == {MessageState.WAITING}
