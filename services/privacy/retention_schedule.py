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

NOTE = "loeschen.json"

# A night that was missed is made up for; after longer, too much may have come due, or the clock is wrong.
MADE_UP_FOR = timedelta(days=7)

_TERMS = ("closed_ticket_days", "new_employee_days", "attachments_days", "mail_days", "retention_time")


class Night(NamedTuple):
    """When the next deletion begins, and whether it is the first one by its terms, which somebody should look at."""

    begins_at: datetime
    is_first: bool


def coming(now):
    """Return the night of the next deletion; one that is past was missed, and is made up for at once."""
    noted = _noted()
    if noted is None or not now - MADE_UP_FOR <= noted.begins_at <= _after_a_workday(now):
        return Night(_after_a_workday(now), is_first=True)
    return noted


def begin(now):
    """Say whether the deletion is to begin, and note when the next one does, so that each begins once.

    Raises OSError if that cannot be noted; then nothing is to go.
    """
    night = coming(now)
    is_time = now >= night.begins_at
    if is_time and lacks_backup():
        log.warning("Nach Frist wird nichts gelöscht, solange es keine Sicherung gibt.")
        night, is_time = night._replace(begins_at=next_night(now)), False
    elif is_time:
        night = Night(next_night(now), is_first=False)
    if night != _noted():
        _note(night)
    return is_time


def lacks_backup():
    """Say whether there is no backup at all, though the portal is to make some."""
    return bool(settings.backup_time) and backup.standing().made_at is None


def next_night(now):
    """Return when the next night begins."""
    local, begins = now.astimezone(TIME_ZONE), time.fromisoformat(settings.retention_time)
    night = datetime.combine(local.date() + timedelta(days=local.time() >= begins), begins, TIME_ZONE)
    return night.astimezone(UTC)


def _after_a_workday(now):
    """Return when the first night after a whole working day begins."""
    workday = workdays.workday_after(now.astimezone(TIME_ZONE).date(), 1, settings.federal_state)
    return next_night(datetime.combine(workday + timedelta(days=1), time.min, TIME_ZONE))


def _terms():
    return {name: getattr(settings, name) for name in _TERMS}


def _noted():
    """Return the night that is noted, if there is one by the terms that are in force."""
    try:
        noted = json.loads((settings.data_dir / NOTE).read_text(encoding="utf-8"))
        night = Night(datetime.fromisoformat(noted["begins_at"]).astimezone(UTC), bool(noted["is_first"]))
        return night if noted["terms"] == _terms() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(night):
    text = json.dumps({"begins_at": night.begins_at.isoformat(), "is_first": night.is_first, "terms": _terms()})
    disk.replace(settings.data_dir / NOTE, text)
