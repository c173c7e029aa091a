"""Expired data is deleted at night, by one rule for each kind, and the office sees it beforehand."""

import io
import os
from datetime import UTC, datetime, timedelta

import pytest

import clock
from database import database
from models import Attachment, Customer, Event, Message, Submission, Ticket, TicketLink, TicketWords
from services import search
from services.background import worker
from services.files import attachments
from services.privacy import retention, retention_schedule
from services.staff import sessions
from settings import Settings, StartError, settings
from tests.support.cast import NOW
from tests.support.database import database_bytes, files_on_disk
from tests.support.files.samples import PNG
from tests.support.pages import EXAMPLES, OPTIONAL
from tests.support.staff import TicketPage
from tests.support.unmatched import add_unmatched

PAGE = "/verwaltung/datenschutz"


@pytest.fixture(autouse=True)
def long_session(app, monkeypatch):
    """Let Clara stay signed in for years."""
    monkeypatch.setattr(sessions, "REMEMBERED_FOR", timedelta(days=10**5))
    settings.staff_idle_minutes, settings.staff_session_hours = 10**7, 10**6


@pytest.fixture(autouse=True)
def retention_periods(app):
    """The retention periods of these tests, whatever the defaults are."""
    settings.closed_ticket_days, settings.attachments_days = 1095, 365
    settings.new_employee_days, settings.mail_days = 180, 90
    settings.backup_time = ""


@pytest.fixture
def run_deletion(app, run_worker, advance_clock):
    """Let time pass with the portal switched on, and run the deletion at the end."""

    def pass_by(**duration):
        advance_clock(**duration)
        retention_schedule.start_if_due(clock.now() - timedelta(days=5))
        with app.app_context(), database.connection_context():
            worker.run_once(clock.now())

    return pass_by


@pytest.fixture
def closed(anna, clara, run_worker, tickets):
    """Let Anna report something and Clara close it; return the ticket's page."""

    def report(category="incident", **changes):
        anna.report(category, **changes)
        run_worker()
        ticket_page = TicketPage(clara, tickets()[-1])
        assert ticket_page.act("stornieren", "Frau Neumann kommt doch nicht.").status == 303
        return ticket_page

    return report


def in_the_database(text):
    return text.encode() in database_bytes()


def count(name, clara):
    """Return how many rows the page announces for the next run, and for the week after."""
    words = clara.get(PAGE).text_of("main").split(name, 1)[1].split()
    return int(words[words.index("Löschen:") + 1]), int(words[words.index("danach:") + 1])


def test_files_are_deleted_and_the_ticket_says_so(closed, run_deletion, clara):
    ticket_page = closed(files=[(io.BytesIO(PNG), "Foto.png")])
    run_deletion(days=365)
    assert "Foto.png" in ticket_page.look().text
    assert len(files_on_disk()) == 1
    run_deletion(days=1)
    page = ticket_page.look().text_of("main")
    assert "Foto.png" not in page
    assert f"Anhänge: gelöscht am {clock.now():%d.%m.%Y}" in page
    assert "Portal: Anhänge gelöscht1 Datei, 1 Jahr nach dem Abschluss" in page
    assert EXAMPLES["incident"]["description"] in page
    assert files_on_disk() == []
    with database.connection_context():
        assert Attachment.select().count() == 0


def test_a_new_employee_is_anonymised_and_the_ticket_stays(closed, run_deletion, clara):
    ticket_page = closed("new_employee", **OPTIONAL["new_employee"])
    typed = {**EXAMPLES["new_employee"], **OPTIONAL["new_employee"]}
    personal = [typed[name] for name in ("last_name", "position", "mobile", "desired_email")]
    personal += ["zwei Monitoren", "Frau Neumann", "clara neumann", "5550166"]
    run_deletion(days=180)
    assert [text for text in personal if not in_the_database(text)] == []
    run_deletion(days=1)
    with database.connection_context():
        # A colleague has the same name.
        database.execute_sql("UPDATE staff SET name = 'C', login = 'c'")
        Event.update(actor="C").where(Event.actor == "Clara Neumann").execute()
        assert Message.select().count() == 0
    assert [text for text in personal if in_the_database(text)] == []
    page = ticket_page.look().text_of("main")
    assert "Angaben zu einer Person gelöscht180 Tage nach dem Abschluss" in page
    assert "keine E-Mail-Adresse gewünscht" not in page
    assert "Ticket angelegtKundennummer und PIN stimmen." in page
    assert "Donnerstag, 01.04.2027" in page
    assert ticket_page.path in clara.get("/verwaltung/tickets?stand=storniert").text
    for word in ("neumann", "monitoren"):
        assert ticket_page.path not in clara.get(f"/verwaltung/tickets?stand=alle&text={word}").text


def test_a_closed_ticket_is_deleted_with_all_its_rows(closed, anna, clara, run_worker, run_deletion, tickets):
    ticket_page = closed("warranty", files=[(io.BytesIO(PNG), "Foto.png")])
    anna.report("callback")
    run_deletion(days=1095)
    assert ticket_page.look().status == 200
    run_deletion(days=1)
    assert ticket_page.look().status == 404
    (left,) = tickets()
    assert left.category == "callback"
    with database.connection_context():
        for table in (Submission, TicketWords):
            assert table.select().count() == 1
        for table in (Event, TicketLink, Message):
            assert {row.ticket_id for row in table.select()} == {left.id}
        assert Attachment.select().count() == 0
    assert files_on_disk() == []
    assert not in_the_database(EXAMPLES["warranty"]["device"])


@pytest.mark.parametrize("pages", [search.MERGE_PAGES, 1])
def test_nothing_can_be_read_from_the_full_text_index(closed, run_deletion, monkeypatch, pages):
    """The index holds groups of three letters: rows that are only marked as deleted could be put together again."""
    monkeypatch.setattr(search, "MERGE_PAGES", pages)
    closed("new_employee", last_name="Xqzwvy")
    closed(description="Jvzkw steht")
    assert in_the_database("xqz")
    assert in_the_database("jvz")
    run_deletion(days=1096)
    assert not in_the_database("xqz")
    assert not in_the_database("jvz")


def test_an_open_ticket_keeps_everything(closed, run_deletion):
    ticket_page = closed(files=[(io.BytesIO(PNG), "Foto.png")])
    assert ticket_page.act("wieder-oeffnen", "Es gibt Streit.").status == 303
    run_deletion(days=4000)
    page = ticket_page.look()
    assert page.status == 200
    assert "Foto.png" in page.text


@pytest.mark.parametrize(
    ("state", "days_kept"),
    [("sent", 90), ("discarded", 90), ("failed", 90), ("waiting", None)],
)
def test_mails(anna, run_worker, run_deletion, state, days_kept):
    anna.report("incident")
    run_worker()
    with database.connection_context():
        Message.update(state=state, sent_at=NOW if state == "sent" else None).execute()
        written = Message.select().count()
    assert written
    run_deletion(days=90)
    with database.connection_context():
        assert Message.select().count() == written
    run_deletion(days=1)
    with database.connection_context():
        assert Message.select().count() == (0 if days_kept else written)


def test_the_office_sees_beforehand_what_is_deleted(closed, anna, clara, run_deletion):
    closed("new_employee")
    closed(files=[(io.BytesIO(PNG), "Foto.png")])
    ticket_page = closed("other")
    run_deletion(days=172)
    assert count("neuen Mitarbeitern", clara) == (0, 0)
    run_deletion(days=1)
    assert count("neuen Mitarbeitern", clara) == (0, 1)
    run_deletion(days=7)
    assert count("neuen Mitarbeitern", clara) == (1, 0)
    run_deletion(days=185)
    assert (count("Ganze Tickets", clara), count("Anhänge 1 Jahr", clara)) == ((0, 0), (1, 0))
    run_deletion(days=730)
    assert count("Ganze Tickets", clara) == (3, 0)
    assert ticket_page.path in clara.get(PAGE).text
    run_deletion(days=1)
    assert count("Ganze Tickets", clara) == (0, 0)


def test_unmatched_and_staged_are_shown_too(clara, anna, advance_clock):
    add_unmatched(0, 12)
    anna.post("/anhaenge", anna.filled("incident", files=(io.BytesIO(PNG), "Foto.png")))
    advance_clock(days=13, hours=20)
    page = clara.get(PAGE).text_of("main")
    assert count("Nicht zugeordnete Anfragen", clara) == (12, 0)
    assert "Bis zum nächsten Löschen: 1" in page
    assert "Die ersten 10:" in page


def test_the_forecast_is_what_is_deleted(closed, run_deletion, app, clara):
    for category in ("new_employee", "incident", "other"):
        closed(category, files=[(io.BytesIO(PNG), "Foto.png")] if category != "new_employee" else [])
    run_deletion(days=370)
    tonight = {forecast.name: forecast.at_next_run for forecast in forecasts()}
    assert tonight["files"] == tonight["new_employees"] == 0
    for days in (170, 30, 600, 100, 300):
        run_deletion(days=days)
        assert [forecast for forecast in forecasts(at=clock.now()) if forecast.at_next_run] == []


def forecasts(at=None):
    with database.connection_context():
        return retention.forecast(at or retention_schedule.next_run_time(clock.now()))


def test_files_left_by_a_crash_are_deleted_later(closed, run_deletion, monkeypatch, caplog):
    closed(files=[(io.BytesIO(PNG), "Foto.png")])
    (path,) = settings.files_dir.iterdir()
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    with monkeypatch.context() as patch:
        patch.setattr(attachments, "delete_files", lambda names: names and 1 / 0)
        run_deletion(days=366)
    assert "gescheitert (files)" in caplog.text
    with database.connection_context():
        assert Attachment.select().count() == 0
    run_deletion(days=1)
    assert files_on_disk() == []


def test_a_rule_that_fails_changes_nothing_and_does_not_stop_the_others(closed, run_deletion, monkeypatch, caplog):
    ticket_page = closed(files=[(io.BytesIO(PNG), "Foto.png")])
    assert "Foto.png" in ticket_page.look().text
    with monkeypatch.context() as patch:
        patch.setattr(retention.search, "remove", lambda ids: 1 / 0)
        run_deletion(days=1096)
    assert "gescheitert (tickets)" in caplog.text
    page = ticket_page.look()
    assert page.status == 200
    assert "Foto.png" not in page.text
    with database.connection_context():
        assert (Ticket.select().count(), Message.select().where(Message.state == "sent").count()) == (1, 0)
        assert Submission.select().count() == 1
    run_deletion(days=1)
    with database.connection_context():
        assert Ticket.select().count() == 0


def test_many_rows_are_deleted_in_batches(app, anna, run_worker, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    with database.connection_context():
        add_unmatched(0, 5)
        Submission.update(state="admitted", unmatched_reason=None).execute()
        customer = Customer.get()
        for submission in Submission.select():
            Ticket.create(
                submission=submission,
                customer=customer,
                category="incident",
                rank=1,
                status="done",
                created_at=NOW - timedelta(days=2000),
                closed_at=NOW - timedelta(days=1999),
            )
    retention_schedule.start_if_due(NOW - timedelta(days=5))
    portals_worker = worker.Worker()
    left = []
    for _ in range(4):
        with app.app_context(), database.connection_context():
            portals_worker.tick(NOW)
            left.append(Ticket.select().count())
    assert left == [3, 1, 0, 0]


def test_old_copies_from_before_a_migration_are_deleted(app, run_deletion):
    settings.backups_dir.mkdir()
    names = ["vor-umstellung-20260801-020000-0003.db", "vor-umstellung-20261120-020000-0004.db", "anderes.db"]
    for name, days in zip(names, (91, 89, 91), strict=True):
        (path := settings.backups_dir / name).write_bytes(b"SQLite")
        at = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))
    run_deletion(minutes=1)
    assert sorted(path.name for path in settings.backups_dir.iterdir()) == sorted(names[1:])


@pytest.mark.parametrize("name", ["attachments_days", "new_employee_days", "closed_ticket_days", "mail_days"])
@pytest.mark.parametrize(("value", "reason"), [("0", "größer als null"), ("99999", "höchstens"), ("aus", "ganze Zahl")])
def test_a_retention_period_is_a_number_of_days(tmp_path, name, value, reason):
    with pytest.raises(StartError, match=reason):
        Settings().load({"TICKET_DATA_DIR": str(tmp_path), f"TICKET_{name.upper()}": value})


@pytest.mark.parametrize("value", ["", "25:00", "2 Uhr"])
def test_the_hour_of_the_night(tmp_path, value):
    with pytest.raises(StartError, match="muss eine Uhrzeit sein"):
        Settings().load({"TICKET_DATA_DIR": str(tmp_path), "TICKET_RETENTION_TIME": value})


@pytest.mark.parametrize(("hour", "minute", "night"), [(0, 59, 24), (1, 0, 25), (9, 30, 25), (22, 59, 25), (23, 1, 25)])
def test_tonight(hour, minute, night):
    """At 01:00 UTC it is 02:00 in the office."""
    begins = retention_schedule.next_run_time(datetime(2026, 11, 24, hour, minute, tzinfo=UTC))
    assert begins == datetime(2026, 11, night, 1, 0, tzinfo=UTC)


def test_once_a_night(app, closed, monkeypatch):
    """What becomes due during the day stays until the night."""
    ticket_page = closed()
    settings.closed_ticket_days = 1
    retention_schedule.start_if_due(NOW - timedelta(days=5))
    portals_worker = worker.Worker()

    def tick(now):
        with app.app_context(), database.connection_context():
            portals_worker.tick(now)
        return ticket_page.look().status

    assert tick(NOW) == 200
    assert tick(NOW + timedelta(hours=24, minutes=1)) == 404


def due_ids(name):
    (rule,) = (rule for rule in retention.RULES if rule.name == name)
    with database.connection_context():
        return rule, [row.id for row in rule.due(clock.now())]


@pytest.mark.parametrize("name", ["tickets", "new_employees", "files"])
def test_a_ticket_reopened_between_look_and_deletion_keeps_everything(closed, advance_clock, name):
    files = [] if name == "new_employees" else [(io.BytesIO(PNG), "Foto.png")]
    ticket_page = closed("new_employee" if name == "new_employees" else "incident", files=files)
    advance_clock(days=1096)
    rule, ids = due_ids(name)
    assert len(ids) == 1
    assert ticket_page.act("wieder-oeffnen", "Es gibt Streit.").status == 303
    before = ticket_page.look().text_of("main")
    with database.connection_context():
        rule.delete(ids, clock.now())
    assert ticket_page.look().text_of("main") == before
    assert len(files_on_disk()) == len(files)


def test_a_mail_retried_between_look_and_deletion_is_kept(anna, run_worker, advance_clock):
    anna.report("incident")
    run_worker()
    with database.connection_context():
        Message.update(state="failed").execute()
    advance_clock(days=91)
    rule, ids = due_ids("mails")
    with database.connection_context():
        Message.update(state="waiting").execute()
        rule.delete(ids, clock.now())
        assert Message.select().count() == len(ids) > 0


@pytest.mark.parametrize(("name", "days"), [("tickets", 1095), ("new_employees", 180), ("files", 365)])
def test_the_edge_of_a_retention_period(closed, advance_clock, name, days):
    closed("new_employee") if name == "new_employees" else closed(files=[(io.BytesIO(PNG), "Foto.png")])
    advance_clock(days=days)
    assert due_ids(name)[1] == []
    advance_clock(microseconds=1)
    assert len(due_ids(name)[1]) == 1
