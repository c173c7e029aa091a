"""A real mail server for the office, and the mailboxes behind it."""

import asyncio
import email
import re
import threading
from contextlib import contextmanager
from email.policy import default
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

import clock
from database import database
from services.mail import delivery
from settings import settings
from tests.support.servers.live_server import free_port

HANGS, DIES = "hangs", "dies"

TIMEOUT_SECONDS = 20


class Mailbox:
    """An SMTP server that accepts and keeps every mail, unless it is told to fail.

    failure: the response at a step (connect, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, END) instead of the normal one,
    HANGS or DIES; a list gives one per attempt, None for normal. At END the mail is stored first; a coroutine function
    there returns the response.
    """

    def __init__(self):
        self.mails, self.logins, self.connections = [], [], 0
        self.failure = {}
        self._arrival = threading.Condition()

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=default)
        mail.envelope, mail.was_encrypted = envelope, session.ssl is not None
        mail.client_name = session.host_name
        failure = self.next_failure("END")
        if failure in (None, HANGS, DIES) or callable(failure):
            with self._arrival:
                self.mails.append(mail)
                self._arrival.notify_all()
        if failure in (HANGS, DIES):
            await server.fail_with(failure)
        if callable(failure):
            failure = await failure()
        return failure or "250 OK"

    def next_failure(self, step):
        """Return how the server fails at a step this time, or None."""
        failure = self.failure.get(step)
        if isinstance(failure, list):
            return failure.pop(0) if failure else None
        return failure

    def login(self, server, session, envelope, mechanism, data):
        """Accept every name and password and keep them."""
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)

    def to(self, address):
        """Return the mails to an address, oldest first."""
        return [mail for mail in self.mails if mail.envelope.rcpt_tos == [address]]

    def wait_for(self, address, number=1):
        """Wait until this many mails to an address have arrived and return the last of them."""
        with self._arrival:
            has_come = self._arrival.wait_for(lambda: len(self.to(address)) >= number, TIMEOUT_SECONDS)
        assert has_come, "No mail arrives."
        return self.to(address)[number - 1]

    def last_to(self, address):
        """Return the newest mail to an address."""
        return self.to(address)[-1]


class FaultySmtp(SMTP):
    """The SMTP conversation of a Mailbox, with its failures."""

    async def _handle_client(self):
        self.event_handler.connections += 1
        await self._unless_failing("connect", super()._handle_client)

    async def smtp_EHLO(self, arg):
        await self._unless_failing("EHLO", super().smtp_EHLO, arg)

    async def smtp_HELO(self, arg):
        await self._unless_failing("EHLO", super().smtp_HELO, arg)

    async def smtp_STARTTLS(self, arg):
        await self._unless_failing("STARTTLS", super().smtp_STARTTLS, arg)

    async def smtp_AUTH(self, arg):
        await self._unless_failing("AUTH", super().smtp_AUTH, arg)

    async def smtp_MAIL(self, arg):
        await self._unless_failing("MAIL", super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg):
        await self._unless_failing("RCPT", super().smtp_RCPT, arg)

    async def smtp_DATA(self, arg):
        await self._unless_failing("DATA", super().smtp_DATA, arg)

    async def fail_with(self, failure):
        """Hang until the client gives up, or drop the connection."""
        try:
            if failure == HANGS:
                await asyncio.Event().wait()
        finally:
            self.transport.abort()
        await asyncio.Event().wait()

    async def _unless_failing(self, step, go_on, *arguments):
        failure = self.event_handler.next_failure(step)
        if failure is None:
            await go_on(*arguments)
        elif failure in (HANGS, DIES):
            await self.fail_with(failure)
        else:
            await self.push(failure)
            if step == "connect":
                self.transport.close()


class FaultyController(Controller):
    def factory(self):
        return FaultySmtp(self.handler, **self.SMTP_kwargs)


def text_of(mail):
    """Return the plain text of a mail."""
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def path_in(mail, start="/"):
    """Return the path of the first portal URL in a mail whose path begins like this."""
    paths = [urlsplit(url).path for url in re.findall(r"https?://\S+", text_of(mail)) if url.startswith(settings.url)]
    return next(path for path in paths if path.startswith(start))


@contextmanager
def mail_server_running(controller=FaultyController, **options):
    """Run a mail server on this machine and yield its mailbox; the options are those of aiosmtpd."""
    mailbox = Mailbox()
    usual = {"authenticator": mailbox.login, "auth_require_tls": False, "server_hostname": "mail.example"}
    running = controller(mailbox, hostname="127.0.0.1", port=free_port(), **usual | options)
    running.start()
    # aiosmtpd connects once to itself at the start.
    mailbox.connections = 0
    mailbox.port = running.port
    mailbox.url = f"smtp://127.0.0.1:{running.port}"
    yield mailbox
    running.stop()


@pytest.fixture
def mail_server():
    """A mail server on this machine that the portal does not use yet."""
    with mail_server_running() as mailbox:
        yield mailbox


@pytest.fixture
def mailbox(app, mail_server):
    """All mailboxes, behind the mail server that the portal uses."""
    settings.smtp_url, settings.base_url = mail_server.url, "http://portal.example"
    return mail_server


@pytest.fixture
def deliver_mails(app, mailbox):
    """Deliver what is due, and return all mails that have arrived by then, oldest first."""

    def deliver(now=None):
        with database.connection_context():
            delivery.deliver_mails(now or clock.now())
        return mailbox.mails

    return deliver
