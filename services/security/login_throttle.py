"""Slow down password guessing: each failure of an account, a network or a site makes the next wait longer.

Nobody is locked out for good: the longest wait is short, and an attempt that comes too early is not counted.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from database import transaction
from models import FailedAttempts
from services.security import keys
from services.security.ip_networks import SITE_FACTOR, network_of, site_of
from settings import settings

FIRST_WAIT = timedelta(seconds=1)
MAX_ACCOUNT_WAIT = timedelta(seconds=60)
MAX_NETWORK_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)

# The wait doubles with each further failure; this many doublings exceed every longest wait.
MAX_DOUBLINGS = 16

_SITE = "site:"


class TooManyAttempts(Exception):
    """An attempt came too early and was not checked; `wait` is how long until the next one is."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


def account_source(name: str) -> str:
    """Return the source of an account's name: keyed, because people type their password there by mistake."""
    digest = hmac.new(keys.derived_key(b"attempts"), name.encode(), hashlib.sha256)
    return f"name:{digest.hexdigest()}"


def network_source(ip: str) -> str:
    """Return the source of an address's network."""
    return f"address:{network_of(ip)}"


def site_source(ip: str) -> str:
    """Return the source of an address's site, so that a thousand networks do not have a thousand times the attempts."""
    return f"{_SITE}{site_of(ip)}"


def register_attempt(longest_waits: dict[str, timedelta], now: datetime) -> None:
    """Count an attempt as failed, by sources with their longest waits; raises TooManyAttempts and then counts nothing.

    Counted only after the check, many attempts at once would all be free.
    """
    with transaction():
        counts = {source: _count(source, now) for source in longest_waits}
        wait = max(_remaining_wait(counts[source], longest, now) for source, longest in longest_waits.items())
        if wait > timedelta():
            raise TooManyAttempts(wait)
        for source, known in counts.items():
            _increment(source, known, now)


def reset(source: str) -> None:
    """Forget the failures of a source."""
    with transaction():
        FailedAttempts.delete().where(FailedAttempts.source == source).execute()


def undo_attempt(source: str) -> None:
    """Take back the count of one attempt that succeeded."""
    with transaction():
        FailedAttempts.update(count=FailedAttempts.count - 1).where(
            FailedAttempts.source == source, FailedAttempts.count > 0
        ).execute()


def sweep(now: datetime) -> None:
    """Delete the counts that have expired."""
    with transaction():
        FailedAttempts.delete().where(FailedAttempts.last_at <= now - FORGOTTEN_AFTER).execute()


def _count(source: str, now: datetime) -> FailedAttempts | None:
    # A time far ahead of now comes from a clock that was put back; nobody must wait for it.
    is_valid = FailedAttempts.last_at.between(now - FORGOTTEN_AFTER, now + MAX_NETWORK_WAIT)
    return FailedAttempts.get_or_none(FailedAttempts.source == source, is_valid)


def _remaining_wait(known: FailedAttempts | None, longest: timedelta, now: datetime) -> timedelta:
    if known is None:
        return timedelta()
    free = settings.free_sign_in_failures * (SITE_FACTOR if known.source.startswith(_SITE) else 1)
    if known.count < free:
        return timedelta()
    doublings = min(known.count - free, MAX_DOUBLINGS)
    return known.last_at + min(FIRST_WAIT * 2**doublings, longest) - now


def _increment(source: str, known: FailedAttempts | None, now: datetime) -> None:
    count = known.count + 1 if known else 1
    FailedAttempts.insert(source=source, count=count, last_at=now).on_conflict(
        conflict_target=[FailedAttempts.source],
        preserve=[FailedAttempts.count, FailedAttempts.last_at],
    ).execute()
