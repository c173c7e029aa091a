"""The log: one line per entry, on the console and in files that are limited in size, number and age."""

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from logging.handlers import RotatingFileHandler
from math import inf
from pathlib import Path

from clock import TIME_ZONE
from enums import MEBIBYTE
from i18n.system_errors import in_german
from settings import settings

# Name of the logger for security events.
SECURITY_LOGGER = "sicherheit"

FILE_NAME = "meldeportal.log"
SECURITY_FILE_NAME = "sicherheit.log"

MAX_FILE_BYTES = 8 * MEBIBYTE

# Longer lines are cut. A URL may have 64,000 characters.
MAX_LINE_LENGTH = 2000

# These report every bad request as a warning or error, which would fill the log.
_LIBRARY_LOG_LEVELS = {"waitress": logging.WARNING, "waitress.queue": logging.ERROR, "flask_wtf.csrf": logging.WARNING}

# When each line of code last logged, by file and number.
_logged_at: dict[tuple[str, int], float] = {}

# A URL that grants access to whoever has it.
_TOKEN_URL = re.compile(r"(/(?:freigabe|vorgang|(?:konto-)?einrichten)/)[\w-]+")


class SingleLineFormatter(logging.Formatter):
    """Formats an entry so that no text within it looks like another entry, and masks link tokens."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry in one line, and below it the traceback, if there is one, indented."""
        lines = [_sanitize(f"{_local_time(record)} {record.levelname} {record.name}: {record.getMessage()}")]
        if record.exc_info:
            lines += (f"    {_sanitize(line)}" for line in self.formatException(record.exc_info).splitlines())
        return "\n".join(lines)


class LogFileHandler(RotatingFileHandler):
    """Writes a log file and reports a write error once.

    A new file begins each day and at `maxBytes`; without a `backupCount`, entries are only appended.
    """

    _is_error_reported = False

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Return whether the record belongs into a new file."""
        return self._is_from_another_day(record) or bool(super().shouldRollover(record))

    def handleError(self, record: logging.LogRecord) -> None:
        """Print the first write error; the portal goes on without this file."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._is_error_reported:
            self._is_error_reported = True
            print(f"Das Protokoll lässt sich nicht schreiben: {in_german(error)}.", file=sys.stderr, flush=True)

    def _is_from_another_day(self, record: logging.LogRecord) -> bool:
        path = Path(self.baseFilename)
        if not path.is_file():
            return False
        with path.open(encoding="utf-8", errors="replace") as file:
            day = file.read(len("2026-11-30"))
        return day != _local_time(record)[: len(day)]


def log_to_console() -> None:
    """Write warnings and errors to the console, but nothing that visitors can cause at will."""
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(SingleLineFormatter())
    console.addFilter(lambda record: record.name != SECURITY_LOGGER and not _is_from_anybody(record))
    logging.basicConfig(level=logging.INFO, handlers=[console])
    for name, level in _LIBRARY_LOG_LEVELS.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("waitress").addFilter(_is_first_in_hour)


@contextmanager
def log_to_files(rotate: bool = False) -> Iterator[None]:
    """Write the log into files of the data folder.

    The second file repeats the security events, except those that visitors can cause at will: they cannot push the
    others out of it.

    rotate: for the server only. Two processes that rotate the same files would lose entries.
    """
    with suppress(OSError):  # The handler reports a missing folder.
        settings.logs_dir.mkdir(exist_ok=True)
    max_bytes, max_files = (MAX_FILE_BYTES, settings.log_days) if rotate else (0, 0)
    root = logging.getLogger()
    with ExitStack() as stack:
        for name in (FILE_NAME, SECURITY_FILE_NAME):
            path = settings.logs_dir / name
            file = LogFileHandler(path, "a", max_bytes, max_files, encoding="utf-8", delay=True)
            file.setFormatter(SingleLineFormatter())
            if name == SECURITY_FILE_NAME:
                file.addFilter(lambda record: record.name == SECURITY_LOGGER and not _is_from_anybody(record))
            root.addHandler(file)
            stack.callback(file.close)
            stack.callback(root.removeHandler, file)
        yield


def sweep(now: datetime) -> None:
    """Delete log entries that are older than `log_days`."""
    oldest = (now - timedelta(days=settings.log_days)).timestamp()
    for path in settings.logs_dir.glob("*.log*"):
        with suppress(FileNotFoundError):  # renamed by a rotation
            if path.stat().st_mtime >= oldest:
                continue
            if path.suffix == ".log":
                os.truncate(path, 0)  # The server may have it open.
            else:
                path.unlink()


def _is_first_in_hour(record: logging.LogRecord) -> bool:
    """Let a line of code log once an hour, whatever it names: visitors could cause thousands of messages."""
    place = record.pathname, record.lineno
    is_again = 0 <= record.created - _logged_at.get(place, -inf) < 3600
    if not is_again:
        _logged_at[place] = record.created
    return not is_again


def _is_from_anybody(record: logging.LogRecord) -> bool:
    return getattr(record, "from_anybody", False)


def _local_time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, TIME_ZONE).isoformat(timespec="milliseconds")


def _sanitize(line: str) -> str:
    if len(line) > MAX_LINE_LENGTH:
        line = f"{line[:MAX_LINE_LENGTH]} …"
    # Spaces that people can type when they search.
    line = line.replace("\N{NO-BREAK SPACE}", " ")
    line = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)
    return _TOKEN_URL.sub(r"\1…", line)
