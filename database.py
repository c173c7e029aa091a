"""The database of this process: connections, the write transaction, and the base of all tables."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

# Peewee takes the newer one of pysqlite3 and Python's own module. One process must not mix the two: closing a file in
# one of them drops the locks of the other.
from peewee import (
    SQL,
    BaseQuery,
    DatabaseError,
    DateTimeField,
    Field,
    Model,
    ModelSelect,
    OperationalError,
    Select,
    SqliteDatabase,
    Value,
    fn,
    sqlite3,
)
from playhouse.pool import PooledSqliteDatabase

# Opening a connection with its pragmas takes as long as a page, so connections are kept between requests.
database = PooledSqliteDatabase(None, max_connections=None, autoconnect=False, lock_type="IMMEDIATE")

# Long reads by a command in another process (`pruefen`, `sichern`) block writers in the rollback journal.
BUSY_TIMEOUT_SECONDS = 60

# Writers wait for so long at most while a checkpoint waits for readers.
CHECKPOINT_MS = 100

# Older versions can corrupt a write-ahead log that has several writers.
FIRST_SAFE_WAL = (3, 51, 3)
WAL = {"journal_mode": "wal", "synchronous": "full"}
ROLLBACK_JOURNAL = {"journal_mode": "truncate", "synchronous": "extra"}

# SQLite makes a second writer sleep for growing times; the lock turns this into a short queue.
_write_lock = threading.RLock()


def init_database(path: Path) -> None:
    """Set the database file and settle its journal; callers open and close connections. Raises DatabaseError.

    Neither a power cut nor several writers can damage the journal (see docs/decisions/storage.md). Deleted data is
    overwritten in the file.
    """
    database.close_idle()
    pragmas = _settle_journal(path) | {"foreign_keys": 1, "secure_delete": 1}
    database.init(path, pragmas=pragmas, check_same_thread=False, timeout=BUSY_TIMEOUT_SECONDS)


def _settle_journal(path: Path) -> dict[str, str]:
    """Convert the database to the best journal that works with this SQLite in this folder, and return its pragmas."""
    if sqlite3.sqlite_version_info >= FIRST_SAFE_WAL:
        attempt = SqliteDatabase(path, pragmas=WAL, lock_type="IMMEDIATE", timeout=BUSY_TIMEOUT_SECONDS)
        # Some network drives lack the shared memory, which only a transaction needs.
        with suppress(OperationalError), attempt.connection_context(), attempt.atomic():
            if attempt.pragma("journal_mode") == "wal":
                return WAL
    # An exclusive connection recovers and converts a write-ahead log without shared memory.
    pragmas = {"locking_mode": "exclusive"} | ROLLBACK_JOURNAL
    with SqliteDatabase(path, pragmas=pragmas, timeout=BUSY_TIMEOUT_SECONDS).connection_context():
        return ROLLBACK_JOURNAL


def copy_database(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy a whole database from one open connection to another in one step; raises DatabaseError.

    The target keeps its journal in memory: an unfinished copy is thrown away, and a complete one is a single file.
    """
    try:
        source.backup(target)
        # A copy of a database with a write-ahead log would begin one of its own.
        target.execute("PRAGMA journal_mode=memory")
    except sqlite3.Error as error:
        raise DatabaseError(str(error)) from error


def checkpoint() -> None:
    """Copy the write-ahead log into the database and empty it, unless a long read still needs it.

    SQLite copies it by itself, but leaves old pages in the log until others take their place.
    """
    database.execute_sql("PRAGMA wal_checkpoint(PASSIVE)")  # Most of it, while others write.
    with _write_lock:
        database.pragma("busy_timeout", CHECKPOINT_MS)
        try:
            database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            database.pragma("busy_timeout", BUSY_TIMEOUT_SECONDS * 1000)


@contextmanager
def transaction(min_seconds: float = 0) -> Iterator[None]:
    """Open the write transaction of this process, which happens as a whole or not at all.

    It lasts at least `min_seconds`, so that waiting writers cannot tell how much was done in it.
    """
    with _write_lock:
        ends = time.monotonic() + min_seconds
        try:
            with database.atomic():
                yield
        finally:
            if (left := ends - time.monotonic()) > 0:
                time.sleep(left)


class UTCDateTimeField(DateTimeField):
    """A moment: an aware datetime in Python, UTC in the database."""

    if TYPE_CHECKING:
        # Peewee returns the value on a row, and the field on its class.
        def __get__(self, instance: Any, owner: Any) -> Any: ...

    def db_value(self, value: datetime | None) -> str | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")

    def python_value(self, value: str | None) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


class BaseModel(Model):
    class Meta:
        database = database
        legacy_table_names = False

    @classmethod
    def create(cls, **values: Any) -> Self:
        """Insert a row and return it. Peewee would build the same SQL anew, which takes longer than running it.

        Every column is named: one without a value or a default in the model becomes NULL.
        """
        row = cls(**values)
        sql, fields = _insert_statement(cls)  # type: ignore[arg-type]  # the stubs hide that a table is hashable
        stored = [field.db_value(row.__data__.get(field.name)) for field in fields]
        row.id = database.last_insert_id(database.execute_sql(sql, stored))
        row._dirty.clear()
        return row


@cache
def _insert_statement(model: type[Model]) -> tuple[str, list[Field]]:
    fields = [field for field in model._meta.sorted_fields if not field.primary_key]
    return model.insert(dict.fromkeys(fields)).sql()[0], fields


def prepared(build: Callable[..., BaseQuery]) -> Callable[..., Any]:
    """Return a function that runs a query with the values given to it and returns the cursor.

    The SQL is built once, for queries that most requests make: building it takes longer than running it.
    """
    slots = [object() for _ in signature(build).parameters]

    @cache
    def statement() -> tuple[str, list[object]]:
        return build(*(Value(slot, converter=False) for slot in slots)).sql()

    def run(*values: object) -> Any:
        sql, parameters = statement()
        given = dict(zip(slots, values, strict=True))
        return database.execute_sql(sql, [given.get(parameter, parameter) for parameter in parameters])

    return run


def prepared_rows(build: Callable[..., ModelSelect]) -> Callable[..., list[Any]]:
    """Return a function that reads the rows of a query with the values given to it; the SQL is built once."""
    run = prepared(build)

    @cache
    def query() -> ModelSelect:
        return build(*signature(build).parameters)

    def rows(*values: object) -> list[Any]:
        return list(query()._get_cursor_wrapper(run(*values)))

    return rows


def count_rows(query: ModelSelect) -> int:
    """Count the rows of a query in its order, which leads to the right index; peewee's own count drops it."""
    return Select([query.alias("counted")], [fn.COUNT(SQL("1"))]).scalar(database)
