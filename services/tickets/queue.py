"""The queue: which tickets somebody wants to see, in which order, page by page.

Open tickets stand by priority, then age; closed ones, and a view of all, stand newest first.
"""

import re
from dataclasses import dataclass

from database import count_rows
from enums import OPEN_STATUSES, Approval, Category, LabelledEnum, Priority, TicketStatus
from models import Customer, Staff, Ticket, TicketWords
from services import search
from services.tickets import approvals

PAGE_SIZE = 50

# Nobody counts further by eye, and the database need not either.
MAX_COUNTED = 1000

# A place in the order of a view: the rank and the id of the last ticket shown.
_PAGE_KEY = re.compile(r"\d-\d{1,18}")


class QueueView(LabelledEnum):
    """What part of the tickets a view begins with."""

    TODO = "todo", "Zu tun"
    OPEN = "open", "Alle offenen"
    REPLIED = "replied", "Kunde hat geschrieben"
    OVERDUE = "overdue", "Freigabe überfällig"
    NEW = "new", "Neu"
    IN_PROGRESS = "in_progress", "In Bearbeitung"
    WAITING = "waiting", "Wartet auf Kunde"
    DONE = "done", "Erledigt"
    CANCELLED = "cancelled", "Storniert"
    ALL = "all", "Alle"

    @property
    def is_open(self):
        return self in (QueueView.TODO, QueueView.OPEN, QueueView.REPLIED, QueueView.OVERDUE) or self in OPEN_STATUSES


@dataclass(frozen=True)
class QueueFilters:
    """What somebody wants to see; None and "" leave that side open."""

    view: QueueView = QueueView.TODO
    category: Category | None = None
    priority: Priority | None = None
    customer_number: str = ""
    assignee: Staff | None = None
    unassigned: bool = False
    approval: Approval | None = None
    text: str = ""


def page(filters, after="", size=PAGE_SIZE):
    """Return the tickets of one page and the key after which the next page begins, or "" on the last one.

    A key that is none leads to the first page.
    """
    query = _ordered(_selected(filters), filters)
    if _PAGE_KEY.fullmatch(after):
        query = query.where(_follows(after, filters))
    ids = [ticket.id for ticket in query.limit(size + 1)]
    # What a row shows is read for the rows of this page alone.
    whole = {ticket.id: ticket for ticket in Ticket.with_details().where(Ticket.id.in_(ids[:size]))}
    found = [whole[id] for id in ids[:size]]
    return found, f"{found[-1].rank}-{found[-1].id}" if len(ids) > size else ""


def count(filters):
    """Return how many tickets a view has, counted up to MOST_COUNTED + 1."""
    return count_rows(_ordered(_selected(filters), filters).limit(MAX_COUNTED + 1))


def _selected(filters):
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


def _of_view(filters):
    query = Ticket.select(Ticket.id)
    view = filters.view
    if filters.text:
        query = _found(query, filters)
    if view is QueueView.ALL:
        return query
    query = query.where(Ticket.closed_at.is_null(view.is_open))
    if view is QueueView.TODO:
        waits = (Ticket.approval == Approval.PENDING) & (Ticket.status == TicketStatus.NEW)
        return query.where(
            Ticket.status != TicketStatus.WAITING,
            ~waits | (Ticket.rank == Priority.HIGH.rank),
        )
    if view is QueueView.REPLIED:
        return query.where(Ticket.replied_at.is_null(False))
    if view is QueueView.NEW:
        query = query.where(Ticket.approval != Approval.PENDING)
    if view is QueueView.OVERDUE:
        return query.where(approvals.overdue())
    return query if view is QueueView.OPEN else query.where(Ticket.status == TicketStatus(view.value))


def _found(query, filters):
    """Narrow a query to the tickets that hold the words.

    Among open tickets the found ones are few and can be sorted; elsewhere they come from the index in the order wanted.
    """
    words = search.search_terms(filters.text)
    if words:
        # A rare customer's tickets with a frequent word are found by both, not by looking at each with the word.
        words += search.search_terms(filters.customer_number)
    if filters.view.is_open:
        return query.where(Ticket.id.in_(search.matching(words, search.OPEN) if words else []))
    state = None if filters.view is QueueView.ALL else filters.view.value
    query = query.join(TicketWords, on=(TicketWords.rowid == Ticket.id))
    return query.where(search.is_match(words, state) if words else Ticket.id.in_([]))


def _ordered(query, filters):
    if filters.view.is_open:
        return query.order_by(Ticket.rank, Ticket.id)
    return query.order_by((TicketWords.rowid if filters.text else Ticket.id).desc())


def _follows(key, filters):
    rank, id = map(int, key.split("-"))
    if filters.view.is_open:
        return (Ticket.rank > rank) | ((Ticket.rank == rank) & (Ticket.id > id))
    return (TicketWords.rowid if filters.text else Ticket.id) < id
