"""Who sends too much is asked to wait: how much came from each network is counted in the memory of the one server.

A network may send as much of a kind at once as the settings allow for an hour, and gets it back little by little. Of
IPv6 the whole site is counted, too, at a multiple: who has a thousand networks has not a thousand times as much.
"""

import threading
from datetime import timedelta
from enum import Enum

from services.security.audit_log import SecurityEvent, log_event
from services.security.ip_networks import SITE_FACTOR, network_of, site_of
from settings import settings

HOUR = timedelta(hours=1)

# Beyond this many the ones that were seen least lately are forgotten: memory has a bound, too.
MOST_COUNTED = 20_000

# What fractions of a second add up to by rounding keeps nobody waiting.
TOLERANCE = timedelta(milliseconds=1)


class RateLimit(Enum):
    """What is counted, by the name of its setting."""

    SUBMISSIONS = "submissions_per_hour"
    UPLOADS = "uploads_per_hour"


class RateLimited(Exception):
    """There is too much at the moment; carries how long to wait."""

    def __init__(self, wait):
        super().__init__(wait)
        self.wait = wait


class TooManySubmissions(RateLimited):
    """A network has sent too many requests."""


class TooManyUploads(RateLimited):
    """A network has sent too many files."""


class QueueFull(RateLimited):
    """So much waits from everybody together that nothing more can be taken."""


_REFUSALS = {RateLimit.SUBMISSIONS: TooManySubmissions, RateLimit.UPLOADS: TooManyUploads}

# By kind and network: when all of it is given back, and whether somebody was refused since it was.
_buckets = {}
_lock = threading.Lock()


def consume(kind, ip, now, number=1):
    """Count so many from an address; raises Flood if its network or its site has sent too much, and counts nothing."""
    limit = getattr(settings, kind.value)
    shares = {(kind, network_of(ip)): limit, (kind, "site", site_of(ip)): SITE_FACTOR * limit}
    with _lock:
        wait = max(_wait(key, number / most, now) for key, most in shares.items())
        if wait <= TOLERANCE:
            for key, most in shares.items():
                _count(key, number / most, now)
            return
        known = shares.keys() & _buckets.keys()
        is_first = not any(_buckets[key][1] for key in known)
        for key in known:
            _buckets[key] = (_buckets[key][0], True)
    if is_first:
        # Once, or a flood would fill the log.
        log_event(SecurityEvent.RATE_LIMITED, ip, what=kind.value)
    raise _REFUSALS[kind](wait)


def reset():
    """Begin anew, as at the start of the server."""
    with _lock:
        _buckets.clear()


def _refilled_at(key, now):
    """Return when all is given back; what lies further ahead comes from a clock that was put back, and counts not."""
    moment, _ = _buckets.get(key, (now, False))
    return moment if now <= moment <= now + HOUR else now


def _wait(key, share, now):
    return _refilled_at(key, now) + min(share, 1) * HOUR - HOUR - now


def _count(key, share, now):
    refilled_at = _refilled_at(key, now)
    # What was seen last stands last.
    _, was_refused = _buckets.pop(key, (now, False))
    _buckets[key] = (min(refilled_at + share * HOUR, now + HOUR), was_refused and refilled_at > now)
    while len(_buckets) > MOST_COUNTED:
        del _buckets[next(iter(_buckets))]
