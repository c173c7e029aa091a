"""Bring the database to the schema of this version: numbered steps, after a copy of the file."""

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from peewee import DatabaseError
from playhouse.migrations import Runner

import clock
from clock import TIME_ZONE
from database import copy_database, database
from settings import StartError, settings

DIRECTORY = Path(__file__).parent

# A start that fails again and again must not fill the disk with copies.
COPIES_KEPT = 3
COPY_PREFIX = "vor-umstellung-"


def migrate():
    """Apply the steps that the open database lacks, each in one transaction.

    Raises StartError if the database has steps that this version does not know.
    """
    runner = Runner(database, str(DIRECTORY))
    steps = runner.status()
    applied = [step for step in steps if step.applied]
    pending = [step for step in steps if not step.applied]
    if any(step.path is None for step in applied):
        raise StartError(
            f"Die Datenbank {settings.database_path} stammt aus einer neueren Version. "
            "Bitte starten Sie diese neuere Version oder spielen Sie eine ältere Sicherung ein."
        )
    if not pending:
        return
    if applied:
        _copy_database(applied[-1].name)
    try:
        runner.up()
    except DatabaseError:
        # Another process may have taken the same step a moment before.
        if any(not step.applied for step in runner.status()):
            raise


def applied_steps(db):
    """Return the names of the steps that a database has taken."""
    return sorted(Runner(db, str(DIRECTORY)).applied())


def first_applied_at(db):
    """Return the moment at which a database took its first step, or None."""
    return min((moment.astimezone() for moment in Runner(db, str(DIRECTORY)).applied().values()), default=None)


def knows_all_steps(db):
    """Say whether this version knows every step that a database has taken, and so can open it or bring it up."""
    return all(step.path for step in Runner(db, str(DIRECTORY)).status())


def is_current(db):
    """Say whether a database has taken all steps of this version."""
    return all(step.applied for step in Runner(db, str(DIRECTORY)).status())


def _copy_database(last_step):
    """Copy the database; of the copies before the same step only the newest is kept, and not many in all."""
    settings.backups_dir.mkdir(exist_ok=True)
    name = f"{COPY_PREFIX}{clock.now().astimezone(TIME_ZONE):%Y%m%d-%H%M%S}-{last_step}.db"
    unfinished = settings.backups_dir / f".unfertig-{secrets.token_hex(8)}.db"
    try:
        with closing(sqlite3.connect(unfinished)) as copy:
            copy_database(database.connection(), copy)
        unfinished.replace(settings.backups_dir / name)
    finally:
        unfinished.unlink(missing_ok=True)
    copies = sorted(settings.backups_dir.glob(f"{COPY_PREFIX}*.db"), reverse=True)
    of_this_step = [path for path in copies if path.stem.endswith(last_step)]
    others = [path for path in copies if path not in of_this_step]
    for path in of_this_step[1:] + others[COPIES_KEPT - 1 :]:
        path.unlink(missing_ok=True)
