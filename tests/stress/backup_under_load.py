"""Back the portal up every few seconds under load, and restore every archive: python -m tests.stress.backup_under_load

Shows that each archive restores to a portal without faults in `pruefen`, with every request confirmed before the
backup began: its ticket, or pending, and its file. Files are added and removed meanwhile. Takes a few minutes and some
hundred MB in a temporary folder.
"""

import argparse
import shutil
import sys
import time

from peewee import JOIN

from database import database, init_database
from enums import SubmissionState
from models import Attachment, Submission, Ticket
from tests.stress.load_generator import faults_of, portal_under_load, print_figures

PAUSE_SECONDS = 2

# The topics of expected faults: a restored portal has no backup yet, and its limits are off.
EXPECTED = ("Sicherung", "Einstellungen")


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress.backup_under_load", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--backups", type=int, default=25)
    options = parser.parse_args()
    with portal_under_load(_start) as (portal, folder, load):
        archives, seconds = [], []
        load.start()
        for number in range(options.backups):
            time.sleep(PAUSE_SECONDS)
            before = [request for request in list(load.requests) if request.codes]
            archive, began = folder / f"{number}.zip", time.monotonic()
            portal.run("sichern", "--ziel", str(archive), limits="off")
            seconds.append(time.monotonic() - began)
            archives.append((archive, before))
        load.stop()
        key = (folder / "data" / "secret.key").read_bytes()
        faults, missing, files = list(load.faults), 0, 0
        for archive, before in archives:
            restored = folder / "restored"
            portal.run("wiederherstellen", str(archive), data_dir=restored)
            (restored / "secret.key").write_bytes(key)
            (restored / "secret.key").chmod(0o600)
            faults += faults_of(portal, *EXPECTED, data_dir=restored)
            missing += _missing(before, restored)
            files += len(list((restored / "files").iterdir()))
            archive.unlink()
            shutil.rmtree(restored)
    figures = {
        "backups, each restored": len(archives),
        "requests confirmed meanwhile": sum(bool(request.codes) for request in load.requests),
        "of them before the last backup": len(archives[-1][1]),
        "files in all archives": files,
        "confirmed before a backup, not in it": missing,
        "slowest sichern in ms": round(1000 * max(seconds)),
    }
    print_figures(figures, faults)
    sys.exit(bool(missing or faults))


def _start(portal):
    portal.start(limits="off", worker_tick_seconds=0.2, backup_time="")


def _missing(before, restored):
    """Return how many of the requests are missing or incomplete in a restored portal."""
    init_database(restored / "tickets.db")
    with database.connection_context():
        rows = Submission.select(Submission, Ticket.id.alias("ticket_id")).join(Ticket, JOIN.LEFT_OUTER)
        known = {row.draft: row for row in rows.objects()}
        files = {}
        for file in Attachment.select().where(Attachment.submission.is_null(False)):
            files.setdefault(file.submission_id, []).append(file.digest)
    database.close_idle()
    return sum(not _is_there(known.get(request.draft), request, files) for request in before)


def _is_there(row, request, files):
    is_known = row is not None and row.code in request.codes and files.get(row.id, []) == request.digests
    return is_known and (row.ticket_id is not None or row.state is SubmissionState.PENDING)


if __name__ == "__main__":
    main()
