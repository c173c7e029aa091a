"""Fill the disk of a running portal and make room again: python -m tests.stress.full_disk (as root, on Linux)

On a small file system in memory: shows that files are refused before texts, that on a full disk nothing is confirmed,
stored incompletely or left behind, and that the portal recovers by itself when there is room. Takes some seconds.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
from contextlib import suppress
from functools import partial
from pathlib import Path

from database import database
from models import Attachment, Submission, Ticket
from tests.stress.load_generator import (
    NO_ANSWER,
    Request,
    Sender,
    check_outcome,
    faults_of,
    health,
    print_figures,
    some_text,
)
from tests.support.servers.live_server import LiveServer

DISK_MIB, RESERVE_MIB = 48, 8
TRIES = 20
TIMEOUT_SECONDS = 180


def main():
    with tempfile.TemporaryDirectory(prefix="full-disk-") as name:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", name], check=False)
        if mounted.returncode:
            sys.exit("A file system in memory can be mounted here by nobody, or by root only; nothing was tried.")
        # Request bodies are spooled there, too.
        os.environ["TMPDIR"] = name
        try:
            figures, faults = _measure(Path(name))
        finally:
            database.close_idle()
            subprocess.run(["umount", name], check=True)
    print_figures(figures, faults)
    sys.exit(bool(faults))


def _measure(disk):
    portal = LiveServer(disk / "data")
    # The log of a portal lies on a disk of its own here, so that it does not take part.
    known = portal.add_customer("K1001", "Bäckerei Sommer", "--mail", "post@sommer.example")
    portal.start(limits="off", worker_tick_seconds=0.1, disk_reserve_mib=RESERVE_MIB, backup_time="")
    try:
        return _fill_and_empty(portal, Sender(portal, known), disk)
    finally:
        portal.kill()


def _send(sender, requests, faults, content=None):
    """Send one more request and return the status and the page of the answer; 0 is a page without a confirmation."""
    requests.append(Request(content))
    try:
        page = sender.send(requests[-1])
    except urllib.error.HTTPError as error:
        page = error.read().decode()
        if error.code == 500 and ("nicht eingegangen" not in page or "Papier" not in page):
            faults.append("A failure lost what was typed, or did not say that nothing has come in.")
        return error.code, page
    except NO_ANSWER:
        return None, ""
    return (200, page) if requests[-1].codes else (0, page)


def _fill_and_empty(portal, sender, disk):
    requests, faults = [], []
    send = partial(_send, sender, requests, faults)
    accepted = 0
    while (last := send(some_text() * 8))[0] == 200 and accepted < 1000:
        accepted += 1
    if last[0] != 422 or "Speicher ist gerade fast voll" not in last[1] or "Papier" not in last[1]:
        faults.append("Files are refused without saying why, or what was typed is lost.")
    texts = sum(send()[0] == 200 for _ in range(TRIES))
    if texts < TRIES:
        faults.append("A text was refused while room was kept for it.")
    # Unbuffered, because flushing a buffer would fail again on closing.
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))
    until_full = 0
    while send()[0] == 200 and until_full < 1000:
        until_full += 1
    answers = [send()[0] for _ in range(TRIES)] + [send(some_text())[0] for _ in range(TRIES)]
    if 200 in answers:
        faults.append("Something was confirmed on a full disk.")
    (disk / "filler").unlink()
    began = time.monotonic()
    wanted = sum(bool(request.codes) for request in requests)
    with portal.database():
        while Ticket.select().count() < wanted and time.monotonic() - began < TIMEOUT_SECONDS:
            time.sleep(0.1)
        result = check_outcome(requests, portal.data_dir / "files")
        unconfirmed = Submission.select().count() - wanted
        nameless = len(list((portal.data_dir / "files").iterdir())) - Attachment.select().count()
    went_on = time.monotonic() - began
    if health(portal) != "ok" or send()[0] != 200:
        faults.append("The portal does not go on when there is room again.")
    faults += faults_of(portal, "Sicherung", "Platz", "Einstellungen", limits="off")
    if result.lost or result.doubled or result.half or unconfirmed or nameless:
        faults.append(f"{result}, {unconfirmed} unconfirmed, {nameless} files without a row")
    return {
        "requests with a file before the reserve": accepted,
        "then: status of the answer": last[0],
        "texts accepted below the reserve": texts,
        "texts until the disk was really full": until_full,
        "tries on the full disk, none confirmed": len(answers),
        "confirmed in all": result.confirmed,
        "lost, doubled, half": result.lost + result.doubled + result.half,
        "rows or files left of what failed": unconfirmed + nameless,
        "seconds until all tickets were made": round(went_on),
    }, faults


if __name__ == "__main__":
    main()
