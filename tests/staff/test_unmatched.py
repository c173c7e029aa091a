"""Unmatched requests: the office sees them in groups, turns them into tickets or discards them."""

import io
import os
import threading
from datetime import timedelta

import pytest

from database import database
from models import Attachment, Contact, Customer, Event, FormerPin, Submission, WrongPin
from services.background import worker
from services.customers import pins
from services.files import attachments
from services.intake import unmatched
from settings import settings
from tests.support.cast import NOW, signed_in
from tests.support.contacts import set_contact
from tests.support.database import files_on_disk
from tests.support.pages import EXAMPLES, OPTIONAL
from tests.support.unmatched import UNMATCHED, add_unmatched, convert, unmatched_descriptions, unmatched_path

PAYLOAD = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"

REASONS = {
    "unknown_number": "Kundennummer unbekannt",
    "wrong_pin": "PIN falsch",
    "former_pin": "frühere PIN",
    "customer_locked": "Kunde gesperrt",
    "guessed": "richtige PIN während vieler Fehlversuche: bitte zurückrufen",
}


@pytest.fixture(autouse=True)
def fast_hashes(monkeypatch):
    """Replace the slow hash: the hash "fits" matches every PIN, any other matches none."""
    monkeypatch.setattr(pins, "hash_proof", lambda number, proof: "fits")


@pytest.fixture
def companies(app):
    """Two customers whose PINs match nothing."""
    with database.connection_context():
        for number, name, contact in (("K1001", "Bäckerei Sommer", "Anna Sommer"), ("K1002", "Praxis Winter", "")):
            customer = Customer.create(number=number, name=name, phone="0211 555-0100", pin_hash="none", created_at=NOW)
            set_contact(customer, name=contact, email=f"post@{number.lower()}.example")


@pytest.fixture
def send(dora, companies, run_worker, submissions):
    """Let Dora send an unmatched request from an IP address; return the submission."""

    def unmatched_from(address="203.0.113.7", category="incident", **changes):
        answer = dora.post("/", dora.filled(category, **changes), environ_overrides={"REMOTE_ADDR": address})
        assert answer.status == 303, answer.errors()
        run_worker()
        return submissions()[-1]

    return unmatched_from


def discard(visitor, submission, rest="/verwerfen"):
    return visitor.post(
        unmatched_path(submission, rest), {"csrf_token": visitor.get("/verwaltung/anruf").fields()["csrf_token"]}
    )


# --- A ticket ---


def test_from_a_typing_error_to_a_ticket(clara, send, tickets, submissions):
    submission = send(priority="high", files=[(io.BytesIO(b"Hallo"), "Notiz.txt")])
    page = clara.get(UNMATCHED)
    assert page.status == 200
    for words in (
        "K1001",
        "Bäckerei Sommer",
        "PIN falsch",
        "203.0.113.7",
        submission.spoken_code,
        "Dora Dreist",
        "Hoch",
    ):
        assert words in page.text_of("main")
    assert "tel:01725550199" in [link.get("href") for link in page.tree.iter("a")]

    page = clara.get(unmatched_path(submission))
    for words in ("PIN falsch", "Fehlerbeschreibung", EXAMPLES["incident"]["description"], "0172 5550199", "Notiz.txt"):
        assert words in page.text_of("main")
    for words in ("die hier beim Kunden steht", "Bäckerei Sommer", "Anna Sommer", "post@k1001.example"):
        assert words in page.text_of("main")
    assert page.fields()["customer_number"] == "K1001"

    answer = convert(clara, submission)
    assert answer.status == 303
    assert answer.response.location == f"/verwaltung/ticket/{submission.code}"
    (ticket,) = tickets()
    with database.connection_context():
        assert ticket.customer.number == "K1001"
        assert (ticket.category, ticket.rank, ticket.status) == ("incident", 0, "new")
        (event,) = ticket.events
        assert (event.kind, event.actor) == ("opened", "Clara Neumann")
        assert "PIN falsch" in event.text
        assert "Anna Sommer, am Telefon" in event.text
        assert [file.name for file in ticket.submission.attachments] == ["Notiz.txt"]
    (submission,) = submissions()
    assert (submission.state, submission.unmatched_reason, submission.address) == ("admitted", None, "")
    assert "Notiz.txt" in clara.get(answer.response.location).text
    assert "Hier ist nichts." in clara.get(UNMATCHED).text


def make_unmatched(reason):
    """Change the customers so that the next submission is unmatched for this reason."""
    with database.connection_context():
        customer = Customer.get(Customer.number == "K1001")
        if reason == "former_pin":
            FormerPin.create(customer=customer, pin_hash="fits", replaced_at=NOW)
        if reason == "customer_locked":
            Customer.update(pin_hash="fits", locked_at=NOW).where(Customer.id == customer.id).execute()
        if reason == "guessed":
            Customer.update(pin_hash="fits").where(Customer.id == customer.id).execute()
            WrongPin.insert_many(
                [{"customer": customer, "site": "", "at": NOW}] * settings.wrong_pins_per_day
            ).execute()


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason(clara, send, tickets, reason):
    make_unmatched(reason)
    submission = send(customer_number="K9999" if reason == "unknown_number" else "K1001")
    assert submission.unmatched_reason == reason
    assert REASONS[reason] in clara.get(UNMATCHED).text
    assert REASONS[reason] in clara.get(unmatched_path(submission)).text
    assert convert(clara, submission, customer_number="K1002").status == 303
    (ticket,) = tickets()
    assert ticket.submission.customer_number == submission.customer_number
    with database.connection_context():
        assert ticket.customer.number == "K1002"
        assert REASONS[reason] in ticket.events.get().text


@pytest.mark.parametrize("category", EXAMPLES)
def test_each_category(clara, send, tickets, category):
    submission = send(category=category, **OPTIONAL[category] | {"entry_date": "2026-11-25"})
    text = clara.get(unmatched_path(submission)).text_of("main")
    for value in (OPTIONAL[category]["reference"], OPTIONAL[category]["email"]):
        assert value in text
    assert convert(clara, submission).status == 303
    (ticket,) = tickets()
    assert ticket.category == category
    assert ticket.lead_time_missed == (category == "new_employee")
    assert (ticket.due_on is not None) == (category == "new_employee")


def test_the_ticket_waits_for_the_approver(clara, send, tickets):
    with database.connection_context():
        customer = Customer.get(Customer.number == "K1002")
        Contact.create(is_approver=True, customer=customer, name="Bernd Winter", email="bernd@winter.example")
    convert(clara, send(), customer_number="k 1002")
    assert tickets()[0].approval == "pending"


def test_an_unknown_number_is_not_suggested(clara, send):
    page = clara.get(unmatched_path(send(customer_number="K9999")))
    assert page.fields()["customer_number"] == ""
    assert "Einen Kunden mit der Nummer K9999 gibt es nicht." in page.text_of("main")
    assert [option.get("value") for option in page.element("customers")] == ["K1001", "K1002"]


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"customer_number": ""}, "customer_number", "geben Sie die Kundennummer oder den Namen ein"),
        ({"customer_number": "K9999"}, "customer_number", "gibt es nicht"),
        ({"customer_number": "ÄÖ 1\x00"}, "customer_number", ""),
        ({"customer_number": "K" * 5000}, "customer_number", "höchstens 100 Zeichen"),
        ({"customer_number": "K1003"}, "customer_number", "Praxis Frost) ist gesperrt"),
        ({"note": " "}, "note", "wer beim Kunden"),
        ({"note": "x" * 101}, "note", "höchstens 100 Zeichen"),
    ],
)
def test_refused(clara, send, tickets, changes, field, sentence):
    submission = send()
    with database.connection_context():
        Customer.create(number="K1003", name="Praxis Frost", locked_at=NOW, created_at=NOW)
    page = convert(clara, submission, **changes)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert list(page.errors()) == [field]
    assert sentence in page.errors()[field]
    assert page.summary() == [(f"#{field}", page.errors()[field])]
    typed = {"customer_number": "K1001", "note": "Anna Sommer, am Telefon"} | changes
    shown = {name: page.fields()[name] for name in typed}
    assert shown == {name: value.strip().replace("\x00", "\ufffd") for name, value in typed.items()}
    assert tickets() == []
    assert len(unmatched_descriptions()) == 1


def test_the_second_person_sees_what_the_first_did(app, clara, send, tickets):
    bernd = signed_in(app, "Bernd Beier")
    submission = send()
    open_page = bernd.get(unmatched_path(submission)).fields().to_dict()
    convert(clara, submission)
    for rest in ("/umwandeln", "/verwerfen", "/gruppe/verwerfen"):
        page = bernd.post(unmatched_path(submission, rest), open_page | {"note": "auch ich"})
        assert page.status == 409
        assert "Clara Neumann hat daraus am 23.11.2026 um 10:30 Uhr ein Ticket" in page.text_of("main")
        assert f"/verwaltung/ticket/{submission.code}" in [link.get("href") for link in page.tree.iter("a")]
    page = bernd.get(unmatched_path(submission))
    assert page.status == 404
    assert "Clara Neumann" in page.text_of("main")
    assert len(tickets()) == 1


def test_both_at_once(app, clara, send, tickets):
    submission = send()
    both = [clara, signed_in(app, "Bernd Beier")]
    forms = [visitor.get(unmatched_path(submission)).fields().to_dict() | {"note": "ich"} for visitor in both]
    both_ready, statuses = threading.Barrier(2), []

    def click(visitor, values):
        both_ready.wait()
        statuses.append(visitor.post(unmatched_path(submission, "/umwandeln"), values).status)

    clicks = [threading.Thread(target=click, args=pair) for pair in zip(both, forms, strict=True)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted(statuses) == [303, 409]
    assert len(tickets()) == 1
    with database.connection_context():
        assert Event.select().count() == 1


# --- Discard ---


def test_discard(clara, send):
    submission = send(description="weg damit", files=[(io.BytesIO(b"weg"), "weg.txt")])
    send(description="bleibt", files=[(io.BytesIO(b"bleibt"), "bleibt.txt")])
    assert "Das löscht die Anfrage" in clara.get(unmatched_path(submission)).text_of("main")
    answer = discard(clara, submission)
    assert (answer.status, answer.response.location) == (303, UNMATCHED)
    assert unmatched_descriptions() == ["bleibt"]
    with database.connection_context():
        (file,) = Attachment.select().join(Submission).where(Submission.state == "unmatched")
        assert (files_on_disk(), file.name) == ([file.stored_name], "bleibt.txt")
    page = discard(clara, submission)
    assert page.status == 409
    assert "Jemand hat sie verworfen" in page.text_of("main")


def test_discard_a_group_as_it_was_seen(clara, send):
    group = [send(description=f"Flut {number}", files=[(io.BytesIO(b"x"), "x.txt")]) for number in range(3)]
    send(address="203.0.113.8", description="andere Adresse")
    send(customer_number="K1002", description="andere Nummer")
    assert "Alle 3 verwerfen" in clara.get(UNMATCHED).text
    send(description="später")
    assert discard(clara, group[-1], "/gruppe/verwerfen").status == 303
    assert unmatched_descriptions() == ["andere Adresse", "andere Nummer", "später"]
    assert files_on_disk() == []


def test_a_crash_before_the_files_are_gone_leaves_them_to_the_sweep(clara, send, monkeypatch):
    submission = send(files=[(io.BytesIO(b"weg"), "weg.txt")])
    with monkeypatch.context() as patch:
        patch.setattr(attachments, "delete_files", lambda names: 1 / 0)
        assert discard(clara, submission).status == 500
    assert unmatched_descriptions() == []
    (path,) = settings.files_dir.iterdir()
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    with database.connection_context():
        attachments.sweep(NOW + timedelta(hours=settings.staged_hours + 1))
    assert files_on_disk() == []


@pytest.mark.parametrize("rest", ["", "/gruppe"])
def test_pages_of_what_does_not_exist(clara, rest):
    assert clara.get(f"{UNMATCHED}/AAAABBBB{rest}").status == 404


def test_matched_requests_are_neither_shown_nor_discarded(clara, send, tickets):
    with database.connection_context():
        Customer.update(pin_hash="fits").execute()
    submission = send()
    assert submission.address == ""
    assert len(tickets()) == 1
    assert "Hier ist nichts." in clara.get(UNMATCHED).text
    assert discard(clara, submission).status == 409
    assert len(tickets()) == 1


def test_only_staff_see_or_change_anything(dora, send):
    submission = send()
    token = {"csrf_token": dora.get("/").fields()["csrf_token"]}
    for rest in ("", "/gruppe"):
        assert "/verwaltung/anmelden" in dora.get(unmatched_path(submission, rest)).response.location
    for rest in ("/umwandeln", "/verwerfen", "/gruppe/verwerfen"):
        answer = dora.post(unmatched_path(submission, rest), token | {"customer_number": "K1001", "note": "ich"})
        assert "Bäckerei" not in answer.text
    assert len(unmatched_descriptions()) == 1


# --- The list ---


def test_groups_by_number_and_address_newest_first(clara, send):
    send(address="203.0.113.7")
    send(address="2001:db8::1")
    send(address="203.0.113.7", customer_number="K1002")
    send(address="203.0.113.7")
    with database.connection_context():
        page, following = unmatched.groups()
    assert following is None
    assert [(group.customer_number, group.ip, group.count) for group in page] == [
        ("K1001", "203.0.113.7", 2),
        ("K1002", "203.0.113.7", 1),
        ("K1001", "2001:db8::1", 1),
    ]
    headings = ["".join(heading.itertext()).split()[0] for heading in clara.get(UNMATCHED).tree.iter("h2")]
    assert headings == ["K1001", "K1002", "K1001"]


@pytest.mark.parametrize("before", ["x", "", "-1", "9" * 30, "0"])
def test_an_invalid_page_parameter(clara, send, before):
    send()
    assert "K1001" in clara.get(f"{UNMATCHED}?vor={before}").text_of("main")


@pytest.mark.parametrize("category", EXAMPLES)
def test_what_was_typed_stays_text(clara, send, category):
    long_texts = {"name", "reference", "description", "device", "serial_number", "order_reference", "first_name"}
    long_texts |= {"last_name", "position", "remarks"}
    fields = (EXAMPLES[category] | OPTIONAL[category] | {"name": ""}).keys() & long_texts
    submission = send(category=category, **dict.fromkeys(fields, PAYLOAD))
    for path in (UNMATCHED, unmatched_path(submission), unmatched_path(submission, "/gruppe")):
        page = clara.get(path)
        assert "alert(1)" in page.text
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
    page = convert(clara, submission, note=PAYLOAD)
    assert page.status == 303
    page = clara.get(page.response.location)
    assert "&lt;script&gt;alert" in page.text
    assert "<script>alert" not in page.text


# --- Bounds ---


def age(description, **period):
    with database.connection_context():
        Submission.update(received_at=NOW - timedelta(**period)).where(Submission.description == description).execute()


def test_old_ones_go_after_the_configured_days(clara, send, tickets, run_worker):
    send(description="alt", files=[(io.BytesIO(b"alt"), "alt.txt")])
    submission = send(description="umgewandelt", files=[(io.BytesIO(b"neu"), "neu.txt")])
    convert(clara, submission)
    age("alt", days=14, minutes=1)
    age("umgewandelt", days=400)
    send(description="jung")
    age("jung", days=13, hours=23)
    run_worker()
    assert unmatched_descriptions() == ["jung"]
    assert len(tickets()) == 1
    assert len(files_on_disk()) == 1
    settings.unmatched_days = 13
    run_worker()
    assert unmatched_descriptions() == []


def test_a_flood_from_one_address_does_not_push_out_another(send, caplog):
    settings.unmatched_most = 10
    add_unmatched(0, 1, "ehrlich", "198.51.100.1")
    add_unmatched(500, 9, "Flut", "203.0.113.7", "K10{:02}")
    assert len(unmatched_descriptions()) == 10
    send(description="Flut 9")
    assert unmatched_descriptions() == ["ehrlich 0", *(f"Flut {number}" for number in range(1, 10))]
    assert [record.getMessage() for record in caplog.records if record.name == worker.__name__] == [
        "Zu viele nicht zugeordnete Anfragen: Das Portal hat 1 verworfen, um Platz zu machen."
    ]


def test_tickets_never_count(clara, send, tickets, run_worker):
    settings.unmatched_most = 1
    convert(clara, send(description="eins"))
    convert(clara, send(description="zwei"))
    send(description="drei")
    run_worker()
    assert unmatched_descriptions() == ["drei"]
    assert len(tickets()) == 2
