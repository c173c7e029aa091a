"""Follow-ups: a ticket is put aside until a day, and comes back on that day or when the customer writes."""

from datetime import date

import pytest

from database import database
from enums import EventKind
from models import Ticket
from settings import settings
from tests.support.cast import NOW, signed_in
from tests.support.pages import all_text, row_titles
from tests.support.servers.mailbox import path_in
from tests.support.staff import HOME, TicketPage

ANNA = "post@sommer.example"
TODO, OPEN = "/verwaltung/tickets", "/verwaltung/tickets?stand=alle-offenen"


@pytest.fixture
def work(anna, clara, run_worker, ticket):
    anna.report("incident", description="Drucker")
    run_worker()
    return TicketPage(clara, ticket())


def put_aside(work, on, note="", page=None):
    values = work.form("wiedervorlage", page) | {"wiedervorlage-on": on, "wiedervorlage-note": note}
    return work.visitor.post(f"{work.path}/wiedervorlage", values)


def test_ticket_leaves_the_list_and_comes_back_on_its_day(work, clara, events):
    assert put_aside(work, "24.11.2026", "Ersatzteil da?").status == 303
    assert events()[-1][0] is EventKind.FOLLOW_UP
    assert events()[-1][2] == "Dienstag, 24.11.2026: Ersatzteil da?"
    assert "Dienstag, 24.11.2026: Ersatzteil da?" in work.look().text_of("ticket")
    assert [row_titles(clara.get(path)) for path in (TODO, HOME, OPEN)] == [[], [], ["Drucker"]]
    # As on that day; her session would be over by then.
    with database.connection_context():
        Ticket.update(follow_up_on=NOW.date()).execute()
    assert row_titles(clara.get(TODO)) == ["Drucker"]
    assert "Wiedervorlage: Ersatzteil da?" in all_text(clara.get(HOME))


def test_follow_up_ends_by_hand_or_with_the_ticket(work, ticket, events):
    put_aside(work, "24.12.2026", "Inventur")
    assert put_aside(work, "").status == 303
    assert (ticket().follow_up_on, ticket().follow_up_note) == (None, "")
    assert events()[-1][2] == "aufgehoben"
    put_aside(work, "24.12.2026")
    work.act("erledigen")
    assert ticket().follow_up_on is None


def test_message_of_the_customer_ends_it(work, anna, ticket, mailbox, deliver_mails):
    put_aside(work, "24.12.2026")
    work.visitor.post(f"{work.path}/antworten", work.form("antworten") | {"text": "Läuft er wieder?"})
    deliver_mails()
    path = path_in(mailbox.last_to(ANNA), "/vorgang/")
    assert anna.post(path, anna.get(path).fields().to_dict() | {"text": "Läuft wieder"}).status == 303
    assert ticket().follow_up_on is None


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        ("23.11.2026", "Bitte geben Sie einen späteren Tag als heute an."),
        ("1.1.1999", "Bitte geben Sie einen späteren Tag als heute an."),
        ("bald", "Dieses Datum gibt es nicht."),
        ("", "Bitte geben Sie an, wann Sie das Ticket wieder sehen wollen."),
    ],
)
def test_a_day_that_does_not_do(work, ticket, on, sentence):
    page = put_aside(work, on, "Ersatzteil")
    assert page.status == 422
    assert sentence in page.text_of("ticket")
    assert page.fields(f"{work.path}/wiedervorlage")["wiedervorlage-note"] == "Ersatzteil"
    assert ticket().follow_up_on is None


def test_two_people_at_once(app, work, ticket):
    page = work.look()
    emil = signed_in(app, "Emil Ernst")
    put_aside(TicketPage(emil, ticket()), "25.11.2026")
    refused = put_aside(work, "26.11.2026", page=page)
    assert (refused.status, ticket().follow_up_on) == (422, date(2026, 11, 25))
    assert "Inzwischen ist an diesem Ticket etwas geschehen." in refused.text_of("ticket")


def test_undone(work, ticket):
    settings.undo_seconds = 20
    put_aside(work, "25.11.2026", "Inventur")
    work.act("rueckgaengig")
    assert (ticket().follow_up_on, ticket().follow_up_note) == (None, "")
