"""The checklist for a new employee: what is to be set up, made of the fields of the request."""

from datetime import datetime

from enums import Category, EventKind
from models import ChecklistItem, Staff, Ticket
from services.tickets import events
from services.tickets.locking import locked_ticket, require


def steps(ticket: Ticket) -> dict[str, str]:
    """Return what is to be done for a new employee, in words, by a name that stays; empty for any other request."""
    if ticket.category is not Category.NEW_EMPLOYEE:
        return {}
    sent = ticket.submission
    email, extension, mobile = sent.desired_email, sent.extension, sent.mobile
    found = {
        "account": f"Benutzerkonto für {sent.first_name} {sent.last_name}",
        "mail": f"E-Mail-Adresse {email}" if email else "keine E-Mail-Adresse, wie gewünscht",
        "extension": extension and f"Durchwahl {extension}",
        "mobile": mobile and f"Firmenmobiltelefon {mobile}",
        "rights": f"Rechte: {sent.position}",
    }
    return {name: words for name, words in found.items() if words}


def done(ticket: Ticket) -> dict[str, ChecklistItem]:
    """Return what is ticked off, by its name."""
    return {item.name: item for item in ticket.checklist}


def check(ticket: Ticket, by: Staff, now: datetime, step: str) -> None:
    """Tick a step off, or open it again with a "-" before its name; what is so already stays as it is."""
    name, is_done = step.removeprefix("-"), not step.startswith("-")
    with locked_ticket(ticket):
        words = steps(ticket).get(name)
        require(words, "Diesen Schritt gibt es bei diesem Ticket nicht.")
        if is_done is (name in done(ticket)):
            return
        if is_done:
            ChecklistItem.create(ticket=ticket, name=name, done_at=now, done_by=by.name)
        else:
            ticket.checklist.where(ChecklistItem.name == name).get().delete_instance()
        events.record(ticket, EventKind.CHECKED, by.name, now, f"{words}: {'erledigt' if is_done else 'wieder offen'}")
