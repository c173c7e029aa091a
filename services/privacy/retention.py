"""Retention: one rule for each kind of data says what is due for deletion, both to the forecast and to the deletion.

Rows are deleted in batches, so that others can write in between. Files are deleted after their rows; if a crash comes
between, the sweep removes them.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import Model, ModelSelect

import enums
from database import transaction
from enums import DELETED_TEXT, Category, EventKind
from i18n import formats
from migrations import COPY_PREFIX
from models import Attachment, Event, Message, Submission, Ticket
from services import disk, search
from services.files import attachments
from services.intake import unmatched
from services.mail import outbox
from services.privacy import erasure
from services.tickets import events
from settings import settings

log = logging.getLogger(__name__)

AT_ONCE = 50
SHOWN = 10
WEEK = timedelta(days=7)

# Larger numbers are shown as "more than": before the first run, much of a large database may be due.
MAX_COUNTED = 1000
COPIES_KEPT = timedelta(days=90)

# Events in which the portal states a fact about PIN or files; their texts are the same for everybody.
_NAMES_NOBODY = (Event.actor == enums.PORTAL_ACTOR) & Event.kind.in_((EventKind.OPENED, EventKind.FILES_ERASED))


@dataclass(frozen=True)
class Rule:
    """A kind of data that is deleted after its retention period.

    due: returns the query of all rows that are due at a moment.
    delete: deletes those of the given rows that are due; without it, the hourly sweep of another module does that.
    label: the plural for the log and the start page.
    """

    name: str
    due: Callable[[datetime], ModelSelect]
    delete: Callable[[list[int], datetime], None] | None = None
    label: str = ""


@dataclass(frozen=True)
class Forecast:
    """How many rows a rule deletes in its next run and in the week after, and the first of them."""

    name: str
    at_next_run: int
    within_a_week: int
    first: list[Model]


def delete_in_batches(now: datetime) -> Iterator[int]:
    """Delete everything that is due, and yield the size of each batch; a rule that fails does not stop the others."""
    for rule in RULES:
        if not rule.delete:
            continue
        count = 0
        try:
            while ids := _ids(rule.due(now).limit(AT_ONCE)):
                rule.delete(ids, now)
                count += len(ids)
                yield len(ids)
            log.info("Nach Frist gelöscht: %s: %s", rule.label, count)
        except Exception:
            log.exception("Das Löschen nach Frist ist gescheitert (%s) und wird morgen wieder versucht.", rule.name)
    search.purge_deleted()
    # The copies from before a migration still hold what was deleted since.
    for path in settings.backups_dir.glob(f"{COPY_PREFIX}*.db"):
        disk.delete(path, older_than=(now - COPIES_KEPT).timestamp())


def forecast(run_at: datetime) -> list[Forecast]:
    """Return for each rule what a run at this moment will delete."""
    periods = ((rule.name, rule.due(run_at), rule.due(run_at + WEEK)) for rule in RULES)
    return [Forecast(name, due.count(), soon.count(), list(soon.limit(SHOWN))) for name, due, soon in periods]


def counts_due(run_at: datetime) -> dict[str, str]:
    """Return how many rows each nightly rule will delete in a run at this moment, by its label, if any."""
    numbers = {rule.label: rule.due(run_at).limit(MAX_COUNTED + 1).count() for rule in RULES if rule.delete}
    return {
        label: f"über {MAX_COUNTED}" if number > MAX_COUNTED else str(number)
        for label, number in numbers.items()
        if number
    }


def _closed_tickets(moment: datetime) -> ModelSelect:
    return _closed(moment, settings.closed_ticket_days)


def _new_employees(moment: datetime) -> ModelSelect:
    has_name = (Ticket.category == Category.NEW_EMPLOYEE) & (Submission.last_name != DELETED_TEXT)
    return _closed(moment, settings.new_employee_days).join(Submission).where(has_name)


def _with_files(moment: datetime) -> ModelSelect:
    sent = Attachment.select(Attachment.submission).where(Attachment.submission.is_null(False))
    return _closed(moment, settings.attachments_days).where(Ticket.submission.in_(sent))


def _closed(moment: datetime, days: int) -> ModelSelect:
    """Return the query of the tickets that were closed more than so many days ago."""
    # Without joins, which would make counting several times slower.
    return Ticket.select().where(Ticket.closed_at < moment - timedelta(days=days)).order_by(Ticket.closed_at)


def _ids(query: Iterable[Model]) -> list[int]:
    return [row.id for row in query]


def _delete_tickets(ids: list[int], now: datetime) -> None:
    with transaction():
        # Looked up again: somebody may have reopened one in the meantime.
        due = list(_closed_tickets(now).where(Ticket.id.in_(ids)))
        submissions = [ticket.submission_id for ticket in due]
        files = attachments.delete_rows(Attachment.submission.in_(submissions))
        search.remove(_ids(due))
        Ticket.delete().where(Ticket.id.in_(_ids(due))).execute()
        Submission.delete().where(Submission.id.in_(submissions)).execute()
    attachments.delete_files(files)


def _anonymise_employees(ids: list[int], now: datetime) -> None:
    """Delete all texts, mails and files of tickets for new employees; what the statistics count stays."""
    files: list[str] = []
    with transaction():
        for ticket in _new_employees(now).where(Ticket.id.in_(ids)):
            submission = ticket.submission
            erasure.clear_employee(submission)
            submission.save()
            Event.update(text=DELETED_TEXT).where(Event.ticket == ticket, Event.text != "", ~_NAMES_NOBODY).execute()
            Message.delete().where(Message.ticket == ticket).execute()
            files += attachments.delete_rows(Attachment.submission == submission)
            search.reindex(ticket)
            events.record(ticket, EventKind.DATA_ERASED, enums.PORTAL_ACTOR, now, _after(settings.new_employee_days))
    attachments.delete_files(files)


def _delete_files(ids: list[int], now: datetime) -> None:
    files: list[str] = []
    with transaction():
        for ticket in _with_files(now).where(Ticket.id.in_(ids)):
            deleted = attachments.delete_rows(Attachment.submission == ticket.submission_id)
            number = f"{len(deleted)} {'Datei' if len(deleted) == 1 else 'Dateien'}"
            text = f"{number}, {_after(settings.attachments_days)}"
            events.record(ticket, EventKind.FILES_ERASED, enums.PORTAL_ACTOR, now, text)
            files += deleted
    attachments.delete_files(files)


def _delete_mails(ids: list[int], now: datetime) -> None:
    with transaction():
        due = _ids(outbox.past_retention(now).where(Message.id.in_(ids)))
        Message.delete().where(Message.id.in_(due)).execute()


def _after(days: int) -> str:
    return f"{formats.period(days)} nach dem Abschluss"


# The order matters: a ticket that is deleted as a whole must not be changed before.
RULES = (
    Rule("staged", attachments.expired_staged),
    Rule("unmatched", unmatched.overdue),
    Rule("tickets", _closed_tickets, _delete_tickets, "ganze Tickets"),
    Rule("new_employees", _new_employees, _anonymise_employees, "Angaben zu neuen Mitarbeitern"),
    Rule("files", _with_files, _delete_files, "Tickets, die ihre Anhänge verlieren"),
    Rule("mails", outbox.past_retention, _delete_mails, "E-Mails"),
)
