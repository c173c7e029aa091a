"""Lists as CSV files that German Excel opens by a double click, with text that no spreadsheet takes for a formula."""

import csv
import io
import re
import unicodedata
from datetime import date, datetime, timedelta

from clock import TIME_ZONE
from enums import Category

# Excel takes a file for UTF-8 only if it begins with this sign.
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

# Rows are read some at a time: while they are read nobody can write, and a million of them need much memory.
ROWS_AT_A_TIME = 500

CHUNK_CHARS = 64 * 1024

_FORMULA_SIGNS = frozenset("=+-@")

# What Excel would take for a number and so rob of its zeros or its last digits.
_NUMBER_ONLY_IN_LOOKS = re.compile(r"0\d+|\d{12,}|\d+[eE]\d+")

TICKETS = {
    "Vorgang": lambda ticket: ticket.submission.spoken_code,
    "eingegangen": lambda ticket: ticket.submission.received_at,
    "Art": lambda ticket: ticket.category.label,
    "Priorität": lambda ticket: ticket.submission.priority.label,
    "Stand": lambda ticket: ticket.status.label,
    "Freigabe": lambda ticket: ticket.approval.label,
    "Kundennummer": lambda ticket: ticket.customer.number,
    "Kunde": lambda ticket: ticket.customer.name,
    "von": lambda ticket: ticket.submission.name,
    "Kontaktnummer": lambda ticket: ticket.submission.phone,
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
}

CUSTOMERS = {
    "Kundennummer": lambda customer: customer.number,
    "Name": lambda customer: customer.name,
    "Ansprechpartner": lambda customer: customer.contact_name,
    "E-Mail": lambda customer: customer.email,
    "Mail-Domain": lambda customer: customer.mail_domain,
    "voll betreut": lambda customer: "ja" if customer.fully_managed else "nein",
    "PIN ausgegeben": lambda customer: customer.pin_issued_at,
    "gesperrt seit": lambda customer: customer.locked_at,
    "angelegt": lambda customer: customer.created_at,
}

WEEKS = {
    "Woche": lambda week: f"KW {week.short_name}",
    "ab": lambda week: week.monday,
    "gesamt": lambda week: week.total,
    **{category.label: lambda week, category=category: week.numbers[category] for category in Category},
}

_TIMES = {
    "Tickets": lambda group: group.tickets,
    "davon offen": lambda group: group.open,
    "Stunden bis zur ersten Aktion": lambda group: group.to_first_action,
    "Stunden bis erledigt": lambda group: group.to_done,
}
TIMES = {"Art oder Priorität": lambda group: group.common.label} | _TIMES
CUSTOMER_TIMES = {
    "Kundennummer": lambda group: group.common.number,
    "Kunde": lambda group: group.common.name,
} | _TIMES


def csv_chunks(columns, rows):
    """Yield a file piece by piece: the columns' names, then of each row what the columns' functions make of it."""
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


def all_rows(page):
    """Yield every row of a list that a service gives page by page, asked for with a key and a size."""
    found, after = page(after="", size=ROWS_AT_A_TIME)
    yield from found
    while after:
        found, after = page(after=after, size=ROWS_AT_A_TIME)
        yield from found


def _cell(value):
    """Return a value as German Excel reads it: moments as the office's clock showed them, lengths of time in hours."""
    if isinstance(value, datetime):
        return f"{value.astimezone(TIME_ZONE):%d.%m.%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 3600:.2f}".replace(".", ",")
    return _escape_formula(value) if isinstance(value, str) else value


def _escape_formula(text):
    """Return a text with an apostrophe before it if a spreadsheet would make something else of it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    first = next((sign for sign in text if unicodedata.category(sign)[0] not in "CZ"), "")
    # Some spreadsheets take a wide or raised sign for the plain one.
    is_formula = unicodedata.normalize("NFKC", first)[:1] in _FORMULA_SIGNS
    return f"'{text}" if is_formula or _NUMBER_ONLY_IN_LOOKS.fullmatch(text.strip()) else text
