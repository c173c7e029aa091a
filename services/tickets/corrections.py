"""Correct a fact of a ticket; the submission stays as it was sent."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from enums import Category, EventKind, Priority
from i18n import formats
from models import Staff, Ticket
from services import search
from services.tickets.locking import require, staff_action


def _day(day: date | None) -> str:
    return formats.date(day) if day else "keins"


# The label of each fact that can be corrected, and how the history names its values.
_FACTS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "rank": ("Priorität", lambda rank: Priority.from_rank(rank).label),
    "category": ("Art der Anfrage", lambda category: category.label),
    "due_on": ("Eintrittsdatum", _day),
    "caller_name": ("Name", str),
    "caller_phone": ("Kontaktnummer", str),
}


def correct(ticket: Ticket, fact: str, value: Any, by: Staff, seen: int, now: datetime) -> None:
    """Set a fact of a ticket to the right value and record both values."""
    with staff_action(ticket, by, seen, now) as record:
        require(fact in correctable(ticket), "Diese Angabe können Sie bei dieser Anfrage nicht ändern.")
        before = current(ticket, fact)
        require(value != before, "Diese Angabe hat schon diesen Wert.")
        setattr(ticket, fact, value)
        label, shown = _FACTS[fact]
        record(EventKind.CORRECTED, f"{label}: {shown(before)} → {shown(value)}")
        search.reindex(ticket)


def current(ticket: Ticket, fact: str) -> Any:
    """Return the value of a fact: the corrected one, or what was sent."""
    if fact in ("caller_name", "caller_phone"):
        return getattr(ticket, fact) or getattr(ticket.submission, fact.removeprefix("caller_"))
    return getattr(ticket, fact)


def correctable(ticket: Ticket) -> list[str]:
    """Return the facts that can be corrected; the fields of a new employee fit no other kind."""
    own = ["due_on"] if ticket.category is Category.NEW_EMPLOYEE else ["rank", "category"]
    return [*own, "caller_name", "caller_phone"]
