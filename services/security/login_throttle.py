"""Slow down who guesses: failures in a row are counted by account and by address, and each next try waits longer.

Nobody is locked out for good: the longest wait is short, and an attempt that comes too early counts nothing.
"""

import hashlib
import hmac
from datetime import timedelta

from database import transaction
from models import FailedAttempts
from services.security import keys
from services.security.ip_networks import SITE_FACTOR, network_of, site_of
from settings import settings

FIRST_WAIT = timedelta(seconds=1)
LONGEST_ACCOUNT_WAIT = timedelta(seconds=60)
MAX_NETWORK_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)

# Twice the first wait for each further failure; beyond this many doublings every longest wait is reached.
MOST_DOUBLINGS = 16

_SITE = "site:"


class TooManyAttempts(Exception):
    """An attempt came too early and was not looked at."""

    def __init__(self, wait):
        super().__init__(wait)
        self.wait = wait


def account_source(name):
    """Return the source for an account's name: keyed, because people type their password there by mistake."""
    digest = hmac.new(keys.derived_key(b"attempts"), name.encode(), hashlib.sha256)
    return f"name:{digest.hexdigest()}"


def network_source(ip):
    """Return the source for an address, or for the network from which it was picked."""
    return f"address:{network_of(ip)}"


def site_source(ip):
    """Return the source for all of which an address is one: who has a thousand networks has not as many tries."""
    return f"{_SITE}{site_of(ip)}"


def register_attempt(longest_waits, now):
    """Count an attempt as failed beforehand, by each source; raises TooManyAttempts, and then counts nothing.

    Each source comes with its longest wait. Counted afterwards, many attempts at once would all be free.
    """
    with transaction():
        counts = {source: _count(source, now) for source in longest_waits}
        wait = max(_rest(counts[source], longest, now) for source, longest in longest_waits.items())
        if wait > timedelta():
            raise TooManyAttempts(wait)
        for source, known in counts.items():
            _count_one_more(source, known, now)


def reset(source):
    """Let a source begin anew."""
    with transaction():
        FailedAttempts.delete().where(FailedAttempts.source == source).execute()


def undo_attempt(source):
    """Uncount one attempt that turned out right."""
    with transaction():
        FailedAttempts.update(count=FailedAttempts.count - 1).where(
            FailedAttempts.source == source, FailedAttempts.count > 0
        ).execute()


def sweep(now):
    """Delete counts that no longer count."""
    with transaction():
        FailedAttempts.delete().where(FailedAttempts.last_at <= now - FORGOTTEN_AFTER).execute()


def _count(source, now):
    # A moment well ahead of now comes from a clock that was put back; it must keep nobody waiting.
    counts = FailedAttempts.last_at.between(now - FORGOTTEN_AFTER, now + MAX_NETWORK_WAIT)
    return FailedAttempts.get_or_none(FailedAttempts.source == source, counts)


def _rest(known, longest, now):
    """Return how long to wait yet."""
    if known is None:
        return timedelta()
    free = settings.free_sign_in_failures * (SITE_FACTOR if known.source.startswith(_SITE) else 1)
    if known.count < free:
        return timedelta()
    doublings = min(known.count - free, MOST_DOUBLINGS)
    return known.last_at + min(FIRST_WAIT * 2**doublings, longest) - now


def _count_one_more(source, known, now):
    count = known.count + 1 if known else 1
    FailedAttempts.insert(source=source, count=count, last_at=now).on_conflict(
        conflict_target=[FailedAttempts.source],
        preserve=[FailedAttempts.count, FailedAttempts.last_at],
    ).execute()
