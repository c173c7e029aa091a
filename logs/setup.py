"""The log: an entry begins with its moment and keeps to its line; the running server also writes a file a day."""

import logging
import re
import sys
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from textwrap import indent

from clock import TIME_ZONE
from enums import MEBIBYTE
from i18n.system_errors import in_german
from logs.throttle import LogThrottle
from settings import settings

# The log of what concerns security.
SECURITY_LOGGER = "sicherheit"

FILE_NAME = "meldeportal.log"
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

# Beyond it the log takes no more until midnight; what anybody can bring about ends at the half, and so cannot hide the
# rest. Failures are written all the same: their number stands on a page, and the same one is written once an hour.
MAX_BYTES_PER_DAY = 64 * MEBIBYTE

# Nobody reads further in one line, and an address may have a quarter of a million signs.
MOST_SIGNS = 2000

# What they say of every request is no fault, and would fill the log.
_LIBRARY_LOG_LEVELS = {"waitress": logging.WARNING, "waitress.queue": logging.ERROR, "flask_wtf.csrf": logging.WARNING}

# An address that opens something to whoever has it.
_TOKEN_URL = re.compile(r"(/(?:freigabe|vorgang|einrichten)/)[\w-]+")


class SingleLineFormatter(logging.Formatter):
    """Writes nothing that could pass for another entry, whatever somebody typed, and no address that opens a door."""

    def __init__(self):
        super().__init__(LOG_FORMAT)

    def format(self, record):
        """Return the whole entry."""
        record.exc_text = None  # Another formatter leaves its own text here.
        return super().format(record)

    def formatTime(self, record, datefmt=None):
        """Return the moment with its time zone."""
        return datetime.fromtimestamp(record.created, TIME_ZONE).isoformat(timespec="milliseconds")

    def formatMessage(self, record):
        """Return the entry's own line."""
        return _sanitize(super().formatMessage(record))

    def formatException(self, exc_info):
        """Return where it happened, indented."""
        lines = super().formatException(exc_info).splitlines()
        return indent("\n".join(map(_sanitize, lines)), "    ")


def log_to_console():
    """Show faults where the portal was started."""
    screen = logging.StreamHandler()
    screen.setLevel(logging.WARNING)
    screen.setFormatter(SingleLineFormatter())
    # Somebody who knocks at a wrong door is no fault of the portal.
    screen.addFilter(lambda record: record.name != SECURITY_LOGGER)
    screen.addFilter(LogThrottle(screen))
    logging.basicConfig(level=logging.INFO, handlers=[screen])
    for name, level in _LIBRARY_LOG_LEVELS.items():
        logging.getLogger(name).setLevel(level)


class _ReportsWriteErrorOnce:
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


class SingleFileHandler(_ReportsWriteErrorOnce, logging.FileHandler):
    """Writes into one file."""


class DailyFileHandler(_ReportsWriteErrorOnce, TimedRotatingFileHandler):
    """Writes into a new file each day, and not without end."""

    _last_lines = frozenset()

    def emit(self, record):
        """Write a record if there is room for its kind today, or once that there is none."""
        is_of_anybody = hasattr(record, "kind")
        most = MAX_BYTES_PER_DAY // 2 if is_of_anybody else MAX_BYTES_PER_DAY
        if self.shouldRollover(record) or hasattr(record, "failure") or self._size() < most:
            super().emit(record)
        elif most not in self._last_lines:
            self._last_lines |= {most}
            what = "was jeder von außen auslösen kann" if is_of_anybody else "was kein Fehler auf einer Seite ist"
            super().emit(_limit_record(f"Zu viel für einen Tag: Bis Mitternacht steht hier nicht mehr, {what}."))

    def doRollover(self):
        """Begin a new file."""
        super().doRollover()
        self._last_lines = frozenset()

    def _size(self):
        with suppress(OSError):
            return Path(self.baseFilename).stat().st_size
        return 0


@contextmanager
def log_to_file(handler=SingleFileHandler, **options):
    """Write all entries into a file of the data folder, too."""
    with suppress(OSError):  # Without the folder there is no file, and the handler says so.
        settings.logs_dir.mkdir(exist_ok=True)
    file = handler(settings.logs_dir / FILE_NAME, encoding="utf-8", delay=True, **options)
    file.setFormatter(SingleLineFormatter())
    root = logging.getLogger()
    root.addHandler(file)
    try:
        yield file
    finally:
        root.removeHandler(file)
        file.close()


@contextmanager
def log_to_daily_file():
    """Write all entries into a file, a new one each day; for the server alone, because two would get in their way."""
    with log_to_file(DailyFileHandler, when="midnight") as file:
        damper = LogThrottle(file)
        file.addFilter(damper)
        try:
            yield
        finally:
            damper.settle()


def sweep(now):
    """Delete the files of the days that are past their time."""
    oldest = (now - timedelta(days=settings.log_days)).timestamp()
    for path in settings.logs_dir.glob(f"{FILE_NAME}.*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def _limit_record(text):
    return logging.LogRecord(SECURITY_LOGGER, logging.WARNING, __file__, 0, text, None, None)


def _sanitize(line):
    if len(line) > MOST_SIGNS:
        line = f"{line[:MOST_SIGNS]} …"
    # Here no line is wrapped, and people search for what they type.
    line = line.replace("\N{NO-BREAK SPACE}", " ")
    line = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)
    return _TOKEN_URL.sub(r"\1…", line)
