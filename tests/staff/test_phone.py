"""A call: the office fills in the customers' form without a PIN, and the ticket is created at once."""

import io
import threading
from datetime import date

import pytest

from database import database
from models import Contact, Customer
from services.intake import intake
from settings import settings
from tests.support.cast import NOW
from tests.support.contacts import set_contact
from tests.support.pages import EXAMPLES, HTMX, OPTIONAL, Visitor
from tests.support.staff import CALL

CALLER = {"customer_number": "K1001", "name": "Anna Sommer", "phone": "0211 555-0101"}
PAYLOAD = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def companies(app):
    """A customer who may send requests, and a locked one."""
    with database.connection_context():
        customer = Customer.create(number="K1001", name="Bäckerei Sommer", created_at=NOW)
        set_contact(customer, email="post@sommer.example")
        Customer.create(number="K1003", name="Praxis Frost", locked_at=NOW, created_at=NOW)


def filled(visitor, category, **changes):
    """Return the values of a new form, filled in for a caller; None leaves a field out."""
    values = visitor.get(CALL).fields().to_dict() | CALLER | {"category": category} | EXAMPLES[category] | changes
    return {name: value for name, value in values.items() if value is not None}


def take(visitor, category, headers=(), **changes):
    return visitor.post(CALL, filled(visitor, category, **changes), headers=dict(headers))


def file(name, content=b"Hallo"):
    return io.BytesIO(content), name


def names_of_files(submission):
    with database.connection_context():
        return [attachment.name for attachment in submission.attachments]


@pytest.mark.parametrize("category", EXAMPLES)
def test_from_a_call_to_a_ticket(clara, tickets, category):
    answer = take(clara, category, **OPTIONAL[category])
    assert answer.status == 303
    (ticket,) = tickets()
    submission = ticket.submission
    assert answer.response.location == f"/verwaltung/ticket/{submission.code}"
    assert (submission.state, submission.channel, submission.address) == ("admitted", "phone", "")
    sent = CALLER | EXAMPLES[category] | OPTIONAL[category]
    stored = {name: getattr(submission, name) for name in sent}
    assert stored == sent | ({"entry_date": date(2027, 4, 1)} if category == "new_employee" else {})
    assert (ticket.status, ticket.rank) == ("new", ["high", "medium", "low"].index(submission.priority))
    with database.connection_context():
        (event,) = ticket.events
        assert (event.kind, event.actor, event.text) == ("opened", "Clara Neumann", "Am Telefon aufgenommen.")
        assert ticket.customer.number == "K1001"
    page = clara.get(answer.response.location)
    assert "Telefon" in [element.text for element in page.tree.iter("span") if element.get("class") == "badge"]
    assert "Am Telefon aufgenommen." in page.text


def test_the_form_asks_for_no_pin(clara):
    page = clara.get(CALL)
    assert page.status == 200
    assert not page.title.startswith("Fehler")
    assert "pin" not in page.fields()
    assert "PIN" not in page.text_of("request-form")
    assert "Name der anrufenden Person" in page.text_of("request-form")
    assert [(option.get("value"), option.text) for option in page.element("customers")] == [
        ("K1001", "Bäckerei Sommer")
    ]
    for element in page.element("request-form").iter():
        for name in ("action", "formaction", "data-hx-post"):
            assert element.get(name, CALL).startswith(CALL)


def test_a_smuggled_pin_is_nothing(clara, tickets):
    assert take(clara, "incident", pin="4711 0815", channel="web", state="pending").status == 303
    (ticket,) = tickets()
    assert (ticket.submission.pin_proof, ticket.submission.channel) == (None, "phone")


@pytest.mark.parametrize(("query", "shown"), [("?kunde=K1001", "K1001"), ("", ""), ("?kunde=%3Cb%3E%22", '<b>"')])
def test_the_link_from_a_customer(clara, query, shown):
    page = clara.get(CALL + query)
    assert page.fields()["customer_number"] == shown
    assert page.errors() == {}


def test_the_page_of_a_customer_leads_to_the_call(clara):
    links = {
        number: [link.get("href") for link in clara.get(f"/verwaltung/kunden/{row}").tree.iter("a")]
        for row, number in ((1, "K1001"), (2, "K1003"))
    }
    assert f"{CALL}?kunde=K1001" in links["K1001"]
    assert f"{CALL}?kunde=K1003" not in links["K1003"]


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Bitte geben Sie die Kundennummer oder den Namen ein."),
        ("K9999", "Einen Kunden mit der Nummer „K9999“ gibt es nicht."),
        ("K1003", "Der Kunde K1003 (Praxis Frost) ist gesperrt. Bitte heben Sie zuerst die Sperre auf."),
        ("Praxis Herbst", "Einen Kunden mit der Nummer „Praxis Herbst“ gibt es nicht."),
        ("?", "Einen Kunden mit der Nummer „?“ gibt es nicht."),
        (
            "sommer.example",
            "Einen Kunden mit der Nummer „sommer.example“ gibt es nicht. Meinen Sie K1001 (Bäckerei Sommer)?",
        ),
    ],
)
def test_refused_customers(clara, submissions, typed, sentence, headers):
    values = filled(clara, "warranty", customer_number=typed, **OPTIONAL["warranty"])
    page = clara.post(CALL, values, headers=headers)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert page.errors() == {"customer_number": sentence}
    assert page.summary() == [("#customer_number", sentence)]
    assert ("<html" in page.text) == (not headers)
    assert page.fields().to_dict() == values | {"csrf_token": page.fields()["csrf_token"]}
    assert submissions() == []


def test_a_part_of_the_name_is_enough(clara, tickets):
    assert clara.post(CALL, filled(clara, "incident", customer_number="baeck")).status == 303
    with database.connection_context():
        assert [ticket.customer.number for ticket in tickets()] == ["K1001"]


def test_the_number_as_people_write_it(clara, tickets):
    assert take(clara, "incident", customer_number=" k1001 ").status == 303
    assert tickets()[0].submission.customer_number == "K1001"


@pytest.mark.parametrize("category", EXAMPLES)
def test_what_is_missing(clara, submissions, category):
    needed = [name for name in EXAMPLES[category] if name not in ("priority", "salutation")]
    page = take(clara, category, **dict.fromkeys(needed, ""), name="", phone="keine")
    assert page.status == 422
    assert set(page.errors()) == {"name", "phone", *needed}
    order = [target for target, _ in page.summary()]
    assert order[:2] == ["#name", "#phone"]
    assert submissions() == []


def test_without_a_category(clara):
    page = clara.post(CALL, clara.get(CALL).fields().to_dict() | CALLER)
    assert page.status == 422
    assert list(page.errors()) == ["category"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_change_of_category(clara, headers):
    typed = filled(clara, "incident", **OPTIONAL["incident"])
    page = clara.post(f"{CALL}/felder", typed | {"category": "warranty"}, headers=headers)
    assert page.status == 200
    assert page.element("device") is not None
    assert page.fields()["description"] == typed["description"]
    assert (page.element("request-form") is None) == bool(headers)
    page = clara.post(f"{CALL}/felder", typed | {"category": "new_employee"}, headers=headers)
    assert page.element("description") is None
    assert page.fields()["description"] == typed["description"]
    assert page.element("entry_date").get("data-hx-post") == f"{CALL}/vorlauf"


@pytest.mark.parametrize(("entry_date", "missed"), [("2026-11-26", True), ("2027-04-01", False)])
def test_lead_time(clara, tickets, entry_date, missed):
    values = filled(clara, "new_employee", entry_date=entry_date)
    notice = clara.post(f"{CALL}/vorlauf", values, headers=HTMX).text
    assert ("sagen Sie den Termin nicht zu" in notice, "Rechtzeitig" in notice) == (missed, not missed)
    answer = clara.post(CALL, values)
    assert tickets()[0].lead_time_missed == missed
    assert ("Vorlauf unterschritten" in clara.get(answer.response.location).text) == missed


def test_the_ticket_waits_for_the_approver(clara, tickets):
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Sommer", email="bernd@sommer.example")
    take(clara, "incident")
    assert tickets()[0].approval == "pending"


# --- Twice ---


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_sent_again(clara, tickets, headers):
    values = filled(clara, "incident")
    answers = [clara.post(CALL, values | {"files": file("Notiz.txt")}, headers=headers) for _ in range(2)]
    assert [answer.status for answer in answers] == [200 if headers else 303] * 2
    where = {answer.response.headers.get("HX-Redirect", answer.response.location) for answer in answers}
    (ticket,) = tickets()
    assert where == {f"/verwaltung/ticket/{ticket.submission.code}"}
    assert names_of_files(ticket.submission) == ["Notiz.txt"]


def test_double_click(clara, app, tickets):
    values, both_ready, statuses = filled(clara, "incident"), threading.Barrier(2), []
    cookie = clara.client.get_cookie("session").value

    def click():
        visitor = Visitor(app, {})
        visitor.client.set_cookie("session", cookie)
        both_ready.wait()
        statuses.append(visitor.post(CALL, values).status)

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert statuses == [303, 303]
    (ticket,) = tickets()
    with database.connection_context():
        assert ticket.events.count() == 1


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_other_content_is_another_call(clara, tickets, headers):
    values = filled(clara, "incident")
    clara.post(CALL, values)
    page = clara.post(CALL, values | {"description": "Und der Toner ist leer."}, headers=headers)
    assert page.status == 422
    assert tickets()[0].submission.spoken_code in page.text_of("request-form")
    assert page.fields()["description"] == "Und der Toner ist leer."
    assert clara.post(CALL, page.fields()).status == 303
    assert len(tickets()) == 2


def test_a_key_that_a_customer_used_is_another_request(clara, anna_at_the_form, submissions):
    sent = anna_at_the_form
    page = take(clara, "incident", draft=sent["draft"])
    assert page.status == 422
    assert clara.post(CALL, page.fields()).status == 303
    assert [submission.channel for submission in submissions()] == ["web", "phone"]


@pytest.fixture
def anna_at_the_form(app):
    """A request with the same values, sent with the customers' form."""
    visitor = Visitor(app, CALLER | {"pin": "4711 0815"})
    values = visitor.filled("incident")
    assert visitor.post("/", values).status == 303
    return values


# --- Files ---


def test_files_without_scripts_survive_errors(clara, tickets):
    page = take(clara, "incident", name="", files=[file("Gut.txt"), file("Programm.exe", b"MZ")])
    assert page.status == 422
    assert "Programm.exe" in page.text_of("request-form")
    assert "Gut.txt" in page.text_of("attachment-list")
    page = clara.post(CALL, page.fields().to_dict() | {"files": file("Falsch.txt", b"falsch")})
    wrong = next(button.get("value") for button in page.tree.iter("button") if button.get("value"))
    page = clara.post(f"{CALL}/anhaenge/entfernen", page.fields().to_dict() | {"attachment": wrong})
    assert page.status == 200
    assert "„Gut.txt“ ist entfernt." in page.text
    assert clara.post(CALL, page.fields().to_dict() | {"name": "Anna"}).status == 303
    assert names_of_files(tickets()[0].submission) == ["Falsch.txt"]


def test_files_with_htmx(clara, tickets):
    values = filled(clara, "other")
    tokens = {name: values[name] for name in ("csrf_token", "draft")}
    page = clara.post(f"{CALL}/anhaenge", tokens | {"files": [file("a.txt"), file("b.log", b"b")]}, headers=HTMX)
    assert page.status == 200
    stored_name = next(page.tree.iter("button")).get("value")
    assert clara.post(f"{CALL}/anhaenge", tokens | {"files": file("c.exe", b"MZ")}, headers=HTMX).status == 422
    page = clara.post(f"{CALL}/anhaenge/entfernen", tokens | {"attachment": stored_name}, headers=HTMX)
    assert "„a.txt“ ist entfernt." in page.text
    answer = clara.post(CALL, values, headers=HTMX)
    (ticket,) = tickets()
    assert answer.response.headers["HX-Redirect"] == f"/verwaltung/ticket/{ticket.submission.code}"
    assert names_of_files(ticket.submission) == ["b.log"]
    assert "b.log" in clara.get(answer.response.headers["HX-Redirect"]).text


def test_a_new_employee_has_no_attachments(clara, tickets):
    take(clara, "new_employee", files=file("Vertrag.txt"))
    assert names_of_files(tickets()[0].submission) == []


# --- What goes wrong ---


def test_a_server_error_loses_nothing_typed(clara, monkeypatch, tickets):
    values = filled(clara, "warranty", **OPTIONAL["warranty"])
    with monkeypatch.context() as patch:
        patch.setattr(intake, "take_call", lambda *_, **__: 1 / 0)
        page = clara.post(CALL, values)
    assert page.status == 500
    assert "noch nicht eingegangen" in page.text_of("request-form")
    assert page.fields().to_dict() == values | {"csrf_token": page.fields()["csrf_token"]}
    assert clara.post(CALL, page.fields()).status == 303
    assert len(tickets()) == 1


def test_a_server_error_without_a_session_shows_no_form(app, monkeypatch):
    dora = Visitor(app, {})
    values = CALLER | {"csrf_token": dora.get("/").fields()["csrf_token"]}
    monkeypatch.setattr(database, "connect", lambda *_, **__: 1 / 0)
    page = dora.post(CALL, values)
    assert page.status == 500
    assert page.element("request-form") is None


@pytest.mark.parametrize(
    "rest", ["", "/felder", "/kunde", "/vorlauf", "/prioritaet", "/anhaenge", "/anhaenge/entfernen"]
)
def test_nobody_else_takes_calls(app, submissions, rest):
    dora = Visitor(app, {})
    values = (
        CALLER | {"category": "incident", "csrf_token": dora.get("/").fields()["csrf_token"]} | EXAMPLES["incident"]
    )
    page = dora.post(CALL + rest, values | {"files": file("Notiz.txt")})
    assert "Bäckerei Sommer" not in page.text
    assert submissions() == []
    assert list(settings.files_dir.iterdir()) == []
    assert "/verwaltung/anmelden" in dora.get(CALL).response.location


@pytest.mark.parametrize("category", EXAMPLES)
def test_what_was_typed_stays_text(clara, category):
    texts = {"name", "reference", "description", "device", "serial_number", "order_reference"}
    texts |= {"first_name", "last_name", "position", "remarks"}
    fields = ({"name"} | EXAMPLES[category].keys() | OPTIONAL[category].keys()) & texts
    wrong = take(clara, category, **dict.fromkeys(fields, PAYLOAD), customer_number=PAYLOAD[:20])
    answer = take(clara, category, **dict.fromkeys(fields, PAYLOAD))
    for page in (wrong, clara.get(answer.response.location)):
        assert "alert(1)" in page.text
        assert "<script>" not in page.text
        assert "<img src=x" not in page.text


# --- An expired session ---


def test_without_a_session_the_call_is_kept_until_the_sign_in(clara, tickets):
    values = filled(clara, "incident")
    with clara.client.session_transaction() as session:
        kept = dict(session)
        del session["staff"]
    page = clara.post(CALL, values)
    assert "Anmelden" in page.title
    assert values["description"] in page.text
    for rest in ("vorlauf", "prioritaet", "anhaenge", "anhaenge/entfernen"):
        answer = clara.post(f"{CALL}/{rest}", values, headers=HTMX)
        assert (answer.status, answer.response.headers["Portal-Notice"]) == (401, "yes")
        assert "Melden Sie sich in einem anderen Tab an, dann geht es hier weiter." in answer.text
    with clara.client.session_transaction() as session:
        session.update(kept)
    assert clara.post(CALL, values).status == 303
    assert len(tickets()) == 1


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_signed_in_anew_in_another_tab(clara, tickets, headers):
    values = filled(clara, "incident")
    with clara.client.session_transaction() as session:
        del session["csrf_token"]
    page = clara.post(CALL, values | {"files": file("Notiz.txt")}, headers=headers)
    assert page.status == 422
    assert "war zu lange offen" in page.text_of("request-form")
    assert page.fields()["description"] == values["description"]
    assert clara.post(CALL, page.fields()).status == 303
    assert names_of_files(tickets()[0].submission) == ["Notiz.txt"]


@pytest.mark.parametrize("rest", ["felder", "kunde", "vorlauf", "prioritaet", "anhaenge", "anhaenge/entfernen"])
def test_a_fragment_is_given_a_new_token(clara, rest):
    values = filled(clara, "new_employee")
    with clara.client.session_transaction() as session:
        del session["csrf_token"]
    page = clara.post(f"{CALL}/{rest}", values, headers=HTMX)
    assert page.response.headers["HX-Trigger"] == "session-renewed"
    assert page.element("csrf_token").get("data-hx-swap-oob") == "true"
    again = clara.post(f"{CALL}/{rest}", values | {"csrf_token": page.fields()["csrf_token"]}, headers=HTMX)
    assert again.status == 200
    assert "HX-Trigger" not in again.response.headers


def test_another_site_cannot_fill_in_the_form(clara, tickets):
    values = filled(clara, "incident", csrf_token="bogus")
    page = clara.post(CALL, values, headers={"Sec-Fetch-Site": "cross-site"})
    assert values["description"] not in page.text
    assert tickets() == []


# --- The customer beside the form ---


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_open_tickets_of_the_caller(clara, tickets, headers):
    values = filled(clara, "incident", description="Der Drucker druckt nicht.")
    assert clara.post(CALL, values).status == 303
    typed = clara.get(CALL).fields().to_dict() | {"customer_number": "baeck", "name": "Anna"}
    page = clara.post(f"{CALL}/kunde", typed, headers=headers)
    assert page.status == 200
    assert "K1001 Bäckerei Sommer" in page.text
    links = [link.get("href") for link in page.tree.iter("a")]
    assert f"/verwaltung/ticket/{tickets()[0].submission.code}" in links
    assert ("<html" in page.text, 'value="Anna"' in page.text) == (not headers, not headers)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("K1001", "Kein offenes Ticket."),
        ("frost", "gesperrt"),
        ("sommer.example", "Meinen Sie K1001 (Bäckerei Sommer)?"),
        ("", "Bitte geben Sie die Kundennummer oder den Namen ein."),
    ],
)
def test_a_caller_without_open_tickets(clara, typed, shown):
    values = clara.get(CALL).fields().to_dict() | {"customer_number": typed}
    assert shown in clara.post(f"{CALL}/kunde", values, headers=HTMX).text


def test_the_words_of_the_office(clara):
    values = filled(clara, "callback")
    page = clara.post(f"{CALL}/felder", values)
    text = page.text_of("request-form")
    assert text.index("Wer ruft an?") < text.index("Art der Anfrage")
    assert "Der Kunde bekommt diesen Text per E-Mail." in text
    for words in ("Ihr Unternehmen", "Ihre eigene Nummer", "Sie möchten etwas besprechen"):
        assert words not in text
