"""The one database of this process: its connections, its write transaction, and what all tables share."""

import sqlite3
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from peewee import DatabaseError, DateTimeField, Model
from playhouse.pool import PooledSqliteDatabase

# Opening a connection with its pragmas takes about as long as a page; so they are kept open between requests.
database = PooledSqliteDatabase(None, max_connections=None, autoconnect=False, lock_type="IMMEDIATE")

# Nobody can write while somebody reads in one go, as a checkup or a backup by command does in another process.
BUSY_TIMEOUT_SECONDS = 60

# SQLite answers a second writer with sleeps of growing length; a lock makes the wait a short queue.
_write_lock = threading.RLock()


def init_database(path):
    """Let the database be this file; the connections themselves are opened and closed by whoever needs one.

    The journal is one that no power cut and no number of writers can spoil (see docs/decisions.md). What is deleted is
    overwritten, so that the file does not hold it any more.
    """
    database.close_idle()
    pragmas = {"journal_mode": "truncate", "synchronous": "extra", "foreign_keys": 1, "secure_delete": 1}
    database.init(path, pragmas=pragmas, check_same_thread=False, timeout=BUSY_TIMEOUT_SECONDS)


def copy_database(source, target):
    """Copy a whole database, as it is now, from one open connection to another; raises DatabaseError."""
    try:
        source.backup(target)
    except sqlite3.Error as error:
        raise DatabaseError(str(error)) from error


@contextmanager
def transaction(min_seconds=0):
    """Open the one write transaction of this process: all of it happens or nothing.

    Others wait for it at least so many seconds: then they cannot tell how much was done in it.
    """
    with _write_lock:
        ends = time.monotonic() + min_seconds
        try:
            with database.atomic():
                yield
        finally:
            time.sleep(max(0, ends - time.monotonic()))


class UTCDateTimeField(DateTimeField):
    """A moment: aware in Python, UTC in the database."""

    if TYPE_CHECKING:
        # Peewee returns the value on a row, and the field on its class.
        def __get__(self, instance: Any, owner: Any) -> Any: ...

    def db_value(self, value):
        return value and value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

    def python_value(self, value):
        return value and datetime.fromisoformat(value).replace(tzinfo=UTC)


class BaseModel(Model):
    class Meta:
        database = database
        legacy_table_names = False


def count_rows(query):
    """Count the rows of a query in its order.

    Peewee's own count drops the order, and with it what leads the database to the right index.
    """
    return len(database.execute(query).fetchall())
