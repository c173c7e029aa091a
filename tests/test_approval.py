"""Approval: who is asked, the first decision counts, and everybody hears what concerns them."""

import pytest

from models import Approver, Customer, database
from tests.mailbox import path_in, text_of
from tests.pages import Visitor
from tests.test_staff_tickets import Desk
from words import Approval

BERND, PETRA = "bernd@sommer.example", "petra@sommer.example"
COMPANY, OFFICE = "post@sommer.example", "support@example.org"


@pytest.fixture
def approvers(anna):
    """Bernd and Petra decide about the requests of Anna's company."""
    with database.connection_context():
        for name, email in (("Bernd Brot", BERND), ("Petra Mehl", PETRA)):
            Approver.create(customer=Customer.get(), name=name, email=email)


@pytest.fixture
def ask(approvers, anna, work, mailbox):
    """Let Anna ask for something; return the paths of the links that Bernd and Petra get."""

    def report(category="incident", **changes):
        anna.report(category, **{"priority": "medium"} | changes)
        work()
        return path_in(mailbox.last_to(BERND), "/freigabe/"), path_in(mailbox.last_to(PETRA), "/freigabe/")

    return report


@pytest.fixture
def decide(app):
    """Open an approver's link in a browser of its own and press a button."""

    def press(path, decision, reason="", **options):
        visitor = Visitor(app, {})
        return visitor.post(path, visitor.get(path).fields() | {"decision": decision, "reason": reason}, **options)

    return press


@pytest.fixture
def desk(clara, tickets):
    """Return the newest ticket on Clara's desk."""
    return lambda: Desk(clara, tickets()[-1])


def test_asking_and_approving(ask, decide, post, mailbox, tickets, app):
    path, other = ask()
    assert [mail["To"] for mail in mailbox.mails] == [COMPANY, BERND, PETRA]
    assert decide(path, "approved").status == 303
    assert tickets()[0].approval is Approval.APPROVED
    assert [mail["To"] for mail in post()[3:]] == [COMPANY, OFFICE]
    assert "Freigegeben von Bernd Brot" in text_of(mailbox.last_to(OFFICE))
    for link in (path, other):
        assert "Bernd Brot" in Visitor(app, {}).get(link).text_of("decided")
