"""Numbers for failures: shown on the error page and found in the log."""

import secrets
import threading
import traceback
from datetime import datetime, timedelta

# For this long a failure keeps its number and is not logged in full again.
LIFETIME = timedelta(hours=1)

MAX_KNOWN = 1000

# By type of error, place and traceback: the number and when it was given out, oldest first.
_known: dict[tuple[object, ...], tuple[str, datetime]] = {}
_lock = threading.Lock()


def number(error: BaseException, place: str, now: datetime) -> tuple[str, datetime | None]:
    """Return the number of a failure, and since when it has been in the log, or None if it is new.

    place: the request that failed; the same error elsewhere gets another number.
    """
    steps = frozenset((step.filename, step.lineno) for step in traceback.extract_tb(error.__traceback__))
    key = (type(error), place, steps)
    with _lock:
        if key in _known and _known[key][1] <= now < _known[key][1] + LIFETIME:
            return _known[key]
        _known.pop(key, None)
        _known[key] = f"{secrets.randbelow(10**6):06}", now
        if len(_known) > MAX_KNOWN:
            del _known[next(iter(_known))]
        return _known[key][0], None
