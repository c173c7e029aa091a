"""Changes that others make between the look at a ticket and the action are taken into account."""

import pytest

from database import database
from enums import LinkPurpose, TicketStatus
from models import Contact, Customer, Event, Staff, Ticket, TicketLink
from services.customers import customers
from services.errors import EditConflict, UserError
from services.mail import access_links
from services.tickets import actions, approvals, conversation
from tests.support.approvers import BERND
from tests.support.cast import NOW, signed_in


@pytest.fixture
def looked_at(anna, clara, run_worker):
    """A ticket as Clara looked at it, Clara, and the id of the newest event that she saw."""
    anna.report("incident", priority="medium")
    run_worker()
    with database.connection_context():
        ticket = Ticket.with_details().get()
        return ticket, Staff.get(), ticket.events.get().id


def test_note_does_not_undo_what_came_meanwhile(looked_at, db):
    ticket, clara, seen = looked_at
    actions.finish(Ticket.get(), clara, seen, NOW, "")
    conversation.add_note(ticket, clara, NOW, "Kunde rief an", "key")
    assert (Ticket.get().status, Ticket.get().closed_at) == (TicketStatus.DONE, NOW)


def test_what_came_meanwhile_is_shown_first(looked_at, db):
    ticket, clara, seen = looked_at
    actions.start(Ticket.get(), clara, seen, NOW)
    started = Event.select().order_by(Event.id.desc()).get()
    with pytest.raises(EditConflict) as conflict:
        actions.cancel(ticket, clara, seen, NOW, "Doppelt")
    assert conflict.value.newer == [started]
    actions.cancel(ticket, clara, started.id, NOW, "Doppelt")
    assert Ticket.get().status is TicketStatus.CANCELLED


def test_a_colleague_who_is_locked_meanwhile_gets_no_ticket(app, looked_at):
    ticket, clara, seen = looked_at
    signed_in(app, "Emil Ernst")
    with database.connection_context():
        emil = Staff.get(Staff.name == "Emil Ernst")
        Staff.update(locked_at=NOW).where(Staff.id == emil.id).execute()
        with pytest.raises(UserError, match="Dieses Konto ist gesperrt"):
            actions.assign(ticket, emil, clara, seen, NOW)
        assert Ticket.get().assignee is None


def test_a_customer_who_is_locked_meanwhile_is_not_answered(looked_at, db):
    ticket, clara, seen = looked_at
    customers.lock(Customer.get(), NOW)
    with pytest.raises(UserError, match="Der Kunde ist gesperrt"):
        conversation.answer(ticket, clara, seen, NOW, "Wir kommen.", "key")


def test_nobody_is_asked_for_a_customer_who_is_locked_meanwhile(approvers, looked_at, db):
    ticket, clara, _ = looked_at
    seen = approvals.last_request_id(ticket)
    customers.lock(Customer.get(), NOW)
    with pytest.raises(UserError, match="Dieser Kunde ist gesperrt"):
        approvals.request_approval_again(ticket, clara, seen, NOW)


def test_an_approver_who_is_removed_meanwhile_decides_nothing(approvers, looked_at, db):
    ticket, _, _ = looked_at
    bernd = Contact.get(Contact.email == BERND)
    link = access_links.reload(ticket.links.where(TicketLink.approver == bernd).get(), NOW)
    customers.remove_contact(bernd)
    with pytest.raises(approvals.NothingToDecide):
        approvals.decide(link, approvals.last_request_id(ticket), "approved", "", NOW)
    assert approvals.decision(Ticket.get()) is None


def test_a_link_that_is_revoked_meanwhile_brings_no_message(looked_at, db):
    ticket, clara, seen = looked_at
    link = access_links.reload(TicketLink.get(TicketLink.purpose == LinkPurpose.CUSTOMER), NOW)
    conversation.revoke_link(ticket, clara, seen, NOW, "")
    before = Event.select().count()
    with pytest.raises(UserError, match="nicht bei uns angekommen"):
        conversation.reply(link, "key", "Hallo", 0, NOW)
    assert Event.select().count() == before
