"""The first day of a new employee as a calendar file."""

from datetime import datetime, timedelta

from models import Ticket
from settings import settings

# RFC 5545 allows so many bytes in a line.
LINE_BYTES = 75


def of_entry(ticket: Ticket, now: datetime) -> bytes:
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
