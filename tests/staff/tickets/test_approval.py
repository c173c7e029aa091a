"""Approvals in the staff area: who can be asked, and what waits when approvers come, go or are absent."""

from datetime import timedelta

import pytest

from database import database
from enums import Approval
from models import Contact, Customer
from services.customers import customers
from tests.support.approvers import BERND
from tests.support.cast import NOW

CUSTOMER = "/verwaltung/kunden/1"


def remove_all():
    with database.connection_context():
        for approver in Contact.select():
            customers.remove_contact(approver)


def test_without_any_approver_staff_are_told_what_to_do(
    ask_approvers, ticket_page, ticket, run_worker_at, deliver_mails
):
    ask_approvers()
    form = ticket_page().form("freigabe-anfragen")
    remove_all()
    mails = len(deliver_mails())
    page = ticket_page().look()
    assert "niemand kann entscheiden" in page.text_of("ticket")
    assert "Nächste Erinnerung" not in page.text_of("ticket")
    assert "Freigabe noch einmal anfragen" not in page.text
    answer = ticket_page().visitor.post(f"{ticket_page().path}/freigabe-anfragen", form)
    assert answer.status == 422
    assert "hat keinen Genehmiger" in answer.text_of("ticket")
    run_worker_at(NOW + timedelta(days=1))
    assert len(deliver_mails()) == mails
    ticket_page().act("freigeben", "Die Chefin, am Telefon")
    assert ticket().approval is Approval.APPROVED


def test_customers_page_links_to_waiting_tickets(ask_approvers, clara):
    assert clara.get(CUSTOMER).element("pending") is None
    ask_approvers()
    assert clara.get(CUSTOMER).text_of("pending").startswith("1 Ticket wartet auf eine Freigabe.")
    ask_approvers()
    page = clara.get(CUSTOMER)
    assert page.text_of("pending").startswith("2 Tickets warten auf eine Freigabe. Wer neu dazukommt")
    (link,) = page.element("pending").iter("a")
    shown = clara.get(link.get("href"))
    assert len([title for title in shown.tree.iter("a") if title.get("class") == "row-title"]) == 2


def test_customers_page_does_not_say_that_work_can_begin_while_tickets_wait(ask_approvers, clara, ticket_page):
    ask_approvers()
    remove_all()
    page = clara.get(CUSTOMER)
    assert "Niemand kann darüber entscheiden" in page.text_of("pending")
    assert "Die Arbeit kann sofort beginnen" not in page.text
    ticket_page().act("freigeben", "Die Chefin, am Telefon")
    assert "Kein Genehmiger: Die Arbeit kann sofort beginnen." in clara.get(CUSTOMER).text


def test_nobody_is_asked_for_a_locked_customer(ask_approvers, clara, ticket_page):
    ask_approvers()
    assert "öffnen sich nicht, bis Sie die Sperre aufheben" in clara.get(f"{CUSTOMER}/sperren").text_of("main")
    with database.connection_context():
        customers.lock(Customer.get(), NOW)
    assert "fragt das Portal niemanden" in clara.get(CUSTOMER).text_of("pending")
    assert "Nächste Erinnerung" not in ticket_page().look().text_of("ticket")
    assert "Freigabe noch einmal anfragen" not in ticket_page().look().text


@pytest.mark.parametrize(("absent", "are_all"), [([BERND], False), ([BERND, "petra@sommer.example"], True)])
def test_ticket_tells_that_all_are_absent(ask_approvers, ticket_page, absent, are_all):
    ask_approvers()
    with database.connection_context():
        Contact.update(absent_from=NOW.date()).where(Contact.email.in_(absent)).execute()
    assert ("Heute sind alle abwesend;" in ticket_page().look().text_of("ticket")) == are_all


@pytest.mark.parametrize(
    ("email", "is_elsewhere"), [("", False), ("fremd@gmx.de", True), ("Post@Sommer.example", False)]
)
def test_answer_form_tells_whom_the_mail_does_not_reach(ask_approvers, ticket_page, email, is_elsewhere):
    ask_approvers(email=email)
    shown = ticket_page().look().text_of("ticket")
    sentence = "post@sommer.example, nicht an fremd@gmx.de: Diese Adresse ist bei diesem Kunden nicht hinterlegt."
    assert "Die E-Mail geht an post@sommer.example" in shown
    assert (sentence in shown) == is_elsewhere
