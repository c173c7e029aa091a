"""When what is kept no longer goes: at night, by terms that the office had a working day to look at.

The next night is noted with the terms it goes by. The note lies in the data folder and in no backup: what is restored
begins without one, and waits like a new portal. So does whoever changed a term or was away for long.
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

# A night that was missed is made up for; after longer, too much may have come due, or the clock is wrong.
MAX_DELAY = timedelta(days=7)

_RETENTION_SETTINGS = ("closed_ticket_days", "new_employee_days", "attachments_days", "mail_days", "retention_time")


class DeletionRun(NamedTuple):
    """When the next deletion begins, and whether it is the first one by its terms, which somebody should look at."""

    begins_at: datetime
    is_first: bool


def next_run(now):
    """Return the night of the next deletion; one that is past was missed, and is made up for at once."""
    noted = _saved_run()
    if noted is None or not now - MAX_DELAY <= noted.begins_at <= _after_a_workday(now):
        return DeletionRun(_after_a_workday(now), is_first=True)
    return noted


def start_if_due(now):
    """Say whether the deletion is to begin, and note when the next one does, so that each begins once.

    Raises OSError if that cannot be noted; then nothing is to go.
    """
    run = next_run(now)
    is_time = now >= run.begins_at
    if is_time and lacks_backup():
        log.warning("Nach Frist wird nichts gelöscht, solange es keine Sicherung gibt.")
        run, is_time = run._replace(begins_at=next_run_time(now)), False
    elif is_time:
        run = DeletionRun(next_run_time(now), is_first=False)
    if run != _saved_run():
        _save_run(run)
    return is_time


def lacks_backup():
    """Say whether there is no backup at all, though the portal is to make some."""
    return bool(settings.backup_time) and backup.status().made_at is None


def next_run_time(now):
    """Return when the next night begins."""
    local, begins = now.astimezone(TIME_ZONE), time.fromisoformat(settings.retention_time)
    run = datetime.combine(local.date() + timedelta(days=local.time() >= begins), begins, TIME_ZONE)
    return run.astimezone(UTC)


def _after_a_workday(now):
    """Return when the first night after a whole working day begins."""
    workday = workdays.add_workdays(now.astimezone(TIME_ZONE).date(), 1, settings.federal_state)
    return next_run_time(datetime.combine(workday + timedelta(days=1), time.min, TIME_ZONE))


def _retention_settings():
    return {name: getattr(settings, name) for name in _RETENTION_SETTINGS}


def _saved_run():
    """Return the night that is noted, if there is one by the terms that are in force."""
    try:
        noted = json.loads((settings.data_dir / SCHEDULE_FILE).read_text(encoding="utf-8"))
        run = DeletionRun(datetime.fromisoformat(noted["begins_at"]).astimezone(UTC), bool(noted["is_first"]))
        return run if noted["terms"] == _retention_settings() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _save_run(run):
    text = json.dumps(
        {"begins_at": run.begins_at.isoformat(), "is_first": run.is_first, "terms": _retention_settings()}
    )
    disk.replace_text(settings.data_dir / SCHEDULE_FILE, text)
