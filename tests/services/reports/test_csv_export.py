"""CSV files for German Excel: they are read back as they were meant, and no cell is a formula."""

import csv
import io
import re
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from peewee import sqlite3

from database import database
from demo import history
from enums import Category
from models import Contact, Customer, Staff, Submission, Ticket
from services.reports import csv_export
from settings import settings
from tests.support.cast import NOW
from tests.support.contacts import set_contact

FORMULAS = [
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    " =1+1",
    "\t=1+1",
    "\r\n=1+1",
    "\n\n@SUM(A1)",
    "\N{NO-BREAK SPACE}=1+1",
    "\N{ZERO WIDTH SPACE}=1+1",
    "\N{IDEOGRAPHIC SPACE}-1",
    "\x00=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example";"Bitte hier klicken")',
    "-",
    "+49 231 5550133",
]

TEXTS = [
    "",
    "Der Drucker zieht kein Papier ein.",
    "Müller; Meier",
    'Ein Schild mit „Halt“ und "Stop"',
    "Erste Zeile\nzweite; Zeile\n=kein Anfang",
    ";=1+1",
    '"=1+1"',
    "a,b\tc",
    "'schon mit Strich",
    "100 % - und = in der Mitte",
]


def parse_csv(data):
    """Read a file as German Excel does: UTF-8 after the byte order mark, semicolons, doubled quotes."""
    assert data.startswith(b"\xef\xbb\xbf")
    text = data.decode("utf-8-sig")
    assert not text.startswith("\ufeff")
    assert re.search(r"(?<!\r)\n\Z", text) is None
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))


def exported(columns, rows):
    return "".join(csv_export.csv_chunks(columns, rows)).encode()


def cell(value):
    """Return what Excel shows in a cell for a value."""
    return parse_csv(exported({"Wert": lambda row: row}, [value]))[1][0] if value != "" else ""


@pytest.fixture
def lines_of(clara):
    """Return the lines of a file of tickets, each with one text in every field that can be typed."""

    def file(number, text):
        customer = Customer.create(number=text, name=text, created_at=NOW)
        member = Staff.create(login=f"s{number}", name=text, password_hash="none", created_at=NOW)
        typed = ("customer_number", "name", "phone", "reference", "description", "device", "serial_number")
        common = {"category": Category.WARRANTY}
        submission = Submission.create(
            draft=f"d{number}", code=f"{number:08}", received_at=NOW, **common, **dict.fromkeys(typed, text)
        )
        Ticket.create(submission=submission, customer=customer, rank=0, assignee=member, created_at=NOW, **common)

    def make(texts):
        with database.connection_context(), database.atomic():
            for number, text in enumerate(texts):
                file(number, text)
        header, *rows = parse_csv(clara.client.get("/verwaltung/tickets.csv").data)
        return [dict(zip(header, row, strict=True)) for row in rows]

    return make


# --- cells ---


@pytest.mark.parametrize("text", FORMULAS)
def test_formula_becomes_text(text):
    shown = cell(text)
    assert shown == "'" + text.replace("\r\n", "\n")


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_as_it_is(text):
    assert cell(text) == text


@pytest.mark.parametrize("text", ["0211555000", "007", "00", "4012345678901", "12E5", "1e9"])
def test_a_text_that_looks_like_a_number_keeps_its_digits(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["0", "4711", "0211 555-0101", "K0815", "12345678901"])
def test_a_number_that_loses_nothing_has_no_apostrophe(text):
    assert cell(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 11, 24, 8, 30, 59, tzinfo=UTC), "24.11.2026 09:30"),
        (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), "02.07.2026 00:30"),
        (date(2027, 4, 1), "01.04.2027"),
        (timedelta(hours=3, minutes=20), "3,33"),
        (timedelta(days=50), "1200,00"),
        (12, "12"),
        (0, "0"),
        (None, ""),
    ],
)
def test_values_as_german_excel_reads_them(value, shown):
    assert parse_csv(exported({"Wert": lambda row: row, "Ende": lambda row: "x"}, [value]))[1] == [shown, "x"]


def test_file_is_utf8_with_byte_order_mark_and_semicolons_and_crlf():
    columns = {"Größe": lambda row: row[0], "Straße": lambda row: row[1]}
    assert exported(columns, [("ä;b", "c\nd"), ('"', 1)]) == (
        b"\xef\xbb\xbf" + 'Größe;Straße\r\n"ä;b";"c\nd"\r\n"""";1\r\n'.encode()
    )


def test_a_long_file_comes_complete_in_chunks():
    rows = [f"Zeile {number}" for number in range(20_000)]
    pieces = list(csv_export.csv_chunks({"Zeile": lambda row: row}, iter(rows)))
    assert len(pieces) > 2
    assert max(map(len, pieces)) < 2 * csv_export.CHUNK_CHARS
    assert [row[0] for row in parse_csv("".join(pieces).encode())] == ["Zeile", *rows]


# --- tickets ---


def test_list_of_tickets(clara, anna, run_worker):
    anna.report("new_employee", first_name="Jo", entry_date="2026-11-25", reference="Büro; 2", phone="+49 211 5550101")
    run_worker()
    with database.connection_context():
        Ticket.update(assignee=Staff.get(), first_action_at=NOW + timedelta(hours=1)).execute()
        code = Submission.get().spoken_code
    answer = clara.client.get("/verwaltung/tickets.csv")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename=tickets-2026-11-23.csv"
    assert answer.headers["Cache-Control"] == "no-store"
    header, row = parse_csv(answer.data)
    assert dict(zip(header, row, strict=True)) == {
        "Vorgang": code,
        "eingegangen": "23.11.2026 10:30",
        "Art": "Neuer Mitarbeiter",
        "Priorität": "Niedrig",
        "Stand": "Neu",
        "Freigabe": "nicht nötig",
        "Kundennummer": "K1001",
        "Kunde": "Bäckerei Sommer",
        "von": "Anna Sommer",
        "Kontaktnummer": "'+49 211 5550101",
        "Referenz": "Büro; 2",
        "Kurztext": "Jo Neumann, Buchhaltung",
        "Beschreibung": "",
        "Gerät": "",
        "Seriennummer": "",
        "bearbeitet von": "Clara Neumann",
        "erste Aktion": "23.11.2026 11:30",
        "geschlossen": "",
        "fällig am": "25.11.2026",
        "Hinweise": "Vorlauf unterschritten, keine E-Mail-Adresse gewünscht",
        "Minuten": "0",
    }


def test_no_field_of_a_ticket_begins_a_formula(lines_of):
    lines = lines_of(FORMULAS)
    for text, line in zip(FORMULAS, lines, strict=True):
        shown = "'" + text.replace("\r\n", "\n")
        assert sum(value == shown for value in line.values()) == 9
        assert [value for value in line.values() if value.strip()[:1] in tuple("=+-@＝＋－＠")] == []


def test_text_of_a_ticket_stays_complete(lines_of):
    texts = list(filter(None, TEXTS))
    lines = lines_of(texts)
    for name in ("Kunde", "von", "Referenz", "Beschreibung", "Gerät", "bearbeitet von"):
        assert [line[name] for line in lines] == texts


@pytest.mark.parametrize(
    "filters",
    [
        "",
        "stand=alle",
        "stand=erledigt&art=stoerung",
        "stand=alle-offenen&prioritaet=niedrig",
        "stand=alle&text=drucker",
    ],
)
def test_file_holds_just_what_the_pages_show(clara, monkeypatch, filters):
    monkeypatch.setattr(csv_export, "ROWS_AT_A_TIME", 7)
    with database.connection_context():
        history.add_history(120, NOW, timedelta(days=60))
    _, *rows = parse_csv(clara.client.get(f"/verwaltung/tickets.csv?{filters}").data)
    shown, address = [], f"/verwaltung/tickets?{filters}"
    while address:
        page = clara.get(address)
        shown += [link.get("id") for link in page.tree.iter("a") if "row-title" in link.get("class", "")]
        address = next((link.get("href") for link in page.tree.iter("a") if link.get("rel") == "next"), None)
    assert [f"ticket-{row[0].replace('-', '')}" for row in rows] == shown
    assert shown


@pytest.fixture
def slow_download(clara, monkeypatch):
    """A large file of tickets of which somebody has read only the beginning."""
    monkeypatch.setattr(csv_export, "ROWS_AT_A_TIME", 5)
    monkeypatch.setattr(csv_export, "CHUNK_CHARS", 100)
    with database.connection_context():
        history.add_history(60, NOW, timedelta(days=60))
    answer = clara.client.get("/verwaltung/tickets.csv?stand=alle", buffered=False)
    pieces = answer.iter_encoded()
    assert next(pieces).startswith(b"\xef\xbb\xbf")
    yield answer, pieces
    answer.close()


def test_nobody_waits_for_a_slow_download(slow_download):
    _, pieces = slow_download
    with closing(sqlite3.connect(settings.database_path, timeout=0)) as another, another:
        another.execute("UPDATE ticket SET lead_time_missed = 0")
    assert b"".join(pieces).count(b"\r\n") > 50


def test_an_aborted_download_leaves_no_connection(slow_download):
    answer, _ = slow_download
    assert not database.is_closed()
    answer.close()
    assert database.is_closed()


def test_page_offers_the_file_with_its_filters(clara, anna, run_worker):
    anna.report("incident")
    run_worker()
    page = clara.get("/verwaltung/tickets?stand=alle-offenen&art=stoerung")
    (link,) = [link.get("href") for link in page.tree.iter("a") if "tickets.csv" in link.get("href", "")]
    assert len(parse_csv(clara.client.get(link).data)) == 2
    assert len(parse_csv(clara.client.get(link.replace("stoerung", "sonstiges")).data)) == 1


def test_nobody_outside_gets_a_file(anna):
    for address in ("/verwaltung/tickets.csv", "/verwaltung/kunden.csv", "/verwaltung/zahlen.csv?tabelle=wochen"):
        answer = anna.client.get(address)
        assert answer.status_code == 303
        assert answer.data.find(b"Vorgang") == -1


# --- customers ---


def test_list_of_customers(clara, monkeypatch):
    monkeypatch.setattr(csv_export, "ROWS_AT_A_TIME", 2)
    address = {"phone": "0211 1", "street": "Weg 4", "postcode": "40213", "town": "Düsseldorf", "note": "Hof"}
    company = address | {"mail_domain": "sommer.example", "created_at": NOW, "pin_issued_at": NOW}
    with database.connection_context():
        customer = Customer.create(number="K1001", name="Bäckerei Sommer; Filiale", **company)
        set_contact(customer, name="Anna Sommer", email="post@sommer.example")
        Contact.create(customer=customer, name="Bernd", email="bernd@sommer.example", phone="7", is_approver=True)
        Customer.create(number="0815", name="=1+1", created_at=NOW, fully_managed=False, locked_at=NOW)
        for number in range(2, 7):
            Customer.create(number=f"K100{number}", name="Brandt", created_at=NOW)
    answer = clara.client.get("/verwaltung/kunden.csv")
    assert answer.headers["Content-Disposition"] == "attachment; filename=kunden-2026-11-23.csv"
    header, *rows = parse_csv(answer.data)
    when = "23.11.2026 10:30"
    assert dict(zip(header, rows[1], strict=True)) == {
        "Kundennummer": "K1001",
        "Name": "Bäckerei Sommer; Filiale",
        "Ansprechpartner": "Anna Sommer",
        "E-Mail": "post@sommer.example",
        "Telefon Ansprechpartner": "",
        "Telefon": "0211 1",
        "Straße": "Weg 4",
        "PLZ": "40213",
        "Ort": "Düsseldorf",
        "Notiz": "Hof",
        "weitere Personen": "Bernd <bernd@sommer.example> 7 (Genehmiger)",
        "Mail-Domain": "sommer.example",
        "voll betreut": "ja",
        "PIN ausgegeben": when,
        "gesperrt seit": "",
        "angelegt": when,
    }
    assert rows[0] == ["'0815", "'=1+1", *[""] * 10, "nein", "", when, when]
    assert [row[0] for row in rows[2:]] == [f"K100{number}" for number in range(2, 7)]


def test_page_of_customers_offers_the_file_with_its_filters(clara):
    with database.connection_context():
        for number in ("K1001", "K1002"):
            Customer.create(number=number, name=f"Firma {number}", created_at=NOW)
    page = clara.get("/verwaltung/kunden?text=k1002")
    (link,) = [link.get("href") for link in page.tree.iter("a") if "kunden.csv" in link.get("href", "")]
    assert [row[0] for row in parse_csv(clara.client.get(link).data)] == ["Kundennummer", "K1002"]


# --- figures ---


@pytest.mark.parametrize(
    ("table", "header", "length"),
    [
        ("wochen", ["Woche", "ab", "gesamt", "Störung"], 12),
        ("zeiten", ["Art oder Priorität", "eingegangen", "erledigt", "offen am Ende"], 8),
        ("kunden", ["Kundennummer", "Kunde", "eingegangen", "erledigt"], 1),
    ],
)
def test_tables_of_the_figures(clara, anna, run_worker, table, header, length):
    anna.report("incident")
    run_worker()
    with database.connection_context():
        Ticket.update(first_action_at=NOW + timedelta(minutes=90)).execute()
    link = next(
        link.get("href")
        for link in clara.get("/verwaltung/zahlen").tree.iter("a")
        if f"tabelle={table}" in link.get("href", "")
    )
    answer = clara.client.get(link, buffered=True)
    assert answer.headers["Content-Disposition"] == f"attachment; filename=zahlen-{table}-12-wochen.csv"
    names, *rows = parse_csv(answer.data)
    assert names[:4] == header
    assert len(rows) == length
    expected = {
        "wochen": ["KW 48", "23.11.2026", "1", "1", "0", "0", "0", "0"],
        "zeiten": ["Niedrig", "1", "0", "1", "1,50", "", "0"],
        "kunden": ["K1001", "Bäckerei Sommer", "1", "0", "1", "1,50", "", "0"],
    }
    assert rows[-1] == expected[table]


@pytest.mark.parametrize("query", ["", "tabelle=", "tabelle=x", "tabelle=kunden&kunde=K9"])
def test_table_that_does_not_exist(clara, query):
    assert clara.get(f"/verwaltung/zahlen.csv?{query}").status == 404
