"""The one loop beside the web server: decide about pending submissions, remind, deliver and tidy up."""

import logging
import threading
from contextlib import nullcontext
from datetime import timedelta

import clock
from models import Submission, database
from services import approvals, attachments, attempts, delivery, intake, sessions, unmatched
from settings import settings

log = logging.getLogger(__name__)

SWEEP_INTERVAL = timedelta(hours=1)

# Each decision costs a slow hash; the pause between two batches leaves the processor to the people at the form.
BATCH = 5


def run_once(now):
    """Do all that is due: decide about pending submissions, remind, deliver, sweep. Returns how many were decided."""
    decided, displaced, failed = 0, 0, set()
    while batch := admit_batch(now, failed):
        decided += batch
        displaced += unmatched.make_room(now)
    remind_due(now, set())
    delivery.deliver_due(now)
    sweep(now, displaced)
    return decided


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
        except Exception:
            log.exception("Eine Anfrage ließ sich nicht prüfen und bleibt für später vorgemerkt.")
            failed.add(submission_id)
    return decided


def remind_due(now, failed):
    """Remind the approvers of every ticket for which it is time; failures are treated as in admit_batch."""
    for ticket_id in approvals.due(now):
        if ticket_id in failed:
            continue
        try:
            approvals.remind(ticket_id, now)
        except Exception:
            log.exception("An eine Freigabe ließ sich nicht erinnern; das bleibt für später vorgemerkt.")
            failed.add(ticket_id)


def sweep(now, displaced):
    """Tidy up, and log how many unmatched submissions were displaced by others since the last time, if any."""
    for room in (attachments, unmatched, sessions, attempts):
        room.sweep(now)
    if displaced:
        log.warning("Zu viele nicht zugeordnete Anfragen: %s sind verworfen, um Platz zu machen.", displaced)


class Worker(threading.Thread):
    """Runs once per tick. The tick is fixed: an arrival that woke the worker would show in the next answer's time.

    What it does is done within the given context, in which mails are written.
    """

    def __init__(self, context=nullcontext):
        super().__init__(name="worker", daemon=True)
        self._context = context
        self._stopping = threading.Event()
        self._swept_at = None
        self._failed = set()
        self._not_reminded = set()
        self._displaced = 0

    def run(self):
        while not self._stopping.wait(settings.worker_tick_seconds):
            try:
                with self._context(), database.connection_context():
                    self._tick(clock.now())
            except Exception:
                log.exception("Ein Durchgang im Hintergrund ist gescheitert; der nächste folgt.")

    def stop(self):
        """End after the batch in hand."""
        self._stopping.set()
        self.join()

    def _tick(self, now):
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
