"""The search: spellings of names and numbers, in tickets and customers, and what it says about the other tickets."""

import csv
import io

import pytest

from database import database
from enums import OPEN_STATUSES
from models import Submission, Ticket
from services import search
from services.customers import customers
from services.tickets import queue
from tests.support.cast import NOW
from tests.support.pages import HTMX, href, row_titles

TICKETS, CUSTOMERS = "/verwaltung/tickets", "/verwaltung/kunden"

SPELLINGS = [
    ("Müller", "Mueller"),
    ("Mueller", "Müller"),
    ("Müller", "MUELLER"),
    ("Mu\N{COMBINING DIAERESIS}ller", "mueller"),
    ("Müller", "Mu\N{COMBINING DIAERESIS}ller"),
    ("Müller", "Muller"),
    ("Muller", "Müller"),
    ("Straße", "Strasse"),
    ("STRASSE", "straße"),
    ("Groß", "GROẞ"),
    ("Jörg", "joerg"),
    ("Joerg", "Jörg"),
    ("Ärztehaus", "aerzte"),
    ("Aerztehaus", "ärzte"),
    ("Größe", "groesse"),
    ("Müller", "Mü"),
    ("Mueller", "Mü"),
    ("Citroën", "citroen"),
    ("Andre", "André"),
    ("Yılmaz", "yilmaz"),
    ("Sørensen", "Soerensen"),
    ("Sørensen", "sorensen"),
    ("Łukasz Đorđević", "lukasz dordevic"),
    ("Köhler-Lüdenscheid", "Koehler-Luedenscheid"),
    ("Wu Li", "Wu Li"),
    ("Wu Lü", "wu lue"),
]

NOBODY = [("Mueller", "Muller"), ("Kohler", "Koehler"), ("Müller", "Müllner")]


@pytest.fixture
def found(clara):
    """Return the titles of what the list of tickets or of customers shows for a typed search."""
    return lambda page, typed, **filters: row_titles(clara.get(page, query_string={"text": typed} | filters))


@pytest.fixture
def change(app):
    """Change the state of a ticket in the database, given its description."""

    def update(description, status):
        with app.app_context(), database.connection_context():
            ticket = Ticket.with_details().where(Submission.description == description).get()
            ticket.status, ticket.closed_at = status, None if status in OPEN_STATUSES else NOW
            ticket.save()
            search.update_state(ticket)

    return update


def add_customer(name, **values):
    with database.connection_context():
        customers.add({"number": "N1", "name": name} | values, NOW)


@pytest.mark.parametrize(("stored", "typed"), SPELLINGS)
def test_ticket_and_customer_are_found_by_each_spelling(anna, run_worker, found, stored, typed):
    anna.report("incident", name=stored, description="Ihrer")
    anna.report("incident", name="Otto", description="Seiner")
    run_worker()
    for scope in ("zu-tun", "alle"):
        assert found(TICKETS, typed, stand=scope) == ["Ihrer"]
    add_customer(stored)
    assert found(CUSTOMERS, typed) == [" ".join(stored.replace("u\N{COMBINING DIAERESIS}", "ü").split())]


@pytest.mark.parametrize(("stored", "typed"), NOBODY)
def test_other_names_are_not_found(anna, run_worker, found, stored, typed):
    anna.report("incident", name=stored)
    run_worker()
    add_customer(stored)
    assert found(TICKETS, typed) == found(CUSTOMERS, typed) == []


NUMBERS = ["0049211123456", "+49 211 123456", "+49 (0)211 123456", "0211/123456", "(0211) 123 456", "0211 12 34-56"]


@pytest.mark.parametrize("stored", [*NUMBERS, "0211 123456 (Zentrale)", "0172 1234567 oder 0211 123456"])
def test_number_is_found_in_each_form(anna, run_worker, found, stored):
    anna.report("incident", phone=stored)
    anna.report("incident", description=f"Bitte {stored} anrufen.")
    anna.report("other", phone="0211 654321")
    run_worker()
    add_customer("Praxis Winter", contact_name=f"Petra Holz, {stored}")
    for typed in [*NUMBERS, "0211 123", "+49 211 12", "211123456", "123456"]:
        assert len(found(TICKETS, typed)) == 2, typed
        assert found(CUSTOMERS, typed) == ["Praxis Winter"], typed


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("+43 (0)1 234567", "0043 1 234567"),
        ("0043 1 234567", "+43 1 23 45 67"),
        ("+43 1 234567", "234567"),
        ("0211 1234", "0211 1234 Drucker"),
        ("004917155", "004917155"),
    ],
)
def test_number_among_others(anna, run_worker, found, stored, typed):
    anna.report("incident", phone=stored)
    anna.report("other", phone="0043 1 765432")
    run_worker()
    assert len(found(TICKETS, typed)) == 1


def test_number_beside_other_words(anna, run_worker, found):
    anna.report("incident", phone="0211/123456 (Zentrale)")
    anna.report("incident", name="Petra Holz")
    run_worker()
    add_customer("Praxis Winter", contact_name="Petra Holz, 0211 123456")
    for typed in ("+49 211 123456 {}", "{} 0049 211 123456", "{}, +49 (0)211 12 34 56"):
        assert len(found(TICKETS, typed.format("Anna Sommer"))) == 1, typed
        assert found(TICKETS, typed.format("Petra")) == [], typed
        assert found(CUSTOMERS, typed.format("Winter")) == ["Praxis Winter"], typed
        assert found(CUSTOMERS, typed.format("Sommer")) == [], typed


def test_two_numbers_need_not_stand_together(anna, run_worker, found):
    anna.report("incident", reference="RE 0815", description="Auftrag 4711")
    run_worker()
    assert found(TICKETS, "0815 4711") == ["Auftrag 4711"]


@pytest.mark.parametrize("stored", ["AB 12 34", "AB1234", "ab-12-34"])
@pytest.mark.parametrize("field", ["serial_number", "device", "reference", "order_reference"])
def test_parts_that_are_too_short_are_looked_for_together(anna, run_worker, found, stored, field):
    anna.report("warranty", **{"device": "ThinkPad"} | {field: stored})
    anna.report("incident", description="Etwas ganz anderes")
    run_worker()
    for typed in ("AB 12 34", "ab 12", "AB1234", "12 34"):
        assert len(found(TICKETS, typed)) == 1, typed
    assert found(TICKETS, "AB 34 12") == found(TICKETS, "ab") == []


@pytest.fixture
def printers(anna, run_worker, change):
    """Tickets about printers in most states, and one that no search for them finds."""
    states = {"offen": "new", "beim Kunden": "waiting", "erledigt": "done", "alt": "done", "storniert": "cancelled"}
    for state in states:
        anna.report("incident", description=f"Drucker {state}")
    anna.report("other", description="Drucker bestellen")
    anna.report("incident", description="Kasse")
    run_worker()
    for state, status in states.items():
        change(f"Drucker {state}", status)


OPEN, CLOSED = "elsewhere-open", "elsewhere-closed"


@pytest.mark.parametrize(
    ("query", "shown", "of_open", "of_closed"),
    [
        ("text=drucker", 2, "1 weiterer Treffer in offenen", "3 weitere Treffer in geschlossenen"),
        ("text=drucker&art=stoerung", 1, "1 weiterer Treffer in offenen", "3 weitere Treffer in geschlossenen"),
        ("text=drucker&stand=alle-offenen", 3, "", "3 weitere Treffer in geschlossenen"),
        ("text=drucker&stand=erledigt", 2, "3 weitere Treffer in offenen", "1 weiterer Treffer in geschlossenen"),
        ("text=drucker&stand=alle-geschlossenen", 3, "3 weitere Treffer in offenen", ""),
        ("text=storniert", 0, "", "1 Treffer in geschlossenen"),
        ("text=bestellen&stand=storniert", 0, "1 Treffer in offenen", ""),
        ("text=drucker&stand=alle", 6, "", ""),
        ("text=kasse", 1, "", ""),
        ("text=dr", 0, "", ""),
        ("stand=zu-tun", 3, "", ""),
    ],
)
def test_search_says_what_the_other_tickets_hold(clara, printers, query, shown, of_open, of_closed):
    page = clara.get(f"{TICKETS}?{query}")
    assert len(row_titles(page)) == shown
    for id, words in ((OPEN, of_open), (CLOSED, of_closed)):
        assert page.text_of(id) == (f"{words} Tickets anzeigen" if words else "")


def test_the_links_show_what_they_count(clara, printers):
    page = clara.get(f"{TICKETS}?text=drucker&art=stoerung")
    behind = {id: row_titles(clara.get(page.element(id).get("href"))) for id in (OPEN, CLOSED)}
    assert behind == {
        OPEN: ["Drucker offen", "Drucker beim Kunden"],
        CLOSED: ["Drucker storniert", "Drucker alt", "Drucker erledigt"],
    }


def test_further_tickets_are_counted_up_to_a_limit(clara, printers, monkeypatch):
    monkeypatch.setattr(queue, "MAX_COUNTED_ELSEWHERE", 2)
    page = clara.get(f"{TICKETS}?text=drucker")
    assert page.text_of(CLOSED) == "über 2 weitere Treffer in geschlossenen Tickets anzeigen"
    assert page.text_of(OPEN) == "1 weiterer Treffer in offenen Tickets anzeigen"


def test_a_search_that_fills_the_page_counts_the_other_half(clara, printers, monkeypatch):
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    first = clara.get(f"{TICKETS}?text=drucker")
    assert first.text_of(CLOSED) == "3 weitere Treffer in geschlossenen Tickets anzeigen"
    second = clara.get(href(first, "Weitere Tickets"))
    assert [first.element(OPEN), second.element(OPEN), second.element(CLOSED)] == [None] * 3


def test_the_counts_follow_while_the_page_is_open(clara, printers, change):
    page = clara.get(f"{TICKETS}?text=drucker")
    change("Drucker beim Kunden", "done")
    live = clara.get(page.element("live").get("data-hx-get"), headers=HTMX | {"HX-Trigger": "live"})
    assert live.text_of(CLOSED) == "4 weitere Treffer in geschlossenen Tickets anzeigen"


def test_other_filters_can_be_dropped_when_nothing_is_found(clara, printers):
    page = clara.get(f"{TICKETS}?text=kasse&art=garantiefall")
    assert row_titles(page) == []
    assert row_titles(clara.get(href(page, "In allen Tickets ohne Filter suchen"))) == ["Kasse"]
    assert "ohne Filter suchen" not in clara.get(f"{TICKETS}?text=nirgends&stand=erledigt").text


def test_closed_tickets_are_exported_newest_first(clara, printers):
    answer = clara.client.get(f"{TICKETS}.csv?stand=alle-geschlossenen")
    rows = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), delimiter=";")
    assert [row["Kurztext"] for row in rows] == ["Drucker storniert", "Drucker alt", "Drucker erledigt"]


def test_customers_outside_the_filter_are_counted(clara, anna):
    add_customer("Sommer & Sohn")
    page = clara.get(f"{CUSTOMERS}?text=sommer&stand=ohne-pin")
    assert row_titles(page) == ["Sommer & Sohn"]
    assert row_titles(clara.get(href(page, "1 weiterer Treffer ohne diesen Filter anzeigen"))) == [
        "Bäckerei Sommer",
        "Sommer & Sohn",
    ]
    page = clara.get(f"{CUSTOMERS}?text=sommer&stand=gesperrt")
    assert row_titles(page) == []
    assert href(page, "2 Treffer ohne diesen Filter anzeigen") == f"{CUSTOMERS}?text=sommer"
    assert "ohne diesen Filter" not in clara.get(f"{CUSTOMERS}?text=sommer").text
    assert "ohne diesen Filter" not in clara.get(f"{CUSTOMERS}?stand=gesperrt").text
