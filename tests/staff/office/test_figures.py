"""The statistics page: tickets by week, median times, as tables and as a chart."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from clock import TIME_ZONE
from database import database
from enums import Category, Priority, SubmissionState, TicketStatus
from i18n import formats
from models import Customer, Submission, Ticket
from services.reports import statistics
from services.reports.statistics import TicketRow
from services.workdays import WorkingHours
from tests.support.cast import NOW
from views.staff.office import charts

SVG = "{http://www.w3.org/2000/svg}"


def counted(created_at, category=Category.INCIDENT, *, rank=2, first=None, done=None, cancelled=None, customer=1):
    """Return a row as the statistics read it; durations are in hours."""
    status = TicketStatus.DONE if done else TicketStatus.CANCELLED if cancelled else TicketStatus.NEW
    closed = done or cancelled

    def later(hours):
        return hours and created_at + timedelta(hours=hours)

    return TicketRow(0, created_at, category, rank, customer, status, later(first), later(closed))


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


def period(name, now=NOW):
    return next(period for period in statistics.periods(now) if period.name == name)


def figures(tickets, name="12-wochen", minutes=()):
    (group,) = statistics.Figures(period(name), dict(minutes), NOW).grouped(tickets, lambda _: "alle")
    return group


# --- arithmetic ---


def test_weeks_end_with_the_current_one():
    mondays = period("12-wochen").mondays
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
    assert period("12-wochen", moment(now)).mondays[-1].date() == monday


def test_months_and_years_by_the_offices_clock():
    names = [one.name for one in statistics.periods(moment("2027-01-01T00:30:00+01:00"))]
    assert (names[3], names[4], names[3 + statistics.MONTHS]) == ("2027-01", "2026-12", "2027")
    november = period("2026-11")
    assert (november.label, november.since.isoformat(), november.until.isoformat()) == (
        "November 2026",
        "2026-11-01T00:00:00+01:00",
        "2026-12-01T00:00:00+01:00",
    )


@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25"])
def test_tickets_at_the_edges_of_a_week_with_a_clock_change(change):
    wednesday = date.fromisoformat(change) + timedelta(days=3)
    weeks = period("12-wochen", moment(f"{wednesday}T12:00:00+01:00"))
    tickets = [counted(at) for begin in weeks.mondays[-2:] for at in (begin.astimezone(UTC), begin.astimezone(UTC))]
    tickets += [counted(begin.astimezone(UTC) - timedelta(seconds=1)) for begin in weeks.mondays[-2:]]
    totals = [week.total for week in statistics.by_week(tickets, weeks)]
    assert totals[-3:] == [1, 3, 2]


def test_week_without_tickets_is_there():
    weeks = statistics.by_week([counted(NOW), counted(NOW, Category.CALLBACK)], period("26-wochen"))
    assert [week.total for week in weeks] == [0] * 25 + [2]
    assert weeks[-1].numbers == dict.fromkeys(Category, 0) | {Category.INCIDENT: 1, Category.CALLBACK: 1}
    assert (weeks[-1].short_name, weeks[-1].monday) == ("48", date(2026, 11, 23))


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("2026-11-23T09:00", "2026-11-23T11:30", 2.5),
        ("2026-11-23T06:00", "2026-11-23T09:00", 1),
        ("2026-11-23T16:00", "2026-11-24T09:00", 2),
        ("2026-11-20T16:00", "2026-11-23T09:00", 2),  # over a weekend
        ("2026-12-24T16:00", "2026-12-28T09:00", 2),  # over Christmas
        ("2026-11-21T09:00", "2026-11-22T18:00", 0),
        ("2026-10-23T08:00", "2026-10-26T08:00", 9),  # over a clock change
        ("2026-11-23T20:00", "2026-11-23T22:00", 0),
    ],
)
def test_working_hours(begin, end, hours):
    working = WorkingHours("NW", "08:00", "17:00", moment("2027-01-05T12:00+01:00"))
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=TIME_ZONE) for text in (begin, end))
    assert working.between(begin, end) == timedelta(hours=hours)


def test_times_are_medians():
    at = moment("2026-11-16T08:00:00+01:00")
    group = figures([counted(at, first=first, done=done) for first, done in [(1, 3), (2, 5), (6, 9)]])
    assert (group.to_first_action, group.to_done) == (timedelta(hours=2), timedelta(hours=5))


def test_open_or_cancelled_tickets_have_no_time_to_done():
    at = moment("2026-11-16T08:00:00+01:00")
    group = figures([counted(at, first=3), counted(at, first=5, cancelled=6)])
    assert (group.received, group.done, group.open) == (2, 0, 1)
    assert (group.to_first_action, group.to_done) == (timedelta(hours=4), None)


def test_month_counts_what_came_what_was_done_and_what_was_open_at_its_end():
    october, november = moment("2026-10-20T09:00:00+02:00"), moment("2026-11-10T09:00:00+01:00")
    tickets = [counted(october, done=1), counted(october, done=24 * 20), counted(october), counted(november, done=1)]
    group = figures(tickets[:3], "2026-10")
    assert (group.received, group.done, group.open) == (3, 1, 2)
    group = figures(tickets, "2026-11")
    assert (group.received, group.done, group.open) == (1, 2, 1)


def test_group_without_tickets_is_there_if_it_is_wanted():
    groups = statistics.Figures(period("12-wochen"), {}, NOW).grouped(
        [counted(NOW)], lambda ticket: ticket.category, Category
    )
    assert [group.common for group in groups] == list(Category)
    assert groups[1] == (Category.WARRANTY, 0, 0, 0, 0, None, None)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ({"seconds": 0}, "unter 1 Min."),
        ({"seconds": 59}, "unter 1 Min."),
        ({"minutes": 1}, "1 Min."),
        ({"minutes": 59, "seconds": 59}, "59 Min."),
        ({"hours": 1}, "1 Std."),
        ({"hours": 3, "minutes": 20}, "3 Std. 20 Min."),
        ({"hours": 9, "minutes": 59}, "9 Std. 59 Min."),
        ({"hours": 27, "minutes": 5}, "27 Std."),
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
    office(0, NOW - timedelta(days=3), first=3, done=27)
    office(0, NOW - timedelta(days=4), Category.CALLBACK, Priority.HIGH, first=0.5)
    office(1, NOW - timedelta(days=90), done=1)
    page = clara.get("/verwaltung/zahlen")
    assert page.status == 200
    assert "12 Wochen: 2 eingegangen, 1 erledigt, 1 offen am Ende" in page.text_of("main")
    weeks, kinds, priorities, customers = (rows(page, place) for place in range(4))
    assert weeks[0] == ["KW 48 ab 23.11.", "0", "0", "0", "0", "0", "0"]
    assert weeks[1] == ["KW 47 ab 16.11.", "2", "1", "0", "0", "1", "0"]
    assert len(weeks) == 12
    assert kinds[0] == ["Störung", "1", "1", "0", "3 Std.", "6 Std. 30 Min.", "–"]
    assert kinds[1] == ["Garantiefall", "0", "0", "0", "–", "–", "–"]
    assert kinds[3] == ["Rückrufbitte", "1", "0", "1", "30 Min.", "–", "–"]
    assert priorities == [
        ["Hoch", "1", "0", "1", "30 Min.", "–", "–"],
        ["Mittel", "0", "0", "0", "–", "–", "–"],
        ["Niedrig", "1", "1", "0", "3 Std.", "6 Std. 30 Min.", "–"],
    ]
    assert customers == [["Bäckerei Sommer K1001", "2", "1", "1", "1 Std. 45 Min.", "6 Std. 30 Min.", "–"]]


def test_a_month(clara, office):
    office(0, moment("2026-10-20T09:00:00+02:00"), done=24 * 20)
    page = clara.get("/verwaltung/zahlen?zeitraum=2026-10")
    assert "Oktober 2026: 1 eingegangen, 0 erledigt, 1 offen am Ende" in page.text_of("main")
    assert [row[0] for row in rows(page, 0)][-1] == "KW 40 ab 28.09."
    answer = clara.client.get("/verwaltung/zahlen.csv?tabelle=kunden&zeitraum=2026-10", buffered=True)
    assert answer.headers["Content-Disposition"] == "attachment; filename=zahlen-kunden-2026-10.csv"


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
    office(0, NOW - timedelta(weeks=weeks - 1), done=1)
    office(0, NOW - timedelta(weeks=weeks), done=1)
    page = clara.get(f"/verwaltung/zahlen?zeitraum={weeks}-wochen")
    assert f"{weeks} Wochen: 1 eingegangen" in page.text_of("main")
    assert len(rows(page, 0)) == weeks
    (chosen,) = [option.get("value") for option in page.tree.iter("option") if "selected" in option.attrib]
    assert chosen == f"{weeks}-wochen"


@pytest.mark.parametrize("bad", ["13-wochen", "", "x", "2026-13", "1999", "9" * 5000])
def test_invalid_period_falls_back(clara, bad):
    page = clara.get(f"/verwaltung/zahlen?zeitraum={bad}")
    assert "12 Wochen: 0 eingegangen" in page.text_of("main")
    assert "Kein Kunde hat in dieser Zeit etwas gemeldet." in page.text_of("main")


def test_one_customer(clara, office):
    office(0, NOW, first=1)
    office(1, NOW, first=9)
    page = clara.get("/verwaltung/zahlen?kunde=k+1002")
    assert "12 Wochen, nur <b>Brandt</b> & Partner (K1002): 1 eingegangen" in page.text_of("main")
    assert rows(page, 1)[0] == ["Störung", "1", "0", "1", "6 Std. 30 Min.", "–", "–"]
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


def test_period_is_found_by_its_indexes(db):
    query, values = statistics.tickets_of(period("2026-11"), None).sql()
    plan = " ".join(row[-1] for row in db.execute_sql(f"EXPLAIN QUERY PLAN {query}", values))
    assert "SCAN" not in plan
