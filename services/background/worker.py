"""Background jobs, in one table: the portal's threads run it tick by tick, a command runs it once."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from peewee import chunked, fn

import clock
from database import checkpoint, database, transaction
from enums import MessageKind
from logs import setup as log_setup
from models import Message, Submission
from services import disk
from services.customers import pin_letters, pins
from services.files import attachments
from services.intake import intake, unmatched
from services.mail import delivery, outbox
from services.operations import backup
from services.privacy import retention, retention_schedule
from services.reports import daily_summary
from services.security import audit_log, login_throttle, pin_lockout, shares
from services.security.ip_networks import site_of
from services.staff import accounts, sessions
from services.tickets import approvals
from settings import settings

log = logging.getLogger(__name__)

SWEEP_INTERVAL = timedelta(hours=1)
# What was deleted stays readable in the write-ahead log for so long at most.
CHECKPOINT_INTERVAL = timedelta(minutes=1)
CODES_INTERVAL = timedelta(minutes=1)
BACKUP_RETRY = timedelta(hours=1)

# So many submissions are decided in one transaction. Between two batches the worker leaves the processor and the
# database to those who send: for so long for each submission that arrived meanwhile, up to the size of a batch.
BATCH = 10
PAUSE_SECONDS = 0.15

# On shutdown, wait this many seconds for these threads, and for the others until their task is finished. A mail server
# may hang; the message in progress is sent again after its lease.
STOP_SECONDS = {"mails": 3, "webhooks": 3}


class Job(NamedTuple):
    """A row in the table of jobs.

    run: does what is due at a moment, and returns how much that was if there may be more.
    interval: the shortest time between two runs, also after a failed one.
    thread: the name of the thread that runs it; a job that may take long has its own.
    """

    name: str
    run: Callable[[datetime], int | None]
    thread: str = "worker"
    is_due: Callable[[datetime], bool] = lambda now: True
    interval: timedelta = timedelta(0)


# When the thread that decides about requests last finished a run; empty in a process without it.
_pulse: list[datetime] = []


def is_stuck(now: datetime, patience: timedelta) -> bool:
    """Say whether the thread that decides has not finished a run for so long, because it fails or hangs."""
    return bool(_pulse) and now - _pulse[-1] > patience


class Worker:
    """The jobs, and what they remember from one run to the next."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._undecided: set[int] = set()
        self._not_reminded: set[int] = set()
        self._displaced = 0
        self._deletion: Iterator[int] = iter(())
        is_stopping = self.stopping.is_set
        back_up = partial(backup.make_daily, is_stopping=is_stopping)
        self.jobs = (
            Job("decide", self.decide),
            Job("remind", self.remind),
            Job("sweep", self.sweep, interval=SWEEP_INTERVAL),
            Job("codes", accounts.report_wrong_codes, interval=CODES_INTERVAL),
            Job("letters", pin_letters.sweep, interval=timedelta(minutes=1)),
            Job("summary", daily_summary.write_if_due),
            Job("delete", self.delete_batch),
            Job("checkpoint", lambda now: checkpoint(), interval=CHECKPOINT_INTERVAL),
            Job("webhooks", partial(delivery.deliver_webhooks, is_stopping=is_stopping), "webhooks"),
            Job("mails", partial(delivery.deliver_mails, is_stopping=is_stopping), "mails"),
            Job("backup", back_up, "backup", is_due=backup.is_due, interval=BACKUP_RETRY),
        )
        self._ran_at: dict[str, datetime] = {}

    def tick(self, now: datetime, thread: str = "worker") -> None:
        """Run each job of a thread that is due, once; the errors of those that fail are raised at the end, together."""
        errors = []
        for job in self.jobs:
            ran_at = self._ran_at.get(job.name)
            # If the last run is in the future, the clock was put back.
            is_paused = ran_at is not None and ran_at <= now < ran_at + job.interval
            try:
                if job.thread == thread and not is_paused and job.is_due(now):
                    # Before the run, so that the interval also passes after a failed one.
                    self._ran_at[job.name] = now
                    job.run(now)
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("jobs that failed", errors)

    def decide(self, now: datetime) -> int:
        """Decide about the submissions that are pending now, in batches, and return how many were decided."""
        waiting = Submission.pending().where(Submission.id.not_in(self._undecided))
        # Fetched at once: an open cursor is a read lock, which would block all writers during the batch.
        senders = list(waiting.select(Submission.id, Submission.address).tuples())
        ids = [id for id, _ in shares.in_turn(senders, lambda sender: site_of(sender[1]))]
        decided, newest = 0, _newest_id()
        for batch in chunked(ids, BATCH):
            before, newest = newest, _newest_id()
            if self.stopping.wait(PAUSE_SECONDS * min(newest - before, BATCH)):
                break
            # Another process may have decided about some, or deleted them, since the worker looked.
            submissions = list(Submission.pending().where(Submission.id.in_(batch)))
            if not submissions:
                continue
            errors = intake.admit(submissions, now)
            for error in errors.values():
                log.error("Eine Anfrage ließ sich nicht prüfen und bleibt für später vorgemerkt.", exc_info=error)
            self._undecided |= errors.keys()
            decided += len(submissions) - len(errors)
            self._displaced += unmatched.make_room(now)
        return decided

    def remind(self, now: datetime) -> None:
        """Send each approval reminder that is due."""
        for id in approvals.due_reminders(now):
            if id in self._not_reminded:
                continue
            try:
                approvals.remind(id, now)
            except Exception as error:
                if disk.is_full(error):
                    raise
                log.exception("An eine Freigabe ließ sich nicht erinnern; das bleibt für später vorgemerkt.")
                self._not_reminded.add(id)

    def sweep(self, now: datetime) -> None:
        """Run the hourly cleanup, and log how many unmatched submissions were evicted since the last one."""
        # Rows that failed are tried again: the reason may be gone.
        self._undecided.clear()
        self._not_reminded.clear()
        for module in (attachments, unmatched, sessions, login_throttle, pins, pin_lockout, audit_log, log_setup):
            try:
                module.sweep(now)
            except Exception:
                log.exception(
                    "Ein Teil des Aufräumens ist gescheitert (%s); alles andere geht weiter.", module.__name__
                )
        displaced, self._displaced = self._displaced, 0
        if displaced:
            log.warning(
                "Zu viele nicht zugeordnete Anfragen: Das Portal hat %s verworfen, um Platz zu machen.", displaced
            )

    def delete_batch(self, now: datetime) -> int:
        """Once a night, delete the next batch of rows whose retention period is over, and return their number."""
        if retention_schedule.start_if_due(now):
            self._deletion = retention.delete_in_batches(now)
        return next(self._deletion, 0)


def run_once(now: datetime) -> Counter[str]:
    """Run every job until nothing is left to do, and return how much each did; a command makes backups by itself."""
    done: Counter[str] = Counter()
    for job in Worker().jobs:
        while job.name != "backup" and (count := job.run(now)):
            done[job.name] += count
    return done


def run_periodically(tick: Callable[[datetime], None], stopping: threading.Event) -> None:
    """Call a function once per tick until an event is set.

    The tick is fixed: if an arrival woke the thread, its work would show in the response time of the next request.
    """
    known = None
    while not stopping.wait(settings.worker_tick_seconds):
        try:
            with database.connection_context():
                tick(clock.now())
            known = None
            if threading.current_thread().name == "worker":
                _pulse[:] = [clock.now()]
        except Exception as error:
            # A lasting error, such as a full disk, must not fill the log.
            if repr(error) != known:
                log.exception("Ein Durchgang im Hintergrund ist gescheitert; der nächste folgt.")
            known = repr(error)


def start() -> Callable[[], None]:
    """Start the threads of all jobs and return a function that ends them; each finishes what it is doing."""
    if not settings.webhook_url:
        with database.connection_context(), transaction():
            outbox.discard_where(Message.kind == MessageKind.WEBHOOK)
    worker = Worker()
    threads = []
    for name in dict.fromkeys(job.thread for job in worker.jobs):
        arguments = (partial(worker.tick, thread=name), worker.stopping)
        threads.append(threading.Thread(name=name, target=run_periodically, args=arguments, daemon=True))
        threads[-1].start()

    def stop() -> None:
        worker.stopping.set()
        for thread in threads:
            thread.join(STOP_SECONDS.get(thread.name))

    return stop


def _newest_id() -> int:
    return Submission.select(fn.MAX(Submission.id)).scalar() or 0
