"""PIN letters: a PIN is shown once, in a letter whose link fills in only the customer number."""

import pytest
import segno

from database import database
from models import Customer, FormerPin
from services.customers import customers, pins
from settings import settings
from tests.support.cast import NOW
from tests.support.contacts import set_contact
from tests.support.staff import CUSTOMERS, NEW_CUSTOMER, PIN_LETTERS, letters, press, printed_pins
from views.staff.forms.customer import MAX_LETTERS

XSS = '<img src=x onerror="alert(1)">'


@pytest.fixture
def sommer(anna):
    """The URL of the page of Anna's company."""
    with database.connection_context():
        return f"{CUSTOMERS}/{Customer.get().id}"


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
    page = clara.post(NEW_CUSTOMER, values)
    assert page.status == 200
    (pin,) = printed_pins(page)
    anna.report("incident", customer_number="K2002", pin=pin)
    run_worker()
    assert [ticket.submission.customer_number for ticket in tickets()] == ["K2002"]


def test_reloading_the_letter_of_a_new_customer(clara):
    nordring = {"number": "K2002", "name": "Autohaus Nordring", "fully_managed": "True"}
    values = clara.get(NEW_CUSTOMER).fields(NEW_CUSTOMER).to_dict() | nordring
    clara.post(NEW_CUSTOMER, values | {"letter": "yes"})
    with database.connection_context():
        customer = Customer.get()
    answer = clara.post(NEW_CUSTOMER, values | {"letter": "yes"})
    assert (answer.status, answer.response.location) == (303, f"{CUSTOMERS}/{customer.id}")
    assert "Neue PIN ausgeben …" in clara.get(answer.response.location).text
    with database.connection_context():
        assert Customer.get() == customer
        assert Customer.get().pin_hash == customer.pin_hash
    assert clara.post(NEW_CUSTOMER, values | {"name": "Autohaus Südring"}).status == 422


def test_reloading_a_new_pin_issues_no_other(clara, anna, sommer, run_worker, tickets):
    assert "Die bisherige PIN gilt dann sofort nicht mehr" in clara.get(f"{sommer}/pin").text
    values = clara.get(f"{sommer}/pin").fields(f"{sommer}/pin").to_dict()
    (pin,) = printed_pins(clara.post(f"{sommer}/pin", values))
    assert clara.post(f"{sommer}/pin", values).response.location == sommer
    anna.report("incident", pin=pin)
    run_worker()
    assert len(tickets()) == 1


def test_letter(clara, sommer):
    with database.connection_context():
        set_contact(name="Anna Sommer")
    page = press(clara, f"{sommer}/pin", clara.get(f"{sommer}/pin"))
    (letter,) = letters(page)
    for words in (
        "IT-Service",
        "Telefon 0211 55500",
        "support@example.org",
        "Bäckerei Sommer",
        "Guten Tag Anna Sommer,",
        "Montag, 23.11.2026",
        "http://127.0.0.1:8400/",
        "K1001",
        "Störung",
        "Garantiefall",
        "Neuer Mitarbeiter",
        "Rückrufbitte",
        "Sonstiges",
        "Kontaktnummer",
        "Das Portal verrät nie, ob eine PIN richtig war",
    ):
        assert words in letter
    assert "nur dieses eine Mal" in page.text


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
    page = press(clara, f"{sommer}/pin", clara.get(f"{sommer}/pin"))
    assert printed in letters(page)[0]
    (picture,) = page.tree.iter("img")
    expected = segno.make(f"{address}?kunde=K1001", error="m", micro=False)
    assert picture.get("src") == expected.svg_data_uri(scale=4, border=4, light="white")
    assert picture.get("alt")


def test_code_of_an_unusual_number(clara, anna):
    with database.connection_context():
        customer = customers.add({"number": "A/1.2-3", "name": "Test"}, NOW)
    page = press(clara, f"{CUSTOMERS}/{customer.id}/pin", clara.get(f"{CUSTOMERS}/{customer.id}"))
    (picture,) = page.tree.iter("img")
    link = "http://127.0.0.1:8400/?kunde=A/1.2-3"
    assert picture.get("src") == segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=4, light="white")
    assert anna.get(link.removeprefix("http://localhost")).fields()["customer_number"] == "A/1.2-3"


def test_new_pin_replaces_the_old_one(clara, anna, sommer, run_worker, submissions):
    (pin,) = printed_pins(press(clara, f"{sommer}/pin", clara.get(f"{sommer}/pin")))
    anna.report("incident")
    anna.report("incident", pin=pin)
    run_worker()
    assert [submission.unmatched_reason for submission in submissions()] == ["former_pin", None]


def test_a_pin_is_shown_nowhere_else(clara, sommer):
    (pin,) = printed_pins(press(clara, f"{sommer}/pin", clara.get(f"{sommer}/pin")))
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
    answer = press(clara, PIN_LETTERS, page)
    assert answer.status == 200
    assert [f"M{n:03}" in letter for n, letter in enumerate(letters(answer))] == [True] * 3
    for n, pin in enumerate(printed_pins(answer)):
        anna.report("incident", customer_number=f"M{n:03}", pin=pin)
    anna.report("incident")
    run_worker()
    assert len(tickets()) == 4
    assert clara.get(PIN_LETTERS).fields().getlist("customers") == []


def test_print_run_of_a_lost_letter(clara, anna, run_worker, submissions):
    (pin,) = printed_pins(clara.post(PIN_LETTERS, clara.get(PIN_LETTERS).fields().to_dict() | {"customers": "K1001"}))
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
    assert response.text.count("<article") == MAX_LETTERS


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


def test_typed_texts_are_escaped(clara):
    with database.connection_context():
        customer = customers.add({"number": "K1", "name": XSS, "contact_name": XSS}, NOW)
    assert XSS not in clara.get(PIN_LETTERS).text
    page = press(clara, f"{CUSTOMERS}/{customer.id}/pin", clara.get(f"{CUSTOMERS}/{customer.id}"))
    assert XSS not in page.text
    assert letters(page)[0].count(XSS) == 3


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
