"""The queue: order, filters in the URL, counts, pages, search, and live updates."""

from datetime import timedelta

import pytest

import clock
from database import database
from enums import Category, EventKind
from models import Contact, Customer, Event, Staff, Submission, Ticket
from services import search
from services.tickets import queue
from services.tickets.queue import QueueFilters, QueueSort, QueueView
from tests.support.cast import NOW, signed_in
from tests.support.pages import HTMX, href, row_titles

LIVE = HTMX | {"HX-Trigger": "live"}


@pytest.fixture
def reported(anna, run_worker):
    """Report incidents, given as pairs of description and priority."""

    def report(*requests, **changes):
        for description, priority in requests:
            anna.report("incident", description=description, priority=priority, **changes)
        run_worker()

    return report


@pytest.fixture
def change(app):
    """Change a ticket in the database, given its description."""

    def update(description, **values):
        with app.app_context(), database.connection_context():
            ticket = Ticket.with_details().where(Submission.description == description).get()
            if values.get("status") in ("done", "cancelled"):
                values["closed_at"] = NOW
            for name, value in values.items():
                setattr(ticket, name, value)
            ticket.save()
            search.update_state(ticket)

    return update


def test_most_urgent_first_then_oldest(reported, clara):
    reported(("eins", "low"), ("zwei", "high"), ("drei", "medium"), ("vier", "high"), ("fünf", "low"))
    assert row_titles(clara.get("/verwaltung/tickets")) == ["zwei", "vier", "drei", "eins", "fünf"]


def test_archive_is_newest_first(reported, clara, change):
    reported(("eins", "low"), ("zwei", "high"), ("drei", "medium"))
    for description in ("eins", "zwei", "drei"):
        change(description, status="done")
    assert row_titles(clara.get("/verwaltung/tickets")) == []
    assert row_titles(clara.get("/verwaltung/tickets?stand=erledigt")) == ["drei", "zwei", "eins"]
    assert row_titles(clara.get("/verwaltung/tickets?stand=alle")) == ["drei", "zwei", "eins"]


SORTED = {
    "prioritaet": ["zwei", "vier", "drei", "eins"],
    "art": ["vier", "eins", "zwei", "drei"],
    "kunde": ["vier", "zwei", "eins", "drei"],
    "alter": ["eins", "zwei", "drei", "vier"],
    "zuletzt": ["zwei", "vier", "drei", "eins"],
    "bearbeiter": ["zwei", "vier", "eins", "drei"],
}


@pytest.mark.parametrize("by", SORTED)
def test_open_tickets_are_sorted_by_address_page_by_page(reported, anna, clara, change, monkeypatch, by):
    reported(("eins", "low"), ("zwei", "high"), ("drei", "medium"))
    anna.report("other", description="vier", priority="high")
    reported()
    with database.connection_context():
        names = {"drei": "Muff", "eins": "Müller", "vier": "ahrens"}
        for number, (description, name) in enumerate(names.items()):
            change(description, customer=Customer.create(number=f"N{number}", name=name, created_at=NOW))
        for description, name in {"eins": "Öztürk", "drei": "Otto"}.items():
            change(description, assignee=Staff.create(login=name, name=name, password_hash="!", created_at=NOW))
        Event.create(ticket=Ticket.select().order_by(Ticket.id)[1], at=NOW, kind=EventKind.NOTED, actor="Clara Neumann")
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    path, found = f"/verwaltung/tickets?sortiert={by}", []
    while path:
        page = clara.get(path)
        found += row_titles(page)
        path = href(page, "Weitere Tickets") if "Weitere Tickets" in page.text else None
    assert found == SORTED[by]


def test_headings_sort_open_tickets_only(reported, clara):
    reported(("eins", "low"))
    page = clara.get("/verwaltung/tickets?kunde=K1001&sortiert=kunde")
    assert href(page, "Alter") == "/verwaltung/tickets?kunde=K1001&sortiert=alter"
    (heading,) = [th for th in page.tree.iter("th") if "aria-sort" in th.attrib]
    assert "".join(heading.itertext()) == "Kunde"
    assert clara.get("/verwaltung/tickets?stand=alle&sortiert=kunde").element("sort-kunde") is None


def test_menu_leads_to_the_view_used_last(reported, clara):
    reported(("eins", "low"))
    clara.get("/verwaltung/tickets?stand=erledigt&text=eins&kunde=K1001&bearbeitet-von=x")
    assert href(clara.get("/verwaltung/"), "Tickets") == "/verwaltung/tickets?stand=erledigt"
    clara.get("/verwaltung/tickets")
    assert href(clara.get("/verwaltung/"), "Tickets") == "/verwaltung/tickets"


def test_search_from_any_page(reported, clara):
    reported(("Kasse", "low"), ("Drucker", "low"))
    form = clara.get("/verwaltung/kunden").element("search-form")
    values = {field.get("name"): field.get("value") for field in form.iter("input")} | {"text": "kasse"}
    assert row_titles(clara.get(form.get("action"), query_string=values)) == ["Kasse"]


def test_todo_view(reported, clara, anna, change):
    reported(("frei", "low"))
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")
    reported(("hoch und offen", "high"), ("muss warten", "medium"), ("läuft schon", "low"), ("beim Kunden", "low"))
    change("läuft schon", status="in_progress")
    change("beim Kunden", status="waiting")
    assert row_titles(clara.get("/verwaltung/tickets")) == ["hoch und offen", "frei", "läuft schon"]
    page = clara.get("/verwaltung/tickets?stand=alle-offenen&freigabe=wartet")
    assert row_titles(page) == ["hoch und offen", "muss warten", "läuft schon", "beim Kunden"]


def test_new_view_leaves_out_pending_approvals(reported, clara, change):
    reported(("frei", "low"))
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")
    reported(("hoch und offen", "high"), ("muss warten", "medium"), ("freigegeben", "low"), ("läuft schon", "low"))
    change("freigegeben", approval="approved")
    change("läuft schon", approval="approved", status="in_progress")
    assert row_titles(clara.get("/verwaltung/tickets?stand=neu")) == ["frei", "freigegeben"]


EXPECTED = {
    "stand=neu": ["Kasse", "Drucker", "Clara Neumann, Buchhaltung"],
    "stand=in-bearbeitung": ["ThinkPad E16: Der Akku lädt nicht."],
    "stand=wartet-auf-kunde": [],
    "stand=storniert": ["Bitte zwei Lizenzen bestellen."],
    "art=stoerung": ["Kasse", "Drucker"],
    "art=neuer-mitarbeiter": ["Clara Neumann, Buchhaltung"],
    "art=sonstiges&stand=alle": ["Bitte zwei Lizenzen bestellen."],
    "prioritaet=hoch": ["Kasse"],
    "prioritaet=niedrig&art=stoerung": ["Drucker"],
    "kunde=K2002": ["Drucker"],
    "kunde=k2002": ["Drucker"],
    "kunde=K9": [],
    "kunde=%3F": [],
    "bearbeitet-von=ich": ["ThinkPad E16: Der Akku lädt nicht."],
    "bearbeitet-von=niemand": ["Kasse", "Drucker", "Clara Neumann, Buchhaltung"],
    "bearbeitet-von=clara+neumann&stand=alle": ["ThinkPad E16: Der Akku lädt nicht."],
    "freigabe=nicht-noetig&prioritaet=hoch": ["Kasse"],
    "freigabe=abgelehnt": [],
    "text=kasse": ["Kasse"],
    "text=lizenzen&stand=alle": ["Bitte zwei Lizenzen bestellen."],
    "text=lizenzen": [],
}


def test_filters(anna, clara, run_worker, change):
    with database.connection_context():
        other, member = Customer.create(number="K2002", name="Autohaus", created_at=NOW), Staff.get()
    anna.report("incident", description="Kasse", priority="high")
    anna.report("incident", description="Drucker")
    for category in ("warranty", "new_employee", "other"):
        anna.report(category)
    run_worker()
    change("Drucker", customer=other)
    change("Bitte zwei Lizenzen bestellen.", status="cancelled")
    change("Der Akku lädt nicht.", status="in_progress", assignee=member)
    assert {query: row_titles(clara.get(f"/verwaltung/tickets?{query}")) for query in EXPECTED} == EXPECTED


def test_invalid_filters_are_ignored(reported, clara):
    reported(("eins", "low"))
    invalid = [
        "stand=x",
        "art=incident",
        "prioritaet=5",
        "freigabe=ja",
        "bearbeitet-von=dora",
        "nach=x",
        "nach=9",
        "nach=0-0",
    ]
    assert {query: row_titles(clara.get(f"/verwaltung/tickets?{query}")) for query in invalid} == {
        key: ["eins"] for key in invalid
    }


def test_form_shows_what_is_chosen(reported, clara):
    query = {"stand": "alle", "art": "stoerung", "prioritaet": "hoch", "kunde": "K1001", "text": "Kasse"}
    page = clara.get("/verwaltung/tickets", query_string=query)
    chosen = page.fields().to_dict() | {"text": page.element("search").get("value")}
    assert {name: chosen[name] for name in query} == query


def test_counts_of_the_daily_views(reported, clara, change, app):
    reported(("eins", "low"), ("zwei", "high"), ("drei", "low"))
    change("drei", status="waiting")
    with database.connection_context():
        change("eins", assignee=Staff.get())
    shown = " ".join("".join(clara.get("/verwaltung/tickets").element("live").itertext()).split())
    for words in (
        "Zu tun 2",
        "Mir zugewiesen 1",
        "Warten auf Freigabe 0",
        "Warten auf Kunde 1",
        "Alle offenen 3",
        "2 Tickets",
    ):
        assert words in shown


def test_count_has_a_maximum(reported, clara, monkeypatch):
    reported(("eins", "low"), ("zwei", "low"), ("drei", "low"))
    monkeypatch.setattr(queue, "MAX_COUNTED", 2)
    assert "über 2 Tickets" in clara.get("/verwaltung/tickets").text_of("live")


def test_what_is_found_is_counted_up_to_the_end_of_a_page(reported, clara, monkeypatch):
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    reported(("Drucker eins", "low"), ("Drucker zwei", "low"))
    assert "2 Tickets" in clara.get("/verwaltung/tickets?text=drucker").text_of("live")
    reported(("Drucker drei", "low"))
    assert "über 2 Tickets" in clara.get("/verwaltung/tickets?text=drucker").text_of("live")


@pytest.mark.parametrize("query", ["", "stand=alle", "stand=alle&text=ticket", "text=ticket&prioritaet=mittel"])
def test_pages_show_each_ticket_once(reported, clara, monkeypatch, query):
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    reported(*((f"Ticket {number}", "medium") for number in range(5)))
    path, found = f"/verwaltung/tickets?{query}", []
    for _ in range(2):
        page = clara.get(path)
        found += row_titles(page)
        path = href(page, "Weitere Tickets")
    last = clara.get(path)
    assert "Weitere Tickets" not in last.text
    assert row_titles(clara.get(href(last, "Zum Anfang"))) == found[:2]
    found += row_titles(last)
    assert sorted(found) == [f"Ticket {number}" for number in range(5)]
    assert found == sorted(found, reverse="alle" in query)


def test_paging_goes_on_where_it_was_though_tickets_come_and_go(reported, clara, change, monkeypatch):
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    reported(*((f"Ticket {number}", "low") for number in range(4)))
    following = href(clara.get("/verwaltung/tickets"), "Weitere Tickets")
    change("Ticket 0", status="done")
    reported(("eilig", "high"))
    assert row_titles(clara.get(following)) == ["Ticket 2", "Ticket 3"]


FOUND_BY = (
    *("Gerät", "gerat", "GERÄT", "gera\u0308t", "ger", "PF4X-7Q2M", "4x7q", "pf4x7q2m", "0815", "akku gerat"),
    *("0211 555", "0211555", "thinkpad", "gerät akku 0815"),
)
NOT_FOUND_BY = ("pc", "ä", "xyz", '"', "a OR b", "words:x", "*", "NEAR(akku)", "akku -lädt zzz", "\0\0\0", "otto akku")


@pytest.mark.parametrize("scope", ["zu-tun", "alle", "erledigt"])
def test_search(anna, clara, run_worker, change, scope):
    serial = {"serial_number": "PF4X-7Q2M", "reference": "RE-2026-0815", "device": "ThinkPad"}
    anna.report("warranty", description="Das Gerät lädt den Akku nicht.", **serial)
    anna.report("other", name="Otto", phone="0172 9999999", description="Etwas ganz Anderes")
    run_worker()
    if scope == "erledigt":
        for description in ("Das Gerät lädt den Akku nicht.", "Etwas ganz Anderes"):
            change(description, status="done")

    def found(typed):
        page = clara.get("/verwaltung/tickets", query_string={"text": typed, "stand": scope})
        assert page.status == 200
        return row_titles(page)

    only = ["ThinkPad: Das Gerät lädt den Akku nicht."]
    assert {typed: found(typed) for typed in FOUND_BY} == dict.fromkeys(FOUND_BY, only)
    assert {typed: found(typed) for typed in NOT_FOUND_BY} == {key: [] for key in NOT_FOUND_BY}
    assert len(found("sommer")) == len(found("K1001")) == 2


@pytest.mark.parametrize(("stored", "typed"), [("Straße", "strasse"), ("STRASSE", "straße"), ("Straße", "STRAßE")])
def test_search_takes_both_spellings_of_a_sharp_s(reported, clara, stored, typed):
    reported((f"{stored} ohne Netz", "low"))
    page = clara.get("/verwaltung/tickets", query_string={"text": typed})
    assert row_titles(page) == [f"{stored} ohne Netz"]


def test_numbers_are_found_with_and_without_spaces(anna, clara, run_worker):
    anna.report("warranty", serial_number="AB 12 34", phone="0221 44 55 66")
    anna.report("new_employee", extension="4 56 78", mobile="0172 55 50 166")
    run_worker()
    serial, phone, extension, mobile = (
        len(row_titles(clara.get("/verwaltung/tickets", query_string={"text": typed})))
        for typed in ("ab1234", "0221445566", "45678", "01725550166")
    )
    assert (serial, phone, extension, mobile) == (1, 1, 1, 1)


def test_search_by_vorgangsnummer(reported, clara, tickets):
    reported(("eins", "low"), ("zwei", "low"))
    _, ticket = tickets()
    for typed in (ticket.submission.spoken_code, ticket.submission.code.lower()):
        assert row_titles(clara.get("/verwaltung/tickets", query_string={"text": typed})) == ["zwei"]


def test_search_follows_closing_and_reopening(reported, clara, tickets):
    reported(("eins", "low"))
    path = f"/verwaltung/ticket/{tickets()[0].submission.code}"

    def found(scope):
        return row_titles(clara.get(f"/verwaltung/tickets?text=eins&stand={scope}"))

    clara.post(f"{path}/erledigen", clara.get(path).fields(f"{path}/erledigen"))
    assert (found("zu-tun"), found("erledigt"), found("alle")) == ([], ["eins"], ["eins"])
    values = clara.get(path).fields(f"{path}/wieder-oeffnen").to_dict() | {"wieder-oeffnen-reason": "doch nicht"}
    clara.post(f"{path}/wieder-oeffnen", values)
    assert (found("zu-tun"), found("erledigt"), found("alle")) == (["eins"], [], ["eins"])


def test_new_tickets_appear_without_a_reload(reported, clara):
    reported(("eins", "low"))
    page = clara.get("/verwaltung/tickets?stand=neu")
    ask = page.element("live").get("data-hx-get")
    unchanged = clara.get(ask, headers=LIVE)
    assert unchanged.response.headers["HX-Reswap"] == "none"
    reported(("zwei", "high"))
    changed = clara.get(ask, headers=LIVE)
    assert "HX-Reswap" not in changed.response.headers
    assert row_titles(changed) == ["zwei", "eins"]
    assert "<html" not in changed.text
    assert changed.element("live").get("data-hx-get") != ask


def test_further_pages_do_not_poll(reported, clara, monkeypatch):
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    reported(("eins", "low"), ("zwei", "low"))
    further = clara.get(href(clara.get("/verwaltung/tickets"), "Weitere Tickets"))
    assert further.element("live").get("data-hx-get") is None


def test_polling_keeps_nobody_signed_in(app, reported, monkeypatch):
    clara = signed_in(app, "Clara Neumann")
    ask = clara.get("/verwaltung/tickets").element("live").get("data-hx-get")
    for minutes in range(0, 120, 20):
        monkeypatch.setattr(clock, "now", lambda minutes=minutes: NOW + timedelta(minutes=minutes))
        assert clara.get(ask, headers=LIVE).status == 200
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=121))
    answer = clara.get(ask, headers=LIVE)
    assert (answer.status, answer.text) == (401, "")
    assert answer.response.headers["HX-Redirect"] == "/verwaltung/anmelden"


@pytest.mark.parametrize(
    ("filters", "first_step"),
    [
        (QueueFilters(), "SCAN t1 USING COVERING INDEX ticket_open"),
        (
            QueueFilters(view=QueueView.OPEN, customer_number="K1001"),
            "SEARCH t1 USING INDEX ticket_customer_id_rank_id",
        ),
        *((QueueFilters(sort=sort), "SCAN t1 USING COVERING INDEX ticket_open") for sort in QueueSort),
        (QueueFilters(view=QueueView.DONE), "SEARCH t1 USING INDEX ticket_status_id"),
        (QueueFilters(view=QueueView.DONE, text="drucker"), "SCAN t2 VIRTUAL TABLE"),
        (QueueFilters(view=QueueView.DONE, text="drucker", customer_number="K1001"), "SCAN t2 VIRTUAL TABLE"),
        (QueueFilters(view=QueueView.CANCELLED, text="drucker", category=Category.INCIDENT), "SCAN t2 VIRTUAL TABLE"),
        (QueueFilters(view=QueueView.CLOSED), "SCAN t1"),
        (QueueFilters(view=QueueView.CLOSED, text="drucker"), "SCAN t2 VIRTUAL TABLE"),
        (QueueFilters(view=QueueView.ALL, text="drucker"), "SCAN t2 VIRTUAL TABLE"),
    ],
    ids=str,
)
def test_each_view_reads_an_index_first(anna, db, monkeypatch, filters, first_step):
    asked, execute = [], db.execute_sql

    def note(sql, params=None):
        asked.append((sql, params))
        return execute(sql, params)

    monkeypatch.setattr(db, "execute_sql", note)
    queue.page(filters)
    sql, values = next((sql, values) for sql, values in asked if "LIMIT" in sql and queue.PAGE_SIZE + 1 in values)
    plan = [row[-1] for row in execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert plan[0].startswith(first_step)
    assert filters.view.is_open or not any("TEMP B-TREE" in step for step in plan)
