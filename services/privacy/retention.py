"""What is kept no longer: for each class of data one rule, which both deletes and shows beforehand what it will delete.

Nobody waits long for the database: some rows go at a time. Files go after their rows; a crash between leaves files that
the sweep finds nameless.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import enums
from database import transaction
from enums import DELETED_TEXT, Category, EventKind
from i18n import formats
from migrations import COPY_PREFIX
from models import Attachment, Event, Message, Submission, Ticket
from services import search
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
COPIES_KEPT = timedelta(days=90)

# What the portal itself says there about a number and a PIN, or about files, is the same for everybody.
_NAMES_NOBODY = (Event.actor == enums.PORTAL_ACTOR) & Event.kind.in_((EventKind.OPENED, EventKind.FILES_ERASED))


@dataclass(frozen=True)
class Rule:
    """What goes when: the query of all that is due at a moment, and how those with some ids are deleted.

    What has no such act is deleted every hour, by the sweep of its own room.
    """

    name: str
    due: Callable
    delete: Callable | None = None
    label: str = ""


@dataclass(frozen=True)
class Forecast:
    """How much a rule deletes in a night and within a week from then on, and the first of it."""

    name: str
    at_next_run: int
    within_a_week: int
    first: list


def delete_in_batches(now):
    """Delete all that is due, with a pause after each batch; what fails is logged and holds up no other rule."""
    for rule in NIGHTLY_RULES:
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
    _drop_copies(now)


def forecast(run_at):
    """Return for each rule what it will delete in a night."""
    return [_forecast(rule, run_at) for rule in RULES]


def counts_due(run_at):
    """Return how much each rule deletes in a night and not before, by its label, if anything."""
    numbers = {rule.label: rule.due(run_at).count() for rule in NIGHTLY_RULES}
    return {label: number for label, number in numbers.items() if number}


def _forecast(rule, run_at):
    soon = rule.due(run_at + WEEK)
    return Forecast(rule.name, rule.due(run_at).count(), soon.count(), list(soon.limit(SHOWN)))


def _closed_tickets(moment):
    return _closed(moment, settings.closed_ticket_days)


def _new_employees(moment):
    # Once it is deleted, another name stands there.
    about_somebody = (Ticket.category == Category.NEW_EMPLOYEE) & (Submission.last_name != DELETED_TEXT)
    return _closed(moment, settings.new_employee_days).join(Submission).where(about_somebody)


def _with_files(moment):
    sent = Attachment.select(Attachment.submission).where(Attachment.submission.is_null(False))
    return _closed(moment, settings.attachments_days).where(Ticket.submission.in_(sent))


def _closed(moment, days):
    """Return the query of what was closed longer ago than so many days; an open ticket loses nothing."""
    # Nothing is joined: counting so many would take several times as long.
    return Ticket.select().where(Ticket.closed_at < moment - timedelta(days=days)).order_by(Ticket.closed_at)


def _ids(query):
    return [row.id for row in query]


def _delete_tickets(ids, now):
    with transaction():
        # Somebody may have opened one again meanwhile.
        doomed = list(_closed_tickets(now).where(Ticket.id.in_(ids)))
        submissions = [ticket.submission_id for ticket in doomed]
        files = attachments.delete_rows(Attachment.submission.in_(submissions))
        search.remove(_ids(doomed))
        Ticket.delete().where(Ticket.id.in_(_ids(doomed))).execute()
        Submission.delete().where(Submission.id.in_(submissions)).execute()
    attachments.delete_files(files)


def _anonymise_employees(ids, now):
    """Delete whatever names the new employee; kind, customer, times and who did what stay for the figures.

    All texts of such a ticket are about that person, and so are its mails and files.
    """
    files = []
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


def _delete_files(ids, now):
    files = []
    with transaction():
        for ticket in _with_files(now).where(Ticket.id.in_(ids)):
            gone = attachments.delete_rows(Attachment.submission == ticket.submission_id)
            number = f"{len(gone)} {'Datei' if len(gone) == 1 else 'Dateien'}, {_after(settings.attachments_days)}"
            events.record(ticket, EventKind.FILES_ERASED, enums.PORTAL_ACTOR, now, number)
            files += gone
    attachments.delete_files(files)


def _drop_copies(now):
    """Delete copies of the database from before a migration that nobody goes back to any more: they forget nothing."""
    for path in settings.backups_dir.glob(f"{COPY_PREFIX}*.db"):
        try:
            if path.stat().st_mtime < (now - COPIES_KEPT).timestamp():
                path.unlink()
        except OSError as error:
            log.warning("Die Kopie %s ließ sich nicht löschen: %s", path, error)


def _after(days):
    return f"{formats.period(days)} nach dem Abschluss"


def _delete_mails(ids, now):
    with transaction():
        Message.delete().where(Message.id.in_(_ids(outbox.past_retention(now).where(Message.id.in_(ids))))).execute()


# Who loses the whole ticket needs no other rule.
RULES = (
    Rule("staged", attachments.expired_staged),
    Rule("unmatched", unmatched.overdue),
    Rule("tickets", _closed_tickets, _delete_tickets, "ganze Tickets"),
    Rule("new_employees", _new_employees, _anonymise_employees, "Angaben zu neuen Mitarbeitern"),
    Rule("files", _with_files, _delete_files, "Tickets, die ihre Anhänge verlieren"),
    Rule("mails", outbox.past_retention, _delete_mails, "E-Mails"),
)

NIGHTLY_RULES = tuple(rule for rule in RULES if rule.delete)
