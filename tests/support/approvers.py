"""Bernd and Petra, who decide about the requests of Anna's company, each in front of a browser of their own."""

import pytest

import clock
from database import database
from models import Contact, Customer
from services.background import worker
from settings import settings
from tests.support.pages import Visitor
from tests.support.servers.mailbox import path_in
from tests.support.staff import TicketPage

BERND, PETRA = "bernd@sommer.example", "petra@sommer.example"
COMPANY, OFFICE = "post@sommer.example", "support@muster-it.example"


class ApprovalPage:
    """An approver with the path of a link."""

    def __init__(self, app, path):
        self.visitor = Visitor(app, {})
        self.path = path

    def look(self):
        return self.visitor.get(self.path)

    def press(self, decision, reason="", page=None, **options):
        """Press a button of the page, after writing a reason or nothing, and return the answer."""
        values = (page or self.look()).fields(self.path).to_dict()
        return self.visitor.post(self.path, values | {"decision": decision, "reason": reason}, **options)


@pytest.fixture
def approvers(anna):
    """Bernd and Petra decide about the requests of Anna's company."""
    with database.connection_context():
        for name, email in (("Bernd Brot", BERND), ("Petra Mehl", PETRA)):
            Contact.create(is_approver=True, customer=Customer.get(), name=name, email=email)


@pytest.fixture
def ask_approvers(app, approvers, anna, run_worker, mailbox):
    """Let Anna send a request; return the approval pages of Bernd and Petra."""

    def report(category="incident", **changes):
        anna.report(category, **{"priority": "medium"} | changes)
        run_worker()
        return [ApprovalPage(app, path_in(mailbox.last_to(address), "/freigabe/")) for address in (BERND, PETRA)]

    return report


@pytest.fixture
def ticket_page(clara, tickets):
    """Return the newest ticket as Clara's page shows it."""
    return lambda: TicketPage(clara, tickets()[-1])


@pytest.fixture
def run_worker_at(app, monkeypatch):
    """Set the clock and run all due jobs; sessions do not expire."""
    settings.staff_idle_minutes = settings.staff_session_hours = 10**6

    def go(moment):
        monkeypatch.setattr(clock, "now", lambda: moment)
        with app.app_context(), database.connection_context():
            worker.run_once(moment)

    return go
