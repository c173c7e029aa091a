"""Fixtures for the tests of delivery: two waiting mails, and what the outbox holds."""

import pytest

from database import database
from models import Message
from settings import settings


@pytest.fixture
def outbox(app):
    """Return the messages of the outbox, oldest first."""

    def load():
        with database.connection_context():
            return list(Message.select().order_by(Message.id))

    return load


@pytest.fixture
def two_mails(anna, run_worker, mailbox):
    """One mail to the customer and one to the office, written while there was no mail server."""
    settings.smtp_url = ""
    anna.report("incident")
    run_worker()
    settings.smtp_url = mailbox.url
