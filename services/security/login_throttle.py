"""Slow down guessing: after some failures within a day, a source may try only once in two seconds.

The pause is short and the same for all, so others may take a turn, but nobody keeps anybody out for good.
"""

from datetime import datetime, timedelta

from database import transaction
from models import FailedAttempts
from services.security import keys

PAUSE = timedelta(seconds=2)
FORGOTTEN_AFTER = timedelta(days=1)


class TooManyAttempts(Exception):
    """An attempt came too early and was not checked; `wait` is how long until the next one is."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


def source(kind: str, value: object) -> str:
    """Return the name of a source: keyed, because people type their password in place of their name."""
    return f"{kind}:{keys.keyed_digest(b'attempts', str(value))}"


def register_attempt(free: dict[str, int], now: datetime) -> None:
    """Count an attempt as failed, by sources with their numbers of free failures; raises TooManyAttempts instead.

    Counted only after the check, many attempts at once would all be free.
    """
    with transaction():
        counts = ((most, _count(name, now)) for name, most in free.items())
        waits = [known.last_at + PAUSE - now for most, known in counts if known and known.count >= most]
        if waits and (wait := max(waits)) > timedelta():
            raise TooManyAttempts(wait)
        for name in free:
            count_failure(name, now)


def count_failure(name: str, now: datetime) -> None:
    """Count a failure of a source, within a transaction."""
    FailedAttempts.insert(source=name, count=failures(name, now) + 1, last_at=now).on_conflict(
        conflict_target=[FailedAttempts.source], preserve=[FailedAttempts.count, FailedAttempts.last_at]
    ).execute()


def failures(name: str, now: datetime) -> int:
    """Return how many failures a source has."""
    known = _count(name, now)
    return known.count if known else 0


def undo_attempt(names: list[str]) -> None:
    """Take back the count of one attempt that succeeded."""
    with transaction():
        is_counted = FailedAttempts.source.in_(names) & (FailedAttempts.count > 0)
        FailedAttempts.update(count=FailedAttempts.count - 1).where(is_counted).execute()


def reset(name: str) -> None:
    """Forget the failures of a source."""
    with transaction():
        FailedAttempts.delete().where(FailedAttempts.source == name).execute()


def sweep(now: datetime) -> None:
    """Delete the counts that have expired."""
    with transaction():
        FailedAttempts.delete().where(FailedAttempts.last_at <= now - FORGOTTEN_AFTER).execute()


def _count(name: str, now: datetime) -> FailedAttempts | None:
    # A time ahead of now comes from a clock that was put back; nobody must wait for it.
    is_valid = FailedAttempts.last_at.between(now - FORGOTTEN_AFTER, now + PAUSE)
    return FailedAttempts.get_or_none(FailedAttempts.source == name, is_valid)
