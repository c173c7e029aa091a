"""The limits of the forms of the office: the longest text is accepted, one character more is not."""

import pytest

from database import database
from form_fields import row_id
from models import Customer

TOO_LONG = "Bitte kürzen Sie „{}“ auf höchstens {} Zeichen."

CUSTOMER = {"number": "K2001", "name": "Praxis Winter", "fully_managed": "True"}
CONTACT = {"name": "Bernd Sommer", "email": "bernd@sommer.example", "absent_from": "", "absent_until": ""}
TEXT_BLOCK = {"name": "Gruß", "text": "Guten Tag"}


def of_length(name, length):
    if name == "email":
        return "bernd@sommer.example".rjust(length, "x")
    if name == "mail_domain":
        labels = ".".join(["x" * 60] * (length // 61))
        return f"{labels}.example".rjust(length, "y")
    return "Z" * length


def post(visitor, path, **values):
    """Fill in the form at a URL and send it."""
    return visitor.post(path, visitor.get(path).fields(path).to_dict() | values)


@pytest.mark.parametrize(
    ("path", "valid", "name", "label", "limit"),
    [
        ("/verwaltung/kunden/neu", CUSTOMER, "number", "Kundennummer", 20),
        ("/verwaltung/kunden/neu", CUSTOMER, "name", "Name", 100),
        ("/verwaltung/kunden/neu", CUSTOMER, "contact_name", "Ansprechpartner", 100),
        ("/verwaltung/kunden/neu", CUSTOMER, "email", "E-Mail", 254),
        ("/verwaltung/kunden/neu", CUSTOMER, "mail_domain", "Mail-Domain", 254),
        ("/verwaltung/kunden/{}/personen/neu", CONTACT, "name", "Name", 100),
        ("/verwaltung/kunden/{}/personen/neu", CONTACT, "email", "E-Mail", 254),
        ("/verwaltung/textbausteine/neu", TEXT_BLOCK, "name", "Name", 100),
        ("/verwaltung/textbausteine/neu", TEXT_BLOCK, "text", "Text", 5000),
    ],
)
def test_longest_texts(clara, anna, path, valid, name, label, limit):
    with database.connection_context():
        path = path.format(Customer.get().id)
    page = post(clara, path, **valid | {name: of_length(name, limit + 1)})
    assert (page.status, page.errors()) == (422, {name: TOO_LONG.format(label, limit)})
    page = post(clara, path, **valid | {name: of_length(name, limit)})
    assert page.status == 303, page.errors()


def test_person_is_described_by_at_most_twenty_lines(clara):
    path = "/verwaltung/datenschutz/person"
    lines = [f"person{number}@sommer.example" for number in range(21)]
    assert post(clara, path, lines="\n".join(lines[:20])).status == 200
    page = post(clara, path, lines="\n".join(lines))
    assert page.errors() == {"lines": "Bitte suchen Sie nach höchstens 20 Zeilen auf einmal."}


@pytest.mark.parametrize(("until", "status"), [("01.12.2026", 422), ("02.12.2026", 303), ("03.12.2026", 303)])
def test_absence_ends_no_earlier_than_it_begins(clara, anna, until, status):
    with database.connection_context():
        path = f"/verwaltung/kunden/{Customer.get().id}/personen/neu"
    page = post(clara, path, **CONTACT | {"absent_from": "02.12.2026", "absent_until": until})
    assert page.status == status
    assert list(page.errors()) == (["absent_until"] if status == 422 else [])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("1", 1),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, 0),
        ("-1", 0),
        ("1\n", 0),
        ("1.", 0),
        ("٣", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_row_id(text, number):
    assert row_id(text) == number
