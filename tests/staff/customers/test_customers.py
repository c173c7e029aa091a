"""Customers in the staff area: find, add, change and lock them, and their contacts."""

import re
from datetime import date

import pytest

from database import database
from models import Contact, Customer, FormerPin
from services.customers import customers, pins
from tests.support.cast import NOW
from tests.support.pages import href

XSS = '<script>alert("x")</script>'
LIST = "/verwaltung/kunden"
NEW = "/verwaltung/kunden/neu"
NORDRING = {
    "number": "k 2002",
    "name": "Autohaus Nordring",
    "phone": "0211 555-0200",
    "street": "Nordring 7",
    "postcode": "40476",
    "town": "Düsseldorf",
    "note": "Schlüssel bei der Spedition nebenan.",
    "contact_name": "Mehtap Yılmaz",
    "contact_phone": "0172 5550201",
    "email": "mehtap@nordring.example",
    "mail_domain": "@Nordring.Example",
    "fully_managed": "True",
}
BERND = {"name": "Bernd Sommer", "email": "bernd@sommer.example", "is_approver": "y", "phone": "0211 555-0102"}


@pytest.fixture
def stored(app):
    """Return all customers by number."""

    def load():
        with database.connection_context():
            return {customer.number: customer for customer in Customer.by_number()}

    return load


@pytest.fixture
def sommer(anna, stored):
    """The URL of the page of Anna's company."""
    return f"{LIST}/{stored()['K1001'].id}"


def fill(visitor, path, values):
    """Fill in the page's form and send it; a value None is a box that is not ticked."""
    sent = visitor.get(path).fields(path).to_dict() | values
    return visitor.post(path, {name: value for name, value in sent.items() if value is not None})


def press(visitor, path, page):
    """Press the button of a form that has no fields."""
    return visitor.post(path, page.fields(path))


def names(page):
    return [link.text for link in page.tree.iter("a") if link.get("class") == "row-title"]


def add_many(count, **known):
    with database.connection_context():
        for position in range(count):
            customers.add({"number": f"M{position:03}", "name": f"Firma {position:03}"} | known, NOW)


def test_new_customer(clara, stored):
    answer = fill(clara, NEW, NORDRING)
    assert answer.status == 303
    customer = stored()["K2002"]
    with database.connection_context():
        contact = customer.main_contact
    assert (contact.name, contact.phone, contact.email) == (
        "Mehtap Yılmaz",
        "0172 5550201",
        "mehtap@nordring.example",
    )
    own = NORDRING | {"number": "K2002", "mail_domain": "nordring.example", "fully_managed": True}
    own = {name: value for name, value in own.items() if name not in customers.FIRST_CONTACT_RULES}
    assert {name: getattr(customer, name) for name in own} == own
    assert (customer.pin_hash, customer.created_at) == (None, NOW)
    page = clara.get(answer.response.location)
    assert "noch keine PIN" in page.text
    assert {name: page.fields(answer.response.location)[name] for name in ("number", "name")} == {
        "number": "K2002",
        "name": "Autohaus Nordring",
    }


def test_new_customer_with_little(clara, stored):
    assert fill(clara, NEW, {"number": "7", "name": "Praxis Winter", "fully_managed": "False"}).status == 303
    customer = stored()["7"]
    with database.connection_context():
        assert list(customer.contacts) == []
    assert (customer.mail_domain, customer.note, customer.fully_managed) == ("", "", False)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("number", "", "Bitte geben Sie die Kundennummer ein."),
        ("fully_managed", None, "Bitte wählen Sie, ob Sie die IT des Kunden vollständig betreuen."),
        ("fully_managed", "vielleicht", "Bitte wählen Sie, ob Sie die IT des Kunden vollständig betreuen."),
        ("phone", "keine", "Eine Telefonnummer hat mindestens"),
        ("postcode", "4" * 11, "höchstens 10 Zeichen"),
        ("note", "x" * 5001, "höchstens 5000 Zeichen"),
        ("number", "Köln1", "„Köln1“ kann keine Kundennummer sein"),
        ("number", "1" * 21, "höchstens 20 Zeichen"),
        ("number", "k1001", "Die Kundennummer K1001 ist schon vergeben."),
        ("name", " ", "Bitte geben Sie den Namen des Unternehmens ein."),
        ("name", "x" * 101, "höchstens 100 Zeichen"),
        ("name", "rot\x1b[31m", "„Name“ enthielt Zeichen, die sich nicht anzeigen lassen."),
        ("contact_name", "x" * 101, "höchstens 100 Zeichen"),
        ("email", "keine Adresse", "Bitte prüfen Sie „E-Mail“. Eine E-Mail-Adresse sieht so aus: name@firma.de"),
        ("email", "a@b.example, c@d.example", "Eine E-Mail-Adresse sieht so aus"),
        ("mail_domain", "nordring", "„nordring“ ist keine Mail-Domain."),
        ("mail_domain", "a@nordring.example, b@andere.example", "ist keine Mail-Domain."),
        ("mail_domain", "a b@nordring.example", "ist keine Mail-Domain."),
        ("mail_domain", "https://", "ist keine Mail-Domain."),
        ("mail_domain", "ftp://nordring.example", "ist keine Mail-Domain."),
        ("mail_domain", "www.nordring.example", "ist die Adresse einer Webseite. Meinten Sie nordring.example?"),
        ("mail_domain", "https://www.nordring.example/", "Meinten Sie nordring.example?"),
        ("mail_domain", "-.example", "ist keine Mail-Domain."),
        ("mail_domain", "@GMX.de", "Unter gmx.de kann jeder eine E-Mail-Adresse haben."),
        ("mail_domain", "anna@gmail.com", "Unter gmail.com kann jeder eine E-Mail-Adresse haben."),
        ("mail_domain", "gmail.com", "Unter gmail.com kann jeder eine E-Mail-Adresse haben."),
    ],
)
def test_refused(anna, clara, stored, field, value, sentence):
    page = fill(clara, NEW, NORDRING | {field: value})
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert list(page.errors()) == [field]
    assert sentence in page.errors()[field]
    first_button = "-0" if field == "fully_managed" else ""
    assert page.summary() == [(f"#{field}{first_button}", page.errors()[field])]
    assert page.fields()["contact_name"] == (value if field == "contact_name" else "Mehtap Yılmaz")
    assert list(stored()) == ["K1001"]


@pytest.mark.parametrize(
    "typed",
    [
        "info@nordring.example",
        "https://Nordring.example/kontakt?von=1",
        "http://nordring.example:80",
        "nordring.example.",
    ],
)
def test_mail_domain_in_an_address(clara, stored, typed):
    assert fill(clara, NEW, NORDRING | {"mail_domain": typed}).status == 303
    assert stored()["K2002"].mail_domain == "nordring.example"


def test_domain_of_two_labels_may_begin_with_www(clara, stored):
    assert fill(clara, NEW, NORDRING | {"mail_domain": "www.example"}).status == 303
    assert stored()["K2002"].mail_domain == "www.example"


def test_domain_with_umlaut(clara, stored):
    assert fill(clara, NEW, NORDRING | {"mail_domain": "müller.example"}).status == 303
    assert stored()["K2002"].mail_domain == "xn--mller-kva.example"


def test_double_submit_adds_one(clara, stored):
    values = clara.get(NEW).fields().to_dict() | NORDRING
    assert [clara.post(NEW, values).status for _ in range(2)] == [303, 303]
    assert list(stored()) == ["K2002"]


def test_change(clara, anna, sommer, stored, run_worker, tickets):
    assert fill(clara, sommer, {"name": "Bäckerei Sommer & Sohn", "fully_managed": "False"}).status == 303
    customer = stored()["K1001"]
    assert (customer.name, customer.fully_managed) == ("Bäckerei Sommer & Sohn", False)
    anna.report("incident")
    run_worker()
    assert len(tickets()) == 1


def test_another_number_takes_the_pin_away(clara, anna, sommer, stored, run_worker, tickets, submissions):
    with database.connection_context():
        FormerPin.create(customer=stored()["K1001"], pin_hash="x", replaced_at=NOW)
    assert "gilt die bisherige PIN nicht mehr" in clara.get(sommer).text_of("number-hint")
    answer = fill(clara, sommer, {"number": "K1001/2"})
    page = clara.get(answer.response.location)
    assert "Zu dieser Kundennummer gibt es noch keine PIN: Bitte geben Sie eine aus." in page.text
    customer = stored()["K1001/2"]
    assert (customer.pin_hash, customer.pin_issued_at) == (None, None)
    with database.connection_context():
        assert FormerPin.select().count() == 0
        pin = pins.issue_pin(customer, NOW)
    anna.report("incident")
    anna.report("incident", customer_number="K1001/2")
    anna.report("incident", customer_number="K1001/2", pin=pin)
    run_worker()
    assert [submission.unmatched_reason for submission in submissions()] == ["unknown_number", "wrong_pin", None]
    assert [ticket.customer_id for ticket in tickets()] == [customer.id]


def test_tickets_are_found_by_the_new_name(clara, anna, sommer, run_worker):
    anna.report("incident")
    run_worker()
    assert fill(clara, sommer, {"number": "S9", "name": "Konditorei Herbst"}).status == 303
    assert len(names(clara.get("/verwaltung/tickets?text=konditorei"))) == 1
    assert len(names(clara.get("/verwaltung/tickets?text=bäckerei"))) == 0
    assert len(names(clara.get("/verwaltung/tickets?stand=alle&kunde=S9"))) == 1


def test_number_of_another_customer(clara, anna, sommer, stored):
    add_many(1)
    page = fill(clara, sommer, {"number": "m000", "name": "Neu"})
    assert page.status == 422
    assert page.errors() == {"number": "Die Kundennummer M000 ist schon vergeben."}
    assert stored()["K1001"].name == "Bäckerei Sommer"


def test_changed_by_somebody_else_meanwhile(clara, sommer, stored):
    values = clara.get(sommer).fields(sommer).to_dict()
    assert fill(clara, sommer, {"number": "S9"}).status == 303
    page = clara.post(sommer, values | {"name": "Konditorei Herbst"})
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert "Inzwischen hat jemand anderes diesen Kunden geändert." in page.text
    assert stored()["S9"].name == "Bäckerei Sommer"
    assert page.fields(sommer)["name"] == "Konditorei Herbst"
    assert press(clara, sommer, page).status == 303
    assert stored()["K1001"].name == "Konditorei Herbst"


def test_lock_and_unlock(clara, anna, sommer, run_worker, tickets, submissions):
    lock = href(clara.get(sommer), "Kunden sperren …")
    page = clara.get(lock)
    assert "wird aus seinen Anfragen kein Ticket" in page.text
    assert press(clara, lock, page).status == 303
    assert "Gesperrt seit" in clara.get(sommer).text
    anna.report("incident")
    run_worker()
    assert submissions()[0].unmatched_reason == "customer_locked"
    assert press(clara, f"{sommer}/entsperren", clara.get(sommer)).status == 303
    anna.report("incident")
    run_worker()
    assert len(tickets()) == 1


def test_list_and_search(clara, anna):
    with database.connection_context():
        customers.add(NORDRING | {"fully_managed": True}, NOW)
        customers.add({"number": "Z9", "name": "Ärztehaus Süd"}, NOW)
        customers.lock(customers.find("Z9"), NOW)
    assert names(clara.get(LIST)) == ["Ärztehaus Süd", "Autohaus Nordring", "Bäckerei Sommer"]
    for text, found in (
        ("sommer", ["Bäckerei Sommer"]),
        ("ÄRZTE", ["Ärztehaus Süd"]),
        ("k2002", ["Autohaus Nordring"]),
        ("yilmaz haus", ["Autohaus Nordring"]),
        ("yılmaz haus", ["Autohaus Nordring"]),
        ("mehtap@nord", ["Autohaus Nordring"]),
        ("%", ["Ärztehaus Süd", "Autohaus Nordring", "Bäckerei Sommer"]),
    ):
        assert names(clara.get(LIST, query_string={"text": text})) == found, text
    assert names(clara.get(f"{LIST}?stand=ohne-pin")) == ["Ärztehaus Süd", "Autohaus Nordring"]
    assert names(clara.get(f"{LIST}?stand=gesperrt")) == ["Ärztehaus Süd"]
    assert names(clara.get(f"{LIST}?stand=gesperrt&text=sommer")) == []


@pytest.mark.parametrize("filters", ["", "?text=firma", "?stand=ohne-pin"])
def test_pages_of_the_list(clara, filters):
    add_many(120)
    seen, path = [], LIST + filters
    while path:
        page = clara.get(path)
        seen.append(names(page))
        path = next((link.get("href") for link in page.tree.iter("a") if link.text == "Weitere Kunden"), None)
    assert [len(part) for part in seen] == [50, 50, 20]
    assert [name for part in seen for name in part] == [f"Firma {position:03}" for position in range(120)]


def test_contacts(clara, anna, sommer, run_worker, tickets):
    assert fill(clara, f"{sommer}/personen/neu", BERND).status == 303
    page = clara.get(sommer).text
    assert all(words in page for words in ("Bernd Sommer", "Genehmiger</span>", "0211 555-0102"))
    anna.report("incident")
    run_worker()
    assert tickets()[0].approval == "pending"
    with database.connection_context():
        path = f"{sommer}/personen/{Contact.get(Contact.is_approver).id}"
    absence = {"name": "Bernd S.", "absent_from": "20.11.2026", "absent_until": "2026-12-01"}
    assert fill(clara, path, absence).status == 303
    with database.connection_context():
        approver = Contact.get(Contact.is_approver)
    assert (approver.name, approver.email) == ("Bernd S.", "bernd@sommer.example")
    assert (approver.absent_from, approver.absent_until) == (date(2026, 11, 20), date(2026, 12, 1))
    page = clara.get(sommer)
    assert "heute abwesend" in page.text
    page = clara.get(f"{path}/entfernen")
    assert "Neue Anfragen brauchen dann keine Freigabe mehr. Ein Ticket wartet weiter" in page.text_of("main")
    assert press(clara, f"{path}/entfernen", page).status == 303
    with database.connection_context():
        assert [contact.email for contact in Contact.select()] == ["post@sommer.example"]
    anna.report("incident")
    run_worker()
    assert [ticket.approval for ticket in tickets()] == ["pending", "not_required"]


@pytest.mark.parametrize(
    ("first", "last", "absent"),
    [
        (None, None, False),
        (date(2026, 11, 23), date(2026, 11, 23), True),
        (date(2026, 11, 24), None, False),
        (date(2026, 11, 23), None, True),
        (None, date(2026, 11, 23), True),
        (None, date(2026, 11, 22), False),
    ],
)
def test_absent_today(clara, sommer, stored, first, last, absent):
    with database.connection_context():
        values = {"name": "Bernd", "email": "bernd@sommer.example", "absent_from": first, "absent_until": last}
        customers.add_contact(stored()["K1001"], values)
    assert ("heute abwesend" in clara.get(sommer).text) is absent


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": ""}, "name", "Bitte geben Sie den Namen der Person ein."),
        ({"email": ""}, "is_approver", "Zum Genehmigen braucht die Person eine E-Mail-Adresse."),
        ({"phone": "keine"}, "phone", "Eine Telefonnummer hat mindestens"),
        ({"email": "bernd"}, "email", "Eine E-Mail-Adresse sieht so aus"),
        ({"email": "BERND@sommer.example"}, "email", "gibt es schon einen Genehmiger: Bernd Sommer."),
        ({"absent_from": "31.02.2027"}, "absent_from", "Dieses Datum gibt es nicht."),
        ({"absent_from": "2026-12-02", "absent_until": "2026-12-01"}, "absent_until", "liegt vor ihrem Beginn"),
    ],
)
def test_contact_refused(clara, sommer, changes, field, sentence):
    path = f"{sommer}/personen/neu"
    assert fill(clara, path, BERND).status == 303
    page = fill(clara, path, BERND | {"name": "Berta", "email": "berta@sommer.example"} | changes)
    assert page.status == 422
    assert list(page.errors()) == [field]
    assert sentence in page.errors()[field]
    with database.connection_context():
        assert Contact.select().count() == 2


def test_no_more_contacts_than_the_limit(clara, sommer, stored):
    with database.connection_context():
        for position in range(customers.MAX_CONTACTS - 1):
            values = {"name": f"Bernd {position}", "email": f"b{position}@sommer.example"}
            customers.add_contact(stored()["K1001"], values)
    page = clara.get(sommer)
    assert "Mehr als 50 Personen kann ein Kunde nicht haben." in page.text
    page = fill(clara, f"{sommer}/personen/neu", BERND)
    assert (page.status, page.errors()) == (422, {})
    assert "Mehr als 50 Personen" in page.text_of("main")
    assert page.title.startswith("Fehler: ")


def test_contact_of_another_customer(clara, sommer, stored):
    add_many(1)
    with database.connection_context():
        values = {"name": "Bernd", "email": "bernd@sommer.example"}
        approver = customers.add_contact(stored()["M000"], values)
    assert clara.get(f"{sommer}/personen/{approver.id}").status == 404
    path = f"{sommer}/personen/{approver.id}/entfernen"
    assert clara.post(path, {"csrf_token": clara.get(NEW).fields()["csrf_token"]}).status == 404
    with database.connection_context():
        assert Contact.select().count() == 2


def test_typed_texts_are_escaped(clara, stored):
    values = {"name": XSS, "contact_name": XSS, "note": XSS}
    assert fill(clara, NEW, NORDRING | values).status == 303
    path = f"{LIST}/{stored()['K2002'].id}"
    assert fill(clara, f"{path}/personen/neu", BERND | {"name": XSS}).status == 303
    for page in (clara.get(LIST), clara.get(path), fill(clara, NEW, NORDRING | values | {"town": ""})):
        assert XSS not in page.text
        assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize("path", ["", "/personen/neu", "/personen/1", "/personen/1/entfernen", "/sperren", "/pin"])
def test_no_such_customer(clara, path):
    for number in ("4711", "9" * 30):
        assert clara.get(f"{LIST}/{number}{path}").status == 404


def test_closed_to_outsiders(app, dora, anna, sommer, stored):
    for path in (LIST, NEW, sommer, f"{LIST}/einlesen", f"{LIST}/pin-briefe", f"{LIST}/einlesen/muster.csv"):
        assert re.search("/verwaltung/anmelden", dora.client.get(path).location)
    token = {"csrf_token": dora.get("/").fields()["csrf_token"]}
    for path in (NEW, f"{sommer}/pin", f"{sommer}/sperren", f"{LIST}/pin-briefe", f"{LIST}/einlesen/ausfuehren"):
        assert dora.post(path, token | NORDRING).status == 403
    assert [customer.locked_at for customer in stored().values()] == [None]
