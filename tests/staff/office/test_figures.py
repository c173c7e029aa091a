"""The statistics page: tickets by week, median times, as tables and as a chart."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from database import database
from enums import Category, Priority, SubmissionState, TicketStatus
from i18n import formats
from models import Customer, Submission, Ticket
from services.reports import statistics
from services.reports.statistics import TicketRow
from tests.support.cast import NOW
from views.staff.office import charts

SVG = "{http://www.w3.org/2000/svg}"


def counted(created_at, category=Category.INCIDENT, *, rank=2, first=None, done=None, cancelled=None, customer=1):
    """Return a row as the statistics read it; durations are in hours."""
    status = TicketStatus.DONE if done else TicketStatus.CANCELLED if cancelled else TicketStatus.NEW
    closed = done or cancelled

    def later(hours):
        return hours and created_at + timedelta(hours=hours)

    return TicketRow(created_at, category, rank, customer, status, later(first), later(closed))


def moment(text):
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.fixture
def office(app):
    """Two customers, and a way to file tickets for them."""
    with database.connection_context():
        customers = [
            Customer.create(number=number, name=name, created_at=NOW)
            for number, name in (("K1001", "Bäckerei Sommer"), ("K1002", "<b>Brandt</b> & Partner"))
        ]

    numbers = itertools.count()

    @database.connection_context()
    def file(place, created_at, category=Category.INCIDENT, priority=Priority.LOW, first=None, done=None):
        customer = customers[place]
        number = next(numbers)
        submission = Submission.create(
            draft=f"draft{number:017}",
            code=f"{number:08}",
            received_at=created_at,
            state=SubmissionState.ADMITTED,
            customer_number=customer.number,
            name="Anna Sommer",
            phone="0211 5550101",
            category=category,
            priority=priority,
        )
        return Ticket.create(
            submission=submission,
            customer=customer,
            category=category,
            rank=priority.rank,
            status=TicketStatus.DONE if done else TicketStatus.NEW,
            created_at=created_at,
            first_action_at=first and created_at + timedelta(hours=first),
            closed_at=done and created_at + timedelta(hours=done),
        )

    return file


def rows(page, place):
    """Return the cells of a table's body as words."""
    table = list(page.tree.iter("table"))[place]
    return [
        [" ".join("".join(cell.itertext()).split()) for cell in row if cell.tag in ("th", "td")]
        for row in table.find("tbody")
    ]


# --- arithmetic ---


def test_weeks_end_with_the_current_one():
    mondays = statistics.mondays_until(NOW, 12)
    assert len(mondays) == 12
    assert (mondays[0].date(), mondays[-1].date()) == (date(2026, 9, 7), date(2026, 11, 23))


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        ("2026-11-22T23:59:59+01:00", date(2026, 11, 16)),
        ("2026-11-23T00:00:00+01:00", date(2026, 11, 23)),
        ("2026-11-22T23:30:00+00:00", date(2026, 11, 23)),
        ("2027-01-01T12:00:00+01:00", date(2026, 12, 28)),
    ],
)
def test_current_week_by_the_offices_clock(now, monday):
    assert statistics.mondays_until(moment(now), 12)[-1].date() == monday


@pytest.mark.parametrize(
    ("change", "hours"),
    [("2026-03-29", 7 * 24 - 1), ("2026-10-25", 7 * 24 + 1)],
)
def test_week_of_a_clock_change_is_an_hour_shorter_or_longer(change, hours):
    sunday = datetime.fromisoformat(change)
    mondays = statistics.mondays_until(moment(f"{sunday + timedelta(days=3):%Y-%m-%dT12:00:00+01:00}"), 12)
    length = mondays[-1].astimezone(UTC) - mondays[-2].astimezone(UTC)
    assert length == timedelta(hours=hours)


@pytest.mark.parametrize("offset", ["2026-03-29", "2026-10-25"])
def test_tickets_at_the_edges_of_a_week_with_a_clock_change(offset):
    sunday = date.fromisoformat(offset)
    mondays = statistics.mondays_until(moment(f"{sunday + timedelta(days=3)}T12:00:00+01:00"), 12)
    tickets = [counted(at) for begin in mondays[-2:] for at in (begin.astimezone(UTC), begin.astimezone(UTC))]
    tickets += [counted(begin.astimezone(UTC) - timedelta(seconds=1)) for begin in mondays[-2:]]
    totals = [week.total for week in statistics.by_week(tickets, mondays)]
    assert totals[-3:] == [1, 3, 2]


def test_week_without_tickets_is_there():
    mondays = statistics.mondays_until(NOW, 26)
    weeks = statistics.by_week([counted(NOW), counted(NOW, Category.CALLBACK)], mondays)
    assert [week.total for week in weeks] == [0] * 25 + [2]
    assert weeks[-1].numbers == dict.fromkeys(Category, 0) | {Category.INCIDENT: 1, Category.CALLBACK: 1}
    assert (weeks[-1].short_name, weeks[-1].monday) == ("48", date(2026, 11, 23))


def test_times_are_medians():
    hours = [(1, 10), (2, 20), (60, 500)]
    (group,) = statistics.grouped([counted(NOW, first=first, done=done) for first, done in hours], lambda _: "alle")
    assert (group.to_first_action, group.to_done) == (timedelta(hours=2), timedelta(hours=20))
    (group,) = statistics.grouped([counted(NOW, first=first, done=done) for first, done in hours[:2]], lambda _: "alle")
    assert (group.to_first_action, group.to_done) == (timedelta(hours=1.5), timedelta(hours=15))


def test_open_or_cancelled_tickets_have_no_time_to_done():
    (group,) = statistics.grouped([counted(NOW, first=3), counted(NOW, first=5, cancelled=6)], lambda _: "alle")
    assert (group.tickets, group.open) == (2, 1)
    assert (group.to_first_action, group.to_done) == (timedelta(hours=4), None)


def test_group_without_tickets_is_there_if_it_is_wanted():
    groups = statistics.grouped([counted(NOW)], lambda ticket: ticket.category, Category)
    assert [group.common for group in groups] == list(Category)
    assert groups[1] == (Category.WARRANTY, 0, 0, None, None)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"seconds": 0}, "unter 1 Min."),
        ({"seconds": 59}, "unter 1 Min."),
        ({"minutes": 1}, "1 Min."),
        ({"minutes": 59, "seconds": 59}, "59 Min."),
        ({"hours": 1}, "1 Std."),
        ({"hours": 3, "minutes": 20}, "3 Std. 20 Min."),
        ({"hours": 23, "minutes": 59}, "23 Std. 59 Min."),
        ({"days": 1}, "1 Tag"),
        ({"days": 2, "hours": 4, "minutes": 30}, "2 Tage 4 Std."),
        ({"days": 9, "hours": 23}, "9 Tage 23 Std."),
        ({"days": 12, "hours": 23}, "12 Tage"),
    ],
)
def test_duration(length, words):
    assert formats.duration(timedelta(**length)) == words


# --- chart ---


@pytest.mark.parametrize(
    ("number", "top"),
    [(0, 2), (1, 2), (2, 2), (3, 4), (9, 10), (10, 10), (11, 20), (21, 30), (100, 100), (101, 200), (999, 1000)],
)
def test_scale_ends_at_a_round_number(number, top):
    lines = charts.stacked([("48", {"incident": number})]).lines
    assert [number for number, _ in lines] == [0, top // 2, top]


def test_columns_are_stacked_within_the_chart():
    chart = charts.stacked([("47", {"incident": 0, "other": 0}), ("48", {"incident": 3, "warranty": 0, "other": 1})])
    assert chart.columns[0].parts == []
    lower, upper = chart.columns[1].parts
    ground, top = chart.lines[0][1], chart.lines[-1][1]
    assert (lower.kind, upper.kind) == ("incident", "other")
    assert lower.y + lower.height == ground
    assert upper.y + upper.height == lower.y
    assert upper.y == top > 0
    assert lower.height == 3 * upper.height
    assert chart.columns[1].x + chart.column_width < chart.width


@pytest.mark.parametrize(("number", "named"), [(12, 12), (26, 13), (52, 13)])
def test_as_many_columns_are_named_as_there_is_room_for(number, named):
    columns = charts.stacked([(str(place), {}) for place in range(number)]).columns
    assert sum(bool(column.name) for column in columns) == named
    assert columns[-1].name == str(number - 1)


# --- the page ---


def test_page(clara, office):
    office(0, NOW - timedelta(days=1), first=3, done=27)
    office(0, NOW - timedelta(days=2), Category.CALLBACK, Priority.HIGH, first=0.5)
    office(1, NOW - timedelta(days=90))
    page = clara.get("/verwaltung/zahlen")
    assert page.status == 200
    assert "2 Tickets in 12 Wochen" in page.text_of("main")
    weeks, kinds, priorities, customers = (rows(page, place) for place in range(4))
    assert weeks[0] == ["KW 48 ab 23.11.", "0", "0", "0", "0", "0", "0"]
    assert weeks[1] == ["KW 47 ab 16.11.", "2", "1", "0", "0", "1", "0"]
    assert len(weeks) == 12
    assert kinds[0] == ["Störung", "1", "3 Std.", "1 Tag 3 Std."]
    assert kinds[1] == ["Garantiefall", "0", "–", "–"]
    assert kinds[3] == ["Rückrufbitte", "1", "30 Min.", "–"]
    assert priorities == [
        ["Hoch", "1", "30 Min.", "–"],
        ["Mittel", "0", "–", "–"],
        ["Niedrig", "1", "3 Std.", "1 Tag 3 Std."],
    ]
    assert customers == [["Bäckerei Sommer K1001", "2, 1 offen", "1 Std. 45 Min.", "1 Tag 3 Std."]]


def test_chart_has_a_description_and_needs_no_colours(clara, office):
    for category in Category:
        office(0, NOW, category)
    page = clara.get("/verwaltung/zahlen")
    drawing = next(svg for svg in page.tree.iter(f"{SVG}svg") if svg.get("role") == "img")
    names = [page.text_of(id) for id in drawing.get("aria-labelledby").split()]
    assert names[0] == "Tickets je Kalenderwoche, nach Art"
    assert all(names)
    fills = {rect.get("fill") for rect in drawing.iter(f"{SVG}rect")} - {None}
    assert fills == {f"url(#pattern-{category})" for category in Category}
    shapes = [
        "".join(path.get("d") for path in page.element(f"pattern-{category}").iter(f"{SVG}path"))
        for category in Category
    ]
    assert len(set(shapes)) == len(Category)
    assert all(svg.get("role") == "img" or svg.get("aria-hidden") == "true" for svg in page.tree.iter(f"{SVG}svg"))


@pytest.mark.parametrize("weeks", [12, 26, 52])
def test_periods(clara, office, weeks):
    office(0, NOW - timedelta(weeks=weeks - 1))
    office(0, NOW - timedelta(weeks=weeks))
    page = clara.get(f"/verwaltung/zahlen?wochen={weeks}")
    assert f"1 Ticket in {weeks} Wochen" in page.text_of("main")
    assert len(rows(page, 0)) == weeks
    (chosen,) = [option.get("value") for option in page.tree.iter("option") if "selected" in option.attrib]
    assert chosen == str(weeks)


@pytest.mark.parametrize(
    "bad", ["wochen=13", "wochen=", "wochen=x", "wochen=-12", "wochen=" + "9" * 5000, "wochen=12.0"]
)
def test_invalid_period_falls_back(clara, bad):
    page = clara.get(f"/verwaltung/zahlen?{bad}")
    assert "0 Tickets in 12 Wochen" in page.text_of("main")
    assert "Kein Kunde hat in dieser Zeit etwas gemeldet." in page.text_of("main")


def test_one_customer(clara, office):
    office(0, NOW, first=1)
    office(1, NOW, first=9)
    page = clara.get("/verwaltung/zahlen?kunde=k+1002")
    assert "1 Ticket in 12 Wochen, nur <b>Brandt</b> & Partner (K1002)" in page.text_of("main")
    assert rows(page, 1)[0] == ["Störung", "1", "9 Std.", "–"]
    assert [row[0] for row in rows(page, 3)] == ["<b>Brandt</b> & Partner K1002"]


@pytest.mark.parametrize("number", ["K9", "%3Cb%3E", "x" * 5000])
def test_customer_who_does_not_exist(clara, office, number):
    office(0, NOW)
    page = clara.get(f"/verwaltung/zahlen?kunde={number}")
    assert "gibt es nicht" in page.text_of("main")
    assert list(page.tree.iter("table")) == []


def test_most_reporting_customers_come_first_and_only_twenty_are_shown(clara, office):
    tickets = [office(1, NOW) for _ in range(26)]
    with database.connection_context():
        for ticket in tickets[:23]:
            number = f"X{ticket.id:02}"
            ticket.customer = Customer.create(number=number, name=f"Firma {number}", created_at=NOW)
            ticket.save()
    page = clara.get("/verwaltung/zahlen")
    shown = [row[0] for row in rows(page, 3)]
    assert shown == ["<b>Brandt</b> & Partner K1002", *(f"Firma X{number:02} X{number:02}" for number in range(1, 20))]
    assert "alle 24 stehen in der CSV-Datei" in page.text_of("main")


def test_period_is_found_by_its_index(db):
    query, values = statistics.tickets_since(NOW, None).sql()
    plan = " ".join(row[-1] for row in db.execute_sql(f"EXPLAIN QUERY PLAN {query}", values))
    assert "USING INDEX ticket_created_at" in plan
