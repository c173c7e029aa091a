"""Backups: one archive of everything while the portal runs, whole or not at all, daily by itself, the last few kept."""

import errno
import hashlib
import io
import json
import os
import shutil
import sqlite3
import stat
import zipfile
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace

import pytest
from peewee import DatabaseError

import clock
from database import database
from models import Attachment
from services.background import worker
from services.operations import backup
from settings import settings
from tests.staff.test_today import TODAY
from tests.support.cast import NOW, SECRET_KEY
from tests.support.commands import printed, refusal
from tests.support.files.samples import PDF, PNG
from tests.support.pages import all_text

FILES = [("Foto.png", PNG), ("Beleg.pdf", PDF)]


@pytest.fixture
def filled(anna, run_worker):
    """A portal with a ticket that has two files."""
    anna.report("warranty", files=[(io.BytesIO(content), name) for name, content in FILES])
    run_worker()


@pytest.fixture
def backup_task(app, shared):
    """Let the daily backup have its turn, as once per tick."""
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
    output = printed(run_command("sichern"))
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


@pytest.mark.parametrize("with_key", [True, False])
def test_what_is_secret_goes_in_only_when_asked(app, run_command, monkeypatch, caplog, with_key):
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


@pytest.mark.parametrize(
    ("target", "sentence"),
    [("da.zip", "gibt es schon"), ("fehlt/x.zip", "gibt es nicht. Ist der Datenträger angeschlossen?")],
)
def test_target_that_cannot_be(filled, run_command, tmp_path, target, sentence):
    (tmp_path / "da.zip").write_bytes(b"meins")
    assert sentence in refusal(run_command("sichern", "--ziel", str(tmp_path / target)))
    assert (tmp_path / "da.zip").read_bytes() == b"meins"


def test_nothing_to_back_up(app, run_command):
    settings.database_path.unlink()
    assert "nichts zu sichern" in refusal(run_command("sichern"))


def test_file_deleted_meanwhile_is_deleted_from_the_copy(filled, tmp_path):
    def delete_a_file():
        if Attachment.select().count() == 2:
            attachment = Attachment.get()
            attachment.delete_instance()
            (settings.files_dir / attachment.stored_name).unlink()
        return False

    with database.connection_context():
        assert backup.make(NOW, is_stopping=delete_a_file).faulty == []
    held = contents(archives()[0])
    (member,) = (member for member in held if member.startswith("files/"))
    named = rows(held["tickets.db"], tmp_path, "SELECT stored_name FROM attachment")
    assert named == [(member.removeprefix("files/"),)]


def become_a_folder(path):
    """Let reading fail in another way than by absence, as on a dying disk."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"verfault"), become_a_folder]
)
def test_lost_file_is_told_and_the_rest_is_saved(filled, run_command, harm):
    path = next(settings.files_dir.iterdir())
    harm(path)
    assert "Anhänge, die fehlen oder beschädigt sind: 1." in printed(run_command("sichern"))
    assert json.loads(contents(archives()[0])["manifest.json"])["faulty"] == [path.name]


def test_missing_logo_is_told_and_the_rest_is_saved(backup_task, monkeypatch, caplog):
    monkeypatch.setattr(settings, "office_logo", "logo.svg")
    backup_task()
    assert len(archives()) == 1
    assert f"Das Logo {settings.logo_path} lässt sich nicht lesen: " in caplog.text


def test_damaged_database_pushes_no_good_archive_out(filled, run_command, advance_clock, monkeypatch):
    monkeypatch.setattr(settings, "backups_kept", 1)
    printed(run_command("sichern"))
    kept = archives()
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
    assert "frei sind 1,0\N{NO-BREAK SPACE}GiB. Es muss 1,0\N{NO-BREAK SPACE}GiB frei bleiben (" in sentence
    usage.free = 1000
    assert "frei sind 1\N{NO-BREAK SPACE}KiB. Bitte schaffen Sie Platz" in refusal(run_command("sichern"))
    assert archives() == leftovers() == []


def test_scarce_room_here_keeps_nobody_from_another_disk(filled, run_command, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "disk_reserve_mib", 2**40)
    assert "nicht genug Platz" in refusal(run_command("sichern"))
    printed(run_command("sichern", "--ziel", str(tmp_path / "woanders.zip")))


def test_disk_in_the_network_that_brings_names_there_by_itself(filled, run_command, monkeypatch):
    fsync = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    printed(run_command("sichern"))


def test_disk_full_in_the_middle(filled, run_command, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    assert "ließ sich nicht schreiben" in refusal(run_command("sichern"))
    assert archives() == leftovers() == []


def test_last_ones_are_kept(app, run_command, advance_clock, monkeypatch):
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


def test_archives_of_a_clock_that_was_wrong_give_way(app, run_command, advance_clock, monkeypatch):
    monkeypatch.setattr(settings, "backups_kept", 2)
    settings.backups_dir.mkdir()
    for day in (1, 2, 3):
        (settings.backups_dir / f"sicherung-2031010{day}-030000.zip").touch()
    printed(run_command("sichern"))
    assert archives() == ["sicherung-20261123-103000.zip", "sicherung-20310103-030000.zip"]
    advance_clock(days=1)
    printed(run_command("sichern"))
    assert archives() == ["sicherung-20261123-103000.zip", "sicherung-20261124-103000.zip"]


def test_what_a_killed_backup_left_goes_after_a_day(app, run_command):
    settings.backups_dir.mkdir()
    old, fresh = settings.backups_dir / ".unfertig-1.db", settings.backups_dir / ".unfertig-2.db"
    for path, age in ((old, timedelta(days=2)), (fresh, timedelta(hours=2))):
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
        assert "die tägliche ist gescheitert 23.11.2026 um 10:30 Uhr" in all_text(clara.get(TODAY))
    advance_clock(minutes=59)
    backup_task()
    assert "gescheitert" in all_text(clara.get(TODAY))
    advance_clock(minutes=1)
    backup_task()
    assert "Letzte Sicherung23.11.2026 um 11:30 Uhr" in all_text(clara.get(TODAY))
    assert "gescheitert" not in all_text(clara.get(TODAY))


@pytest.mark.parametrize("error", [DatabaseError("disk I/O error"), RuntimeError("something else")])
def test_daily_backup_that_fails_at_the_database_or_as_nobody_thought_of(
    filled, backup_task, clara, monkeypatch, error
):
    tries = []

    def fail(*_):
        tries.append(1)
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(backup, "copy_database", fail)
        for _ in range(3):
            backup_task()
    assert len(tries) == 1
    assert "die tägliche ist gescheitert" in all_text(clara.get(TODAY))
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
    # Each look takes a process; long before the last of them the backup was made.
    looks = (own_portal.run("pruefen", check=False) for _ in range(20))
    assert any("Sicherung: in Ordnung" in look for look in looks)
    (archive,) = (own_portal.data_dir / "backups").glob("*.zip")
    with zipfile.ZipFile(archive) as held:
        assert held.testzip() is None
    assert own_portal.stop() == 0
    assert own_portal.log() == ""
