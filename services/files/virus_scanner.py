"""The virus scanner that the office may have set: a command that gets a file's path and answers by its exit code."""

import logging
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from i18n.system_errors import in_german
from services.files.types import CheckUnavailable, Refused
from services.security.audit_log import SecurityEvent, log_event
from settings import settings

log = logging.getLogger(__name__)

CLEAN, FOUND = 0, 1

# ClamAV needs a tenth of a second with its daemon, and half a minute when it first has to read all it knows.
TIMEOUT_SECONDS = 60

HARMFUL = N_("Unser Virenscanner hält sie für schädlich. Bitte öffnen Sie sie nicht mehr und rufen Sie uns an.")
UNAVAILABLE = N_("Unser Virenscanner antwortet gerade nicht. Bitte senden Sie es ohne Dateien ab.")
BUSY = N_("Unser Virenscanner ist gerade ausgelastet. Bitte versuchen Sie es in einer Minute noch einmal.")

_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)

_starting = threading.Lock()
_running = 0
_unavailable = False


def is_unavailable():
    """Say whether the scanner that is set did not answer when it was last asked, so that no file comes in."""
    return bool(settings.scanner) and _unavailable


def self_test():
    """Let the scanner look at a harmless text, and return what it said unless that is found clean."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "harmlos.txt")
        path.write_text("Harmlos\n", encoding="utf-8")
        code, said = _run(path)
    return "" if code == CLEAN else said


def scan(path, source):
    """Let the scanner look at a file that came from an address; raises Refused unless it finds the file clean."""
    global _unavailable
    if not settings.scanner:
        return
    with _place():
        code, said = _run(path)
    _unavailable = code not in (CLEAN, FOUND)
    if code == FOUND:
        log.warning("Der Virenscanner hält eine Datei für schädlich: %s", said)
        log_event(SecurityEvent.FILE_HARMFUL, source)
        raise Refused(_(HARMFUL))
    if _unavailable:
        log.error("Der Virenscanner hat nicht geprüft, deshalb kommt keine Datei herein: %s", said)
        raise CheckUnavailable(_(UNAVAILABLE))


@contextmanager
def _place():
    """Let at most half of the server's threads wait for the scanner, so that pages open even while it hangs."""
    global _running
    with _starting:
        if _running >= max(1, settings.threads // 2):
            raise CheckUnavailable(_(BUSY))
        _running += 1
    try:
        yield
    finally:
        with _starting:
            _running -= 1


def _run(path):
    """Return the exit code, or None if there is none, and in one line what the scanner said."""
    # Into a file, because a pipe that the scanner's own children still hold would be waited for without end.
    with tempfile.TemporaryFile() as output:
        try:
            code = _exit_code(_command(path), output)
        except subprocess.TimeoutExpired:
            return None, f"keine Antwort nach {TIMEOUT_SECONDS} Sekunden"
        except OSError as error:
            return None, in_german(error)
        output.seek(0)
        return code, f"Exitcode {code}, {' '.join(output.read(500).decode(errors='replace').split())}"


def _exit_code(command, output):
    with subprocess.Popen(  # noqa: S603 - the command is the administrator's own, and no shell reads it
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        creationflags=_NO_WINDOW,
    ) as process:
        try:
            return process.wait(TIMEOUT_SECONDS)
        except BaseException:
            _end_with_children(process)
            raise


def _end_with_children(process):
    """End a process and all that it started: the scanner may be the child of a script, and would go on without it."""
    try:
        if os.name == "nt":
            tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            subprocess.run(tree, capture_output=True, check=False, creationflags=_NO_WINDOW)  # noqa: S603
        else:
            os.killpg(process.pid, signal.SIGKILL)
    finally:
        process.kill()


def _command(path):
    """Return what is to be run; Windows takes a command line as it was typed, with its backslashes."""
    if os.name == "nt":
        return f"{settings.scanner} {subprocess.list2cmdline([path])}"
    return [*shlex.split(settings.scanner), path]
