"""From what somebody sent to a ticket: receive for everyone alike, decide later and out of sight."""

import secrets

from peewee import IntegrityError

from models import (
    CODE_ALPHABET,
    CODE_LENGTH,
    Approval,
    Category,
    Event,
    EventKind,
    Submission,
    SubmissionState,
    Ticket,
    UnmatchedReason,
    transaction,
)
from services import accounts, attachments, search, workdays
from settings import TIME_ZONE, settings


class AlreadySent(Exception):
    """Another text was sent before with the same draft key; carries that submission."""

    def __init__(self, submission):
        super().__init__(submission.code)
        self.submission = submission


def receive(draft, answers, pin_proof, with_attachments, address, now):
    """Store what somebody sent and return the submission; the same for everyone, whether number and PIN match or not.

    A second call with the same draft key and content returns what the first one stored. Other content with a used key
    raises AlreadySent: it is a new request, from a page that the browser kept.
    """
    while True:
        try:
            with transaction():
                submission = Submission.create(
                    draft=draft, code=_new_code(), received_at=now, pin_proof=pin_proof, address=address, **answers
                )
                if with_attachments:
                    attachments.adopt(draft, submission)
                return submission
        except IntegrityError:
            known = Submission.get_or_none(Submission.draft == draft)
            if known is None:
                continue  # It was the code that is taken; once in a lifetime another one is drawn.
            if _differs(known, answers) or (attachments.drop_resent(draft, known) and with_attachments):
                raise AlreadySent(known) from None
            return known


def admit(submission, now):
    """Decide about a pending submission: make its ticket, or leave it unmatched with the reason.

    Slow because of the PIN check, and therefore never called while somebody waits for an answer.
    """
    customer, match = accounts.check_proof(submission.customer_number, submission.pin_proof)
    reason = _reason_against(customer, match)
    with transaction():
        decided = (
            Submission.update(
                state=SubmissionState.UNMATCHED if reason else SubmissionState.ADMITTED,
                unmatched_reason=reason,
                pin_proof=None,
            )
            .where(Submission.id == submission.id, Submission.state == SubmissionState.PENDING)
            .execute()
        )
        if decided and reason is None:
            _open_ticket(submission, customer, "Portal", "Kundennummer und PIN stimmen.", now)


def lead_time_missed(submission):
    """Say whether a new employee was reported too late for the promised lead time."""
    if submission.category is not Category.NEW_EMPLOYEE:
        return False
    reported_on = submission.received_at.astimezone(TIME_ZONE).date()
    return reported_on > workdays.last_day_in_time(submission.entry_date, settings.federal_state)


def _differs(submission, answers):
    return any(getattr(submission, name) != value for name, value in answers.items())


def _reason_against(customer, match):
    if customer is None:
        return UnmatchedReason.UNKNOWN_NUMBER
    if match is accounts.PinMatch.FORMER:
        return UnmatchedReason.FORMER_PIN
    if match is accounts.PinMatch.WRONG:
        return UnmatchedReason.WRONG_PIN
    if customer.locked_at:
        return UnmatchedReason.CUSTOMER_LOCKED
    return None


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
    Event.create(ticket=ticket, at=now, kind=EventKind.OPENED, actor=actor, text=why)
    return ticket


def _new_code():
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
