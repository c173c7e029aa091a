"""From a submission to a ticket: store it in the same way for everyone, and decide about it later in the background."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from peewee import ModelSelect, fn

from clock import TIME_ZONE
from database import prepared, transaction
from enums import (
    CODE_ALPHABET,
    CODE_LENGTH,
    PORTAL_ACTOR,
    Approval,
    Category,
    Channel,
    EventKind,
    Priority,
    SubmissionState,
    UnmatchedReason,
)
from models import Customer, Staff, Submission, Ticket
from services import disk, search, workdays
from services.customers import customers, pins
from services.files import attachments
from services.intake import unmatched
from services.mail import messages
from services.security import pin_lockout, rate_limit, shares
from services.security.audit_log import SecurityEvent, log_event
from services.security.ip_networks import site_of
from services.tickets import approvals, events
from settings import settings

# The text of a ticket's first event.
MATCHED, TAKEN_AT_THE_PHONE = "Kundennummer und PIN stimmen.", "Am Telefon aufgenommen."

# The reasons that are, or may be, a guess at the current PIN, and their entries in the audit log.
_SECURITY_EVENTS = {
    UnmatchedReason.WRONG_PIN: SecurityEvent.PIN_WRONG,
    UnmatchedReason.GUESSED: SecurityEvent.CORRECT_PIN_DURING_LOCKOUT,
}

# Longer than creating the tickets of a batch with their mails takes: the wait of other writers must not reveal that one
# was made.
MIN_BATCH_SECONDS = 0.15

MAX_CODE_DRAWS = 3

_with_key = prepared(lambda key: Submission.select(Submission.id).where(Submission.draft == key))
_with_code = prepared(lambda code: Submission.select(Submission.id).where(Submission.code == code))
_pending_count = prepared(lambda: Submission.pending().select(fn.COUNT(Submission.id)).order_by())
_pending_at_most = prepared(
    lambda: Submission.select(fn.MAX(Submission.id) + 1 - Submission.pending().select(Submission.id).limit(1))
)

# The fields of a request form, by column of Submission.
Answers = dict[str, object]


class AlreadySent(Exception):
    """Other content was sent before with the same submission key; carries that submission."""

    def __init__(self, submission: Submission) -> None:
        super().__init__(submission.code)
        self.submission = submission


class NoLongerUnmatched(Exception):
    """Somebody else has turned the submission into a ticket or discarded it."""


def receive(
    submission_key: str, answers: Answers, pin_proof: str, files: int | None, ip: str, now: datetime
) -> Submission:
    """Store what somebody sent and return the submission, in the same way whether number and PIN match or not.

    files: how many files the form showed; None if its kind takes none. Raises FilesGone if there are fewer now.

    A second call with the same submission key and content returns what the first one stored;
    other content with a used key raises AlreadySent. Raises TooManySubmissions or QueueFull if too much comes at once.
    """
    _check_limits(submission_key, ip, now)
    sent = answers | {"channel": Channel.WEB}
    return _store_once(submission_key, sent, files, now, pin_proof=pin_proof, address=ip)


def take_call(
    submission_key: str, answers: Answers, customer: Customer, by: Staff, files: int | None, now: datetime
) -> Submission:
    """Store what a caller asked a member of staff for, open its ticket at once, and return the submission.

    No PIN is checked: the member of staff vouches for the caller. A used submission key is treated as in receive.
    Raises UserError for a locked customer.
    """
    sent = answers | {"channel": Channel.PHONE}

    def open_ticket(submission: Submission) -> None:
        _open_ticket(submission, customers.require_unlocked(customer), by.name, TAKEN_AT_THE_PHONE, now)

    return _store_once(submission_key, sent, files, now, open_ticket, state=SubmissionState.ADMITTED)


def admit(submissions: Iterable[Submission], now: datetime) -> dict[int, Exception]:
    """Decide about pending submissions: open the ticket of each, or mark it unmatched with the reason.

    All are decided in one transaction. Returns the errors of those that failed, by their ids; they stay pending. Only
    the worker calls this, never a web request: the result of the PIN check must not show.
    """
    errors: dict[int, Exception] = {}

    @contextmanager
    def alone(submission: Submission) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # A full disk is not this submission's fault.
            if disk.is_full(error):
                raise
            errors[submission.id] = error

    checks, guesses = {}, []
    for submission in submissions:
        with alone(submission):
            checks[submission] = pins.check_proof(submission.customer_number, submission.pin_proof, now)
    with transaction(MIN_BATCH_SECONDS):
        for submission, check in checks.items():
            with alone(submission), transaction():
                if guess := _decide(submission, check, now):
                    guesses.append((guess, submission))
    # After the commit: a batch that was rolled back is decided again.
    for guess, submission in guesses:
        log_event(guess, submission.address, customer=submission.customer_number)
    return errors


def convert(submission: Submission, customer: Customer, by: Staff, confirmed_by: str, now: datetime) -> Ticket:
    """Turn an unmatched submission into a ticket for a customer.

    confirmed_by: a note on who at the customer's confirmed the request. Raises NoLongerUnmatched, and UserError for a
    locked customer.
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
        return _open_ticket(submission, customers.require_unlocked(customer), by.name, why, now)


def with_open_receipt(now: datetime) -> ModelSelect:
    """Return the query of the submissions whose receipt can still be opened.

    The age limit is the same for all, whether they matched or not and whatever staff did with them.
    """
    is_open = Submission.id > unmatched.last_closed_receipt_id()
    return Submission.select().where(Submission.received_at > now - settings.receipt_lifetime, is_open)


def lead_time_missed(submission: Submission) -> bool:
    """Say whether a new employee was reported later than the lead time asks for."""
    if submission.category is not Category.NEW_EMPLOYEE:
        return False
    reported_on = submission.received_at.astimezone(TIME_ZONE).date()
    return reported_on > workdays.last_day_in_time(submission.entry_date, settings.federal_state)


def _store_once(
    submission_key: str,
    sent: Answers,
    files: int | None,
    now: datetime,
    then: Callable[[Submission], object] | None = None,
    **facts: object,
) -> Submission:
    """Store a submission with its files and do what follows from it, once per submission key, in one transaction."""
    with transaction():
        known = Submission.get(Submission.draft == submission_key) if _is_used(submission_key) else None
        if known and not with_open_receipt(now).where(Submission.id == known.id).exists():
            # Its receipt is closed and must not be shown: the key counts as new.
            Submission.update(draft=secrets.token_urlsafe(16)).where(Submission.id == known.id).execute()
            known = None
        if known is None:
            submission = Submission.create(draft=submission_key, code=_unused_code(), received_at=now, **facts, **sent)
            if files is not None:
                attachments.adopt(submission_key, submission, expected=files)
            if then:
                then(submission)
            return submission
    is_other = any(getattr(known, name) != value for name, value in sent.items())
    if is_other or (attachments.remove_duplicates(submission_key, known.attachments) and files is not None):
        raise AlreadySent(known)
    return known


def _is_used(submission_key: str) -> bool:
    return _with_key(submission_key).fetchone() is not None


def _unused_code() -> str:
    """Return a random code that no submission has; if all draws are taken, storing the last raises IntegrityError."""
    for _ in range(MAX_CODE_DRAWS):
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        if not _with_code(code).fetchone():
            break
    return code


def _check_limits(submission_key: str, ip: str, now: datetime) -> None:
    """Raise TooManySubmissions or QueueFull, except for a repetition of what is stored already."""
    if _is_used(submission_key) and with_open_receipt(now).where(Submission.draft == submission_key).exists():
        return
    if _is_queue_full():
        pending = Submission.pending().select(Submission.address).tuples()
        if not shares.may_grow(site_of(ip), (site_of(address) for (address,) in pending)):
            raise rate_limit.QueueFull(timedelta(minutes=1))
    rate_limit.consume(rate_limit.TooManySubmissions, ip, now)


def _is_queue_full() -> bool:
    # Counting takes longer the more there are; mostly the number of ids since the oldest one tells enough.
    at_most = _pending_at_most().fetchone()[0] or 0
    return at_most >= settings.max_pending and _pending_count().fetchone()[0] >= settings.max_pending


def _decide(submission: Submission, check: pins.PinCheck, now: datetime) -> SecurityEvent | None:
    """Decide about a submission and return the entry for the audit log, if it was a guess at a PIN."""
    # While the PIN was checked, the customer may have been locked or changed, or another PIN tried.
    customer, reason = check.customer and Customer.get_by_id(check.customer.id), check.reason
    is_locked_out = customer is not None and pin_lockout.is_locked_out(customer, submission.address, now)
    if customer and reason is None and (customer.locked_at or is_locked_out):
        reason = UnmatchedReason.CUSTOMER_LOCKED if customer.locked_at else UnmatchedReason.GUESSED
    decided = (
        Submission.update(
            state=SubmissionState.UNMATCHED if reason else SubmissionState.ADMITTED,
            unmatched_reason=reason,
            pin_proof=None,
            # The sender's address is kept only while the customer is unknown.
            address=submission.address if reason else "",
        )
        .where(Submission.id == submission.id, Submission.state == SubmissionState.PENDING)
        .execute()
    )
    if decided and reason and submission.priority is Priority.HIGH:
        submission.unmatched_reason = reason
        if unmatched.is_urgent(submission, now):
            messages.urgent_unmatched(submission, now)
    if customer and decided and reason is None:
        pins.renew_hash(customer, check.pin_hash)
        pin_lockout.remember_sender(customer, submission.address, now)
        _open_ticket(submission, customer, PORTAL_ACTOR, MATCHED, now)
    elif customer and decided and reason in _SECURITY_EVENTS:
        _count_wrong_pin(customer, submission.address, reason, is_locked_out, now)
        return _SECURITY_EVENTS[reason]
    return None


def _count_wrong_pin(customer: Customer, ip: str, reason: UnmatchedReason, is_locked_out: bool, now: datetime) -> None:
    """Count a wrong PIN until the budget is used up, and then tell the customer."""
    if reason is UnmatchedReason.WRONG_PIN and not is_locked_out:
        pin_lockout.record_wrong_pin(customer, ip, now)
    is_own = pin_lockout.is_customer_locked_out(customer, now)
    if (is_own or reason is UnmatchedReason.GUESSED) and pin_lockout.claim_notice(customer, now):
        messages.pin_lockout_notice(customer, is_own, now)


def _open_ticket(submission: Submission, customer: Customer, actor: str, why: str, now: datetime) -> Ticket:
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
        approvals.request_approval(ticket, PORTAL_ACTOR, now)
        ticket.save(only=[Ticket.remind_at, Ticket.reminders])
    if ticket.approval is Approval.NOT_REQUIRED or submission.priority is Priority.HIGH or ticket.lead_time_missed:
        messages.new_ticket(ticket, now)
    return ticket
