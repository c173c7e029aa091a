"""The made-up past of the demo: believable, the same each time, and only what the portal itself could have stored."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from cli import commands
from clock import TIME_ZONE
from demo import history
from enums import (
    CODE_ALPHABET,
    CODE_LENGTH,
    OPEN_STATUSES,
    STARTED_STATUSES,
    Approval,
    Category,
    EventKind,
    Priority,
    SubmissionState,
    TicketStatus,
)
from models import Contact, Customer, Event, Staff, Submission, Ticket, TicketWords
from services import search
from services.tickets import new_employee
from tests.support.cast import NOW

COUNT = 900
PERIOD = timedelta(days=100)


@pytest.fixture
def past(db):
    """All tickets of a small made-up past, oldest first."""
    history.add_history(COUNT, NOW, PERIOD)
    return list(Ticket.with_details().order_by(Ticket.id))


def contents(model):
    return list(model.select().order_by(model.id).dicts())


def test_numbers(past):
    assert len(past) == COUNT
    assert Customer.select().count() >= 40
    assert 2 <= Staff.select().count() <= 3
    assert Submission.unmatched().count() == history.UNMATCHED_COUNT
    assert {submission.unmatched_reason for submission in Submission.unmatched()} == set(history.UNMATCHED_REASONS)
    assert not Submission.pending().exists()
    assert TicketWords.select().count() == COUNT
    assert {customer.pin_hash for customer in Customer.select()} == {None}


def test_frequencies(past):
    categories = Counter(ticket.category for ticket in past)
    assert set(categories) == set(Category)
    assert categories.most_common(1)[0][0] is Category.INCIDENT
    ranks = Counter(ticket.rank for ticket in past if ticket.category is not Category.NEW_EMPLOYEE)
    assert ranks[Priority.LOW.rank] > ranks[Priority.MEDIUM.rank] > ranks[Priority.HIGH.rank] > 0
    assert {ticket.status for ticket in past} == set(TicketStatus)
    assert {ticket.approval for ticket in past} == set(Approval)
    assert len({ticket.submission.description for ticket in past}) > COUNT / 3


def test_times(past):
    arrivals = [ticket.created_at.astimezone(TIME_ZONE) for ticket in past]
    assert arrivals == sorted(arrivals)
    assert NOW - PERIOD - timedelta(days=1) < arrivals[0] < NOW - PERIOD + timedelta(days=7)
    assert NOW - timedelta(days=3) < arrivals[-1] <= NOW
    assert all(7 <= arrival.hour < 18 for arrival in arrivals)
    weekdays = Counter(arrival.weekday() for arrival in arrivals)
    assert weekdays[0] == max(weekdays.values())
    for ticket in past:
        moments = [ticket.created_at, ticket.first_action_at, ticket.closed_at, NOW]
        known = [moment for moment in moments if moment]
        assert known == sorted(known)


def test_old_tickets_are_mostly_done(past):
    old = [ticket for ticket in past if ticket.created_at < NOW - timedelta(days=20) and ticket.due_on is None]
    assert 0.95 * len(old) < sum(ticket.status is TicketStatus.DONE for ticket in old) + 0.06 * len(old)
    recent = [ticket for ticket in past if ticket.created_at > NOW - timedelta(days=10)]
    assert {ticket.status for ticket in recent} >= set(OPEN_STATUSES)
    today = NOW.astimezone(TIME_ZONE).date()
    soon = [ticket for ticket in past if ticket.is_open and ticket.due_on and ticket.due_on > today]
    assert soon
    assert any(ticket.lead_time_missed for ticket in past)


def test_events_explain_the_state_of_each_ticket(past):
    statuses = dict.fromkeys((EventKind.STARTED, EventKind.REPLIED), TicketStatus.IN_PROGRESS)
    statuses[EventKind.WAITING] = TicketStatus.WAITING
    statuses |= {EventKind.DONE: TicketStatus.DONE, EventKind.CANCELLED: TicketStatus.CANCELLED}
    office = {member.name for member in Staff.select()}
    for ticket in past:
        events = list(ticket.events.order_by(Event.id))
        assert events[0].kind is EventKind.OPENED
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert events[-1].at <= NOW
        changes = [event for event in events if event.kind in statuses]
        assert ticket.status is (statuses[changes[-1].kind] if changes else TicketStatus.NEW)
        assert ticket.closed_at == (None if ticket.status in OPEN_STATUSES else changes[-1].at)
        by_office = [event.at for event in events[1:] if event.actor in office]
        assert ticket.first_action_at == (by_office[0] if by_office else None)
        if ticket.status in STARTED_STATUSES:
            assert ticket.assignee.name in {event.actor for event in events}
            assert ticket.approval in (Approval.NOT_REQUIRED, Approval.APPROVED)
        assert (ticket.approval is Approval.NOT_REQUIRED) == (not ticket.customer.approvers.exists())


def test_pending_approvals_were_asked_for_and_reminded_of(past):
    waiting = [ticket for ticket in past if ticket.approval is Approval.PENDING]
    assert {ticket.reminders for ticket in waiting} == {0, 1, 2}
    for ticket in waiting:
        kinds = [event.kind for event in ticket.events]
        assert (kinds.count(EventKind.ASKED), kinds.count(EventKind.REMINDED)) == (1, ticket.reminders)
        assert (ticket.remind_at is None) if ticket.reminders == 2 else (ticket.remind_at > NOW)
    assert {ticket.status for ticket in past if ticket.approval is Approval.DECLINED} == {TicketStatus.CANCELLED}
    assert {(ticket.reminders, ticket.remind_at) for ticket in past if ticket not in waiting} == {(0, None)}


def test_tickets_and_index_agree_with_the_submissions(past):
    for ticket in past:
        submission = ticket.submission
        assert (ticket.category, ticket.rank) == (submission.category, submission.priority.rank)
        assert ticket.due_on == submission.entry_date
        assert (ticket.created_at, submission.state) == (submission.received_at, SubmissionState.ADMITTED)
        assert submission.customer_number == ticket.customer.number
        assert TicketWords.select().where(TicketWords.rowid == ticket.id).dicts().get() == search.index_row(ticket)


def test_people_belong_to_their_companies(past):
    for ticket in past:
        sent = ticket.submission
        person = ticket.customer.contacts.where(Contact.name == sent.name).get()
        assert (sent.phone, sent.email) == (person.phone, person.email)
        assert sent.email.endswith(f"@{ticket.customer.mail_domain}")


def test_messages_minutes_and_checklists(past):
    unread = {ticket for ticket in past if ticket.replied_at}
    assert unread
    assert {ticket.status for ticket in unread} == {TicketStatus.IN_PROGRESS}
    done = [ticket for ticket in past if ticket.status is TicketStatus.DONE]
    assert all(sum(event.minutes for event in ticket.events) for ticket in done)
    assert all(set(new_employee.done(ticket)) == set(new_employee.steps(ticket)) for ticket in done)


def test_given_companies_have_all_tickets_of_a_small_past(db):
    customer = Customer.create(number="K1001", name="Bäckerei Sommer", created_at=NOW)
    person = Contact.create(customer=customer, name="Anna Sommer")
    history.add_history(20, NOW, PERIOD, [history.Company(customer, [person])])
    assert Customer.select().count() == 1
    assert customer.tickets.count() == 20


def test_codes_are_unique(db):
    history.add_history(50, NOW, PERIOD)
    codes = [submission.code for submission in Submission.select()]
    assert len(set(codes)) == len(codes)
    assert all(len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET) for code in codes)


def test_same_each_time(db):
    def made():
        history.add_history(50, NOW, PERIOD)
        return [contents(model) for model in tables]

    tables = (Event, Ticket, Submission, Contact, Customer)
    first = made()
    with db.atomic():
        for model in (*tables, TicketWords, Staff):
            model.delete().execute()
    assert made() == first


@pytest.mark.parametrize(("arguments", "count"), [([], None), (["--tickets", "5000"], 5000)])
def test_command_takes_a_number_of_tickets(arguments, count):
    asked = []
    result = CliRunner().invoke(commands.cli, ["demo", *arguments], obj=SimpleNamespace(serve_demo=asked.append))
    assert (result.exit_code, asked) == (0, [count])
    assert "Beispieldaten" in result.output


@pytest.mark.parametrize("number", ["0", "-5", "viele", ""])
def test_command_refuses_an_invalid_number_of_tickets(number):
    result = CliRunner().invoke(commands.cli, ["demo", "--tickets", number], obj=SimpleNamespace(serve_demo=None))
    assert result.exit_code == 2
    assert "--tickets" in result.output
