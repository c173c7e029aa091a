"""What is stored: the database and the files, compared before and after."""

from contextlib import closing, nullcontext

from peewee import sqlite3

from database import checkpoint, database
from settings import settings


def snapshot():
    """Return all that is stored: every row as text, by its table, and the names of all files but SQLite's journals."""
    with closing(sqlite3.connect(settings.database_path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [f"{name}: {row}" for name in tables for row in connection.execute(f'SELECT * FROM "{name}"')]
    names = {path.name for path in settings.data_dir.rglob("*")}
    return rows, sorted(name for name in names if not name.startswith("tickets.db-"))


def database_bytes():
    """Return the database with its write-ahead log, after the checkpoint that the portal makes every minute."""
    with database.connection_context() if database.is_closed() else nullcontext():
        checkpoint()
    log = settings.database_path.with_name(f"{settings.database_path.name}-wal")
    return settings.database_path.read_bytes() + (log.read_bytes() if log.exists() else b"")


def files_on_disk():
    return sorted(path.name for path in settings.files_dir.iterdir())


ADDS_TABLE = """
from peewee import CharField, Model


class Device(Model):
    name = CharField()

    class Meta:
        legacy_table_names = False


def up(migrator, db):
    with db.bind_ctx([Device]):
        db.create_tables([Device], safe=False)
"""


def schema(path):
    """Return the statements that would make each table and index of a database file."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {(kind, name): (table, sql) for kind, name, table, sql in rows}


def tables(path):
    """Return the names of the tables, except those of SQLite, its full-text search or the steps."""
    names = {name for kind, name in schema(path) if kind == "table"}
    return {name for name in names if not name.startswith(("sqlite_", "ticket_words_", "schema_migration"))}


def backups():
    return sorted(settings.backups_dir.glob("*")) if settings.backups_dir.exists() else []
