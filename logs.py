"""The log: an entry begins with its moment and keeps to its line; the running server also writes a file a day."""

import logging
import re
import sys
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from logging.handlers import TimedRotatingFileHandler
from textwrap import indent

from faults import in_german
from settings import TIME_ZONE, settings

# The log of what concerns security.
SECURITY = "sicherheit"

FILE_NAME = "meldeportal.log"
LAYOUT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

# An address that opens something to whoever has it.
_SECRET_ADDRESS = re.compile(r"(/(?:freigabe|vorgang|einrichten)/)[\w-]+")


class OneLine(logging.Formatter):
    """Writes nothing that could pass for another entry, whatever somebody typed, and no address that opens a door."""

    def __init__(self):
        super().__init__(LAYOUT)

    def format(self, record):
        """Return the whole entry."""
        record.exc_text = None  # Another formatter leaves its own text here.
        return super().format(record)

    def formatTime(self, record, datefmt=None):
        """Return the moment with its time zone."""
        return datetime.fromtimestamp(record.created, TIME_ZONE).isoformat(timespec="milliseconds")

    def formatMessage(self, record):
        """Return the entry's own line."""
        return _harmless(super().formatMessage(record))

    def formatException(self, exc_info):
        """Return where it happened, indented."""
        lines = super().formatException(exc_info).splitlines()
        return indent("\n".join(map(_harmless, lines)), "    ")


def to_screen():
    """Show faults where the portal was started."""
    screen = logging.StreamHandler()
    screen.setLevel(logging.WARNING)
    screen.setFormatter(OneLine())
    # Somebody who knocks at a wrong door is no fault of the portal.
    screen.addFilter(lambda record: record.name != SECURITY)
    logging.basicConfig(level=logging.INFO, handlers=[screen])
    # That a request had to wait a moment for a thread is no fault, and under load it would fill the log.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class _SaidOnce:
    """Lets a handler say once on the screen that its file takes nothing; the portal goes on without it."""

    _is_said = False

    def emit(self, record):
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record):
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._is_said:
            self._is_said = True
            print(f"Das Protokoll lässt sich nicht schreiben: {in_german(error)}.", file=sys.stderr, flush=True)


class OneFile(_SaidOnce, logging.FileHandler):
    """Writes into one file."""


class FileADay(_SaidOnce, TimedRotatingFileHandler):
    """Writes into a new file each day."""


@contextmanager
def to_file(handler=OneFile, **options):
    """Write all entries into a file of the data folder, too."""
    with suppress(OSError):  # Without the folder there is no file, and the handler says so.
        settings.logs_dir.mkdir(exist_ok=True)
    file = handler(settings.logs_dir / FILE_NAME, encoding="utf-8", delay=True, **options)
    file.setFormatter(OneLine())
    root = logging.getLogger()
    root.addHandler(file)
    try:
        yield
    finally:
        root.removeHandler(file)
        file.close()


def to_a_file_a_day():
    """Write all entries into a file, a new one each day; for the server alone, because two would get in their way."""
    return to_file(FileADay, when="midnight")


def sweep(now):
    """Delete the files of the days that are past their time."""
    oldest = (now - timedelta(days=settings.log_days)).timestamp()
    for path in settings.logs_dir.glob(f"{FILE_NAME}.*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def _harmless(line):
    line = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)
    return _SECRET_ADDRESS.sub(r"\1…", line)
