"""Keeps the log from being filled by what anybody can bring about: the first of a kind are written, then counted."""

import logging
import secrets
import threading
import traceback
from collections import OrderedDict
from datetime import datetime, timedelta

from clock import TIME_ZONE

# So many of a kind are written; how many more there were is said once in so many seconds.
RECORDS_PER_WINDOW = 10
WINDOW_SECONDS = 600

# Beyond this many the oldest are forgotten: memory has a bound, too.
MOST_KINDS = 10_000
MAX_ERROR_NUMBERS = 1000

# A failure that happens again keeps its number for so long.
NUMBER_LIFETIME = timedelta(hours=1)


class LogThrottle(logging.Filter):
    """Lets a handler write the first records of a kind, and then how many more there were.

    A record without a kind always passes; the counts are written with the next record of any kind, or at the end.
    """

    def __init__(self, handler):
        super().__init__()
        self._handler, self._lock = handler, threading.Lock()
        # By kind: its first record and how many there were since, the oldest first.
        self._counted = OrderedDict()

    def filter(self, record):
        """Say whether the record is to be written."""
        kind = getattr(record, "kind", None)
        with self._lock:
            passes, lines = kind is None or self._count(kind, record), self._due(record.created)
        self._write(lines)
        return passes

    def settle(self):
        """Write what was only counted so far."""
        with self._lock:
            lines = [_more(*counted) for counted in self._counted.values()]
            self._counted.clear()
        self._write(lines)

    def _count(self, kind, record):
        first, count = self._counted.get(kind, (record, 0))
        if not 0 <= record.created - first.created < WINDOW_SECONDS:
            return True  # It is due, and begins anew with the next one.
        self._counted[kind] = first, count + 1
        return count < RECORDS_PER_WINDOW

    def _due(self, now):
        lines = []
        while self._counted:
            first, count = next(iter(self._counted.values()))
            if 0 <= now - first.created < WINDOW_SECONDS and len(self._counted) <= MOST_KINDS:
                break
            self._counted.popitem(last=False)
            lines.append(_more(first, count))
        return lines

    def _write(self, lines):
        for line in filter(None, lines):
            self._handler.handle(line)


class ErrorNumbers:
    """The numbers of failures; the same one gets the same number for an hour, so that each is found in the log."""

    def __init__(self):
        self._lock = threading.Lock()
        self._known = OrderedDict()

    def number(self, error, place, now):
        """Return the number of an error at a place, and since when it is known, or None if it is a new one."""
        steps = frozenset((step.filename, step.lineno) for step in traceback.extract_tb(error.__traceback__))
        what = (type(error), place, steps)
        with self._lock:
            number, since = self._known.get(what, (None, now))
            if number and since <= now < since + NUMBER_LIFETIME:
                return number, since
            number = f"{secrets.randbelow(10**6):06}"
            self._known[what] = number, now
            self._known.move_to_end(what)
            while len(self._known) > MAX_ERROR_NUMBERS:
                self._known.popitem(last=False)
            return number, None

    def reset(self):
        """Begin anew, as at the start of the server."""
        with self._lock:
            self._known.clear()


error_numbers = ErrorNumbers()


def _more(first, count):
    """Return the record that says how many more there were, or None."""
    if count <= RECORDS_PER_WINDOW:
        return None
    since = datetime.fromtimestamp(first.created, TIME_ZONE)
    text = f"{first.kind} | seit {since:%H:%M} noch {count - RECORDS_PER_WINDOW}-mal"
    return logging.LogRecord(first.name, first.levelno, first.pathname, first.lineno, text, None, None)
