"""What the office sets up for a new employee, as a checklist, and the first day as a calendar file."""

from datetime import datetime, timedelta

from enums import Category, EventKind
from models import ChecklistItem, Staff, Ticket
from services.tickets import events
from services.tickets.locking import locked_ticket, require
from settings import settings

# RFC 5545 allows so many bytes in a line.
LINE_BYTES = 75


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


def calendar_file(ticket: Ticket, now: datetime) -> bytes:
    """Return the entry of a ticket with a due date as an all-day event in a file by RFC 5545."""
    code, person = ticket.submission.code, f"{ticket.submission.first_name} {ticket.submission.last_name}"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Meldeportal//DE",
        "BEGIN:VEVENT",
        f"UID:{code}@meldeportal",
        f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{ticket.due_on:%Y%m%d}",
        f"DTEND;VALUE=DATE:{ticket.due_on + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(f'Eintritt {person} ({ticket.customer.name})')}",
        f"URL:{settings.url}/verwaltung/ticket/{code}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _escaped(text: str) -> str:
    for sign in "\\;,":
        text = text.replace(sign, f"\\{sign}")
    return text


def _folded(line: str) -> bytes:
    """Return a line with its end; a long one is continued on lines that begin with a space."""
    parts = [b""]
    for sign in line:
        if len(parts[-1]) + len(sign.encode()) > LINE_BYTES:
            parts.append(b" ")
        parts[-1] += sign.encode()
    return b"\r\n".join(parts) + b"\r\n"
