"""The limit of messages from customers, to the second."""

from datetime import timedelta

import pytest

from enums import LinkPurpose
from models import TicketLink
from services.errors import UserError
from services.mail import access_links
from services.tickets import conversation
from settings import settings
from tests.support.cast import NOW

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def reported(anna, run_worker):
    """Anna's only ticket, which has a page for her."""
    anna.report("incident")
    run_worker()


def test_so_many_messages_are_taken_within_24_hours(reported, db):
    settings.replies_per_day = 2
    link = access_links.reload(TicketLink.get(TicketLink.purpose == LinkPurpose.CUSTOMER), NOW)
    for number in range(2):
        conversation.reply(link, f"key {number}", f"Nachricht {number}", 0, NOW)
    for moment in (NOW, NOW + DAY - SECOND):
        with pytest.raises(UserError, match="schon 2 Nachrichten"):
            conversation.reply(link, "key 2", "Noch eine", 0, moment)
        conversation.reply(link, "key 1", "Nachricht 1", 0, moment)
    conversation.reply(link, "key 2", "Noch eine", 0, NOW + DAY)
    assert [event.text for event in conversation.visible_events(link.ticket, NOW)][2:] == ["Noch eine"]
