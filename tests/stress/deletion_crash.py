"""Kill the nightly deletion and the erasure of a person repeatedly: python -m tests.stress.deletion_crash

Shows that a SIGKILL at any moment leaves no ticket half deleted, no row without its file and no index entry without its
ticket, and that the next run completes the work: nothing due is left, no file without a row, no byte of the person.
Takes some minutes and 50 MB in a temporary folder.
"""

import argparse
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import timedelta

import clock
from app import create_app
from database import database
from demo import history
from enums import DELETED_TEXT, Category, EventKind, SubmissionState
from models import Attachment, Event, Staff, Submission, Ticket, TicketWords
from services.privacy import erasure, person_search, retention, retention_schedule
from services.privacy.person_matcher import PersonMatcher
from settings import settings
from tests.stress.load_generator import print_figures
from tests.support.database import database_bytes
from tests.support.processes import ROOT

PERSON = "Xaver Quendelwurz"
WITH_FILE = 10
ABOUT_PERSON = 20

# Tickets of the first two of the made-up five years are due.
TERMS = {"TICKET_CLOSED_TICKET_DAYS": "1095", "TICKET_BACKUP_TIME": ""}

LOOK_SECONDS, LONGEST_SECONDS = 0.01, 0.5


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.stress.deletion_crash", description=__doc__.splitlines()[0])
    parser.add_argument("--tickets", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--erase", action="store_true", help="what a killed process does; not to be typed")
    options = parser.parse_args()
    if options.erase:
        _open(os.environ["TICKET_DATA_DIR"])
        with database.connection_context():
            _erase()
        return
    with tempfile.TemporaryDirectory(prefix="meldeportal-stress-") as folder:
        _open(folder)
        with database.connection_context():
            _fill(options.tickets)
            before = Ticket.select().count()
        figures, faults = {}, []
        commands = {
            "erasure": ["-m", "tests.stress.deletion_crash", "--erase"],
            "night": ["app.py", "worker", "--einmal"],
        }
        for name, command in commands.items():
            figures[f"{name}: SIGKILLs at work"] = _kill(command, options.kills // 2, faults)
            _make_deletion_due()
            began = time.monotonic()
            _process(command).communicate()
            figures[f"{name}: last run in s"] = round(time.monotonic() - began)
        with database.connection_context():
            faults += _half_done() + _left_over()
            figures |= {"tickets before": before, "tickets after": Ticket.select().count()}
        content = database_bytes()
        faults += [f"{word} is still there" for word in PERSON.split() if word.encode() in content]
    print_figures(figures, faults)
    sys.exit(bool(faults))


def _open(folder):
    settings.load({"TICKET_DATA_DIR": str(folder), **TERMS})
    create_app()


def _fill(count):
    """Add a made-up past; some tickets get a file, some mention the person."""
    history.add_history(count, clock.now())
    tickets = list(Ticket.select().order_by(Ticket.id))
    for ticket in tickets[::WITH_FILE]:
        stored_name = secrets.token_hex(16)
        (settings.files_dir / stored_name).write_bytes(b"x")
        facts = {"draft": secrets.token_urlsafe(16), "media_type": "image/png", "digest": "", "size": 1, "address": ""}
        names = {"stored_name": stored_name, "name": "Foto.png", "staged_at": ticket.created_at}
        Attachment.create(submission=ticket.submission_id, **facts, **names)
    for ticket in tickets[::ABOUT_PERSON]:
        Event.create(ticket=ticket, at=clock.now(), kind=EventKind.NOTED, actor="Büro", text=f"{PERSON} rief an.")
    # The sweep deletes old files only.
    old = (clock.now() - timedelta(days=30)).timestamp()
    for path in settings.files_dir.iterdir():
        os.utime(path, (old, old))


def _erase():
    matcher = PersonMatcher([PERSON])
    while matches := person_search.find(matcher)[0]:
        files = [file.id for one in matches for file in one.files]
        erasure.erase(matches, matcher, files, Staff.select().first(), clock.now())


def _kill(command, times, faults):
    """Kill a command up to `times` times, shortly after it begins to write; return how often it was killed."""
    for number in range(times):
        _make_deletion_due()
        before = settings.database_path.stat().st_mtime_ns
        process = _process(command)
        while process.poll() is None and settings.database_path.stat().st_mtime_ns == before:
            time.sleep(LOOK_SECONDS)
        time.sleep(random.uniform(0, LONGEST_SECONDS))
        if process.poll() is not None:
            process.communicate()
            return number
        process.kill()
        process.communicate()
        with database.connection_context():
            faults += _half_done()
    return times


def _make_deletion_due():
    """Make the nightly deletion overdue."""
    retention_schedule.start_if_due(clock.now() - timedelta(days=5))


def _process(command):
    environment = os.environ | {"TICKET_DATA_DIR": str(settings.data_dir), "PYTHONUTF8": "1"} | TERMS
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _half_done():
    """Return the inconsistencies that must never exist, as sentences."""
    tickets = {ticket.id: ticket.submission_id for ticket in Ticket.select()}
    admitted = {row.id for row in Submission.select().where(Submission.state == SubmissionState.ADMITTED)}
    faults = []
    if admitted != set(tickets.values()):
        faults.append("a submission without its ticket")
    if {row.rowid for row in TicketWords.select(TicketWords.rowid)} != set(tickets):
        faults.append("words without their ticket, or a ticket without words")
    if {event.ticket_id for event in Event.select(Event.ticket).distinct()} != set(tickets):
        faults.append("events without their ticket, or a ticket without events")
    if any(not (settings.files_dir / file.stored_name).exists() for file in Attachment.select()):
        faults.append("a row without its file")
    told = Event.select(Event.ticket).where(Event.kind == EventKind.DATA_ERASED)
    blank = (Submission.category == Category.NEW_EMPLOYEE) & (Submission.last_name == DELETED_TEXT)
    half = (Submission.position != "") | Ticket.id.not_in(told)
    if Ticket.select().join(Submission).where(blank, half).exists():
        faults.append("a new employee half forgotten")
    if database.execute_sql("PRAGMA integrity_check").fetchall() != [("ok",)]:
        faults.append("a broken database")
    return faults


def _left_over():
    """Return what the last run should have deleted, as sentences."""
    faults = [f"{one.name}: {one.at_next_run} left" for one in _due_now() if one.at_next_run]
    named = {file.stored_name for file in Attachment.select()}
    return faults + [f"a file without a row: {path}" for path in settings.files_dir.iterdir() if path.name not in named]


def _due_now():
    # Without what became due during this test.
    return retention.forecast(clock.now() - timedelta(days=1))


if __name__ == "__main__":
    main()
