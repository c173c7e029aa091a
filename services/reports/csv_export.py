"""CSV files that German Excel opens with a double click, with texts that no spreadsheet runs as a formula."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from clock import TIME_ZONE
from enums import Category
from services import spreadsheet
from services.customers import customers

# Excel reads a file as UTF-8 only if it begins with this character.
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

# Rows are read in batches: nobody can write while rows are read, and a million of them would need much memory.
ROWS_AT_A_TIME = 500

CHUNK_CHARS = 64 * 1024

# The columns of a file: for each heading, a function that returns the value of a row.
Columns = Mapping[str, Callable[[Any], object]]

TICKETS: Columns = {
    "Vorgang": lambda ticket: ticket.submission.spoken_code,
    "eingegangen": lambda ticket: ticket.submission.received_at,
    "Art": lambda ticket: ticket.category.label,
    "Priorität": lambda ticket: ticket.priority.label,
    "Stand": lambda ticket: ticket.status.label,
    "Freigabe": lambda ticket: ticket.approval.label,
    "Kundennummer": lambda ticket: ticket.customer.number,
    "Kunde": lambda ticket: ticket.customer.name,
    "von": lambda ticket: ticket.name,
    "Kontaktnummer": lambda ticket: ticket.phone,
    "Referenz": lambda ticket: ticket.submission.reference,
    "Kurztext": lambda ticket: ticket.submission.summary,
    "Beschreibung": lambda ticket: ticket.submission.description,
    "Gerät": lambda ticket: ticket.submission.device,
    "Seriennummer": lambda ticket: ticket.submission.serial_number,
    "bearbeitet von": lambda ticket: ticket.assignee.name if ticket.assignee else "",
    "erste Aktion": lambda ticket: ticket.first_action_at,
    "geschlossen": lambda ticket: ticket.closed_at,
    "fällig am": lambda ticket: ticket.due_on,
    "Hinweise": lambda ticket: ", ".join(ticket.flags),
    "Minuten": lambda ticket: ticket.minutes,
}

CUSTOMERS: Columns = {
    "Kundennummer": lambda customer: customer.number,
    "Name": lambda customer: customer.name,
    "Ansprechpartner": lambda customer: customer.contact_name,
    "E-Mail": lambda customer: customer.email,
    "Telefon Ansprechpartner": lambda customer: customer.main_contact.phone,
    "Telefon": lambda customer: customer.phone,
    "Straße": lambda customer: customer.street,
    "PLZ": lambda customer: customer.postcode,
    "Ort": lambda customer: customer.town,
    "Notiz": lambda customer: customer.note,
    "weitere Personen": lambda customer: "; ".join(
        customers.as_text(contact)
        for contact in customer.contacts
        if contact.is_approver or contact != customer.main_contact
    ),
    "Mail-Domain": lambda customer: customer.mail_domain,
    "voll betreut": lambda customer: "ja" if customer.fully_managed else "nein",
    "PIN ausgegeben": lambda customer: customer.pin_issued_at,
    "gesperrt seit": lambda customer: customer.locked_at,
    "angelegt": lambda customer: customer.created_at,
}


def _count_of(category: Category) -> Callable[[Any], int]:
    return lambda week: week.numbers[category]


WEEKS: Columns = {
    "Woche": lambda week: f"KW {week.short_name}",
    "ab": lambda week: week.monday,
    "gesamt": lambda week: week.total,
    **{category.label: _count_of(category) for category in Category},
}

_TIMES: Columns = {
    "eingegangen": lambda group: group.received,
    "erledigt": lambda group: group.done,
    "offen am Ende": lambda group: group.open,
    "Arbeitsstunden bis zur ersten Aktion": lambda group: group.to_first_action,
    "Arbeitsstunden bis erledigt": lambda group: group.to_done,
    "Minuten": lambda group: group.minutes,
}
TIMES: Columns = {"Art oder Priorität": lambda group: group.common.label, **_TIMES}
CUSTOMER_TIMES: Columns = {
    "Kundennummer": lambda group: group.common.number,
    "Kunde": lambda group: group.common.name,
    **_TIMES,
}


def csv_chunks(columns: Columns, rows: Iterable[Any]) -> Iterator[str]:
    """Yield a CSV file in chunks: the headings, then the rows."""
    piece = io.StringIO()
    piece.write(BYTE_ORDER_MARK)
    writer = csv.writer(piece, delimiter=";")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value_of(row)) for value_of in columns.values()])
        if piece.tell() > CHUNK_CHARS:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()


def all_rows(page: Callable[..., tuple[Iterable[Any], str]]) -> Iterator[Any]:
    """Yield all rows of a list that a service returns page by page.

    page: takes the key after which a page begins and its size, and returns the rows and the next key, "" at the end.
    """
    found, after = page(after="", size=ROWS_AT_A_TIME)
    yield from found
    while after:
        found, after = page(after=after, size=ROWS_AT_A_TIME)
        yield from found


def _cell(value: object) -> object:
    """Return a value as German Excel reads it: times in the office's time zone, durations in hours."""
    if isinstance(value, datetime):
        return f"{value.astimezone(TIME_ZONE):%d.%m.%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 3600:.2f}".replace(".", ",")
    return spreadsheet.escaped(value) if isinstance(value, str) else value
