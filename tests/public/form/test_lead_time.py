"""The lead time for a new employee: five working days of the federal state; the form warns but never refuses."""

from datetime import date, datetime, timedelta

import pytest

import clock
from services import workdays
from settings import settings
from tests.support.cast import NOW
from tests.support.pages import HTMX

# Taken from the laws of the federal states, not from the library.
VECTORS = [
    ("NW", "2027-04-01", "2027-03-23", "Karfreitag, Ostermontag"),
    ("NW", "2027-01-04", "2026-12-24", "beide Weihnachtstage, Neujahr"),
    ("NW", "2027-03-12", "2027-03-05", "kein Feiertag"),
    ("NW", "2027-03-13", "2027-03-08", "Eintritt am Samstag"),
    ("NW", "2027-01-11", "2027-01-04", "kein Dreikönigstag"),
    ("BY", "2027-01-11", "2026-12-31", "Dreikönigstag"),
    ("ST", "2027-01-11", "2026-12-31", "Dreikönigstag"),
    ("NW", "2027-03-15", "2027-03-08", "kein Frauentag"),
    ("BE", "2027-03-15", "2027-03-05", "Frauentag"),
    ("NW", "2027-06-01", "2027-05-24", "Fronleichnam"),
    ("BE", "2027-06-01", "2027-05-25", "kein Fronleichnam"),
    ("TH", "2027-09-24", "2027-09-16", "Weltkindertag"),
    ("SN", "2027-11-22", "2027-11-12", "Buß- und Bettag"),
    ("NW", "2027-11-22", "2027-11-15", "kein Buß- und Bettag"),
    ("NW", "2027-11-03", "2027-10-26", "Allerheiligen"),
    ("HH", "2027-11-03", "2027-10-27", "kein Allerheiligen"),
    ("HH", "2028-11-06", "2028-10-27", "Reformationstag"),
]

# So far from the limit that holidays make no difference.
LATE, IN_TIME = (NOW.date() + timedelta(days=days) for days in (2, 60))


def ask(visitor, entry_date):
    token = visitor.get("/").fields()["csrf_token"]
    return visitor.post("/vorlauf", {"csrf_token": token, "entry_date": entry_date}, headers=HTMX)


@pytest.mark.parametrize(("federal_state", "entry", "last_day", "why"), VECTORS)
def test_last_day_in_time(federal_state, entry, last_day, why):
    found = workdays.last_day_in_time(date.fromisoformat(entry), federal_state)
    assert found == date.fromisoformat(last_day), why


def test_the_notice_names_the_last_day(anna):
    for typed in ("2027-04-01", "01.04.2027", "1.4.27"):
        page = ask(anna, typed)
        assert page.status == 200
        assert "Dienstag, 23.03.2027" in page.text
    assert "<html" not in page.text


def test_the_notice_keeps_to_the_federal_state(anna, monkeypatch):
    assert "Montag, 04.01.2027" in ask(anna, "2027-01-11").text
    monkeypatch.setattr(settings, "federal_state", "BY")
    assert "Donnerstag, 31.12.2026" in ask(anna, "2027-01-11").text


@pytest.mark.parametrize(
    ("entry", "words"), [(LATE, "Das sind weniger als 5 Werktage"), (IN_TIME, "Rechtzeitig: Diesen Eintritt")]
)
def test_in_time_or_late(anna, entry, words):
    assert words in ask(anna, entry.isoformat()).text
    for path, values in (("/felder", {}), ("/", {"name": ""})):
        page = anna.post(path, anna.filled("new_employee", entry_date=entry.isoformat()) | values)
        assert words in page.text_of("lead-time")
        assert page.element("lead-time").get("role") == "status"


@pytest.mark.parametrize("typed", ["", "31.02.2027", "bald", "0001-01-01", "9999-12-31", "0202-01-15"])
def test_no_notice_for_an_invalid_or_distant_date(anna, typed):
    page = ask(anna, typed)
    assert page.status == 200
    assert page.text.strip() == ""


def test_no_notice_for_other_categories(anna):
    page = anna.post("/felder", anna.filled("new_employee") | {"category": "other"})
    assert page.element("lead-time") is None


@pytest.mark.parametrize(("entry", "is_late"), [(LATE, True), (IN_TIME, False)])
def test_late_entries_are_received_and_flagged(anna, run_worker, tickets, entry, is_late):
    receipt = anna.report("new_employee", entry_date=entry.isoformat())
    assert ("weniger als 5 Werktage" in receipt.text) == is_late
    run_worker()
    (ticket,) = tickets()
    assert ticket.lead_time_missed == is_late
    assert ticket.submission.entry_date == entry


@pytest.mark.parametrize(
    ("local_time", "is_late"),
    [
        ("2027-03-22 12:00", False),
        ("2027-03-23 00:30", False),
        ("2027-03-23 23:59", False),
        # In UTC it is still the last day in time.
        ("2027-03-24 00:00", True),
        ("2027-03-24 00:30", True),
        ("2027-03-24 12:00", True),
    ],
)
def test_the_last_day_in_time_ends_at_midnight_in_germany(
    anna, clara, run_worker_at, tickets, monkeypatch, local_time, is_late
):
    moment = datetime.fromisoformat(local_time).replace(tzinfo=clock.TIME_ZONE)
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert ("Das sind weniger als 5 Werktage" in ask(anna, "2027-04-01").text) == is_late
    receipt = anna.report("new_employee", entry_date="2027-04-01")
    assert ("weniger als 5 Werktage" in receipt.text) == is_late
    run_worker_at(moment)
    (ticket,) = tickets()
    assert ticket.lead_time_missed == is_late
