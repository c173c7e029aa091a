"""The queue: lists of tickets, filtered and page by page.

Open tickets are sorted by priority, then age, or as chosen; closed ones, and the view of all, newest first.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from peewee import Case, Expression, ModelSelect, fn

from database import count_rows, database
from enums import Approval, Category, LabelledEnum, Priority, TicketStatus
from i18n import folding
from models import Customer, Event, Staff, Ticket, TicketWords
from services import search
from services.tickets import approvals

PAGE_SIZE = 50

# Larger numbers are shown as "more than", which keeps counting cheap.
MAX_COUNTED = 1000

# So many further tickets are counted for a search that found few.
MAX_COUNTED_ELSEWHERE = 50

# The id of the last ticket of a page.
_PAGE_KEY = re.compile("[0-9]{1,18}")


class QueueView(LabelledEnum):
    """The tickets that a list is chosen from, before the other filters."""

    TODO = "todo", "Zu tun"
    OPEN = "open", "Alle offenen"
    REPLIED = "replied", "Kunde hat geschrieben"
    OVERDUE = "overdue", "Freigabe überfällig"
    NEW = "new", "Neu"
    IN_PROGRESS = "in_progress", "In Bearbeitung"
    WAITING = "waiting", "Wartet auf Kunde"
    DONE = "done", "Erledigt"
    CANCELLED = "cancelled", "Storniert"
    CLOSED = "closed", "Alle geschlossenen"
    ALL = "all", "Alle"

    @property
    def is_open(self) -> bool:
        return self not in (QueueView.DONE, QueueView.CANCELLED, QueueView.CLOSED, QueueView.ALL)


class QueueSort(LabelledEnum):
    """What a list of open tickets is sorted by; those that are equal are sorted by age."""

    PRIORITY = "priority", "Priorität"
    CATEGORY = "category", "Art"
    CUSTOMER = "customer", "Kunde"
    AGE = "age", "Alter"
    ACTIVITY = "activity", "Zuletzt"
    ASSIGNEE = "assignee", "Bearbeiter"


@database.func("phone_book", 1, deterministic=True)
@lru_cache(maxsize=10_000)
def _phone_book(name: str) -> str:
    return folding.sort_key(name)[0]


_SORT_KEYS = {
    QueueSort.PRIORITY: Ticket.rank,
    QueueSort.CATEGORY: Case(Ticket.category, [(word.value, word.label) for word in Category]),
    QueueSort.CUSTOMER: Customer.select(fn.phone_book(Customer.name)).where(Customer.id == Ticket.customer),
    # The sum keeps the database from reading all tickets, closed ones too, in the order of their ids.
    QueueSort.AGE: Ticket.id + 0,
    QueueSort.ACTIVITY: Event.select(fn.MAX(Event.id) * -1).where(Event.ticket == Ticket.id),
    QueueSort.ASSIGNEE: fn.COALESCE(Staff.select(fn.phone_book(Staff.name)).where(Staff.id == Ticket.assignee), ""),
}


@dataclass(frozen=True)
class QueueFilters:
    """The filters of a list and its order; None and "" mean no restriction."""

    view: QueueView = QueueView.TODO
    sort: QueueSort = QueueSort.PRIORITY
    category: Category | None = None
    priority: Priority | None = None
    customer_number: str = ""
    assignee: Staff | None = None
    unassigned: bool = False
    approval: Approval | None = None
    text: str = ""
    # In the view "Zu tun", tickets with a later follow-up are left out.
    today: date | None = None


def page(filters: QueueFilters, after: str = "", size: int | None = None) -> tuple[list[Ticket], str]:
    """Return a page of tickets and the key of the last one, or "" on the last page.

    after: the key that the previous page returned; an invalid key returns the first page. size: default PAGE_SIZE.
    """
    size = size or PAGE_SIZE
    query = _ordered(_selected(filters), filters)
    last_id = int(after) if _PAGE_KEY.fullmatch(after) else 0
    if last := Ticket.select(_SORT_KEYS[filters.sort].alias("key")).where(Ticket.id == last_id).dicts().first():
        query = query.where(_follows(last_id, last["key"], filters))
    ids = [ticket.id for ticket in query.limit(size + 1)]
    # The details are read for the rows of this page only.
    minutes = Event.select(fn.SUM(Event.minutes)).where(Event.ticket == Ticket.id).alias("minutes")
    whole = {one.id: one for one in Ticket.with_details().select_extend(minutes).where(Ticket.id.in_(ids[:size]))}
    found = [whole[id] for id in ids[:size]]
    return found, str(found[-1].id) if len(ids) > size else ""


def last_events(tickets: Iterable[Ticket]) -> dict[int, Event]:
    """Return the newest event of each ticket by the id of the ticket."""
    newest = Event.select(fn.MAX(Event.id)).where(Event.ticket.in_([ticket.id for ticket in tickets]))
    events = Event.select(Event.id, Event.ticket, Event.at).where(Event.id.in_(newest.group_by(Event.ticket)))
    return {event.ticket_id: event for event in events}


def count(filters: QueueFilters, most: int | None = None) -> int:
    """Return the number of tickets in a list, counted up to most + 1; default MAX_COUNTED."""
    filters = replace(filters, sort=QueueSort.PRIORITY)
    return count_rows(_ordered(_selected(filters), filters).limit((most or MAX_COUNTED) + 1))


def count_elsewhere(filters: QueueFilters, found: int | None) -> list[tuple[QueueView, int]]:
    """Return the views of all open and all closed tickets in which a search finds further ones, each with their number.

    found: the number of tickets in the searched view; None if it is not known, then only the other half is counted.
    Counted up to MAX_COUNTED_ELSEWHERE + 1.
    """
    counts = []
    for view in (QueueView.OPEN, QueueView.CLOSED):
        if filters.view not in (view, QueueView.ALL):
            known = found if view.is_open is filters.view.is_open else 0
            if known is None:
                continue
            counts.append((view, count(replace(filters, view=view), MAX_COUNTED_ELSEWHERE + known) - known))
    return [(view, number) for view, number in counts if number]


def _selected(filters: QueueFilters) -> ModelSelect:
    query = _of_view(filters)
    for column, value in (
        (Ticket.category, filters.category),
        (Ticket.rank, filters.priority and filters.priority.rank),
        (Ticket.approval, filters.approval),
        (Ticket.assignee, filters.assignee),
    ):
        if value is not None:
            query = query.where(column == value)
    if filters.unassigned:
        query = query.where(Ticket.assignee.is_null())
    if filters.customer_number:
        query = query.where(Ticket.customer == Customer.get_or_none(Customer.number == filters.customer_number))
    return query


def _of_view(filters: QueueFilters) -> ModelSelect:
    query = Ticket.select(Ticket.id)
    view = filters.view
    if filters.text:
        query = _found(query, filters)
    if view is QueueView.ALL:
        return query
    query = query.where(Ticket.closed_at.is_null(view.is_open))
    if view is QueueView.TODO:
        waits = (Ticket.approval == Approval.PENDING) & (Ticket.status == TicketStatus.NEW)
        query = query.where(Ticket.status != TicketStatus.WAITING, ~waits | (Ticket.rank == Priority.HIGH.rank))
        is_due = Ticket.follow_up_on.is_null() | (Ticket.follow_up_on <= filters.today)
        return query.where(is_due) if filters.today else query
    if view is QueueView.REPLIED:
        return query.where(Ticket.replied_at.is_null(False))
    if view is QueueView.NEW:
        query = query.where(Ticket.approval != Approval.PENDING)
    if view is QueueView.OVERDUE:
        return query.where(approvals.overdue())
    if view in (QueueView.OPEN, QueueView.CLOSED):
        return query
    return query.where(Ticket.status == TicketStatus(view.value))


def _found(query: ModelSelect, filters: QueueFilters) -> ModelSelect:
    """Narrow a query to the tickets that contain the words of the search.

    Open tickets are read in the queue's order; other views read the search index, which has the right order already.
    """
    terms = search.search_terms(filters.text)
    if terms:
        # With the number in the same search, a frequent word does not mean reading all tickets that contain it.
        terms += search.search_terms(filters.customer_number)
    if filters.view.is_open:
        # The sum makes the database read the index of open tickets in its order rather than fetch and sort each match.
        return query.where((Ticket.id + 0).in_(search.matching(terms, search.OPEN) if terms else []))
    state = None if filters.view in (QueueView.CLOSED, QueueView.ALL) else filters.view.value
    query = query.join(TicketWords, on=(TicketWords.rowid == Ticket.id))
    return query.where(search.is_match(terms, state) if terms else Ticket.id.in_([]))


def _ordered(query: ModelSelect, filters: QueueFilters) -> ModelSelect:
    if filters.view.is_open:
        return query.order_by(_SORT_KEYS[filters.sort], Ticket.id)
    return query.order_by((TicketWords.rowid if filters.text else Ticket.id).desc())


def _follows(id: int, key: object, filters: QueueFilters) -> Expression:
    if filters.view.is_open:
        column = _SORT_KEYS[filters.sort]
        return (column > key) | ((column == key) & (Ticket.id > id))
    return (TicketWords.rowid if filters.text else Ticket.id) < id
