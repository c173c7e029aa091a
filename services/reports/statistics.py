"""Statistics for the office: tickets and minutes of a period, of which category, for which customers, and how long."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from peewee import ModelSelect

from clock import TIME_ZONE
from database import database
from enums import Category, Priority, TicketStatus
from i18n import formats
from models import Customer, Event, Ticket
from services.workdays import WorkingHours
from settings import settings

# The periods to choose from: the last weeks, of which the first is the default, so many months, and so many years.
WEEKS, MONTHS, YEARS = (12, 26, 52), 24, 7

_BY_RANK = sorted(Priority, key=lambda priority: priority.rank)


class Period(NamedTuple):
    """A period by its name in URLs and in words, from its first moment to the first one after it."""

    name: str
    label: str
    since: datetime
    until: datetime

    @property
    def mondays(self) -> list[datetime]:
        """The beginnings of its weeks, each at midnight in the office's time zone."""
        first, last = self.since.astimezone(TIME_ZONE).date(), (self.until - timedelta(seconds=1)).astimezone(TIME_ZONE)
        monday = first - timedelta(days=first.weekday())
        return [_midnight(monday + timedelta(weeks=n)) for n in range((last.date() - monday).days // 7 + 1)]


class TicketRow(NamedTuple):
    """The columns of a ticket that the statistics need."""

    id: int
    created_at: datetime
    category: Category
    rank: int
    customer_id: int
    status: TicketStatus
    first_action_at: datetime | None
    closed_at: datetime | None


_COLUMNS = [getattr(Ticket, name) for name in TicketRow._fields]


class Week(NamedTuple):
    """A week that begins on this Monday, with the number of new tickets by category."""

    monday: date
    numbers: dict[Category, int]

    @property
    def short_name(self) -> str:
        return f"{self.monday.isocalendar().week}"

    @property
    def total(self) -> int:
        return sum(self.numbers.values())


class Group(NamedTuple):
    """The tickets with a category, priority or customer in common.

    Received and done within the period, open at its end, and the minutes that the office worked within it. The times
    are medians of working hours, of the tickets received or done within it; None if there are none.
    """

    common: Any
    received: int
    done: int
    open: int
    minutes: int
    to_first_action: timedelta | None
    to_done: timedelta | None


class Statistics(NamedTuple):
    """All statistics of a period."""

    weeks: list[Week]
    total: Group
    categories: list[Group]
    priorities: list[Group]
    customers: list[Group]


def periods(now: datetime) -> list[Period]:
    """Return the periods to choose from: the last weeks including the current one, the last months and years."""
    today = now.astimezone(TIME_ZONE).date()
    monday, months = today - timedelta(days=today.weekday()), today.year * 12 + today.month - 1
    chosen = [
        Period(f"{n}-wochen", f"{n} Wochen", _midnight(monday - timedelta(weeks=n - 1)), _after(monday, 7))
        for n in WEEKS
    ]
    for month in range(months, months - MONTHS, -1):
        first, last = date(month // 12, month % 12 + 1, 1), date((month + 1) // 12, (month + 1) % 12 + 1, 1)
        label = formats.month(first)
        chosen.append(Period(f"{first:%Y-%m}", label, _midnight(first), _midnight(last)))
    for year in range(today.year, today.year - YEARS, -1):
        chosen.append(Period(f"{year}", f"{year}", _midnight(date(year, 1, 1)), _midnight(date(year + 1, 1, 1))))
    return chosen


def for_period(period: Period, customer: Customer | None, now: datetime) -> Statistics:
    """Return the statistics of a period, for one customer or for all."""
    tickets, minutes = _read(period, customer), _minutes(period, customer)
    figures = Figures(period, minutes, now)
    by_customer = {group.common: group for group in figures.grouped(tickets, lambda ticket: ticket.customer_id)}
    customers = Customer.select().where(Customer.id.in_(list(by_customer)))
    of_customers = [by_customer[customer.id]._replace(common=customer) for customer in customers]
    (total,) = figures.grouped(tickets, lambda _: None, [None])
    return Statistics(
        by_week(tickets, period),
        total,
        figures.grouped(tickets, lambda ticket: ticket.category, Category),
        figures.grouped(tickets, lambda ticket: _BY_RANK[ticket.rank], _BY_RANK),
        sorted(of_customers, key=lambda group: (-group.received, -group.minutes, group.common.number)),
    )


def of_last_year(customer: Customer, now: datetime) -> Group:
    """Return the figures of a customer within the last 52 weeks."""
    period = next(period for period in periods(now) if period.name == f"{WEEKS[-1]}-wochen")
    return for_period(period, customer, now).total


def by_week(tickets: Iterable[TicketRow], period: Period) -> list[Week]:
    """Count the tickets received in each week of a period by category, also in weeks without any."""
    begins = [monday.timestamp() for monday in period.mondays]
    received = (ticket for ticket in tickets if period.since <= ticket.created_at < period.until)
    counter = Counter((bisect_right(begins, ticket.created_at.timestamp()) - 1, ticket.category) for ticket in received)
    numbers = ({category: counter[index, category] for category in Category} for index in range(len(begins)))
    return [Week(monday.date(), counts) for monday, counts in zip(period.mondays, numbers, strict=True)]


class Figures:
    """Counts and times of groups of tickets within a period; minutes: those worked within it, by ticket."""

    def __init__(self, period: Period, minutes: dict[int, int], now: datetime) -> None:
        self.period, self.minutes = period, minutes
        self.hours = WorkingHours(settings.federal_state, settings.office_opens, settings.office_closes, now)

    def grouped(
        self, tickets: Iterable[TicketRow], key: Callable[[TicketRow], Any], wanted: Iterable[Any] | None = None
    ) -> list[Group]:
        """Group the tickets by a key; if keys are wanted, return exactly these groups, in this order."""
        groups: dict[Any, list[TicketRow]] = defaultdict(list)
        for ticket in tickets:
            groups[key(ticket)].append(ticket)
        return [self._group(common, groups.get(common, [])) for common in (groups if wanted is None else wanted)]

    def _group(self, common: Any, tickets: list[TicketRow]) -> Group:
        since, until = self.period.since, self.period.until
        received = [ticket for ticket in tickets if since <= ticket.created_at < until]
        finished = (ticket for ticket in tickets if ticket.closed_at and ticket.status is TicketStatus.DONE)
        done = [ticket for ticket in finished if ticket.closed_at and since <= ticket.closed_at < until]
        still_open = (ticket.closed_at is None or ticket.closed_at >= until for ticket in tickets)
        between, minutes = self.hours.between, sum(self.minutes.get(ticket.id, 0) for ticket in tickets)
        acted = [between(ticket.created_at, ticket.first_action_at) for ticket in received if ticket.first_action_at]
        to_done = [between(ticket.created_at, ticket.closed_at) for ticket in done if ticket.closed_at]
        return Group(common, len(received), len(done), sum(still_open), minutes, _median(acted), _median(to_done))


def _median(durations: list[timedelta]) -> timedelta | None:
    # Imported only here: takes 3 ms.
    from statistics import median

    return median(durations) if durations else None  # type: ignore[type-var]  # typeshed allows numbers only


def _read(period: Period, customer: Customer | None) -> list[TicketRow]:
    # Rows are fetched first and converted afterwards, because nobody can write while they are fetched.
    rows = database.execute(tickets_of(period, customer)).fetchall()
    convert = [column.python_value for column in _COLUMNS]
    return [TicketRow(*(value_of(value) for value_of, value in zip(convert, row, strict=True))) for row in rows]


def _minutes(period: Period, customer: Customer | None) -> dict[int, int]:
    """Return the minutes worked within a period, by ticket."""
    query = Event.select(Event.ticket, Event.minutes).join(Ticket)
    query = query.where(Event.minutes > 0, Event.at >= period.since, Event.at < period.until)
    counter: Counter[int] = Counter()
    for ticket_id, minutes in (query.where(Ticket.customer == customer) if customer else query).tuples():
        counter[ticket_id] += minutes
    return counter


def tickets_of(period: Period, customer: Customer | None) -> ModelSelect:
    """Return the query of the tickets that were open within a period, with the columns that the statistics need."""
    was_open = Ticket.closed_at.is_null() | (Ticket.closed_at >= period.since)
    query = Ticket.select(*_COLUMNS).where(Ticket.created_at < period.until, was_open)
    return query.where(Ticket.customer == customer) if customer else query


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), TIME_ZONE)


def _after(day: date, days: int) -> datetime:
    return _midnight(day + timedelta(days=days))
