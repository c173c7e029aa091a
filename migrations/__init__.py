"""Bring the database to the schema of this version: numbered steps, after a copy of the file."""

import sqlite3
from pathlib import Path

from peewee import DatabaseError
from playhouse.migrations import Runner

import clock
from models import database
from settings import TIME_ZONE, StartError, settings

DIRECTORY = Path(__file__).parent


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


def _copy_database(last_step):
    settings.backups_dir.mkdir(exist_ok=True)
    name = f"vor-umstellung-{clock.now().astimezone(TIME_ZONE):%Y%m%d-%H%M%S}-{last_step}.db"
    with sqlite3.connect(settings.backups_dir / name) as copy:
        database.connection().backup(copy)
    copy.close()
