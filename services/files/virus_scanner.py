"""The office's virus scanner, if one is set: a command that gets a file's path and answers with its exit code."""

import logging
import os
import shlex
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import IO

from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from i18n.system_errors import in_german
from services.files.check_queue import CheckQueue
from services.files.types.reader import CheckUnavailable, Harmful
from services.security.audit_log import SecurityEvent, log_once_per_hour
from services.security.rate_limit import QueueFull
from settings import settings

log = logging.getLogger(__name__)

CLEAN, FOUND = 0, 1

# ClamAV needs a tenth of a second with its daemon, and half a minute if it has to load its signatures first.
TIMEOUT_SECONDS = 60

HARMFUL = N_("Unser Virenscanner hält sie für schädlich. Bitte öffnen Sie sie nicht mehr und rufen Sie uns an.")
UNAVAILABLE = N_("Unser Virenscanner antwortet gerade nicht. Bitte senden Sie es ohne Dateien ab.")
BUSY = N_("Unser Virenscanner ist gerade ausgelastet. Bitte versuchen Sie es in einer Minute noch einmal.")

_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)

_unavailable = False


def is_unavailable() -> bool:
    """Say whether the scanner failed at its last scan, so that no file is accepted."""
    return bool(settings.scanner) and _unavailable


def self_test() -> str:
    """Scan a harmless text, and return what the scanner printed if it does not find that clean, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "harmlos.txt")
        path.write_text("Harmlos\n", encoding="utf-8")
        code, output = _run(path)
    return "" if code == CLEAN else output


def scan(path: Path, ip: str) -> None:
    """Scan a file that came from an IP address; raises Refused unless it is clean, or TooManyUploads."""
    global _unavailable
    if not settings.scanner:
        return
    try:
        with scan_queue().turn(ip):
            code, output = _run(path)
    except QueueFull:
        raise CheckUnavailable(_(BUSY)) from None
    was_unavailable, _unavailable = _unavailable, code not in (CLEAN, FOUND)
    if code == FOUND:
        log_once_per_hour(SecurityEvent.FILE_HARMFUL, ip, what=output)
        raise Harmful(_(HARMFUL))
    if _unavailable and not was_unavailable:
        log.error("Der Virenscanner hat nicht geprüft, deshalb kommt keine Datei herein: %s", output)
    if _unavailable:
        raise CheckUnavailable(_(UNAVAILABLE))


def scan_queue() -> CheckQueue:
    """Return the queue for the scanner; with those who wait, scans take at most half of the threads."""
    return _queue(max(1, settings.threads // 4))


@cache
def _queue(at_once: int) -> CheckQueue:
    return CheckQueue(at_once, is_strict=True)


def _run(path: Path) -> tuple[int | None, str]:
    """Return the exit code, or None if there is none, and the beginning of the output in one line."""
    # A file, because reading a pipe would wait for the scanner's child processes, too.
    with tempfile.TemporaryFile() as output:
        try:
            code = _exit_code(_command(path), output)
        except subprocess.TimeoutExpired:
            return None, f"keine Antwort nach {TIMEOUT_SECONDS} Sekunden"
        except OSError as error:
            return None, in_german(error)
        output.seek(0)
        return code, f"Exitcode {code}, {' '.join(output.read(500).decode(errors='replace').split())}"


def _exit_code(command: str | list[str], output: IO[bytes]) -> int:
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


def _end_with_children(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children: the command may be a script that runs the scanner."""
    try:
        if os.name == "nt":
            tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            subprocess.run(tree, capture_output=True, check=False, creationflags=_NO_WINDOW)  # noqa: S603
        else:
            os.killpg(process.pid, signal.SIGKILL)
    finally:
        process.kill()


def _command(path: Path) -> str | list[str]:
    """Return the command for a file; on Windows as one line, because of the backslashes."""
    if os.name == "nt":
        return f"{settings.scanner} {subprocess.list2cmdline([path])}"
    return [*shlex.split(settings.scanner), str(path)]
