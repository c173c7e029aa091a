"""The minutes that the office worked: with an answer, a note or the solution; summed up per ticket, customer, month."""

import csv
import io

import pytest

from tests.support.pages import all_text
from tests.support.staff import TicketPage


@pytest.fixture
def work(anna, clara, run_worker, ticket):
    anna.report("incident")
    run_worker()
    return TicketPage(clara, ticket())


def say(work, slug, minutes, **more):
    prefix = "" if slug in ("antworten", "notieren") else f"{slug}-"
    values = work.form(slug) | {f"{prefix}minutes": minutes, f"{prefix}text": "Erledigt", **more}
    return work.visitor.post(f"{work.path}/{slug}", values)


def test_sum_on_the_ticket_in_the_list_and_per_customer_and_month(work, clara):
    for slug, minutes in (("antworten", "10"), ("notieren", "5"), ("erledigen", "30")):
        assert say(work, slug, minutes).status == 303
    assert "45 Minuten" in work.look().text_of("facts-list")
    rows = list(csv.DictReader(io.StringIO(clara.get("/verwaltung/tickets.csv?stand=alle").text), delimiter=";"))
    assert [row["Minuten"] for row in rows] == ["45"]
    figures = clara.get("/verwaltung/zahlen")
    assert "45 Minuten Arbeit" in all_text(figures)
    month = "/verwaltung/zahlen.csv?tabelle=kunden&zeitraum=2026-11"
    (spent,) = csv.DictReader(io.StringIO(clara.get(month).text[1:]), delimiter=";")
    assert (spent["Kundennummer"], spent["Minuten"]) == ("K1001", "45")
    assert "Sommer" not in clara.get(f"{month}&kunde=K1002").text


@pytest.mark.parametrize("minutes", ["-1", "1441", "eine", "1.5"])
@pytest.mark.parametrize("slug", ["antworten", "notieren", "erledigen"])
def test_bad_minutes(work, slug, minutes, events):
    before = len(events())
    page = say(work, slug, minutes)
    assert page.status == 422
    assert "Bitte geben Sie ganze Minuten ein, höchstens 1440." in page.text_of("ticket")
    assert len(events()) == before
