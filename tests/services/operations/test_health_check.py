"""pruefen: it finds faults, says what to do, changes nothing, and works even if the portal does not start."""

import io
import json
import os
from contextlib import closing
from datetime import timedelta

import pytest
from peewee import sqlite3

from database import FIRST_SAFE_WAL, database
from settings import settings
from tests.support.cast import NOW
from tests.support.commands import printed
from tests.support.files.samples import PNG

NO_BACKUP = "Es gibt noch keine Sicherung. Machen Sie eine: sichern"

GOOD_SETTINGS = {
    "base_url": "https://melden.muster.example",
    "trusted_proxy": "127.0.0.1",
    "office_email": "support@muster.example",
    "smtp_url": "smtp://mail.muster.example",
}


@pytest.fixture
def healthy(anna, dora, run_worker, run_command, monkeypatch):
    """A portal in which everything is as it should be: a ticket with a file, something unmatched, a backup."""
    for name, value in GOOD_SETTINGS.items():
        monkeypatch.setattr(settings, name, value)
    settings.data_dir.chmod(0o700)
    settings.secret_key_path.chmod(0o600)
    anna.report("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    dora.report("incident")
    run_worker()
    printed(run_command("sichern"))


@pytest.fixture
def check(run_command):
    """Run pruefen and return the exit code and all findings that are not in order, as pairs of topic and sentence."""

    def look():
        result = run_command("pruefen", "--json")
        assert result.stderr == ""
        rows = json.loads(result.stdout)
        return result.exit_code, [(row["bereich"], row["satz"]) for row in rows if row["stand"] != "in Ordnung"]

    return look


def run_sql(*statements):
    with closing(sqlite3.connect(settings.database_path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_all_is_well(healthy, run_command):
    output = printed(run_command("pruefen"))
    journal = f"Version {sqlite3.sqlite_version} mit Write-Ahead-Log (WAL)"
    if sqlite3.sqlite_version_info < FIRST_SAFE_WAL:
        journal = (
            f"Version {sqlite3.sqlite_version} mit Rollback-Journal. WAL ist schneller, braucht aber SQLite 3.51.3 und "
            "einen lokalen Datenträger"
        )
    assert output.splitlines() == [
        "Datenordner: in Ordnung",
        "Datenbank: in Ordnung",
        f"SQLite: in Ordnung. {journal}.",
        "Schlüssel: in Ordnung",
        "Anhänge: in Ordnung",
        "Einträge: in Ordnung",
        "Einstellungen: in Ordnung",
        "Sicherung: in Ordnung",
        "Platz: in Ordnung",
        "Es gibt keine Fehler.",
    ]


def test_it_changes_nothing(healthy, run_command):
    before = {path: path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()}
    printed(run_command("pruefen"))
    assert {path: path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("harm", "topic", "sentence"),
    [
        (lambda: settings.secret_key_path.unlink(), "Datenordner", "secret.key fehlt"),
        (lambda: settings.secret_key_path.write_bytes(b"kurz"), "Datenordner", "secret.key ist beschädigt"),
        (lambda: settings.secret_key_path.write_bytes(bytes(32)), "Schlüssel", "gehört nicht zu dieser Datenbank"),
        (lambda: the_file().unlink(), "Anhänge", "„Foto.png“ (fehlt, im Archiv: files/"),
        (lambda: the_file().write_bytes(b"kurz"), "Anhänge", "„Foto.png“ (hat eine andere Größe"),
        (lambda: the_file().write_bytes(bytes(len(PNG))), "Anhänge", "„Foto.png“ (hat einen anderen Inhalt"),
        (lambda: run_sql("DELETE FROM ticket_words"), "Einträge", "Tickets, die keine Suche findet: 1 (Nummern 1)"),
        (lambda: run_sql("DELETE FROM event"), "Einträge", "Tickets ohne Verlauf: 1"),
        (lambda: run_sql("UPDATE event SET kind = 'x'"), "Einträge", "In event.kind steht, was es nicht gibt: x"),
        (
            lambda: run_sql("UPDATE submission SET state = 'pending' WHERE state = 'admitted'"),
            "Einträge",
            "Tickets von Anfragen, die nicht aufgenommen sind: 1",
        ),
        (
            lambda: run_sql(*(f"DELETE FROM {table}" for table in ("event", "message", "ticket_link", "ticket"))),
            "Einträge",
            "Aufgenommene Anfragen ohne Ticket: 1",
        ),
        (lambda: run_sql("DELETE FROM submission"), "Datenbank", "zeigen Zeilen auf etwas, das es nicht gibt"),
        (
            lambda: run_sql("INSERT INTO schema_migration VALUES (99, '0099_later', '2027-01-01')"),
            "Datenbank",
            "stammt aus einer neueren Version",
        ),
        (lambda: spoil(slice(0, 100)), "Datenbank", "lässt sich nicht lesen"),
        (lambda: spoil(slice(8192, None)), "Datenbank", "Halten Sie das Portal an"),
        (lambda: setattr(settings, "limits", "off"), "Einstellungen", "limits steht auf off"),
        (lambda: open_host(), "Einstellungen", "können das Portal ohne Webserver öffnen (host = 0.0.0.0)"),
        (lambda: spoil_archive(), "Sicherung", "ist beschädigt. Machen Sie eine neue Sicherung"),
        (lambda: never_backed_up(since="2026-11-20 10:00:00"), "Sicherung", "Es gibt noch keine Sicherung"),
        (lambda: setattr(settings, "disk_reserve_mib", 2**40), "Platz", "Das Portal nimmt keine Anhänge mehr an"),
    ],
)
def test_fault(healthy, check, harm, topic, sentence):
    assert check() == (0, [])
    harm()
    exit_code, found = check()
    assert exit_code == 1
    assert [text for where, text in found if where == topic and sentence in text] != []


def open_host():
    settings.host, settings.trusted_proxy = "0.0.0.0", ""


def never_backed_up(since):
    (settings.backups_dir / "stand.json").unlink()
    run_sql(f"UPDATE schema_migration SET applied = '{since}'")


def the_file():
    return next(settings.files_dir.iterdir())


def spoil(part):
    database.close_idle()
    content = bytearray(settings.database_path.read_bytes())
    content[part] = os.urandom(len(content[part]))
    settings.database_path.write_bytes(content)


def spoil_archive():
    (archive,) = settings.backups_dir.glob("*.zip")
    content = bytearray(archive.read_bytes())
    content[1000] ^= 1
    archive.write_bytes(content)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other means.")
@pytest.mark.parametrize("path", ["", "secret.key"])
def test_other_users_of_the_machine_can_read_it(healthy, check, path):
    (settings.data_dir / path).chmod(0o755)
    exit_code, ((topic, sentence),) = check()
    assert (exit_code, topic) == (1, "Datenordner")
    assert f"Abhilfe: chmod {'600' if path else '700'} {settings.data_dir / path}" in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", ""),
        ("base_url", "http://melden.muster.example"),
        ("trusted_proxy", ""),
        ("office_email", "support@example.org"),
        ("smtp_url", ""),
        ("office_phone", ""),
        ("backup_time", ""),
    ],
)
def test_setting_worth_a_hint(healthy, check, monkeypatch, name, value):
    monkeypatch.setattr(settings, name, value)
    exit_code, found = check()
    assert exit_code == 0
    assert [topic for topic, sentence in found if name in sentence] == ["Einstellungen"]


def test_old_backup(healthy, check, advance_clock):
    advance_clock(days=3)
    exit_code, found = check()
    assert exit_code == 1
    assert ("Sicherung", "Die letzte Sicherung ist älter als zwei Tage. Machen Sie eine: sichern") in found


def test_an_orphan_is_reported_when_the_sweep_should_have_deleted_it(healthy, check):
    orphan = settings.files_dir / "verwaist"
    orphan.touch()
    os.utime(orphan, times=(NOW.timestamp(), NOW.timestamp()))
    assert check() == (0, [])
    long_ago = (NOW - timedelta(days=2)).timestamp()
    os.utime(orphan, times=(long_ago, long_ago))
    exit_code, ((topic, sentence),) = check()
    assert (exit_code, topic) == (0, "Anhänge")
    assert "Dateien, die zu nichts gehören: 1" in sentence


def test_requests_that_wait_too_long(healthy, anna, check, advance_clock):
    anna.report("incident")
    advance_clock(minutes=10)
    assert check()[1] == []
    advance_clock(microseconds=1)
    assert check()[1] == [("Einträge", "Anfragen warten länger als zehn Minuten auf die Prüfung: 1. Läuft das Portal?")]


def test_missing_data_folder(app, check, tmp_path):
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "fehlt")})
    exit_code, ((topic, sentence),) = check()
    assert (exit_code, topic) == (1, "Datenordner")
    assert "gibt es nicht" in sentence
    assert not (tmp_path / "fehlt").exists()


def test_restored_portal_passes(healthy, check, run_command, tmp_path):
    archive = tmp_path / "Sicherung.zip"
    printed(run_command("sichern", "--mit-schluessel", "--ziel", str(archive)))
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "neu")})
    printed(run_command("wiederherstellen", str(archive)))
    (tmp_path / "neu").chmod(0o700)
    (tmp_path / "neu" / "secret.key").chmod(0o600)
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "neu")})
    assert check() == (0, [("Sicherung", NO_BACKUP)])


def test_portal_before_its_first_start_has_no_fault(app, check, tmp_path):
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "neu")})
    settings.data_dir.mkdir(mode=0o700)
    exit_code, found = check()
    assert exit_code == 0
    assert ("Sicherung", NO_BACKUP) in found


def test_new_portal_needs_no_backup_yet(healthy, check):
    never_backed_up(since="2026-11-22 12:00:00")
    assert check() == (0, [("Sicherung", NO_BACKUP)])


def test_restored_portal_needs_one_after_two_days(healthy, check, run_command, tmp_path, advance_clock):
    archive = tmp_path / "Sicherung.zip"
    printed(run_command("sichern", "--mit-schluessel", "--ziel", str(archive)))
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "neu")})
    printed(run_command("wiederherstellen", str(archive)))
    advance_clock(days=3)
    exit_code, found = check()
    assert exit_code == 1
    assert ("Sicherung", NO_BACKUP) in found


@pytest.mark.parametrize(
    "harm", [lambda: settings.secret_key_path.unlink(), lambda: settings.secret_key_path.write_bytes(b"kurz")]
)
def test_a_missing_or_damaged_key_is_not_compared_with_the_database(healthy, run_command, harm):
    harm()
    assert "Schlüssel: " not in run_command("pruefen").stdout
