"""A migration killed half-way (SIGKILL) leaves the old database, for the old and the new version."""

import shutil
import subprocess
import sys
from contextlib import closing

import pytest
from peewee import sqlite3

import migrations
from database import database, init_database
from enums import Category, EventKind, SubmissionState
from models import Customer, Event, Submission, Ticket
from settings import settings
from tests.support.cast import NOW
from tests.support.database import backups, schema, tables
from tests.support.processes import ROOT, process_environment

# More than SQLite keeps in memory, so a part is in the file when the step is killed.
EVENTS, TEXT = 4000, "Der Kunde wartet. " * 120

COMMAND = """
import pathlib, sys
import database, migrations
migrations.DIRECTORY = pathlib.Path(sys.argv.pop(1))
if sys.argv.pop(1) == "rollback":
    database.FIRST_SAFE_WAL = (99,)
import app
app.main()
"""

REBUILDS = """
from peewee import CharField, DateTimeField, ForeignKeyField, Model, TextField

from migrations.tables import rebuild


class Base(Model):
    class Meta:
        legacy_table_names = False


class Ticket(Base):
    pass


class Event(Base):
    ticket = ForeignKeyField(Ticket, on_delete="CASCADE")
    at = DateTimeField()
    kind = CharField()
    actor = CharField(max_length=100)
    text = TextField()
    draft = CharField(max_length=22, null=True, unique=True)
    weight = CharField()


class Device(Base):
    name = CharField()


def up(migrator, db):
    with db.bind_ctx([Event, Device]):
        db.create_tables([Device], safe=False)
        rebuild(db, Event, {"weight": "'schwer'"})
"""

WAITS = """    print("mitten in der Umstellung", flush=True)
    input()
"""


@pytest.fixture(scope="module")
def full_database(shared, tmp_path_factory):
    """A database in which the events of a ticket exceed the memory that SQLite uses."""
    path = shutil.copy(shared.database_path, tmp_path_factory.mktemp("full"))
    init_database(path)
    known = {"customer_number": "K1001", "name": "Anna Sommer", "phone": "0211 555-0101", "description": "x"}
    with database.connection_context(), database.atomic():
        customer = Customer.create(number="K1001", name="Bäckerei Sommer", created_at=NOW)
        submission = Submission.create(
            draft="d" * 22,
            code="ABCDEFGH",
            received_at=NOW,
            state=SubmissionState.ADMITTED,
            category=Category.INCIDENT,
            **known,
        )
        ticket = Ticket.create(
            submission=submission, customer=customer, category=Category.INCIDENT, rank=2, created_at=NOW
        )
        rows = [{"ticket": ticket, "at": NOW, "kind": EventKind.NOTED, "actor": "Clara", "text": TEXT}] * EVENTS
        for begin in range(0, EVENTS, 100):
            Event.insert_many(rows[begin : begin + 100]).execute()
    database.close_idle()
    return path


@pytest.fixture
def full(app, full_database):
    """A portal with this database."""
    shutil.copy(full_database, settings.database_path)


@pytest.fixture
def steps(tmp_path):
    """Return the folders of this version's steps and of the next version's, which has one more."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        for path in migrations.DIRECTORY.glob("[0-9]*.py"):
            shutil.copy(path, folder)
    (new / "0099_devices.py").write_text(REBUILDS + WAITS)
    return old, new


def portal_of(version, journal, *arguments):
    """Start a command of a version of the portal, with the best journal or as with an older SQLite."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(version), journal, *arguments],
        cwd=ROOT,
        env=process_environment(TICKET_DATA_DIR=str(settings.data_dir)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.fixture(params=["wal", "rollback"])
def killed(full, steps, request):
    """The journal, and the data folder after a start of the next version was killed in the middle of its step."""
    with portal_of(steps[1], request.param, "ticket", "liste") as portal:
        assert portal.stdout.readline() == "mitten in der Umstellung\n"
        portal.kill()
    # The step had begun to write.
    journal = "journal" if request.param == "rollback" else "wal"
    assert settings.database_path.with_name(f"tickets.db-{journal}").stat().st_size > 0
    return request.param


def state():
    with closing(sqlite3.connect(settings.database_path)) as connection:
        integrity = connection.execute("PRAGMA integrity_check").fetchall()
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        count = connection.execute("SELECT COUNT(*), MIN(text) = MAX(text) FROM event").fetchall()
    return integrity, broken, count


INTACT = ([("ok",)], [], [(EVENTS, 1)])


@pytest.mark.parametrize("next_version", [False, True], ids=["old", "new"])
def test_killed_half_way_either_version_starts(killed, steps, next_version):
    (steps[1] / "0099_devices.py").write_text(REBUILDS)
    with portal_of(steps[next_version], killed, "ticket", "liste") as portal:
        printed, _ = portal.communicate()
    assert portal.returncode == 0
    assert "ABCD-EFGH" in printed
    assert state() == INTACT
    assert ("device" in tables(settings.database_path)) == next_version
    assert ("weight" in schema(settings.database_path)["table", "event"][1]) == next_version
    assert len(backups()) == 1


def test_pruefen_says_that_a_start_repairs_it(killed, run_command):
    result = run_command("pruefen")
    if killed == "wal":
        assert "Datenbank: in Ordnung" in result.stdout
        return
    assert result.exit_code == 1
    assert "mitten im Schreiben beendet" in result.stdout
    assert settings.database_path.with_name("tickets.db-journal").stat().st_size > 0
