"""Rate limits: a network that sends too much must wait. Token buckets in the memory of the one server process.

A network may use its limit for an hour at once, and gets it back little by little. The site counts as well, with a
multiple of the limit, so that a thousand IPv6 networks do not have a thousand times as much.
"""

import threading
from datetime import datetime, timedelta

from services.security.audit_log import SecurityEvent, log_event
from services.security.ip_networks import SITE_FACTOR, network_of, site_of
from settings import settings

HOUR = timedelta(hours=1)

# Beyond this many buckets the least recently used ones are dropped.
MAX_BUCKETS = 20_000

# Rounding errors of this size make nobody wait.
TOLERANCE = timedelta(milliseconds=1)


class RateLimited(Exception):
    """Too much came at once; `wait` is how long until it can be sent again, `setting` names the limit."""

    setting = ""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


class TooManySubmissions(RateLimited):
    """A network has sent too many requests."""

    setting = "submissions_per_hour"


class TooManyUploads(RateLimited):
    """A network has sent too many files."""

    setting = "uploads_per_hour"


class QueueFull(RateLimited):
    """Too many requests from all networks together are waiting."""


# By limit and network or site: when the bucket is full again, and whether a request was refused since it last was.
_buckets: dict[tuple[str, str], tuple[datetime, bool]] = {}
_lock = threading.Lock()


def consume(refusal: type[RateLimited], ip: str, now: datetime, number: int = 1) -> None:
    """Count requests or files from an address; raises the refusal of their kind and then counts nothing."""
    name = refusal.setting
    limit = getattr(settings, name)
    limits = {(name, network_of(ip)): limit, (name, f"site {site_of(ip)}"): SITE_FACTOR * limit}
    with _lock:
        wait = max(_wait(key, number / most, now) for key, most in limits.items())
        if wait <= TOLERANCE:
            for key, most in limits.items():
                _count(key, number / most, now)
            return
        known = limits.keys() & _buckets.keys()
        is_first = not any(_buckets[key][1] for key in known)
        for key in known:
            _buckets[key] = (_buckets[key][0], True)
    if is_first:
        # Once, so that a flood does not fill the log.
        log_event(SecurityEvent.RATE_LIMITED, ip, what=name)
    raise refusal(wait)


def _full_at(key: tuple[str, str], now: datetime) -> datetime:
    """Return when a bucket is full again; a time too far ahead comes from a clock that was put back, and is ignored."""
    full_at, _ = _buckets.get(key, (now, False))
    return full_at if now <= full_at <= now + HOUR else now


def _wait(key: tuple[str, str], share: float, now: datetime) -> timedelta:
    return _full_at(key, now) + min(share, 1) * HOUR - HOUR - now


def _count(key: tuple[str, str], share: float, now: datetime) -> None:
    full_at = _full_at(key, now)
    # Reinsert to keep the order of last use.
    _, was_refused = _buckets.pop(key, (now, False))
    _buckets[key] = (min(full_at + share * HOUR, now + HOUR), was_refused and full_at > now)
    while len(_buckets) > MAX_BUCKETS:
        del _buckets[next(iter(_buckets))]
