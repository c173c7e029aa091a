"""When the retention rules run: once a night. Changed retention periods apply after one full working day.

The next run is saved with the retention settings it goes by, in the data folder but in no backup. A portal that was
restored, was off for long or has changed settings waits like a new one: the office can see beforehand what is deleted.
"""

import json
import logging
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from clock import TIME_ZONE
from services import disk, workdays
from services.operations import backup
from settings import settings

log = logging.getLogger(__name__)

SCHEDULE_FILE = "loeschen.json"

# A missed run is caught up within this time; later, too much may be due, or the clock is wrong.
MAX_DELAY = timedelta(days=7)

RETENTION_SETTINGS = ("closed_ticket_days", "new_employee_days", "attachments_days", "mail_days", "retention_time")


class DeletionRun(NamedTuple):
    """When the next deletion begins, and whether it is the first one by the current retention settings."""

    begins_at: datetime
    is_first: bool


def next_run(now: datetime) -> DeletionRun:
    """Return the next run; if it is in the past, it was missed and is due at once."""
    saved = _saved_run()
    if saved is None or not now - MAX_DELAY <= saved.begins_at <= _after_a_workday(now):
        return DeletionRun(_after_a_workday(now), is_first=True)
    return saved


def start_if_due(now: datetime) -> bool:
    """Say whether the deletion is due, and save when the next one is, so that each run starts only once.

    Raises OSError if that cannot be saved; then nothing may be deleted.
    """
    run = next_run(now)
    is_time = now >= run.begins_at
    if is_time and lacks_backup():
        log.warning("Nach Frist wird nichts gelöscht, solange es keine Sicherung gibt.")
        run, is_time = run._replace(begins_at=next_run_time(now)), False
    elif is_time:
        run = DeletionRun(next_run_time(now), is_first=False)
    if run != _saved_run():
        saved = {"begins_at": run.begins_at.isoformat(), "is_first": run.is_first, "terms": _retention_settings()}
        disk.replace_text(settings.data_dir / SCHEDULE_FILE, json.dumps(saved))
    return is_time


def lacks_backup() -> bool:
    """Say whether there is no backup at all, although daily backups are switched on."""
    return bool(settings.backup_time) and backup.status().made_at is None


def next_run_time(now: datetime) -> datetime:
    """Return the next moment after now at which the office's clock shows the time for deletions."""
    local, begins = now.astimezone(TIME_ZONE), time.fromisoformat(settings.retention_time)
    run = datetime.combine(local.date() + timedelta(days=local.time() >= begins), begins, TIME_ZONE)
    return run.astimezone(UTC)


def _after_a_workday(now: datetime) -> datetime:
    """Return the time of the first run after one full working day."""
    workday = workdays.add_workdays(now.astimezone(TIME_ZONE).date(), 1, settings.federal_state)
    return next_run_time(datetime.combine(workday + timedelta(days=1), time.min, TIME_ZONE))


def _retention_settings() -> dict[str, int | str]:
    return {name: getattr(settings, name) for name in RETENTION_SETTINGS}


def _saved_run() -> DeletionRun | None:
    """Return the saved run, unless the retention settings have changed since."""
    try:
        saved = json.loads((settings.data_dir / SCHEDULE_FILE).read_text(encoding="utf-8"))
        run = DeletionRun(datetime.fromisoformat(saved["begins_at"]).astimezone(UTC), bool(saved["is_first"]))
        return run if saved["terms"] == _retention_settings() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
