"""The figures of the office: how many tickets, of which kind, for whom, and how long they took.

The tickets of the period are read once, and with them only what is counted.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import NamedTuple

from clock import TIME_ZONE
from database import database
from enums import Category, Priority, TicketStatus
from models import Customer, Ticket

# How many weeks somebody may look back; the first is what one sees unasked.
PERIODS = (12, 26, 52)

_BY_RANK = sorted(Priority, key=lambda priority: priority.rank)
_COUNTED = (
    Ticket.created_at,
    Ticket.category,
    Ticket.rank,
    Ticket.customer,
    Ticket.status,
    Ticket.first_action_at,
    Ticket.closed_at,
)


class TicketRow(NamedTuple):
    """What is counted of a ticket."""

    created_at: datetime
    category: Category
    rank: int
    customer_id: int
    status: TicketStatus
    first_action_at: datetime | None
    closed_at: datetime | None


class Week(NamedTuple):
    """A week that begins on this Monday, with the number of tickets that came in, by category."""

    monday: date
    numbers: dict

    @property
    def short_name(self):
        return f"{self.monday.isocalendar().week}"

    @property
    def total(self):
        return sum(self.numbers.values())


class Group(NamedTuple):
    """Tickets that have something in common: how many, how many of them are open, and how long they took.

    The times are medians, in calendar time, of those tickets that came so far; None if there is none.
    """

    common: object
    tickets: int
    open: int
    to_first_action: timedelta | None
    to_done: timedelta | None


class Statistics(NamedTuple):
    """All figures of a period."""

    weeks: list[Week]
    categories: list[Group]
    priorities: list[Group]
    customers: list[Group]

    @property
    def total(self):
        return sum(week.total for week in self.weeks)


def for_period(number_of_weeks, customer, now):
    """Return the figures of so many weeks up to the running one, for one customer or, with None, for all."""
    mondays = mondays_until(now, number_of_weeks)
    tickets = _read(mondays[0], customer)
    by_customer = {group.common: group for group in grouped(tickets, lambda ticket: ticket.customer_id)}
    customers = Customer.select().where(Customer.id.in_(list(by_customer)))
    return Statistics(
        by_week(tickets, mondays),
        grouped(tickets, lambda ticket: ticket.category, Category),
        grouped(tickets, lambda ticket: _BY_RANK[ticket.rank], _BY_RANK),
        sorted(
            (by_customer[customer.id]._replace(common=customer) for customer in customers),
            key=lambda group: (-group.tickets, group.common.number),
        ),
    )


def mondays_until(now, number):
    """Return when the last weeks began, oldest first: each at midnight in the office, also after a clock change."""
    today = now.astimezone(TIME_ZONE).date()
    this_monday = today - timedelta(days=today.weekday())
    return [
        datetime.combine(this_monday - timedelta(weeks=ago), time(), TIME_ZONE) for ago in range(number - 1, -1, -1)
    ]


def by_week(tickets, mondays):
    """Count the tickets of each week by category; a week without any is there too."""
    begins = [monday.timestamp() for monday in mondays]
    counter = Counter((bisect_right(begins, ticket.created_at.timestamp()) - 1, ticket.category) for ticket in tickets)
    return [
        Week(monday.date(), {category: counter[place, category] for category in Category})
        for place, monday in enumerate(mondays)
    ]


def grouped(tickets, key, wanted=None):
    """Return the groups that a key makes of the tickets; where some are wanted, just these, in their order."""
    groups = defaultdict(list)
    for ticket in tickets:
        groups[key(ticket)].append(ticket)
    return [_group(common, groups.get(common, [])) for common in (groups if wanted is None else wanted)]


def _group(common, tickets):
    acted = [ticket.first_action_at - ticket.created_at for ticket in tickets if ticket.first_action_at]
    done = [ticket.closed_at - ticket.created_at for ticket in tickets if ticket.status is TicketStatus.DONE]
    number_open = sum(ticket.closed_at is None for ticket in tickets)
    return Group(common, len(tickets), number_open, median(acted) if acted else None, median(done) if done else None)


def _read(since, customer):
    # Fetched as they lie in the database and only then made into values: while rows are fetched, nobody can write.
    rows = database.execute(_tickets_since(since, customer)).fetchall()
    read = [field.python_value for field in _COUNTED]
    return [TicketRow(*(value_of(value) for value_of, value in zip(read, row, strict=True))) for row in rows]


def _tickets_since(since, customer):
    query = Ticket.select(*_COUNTED).where(Ticket.created_at >= since)
    return query.where(Ticket.customer == customer) if customer else query
