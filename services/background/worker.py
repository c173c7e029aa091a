"""What is done beside the web server: decide about pending submissions, remind, sum up, deliver, sweep."""

import logging
from datetime import timedelta
from typing import NamedTuple

from database import database
from logs import setup as log_setup
from models import Submission
from services import disk
from services.background.periodic import PeriodicTask
from services.customers import pins
from services.files import attachments
from services.intake import intake, unmatched
from services.mail import delivery, outbox
from services.operations import backup
from services.privacy import retention, retention_schedule
from services.reports import daily_summary
from services.security import login_throttle, pin_lockout
from services.staff import sessions
from services.tickets import approvals
from settings import settings

log = logging.getLogger(__name__)

SWEEP_INTERVAL = timedelta(hours=1)
BACKUP_RETRY = timedelta(hours=1)

# Each decision costs a slow hash; the pause between two batches leaves the processor to the people at the form.
BATCH = 5


class RunResult(NamedTuple):
    """How much was done at once."""

    decided: int
    mails_sent: int


def run_once(now):
    """Do all that is due: decide about submissions, remind, sum up, deliver, sweep, delete what is kept no longer.

    Returns how much that was.
    """
    decided, displaced, failed = 0, 0, set()
    while batch := admit_batch(now, failed):
        decided += batch
        displaced += unmatched.make_room(now)
    remind_due(now, set())
    daily_summary.write_if_due(now)
    mails_sent = delivery.deliver_due(now)
    sweep(now, displaced)
    if retention_schedule.start_if_due(now):
        retention.delete_all_due(now)
    return RunResult(decided, mails_sent)


def admit_batch(now, failed):
    """Decide about the oldest pending submissions and return how many were decided.

    One that fails is logged, noted in the set of failed ones and passed over from then on; it holds up no other.
    """
    decided = 0
    # Read to the end first: an open cursor is a read lock, which would keep everybody from writing for the whole batch.
    pending = [submission.id for submission in Submission.pending().select(Submission.id)]
    for submission_id in pending:
        if submission_id in failed:
            continue
        if decided == BATCH:
            break
        try:
            intake.admit(Submission.get_by_id(submission_id), now)
            decided += 1
        except Exception as error:
            if disk.is_full(error):
                # It is not this one's fault, and it will be decided as soon as there is room.
                raise
            log.exception("Eine Anfrage ließ sich nicht prüfen und bleibt für später vorgemerkt.")
            failed.add(submission_id)
    return decided


def remind_due(now, failed):
    """Remind the approvers of every ticket for which it is time; failures are treated as in admit_batch."""
    for ticket_id in approvals.due_reminders(now):
        if ticket_id in failed:
            continue
        try:
            approvals.remind(ticket_id, now)
        except Exception as error:
            if disk.is_full(error):
                raise
            log.exception("An eine Freigabe ließ sich nicht erinnern; das bleibt für später vorgemerkt.")
            failed.add(ticket_id)


def sweep(now, displaced):
    """Tidy up, and log how many unmatched submissions were displaced by others since the last time, if any."""
    for room in (attachments, unmatched, sessions, login_throttle, pins, pin_lockout, log_setup):
        try:
            room.sweep(now)
        except Exception:
            log.exception("Ein Teil des Aufräumens ist gescheitert (%s); alles andere geht weiter.", room.__name__)
    if displaced:
        log.warning("Zu viele nicht zugeordnete Anfragen: Das Portal hat %s verworfen, um Platz zu machen.", displaced)


class Worker(PeriodicTask):
    """Decides, reminds, tidies up and sums up, once per tick."""

    def __init__(self):
        super().__init__("worker")
        self._swept_at = None
        self._failed = set()
        self._not_reminded = set()
        self._displaced = 0
        self._deletion = iter(())

    def tick(self, now):
        """Do what is due now."""
        if admit_batch(now, self._failed):
            self._displaced += unmatched.make_room(now)
        remind_due(now, self._not_reminded)
        if self._swept_at is None or now - self._swept_at >= SWEEP_INTERVAL:
            self._swept_at = now
            # What failed for a passing reason gets another try.
            self._failed.clear()
            self._not_reminded.clear()
            displaced, self._displaced = self._displaced, 0
            sweep(now, displaced)
        daily_summary.write_if_due(now)
        self._delete_due(now)

    def _delete_due(self, now):
        """Delete what is kept no longer, once a night, a batch per tick; who was off then does it at the start."""
        if retention_schedule.start_if_due(now):
            self._deletion = retention.delete_in_batches(now)
        next(self._deletion, None)


class MailSender(PeriodicTask):
    """Delivers, beside the worker: a mail server that hangs must not keep anybody's request waiting.

    Nor must it keep anybody waiting for the end: what it holds then goes again when its lease is over.
    """

    stop_timeout = 3

    def __init__(self, name, deliver):
        super().__init__(name)
        self._deliver = deliver

    def tick(self, now):
        """Deliver what is due now."""
        self._deliver(now, self._stopping.is_set)


class BackupTask(PeriodicTask):
    """Makes the daily backup, beside the worker: it takes its time, and requests go on."""

    def __init__(self):
        super().__init__("backup")
        self._tried_at = None

    def tick(self, now):
        """Make the backup if it is due; one that failed gets another try after a while."""
        is_early = self._tried_at is not None and now - self._tried_at < BACKUP_RETRY
        if backup.is_due(now) and not is_early:
            # Noted beforehand: whatever becomes of it, the next try must not follow at once.
            self._tried_at = now
            backup.make_daily(now, self._stopping.is_set)


def start():
    """Start all that runs beside the web server and return it."""
    if not settings.webhook_url:
        with database.connection_context():
            outbox.discard_webhooks()
    mails, webhooks = MailSender("mails", delivery.deliver_mails), MailSender("webhooks", delivery.deliver_webhooks)
    loops = [Worker(), mails, webhooks, BackupTask()]
    for loop in loops:
        loop.start()
    return loops


def stop(loops):
    """Let all end after what they have in hand."""
    for loop in loops:
        loop.request_stop()
    for loop in loops:
        loop.join(loop.stop_timeout)
