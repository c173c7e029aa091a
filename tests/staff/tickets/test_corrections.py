"""Correcting the facts of a ticket; what was sent stays."""

import json

import pytest

from database import database
from enums import Approval, Category, EventKind, MessageKind
from models import Contact, Customer, Event, Message, Staff, Submission
from services.privacy import data_export, erasure, person_search
from services.privacy.person_matcher import PersonMatcher
from settings import settings
from tests.support.cast import NOW
from tests.support.companies import Company
from tests.support.pages import row_titles
from tests.support.servers.mailbox import path_in
from tests.support.staff import TicketPage

FACTS = [
    ("prioritaet-aendern", "0", "Priorität: Niedrig → Hoch"),
    ("art-aendern", "callback", "Art der Anfrage: Störung → Rückrufbitte"),
    ("name-aendern", "Berta Winter", "Name: Anna Sommer → Berta Winter"),
    ("kontaktnummer-aendern", "0221 987654", "Kontaktnummer: 0211 555-0101 → 0221 987654"),
]


@pytest.fixture
def ticket_page(anna, clara, run_worker, ticket):
    """Let Anna report something, and return Clara's page of the ticket."""

    def report(category="incident"):
        anna.report(category)
        run_worker()
        return TicketPage(clara, ticket())

    return report


@pytest.fixture
def berta(app):
    """Berta in front of her browser, with the number and PIN of another company."""
    return Company(app, "K1002", "Praxis Winter", "winter.example").reporter


def correct(work, slug, value, page=None):
    values = work.form(slug, page)
    return work.visitor.post(f"{work.path}/{slug}", values | {f"{slug}-value": value})


def last_message(kind):
    with database.connection_context():
        return Message.select().where(Message.kind == kind).order_by(Message.id.desc()).get()


def sent():
    with database.connection_context():
        return Submission.select().dicts().get()


@pytest.mark.parametrize(("slug", "value", "line"), FACTS)
def test_fact_is_corrected_and_the_submission_stays(ticket_page, events, slug, value, line):
    work = ticket_page()
    before = sent()
    assert correct(work, slug, value).status == 303
    assert events()[-1][0] is EventKind.CORRECTED
    assert line in work.look().text_of("ticket")
    assert work.form(slug)[f"{slug}-value"] == value
    assert sent() == before


def test_entry_date_is_corrected(ticket_page, ticket):
    work = ticket_page("new_employee")
    assert correct(work, "eintrittsdatum-aendern", "2027-05-03").status == 303
    assert ticket().due_on.isoformat() == "2027-05-03"
    assert not {"prioritaet-aendern", "art-aendern"} & work.offered_actions()


def test_ticket_is_found_by_the_corrected_name(ticket_page, clara):
    work = ticket_page()
    correct(work, "name-aendern", "Berta Winter")
    assert work.path in clara.get("/verwaltung/tickets", query_string={"text": "Winter"}).text


@pytest.mark.parametrize(
    ("slug", "value"), [("name-aendern", ""), ("art-aendern", "new_employee"), ("prioritaet-aendern", "9")]
)
def test_unfit_value_is_refused(ticket_page, ticket, slug, value):
    work = ticket_page()
    assert correct(work, slug, value).status == 422
    assert (ticket().caller_name, ticket().category) == ("", Category.INCIDENT)


def test_second_person_sees_what_happened_meanwhile(ticket_page, ticket):
    work = ticket_page()
    page = work.look()
    correct(work, "prioritaet-aendern", "0")
    answer = correct(work, "prioritaet-aendern", "1", page)
    assert answer.status == 422
    assert "Niedrig → Hoch" in answer.text
    assert ticket().rank == 0


def move(work, number, page=None):
    return correct(work, "kunde-aendern", number, page)


def test_ticket_moves_to_another_customer(ticket_page, app, anna, berta, clara, ticket, mailbox, deliver_mails, events):
    work = ticket_page()
    deliver_mails()
    path = path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")
    assert anna.get(path).status == 200
    assert move(work, "winter").status == 303
    assert ticket().customer.number == "K1002"
    assert events()[-1][2] == "Kunde: Bäckerei Sommer → Praxis Winter"
    assert anna.get(path).status == 404
    deliver_mails()
    mail = mailbox.last_to("post@winter.example")
    assert mail["Subject"].startswith("Eingegangen")
    assert anna.get(path_in(mail, "/vorgang/")).status == 200
    assert row_titles(clara.get("/verwaltung/tickets?kunde=K1002"))
    assert not row_titles(clara.get("/verwaltung/tickets?kunde=K1001"))


def test_approval_follows_the_new_customer(ticket_page, berta, ticket, mailbox, deliver_mails):
    work = ticket_page()
    with database.connection_context():
        Contact.create(
            is_approver=True,
            customer=Customer.get(Customer.number == "K1002"),
            name="Petra",
            email="petra@winter.example",
        )
    move(work, "K1002")
    assert ticket().approval is Approval.PENDING
    deliver_mails()
    assert "Bitte um Freigabe" in mailbox.last_to("petra@winter.example")["Subject"]
    move(work, "K1001")
    assert (ticket().approval, ticket().remind_at) == (Approval.NOT_REQUIRED, None)


@pytest.mark.parametrize(
    ("before", "number", "sentence"),
    [
        ("", "K9999", "Einen Kunden mit der Nummer „K9999“ gibt es nicht."),
        ("", "", "Bitte geben Sie die Kundennummer oder den Namen ein."),
        ("", "K1001", "Diese Angabe hat schon diesen Wert."),
        ("erledigen", "K1002", "Bitte öffnen Sie das Ticket zuerst wieder."),
        ("answer", "K1002", "Mit diesem Kunden gibt es schon Nachrichten."),
    ],
)
def test_customer_that_cannot_be_chosen(ticket_page, berta, ticket, before, number, sentence):
    work = ticket_page()
    if before == "erledigen":
        work.act(before)
    elif before:
        work.visitor.post(f"{work.path}/antworten", work.form("antworten") | {"text": "Wir kommen."})
    refused = move(work, number)
    assert refused.status == 422
    assert sentence in refused.text_of("ticket")
    assert ticket().customer.number == "K1001"


def test_new_approvers_never_read_what_the_former_ones_wrote(ask_approvers, berta, clara, ticket):
    bernd, _ = ask_approvers()
    bernd.press("declined", "Zu teuer")
    work = TicketPage(clara, ticket())
    work.act("wieder-oeffnen", "Doch nicht")
    assert move(work, "K1002").status == 422
    assert ticket().customer.number == "K1001"


def test_move_is_undone(ticket_page, berta, anna, ticket, mailbox, deliver_mails):
    settings.undo_seconds = 20
    work = ticket_page()
    deliver_mails()
    path = path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")
    move(work, "K1002")
    work.act("rueckgaengig")
    assert ticket().customer.number == "K1001"
    assert anna.get(path).status == 200


def test_approver_can_decide_again_after_a_move_that_was_undone(ask_approvers, berta, clara, ticket):
    settings.undo_seconds = 20
    bernd, _ = ask_approvers()
    work = TicketPage(clara, ticket())
    move(work, "K1002")
    assert bernd.look().status == 404
    work.act("rueckgaengig")
    assert bernd.press("approved").status in (200, 303)
    assert ticket().approval is Approval.APPROVED


def test_mails_and_other_systems_learn_the_corrected_facts(ticket_page, monkeypatch):
    monkeypatch.setattr(settings, "webhook_url", "https://system.firma.example/")
    work = ticket_page()
    correct(work, "prioritaet-aendern", "0")
    correct(work, "art-aendern", "other")
    work.act("erledigen", "Getauscht")
    assert "Sonstiges, Priorität Hoch" in last_message(MessageKind.DONE).subject
    told = json.loads(last_message(MessageKind.WEBHOOK).body)["ticket"]
    assert (told["category"], told["priority"]) == ("other", "high")


def test_corrected_caller_is_found_and_erased(ticket_page, clara, ticket):
    work = ticket_page()
    correct(work, "name-aendern", "Berta Winter")
    with database.connection_context():
        Event.update(text="").execute()
        matcher = PersonMatcher(["Berta Winter"])
        (match,), _ = person_search.find(matcher)
        assert match.is_sender
        data, _ = data_export.collect([match], matcher, [])
        assert data["Vorgänge"][0]["Angaben"]["berichtigter Name"] == "Berta Winter"
        erasure.erase([match], matcher, [], Staff.get(), NOW)
    assert "Winter" not in work.look().text
    assert ticket().caller_name == ""
