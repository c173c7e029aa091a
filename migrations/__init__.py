"""Migrate the database to the schema of this version, step by step, after a copy of the file."""

import secrets
from contextlib import closing
from datetime import datetime
from pathlib import Path

from peewee import DatabaseError, SqliteDatabase, sqlite3
from playhouse.migrations import Runner

import clock
from clock import TIME_ZONE
from database import copy_database, database
from settings import StartError, settings

DIRECTORY = Path(__file__).parent

# Repeated failing starts must not fill the disk with copies.
COPIES_KEPT = 3
COPY_PREFIX = "vor-umstellung-"


def migrate() -> None:
    """Apply the missing steps to the open database, each in one transaction.

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
        # Another process may have applied the same step a moment before.
        if any(not step.applied for step in runner.status()):
            raise


def applied_steps(db: SqliteDatabase) -> list[str]:
    """Return the names of the steps applied to a database."""
    return sorted(Runner(db, str(DIRECTORY)).applied())


def first_applied_at(db: SqliteDatabase) -> datetime | None:
    """Return when the first step was applied to a database, or None."""
    return min((moment.astimezone() for moment in Runner(db, str(DIRECTORY)).applied().values()), default=None)


def knows_all_steps(db: SqliteDatabase) -> bool:
    """Say whether this version knows every step applied to a database, so that it can open or migrate it."""
    return all(step.path for step in Runner(db, str(DIRECTORY)).status())


def is_current(db: SqliteDatabase) -> bool:
    """Say whether all steps of this version are applied to a database."""
    return all(step.applied for step in Runner(db, str(DIRECTORY)).status())


def _copy_database(last_step: str) -> None:
    """Copy the database. Only the newest copy per last step stays, and only COPIES_KEPT in all."""
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
