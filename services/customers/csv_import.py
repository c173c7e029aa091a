"""Import customers from a CSV file as Excel and other programs write it, with the errors of each line."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from database import transaction
from enums import MAX_SHORT_LENGTH
from i18n import encodings, typed_text
from i18n.folding import folded
from models import Customer
from services import spreadsheet
from services.customers import customers
from services.errors import UserError

MAX_LINES = 500
MAX_KIB = 300
MAX_BYTES = MAX_KIB * 1024

TOO_LARGE = f"Die Datei ist zu groß. Bitte teilen Sie sie: höchstens {MAX_KIB}\N{NO-BREAK SPACE}KB auf einmal."

# The columns by their names in a file; the sample has the first name of each.
COLUMNS = {
    "number": ("Kundennummer", "Nummer", "Nr", "Kd-Nr", "KdNr", "Kunden-Nr", "Kunde Nr", "Kundennr"),
    "name": ("Name", "Firma", "Kunde", "Kundenname", "Firmenname", "Unternehmen"),
    "contact_name": ("Ansprechpartner", "Ansprechpartnerin", "Ansprechperson", "Hauptansprechpartner", "Kontakt"),
    "email": ("E-Mail", "Mail", "E-Mail-Adresse", "Mailadresse"),
    "contact_phone": ("Telefon Ansprechpartner", "Durchwahl", "Mobil", "Handy"),
    "people": ("weitere Personen",),
    "phone": ("Telefon", "Telefonnummer", "Tel", "Zentrale", "Rufnummer"),
    "street": ("Straße", "Straße und Hausnummer", "Adresse", "Anschrift"),
    "postcode": ("PLZ", "Postleitzahl"),
    "town": ("Ort", "Stadt"),
    "note": ("Notiz", "Bemerkung", "Bemerkungen", "Hinweis"),
    "mail_domain": ("Mail-Domain", "Domain", "E-Mail-Domain", "Maildomain"),
    "fully_managed": ("Voll betreut", "Vollbetreut", "Vollständig betreut", "Betreut", "Vollbetreuung"),
}
LABELS = {column: names[0] for column, names in COLUMNS.items()}

YES_AND_NO = dict.fromkeys(("ja", "j", "yes", "x", "1", "wahr", "true", ""), True) | dict.fromkeys(
    ("nein", "n", "no", "0", "falsch", "false"), False
)

SAMPLE = (
    ";".join(LABELS.values()) + "\r\n"
    "K1001;Bäckerei Sommer;Anna Sommer;post@sommer.example;0172 5550101;"
    "Bernd Sommer <bernd@sommer.example> (Genehmiger);0211 5550100;Lindenweg 4;40213;Düsseldorf;"
    "Schlüssel beim Nachbarn;sommer.example;ja\r\n"
    'K1002;"Brandt & Partner; Steuerkanzlei";;info@brandt.example;;;;;;;;;nein\r\n'
)

# DOS programs end a text file with Ctrl-Z.
_END_OF_FILE = "\x1a\r\n"


@dataclass
class ImportRow:
    """One line of the file, numbered as in Excel, with its values by column.

    faults: a sentence for each value that the line cannot be imported with.
    notices: a sentence for each value that is left out.
    """

    position: int
    values: dict[str, str | bool]
    faults: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@dataclass
class ImportTable:
    """The lines of a file, and the titles of the columns that are not imported."""

    rows: list[ImportRow]
    unknown: list[str]

    @property
    def good(self) -> list[ImportRow]:
        return [row for row in self.rows if not row.faults]

    @property
    def faulty(self) -> list[ImportRow]:
        return [row for row in self.rows if row.faults]

    @property
    def unlikely(self) -> list[str]:
        """The words that look as if the encoding is wrong, each with its line."""
        texts = [(row.position, value) for row in self.rows for value in row.values.values() if isinstance(value, str)]
        return [f"„{word}“ (Zeile {position})" for position, text in texts for word in encodings.unlikely_words(text)]


def decode(content: bytes, encoding: str = "") -> tuple[str, str]:
    """Return the text of a file and its encoding: the one given, if it is offered, else by its letters.

    Raises UserError if it is too large or no text.
    """
    if len(content) > MAX_BYTES:
        raise UserError(TOO_LARGE, "file")
    if encoding in encodings.NAMES:
        text = encodings.decode(content, encoding)
    else:
        text, encoding = encodings.decode_german(content)
    text = text.rstrip(_END_OF_FILE)
    if "\0" in text or typed_text.has_control_characters(_first_line(text)):
        raise UserError(
            "Das ist keine CSV-Datei. Bitte speichern Sie die Tabelle in Excel mit „Speichern unter“ als "
            "„CSV UTF-8 (durch Trennzeichen getrennt)“.",
            "file",
        )
    return text, encoding


def parse(text: str) -> ImportTable:
    """Return the table in a text, each line checked by the rules, other lines and the customers; raises UserError."""
    lines = _split(text)
    _, header = next(lines, (0, None))
    if header is None:
        raise UserError("Die Datei ist leer.", "file")
    columns, unknown = _columns(header)
    rows: list[ImportRow] = []
    for position, cells in lines:
        if len(rows) == MAX_LINES:
            raise UserError(
                f"Das sind zu viele Zeilen. Bitte teilen Sie die Datei: höchstens {MAX_LINES} auf einmal.", "file"
            )
        rows.append(_row(position, cells, columns, len(header)))
    if not rows:
        raise UserError("Unter der Kopfzeile steht kein Kunde.", "file")
    _mark_duplicate_numbers(rows)
    return ImportTable(rows, unknown)


def import_customers(text: str, skip_faulty: bool, now: datetime) -> list[Customer]:
    """Add the customers of a table in one transaction and return them; raises UserError."""
    with transaction():
        table = parse(text)
        if table.faulty and not skip_faulty:
            raise UserError(
                "Es ist nichts eingelesen, denn manche Zeilen sind fehlerhaft. Verbessern Sie sie oder lassen Sie "
                "sie aus."
            )
        if not table.good:
            raise UserError("Es ist nichts eingelesen, denn keine Zeile ist fehlerfrei.")
        return [customers.add(row.values, now) for row in table.good]


def _split(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line that is not empty, as in Excel, and its trimmed cells; raises UserError."""
    # Excel reads the delimiter from such a line and does not show it.
    separator = re.match(r"\s*\"?sep=(.)\"?[^\S\n]*\r?\n?", text, re.IGNORECASE)
    text = text[separator.end() :] if separator else text
    delimiter = separator[1] if separator else max(";,\t", key=_first_line(text).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    position = 0
    try:
        for position, cells in enumerate(reader, start=1):
            cells = [spreadsheet.unescaped(" ".join(typed_text.clean_line(cell).split())) for cell in cells]
            if any(cells):
                yield position, cells
    except csv.Error:
        raise UserError(f"Ab Zeile {position + 1} stimmen die Anführungszeichen nicht.", "file") from None


def _first_line(text: str) -> str:
    return next(iter(text.lstrip().splitlines()), "")


def _columns(header: list[str]) -> tuple[dict[str, int], list[str]]:
    """Return the place of each column, and the titles of the others; raises UserError."""
    columns: dict[str, int] = {}
    unknown: list[str] = []
    for index, title in enumerate(header):
        column = _COLUMN_BY_HEADER.get(_header_key(title)) if len(title) <= MAX_SHORT_LENGTH else None
        if column is None:
            unknown += [title] if title else []
        elif column in columns:
            raise UserError(
                f"Die Spalten „{header[columns[column]]}“ und „{title}“ bedeuten beide „{LABELS[column]}“. "
                "Bitte lassen Sie nur eine davon stehen.",
                "file",
            )
        else:
            columns[column] = index
    missing = [f"„{LABELS[column]}“" for column in ("number", "name") if column not in columns]
    if missing:
        raise UserError(
            f"In der ersten Zeile fehlt {' und '.join(missing)}. Dort müssen die Namen der Spalten stehen, "
            "wie in der Musterdatei.",
            "file",
        )
    return columns, unknown


def _row(position: int, cells: list[str], columns: dict[str, int], width: int) -> ImportRow:
    row = ImportRow(position, {})
    for column, index in columns.items():
        text = cells[index] if index < len(cells) else ""
        try:
            row.values[column] = _value(column, text)
        except customers.PublicDomain:
            row.values[column] = ""
            row.notices.append(
                f"{LABELS[column]}: „{text}“ wird weggelassen, weil unter dieser Domain jeder eine E-Mail-Adresse "
                "haben kann."
            )
        except UserError as error:
            row.values[column] = text
            row.faults.append(f"{LABELS[column]}: {error}")
    if any(cells[width:]):
        row.faults.append("Die Zeile hat mehr Spalten als die Kopfzeile.")
    return row


def _value(column: str, text: str) -> str | bool:
    if column in ("number", "name") and not text:
        raise UserError("Die Angabe fehlt.")
    if column == "number":
        text = text.removeprefix("'")
    if column != "fully_managed":
        return (customers.RULES | customers.FIRST_CONTACT_RULES | {"people": customers.checked_people})[column](text)
    if text.casefold() not in YES_AND_NO:
        raise UserError("Bitte schreiben Sie „ja“ oder „nein“.")
    return YES_AND_NO[text.casefold()]


def _mark_duplicate_numbers(rows: list[ImportRow]) -> None:
    numbers = {str(row.values["number"]) for row in rows}
    taken = {customer.number for customer in Customer.select(Customer.number).where(Customer.number.in_(numbers))}
    first_lines: dict[str, int] = {}
    for row in rows:
        number = str(row.values["number"])
        if number in taken:
            row.faults.append(f"{LABELS['number']}: {customers.number_taken(number)}")
        elif first_lines.setdefault(number, row.position) != row.position and number:
            row.faults.append(f"{LABELS['number']}: {number} steht schon in Zeile {first_lines[number]}.")


def _header_key(title: str) -> str:
    return folded(title).replace(" ", "")


_COLUMN_BY_HEADER = {_header_key(name): column for column, names in COLUMNS.items() for name in names}
