"""What matters in the office today: one look at everything that waits for somebody."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time

from clock import TIME_ZONE
from database import count_rows, database
from enums import MEBIBYTE, Approval, Category, Priority, TicketStatus
from models import Submission, Ticket
from services import disk, workdays
from services.files import virus_scanner
from services.intake import unmatched
from services.mail import outbox
from services.operations import backup
from services.privacy import retention, retention_schedule
from services.security import pin_lockout
from services.tickets import approvals
from settings import settings

# Nobody reads more than this on a start page; the rest stands behind a link.
SHOWN = 5
ENTRIES_SHOWN = 20

ENTRY_WORKDAYS = 10


@dataclass(frozen=True)
class Waiting:
    """Something that waits: how many there are, and the first of them."""

    count: int
    first: list


@dataclass(frozen=True)
class FirstDeletion:
    """What the first night by the terms in force deletes: how much by each rule, and whether a backup must come first.

    The office should look at it beforehand.
    """

    begins_at: datetime
    counts: dict
    lacks_backup: bool


@dataclass(frozen=True)
class Overview:
    """What the start page shows; a list may be shorter than its count."""

    replies: Waiting
    new: Waiting
    new_by_priority: list
    unapproved_high: Waiting
    overdue_approvals: Waiting
    unmatched: Waiting
    unmatched_total: int
    unmatched_since: date
    entries: Waiting
    entries_until: date
    undelivered: Waiting
    locked_out_customers: list
    is_every_customer_locked_out: bool
    mails: outbox.MailStatus
    scanner_is_unavailable: bool
    free_bytes: int
    backups: backup.BackupStatus
    backup_is_old: bool
    first_deletion: FirstDeletion | None

    @property
    def is_quiet(self):
        """Nothing waits for anybody."""
        waiting = (
            self.replies,
            self.new,
            self.unapproved_high,
            self.overdue_approvals,
            self.entries,
            self.undelivered,
        )
        return not any(part.count for part in waiting) and self.unmatched_total == 0 and not self.is_lockout_active

    @property
    def is_lockout_active(self):
        """Somebody tries PINs, and right ones do not get in, either."""
        return bool(self.locked_out_customers) or self.is_every_customer_locked_out

    @property
    def disk_is_low(self):
        """Attachments and the database may soon find no room."""
        return self.free_bytes < 2 * settings.disk_reserve_mib * MEBIBYTE

    @property
    def disk_is_below_reserve(self):
        """What is left is kept for texts."""
        return self.free_bytes < settings.disk_reserve_mib * MEBIBYTE


def overview(now):
    """Return what waits at this moment."""
    state, today = settings.federal_state, now.astimezone(TIME_ZONE).date()
    since = workdays.add_workdays(today, -1, state)
    until = workdays.add_workdays(today, ENTRY_WORKDAYS, state)
    is_new = Ticket.status == TicketStatus.NEW
    is_pending = Ticket.approval == Approval.PENDING
    backups = backup.status()
    new_by_rank = Counter(
        rank for (rank,) in database.execute(_open(is_new, ~is_pending).select(Ticket.rank)).fetchall()
    )
    return Overview(
        replies=_waiting(_open(Ticket.replied_at.is_null(False))),
        new=_waiting(_open(is_new, ~is_pending)),
        new_by_priority=[(priority, new_by_rank[priority.rank]) for priority in reversed(Priority)],
        unapproved_high=_waiting(_open(is_pending, Ticket.rank == Priority.HIGH.rank)),
        overdue_approvals=_waiting(_open(approvals.overdue())),
        unmatched=_unmatched(since),
        unmatched_total=Submission.unmatched().count(),
        unmatched_since=since,
        entries=_entries(until),
        entries_until=until,
        undelivered=Waiting(outbox.failing().count(), list(outbox.failing().limit(SHOWN))),
        locked_out_customers=pin_lockout.locked_out_customers(now),
        is_every_customer_locked_out=pin_lockout.is_every_customer_locked_out(now),
        mails=outbox.mail_status(),
        scanner_is_unavailable=virus_scanner.is_unavailable(),
        free_bytes=disk.free_bytes(settings.data_dir),
        backups=backups,
        backup_is_old=backups.is_old(now),
        first_deletion=_first_deletion(now),
    )


def _open(*conditions):
    return Ticket.select(Ticket.id).where(Ticket.closed_at.is_null(), *conditions).order_by(Ticket.rank, Ticket.id)


def _waiting(query):
    first = Ticket.with_details().where(Ticket.id.in_(query.limit(SHOWN)))
    return Waiting(count_rows(query), list(first.order_by(Ticket.rank, Ticket.id)))


def _entries(until):
    """Return the open entries up to a day, also those whose day is past: somebody waits at an empty desk."""
    query = _open(Ticket.category == Category.NEW_EMPLOYEE, Ticket.due_on <= until)
    first = Ticket.with_details().where(Ticket.id.in_(query.order_by(Ticket.due_on, Ticket.id).limit(ENTRIES_SHOWN)))
    return Waiting(query.count(), list(first.order_by(Ticket.due_on, Ticket.id)))


def _unmatched(since):
    query = Submission.unmatched().where(Submission.received_at >= _start_of(since))
    # What came with the right PIN amid wrong ones must not drown in them.
    first = query.order_by(unmatched.HAS_CORRECT_PIN.desc(), Submission.id.desc())
    return Waiting(query.count(), list(first.limit(SHOWN)))


def _first_deletion(now):
    run = retention_schedule.next_run(now)
    counts = run.is_first and retention.counts_due(run.begins_at)
    return FirstDeletion(run.begins_at, counts, retention_schedule.lacks_backup()) if counts else None


def _start_of(day):
    return datetime.combine(day, time.min, TIME_ZONE)
