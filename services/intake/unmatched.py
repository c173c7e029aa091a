"""What was sent with a number and PIN that do not match: look through it in groups, discard it, keep it bounded."""

from collections import defaultdict, deque, namedtuple
from dataclasses import dataclass
from datetime import timedelta
from heapq import heapify, heappop, heappush
from operator import attrgetter

from peewee import JOIN, fn

from database import transaction
from enums import MEBIBYTE, SubmissionState, UnmatchedReason
from models import DISCARDED_PREFIX, Attachment, Customer, Submission
from services.files import attachments
from services.security.ip_networks import site_of
from settings import settings

GROUPS_PER_PAGE = 20
GROUP_PREVIEW_SIZE = 10
ROWS_PER_PAGE = 50
DELETE_BATCH_SIZE = 500

# So many signs may the texts of what is discarded have, thousands of requests; older receipts close. Beside its two
# long texts each counts as much as all others can have.
MAX_DISCARDED_CHARACTERS, ROW_OVERHEAD_CHARACTERS = 32 * 1024 * 1024, 2000

HAS_CORRECT_PIN = Submission.unmatched_reason == UnmatchedReason.GUESSED
_IS_DISCARDED = Submission.state == SubmissionState.DISCARDED
# Nobody sends a request without a customer number.
_IS_TOMBSTONE = Submission.customer_number == ""

_Load = namedtuple("_Load", "id number network size is_proven")


@dataclass
class Group:
    """What came with one customer number from one address, with the newest of it."""

    customer_number: str
    ip: str
    count: int
    customer: Customer | None
    reasons: list
    submissions: list


def groups(before=None):
    """Return a page of groups, the one with the newest submission first, and where the next page begins, or None.

    `before` is what the last page gave as the beginning of this one.
    """
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
    # The worker may have deleted one since; then there is nothing to show of it.
    page = [group for group in map(_group, shown) if group.submissions]
    return page, shown[-1][-1] if len(rows) > GROUPS_PER_PAGE else None


def with_correct_pin():
    """Return the newest of what came with the right PIN amid wrong ones: no flood of these is to hide it."""
    return list(Submission.unmatched().where(HAS_CORRECT_PIN).limit(ROWS_PER_PAGE))


def group_of(submission):
    """Return the query of what belongs to the same group and came no later, newest first."""
    return _members(submission.customer_number, submission.address, submission.id)


def page_of_group(submission):
    """Return a page of a submission's group, from it on backwards, and with what the next page begins, or None."""
    rows = list(group_of(submission).limit(ROWS_PER_PAGE + 1))
    return rows[:ROWS_PER_PAGE], rows[ROWS_PER_PAGE] if len(rows) > ROWS_PER_PAGE else None


def discard(submission, now):
    """Delete an unmatched submission with its files, and return how many were deleted: 0 if somebody was faster."""
    return _delete(Submission.id == submission.id, now)


def discard_group(submission, now):
    """Delete all of a submission's group that came no later than it, and return how many were deleted."""
    return _delete(Submission.id.in_(group_of(submission).select(Submission.id)), now)


def overdue(moment):
    """Return the query of what will have lain here longer than the configured days at a moment."""
    return Submission.unmatched().where(Submission.received_at < moment - timedelta(days=settings.unmatched_days))


def sweep(now):
    """Delete what is older than the configured days."""
    _delete(Submission.id.in_(overdue(now).select(Submission.id)), now)
    is_forgotten = Submission.received_at <= now - settings.receipt_lifetime
    with transaction():
        Submission.delete().where(_IS_DISCARDED, is_forgotten).execute()
    _delete_surplus_tombstones()


def last_closed_receipt_id():
    """Return the id of the newest submission whose receipt was closed before its time, or 0."""
    return Submission.select(fn.MAX(Submission.id)).where(_IS_DISCARDED, _IS_TOMBSTONE).scalar() or 0


def make_room(now):
    """Delete the oldest of the largest groups while there is more than the settings allow; return how many went.

    A flood pushes out only itself, not somebody's one typing error: what has most from its site goes first, else what
    has most for its customer number, else the oldest of all. What came with the right PIN amid wrong ones goes last of
    all: otherwise who tries PINs could make it vanish.
    """
    loads, doomed = _loads(), set()
    for weight, most in (
        (lambda load: 1, settings.unmatched_most),
        (lambda load: load.size, settings.unmatched_total_mib * MEBIBYTE),
    ):
        doomed |= _surplus([load for load in loads if load not in doomed], weight, most)
    ids = [load.id for load in doomed]
    # Some at a time, so that nobody waits long for the database.
    slices = (ids[begin : begin + DELETE_BATCH_SIZE] for begin in range(0, len(ids), DELETE_BATCH_SIZE))
    gone = sum(_delete(Submission.id.in_(some), now) for some in slices)
    if gone:
        _delete_surplus_tombstones()
    return gone


def _group(row):
    customer_number, ip, count, newest_id = row
    members = _members(customer_number, ip, newest_id)
    reasons = members.select(Submission.unmatched_reason).order_by().distinct().tuples()
    return Group(
        customer_number=customer_number,
        ip=ip,
        count=count,
        customer=Customer.get_or_none(Customer.number == customer_number),
        reasons=sorted(reason.label for (reason,) in reasons),
        submissions=list(members.limit(GROUP_PREVIEW_SIZE)),
    )


def _members(customer_number, ip, newest_id):
    return Submission.unmatched().where(
        Submission.customer_number == customer_number, Submission.address == ip, Submission.id <= newest_id
    )


def _delete(condition, now):
    """Delete unmatched submissions and then their files: a crash between leaves files that the sweep finds nameless.

    Of what somebody can still open a receipt of, the row stays out of everybody's sight until then: a receipt that was
    gone sooner than others would tell its sender that nothing matched.
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


def _delete_surplus_tombstones():
    """Forget the oldest of what is discarded while its texts take up more than they may.

    A mark stays, and no receipt of what came before it opens any more, whether it matched or not: if only these were
    closed, they would tell their senders that nothing matched.
    """
    lengths = [fn.LENGTH(text).coerce(False) for text in (Submission.description, Submission.remarks)]
    rows = (
        Submission.select(Submission.id, *lengths).where(_IS_DISCARDED, ~_IS_TOMBSTONE).order_by(Submission.id.desc())
    )
    total, newest = 0, None
    for id, *signs in list(rows.tuples()):
        total += ROW_OVERHEAD_CHARACTERS + sum(signs)
        if total > MAX_DISCARDED_CHARACTERS:
            newest = id
            break
    if newest is None:
        return
    with transaction():
        last = Submission.get_by_id(newest)
        Submission.delete().where(_IS_DISCARDED, Submission.id <= newest).execute()
        blank = {"customer_number": "", "name": "", "phone": "", "category": last.category}
        kept = {"id": last.id, "draft": last.draft, "code": last.code, "received_at": last.received_at}
        Submission.insert(kept | blank | {"state": SubmissionState.DISCARDED}).execute()


def _loads():
    """Return what each unmatched submission takes up, oldest first."""
    rows = (
        Submission.unmatched()
        .select(
            Submission.id,
            Submission.customer_number,
            Submission.address,
            Submission.unmatched_reason,
            fn.SUM(Attachment.size),
        )
        .join(Attachment, JOIN.LEFT_OUTER)
        .group_by(Submission.id)
        .order_by(Submission.id)
    )
    return [
        _Load(id, number, site_of(ip), size or 0, reason is UnmatchedReason.GUESSED)
        for id, number, ip, reason, size in rows.tuples()
    ]


def _surplus(loads, weight, most):
    """Return what has to go, so that the weights of the rest, given oldest first, add up to no more than this."""
    rest = [load for load in loads if weight(load)]
    excess, surplus = sum(map(weight, rest)) - most, set()
    for victim in _eviction_order(rest, weight):
        if excess <= 0:
            break
        excess -= weight(victim)
        surplus.add(victim)
    return surplus


def _eviction_order(loads, weight):
    """Yield what goes first, next and so on, until nothing is left."""
    for is_proven in (False, True):
        left = {load.id: load for load in loads if load.is_proven is is_proven}
        for key in (attrgetter("network"), attrgetter("number")):
            for victim in _oldest_of_largest(list(left.values()), key, weight):
                del left[victim.id]
                yield victim
        yield from left.values()


def _oldest_of_largest(loads, key, weight):
    """Yield the oldest of the largest group, again and again, while any group has more than one."""
    groups = defaultdict(deque)
    for load in loads:
        groups[key(load)].append(load)
    # Of two alike, the one with the oldest comes first.
    largest = [(-sum(map(weight, group)), group[0].id, group) for group in groups.values() if len(group) > 1]
    heapify(largest)
    while largest:
        total, _, group = heappop(largest)
        victim = group.popleft()
        if len(group) > 1:
            heappush(largest, (total + weight(victim), group[0].id, group))
        yield victim
