"""Backups: one complete archive while the portal runs, by command or daily; the last few are kept."""

import errno
import hashlib
import io
import json
import os
import shutil
import stat
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from peewee import DatabaseError, sqlite3

import clock
from database import database
from models import Attachment
from services.background import worker
from services.operations import backup
from settings import settings
from tests.support.cast import NOW, SECRET_KEY
from tests.support.commands import printed, refusal
from tests.support.files.samples import PDF, PNG
from tests.support.pages import all_text
from tests.support.staff import HOME

FILES = [("Foto.png", PNG), ("Beleg.pdf", PDF)]


@pytest.fixture
def filled(anna, run_worker):
    """A portal with a ticket that has two files."""
    anna.report("warranty", files=[(io.BytesIO(content), name) for name, content in FILES])
    run_worker()


@pytest.fixture
def backup_task(app, shared):
    """Run one tick of the backup thread."""
    portals_worker = worker.Worker()

    def tick():
        with database.connection_context():
            portals_worker.tick(clock.now(), "backup")

    return tick


def archives():
    return sorted(path.name for path in settings.backups_dir.glob("*.zip"))


def leftovers():
    return list(settings.data_dir.rglob(".unfertig-*"))


def contents(name):
    with zipfile.ZipFile(settings.backups_dir / name) as archive:
        return {member: archive.read(member) for member in archive.namelist()}


def rows(content, tmp_path, query):
    path = tmp_path / "aus der Sicherung.db"
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as copy:
        return copy.execute(query).fetchall()


def test_archive_holds_everything(filled, run_command, tickets, tmp_path):
    output = printed(run_command("sichern", "--ziel", str(settings.backups_dir)))
    (name,) = archives()
    assert f"Gesichert: {settings.backups_dir / name}" in output
    assert "Anhänge: 2" in output
    held = contents(name)
    manifest = json.loads(held.pop("manifest.json"))
    assert manifest["members"] == {
        member: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for member, content in held.items()
    }
    files = {member: content for member, content in held.items() if member.startswith("files/")}
    assert sorted(files.values()) == sorted(content for _, content in FILES)
    assert held.keys() - files.keys() == {"tickets.db", "config.toml"}
    assert 'office_phone = "0211 55500"' in held["config.toml"].decode()
    (code,) = rows(held["tickets.db"], tmp_path, "SELECT code FROM ticket JOIN submission")
    assert code == (tickets()[0].submission.code,)
    assert leftovers() == []


def shared_files():
    return sorted(path.name for path in (settings.backups_dir / backup.SHARED).glob("*"))


def test_daily_archives_store_each_attachment_once(filled, anna, run_command, advance_clock, monkeypatch):
    monkeypatch.setattr(settings, "backups_kept", 2)
    digests = sorted(hashlib.sha256(content).hexdigest() for _, content in FILES)
    for _ in range(2):
        assert "Anhänge: 2" in printed(run_command("sichern"))
        advance_clock(days=1)
    assert shared_files() == digests
    assert not [member for name in archives() for member in contents(name) if member.startswith("files/")]
    with database.connection_context():
        photo = Attachment.get(Attachment.name == "Foto.png")
        (settings.files_dir / photo.stored_name).unlink()
        photo.delete_instance()
    for number in (2, 1):
        printed(run_command("sichern"))
        advance_clock(days=1)
        # While an archive refers to it, it stays.
        assert len(shared_files()) == number


def test_nothing_is_swept_beside_an_archive_that_cannot_be_read(filled, run_command, advance_clock):
    printed(run_command("sichern"))
    settings.backups_dir.joinpath(archives()[0]).write_bytes(b"torn")
    with database.connection_context():
        Attachment.delete().execute()
    advance_clock(days=1)
    printed(run_command("sichern"))
    assert len(shared_files()) == 2


@pytest.mark.parametrize("with_key", [True, False])
def test_secrets_are_included_only_on_request(app, run_command, monkeypatch, caplog, with_key):
    caplog.set_level("INFO")
    monkeypatch.setattr(settings, "smtp_url", "smtp://name:geheim@mail.firma.example")
    printed(run_command("sichern", *(["--mit-schluessel"] if with_key else [])))
    held = contents(archives()[0])
    everything = b"".join(held.values())
    assert (SECRET_KEY in everything) == with_key
    assert (b"geheim" in everything) == with_key
    assert ("secret.key" in held) == with_key
    assert ("Schlüssel in eine Sicherung kopiert | Quelle=Befehl" in caplog.text) == with_key


def test_another_target(filled, run_command, tmp_path):
    folder = tmp_path / "Platte"
    folder.mkdir()
    printed(run_command("sichern", "--ziel", str(folder)))
    printed(run_command("sichern", "--ziel", str(folder / "meine.zip")))
    assert sorted(path.name for path in folder.iterdir()) == ["meine.zip", "sicherung-20261123-103000.zip"]
    assert archives() == []


@pytest.mark.parametrize("name", ["Sicherung", "Müller GmbH & Co. KG", "Sicherung.2026"])
def test_a_new_folder_is_made(filled, run_command, tmp_path, name):
    folder = tmp_path / name
    output = printed(run_command("sichern", "--ziel", str(folder)))
    assert [path.name for path in folder.iterdir()] == ["sicherung-20261123-103000.zip"]
    notice = f"Der Ordner {folder} ist neu. Liegt er auf dem Datenträger, den Sie meinen?"
    assert notice in output
    (folder / "sicherung-20261123-103000.zip").unlink()
    assert notice not in printed(run_command("sichern", "--ziel", str(folder)))


@pytest.mark.parametrize("name", ["meine.zip", "MEINE.ZIP"])
def test_a_name_with_the_ending_of_an_archive_is_a_file(filled, run_command, tmp_path, name):
    output = printed(run_command("sichern", "--ziel", str(tmp_path / name)))
    assert "ist neu" not in output
    assert zipfile.is_zipfile(tmp_path / name)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("da.zip", "da.zip gibt es schon"),
        ("da", "da ist kein Ordner. Bitte nennen Sie einen Ordner oder einen Dateinamen mit der Endung .zip."),
        ("da/x.zip", "da ist kein Ordner."),
        ("fehlt/x.zip", "fehlt gibt es nicht. Ist der Datenträger angeschlossen?"),
        ("fehlt/x", "fehlt/x gibt es nicht. Ist der Datenträger angeschlossen?"),
    ],
)
def test_impossible_target(filled, run_command, tmp_path, target, sentence):
    for name in ("da.zip", "da"):
        (tmp_path / name).write_bytes(b"meins")
    assert sentence in refusal(run_command("sichern", "--ziel", str(tmp_path / target)))
    assert {(tmp_path / name).read_bytes() for name in ("da.zip", "da")} == {b"meins"}
    assert not (tmp_path / "fehlt").exists()


def test_nothing_to_back_up(app, run_command):
    settings.database_path.unlink()
    assert "nichts zu sichern" in refusal(run_command("sichern"))


def test_a_file_deleted_in_the_meantime_is_deleted_from_the_copy(filled, tmp_path):
    def delete_a_file():
        if Attachment.select().count() == 2:
            attachment = Attachment.get()
            attachment.delete_instance()
            (settings.files_dir / attachment.stored_name).unlink()
        return False

    with database.connection_context():
        assert backup.make(NOW, settings.backups_dir, is_stopping=delete_a_file).faulty == []
    held = contents(archives()[0])
    (member,) = (member for member in held if member.startswith("files/"))
    named = rows(held["tickets.db"], tmp_path, "SELECT stored_name FROM attachment")
    assert named == [(member.removeprefix("files/"),)]


def become_a_folder(path):
    """Let reading fail in another way than by absence, as on a failing disk."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"verfault"), become_a_folder]
)
def test_a_lost_file_is_reported_and_the_rest_is_saved(filled, run_command, harm):
    path = next(settings.files_dir.iterdir())
    harm(path)
    assert "Anhänge, die fehlen oder beschädigt sind: 1." in printed(run_command("sichern"))
    assert json.loads(contents(archives()[0])["manifest.json"])["faulty"] == [path.name]


def test_a_missing_logo_is_reported_and_the_rest_is_saved(backup_task, monkeypatch, caplog):
    monkeypatch.setattr(settings, "office_logo", "logo.svg")
    backup_task()
    assert len(archives()) == 1
    assert f"Das Logo {settings.logo_path} lässt sich nicht lesen: " in caplog.text


def test_damaged_database_pushes_no_good_archive_out(filled, run_command, advance_clock, monkeypatch):
    monkeypatch.setattr(settings, "backups_kept", 1)
    printed(run_command("sichern"))
    kept = archives()
    database.close_idle()
    damaged = bytearray(settings.database_path.read_bytes())
    damaged[4096:] = os.urandom(len(damaged) - 4096)
    settings.database_path.write_bytes(damaged)
    advance_clock(hours=1)
    assert "Datenbank" in refusal(run_command("sichern"))
    assert archives() == kept
    assert leftovers() == []


def test_no_room(filled, run_command, monkeypatch):
    usage = SimpleNamespace(free=1024**3)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    sentence = refusal(run_command("sichern"))
    assert "nicht genug Platz für eine Sicherung: Sie braucht " in sentence
    assert "frei sind 1,0\N{NO-BREAK SPACE}GB. Es muss 1,0\N{NO-BREAK SPACE}GB frei bleiben (" in sentence
    usage.free = 1000
    assert "frei sind 1\N{NO-BREAK SPACE}KB. Bitte schaffen Sie Platz" in refusal(run_command("sichern"))
    assert archives() == leftovers() == []


def test_another_disk_needs_no_reserve(filled, run_command, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "disk_reserve_mib", 2**40)
    assert "nicht genug Platz" in refusal(run_command("sichern"))
    printed(run_command("sichern", "--ziel", str(tmp_path / "woanders.zip")))


def test_network_disk_that_cannot_sync_folders(filled, run_command, monkeypatch):
    fsync = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    printed(run_command("sichern"))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "der Datenträger findet keinen Platz mehr"),
        (
            errno.EFBIG,
            "der Datenträger nimmt so große Dateien nicht an (FAT32 höchstens 4\N{NO-BREAK SPACE}GB",
        ),
        (errno.ENETDOWN, f"der Datenträger macht Schwierigkeiten ({os.strerror(errno.ENETDOWN)})"),
    ],
)
def test_disk_that_fails_in_the_middle(filled, run_command, monkeypatch, number, reason):
    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    assert f"Die Sicherung ließ sich nicht schreiben: {reason}" in refusal(run_command("sichern"))
    assert archives() == leftovers() == []


def test_the_last_ones_are_kept(app, run_command, advance_clock, monkeypatch):
    monkeypatch.setattr(settings, "backups_kept", 2)
    settings.backups_dir.mkdir()
    others = [settings.backups_dir / name for name in ("vor-umstellung-20251124-030000-0001.db", "sicherung-alt.zip")]
    for path in others:
        path.touch()
    for _ in range(3):
        printed(run_command("sichern"))
        advance_clock(days=1)
    assert archives() == ["sicherung-20261124-103000.zip", "sicherung-20261125-103000.zip", "sicherung-alt.zip"]
    assert all(path.exists() for path in others)


def test_archives_dated_in_the_future_are_deleted_first(app, run_command, advance_clock, monkeypatch):
    monkeypatch.setattr(settings, "backups_kept", 2)
    settings.backups_dir.mkdir()
    for day in (1, 2, 3):
        (settings.backups_dir / f"sicherung-2031010{day}-030000.zip").touch()
    printed(run_command("sichern"))
    assert archives() == ["sicherung-20261123-103000.zip", "sicherung-20310103-030000.zip"]
    advance_clock(days=1)
    printed(run_command("sichern"))
    assert archives() == ["sicherung-20261123-103000.zip", "sicherung-20261124-103000.zip"]


def test_remains_of_a_killed_backup_are_deleted_after_a_day(app, run_command):
    settings.backups_dir.mkdir()
    old, fresh = settings.backups_dir / ".unfertig-1.db", settings.backups_dir / ".unfertig-2.db"
    for path, age in ((old, timedelta(days=1, seconds=1)), (fresh, timedelta(hours=23, minutes=59, seconds=59))):
        path.touch()
        made = (NOW - age).timestamp()
        os.utime(path, (made, made))
    printed(run_command("sichern"))
    assert leftovers() == [fresh]


def test_daily_at_its_time(backup_task, advance_clock, monkeypatch):
    monkeypatch.setattr(settings, "backup_time", "11:00")
    backup_task()
    assert archives() == []
    advance_clock(minutes=30)
    backup_task()
    advance_clock(hours=5)
    backup_task()
    assert archives() == ["sicherung-20261123-110000.zip"]
    advance_clock(hours=20)
    backup_task()
    assert archives() == ["sicherung-20261123-110000.zip", "sicherung-20261124-120000.zip"]


def test_after_the_clock_was_put_back_a_daily_backup_is_made(backup_task, advance_clock):
    for days in (1, -1):
        advance_clock(days=days)
        backup_task()
    assert archives() == ["sicherung-20261123-103000.zip", "sicherung-20261124-103000.zip"]


@pytest.mark.parametrize(
    ("moment", "is_due"),
    [("2026-11-23T23:14:59", False), ("2026-11-23T23:15:00", True), ("2026-11-24T22:59:59", True)],
)
def test_daily_at_its_time_by_the_offices_clock(app, monkeypatch, moment, is_due):
    """A quarter past midnight in the office is still the day before in UTC."""
    monkeypatch.setattr(settings, "backup_time", "00:15")
    with database.connection_context():
        backup.make(datetime(2026, 11, 22, 23, 15, tzinfo=UTC))
    assert backup.is_due(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == is_due


@pytest.mark.parametrize(("age", "is_old"), [(timedelta(days=2), False), (timedelta(days=2, microseconds=1), True)])
def test_the_edge_of_an_old_backup(age, is_old):
    assert backup.BackupStatus(made_at=NOW - age).is_old(NOW) == is_old


def test_no_daily_backup_without_a_time(backup_task, monkeypatch):
    monkeypatch.setattr(settings, "backup_time", "")
    backup_task()
    assert not settings.backups_dir.exists()


def test_failed_daily_backup_shows_and_is_tried_again(filled, backup_task, clara, advance_clock, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(backup.disk, "fsync_directory", fail)
        backup_task()
        assert "die tägliche ist gescheitert 23.11.2026 um 10:30 Uhr" in all_text(clara.get(HOME))
    advance_clock(minutes=59)
    backup_task()
    assert "gescheitert" in all_text(clara.get(HOME))
    advance_clock(minutes=1)
    backup_task()
    assert "Letzte Sicherung23.11.2026 um 11:30 Uhr" in all_text(clara.get(HOME))
    assert "gescheitert" not in all_text(clara.get(HOME))


@pytest.mark.parametrize("error", [DatabaseError("disk I/O error"), RuntimeError("something else")])
def test_daily_backup_with_an_unexpected_error(filled, backup_task, clara, monkeypatch, error):
    tries = []

    def fail(*_):
        tries.append(1)
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(backup, "copy_database", fail)
        for _ in range(3):
            backup_task()
    assert len(tries) == 1
    assert "die tägliche ist gescheitert" in all_text(clara.get(HOME))
    assert leftovers() == []


def test_end_of_the_portal_ends_a_backup(filled, app):
    with app.app_context(), database.connection_context():
        assert backup.make_daily(NOW, lambda: True) is False
    assert archives() == leftovers() == []


def test_discarded_file_is_not_missing(dora, run_worker, clara, run_command, submissions):
    dora.report("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    run_worker()
    path = f"/verwaltung/nicht-zugeordnet/{submissions()[0].code}"
    assert clara.post(f"{path}/verwerfen", clara.get(path).fields(f"{path}/verwerfen")).status == 303
    assert list(settings.files_dir.iterdir()) == []
    assert "fehlen" not in printed(run_command("sichern"))


def test_running_portal_backs_itself_up(own_portal):
    own_portal.add_customer("K1001", "Bäckerei Sommer")
    own_portal.start(worker_tick_seconds=0.05, backup_time="00:00")
    # Each check starts a process; long before the last one the backup is made.
    checks = (own_portal.run("pruefen", check=False) for _ in range(20))
    assert any("Sicherung: in Ordnung" in output for output in checks)
    (archive,) = (own_portal.data_dir / "backups").glob("*.zip")
    with zipfile.ZipFile(archive) as held:
        assert held.testzip() is None
    assert own_portal.stop() == 0
    assert own_portal.log() == ""


def test_a_missing_disk_is_said_and_its_folder_not_made_anew(app, run_command, monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "backup_dir", str(tmp_path / "platte"))
    sentence = f"Den Ordner {tmp_path / 'platte'} gibt es nicht. Ist der Datenträger angeschlossen?"
    assert sentence in refusal(run_command("sichern"))
    assert not (tmp_path / "platte").exists()
    (tmp_path / "platte").mkdir()
    printed(run_command("sichern"))
    assert len(list((tmp_path / "platte").glob("sicherung-*.zip"))) == 1
