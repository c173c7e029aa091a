"""The database of this process: connections, the write transaction, and the base of all tables."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from peewee import BaseQuery, DatabaseError, DateTimeField, Field, Model, ModelSelect, Value
from playhouse.pool import PooledSqliteDatabase

# Opening a connection with its pragmas takes as long as a page, so connections are kept between requests.
database = PooledSqliteDatabase(None, max_connections=None, autoconnect=False, lock_type="IMMEDIATE")

# Long reads by a command in another process (`pruefen`, `sichern`) block writers.
BUSY_TIMEOUT_SECONDS = 60

# SQLite makes a second writer sleep for growing times; the lock turns this into a short queue.
_write_lock = threading.RLock()


def init_database(path: Path) -> None:
    """Set the database file; callers open and close connections.

    Neither a power cut nor several writers can damage the journal (see docs/decisions/storage.md). Deleted data is
    overwritten in the file.
    """
    database.close_idle()
    pragmas = {"journal_mode": "truncate", "synchronous": "extra", "foreign_keys": 1, "secure_delete": 1}
    database.init(path, pragmas=pragmas, check_same_thread=False, timeout=BUSY_TIMEOUT_SECONDS)


def copy_database(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy a whole database from one open connection to another in one step; raises DatabaseError."""
    try:
        source.backup(target)
    except sqlite3.Error as error:
        raise DatabaseError(str(error)) from error


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
        """Insert a row and return it. Peewee would build the same SQL anew, which takes longer than running it."""
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


def count_rows(query: ModelSelect) -> int:
    """Count the rows of a query without dropping its order.

    Peewee's own count drops the order, which leads the database to the right index.
    """
    return len(database.execute(query).fetchall())
