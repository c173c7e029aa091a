"""From what somebody sent to a ticket: receive for everyone alike, decide later and out of sight."""

import secrets
from datetime import timedelta
from functools import partial

from peewee import IntegrityError

import enums
from clock import TIME_ZONE
from database import transaction
from enums import (
    CODE_ALPHABET,
    CODE_LENGTH,
    Approval,
    Category,
    Channel,
    EventKind,
    Priority,
    SubmissionState,
    UnmatchedReason,
)
from models import Customer, Submission, Ticket
from services import search, workdays
from services.customers import customers, pins
from services.files import attachments
from services.intake import unmatched
from services.mail import messages
from services.security import pin_lockout, rate_limit
from services.security.audit_log import SecurityEvent, log_event
from services.tickets import approvals, events, locking
from settings import settings

# What a ticket's history begins with.
MATCHED, TAKEN_AT_THE_PHONE = "Kundennummer und PIN stimmen.", "Am Telefon aufgenommen."

# What is a guess at a PIN in force, or may be one, and how the log calls it.
_SECURITY_EVENTS = {
    UnmatchedReason.WRONG_PIN: SecurityEvent.PIN_WRONG,
    UnmatchedReason.GUESSED: SecurityEvent.CORRECT_PIN_DURING_LOCKOUT,
}

# Longer than a ticket takes with all its mails: whoever waits to write meanwhile must not learn that there is one.
MIN_DECISION_SECONDS = 0.1

ONE_MINUTE = timedelta(minutes=1)


class AlreadySent(Exception):
    """Another text was sent before with the same submission key; carries that submission."""

    def __init__(self, submission):
        super().__init__(submission.code)
        self.submission = submission


class NoLongerUnmatched(Exception):
    """Somebody else was faster: the submission has become a ticket, or it is gone."""


def receive(submission_key, answers, pin_proof, with_attachments, ip, now):
    """Store what somebody sent and return the submission; the same for everyone, whether number and PIN match or not.

    A second call with the same submission key and content returns what the first one stored. Other content with a used
    key raises AlreadySent: it is a new request, from a page that the browser kept. Raises RateLimited or QueueFull if
    too much comes at once.
    """
    _check_limits(submission_key, ip, now)
    sent = answers | {"channel": Channel.WEB}
    return _store_once(submission_key, sent, with_attachments, pin_proof=pin_proof, address=ip, received_at=now)


def take_call(submission_key, answers, customer, by, with_attachments, now):
    """Store what a caller asked a member of staff for, open its ticket at once, and return the submission.

    Who calls is known to the person at the phone, so no PIN is asked. A used submission key is treated as in receive.
    Raises UserError for a locked customer.
    """
    sent = answers | {"channel": Channel.PHONE}
    open_ticket = partial(_open_ticket_by_staff, customer=customer, by=by, why=TAKEN_AT_THE_PHONE, now=now)
    return _store_once(
        submission_key, sent, with_attachments, open_ticket, state=SubmissionState.ADMITTED, received_at=now
    )


def admit(submission, now):
    """Decide about a pending submission: make its ticket, or leave it unmatched with the reason.

    Slow because of the PIN check, and therefore never called while somebody waits for an answer.
    """
    customer, match = pins.check_proof(submission.customer_number, submission.pin_proof, now)
    with transaction(MIN_DECISION_SECONDS):
        # Somebody may have locked or changed the customer while the PIN was checked, or tried another.
        customer = customer and Customer.get_by_id(customer.id)
        is_locked_out = customer is not None and pin_lockout.is_locked_out(customer, submission.address, now)
        reason = _unmatched_reason(customer, match, is_locked_out)
        decided = (
            Submission.update(
                state=SubmissionState.UNMATCHED if reason else SubmissionState.ADMITTED,
                unmatched_reason=reason,
                pin_proof=None,
                # Whence it came matters only while nobody knows from whom it is.
                address=submission.address if reason else "",
            )
            .where(Submission.id == submission.id, Submission.state == SubmissionState.PENDING)
            .execute()
        )
        if decided and reason is None:
            _open_ticket(submission, customer, enums.PORTAL_ACTOR, MATCHED, now)
        elif decided and reason in _SECURITY_EVENTS:
            _count_wrong_pin(customer, submission.address, reason, is_locked_out, now)
    if decided and reason in _SECURITY_EVENTS:
        log_event(_SECURITY_EVENTS[reason], submission.address, customer=customer.number)


def convert(submission, customer, by, confirmed_by, now):
    """Turn an unmatched submission into a ticket for a customer; a note says who confirmed that it is theirs.

    Raises NoLongerUnmatched, and UserError for a locked customer.
    """
    why = f"aus „Nicht zugeordnet“ ({submission.unmatched_reason.label}), bestätigt: {confirmed_by}"
    with transaction():
        converted = (
            Submission.update(state=SubmissionState.ADMITTED, unmatched_reason=None, address="")
            .where(Submission.id == submission.id, Submission.state == SubmissionState.UNMATCHED)
            .execute()
        )
        if not converted:
            raise NoLongerUnmatched
        return _open_ticket_by_staff(submission, customer, by, why, now)


def with_open_receipt(now):
    """Return what its senders can still ask for.

    For everybody alike, whether it matched or not and whatever the office has done with it, up to the same age.
    """
    is_open = Submission.id > unmatched.last_closed_receipt_id()
    return Submission.received_after(now - settings.receipt_lifetime).where(is_open)


def lead_time_missed(submission):
    """Say whether a new employee was reported too late for the promised lead time."""
    if submission.category is not Category.NEW_EMPLOYEE:
        return False
    reported_on = submission.received_at.astimezone(TIME_ZONE).date()
    return reported_on > workdays.last_day_in_time(submission.entry_date, settings.federal_state)


def _store_once(submission_key, sent, with_attachments, then=None, **facts):
    """Store a submission once per submission key, with all that follows from it, in one transaction."""
    while True:
        try:
            with transaction():
                submission = Submission.create(draft=submission_key, code=_new_code(), **facts, **sent)
                if with_attachments:
                    attachments.adopt(submission_key, submission)
                if then:
                    then(submission)
                return submission
        except IntegrityError:
            known = with_open_receipt(facts["received_at"]).where(Submission.draft == submission_key).get_or_none()
            if known is None:
                # Either the code is taken, once in a lifetime, or the key was used by something nobody can ask for now.
                _free(submission_key)
                continue
            if _differs(known, sent) or (
                attachments.remove_duplicates(submission_key, known.attachments) and with_attachments
            ):
                raise AlreadySent(known) from None
            return known


def _check_limits(submission_key, ip, now):
    """Raise Flood if too much has come from this address or waits from everybody; what is stored already passes."""
    if with_open_receipt(now).where(Submission.draft == submission_key).exists():
        return
    if Submission.pending().count() >= settings.max_pending:
        raise rate_limit.QueueFull(ONE_MINUTE)
    rate_limit.consume(rate_limit.RateLimit.SUBMISSIONS, ip, now)


def _free(submission_key):
    with transaction():
        Submission.update(draft=secrets.token_urlsafe(16)).where(Submission.draft == submission_key).execute()


def _differs(submission, answers):
    return any(getattr(submission, name) != value for name, value in answers.items())


def _count_wrong_pin(customer, ip, reason, is_locked_out, now):
    """Count a wrong PIN while there is a budget for it, and tell the customer once it is used up."""
    if reason is UnmatchedReason.WRONG_PIN and not is_locked_out:
        pin_lockout.record_wrong_pin(customer, ip, now)
    is_own = pin_lockout.is_customer_locked_out(customer, now)
    if (is_own or reason is UnmatchedReason.GUESSED) and pin_lockout.claim_notice(customer, now):
        messages.pin_lockout_notice(customer, is_own, now)


def _unmatched_reason(customer, match, is_locked_out):
    if customer is None:
        return UnmatchedReason.UNKNOWN_NUMBER
    if match is pins.PinMatch.FORMER:
        return UnmatchedReason.FORMER_PIN
    if match is pins.PinMatch.WRONG:
        return UnmatchedReason.WRONG_PIN
    if customer.locked_at:
        return UnmatchedReason.CUSTOMER_LOCKED
    if is_locked_out:
        return UnmatchedReason.GUESSED
    return None


def _open_ticket_by_staff(submission, customer, by, why, now):
    return _open_ticket(submission, customers.require_unlocked(customer), by.name, why, now)


def _open_ticket(submission, customer, actor, why, now):
    ticket = Ticket.create(
        submission=submission,
        customer=customer,
        category=submission.category,
        rank=submission.priority.rank,
        approval=Approval.PENDING if customer.approvers.exists() else Approval.NOT_REQUIRED,
        due_on=submission.entry_date,
        lead_time_missed=lead_time_missed(submission),
        created_at=now,
    )
    search.add(ticket)
    events.record(ticket, EventKind.OPENED, actor, now, why)
    messages.confirmation(ticket, now)
    if ticket.approval is Approval.PENDING:
        with locking.locked_ticket(ticket):
            approvals.request_approval(ticket, enums.PORTAL_ACTOR, now)
    if ticket.approval is Approval.NOT_REQUIRED or submission.priority is Priority.HIGH:
        messages.new_ticket(ticket, now)
    return ticket


def _new_code():
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
