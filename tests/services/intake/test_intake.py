"""From a submission to a ticket: the exact edges of the rules, and what others do while a decision is being made."""

import secrets
from datetime import timedelta

import pytest
from peewee import IntegrityError

from database import database
from enums import Category, Priority
from models import Customer, Staff, Submission, Ticket, WrongPin
from services.background.worker import Worker
from services.customers import customers, pins
from services.errors import UserError
from services.intake import intake, unmatched
from settings import settings
from tests.support.cast import NOW
from tests.support.unmatched import add_unmatched

SECOND = timedelta(seconds=1)
CALL = {
    "customer_number": "K1001",
    "name": "Anna Sommer",
    "phone": "0211 555-0101",
    "category": Category.OTHER,
    "priority": Priority.LOW,
}


@pytest.fixture
def draw_codes(monkeypatch):
    """Determine which codes are drawn next."""

    def draw(*codes):
        signs = iter("".join(codes))
        monkeypatch.setattr(secrets, "choice", lambda alphabet: next(signs))

    return draw


def test_a_code_that_is_taken_is_drawn_again(anna, submissions, draw_codes):
    draw_codes("AAAABBBB", "AAAABBBB", "AAAABBBB", "CCCCDDDD")
    anna.report("incident")
    anna.report("incident")
    assert [submission.code for submission in submissions()] == ["AAAABBBB", "CCCCDDDD"]


def test_codes_are_not_drawn_for_ever(clara, anna, draw_codes, db):
    draw_codes("AAAABBBB", *["AAAABBBB"] * intake.MAX_CODE_DRAWS)
    member, customer = Staff.get(), Customer.get()
    intake.take_call("one", CALL, customer, member, False, NOW)
    with pytest.raises(IntegrityError):
        intake.take_call("two", CALL, customer, member, False, NOW)
    assert (Submission.select().count(), Ticket.select().count()) == (1, 1)


@pytest.mark.parametrize(("later", "is_open"), [(-SECOND, True), (timedelta(0), False), (SECOND, False)])
def test_a_receipt_is_open_for_its_hours_and_its_key_is_free_afterwards(db, later, is_open):
    first = intake.receive("key", CALL, "proof", 0, "203.0.113.7", NOW)
    moment = NOW + settings.receipt_lifetime + later
    assert (first in intake.with_open_receipt(moment)) == is_open
    assert (intake.receive("key", CALL, "proof", 0, "203.0.113.7", moment) == first) == is_open
    assert Submission.select().count() == (1 if is_open else 2)


def test_the_key_of_what_was_discarded_is_free_once_its_receipt_is_closed(db):
    first = intake.receive("key", CALL, "proof", 0, "203.0.113.7", NOW)
    Submission.update(state="discarded", pin_proof=None).execute()
    later = NOW + settings.receipt_lifetime
    assert intake.receive("key", CALL, "proof", 0, "203.0.113.7", later - SECOND) == first
    second = intake.receive("key", CALL | {"name": "Carla Sommer"}, "proof", 0, "203.0.113.7", later)
    assert (second.name, second.draft) == ("Carla Sommer", "key")


def test_a_decision_is_made_once_though_two_workers_look_at_the_same(anna, dora, run_worker, submissions, tickets):
    anna.report("incident")
    dora.report("incident")
    waiting = submissions()
    run_worker()
    with database.connection_context():
        assert intake.admit(waiting, NOW) == {}
        assert WrongPin.select().count() == 1
    assert [submission.state for submission in submissions()] == ["admitted", "unmatched"]
    assert len(tickets()) == 1


def test_what_another_worker_has_decided_meanwhile_is_passed_over(
    anna, run_worker, submissions, tickets, monkeypatch, caplog
):
    for _ in range(2):
        anna.report("incident")
    check = pins.check_proof

    def check_beside_another_worker(*arguments):
        monkeypatch.setattr(pins, "check_proof", check)
        assert Worker().decide(NOW) == 2
        return check(*arguments)

    monkeypatch.setattr(pins, "check_proof", check_beside_another_worker)
    run_worker()
    assert [submission.state for submission in submissions()] == ["admitted", "admitted"]
    assert len(tickets()) == 2
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_customer_who_is_locked_while_the_pin_is_checked_gets_no_ticket(
    anna, run_worker, submissions, tickets, monkeypatch
):
    check = pins.check_proof

    def lock_meanwhile(*arguments):
        result = check(*arguments)
        customers.lock(Customer.get(), NOW)
        return result

    monkeypatch.setattr(pins, "check_proof", lock_meanwhile)
    anna.report("incident")
    run_worker()
    assert [submission.unmatched_reason for submission in submissions()] == ["customer_locked"]
    assert tickets() == []


def test_a_customer_who_is_locked_after_many_guesses_is_not_to_be_called_back(anna, dora, run_worker, submissions):
    for _ in range(settings.wrong_pins_per_day):
        dora.report("incident")
    run_worker()
    anna.report("incident")
    run_worker()
    with database.connection_context():
        customers.lock(Customer.get(), NOW)
    anna.report("incident")
    run_worker()
    assert [submission.unmatched_reason for submission in submissions()[-2:]] == ["guessed", "customer_locked"]


@pytest.fixture
def two_unmatched(app):
    """Two unmatched submissions."""
    add_unmatched(0, 2)


def test_no_ticket_for_a_customer_who_is_locked_while_a_form_of_staff_is_open(clara, anna, two_unmatched, db):
    submission, customer, member = Submission.get(), Customer.get(), Staff.get()
    customers.lock(Customer.get(), NOW)
    with pytest.raises(UserError, match="ist gesperrt"):
        intake.convert(submission, customer, member, "Anna, am Telefon", NOW)
    with pytest.raises(UserError, match="ist gesperrt"):
        intake.take_call("key", CALL, customer, member, False, NOW)
    assert [submission.state for submission in Submission] == ["unmatched"] * 2


def test_what_was_converted_or_discarded_meanwhile_is_not_converted(clara, anna, two_unmatched, db):
    (first, second), customer, member = list(Submission), Customer.get(), Staff.get()
    intake.convert(first, customer, member, "Anna, am Telefon", NOW)
    unmatched.discard(second, NOW)
    for submission in (first, second):
        with pytest.raises(intake.NoLongerUnmatched):
            intake.convert(submission, customer, member, "Anna, am Telefon", NOW)
    assert Ticket.select().count() == 1
    assert unmatched.discard(first, NOW) == 0


def test_a_running_portal_keeps_the_key_of_its_start(anna, run_worker, tickets):
    anna.report("incident")
    settings.secret_key_path.unlink()
    anna.report("incident")
    run_worker()
    assert len(tickets()) == 2
