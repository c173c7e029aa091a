"""The mail server of the office, a real one, and the mailboxes behind it."""

import email
import re
from email.policy import default
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller

import clock
from models import database
from services import delivery
from settings import settings
from tests.live import free_port


class Mailbox:
    """An SMTP server that takes everything and keeps it."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=default)
        mail.envelope = envelope
        self.mails.append(mail)
        return "250 OK"

    def to(self, address):
        """Return the mails to an address, oldest first."""
        return [mail for mail in self.mails if mail.envelope.rcpt_tos == [address]]

    def last_to(self, address):
        """Return the newest mail to an address."""
        return self.to(address)[-1]


def text_of(mail):
    """Return what a mail says, as plain text."""
    return mail.get_body(("plain",)).get_content()


def path_in(mail, start="/"):
    """Return the path of the portal's address in a mail that begins like this, for a visitor to open."""
    paths = [urlsplit(url).path for url in re.findall(r"https?://\S+", text_of(mail)) if url.startswith(settings.url)]
    return next(path for path in paths if path.startswith(start))


@pytest.fixture
def mail_server():
    """A mail server on this machine; nobody sends anything to it yet."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    mailbox.url = f"smtp://127.0.0.1:{controller.port}"
    yield mailbox
    controller.stop()


@pytest.fixture
def mailbox(app, mail_server):
    """The mailboxes of everybody, behind the server that the portal sends to."""
    settings.smtp_url = mail_server.url
    return mail_server


@pytest.fixture
def post(app, mailbox):
    """Let the portal deliver what is due, and return all mails that have arrived by then, oldest first."""

    def deliver(now=None):
        with app.app_context(), database.connection_context():
            delivery.deliver_due(now or clock.now())
        return mailbox.mails

    return deliver
