"""Two companies with approvers, and a fixture in which every kind of mail is sent."""

from types import SimpleNamespace

import pytest

import clock
from database import database, transaction
from models import Contact, Staff, Ticket
from services.background import worker
from services.customers import customers, pins
from services.mail import messages
from settings import settings
from tests.support.cast import NOW
from tests.support.pages import Visitor
from tests.support.servers.mailbox import path_in
from tests.support.staff import TicketPage

OFFICE = "support@muster-it.example"
FOREIGN = "jemand@anderswo.example"
SUPPLIER, COLLEAGUE = "rma@hersteller.example", "miriam@example.org"


class Company:
    """A customer with a PIN, somebody who reports, and two approvers."""

    def __init__(self, app, number, name, domain):
        self.app, self.mailboxes = app, [f"{who}@{domain}" for who in ("post", "anna", "bernd", "petra")]
        self.post, self.anna, self.bernd, self.petra = self.mailboxes
        self.number, self.name = number, name
        with database.connection_context():
            facts = {"number": number, "name": name, "email": self.post, "mail_domain": domain}
            self.customer = customers.add(facts, NOW)
            self.pin = pins.issue_pin(self.customer, NOW)
        known = {"customer_number": number, "pin": self.pin, "name": f"Anna von {name}", "phone": "0211 555-0101"}
        self.reporter = Visitor(app, known)

    def appoint(self):
        """Add two approvers."""
        with database.connection_context():
            for who, email in (("Bernd", self.bernd), ("Petra", self.petra)):
                Contact.create(is_approver=True, customer=self.customer, name=f"{who} von {self.name}", email=email)

    def decide(self, mail, decision, reason=""):
        """Follow the link of a mail and press a button."""
        path, visitor = path_in(mail, "/freigabe/"), Visitor(self.app, {})
        values = visitor.get(path).fields(path).to_dict()
        assert visitor.post(path, values | {"decision": decision, "reason": reason}).status == 303

    def reply(self, mail, text):
        """Follow the link of a mail and write back."""
        path, visitor = path_in(mail, "/vorgang/"), Visitor(self.app, {})
        assert visitor.post(path, visitor.get(path).fields().to_dict() | {"text": text}).status == 303


@pytest.fixture
def companies(app):
    """Two companies, each with a PIN of its own."""
    return [
        Company(app, "K1001", "Bäckerei Sommer", "sommer.example"),
        Company(app, "K1002", "Praxis Winter", "winter.example"),
    ]


@pytest.fixture
def every_kind_of_mail(app, companies, clara, mailbox, run_worker, advance_clock):
    """Let both companies report, decide and write until every kind of mail has been sent; return who got what."""
    settings.staff_idle_minutes = settings.staff_session_hours = 10**6
    settings.summary_time, settings.wrong_pins_per_day = "07:00", 3

    def go_on(**duration):
        advance_clock(**duration)
        with app.app_context(), database.connection_context():
            worker.run_once(clock.now())

    def ticket_page():
        with database.connection_context():
            return TicketPage(clara, Ticket.newest_first().get())

    for company in companies:
        report = company.reporter.report
        report("new_employee", email=company.anna, entry_date="2026-11-26")
        go_on()
        company.appoint()
        report("warranty", email=company.anna)
        go_on()
        company.decide(mailbox.last_to(company.petra), "approved")
        ticket_page().pass_on(SUPPLIER)
        report("other", email=FOREIGN)
        go_on()
        company.decide(mailbox.last_to(company.bernd), "declined", "Wir haben genug davon.")
        report("callback", priority="high", email=FOREIGN)
        go_on()
        ticket_page().act("stornieren", "Doppelt gemeldet")
        report("callback", priority="high", email=company.anna)
        go_on()
        ticket_page().act("gehoert-zu")
        report("incident", priority="high", email=company.anna)
        go_on()
        ticket_page().act("vor-freigabe-beginnen", "Die Kasse steht.")
        go_on(days=3)
        company.decide(mailbox.last_to(company.bernd), "approved")
        ticket_page().act("antworten", "Welche Kasse ist es?")
        go_on(minutes=1)
        company.reply(mailbox.last_to(company.anna), "Die linke.")
        ticket_page().act("erledigen", "Walze getauscht")
        go_on(minutes=1)
        ticket_page().act("wieder-oeffnen", "Sie klemmt wieder.")
        go_on(minutes=1)
        # One approval stays pending.
        report("warranty", email=company.anna)
        go_on(minutes=1)
    wrong = companies[0].pin[:-1] + str((int(companies[0].pin[-1]) + 1) % 10)
    for _ in range(settings.wrong_pins_per_day):
        companies[0].reporter.report("incident", pin=wrong, priority="high")
    with database.connection_context(), transaction():
        messages.wrong_codes(Staff.get(Staff.login == "clara neumann"), clock.now())
    go_on(minutes=1)
    test_mail = clara.get("/verwaltung/postausgang").fields("/verwaltung/postausgang/testmail")
    assert clara.post("/verwaltung/postausgang/testmail", test_mail).status == 303
    accounts = "/verwaltung/konten"
    colleague = {"name": "Miriam Vogt", "email": COLLEAGUE, "role": "team"}
    assert clara.post(accounts, clara.get(accounts).fields(accounts).to_dict() | colleague).status == 200
    go_on(minutes=1)
    return SimpleNamespace(companies=companies, mails=mailbox.mails, clara=clara)
