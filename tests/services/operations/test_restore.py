"""Restoring: an intact archive makes the same portal in an empty folder; any other changes nothing."""

import hashlib
import io
import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from app import create_app
from database import database, init_database
from enums import MessageState
from models import Attachment, Customer, Message, StaffSession, Submission, Ticket
from services.operations import backup, restore
from settings import StartError, settings
from tests.support.cast import NOW
from tests.support.commands import printed, refusal
from tests.support.files.samples import PDF, PNG

SOMMER = "post@sommer.example"


@pytest.fixture
def archive(anna, clara, run_worker, run_command, tmp_path):
    """A backup with the key: a ticket with two files, a staged file, and two waiting mails."""
    anna.report("warranty", files=[(io.BytesIO(PNG), "Foto.png"), (io.BytesIO(PDF), "Beleg.pdf")])
    anna.post("/anhaenge", anna.filled("incident") | {"files": (io.BytesIO(PNG), "Wartet.png")})
    run_worker()
    path = tmp_path / "Sicherung.zip"
    printed(run_command("sichern", "--mit-schluessel", "--ziel", str(path)))
    return path


@pytest.fixture
def elsewhere(tmp_path):
    """Use another data folder, which does not exist yet."""

    def go(name="neu"):
        settings.load({"TICKET_DATA_DIR": str(tmp_path / name)})
        return settings.data_dir

    return go


def rewritten(archive, change):
    """Change the members of an archive with a function that gets them by name."""
    with zipfile.ZipFile(archive) as old:
        members = {name: old.read(name) for name in old.namelist()}
    change(members)
    with zipfile.ZipFile(archive, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)


def facts():
    """Return the rows that two equal portals have in common."""
    with database.connection_context():
        return [list(model.select().order_by(model.id).dicts()) for model in (Customer, Submission, Ticket, Attachment)]


def test_each_daily_archive_is_restored_alone(archive, elsewhere, run_command, advance_clock):
    before = facts()
    for _ in range(2):
        printed(run_command("sichern"))
        advance_clock(days=1)
    for number, path in enumerate(list(settings.backups_dir.glob("sicherung-*.zip"))):
        folder = elsewhere(f"neu{number}")
        assert "Tickets: 1, Anhänge: 3" in printed(run_command("wiederherstellen", str(path)))
        with closing(sqlite3.connect(folder / "tickets.db")) as restored:
            named = restored.execute("SELECT stored_name, digest FROM attachment").fetchall()
        for name, digest in named:
            assert hashlib.sha256((folder / "files" / name).read_bytes()).hexdigest() == digest
        assert len(named) == len(before[-1])


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"?" * path.stat().st_size)])
def test_a_missing_or_damaged_shared_attachment_changes_nothing(archive, elsewhere, run_command, harm):
    printed(run_command("sichern"))
    (path,) = settings.backups_dir.glob("sicherung-*.zip")
    harm(next((settings.backups_dir / "anhaenge").iterdir()))
    folder = elsewhere()
    assert "Das Archiv ist beschädigt" in refusal(run_command("wiederherstellen", str(path)))
    assert not folder.exists()


def test_restored_portal_is_the_same(archive, elsewhere, run_command, caplog):
    caplog.set_level("INFO")
    before = facts()
    folder = elsewhere()
    output = printed(run_command("wiederherstellen", str(archive)))
    assert f"Wiederhergestellt in {folder}: der Stand vom 23.11.2026 um 10:30\N{NO-BREAK SPACE}Uhr." in output
    assert "Tickets: 1, Anhänge: 3" in output
    assert "secret.key" not in output
    assert sorted(path.name for path in folder.iterdir()) == [
        "backups",
        "config.toml",
        "files",
        "logs",
        "secret.key",
        "tickets.db",
    ]
    assert "aus einer Sicherung wiederhergestellt | Quelle=Befehl" in caplog.text
    settings.load({"TICKET_DATA_DIR": str(folder)})
    assert settings.office_phone == "0211 55500"
    with create_app().app_context():
        assert facts() == before
        with database.connection_context():
            names = [attachment.stored_name for attachment in Attachment.select().order_by(Attachment.id)]
    assert [(settings.files_dir / name).read_bytes() for name in names] == [PNG, PDF, PNG]


def test_without_the_key_it_says_what_is_missing(archive, elsewhere, run_command):
    rewritten(archive, without_key)
    elsewhere()
    output = printed(run_command("wiederherstellen", str(archive)))
    assert "Es fehlt secret.key" in output
    assert f"chmod 600 {settings.secret_key_path}" in output
    assert "smtp_url" in output


def without_key(members):
    del members["secret.key"]
    with_manifest(lambda manifest: manifest["members"].pop("secret.key"))(members)


def test_waiting_messages_are_held_back(archive, elsewhere, run_command):
    elsewhere()
    assert "Im Postausgang warteten Nachrichten: 2." in printed(run_command("wiederherstellen", str(archive)))
    init_database(settings.database_path)
    with database.connection_context():
        assert {message.state for message in Message.select()} == {MessageState.FAILED}
        assert all("Aus einer Sicherung" in message.last_error for message in Message.select())


def test_failing_messages_are_held_back_and_finished_ones_stay(archive, elsewhere, run_command):
    """A message that failed at first is still going to be tried, also while a sender has it leased."""
    with database.connection_context():
        failing, sent = Message.select().order_by(Message.id)
        later = NOW + timedelta(minutes=10)
        tried = {"attempts": 2, "failing_since": NOW - timedelta(days=1), "last_error": "x", "leased_until": later}
        Message.update(tried).where(Message.id == failing.id).execute()
        Message.update(state=MessageState.SENT, sent_at=NOW).where(Message.id == sent.id).execute()
        path = backup.make(NOW, archive.with_name("neuer.zip")).path
    elsewhere()
    assert "Im Postausgang warteten Nachrichten: 1." in printed(run_command("wiederherstellen", str(path)))
    init_database(settings.database_path)
    with database.connection_context():
        held, untouched = Message.select().order_by(Message.id)
        assert (held.state, held.failing_since, held.leased_until) == (MessageState.FAILED, NOW, None)
        assert "Aus einer Sicherung" in held.last_error
        assert (untouched.state, untouched.last_error) == (MessageState.SENT, "")


def test_nobody_is_signed_in(archive, elsewhere, run_command):
    elsewhere()
    printed(run_command("wiederherstellen", str(archive)))
    init_database(settings.database_path)
    with database.connection_context():
        assert [session.ended_at for session in StaffSession.select()] == [NOW]


def test_lost_files_are_reported(archive, elsewhere, run_command):
    with database.connection_context():
        missing_files = Attachment.select().first().stored_name
    (settings.files_dir / missing_files).unlink()
    printed(run_command("sichern", "--ziel", str(archive.with_name("neuer.zip"))))
    elsewhere()
    output = printed(run_command("wiederherstellen", str(archive.with_name("neuer.zip"))))
    assert "schon bei der Sicherung fehlten oder beschädigt waren: 1" in output


def test_a_folder_that_is_not_empty_is_left_unchanged(archive, elsewhere, run_command):
    folder = elsewhere()
    folder.mkdir()
    (folder / "Notiz.txt").write_bytes(b"meins")
    assert f"{folder} ist nicht leer" in refusal(run_command("wiederherstellen", str(archive)))
    assert [path.read_bytes() for path in folder.iterdir()] == [b"meins"]


def test_an_empty_folder_is_accepted(archive, elsewhere, run_command):
    elsewhere().mkdir()
    printed(run_command("wiederherstellen", str(archive)))
    assert settings.database_path.exists()


def test_nothing_starts_on_a_folder_that_is_being_restored(archive, elsewhere, run_command, monkeypatch):
    folder, refused = elsewhere(), []
    unpack = restore._unpack

    def start_meanwhile(*arguments):
        unpack(*arguments)
        with pytest.raises(StartError) as caught:
            create_app()
        refused.append(str(caught.value))
        assert refused[0] in run_command("pruefen").stdout

    monkeypatch.setattr(restore, "_unpack", start_meanwhile)
    printed(run_command("wiederherstellen", str(archive)))
    assert refused[0].startswith(f"In {folder} wird gerade eine Sicherung zurückgespielt")
    create_app()


def with_manifest(change):
    def change_members(members):
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        members["manifest.json"] = json.dumps(manifest).encode()

    return change_members


def with_database(sql):
    """Change the database in an archive, and its checksum."""

    def change(members):
        # Not by peewee's module, which cannot read a database from bytes.
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(members["tickets.db"])
            connection.executescript(sql)
            replace_member("tickets.db", connection.serialize())(members)

    return change


def replace_member(name, content):
    def change(members):
        members[name] = content
        known = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        with_manifest(lambda manifest: manifest["members"].update({name: known}))(members)

    return change


def every_member(**facts):
    def change(manifest):
        for known in manifest["members"].values():
            known.update(facts)

    return with_manifest(change)


def spoil_a_file(members):
    name = next(name for name in members if name.startswith("files/"))
    members[name] = bytes(len(members[name]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (spoil_a_file, "ist nicht mehr, was gesichert wurde"),
        (lambda members: members.pop("tickets.db"), "nicht der, den sein Verzeichnis nennt"),
        (lambda members: members.pop("manifest.json"), "Verzeichnis ist nicht lesbar"),
        (lambda members: members.update({"manifest.json": b"[]"}), "Verzeichnis ist nicht lesbar"),
        (lambda members: members.update({"manifest.json": b"{"}), "Verzeichnis ist nicht lesbar"),
        (lambda members: members.update({"dabei.txt": b""}), "nicht der, den sein Verzeichnis nennt"),
        (replace_member("../draussen.txt", b"boese"), "gehört in keine Sicherung"),
        (replace_member("/tmp/draussen.txt", b"boese"), "gehört in keine Sicherung"),
        (replace_member("files/../../draussen.txt", b"boese"), "gehört in keine Sicherung"),
        (replace_member("files\\draussen.txt", b"boese"), "gehört in keine Sicherung"),
        (replace_member("tickets.db", b"keine Datenbank" * 100), "lässt sich nicht öffnen"),
        (replace_member("tickets.db", b""), "ist keine des Portals"),
        (with_database("DELETE FROM submission"), "Die Datenbank darin ist es"),
        (
            with_database("INSERT INTO schema_migration (name, applied) VALUES ('0999_x', '2027-01-01')"),
            "neueren Version",
        ),
        (with_database("CREATE VIEW x AS SELECT 1"), "ist keine des Portals"),
        (
            with_database("CREATE TRIGGER x AFTER UPDATE ON staff_session BEGIN DELETE FROM staff; END"),
            "ist keine des Portals",
        ),
        (
            with_database("UPDATE attachment SET stored_name = '../secret.key' WHERE id = 1"),
            "heißt, wie das Portal keinen nennt",
        ),
        (
            with_database("UPDATE attachment SET stored_name = 'discarded-/x' WHERE id = 1"),
            "heißt, wie das Portal keinen nennt",
        ),
        (every_member(size="12"), "Verzeichnis ist nicht lesbar"),
        (every_member(size=float("inf")), "Verzeichnis ist nicht lesbar"),
        (every_member(size=None), "Verzeichnis ist nicht lesbar"),
        (every_member(sha256=None), "Verzeichnis ist nicht lesbar"),
        (lambda members: members.update({"manifest.json": b"[" * 100_000}), "Das Archiv ist beschädigt"),
        (with_manifest(lambda manifest: manifest.update(made_at="0001-01-01T00:00:00+14:00")), "nicht lesbar"),
        (with_manifest(lambda manifest: manifest.update(made_at=5)), "Verzeichnis ist nicht lesbar"),
        (replace_member("config.toml", b"scanner = "), "Einstellungen darin sind nicht lesbar"),
        (replace_member("config.toml", b"\xff"), "Einstellungen darin sind nicht lesbar"),
        (
            replace_member("config.toml", b'scanner = "x"\n"x = 1\\nscanner" = "y"'),
            "Einstellungen darin sind keine des Portals",
        ),
        (replace_member("config.toml", b"[scanner]\nx = 1"), "Einstellungen darin sind keine des Portals"),
        (with_manifest(lambda manifest: manifest.update(format=3)), "stammt aus einer neueren Version"),
    ],
)
def test_a_damaged_archive_changes_nothing(archive, elsewhere, run_command, change, sentence):
    rewritten(archive, change)
    folder = elsewhere()
    around = sorted(path.name for path in folder.parent.iterdir())
    assert sentence in refusal(run_command("wiederherstellen", str(archive)))
    assert sorted(path.name for path in folder.parent.iterdir()) == around


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.999])
def test_truncated_archive_changes_nothing(archive, elsewhere, run_command, kept):
    content = archive.read_bytes()
    archive.write_bytes(content[: kept if kept > 1 else int(kept * len(content))])
    folder = elsewhere()
    assert "Das Archiv ist beschädigt" in refusal(run_command("wiederherstellen", str(archive)))
    assert not folder.exists()


def test_one_flipped_bit_is_found_wherever_it_is(archive, elsewhere, run_command):
    content = archive.read_bytes()
    folder = elsewhere()
    for position in range(0, len(content), len(content) // 60):
        spoilt = bytearray(content)
        spoilt[position] ^= 1
        archive.write_bytes(spoilt)
        result = run_command("wiederherstellen", str(archive))
        if result.exit_code == 0:
            # No checksum covers dates, for example; the restored content is covered.
            restored = sorted(path.read_bytes() for path in settings.files_dir.iterdir())
            assert restored == sorted([PNG, PDF, PNG])
            shutil.rmtree(folder)
            continue
        assert refusal(result)
        assert not folder.exists()


def test_missing_archive(elsewhere, app, run_command, tmp_path):
    folder = elsewhere()
    assert "gibt es nicht" in refusal(run_command("wiederherstellen", str(tmp_path / "fehlt.zip")))
    assert not folder.exists()


def test_no_room(archive, elsewhere, run_command, monkeypatch):
    folder = elsewhere()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    assert "nicht genug Platz" in refusal(run_command("wiederherstellen", str(archive)))
    assert not folder.exists()


def test_a_huge_manifest_is_not_read(archive, elsewhere, run_command, monkeypatch):
    monkeypatch.setattr("services.operations.restore.MAX_MANIFEST_BYTES", 1000)
    rewritten(archive, with_manifest(lambda manifest: manifest.update(blanks=" " * 1000)))
    folder = elsewhere()
    assert "Verzeichnis ist nicht lesbar" in refusal(run_command("wiederherstellen", str(archive)))
    assert not folder.exists()


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused(archive, elsewhere, run_command, compression):
    with zipfile.ZipFile(archive) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(archive, "w", compression) as new:
        for name, content in members.items():
            new.writestr(name, content)
    elsewhere()
    assert "So packt das Portal keine Sicherung" in refusal(run_command("wiederherstellen", str(archive)))


@pytest.mark.parametrize("line", ['limits = "off"', 'host = "0.0.0.0"', 'host = "192.168.1.5"'])
def test_settings_that_protect_less_are_named(archive, elsewhere, run_command, line):
    rewritten(archive, replace_member("config.toml", b'host = "127.0.0.1"\n'))
    elsewhere("ohne")
    assert "weniger schützen" not in printed(run_command("wiederherstellen", str(archive)))
    rewritten(archive, replace_member("config.toml", f'office_phone = "0211 1"\n{line}\n'.encode()))
    elsewhere("mit")
    assert f"die das Portal weniger schützen: {line}. " in printed(run_command("wiederherstellen", str(archive)))


COMMAND = "sh -c 'touch dabei'\nx"
SHOWN = json.dumps(COMMAND)
BY_HAND = b'''office_phone = "0211 1"
webhook_url = "https://boese.example/"
"scanner" = """sh -c 'touch dabei'
x"""
'''
AS_ALWAYS = b"""scanner = "sh -c 'touch dabei'\\nx"
office_phone = "0211 1"
webhook_url = "https://boese.example/"
"""


@pytest.mark.parametrize("config", [BY_HAND, AS_ALWAYS])
def test_a_command_from_an_archive_is_switched_off(archive, elsewhere, run_command, config):
    rewritten(archive, replace_member("config.toml", config))
    folder = elsewhere()
    output = printed(run_command("wiederherstellen", str(archive)))
    assert "denen es glaubt: webhook_url." in output
    assert f"Der Virenscanner ist ausgeschaltet, denn er ist ein Befehl, der aus dem Archiv kommt: {SHOWN}" in output
    environment = {"TICKET_DATA_DIR": str(folder), "TICKET_WEBHOOK_SECRET": "sechzehn Zeichen!"}
    settings.load(environment)
    assert (settings.scanner, settings.office_phone) == ("", "0211 1")
    path = folder / "config.toml"
    path.write_text(path.read_text("utf-8").replace("# scanner", "scanner"), "utf-8")
    settings.load(environment)
    assert settings.scanner == COMMAND
