"""PIN letters: only who issued a PIN can print its letter, for ten minutes; its link fills in the number alone."""

import sqlite3
import zipfile
from types import SimpleNamespace

import pytest
import segno

import clock
from database import database
from models import Customer, FormerPin, PinLetter
from services.background import worker
from services.customers import customers, pins
from settings import settings
from tests.support.cast import NOW, signed_in
from tests.support.contacts import set_contact
from tests.support.staff import (
    CUSTOMERS,
    NEW_CUSTOMER,
    PIN_LETTERS,
    letters,
    press,
    print_letters,
    print_run,
    printed_pins,
)
from tests.support.wording.english_visitors import german_in
from views.staff.forms.customer import MAX_LETTERS


@pytest.fixture
def sommer(anna):
    """The URL of the page of Anna's company."""
    with database.connection_context():
        return f"{CUSTOMERS}/{Customer.get().id}"


@pytest.fixture
def ben(app):
    """Ben, a colleague of Clara's, in front of his browser."""
    return signed_in(app, "Ben Kaya")


def issue(visitor, customer):
    """Issue a new PIN on a customer's page, and return the page with the letter."""
    return print_letters(visitor, f"{customer}/pin", visitor.get(f"{customer}/pin").fields(f"{customer}/pin"))


def add_many(count):
    with database.connection_context():
        return [customers.add({"number": f"M{n:03}", "name": f"Firma {n:03}"}, NOW) for n in range(count)]


def test_new_customer_has_access_with_two_clicks(clara, anna, run_worker, tickets):
    values = clara.get(NEW_CUSTOMER).fields(NEW_CUSTOMER).to_dict() | {
        "number": "K2002",
        "name": "Autohaus Nordring",
        "fully_managed": "True",
        "letter": "yes",
    }
    (pin,) = printed_pins(print_letters(clara, NEW_CUSTOMER, values))
    anna.report("incident", customer_number="K2002", pin=pin)
    run_worker()
    assert [ticket.submission.customer_number for ticket in tickets()] == ["K2002"]


def test_sending_a_new_customer_twice(clara):
    values = clara.get(NEW_CUSTOMER).fields(NEW_CUSTOMER).to_dict() | {"number": "K2002", "name": "Autohaus Nordring"}
    values |= {"fully_managed": "True", "letter": "yes"}
    first, second = (letters(print_letters(clara, NEW_CUSTOMER, values)) for _ in range(2))
    assert first == second != []
    with database.connection_context():
        assert Customer.get().former_pins.count() == 0
    assert clara.post(NEW_CUSTOMER, values | {"name": "Autohaus Südring"}).status == 422


def test_sending_twice_issues_no_other_pin(clara, anna, sommer, run_worker, tickets):
    assert "Die bisherige PIN gilt dann sofort nicht mehr" in clara.get(f"{sommer}/pin").text
    values = clara.get(f"{sommer}/pin").fields(f"{sommer}/pin").to_dict()
    (pin,) = printed_pins(print_letters(clara, f"{sommer}/pin", values))
    assert printed_pins(print_letters(clara, f"{sommer}/pin", values)) == [pin]
    anna.report("incident", pin=pin)
    run_worker()
    assert len(tickets()) == 1


def test_letter(clara, sommer):
    with database.connection_context():
        set_contact(name="Anna Sommer")
    page = issue(clara, sommer)
    (letter,) = letters(page)
    for words in (
        "IT-Service",
        "Telefon 0211 55500",
        "support@muster-it.example",
        "Bäckerei Sommer",
        "Guten Tag Anna Sommer,",
        "23. November 2026",
        "http://127.0.0.1:8400/",
        "K1001",
        "Störung",
        "Garantiefall",
        "Neuer Mitarbeiter",
        "Rückrufbitte",
        "Sonstiges",
        "Kontaktnummer",
        "zeigt das Portal nicht an, ob die PIN stimmt",
    ):
        assert words in letter
    assert "in den ersten 10 Minuten" in page.text


@pytest.mark.parametrize(
    ("office", "customer", "sender", "addressee"),
    [
        ({}, {}, ["IT-Service"], ["Bäckerei Sommer"]),
        (
            {"office_street": "Hafenstr. 1", "office_postcode": "40213", "office_town": "Düsseldorf"},
            {"street": "Am Markt 7", "postcode": "50667", "town": "Köln"},
            ["IT-Service", "Hafenstr. 1", "40213 Düsseldorf"],
            ["Bäckerei Sommer", "Anna Sommer", "Am Markt 7", "50667 Köln"],
        ),
        ({"office_town": "Bonn"}, {"town": "Köln"}, ["IT-Service", "Bonn"], ["Bäckerei Sommer", "Anna Sommer", "Köln"]),
    ],
)
def test_addresses_on_the_letter(clara, sommer, monkeypatch, office, customer, sender, addressee):
    for name, value in office.items():
        monkeypatch.setattr(settings, name, value)
    with database.connection_context():
        Customer.update(customer or {"town": ""}).execute()
        if customer:
            set_contact(name="Anna Sommer")
    lines = {
        element.get("class"): [" ".join(text.split()) for text in element.itertext() if text.strip()]
        for element in issue(clara, sommer).tree.iter("p")
    }
    assert lines["letter-sender"] == [" · ".join(sender)]
    assert lines["letter-to"] == addressee


def test_letter_in_two_languages(clara, sommer):
    issue(clara, sommer)
    page = clara.get(f"{sommer}/pin-brief?sprache=en")
    german, english = letters(page)
    assert "Guten Tag," in german
    assert "Dear customer," in english
    assert "23 November 2026" in english
    assert len(set(printed_pins(page))) == 1
    sheets = list(page.tree.iter("article"))
    assert [page.tree.get("lang"), *(sheet.get("lang") for sheet in sheets)] == ["de", "de", "en"]
    assert german_in(SimpleNamespace(tree=sheets[0])) != []
    assert german_in(SimpleNamespace(tree=sheets[1])) == []


@pytest.mark.parametrize(
    ("base_url", "address", "printed"),
    [
        ("", "http://127.0.0.1:8400/", "http://127.0.0.1:8400/"),
        ("https://melden.sommer.example", "https://melden.sommer.example/", "https://melden.sommer.example/"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example/", "https://bücher.example/"),
    ],
)
def test_code_on_the_letter(clara, sommer, monkeypatch, base_url, address, printed):
    monkeypatch.setattr(settings, "base_url", base_url)
    page = issue(clara, sommer)
    assert printed in letters(page)[0]
    (picture,) = page.tree.iter("img")
    expected = segno.make(f"{address}?kunde=K1001", error="m", micro=False)
    assert picture.get("src") == expected.svg_data_uri(scale=4, border=4, light="white")
    assert picture.get("alt")


def test_code_of_an_unusual_number(clara, anna):
    with database.connection_context():
        customer = customers.add({"number": "A/1.2-3", "name": "Test"}, NOW)
    page = print_letters(
        clara,
        f"{CUSTOMERS}/{customer.id}/pin",
        clara.get(f"{CUSTOMERS}/{customer.id}").fields(f"{CUSTOMERS}/{customer.id}/pin"),
    )
    (picture,) = page.tree.iter("img")
    link = "http://127.0.0.1:8400/?kunde=A/1.2-3"
    assert picture.get("src") == segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=4, light="white")
    assert anna.get(link.removeprefix("http://localhost")).fields()["customer_number"] == "A/1.2-3"


def test_new_pin_replaces_the_old_one(clara, anna, sommer, run_worker, submissions):
    (pin,) = printed_pins(issue(clara, sommer))
    anna.report("incident")
    anna.report("incident", pin=pin)
    run_worker()
    assert [submission.unmatched_reason for submission in submissions()] == ["former_pin", None]


def test_a_pin_is_shown_nowhere_else(clara, sommer):
    (pin,) = printed_pins(issue(clara, sommer))
    digits = pin.replace(" ", "")
    for path in (CUSTOMERS, sommer, PIN_LETTERS, f"{CUSTOMERS}?text={digits}"):
        page = clara.get(path)
        assert pin not in page.text
        assert not any(digits in "".join(element.itertext()) for element in page.tree.iter("main"))
    with clara.client.session_transaction() as session:
        assert digits not in repr(dict(session)).replace(" ", "")
    stored = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert b"K1001" in stored
    assert digits.encode() not in stored
    assert pin.encode() not in stored


def test_print_run(clara, anna, run_worker, tickets):
    add_many(3)
    page = clara.get(PIN_LETTERS)
    with database.connection_context():
        waiting = [customer.number for customer in Customer.without_pin()]
    assert page.fields().getlist("customers") == waiting
    assert "Bäckerei Sommer" in page.text
    answer = print_letters(clara, PIN_LETTERS, page.fields(PIN_LETTERS))
    assert [f"M{n:03}" in letter for n, letter in enumerate(letters(answer))] == [True] * 3
    for n, pin in enumerate(printed_pins(answer)):
        anna.report("incident", customer_number=f"M{n:03}", pin=pin)
    anna.report("incident")
    run_worker()
    assert len(tickets()) == 4
    assert clara.get(PIN_LETTERS).fields().getlist("customers") == []


def test_print_run_of_a_lost_letter(clara, anna, run_worker, submissions):
    (pin,) = printed_pins(clara.get(f"{PIN_LETTERS}/{print_run(clara, 'K1001')}"))
    anna.report("incident", pin=pin)
    anna.report("incident")
    run_worker()
    assert [submission.unmatched_reason for submission in submissions()] == [None, "former_pin"]


def test_locked_customers_wait_for_nothing(clara):
    (customer,) = add_many(1)
    with database.connection_context():
        customers.lock(customer, NOW)
    assert "Niemand wartet auf eine PIN" in clara.get(PIN_LETTERS).text


@pytest.mark.parametrize("chosen", [[], [""], ["x"], ["9" * 30]])
def test_print_run_without_customers(clara, anna, chosen):
    page = clara.post(PIN_LETTERS, clara.get(PIN_LETTERS).fields().to_dict() | {"customers": chosen})
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert page.errors() == {"customers": "Bitte kreuzen Sie mindestens einen Kunden an."}
    with database.connection_context():
        assert FormerPin.select().count() == 0


def test_no_more_letters_than_the_limit(clara, monkeypatch):
    add_many(MAX_LETTERS + 1)
    page = clara.get(PIN_LETTERS)
    assert len(page.fields().getlist("customers")) == MAX_LETTERS
    assert "Weitere stehen hier, sobald diese gedruckt sind." in page.text
    values = page.fields().to_dict() | {"customers": [f"M{n:03}" for n in range(MAX_LETTERS + 1)]}
    # As a browser sends it: url-encoded, not as a hundred parts.
    response = clara.client.post(PIN_LETTERS, data=values)
    assert response.status_code == 422
    assert f"höchstens {MAX_LETTERS} Kunden" in response.text
    monkeypatch.setattr(pins, "hash_proof", lambda number, proof: "none")
    response = clara.client.post(PIN_LETTERS, data=values | {"customers": values["customers"][:MAX_LETTERS]})
    assert clara.client.get(response.location).text.count("<article") == MAX_LETTERS


def test_number_changed_in_the_same_moment(clara, sommer, monkeypatch):
    page = clara.get(f"{sommer}/pin")

    def change_meanwhile(number, proof):
        Customer.update(number="K9").execute()
        return "none"

    monkeypatch.setattr(pins, "hash_proof", change_meanwhile)
    answer = press(clara, f"{sommer}/pin", page)
    assert answer.status == 409
    with database.connection_context():
        assert Customer.get().pin_issued_at is None


def test_the_letter_is_printed_again_for_ten_minutes(clara, sommer, advance_clock):
    first = issue(clara, sommer)
    advance_clock(minutes=9, seconds=59)
    assert f"{sommer}/pin-brief" in clara.get(sommer).text
    assert letters(clara.get(f"{sommer}/pin-brief")) == letters(first) != []
    advance_clock(seconds=1)
    assert clara.get(f"{sommer}/pin-brief").response.location == sommer
    assert "Die PIN lässt sich nicht anzeigen" in clara.get(sommer).text
    assert f"{sommer}/pin-brief" not in clara.get(sommer).text
    with database.connection_context():
        worker.run_once(clock.now())
        assert PinLetter.select().count() == 0


def test_a_print_run_is_printed_again_for_ten_minutes(clara, anna, advance_clock):
    add_many(2)
    run = press(clara, PIN_LETTERS, clara.get(PIN_LETTERS)).response.location
    assert len(letters(clara.get(f"{PIN_LETTERS}/{print_run(clara, 'K1001')}"))) == 1
    assert len(letters(clara.get(run))) == 2
    advance_clock(minutes=10)
    assert clara.get(run).response.location == PIN_LETTERS


def test_only_who_issued_the_pin_sees_the_letter(clara, ben, sommer):
    run = f"{PIN_LETTERS}/{print_run(clara, 'K1001')}"
    assert letters(clara.get(f"{sommer}/pin-brief")) == letters(clara.get(run)) != []
    assert ben.get(f"{sommer}/pin-brief").response.location == sommer
    assert ben.get(run).response.location == PIN_LETTERS
    assert f"{sommer}/pin-brief" not in ben.get(sommer).text


def test_the_letter_of_a_replaced_pin_is_gone(clara, ben, sommer, run_command):
    issue(clara, sommer)
    assert letters(issue(ben, sommer)) != []
    assert clara.get(f"{sommer}/pin-brief").response.location == sommer
    assert run_command("kunde", "pin", "--nummer", "K1001").exit_code == 0
    assert ben.get(f"{sommer}/pin-brief").response.location == sommer


def test_the_letter_goes_with_the_number(clara, sommer):
    issue(clara, sommer)
    with database.connection_context():
        customer = Customer.get()
        customers.change(customer, {"number": "K9"}, customers.fingerprint(customer))
        assert PinLetter.select().count() == 0


def test_a_backup_holds_no_letter(clara, sommer, run_command, tmp_path):
    issue(clara, sommer)
    assert run_command("sichern").exit_code == 0
    (path,) = settings.backups_dir.glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        copy = archive.extract("tickets.db", tmp_path)
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM pin_letter").fetchall() == [(0,)]
    with database.connection_context():
        assert PinLetter.select().count() == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_only_a_post_issues(clara, sommer, method):
    assert clara.client.open(f"{sommer}/pin", method=method).status_code in (200, 405)
    with database.connection_context():
        assert FormerPin.select().count() == 0


def test_link_fills_in_the_number_and_never_the_pin(anna):
    page = anna.get("/?kunde=k%201001&pin=47110815")
    assert page.status == 200
    assert (page.fields()["customer_number"], page.fields()["pin"]) == ("k 1001", "")
    assert page.errors() == {}
    assert not page.title.startswith("Fehler")


def test_link_of_a_sticker_with_a_number(anna):
    page = anna.get("/?art=garantie&geraet=ThinkPad&kunde=K1001")
    assert page.fields()["category"] == "warranty"
    assert (page.fields()["device"], page.fields()["customer_number"]) == ("ThinkPad", "K1001")


@pytest.mark.parametrize("number", ["", "Köln", "1" * 21, "x" * 5000, "K1001%0A", "%00", "K1001'--", "%3Cscript%3E"])
def test_link_with_no_number(anna, number):
    page = anna.get(f"/?kunde={number}&art=stoerung")
    assert page.fields()["customer_number"] == ("K1001" if number == "K1001%0A" else "")
    assert (page.fields()["category"], page.errors()) == ("incident", {})
