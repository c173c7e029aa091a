"""Both journals: the write-ahead log, and the rollback journal of an older SQLite or of a network drive."""

import io
import json
import shutil
from contextlib import closing
from types import SimpleNamespace

import pytest
from peewee import OperationalError, sqlite3

import database as storage
from app import create_app
from database import database, init_database
from models import Customer
from services.background import worker
from settings import StartError, settings
from tests.support.cast import NOW
from tests.support.commands import printed
from tests.support.database import files_on_disk
from tests.support.files.samples import PNG
from tests.support.processes import run_app

pytestmark = pytest.mark.skipif(
    sqlite3.sqlite_version_info < storage.FIRST_SAFE_WAL, reason="This SQLite has the rollback journal only."
)


def mode():
    """Return the journal mode of a connection of the portal."""
    with database.connection_context():
        return database.pragma("journal_mode"), database.pragma("synchronous")


WAL, ROLLBACK = ("wal", 2), ("truncate", 3)


def beside():
    """Return the files that SQLite has put beside the database."""
    return sorted(path.name for path in settings.data_dir.glob("tickets.db-*"))


def numbers():
    with database.connection_context():
        return [customer.number for customer in Customer.select().order_by(Customer.id)]


def test_the_journal_is_converted_both_ways(anna, use_rollback_journal, monkeypatch):
    assert mode() == WAL
    use_rollback_journal()
    assert (mode(), numbers()) == (ROLLBACK, ["K1001"])
    assert "tickets.db-wal" not in beside()
    monkeypatch.undo()
    init_database(settings.database_path)
    assert (mode(), numbers()) == (WAL, ["K1001"])


@pytest.mark.parametrize("by_older", [False, True], ids=["same", "older"])
def test_what_a_crash_left_in_the_log_is_recovered(anna, tmp_path, monkeypatch, by_older):
    left = tmp_path / "after the crash"
    shutil.copytree(settings.data_dir, left)
    assert (left / "tickets.db-wal").stat().st_size > 0
    if by_older:
        monkeypatch.setattr(storage, "FIRST_SAFE_WAL", (99,))
    settings.load({"TICKET_DATA_DIR": str(left)})
    create_app()
    assert (mode(), numbers()) == (ROLLBACK if by_older else WAL, ["K1001"])


@pytest.mark.parametrize("made", ["before", "there"])
def test_a_folder_without_shared_memory_gets_the_rollback_journal(anna, run_command, tmp_path, made):
    """SQLite cannot create its shared memory on some network drives; here a link that leads nowhere prevents it."""
    folder = tmp_path / "drive"
    if made == "before":
        shutil.copytree(settings.data_dir, folder)
        (folder / "tickets.db-shm").unlink()
    else:
        folder.mkdir()
    (folder / "tickets.db-shm").symlink_to(tmp_path / "nowhere" / "shm")
    settings.load({"TICKET_DATA_DIR": str(folder)})
    create_app()
    assert mode() == ROLLBACK
    assert numbers() == (["K1001"] if made == "before" else [])
    (folder / "tickets.db-shm").unlink()  # pruefen says by itself that it leads nowhere.
    assert "mit Rollback-Journal" in run_command("pruefen").stdout
    assert "Gesichert" in printed(run_command("sichern"))


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_backup_restore_and_health_check(anna, run_worker, run_command, tmp_path, use_rollback_journal, journal):
    if journal == "rollback":
        use_rollback_journal()
    anna.report("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    run_worker()
    archive = tmp_path / "sicherung.zip"
    printed(run_command("sichern", "--mit-schluessel", "--ziel", str(archive)))
    assert list(settings.backups_dir.glob(".unfertig-*")) == []
    known = numbers(), files_on_disk()
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "restored")})
    printed(run_command("wiederherstellen", str(archive)))
    assert beside() == []
    create_app()
    assert (numbers(), files_on_disk()) == known
    assert mode() == (WAL if journal == "wal" else ROLLBACK)
    rows = json.loads(run_command("pruefen", "--json").stdout)
    (said,) = [row["satz"] for row in rows if row["bereich"] == "SQLite"]
    assert ("Write-Ahead-Log" in said) == (journal == "wal")
    assert {row["bereich"] for row in rows if row["stand"] == "in Ordnung"} >= {"Datenbank", "Anhänge", "Einträge"}


def test_a_backup_lets_others_write(anna, run_command, monkeypatch):
    copy = storage.copy_database

    def copy_while_another_process_writes(*connections):
        with closing(sqlite3.connect(settings.database_path, timeout=0)) as other, other:
            other.execute("UPDATE customer SET name = 'Bäckerei Winter'")
        copy(*connections)

    monkeypatch.setattr("services.operations.backup.copy_database", copy_while_another_process_writes)
    assert "Gesichert" in printed(run_command("sichern"))


def test_the_log_does_not_keep_what_was_deleted(anna):
    wal = settings.database_path.with_name("tickets.db-wal")
    with database.connection_context():
        Customer.create(number="K2002", name="Gelöschte GmbH", created_at=NOW)
        Customer.delete().where(Customer.number == "K2002").execute()
        assert "Gelöschte".encode() in wal.read_bytes()
        jobs = worker.Worker()
        with closing(sqlite3.connect(settings.database_path)) as reader:
            # A long read needs the log, and nobody waits for it.
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM customer").fetchall()
            Customer.update(name="Bäckerei").execute()
            jobs.tick(NOW)
            assert wal.stat().st_size > 0
            reader.execute("COMMIT")
        jobs.tick(NOW + worker.CHECKPOINT_INTERVAL)
        assert wal.stat().st_size == 0
        assert "Gelöschte".encode() not in settings.database_path.read_bytes()
        assert database.pragma("busy_timeout") == 1000 * storage.BUSY_TIMEOUT_SECONDS


def test_a_command_leaves_one_private_file(tmp_path):
    folder = tmp_path / "data"
    assert run_app(folder, "kunde", "neu", "--nummer", "K1001", "--name", "Muster").returncode == 0
    assert [path.name for path in folder.glob("tickets.db*")] == ["tickets.db"]
    # It finds the database without its log, and cannot take away what it needs to read it.
    assert b"Datenbank: in Ordnung" in run_app(folder, "pruefen").stdout
    assert {path.stat().st_mode & 0o077 for path in folder.glob("tickets.db*")} == {0}


def test_a_log_without_its_database_stops_the_start(app, tmp_path):
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "lost")})
    settings.data_dir.mkdir()
    (settings.data_dir / "tickets.db-wal").write_bytes(b"the last changes")
    with pytest.raises(StartError, match="fehlt oder ist leer"):
        create_app()
    assert (settings.data_dir / "tickets.db-wal").read_bytes() == b"the last changes"


def test_a_database_that_needs_room_to_be_read_is_not_called_damaged(anna, run_command, monkeypatch):
    resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files.")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    database.close_idle()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        said = run_command("pruefen").stdout
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Datenbank: Fehler. Sie lässt sich erst lesen, wenn wieder Platz auf dem Datenträger ist." in said
    assert "wiederherstellen" not in said
    assert "Datenbank: in Ordnung" in run_command("pruefen").stdout


def test_a_start_on_a_full_disk_asks_for_room(anna, monkeypatch):
    def fail(path):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("app.init_database", fail)
    with pytest.raises(StartError, match="Bitte schaffen Sie Platz"):
        create_app()


def test_a_start_beside_a_program_that_writes_for_long_says_so(anna, monkeypatch):
    monkeypatch.setattr(storage, "BUSY_TIMEOUT_SECONDS", 0)
    with closing(sqlite3.connect(settings.database_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StartError, match="Ein anderes Programm hält die Datenbank"):
            create_app()
    create_app()
    assert (mode(), numbers()) == (WAL, ["K1001"])
