"""The overview of today: everything that waits for somebody in the office."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce
from itertools import chain
from operator import or_
from typing import Any

from peewee import Expression, Field, fn

from clock import TIME_ZONE
from database import database
from enums import MEBIBYTE, Approval, Category, EventKind, Priority, TicketStatus
from models import Event, Staff, Submission, Ticket
from services import disk, workdays
from services.files import virus_scanner
from services.intake import unmatched
from services.mail import outbox
from services.operations import backup
from services.privacy import retention, retention_schedule
from services.security import pin_lockout, proxy_check
from services.staff import accounts
from services.tickets import approvals
from settings import settings

# So many of each list are on the start page; a link leads to the others.
SHOWN = 5
MANY_SHOWN = 20

ENTRY_WORKDAYS = 10

# A ticket that waits longer for its customer is stuck.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Waiting:
    """Tickets, requests or messages that wait: how many, and the first of them."""

    count: int
    first: list[Any]


@dataclass(frozen=True)
class FirstDeletion:
    """What the first deletion by the current retention settings will delete, which the office should check before.

    counts: the number of rows, in words if there are very many, by the label of each rule.
    lacks_backup: whether a backup must come first.
    """

    begins_at: datetime
    counts: dict[str, str]
    lacks_backup: bool


class Overview:
    """What the start page shows of a moment."""

    def __init__(self, now: datetime) -> None:
        state, today = settings.federal_state, now.astimezone(TIME_ZONE).date()
        is_new, is_pending = Ticket.status == TicketStatus.NEW, Ticket.approval == Approval.PENDING
        self.entries_until = workdays.add_workdays(today, ENTRY_WORKDAYS, state)
        is_entry = (Ticket.category == Category.NEW_EMPLOYEE) & (Ticket.due_on <= self.entries_until)
        # Why each ticket is stuck, by its id. Such a ticket is in no other list.
        self.reasons = _stuck(today, now)
        is_put_aside = Ticket.follow_up_on.is_null(False) & (Ticket.follow_up_on > today)
        is_other = ~is_put_aside & Ticket.id.not_in(list(self.reasons))
        self.stuck, self.new, self.replies, self.unapproved_high, self.entries = _waiting(
            (_open(Ticket.id.in_(list(self.reasons))), MANY_SHOWN),
            (_open(is_new, ~is_pending, is_other), MANY_SHOWN),
            (_open(Ticket.replied_at.is_null(False), is_other), SHOWN),
            (_open(is_pending, Ticket.rank == Priority.HIGH.rank, is_other), SHOWN),
            (_open(is_entry, is_other, order=(Ticket.due_on, Ticket.id)), MANY_SHOWN),
        )
        self.unmatched_since = workdays.add_workdays(today, -1, state)
        is_urgent = Submission.priority == Priority.HIGH
        self.urgent_unmatched = _unmatched(self.unmatched_since, is_urgent)
        self.unmatched = _unmatched(self.unmatched_since, ~is_urgent)
        self.unmatched_total = Submission.unmatched().count()
        self.undelivered = Waiting(outbox.failing().count(), list(outbox.failing().limit(SHOWN)))
        self.locked_out_customers = pin_lockout.locked_out_customers(now)
        self.accounts_with_wrong_codes = accounts.with_wrong_codes(now)
        self.is_every_customer_locked_out = pin_lockout.is_every_customer_locked_out(now)
        self.mails = outbox.mail_status()
        self.scanner_is_unavailable = virus_scanner.is_unavailable()
        self.unknown_proxy = proxy_check.unknown_proxy
        self.free_bytes = disk.free_bytes(settings.data_dir)
        # Attachments may soon be refused, or are refused already.
        self.disk_is_low = self.free_bytes < 2 * settings.disk_reserve_mib * MEBIBYTE
        self.disk_is_below_reserve = self.free_bytes < settings.disk_reserve_mib * MEBIBYTE
        self.backups = backup.status()
        self.backup_is_old = self.backups.is_old(now)
        self.first_deletion = _first_deletion(now)

    @property
    def pressing(self) -> int:
        """The number of requests and tickets that should not wait until tomorrow."""
        return sum(part.count for part in (self.urgent_unmatched, self.stuck, self.new, self.replies))

    @property
    def is_quiet(self) -> bool:
        """Say whether nothing waits for anybody."""
        waiting = (self.stuck, self.new, self.replies, self.unapproved_high, self.entries, self.undelivered)
        return not any(part.count for part in waiting) and self.unmatched_total == 0 and not self.is_lockout_active

    @property
    def is_lockout_active(self) -> bool:
        """Say whether somebody is guessing PINs, so that correct ones are refused, too."""
        return bool(self.locked_out_customers) or self.is_every_customer_locked_out


def _stuck(today: date, now: datetime) -> dict[int, list[str]]:
    """Return why each open ticket that does not go on by itself is stuck, in words, by its id."""
    is_answer = Event.kind.in_((EventKind.WAITING, EventKind.ANSWERED))
    answered_lately = Event.select().where(Event.ticket == Ticket.id, is_answer, Event.at >= now - PATIENCE)
    locked_colleagues = Staff.select(Staff.id).where(Staff.locked_at.is_null(False))
    reasons = {
        "Wiedervorlage": Ticket.follow_up_on <= today,
        "Eintritt vorbei": Ticket.due_on < today,
        "begonnen, aber nicht freigegeben": Ticket.approval == Approval.DECLINED,
        f"wartet über {PATIENCE.days} Tage auf den Kunden": (Ticket.status == TicketStatus.WAITING)
        & ~fn.EXISTS(answered_lately),
        "Konto des Bearbeiters gesperrt": Ticket.assignee.in_(locked_colleagues),
        "Freigabe überfällig": approvals.overdue(),
        "kein Genehmiger da": approvals.lacks_present_approver(today),
    }
    is_due = Ticket.follow_up_on.is_null() | (Ticket.follow_up_on <= today)
    is_stuck = reduce(or_, reasons.values())
    rows = Ticket.select(Ticket.id, *reasons.values()).where(Ticket.closed_at.is_null(), is_due, is_stuck)
    return {id: [word for word, holds in zip(reasons, flags, strict=True) if holds] for id, *flags in rows.tuples()}


def _open(*conditions: Expression, order: Iterable[Field] = (Ticket.rank, Ticket.id)) -> list[tuple[int, int]]:
    """Return id and rank of the open tickets that meet all conditions."""
    query = Ticket.select(Ticket.id, Ticket.rank).where(Ticket.closed_at.is_null(), *conditions).order_by(*order)
    return database.execute(query).fetchall()


def _waiting(*lists: tuple[list[tuple[int, int]], int]) -> list[Waiting]:
    """Return what waits for each list of tickets, of which so many are shown; one query reads the details of all."""
    shown = [[id for id, _ in rows[:most]] for rows, most in lists]
    tickets = {ticket.id: ticket for ticket in Ticket.with_details().where(Ticket.id.in_(list(chain(*shown))))}
    # One may have been deleted since.
    first = [[tickets[id] for id in ids if id in tickets] for ids in shown]
    return [Waiting(len(rows), details) for (rows, _), details in zip(lists, first, strict=True)]


def _unmatched(since: date, condition: Expression) -> Waiting:
    is_recent = Submission.received_at >= datetime.combine(since, time.min, TIME_ZONE)
    query = Submission.unmatched().where(is_recent, condition)
    # A flood of wrong PINs must not hide requests with the right one.
    first = query.order_by(unmatched.HAS_CORRECT_PIN.desc(), Submission.id.desc())
    return Waiting(query.count(), list(first.limit(SHOWN)))


def _first_deletion(now: datetime) -> FirstDeletion | None:
    run = retention_schedule.next_run(now)
    counts = retention.counts_due(run.begins_at) if run.is_first else {}
    return FirstDeletion(run.begins_at, counts, retention_schedule.lacks_backup()) if counts else None
