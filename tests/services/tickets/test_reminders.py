"""Reminders: one after one working day, one after three, at the same local time; then „Heute“ shows the ticket."""

from datetime import UTC, datetime, timedelta

import pytest

import clock
from database import database
from enums import EventKind
from models import Contact, Customer
from services.customers import customers
from services.mail import delivery, messages
from services.tickets import approvals
from tests.support.approvers import BERND, PETRA
from tests.support.cast import NOW
from tests.support.servers.mailbox import path_in, text_of

SECOND = timedelta(seconds=1)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def reminders_to(mailbox):
    """Return the reminders sent to an address."""
    return lambda address: [mail for mail in mailbox.to(address) if mail["Subject"].startswith("Erinnerung")]


@pytest.fixture
def asked_at(approvers, anna, run_worker_at, monkeypatch):
    """Let Anna report something at a moment; Bernd and Petra are asked at once."""

    def report(moment, **changes):
        monkeypatch.setattr(clock, "now", lambda: moment)
        anna.report("incident", **{"priority": "medium"} | changes)
        run_worker_at(moment)

    return report


# Computed by hand with a calendar of Nordrhein-Westfalen; all in UTC, local time in the comments.
VECTORS = {
    "an ordinary week": ("2026-11-23 09:30", "2026-11-24 09:30", "2026-11-26 09:30"),
    "over a weekend": ("2026-11-27 09:30", "2026-11-30 09:30", "2026-12-02 09:30"),
    "on a Saturday night": ("2026-11-28 21:15", "2026-11-30 21:15", "2026-12-02 21:15"),
    # It is half past midnight in the office, on Saturday.
    "after midnight": ("2026-11-27 23:30", "2026-11-29 23:30", "2026-12-01 23:30"),
    # Good Friday is 3 April 2026, Easter Monday the 6th; Wednesday, 10:00.
    "Easter 2026": ("2026-04-01 08:00", "2026-04-02 08:00", "2026-04-08 08:00"),
    # Good Friday is 26 March 2027, summer time begins on Easter Sunday, the 28th; Thursday, 16:00.
    "Easter 2027": ("2027-03-25 15:00", "2027-03-30 14:00", "2027-04-01 14:00"),
    # Christmas Day is a Friday, Boxing Day a Saturday; Christmas Eve and New Year's Eve are working days.
    "before Christmas Eve": ("2026-12-23 09:30", "2026-12-24 09:30", "2026-12-29 09:30"),
    "on Christmas Eve": ("2026-12-24 09:30", "2026-12-28 09:30", "2026-12-30 09:30"),
    "over New Year": ("2026-12-30 09:30", "2026-12-31 09:30", "2027-01-05 09:30"),
    "on New Year's Eve": ("2026-12-31 09:30", "2027-01-04 09:30", "2027-01-06 09:30"),
    # Summer time begins on Sunday, 29 March 2026, and ends on Sunday, 25 October 2026; Friday, 09:30.
    "summer time begins": ("2026-03-27 08:30", "2026-03-30 07:30", "2026-04-01 07:30"),
    "summer time ends": ("2026-10-23 07:30", "2026-10-26 08:30", "2026-10-28 08:30"),
    # 02:30 comes twice that night.
    "in the hour that comes twice, first": ("2026-10-25 00:30", "2026-10-26 01:30", "2026-10-28 01:30"),
    "in the hour that comes twice, again": ("2026-10-25 01:30", "2026-10-26 01:30", "2026-10-28 01:30"),
}


@pytest.mark.parametrize(("asked", "first", "last"), VECTORS.values(), ids=VECTORS)
def test_days_and_hours(asked_at, run_worker_at, ticket, reminders_to, asked, first, last):
    asked_at(utc(asked))
    for sent, moment in enumerate((utc(first), utc(last))):
        assert ticket().remind_at == moment
        run_worker_at(moment - SECOND)
        assert (len(reminders_to(BERND)), len(reminders_to(PETRA))) == (sent, sent)
        run_worker_at(moment)
        assert (len(reminders_to(BERND)), len(reminders_to(PETRA)), ticket().reminders) == (sent + 1,) * 3
    assert ticket().remind_at is None


def test_each_once(asked_at, run_worker_at, reminders_to, events):
    asked_at(NOW)
    for days in range(1, 15):
        for minutes in (0, 1):
            run_worker_at(NOW + timedelta(days=days, minutes=minutes))
    assert len(reminders_to(BERND)) == 2
    assert events()[2:] == [(EventKind.REMINDED, "Portal", "Bernd Brot, Petra Mehl")] * 2
    first, last = map(text_of, reminders_to(BERND))
    assert "Das ist die letzte Erinnerung; danach rufen wir Sie an." in last
    assert "letzte Erinnerung" not in first
    assert "Der Drucker zieht kein Papier ein." in first


def test_after_a_downtime_one_mail_replaces_both(asked_at, run_worker_at, reminders_to, ticket):
    asked_at(NOW)
    for days in (9, 10, 20):
        run_worker_at(NOW + timedelta(days=days))
        assert len(reminders_to(BERND)) == 1
        assert (ticket().reminders, ticket().remind_at) == (2, None)
    assert "Das ist die letzte Erinnerung; danach rufen wir Sie an." in text_of(reminders_to(BERND)[0])


def test_late_first_reminder_does_not_move_the_last(asked_at, run_worker_at, ticket):
    asked_at(NOW)
    run_worker_at(NOW + timedelta(days=2, hours=5))
    assert (ticket().reminders, ticket().remind_at) == (1, NOW + timedelta(days=3))


def test_reminder_renews_the_link(asked_at, run_worker_at, mailbox, anna):
    asked_at(NOW)
    path = path_in(mailbox.last_to(BERND), "/freigabe/")
    run_worker_at(NOW + timedelta(days=1))
    run_worker_at(NOW + timedelta(days=3))
    for days, status in ((30, 200), (33, 404)):
        run_worker_at(NOW + timedelta(days=days) - SECOND)
        assert anna.get(path).status == 200
        run_worker_at(NOW + timedelta(days=days))
        assert anna.get(path).status == status


@pytest.mark.parametrize("slug", ["freigeben", "ablehnen", "stornieren"])
def test_no_reminder_after_a_decision_or_closing(asked_at, run_worker_at, ticket_page, reminders_to, slug):
    asked_at(NOW)
    ticket_page().act(slug, "Bernd Brot, am Telefon")
    for days in (1, 3, 9):
        run_worker_at(NOW + timedelta(days=days))
    assert reminders_to(BERND) == []


def test_reminder_goes_to_approvers_who_are_not_absent_that_day(asked_at, run_worker_at, reminders_to, events):
    with database.connection_context():
        Contact.update(absent_until=NOW.date()).where(Contact.email == BERND).execute()
        Contact.update(absent_from=NOW.date() + timedelta(days=1)).where(Contact.email == PETRA).execute()
    asked_at(NOW)
    assert events()[-1][2] == "Petra Mehl"
    run_worker_at(NOW + timedelta(days=1))
    assert (len(reminders_to(BERND)), len(reminders_to(PETRA))) == (1, 0)
    assert path_in(reminders_to(BERND)[0], "/freigabe/")


def test_customer_is_not_reminded_while_locked(asked_at, run_worker_at, reminders_to, ticket):
    asked_at(NOW)
    with database.connection_context():
        customers.lock(Customer.get(), NOW)
    run_worker_at(NOW + timedelta(days=1))
    assert (reminders_to(BERND), ticket().reminders) == ([], 0)
    with database.connection_context():
        customers.unlock(Customer.get())
    run_worker_at(NOW + timedelta(days=2))
    assert len(reminders_to(BERND)) == 1


def test_a_failing_reminder_does_not_hold_up_others(
    asked_at, run_worker_at, reminders_to, monkeypatch, caplog, tickets
):
    asked_at(NOW)
    asked_at(NOW, description="Das Papier ist alle.")
    to_approvers, first = messages.to_approvers, tickets()[0].id

    def fail_once(kind, ticket, *arguments, **said):
        if ticket.id == first:
            raise RuntimeError("brought about by the test")
        to_approvers(kind, ticket, *arguments, **said)

    with monkeypatch.context() as patch:
        patch.setattr(messages, "to_approvers", fail_once)
        run_worker_at(NOW + timedelta(days=1))
    assert "An eine Freigabe ließ sich nicht erinnern" in caplog.text
    assert ["Papier ist alle" in text_of(mail) for mail in reminders_to(BERND)] == [True]
    assert [ticket.reminders for ticket in tickets()] == [0, 1]
    run_worker_at(NOW + timedelta(days=1, minutes=1))
    assert [ticket.reminders for ticket in tickets()] == [1, 1]


def test_then_heute_shows_it(asked_at, run_worker_at, clara):
    asked_at(NOW)
    for days, is_overdue in ((0, False), (1, False), (3, True)):
        run_worker_at(NOW + timedelta(days=days))
        assert (clara.get("/verwaltung/").element("stuck") is not None) == is_overdue


def test_asking_again_takes_it_from_heute(asked_at, run_worker_at, clara, ticket_page):
    asked_at(NOW)
    run_worker_at(NOW + timedelta(days=3))
    ticket_page().act("freigabe-anfragen")
    assert clara.get("/verwaltung/").element("stuck") is None


def test_no_reminder_if_somebody_decided_meanwhile(asked_at, ticket_page, reminders_to, tickets, app):
    asked_at(NOW)
    due = NOW + timedelta(days=1)
    with database.connection_context():
        (ticket_id,) = approvals.due_reminders(due)
    ticket_page().act("freigeben", "Bernd Brot, am Telefon")
    with app.app_context(), database.connection_context():
        approvals.remind(ticket_id, due)
        delivery.deliver_mails(due)
    assert reminders_to(BERND) == []


def test_no_reminder_if_approval_was_requested_again_meanwhile(asked_at, reminders_to, tickets, app):
    asked_at(NOW)
    with app.app_context(), database.connection_context():
        approvals.remind(tickets()[0].id, NOW)
        delivery.deliver_mails(NOW)
    assert reminders_to(BERND) == []
    assert tickets()[0].reminders == 0
