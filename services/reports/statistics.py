"""Statistics for the office: how many tickets, of which category, for which customers, and how long they took."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from peewee import ModelSelect

from clock import TIME_ZONE
from database import database
from enums import Category, Priority, TicketStatus
from models import Customer, Event, Ticket

# The periods to choose from, in weeks; the first is the default.
PERIODS = (12, 26, 52)

_BY_RANK = sorted(Priority, key=lambda priority: priority.rank)


class TicketRow(NamedTuple):
    """The columns of a ticket that the statistics need."""

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

    The times are medians of calendar time, of the tickets that were acted on or done; None if there are none.
    """

    common: Any
    tickets: int
    open: int
    to_first_action: timedelta | None
    to_done: timedelta | None


class Spent(NamedTuple):
    """The minutes that the office worked for a customer in a month, which is given by its first day."""

    month: date
    customer: Customer
    minutes: int


class Statistics(NamedTuple):
    """All statistics of a period."""

    weeks: list[Week]
    categories: list[Group]
    priorities: list[Group]
    customers: list[Group]
    spent: list[Spent]

    @property
    def total(self) -> int:
        return sum(week.total for week in self.weeks)


def for_period(number_of_weeks: int, customer: Customer | None, now: datetime) -> Statistics:
    """Return the statistics of the last weeks including the current one, for one customer or for all."""
    mondays = mondays_until(now, number_of_weeks)
    tickets = _read(mondays[0], customer)
    by_customer = {group.common: group for group in grouped(tickets, lambda ticket: ticket.customer_id)}
    customers = Customer.select().where(Customer.id.in_(list(by_customer)))
    of_customers = [by_customer[customer.id]._replace(common=customer) for customer in customers]
    return Statistics(
        by_week(tickets, mondays),
        grouped(tickets, lambda ticket: ticket.category, Category),
        grouped(tickets, lambda ticket: _BY_RANK[ticket.rank], _BY_RANK),
        sorted(of_customers, key=lambda group: (-group.tickets, group.common.number)),
        # From the first day of the month: half a month would be taken for a whole one.
        _spent(mondays[0].replace(day=1), customer),
    )


def mondays_until(now: datetime, number: int) -> list[datetime]:
    """Return the beginnings of the last weeks, oldest first: each at midnight in the office's time zone."""
    today = now.astimezone(TIME_ZONE).date()
    days = (today - timedelta(days=today.weekday(), weeks=ago) for ago in reversed(range(number)))
    return [datetime.combine(day, time(), TIME_ZONE) for day in days]


def by_week(tickets: Iterable[TicketRow], mondays: list[datetime]) -> list[Week]:
    """Count the tickets of each week by category, also of weeks without any."""
    begins = [monday.timestamp() for monday in mondays]
    counter = Counter((bisect_right(begins, ticket.created_at.timestamp()) - 1, ticket.category) for ticket in tickets)
    numbers = ({category: counter[index, category] for category in Category} for index in range(len(mondays)))
    return [Week(monday.date(), counts) for monday, counts in zip(mondays, numbers, strict=True)]


def grouped(
    tickets: Iterable[TicketRow], key: Callable[[TicketRow], Any], wanted: Iterable[Any] | None = None
) -> list[Group]:
    """Group the tickets by a key; if keys are wanted, return exactly these groups, in this order."""
    groups: dict[Any, list[TicketRow]] = defaultdict(list)
    for ticket in tickets:
        groups[key(ticket)].append(ticket)
    return [_group(common, groups.get(common, [])) for common in (groups if wanted is None else wanted)]


def _group(common: Any, tickets: list[TicketRow]) -> Group:
    acted = [ticket.first_action_at - ticket.created_at for ticket in tickets if ticket.first_action_at]
    finished = (ticket for ticket in tickets if ticket.status is TicketStatus.DONE)
    done = [ticket.closed_at - ticket.created_at for ticket in finished if ticket.closed_at]
    number_open = sum(ticket.closed_at is None for ticket in tickets)
    return Group(common, len(tickets), number_open, _median(acted), _median(done))


def _median(durations: list[timedelta]) -> timedelta | None:
    # Imported only here: takes 3 ms.
    from statistics import median

    return median(durations) if durations else None  # type: ignore[type-var]  # typeshed allows numbers only


def _read(since: datetime, customer: Customer | None) -> list[TicketRow]:
    # Rows are fetched first and converted afterwards, because nobody can write while they are fetched.
    rows = database.execute(tickets_since(since, customer)).fetchall()
    convert = [column.python_value for column in _COLUMNS]
    return [TicketRow(*(value_of(value) for value_of, value in zip(convert, row, strict=True))) for row in rows]


def _spent(since: datetime, customer: Customer | None) -> list[Spent]:
    """Return the minutes per customer and month since a moment, newest month first."""
    query = (
        Event.select(Event.at, Event.minutes, Ticket.customer).join(Ticket).where(Event.minutes > 0, Event.at >= since)
    )
    query = query.where(Ticket.customer == customer) if customer else query
    minutes: Counter[tuple[date, int]] = Counter()
    for at, spent, customer_id in query.tuples():
        minutes[at.astimezone(TIME_ZONE).date().replace(day=1), customer_id] += spent
    customers = {one.id: one for one in Customer.select().where(Customer.id.in_([id for _, id in minutes]))}
    found = [Spent(month, customers[id], total) for (month, id), total in minutes.items()]
    return sorted(found, key=lambda spent: (-spent.month.toordinal(), -spent.minutes, spent.customer.number))


def tickets_since(since: datetime, customer: Customer | None) -> ModelSelect:
    """Return the query of the tickets since a moment, with the columns that the statistics need."""
    query = Ticket.select(*_COLUMNS).where(Ticket.created_at >= since)
    return query.where(Ticket.customer == customer) if customer else query
