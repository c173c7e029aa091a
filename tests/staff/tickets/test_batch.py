"""Several tickets at once: what is ticked is assigned, closed or printed, and what could not be changed is named."""

import pytest

from database import database
from enums import EventKind, MessageKind, TicketStatus
from models import Message, Ticket
from settings import settings
from tests.support.cast import signed_in
from tests.support.pages import row_titles
from tests.support.staff import TicketPage

TICKETS = "/verwaltung/tickets?stand=alle-offenen"
ASSIGN, FINISH = "/verwaltung/tickets/auswahl/zuweisen", "/verwaltung/tickets/auswahl/erledigen"
FOLLOW_UP = "/verwaltung/tickets/auswahl/wiedervorlage"
PRINT = "/verwaltung/tickets/drucken"


@pytest.fixture
def three(anna, run_worker):
    """Anna has reported three incidents."""
    for description in ("eins", "zwei", "drei"):
        anna.report("incident", description=description)
    run_worker()


@pytest.fixture
def messages(app):
    """Return the kinds of the mails about tickets that wait, in the order in which they were written."""

    def read():
        with database.connection_context():
            return [message.kind for message in Message.select().order_by(Message.id)]

    return read


def send(visitor, page, url, *descriptions, **values):
    """Tick the tickets with these descriptions on a page of the list, and press the button with this URL."""
    rows = [row for row in page.tree.iter("tr") if row.find(".//a[@class='row-title']") is not None]
    ticks = [
        row.find(".//input").get("value") for row in rows if row.find(".//a[@class='row-title']").text in descriptions
    ]
    assert len(ticks) == len(descriptions)
    fields = page.fields("/verwaltung/tickets/drucken?stand=alle-offenen").to_dict()
    return visitor.post(f"{url}?stand=alle-offenen", fields | {"ticket": ticks} | values)


def test_ticked_tickets_are_assigned(app, clara, three, tickets):
    signed_in(app, "Emil Ernst")
    answer = send(clara, clara.get(TICKETS), ASSIGN, "eins", "drei", **{"zuweisen-to": "emil ernst"})
    assert (answer.status, answer.response.location) == (303, TICKETS)
    assert "Zuweisen: 2 Tickets." in clara.get(answer.response.location).text_of("batch")
    assert clara.get(TICKETS).element("batch") is None
    with database.connection_context():
        assert [ticket.assignee and ticket.assignee.name for ticket in tickets()] == ["Emil Ernst", None, "Emil Ernst"]


def test_ticked_tickets_are_put_aside(clara, three, tickets):
    later = {"wiedervorlage-on": "24.12.2026", "wiedervorlage-note": "Inventur"}
    assert send(clara, clara.get(TICKETS), FOLLOW_UP, "eins", "drei", **later).status == 303
    assert row_titles(clara.get("/verwaltung/tickets")) == ["zwei"]
    assert [ticket.follow_up_note for ticket in tickets()] == ["Inventur", "", "Inventur"]


def test_ticked_tickets_are_closed_with_one_text_and_a_mail_each(clara, three, tickets, messages):
    answer = send(clara, clara.get(TICKETS), FINISH, "eins", "zwei", **{"erledigen-text": "Der Server läuft wieder."})
    assert answer.status == 303
    assert row_titles(clara.get(TICKETS)) == ["drei"]
    assert [ticket.status for ticket in tickets()[:2]] == [TicketStatus.DONE] * 2
    assert messages().count(MessageKind.DONE) == 2
    with database.connection_context():
        events = [ticket.events.order_by(-ticket.events.model.id).get() for ticket in tickets()[:2]]
        assert {(event.kind, event.text) for event in events} == {(EventKind.DONE, "Der Server läuft wieder.")}


def test_those_that_changed_meanwhile_or_cannot_are_named_and_stay_ticked(app, clara, three, tickets, messages):
    page = clara.get(TICKETS)
    emil = signed_in(app, "Emil Ernst")
    assert send(emil, emil.get(TICKETS), ASSIGN, "eins", **{"zuweisen-to": "emil ernst"}).status == 303
    with database.connection_context():
        Ticket.update(approval="pending").where(Ticket.id == tickets()[1].id).execute()
    answer = send(clara, page, FINISH, "eins", "zwei", "drei", **{"erledigen-text": "Läuft wieder."})
    assert answer.status == 422
    reasons = " ".join("".join(answer.tree.find(".//div[@class='summary']").itertext()).split())
    for ticket, reason in zip(
        tickets(), ("Inzwischen ist an diesem Ticket", "wartet noch auf die Freigabe"), strict=False
    ):
        assert f"{ticket.submission.spoken_code} " in reasons
        assert reason in reasons
    assert tickets()[2].submission.spoken_code not in reasons
    assert [ticket.status for ticket in tickets()] == [TicketStatus.NEW, TicketStatus.NEW, TicketStatus.DONE]
    assert messages().count(MessageKind.DONE) == 1
    fields = answer.fields("/verwaltung/tickets/drucken?stand=alle-offenen")
    assert (len(fields.getlist("ticket")), fields["erledigen-text"]) == (2, "Läuft wieder.")


def test_ticked_tickets_are_printed_each_on_a_sheet(clara, three, tickets):
    page = send(clara, clara.get(TICKETS), PRINT, "eins", "drei")
    sheets = ["".join(sheet.itertext()) for sheet in page.tree.iter("article")]
    assert [ticket.submission.spoken_code in sheet for ticket, sheet in zip(tickets()[::2], sheets, strict=True)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("url", [ASSIGN, FINISH, PRINT])
@pytest.mark.parametrize("ticks", [[], ["x"], ["999-1"], ["1"]])
def test_without_a_ticked_ticket_nothing_happens(clara, three, tickets, url, ticks):
    fields = clara.get(TICKETS).fields("/verwaltung/tickets/drucken?stand=alle-offenen").to_dict()
    answer = clara.post(url, fields | {"ticket": ticks, "zuweisen-to": "clara neumann"})
    if ticks != ["1"]:
        assert (answer.status, "mindestens ein Ticket" in answer.text) == (422, True)
    assert {ticket.status for ticket in tickets()} == {TicketStatus.NEW}


def test_other_actions_are_not_for_several_tickets(clara, three):
    fields = clara.get(TICKETS).fields("/verwaltung/tickets/drucken?stand=alle-offenen").to_dict()
    for slug in ("stornieren", "antworten", "x"):
        assert clara.post(f"/verwaltung/tickets/auswahl/{slug}", fields).status == 404


def test_what_was_done_to_several_tickets_is_undone_together(clara, three, tickets, messages, monkeypatch):
    monkeypatch.setattr(settings, "undo_seconds", 20)
    done = send(clara, clara.get(TICKETS), FINISH, "eins", "zwei", **{"erledigen-text": "Falsche Liste"})
    page = clara.get(done.response.location)
    url = "/verwaltung/tickets/auswahl/rueckgaengig?stand=alle-offenen"
    answer = clara.post(url, page.fields(url))
    assert "Rückgängig: 2 Tickets." in clara.get(answer.response.location).text_of("batch")
    assert {ticket.status for ticket in tickets()} == {TicketStatus.NEW}
    assert MessageKind.DONE not in messages()
    late = clara.post(url, page.fields(url))
    assert (late.status, "Das war bei diesen Tickets nicht möglich" in late.text) == (422, True)


def test_undoing_leaves_what_was_so_already(clara, three, tickets):
    settings.undo_seconds = 20
    TicketPage(clara, tickets()[0]).act("uebernehmen")
    answer = send(clara, clara.get(TICKETS), ASSIGN, "eins", "zwei", **{"zuweisen-to": "clara neumann"})
    page = clara.get(answer.response.location)
    undo = "/verwaltung/tickets/auswahl/rueckgaengig?stand=alle-offenen"
    clara.post(undo, page.fields(undo))
    with database.connection_context():
        assert [ticket.assignee and ticket.assignee.name for ticket in tickets()] == ["Clara Neumann", None, None]
