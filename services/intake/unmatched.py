"""Submissions whose number and PIN do not match: list them in groups, discard them, limit their number and size."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from peewee import JOIN, Expression, ModelSelect, fn

from database import transaction
from enums import MEBIBYTE, MessageKind, Priority, SubmissionState, UnmatchedReason
from models import DISCARDED_PREFIX, Attachment, Customer, Message, Submission
from services.files import attachments
from services.security import shares
from services.security.ip_networks import site_of
from services.security.shares import Place
from settings import settings

GROUPS_PER_PAGE = 20
GROUP_PREVIEW_SIZE = 10
ROWS_PER_PAGE = 50
DELETE_BATCH_SIZE = 500

MAX_URGENT_MAILS_PER_HOUR = 10

# The texts of discarded submissions may have this many characters in all, enough for thousands; beyond it the oldest
# receipts close. Each counts with its two long texts and the most that its other fields can hold.
MAX_DISCARDED_CHARACTERS, ROW_OVERHEAD_CHARACTERS = 32 * 1024 * 1024, 2000

HAS_CORRECT_PIN = Submission.unmatched_reason == UnmatchedReason.GUESSED
_IS_DISCARDED = Submission.state == SubmissionState.DISCARDED
# A submission always has a customer number.
_IS_TOMBSTONE = Submission.customer_number == ""


@dataclass
class Group:
    """The unmatched submissions with one customer number from one IP address; it holds the newest of them."""

    customer_number: str
    ip: str
    count: int
    customer: Customer | None
    reasons: list[str]
    submissions: list[Submission]


def groups(before: int | None = None) -> tuple[list[Group], int | None]:
    """Return a page of groups, the one with the newest submission first, and the `before` of the next page, or None."""
    newest = fn.MAX(Submission.id)
    query = (
        Submission.unmatched()
        .select(Submission.customer_number, Submission.address, fn.COUNT(Submission.id), newest)
        .group_by(Submission.customer_number, Submission.address)
        .order_by(newest.desc())
        .limit(GROUPS_PER_PAGE + 1)
    )
    rows = list((query.having(newest < before) if before else query).tuples())
    shown = rows[:GROUPS_PER_PAGE]
    # The worker may have deleted a group since the query.
    page = [group for group in map(_group, shown) if group.submissions]
    return page, shown[-1][-1] if len(rows) > GROUPS_PER_PAGE else None


def with_correct_pin() -> list[Submission]:
    """Return the newest submissions with the correct PIN during a lockout, so that wrong ones do not hide them."""
    return list(Submission.unmatched().where(HAS_CORRECT_PIN).limit(ROWS_PER_PAGE))


def group_of(submission: Submission) -> ModelSelect:
    """Return the query of a submission and the older ones of its group, newest first."""
    return _members(submission.customer_number, submission.address, submission.id)


def page_of_group(submission: Submission) -> tuple[list[Submission], Submission | None]:
    """Return a page of group_of and the first submission of the next page, or None."""
    rows = list(group_of(submission).limit(ROWS_PER_PAGE + 1))
    return rows[:ROWS_PER_PAGE], rows[ROWS_PER_PAGE] if len(rows) > ROWS_PER_PAGE else None


def discard(submission: Submission, now: datetime) -> int:
    """Delete an unmatched submission with its files; return the number deleted, 0 if it is no longer unmatched."""
    return _delete(Submission.id == submission.id, now)


def discard_group(submission: Submission, now: datetime) -> int:
    """Delete a submission and the older ones of its group; return the number deleted."""
    return _delete(Submission.id.in_(group_of(submission).select(Submission.id)), now)


def overdue(moment: datetime) -> ModelSelect:
    """Return the query of the submissions that at a moment will have been unmatched longer than the configured days."""
    return Submission.unmatched().where(Submission.received_at < moment - timedelta(days=settings.unmatched_days))


def is_urgent(submission: Submission, now: datetime) -> bool:
    """Say whether to tell the office about an unmatched request with high priority, just decided.

    One with the right PIN always counts. Of the others, anybody can send many: one an hour in each group counts, and
    only so many in all.
    """
    if submission.unmatched_reason is UnmatchedReason.GUESSED:
        return True
    since = now - timedelta(hours=1)
    is_same_kind = (Message.kind == MessageKind.URGENT_UNMATCHED) & (Message.created_at > since)
    before = group_of(submission).where(
        Submission.id < submission.id, Submission.priority == Priority.HIGH, Submission.received_at > since
    )
    return not before.exists() and Message.select().where(is_same_kind).count() < MAX_URGENT_MAILS_PER_HOUR


def sweep(now: datetime) -> None:
    """Delete what is older than the configured days, and discarded submissions whose receipt is closed."""
    _delete(Submission.id.in_(overdue(now).select(Submission.id)), now)
    is_forgotten = Submission.received_at <= now - settings.receipt_lifetime
    with transaction():
        Submission.delete().where(_IS_DISCARDED, is_forgotten).execute()
    _delete_surplus_tombstones()


def last_closed_receipt_id() -> int:
    """Return the id of the newest submission whose receipt was closed early to save space, or 0."""
    return Submission.select(fn.MAX(Submission.id)).where(_IS_DISCARDED, _IS_TOMBSTONE).scalar() or 0


def make_room(now: datetime) -> int:
    """Delete what has no room by the rule of services.security.shares; return the number deleted.

    Submissions with the correct PIN go last: otherwise an attacker could displace them by trying PINs.
    """
    most, most_bytes = settings.unmatched_most, settings.unmatched_total_mib * MEBIBYTE
    size = Submission.unmatched().select(fn.SUM(Attachment.size)).join(Attachment).order_by().scalar() or 0
    if size <= most_bytes and Submission.unmatched().count() <= most:
        return 0
    ids = [place.id for place in shares.surplus(_places(), most, most_bytes)]
    # In batches, so that nobody waits long for the database.
    slices = (ids[begin : begin + DELETE_BATCH_SIZE] for begin in range(0, len(ids), DELETE_BATCH_SIZE))
    gone = sum(_delete(Submission.id.in_(some), now) for some in slices)
    if gone:
        _delete_surplus_tombstones()
    return gone


def _group(row: tuple[str, str, int, int]) -> Group:
    customer_number, ip, count, newest_id = row
    members = _members(customer_number, ip, newest_id)
    customer = Customer.get_or_none(Customer.number == customer_number)
    reasons = members.select(Submission.unmatched_reason).order_by().distinct().tuples()
    labels = sorted(reason.label for (reason,) in reasons)
    return Group(customer_number, ip, count, customer, labels, list(members.limit(GROUP_PREVIEW_SIZE)))


def _members(customer_number: str, ip: str, newest_id: int) -> ModelSelect:
    return Submission.unmatched().where(
        Submission.customer_number == customer_number, Submission.address == ip, Submission.id <= newest_id
    )


def _delete(condition: Expression, now: datetime) -> int:
    """Delete unmatched submissions, then their files; files left by a crash in between are deleted by the sweep.

    While a receipt can be opened, its row is kept as discarded: a receipt that closed sooner than others would tell its
    sender that number and PIN did not match.
    """
    doomed = (Submission.state == SubmissionState.UNMATCHED) & condition
    is_asked_for = Submission.received_at > now - settings.receipt_lifetime
    with transaction():
        files = list(Attachment.select(Attachment.id, Attachment.stored_name).join(Submission).where(doomed))
        for file in files:
            Attachment.update(stored_name=f"{DISCARDED_PREFIX}{file.id}").where(Attachment.id == file.id).execute()
        hidden = {"state": SubmissionState.DISCARDED, "unmatched_reason": None, "address": ""}
        gone = Submission.update(hidden).where(doomed, is_asked_for).execute()
        gone += Submission.delete().where(doomed).execute()
    attachments.delete_files([file.stored_name for file in files])
    return gone


def _delete_surplus_tombstones() -> None:
    """Delete the oldest discarded submissions if the texts of all take up too much.

    A tombstone stays, and the receipts of all older submissions close, whether they matched or not: if only the deleted
    ones closed, they would tell their senders that number and PIN did not match.
    """
    text_lengths = [fn.LENGTH(text).coerce(False) for text in (Submission.description, Submission.remarks)]
    query = Submission.select(Submission.id, *text_lengths).where(_IS_DISCARDED, ~_IS_TOMBSTONE)
    rows = list(query.order_by(Submission.id.desc()).tuples())
    totals = accumulate(ROW_OVERHEAD_CHARACTERS + sum(lengths) for _, *lengths in rows)
    beyond = (id for (id, *_), total in zip(rows, totals, strict=True) if total > MAX_DISCARDED_CHARACTERS)
    newest = next(beyond, None)
    if newest is None:
        return
    with transaction():
        last = Submission.get_by_id(newest)
        Submission.delete().where(_IS_DISCARDED, Submission.id <= newest).execute()
        blank = {"customer_number": "", "name": "", "phone": "", "category": last.category}
        kept = {"id": last.id, "draft": last.draft, "code": last.code, "received_at": last.received_at}
        Submission.insert(kept | blank | {"state": SubmissionState.DISCARDED}).execute()


def _places() -> list[Place]:
    """Return what each unmatched submission takes, oldest first."""
    rows = (
        Submission.unmatched()
        .select(Submission.id, Submission.address, fn.SUM(Attachment.size), HAS_CORRECT_PIN)
        .join(Attachment, JOIN.LEFT_OUTER)
        .group_by(Submission.id)
        .order_by(Submission.id)
    )
    return [Place(id, site_of(ip), size or 0, bool(has_correct_pin)) for id, ip, size, has_correct_pin in rows.tuples()]
