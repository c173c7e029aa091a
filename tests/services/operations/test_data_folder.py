"""A data folder that is incomplete or inaccessible: no start makes it worse, and every sentence helps."""

import errno
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app import create_app
from logs import setup as log_setup
from settings import StartError, settings
from tests.support.commands import printed, refusal
from tests.support.files.samples import PNG
from tests.support.processes import ROOT, process_environment, run_app

NOBODY = 65534


@pytest.fixture
def in_use(anna, run_worker, run_command):
    """A portal with a ticket, its file and a backup."""
    anna.report("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    run_worker()
    printed(run_command("sichern"))


def faults(run_command):
    """Return what pruefen finds wrong, as pairs of topic and sentence."""
    result = run_command("pruefen", "--json")
    assert result.stderr == ""
    return [(row["bereich"], row["satz"]) for row in json.loads(result.stdout) if row["stand"] == "Fehler"]


def lose_files():
    shutil.rmtree(settings.files_dir)
    settings.files_dir.mkdir()


@pytest.mark.parametrize("rest", [lambda: None, lose_files, lambda: shutil.rmtree(settings.backups_dir)])
@pytest.mark.parametrize(
    "lose", [lambda: settings.database_path.unlink(), lambda: settings.database_path.write_bytes(b"")]
)
def test_a_lost_database_is_not_created_again(in_use, run_command, lose, rest):
    lose()
    rest()
    kept = sorted(path for path in settings.data_dir.rglob("*") if path.is_file())
    with pytest.raises(StartError, match=r"fehlt oder ist leer, obwohl hier schon .*wiederherstellen"):
        create_app()
    (found,) = [sentence for topic, sentence in faults(run_command) if topic == "Datenbank"]
    assert "holen Sie die letzte gute Sicherung zurück" in found
    assert "nichts zu sichern" in refusal(run_command("sichern"))
    assert sorted(path for path in settings.data_dir.rglob("*") if path.is_file()) == kept


@pytest.mark.parametrize("made", [[], ["files"], ["files", "logs"], ["files", "tickets.db"], ["secret.key"]])
def test_an_interrupted_first_start_goes_on(app, run_command, tmp_path, made):
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "neu")})
    settings.data_dir.mkdir(mode=0o700)
    for name in made:
        if name == "secret.key":
            settings.secret_key_path.write_bytes(bytes(32))
        elif name == "tickets.db":
            settings.database_path.touch()
        else:
            (settings.data_dir / name).mkdir()
    assert [topic for topic, _ in faults(run_command) if topic == "Datenbank"] == []
    create_app()
    assert settings.database_path.stat().st_size > 0


@pytest.mark.parametrize("other_key", [None, b"y" * 32], ids=["alone", "beside another first start"])
def test_file_system_without_hard_links(app, tmp_path, monkeypatch, other_key):
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "neu")})

    def refuse(source, target):
        if other_key:
            target.write_bytes(other_key)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(source))

    monkeypatch.setattr(os, "link", refuse)
    create_app()
    key = settings.secret_key_path.read_bytes()
    assert len(key) == 32
    assert key == (other_key or key)
    create_app()
    assert settings.secret_key_path.read_bytes() == key
    assert [path.name for path in settings.data_dir.glob("secret.key*")] == ["secret.key"]


# --- inaccessible to the user ---


@pytest.fixture
def close(monkeypatch):
    """Make a path in the data folder inaccessible, as if another user owned it."""

    def refuse(name):
        closed = settings.data_dir / name
        access = os.access

        def asked(path, *args, **options):
            return path != closed and closed not in getattr(path, "parents", ()) and access(path, *args, **options)

        monkeypatch.setattr(os, "access", asked)
        return closed

    return refuse


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("", {"Datenbank", "Anhänge", "Einträge", "Sicherung"}),
        ("tickets.db", {"Datenbank", "Anhänge", "Einträge"}),
        ("tickets.db-journal", {"Datenbank", "Anhänge", "Einträge"}),
        ("files", {"Anhänge"}),
        ("backups", {"Sicherung"}),
        ("logs", set()),
        ("secret.key", {"Schlüssel"}),
        ("config.toml", set()),
    ],
)
def test_inaccessible_paths_are_reported_and_nothing_else_is_concluded(in_use, run_command, close, name, left_out):
    (settings.data_dir / "tickets.db-journal").touch()
    (settings.data_dir / "config.toml").touch()
    settings.logs_dir.mkdir(exist_ok=True)
    settings.data_dir.chmod(0o700)
    settings.secret_key_path.chmod(0o600)
    closed = close(name)
    result = run_command("pruefen", "--json")
    rows = [(row["bereich"], row["stand"], row["satz"]) for row in json.loads(result.stdout)]
    ((topic, _, sentence),) = [row for row in rows if row[1] == "Fehler"]
    assert topic == "Datenordner"
    assert f"{closed}" in sentence
    assert "sudo chown -R" in sentence or os.name == "nt"
    assert "Sicherung zurück" not in result.stdout
    assert left_out & {topic for topic, *_ in rows} == set()


def test_database_that_cannot_be_written_to_stops_the_start(in_use, close):
    closed = close("tickets.db")
    with pytest.raises(StartError, match="nicht lesen oder beschreiben") as refused:
        create_app()
    assert str(closed) in str(refused.value)


def test_missing_files_folder(in_use, run_command):
    shutil.rmtree(settings.files_dir)
    (found,) = [sentence for topic, sentence in faults(run_command) if topic == "Anhänge"]
    assert "„Foto.png“ (fehlt" in found


@pytest.fixture
def moved_by_root(in_use):
    """Copy the data folder to a public place, give it to the portal's user, and run app.py as that user."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("Only root can act as somebody else.")
    with tempfile.TemporaryDirectory() as place:
        folder = shutil.copytree(settings.data_dir, Path(place, "instance"))
        (folder / "config.toml").touch()
        (folder / "logs").mkdir(exist_ok=True)
        for path in (Path(place), folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
            path.chmod(0o700 if path.is_dir() else 0o600)

        def run(*arguments):
            # The imported packages may be inaccessible to that user.
            code = (
                "import os, sys; sys.path.insert(0, '.'); import app, encodings.utf_8_sig, encodings.cp437; "
                f"os.setgroups([]); os.setuid({NOBODY}); sys.argv = ['app.py', *{arguments!r}]; app.main()"
            )
            return subprocess.run(
                [sys.executable, "-c", code],
                env=process_environment(TICKET_DATA_DIR=str(folder)),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=60,
            )

        yield folder, run


@pytest.mark.parametrize("name", ["", "tickets.db", "files", "backups", "logs", "secret.key", "config.toml"])
def test_restored_by_somebody_else(moved_by_root, name):
    folder, run = moved_by_root
    os.chown(folder / name, 0, 0)
    for command in (["pruefen"], ["sichern"], ["kunde", "liste"]):
        result = run(*command)
        told = result.stdout + result.stderr
        assert [word for word in ("Traceback", "Errno", "Logging error", "Sicherung zurück") if word in told] == []
        if command == ["pruefen"]:
            assert result.returncode == 1
            assert f"{folder / (name or 'config.toml')}: Das darf der Benutzer" in told
            assert f"sudo chown -R {NOBODY} {folder}" in told


def test_a_log_that_cannot_be_written_is_reported_once(app, capsys, monkeypatch):
    settings.logs_dir.mkdir()
    (settings.logs_dir / log_setup.FILE_NAME).mkdir()
    log = logging.getLogger("probe")
    for rotate in (False, True):
        with log_setup.log_to_files(rotate):
            log.warning("eins")
            log.warning("zwei")
        said = capsys.readouterr().err
        assert said.count("Das Protokoll lässt sich nicht schreiben") == 1
        assert "Logging error" not in said


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["wiederherstellen", "."], {}, ". ist ein Ordner."),
        (["wiederherstellen", "fehlt.zip"], {}, "fehlt.zip gibt es nicht."),
        (["pruefen"], {"TICKET_SCANNER": "gibtesnicht --alles"}, "gibtesnicht gibt es nicht"),
    ],
)
def test_no_english_of_the_operating_system(app, tmp_path, arguments, environment, sentence):
    folder = tmp_path / "instance" if arguments == ["pruefen"] else tmp_path / "neu"
    result = run_app(folder, *arguments, **environment)
    told = (result.stdout + result.stderr).decode()
    assert result.returncode == 1
    assert sentence in told
    assert "Errno" not in told


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"port = = 5", "Zeile 1, Spalte 8 passt nicht."),
        (b'office_name = "M\xfcller"', "sie ist nicht als UTF-8 gespeichert."),
        (None, "ist ein Ordner."),
    ],
)
def test_config_file_that_cannot_be_read(tmp_path, content, sentence):
    path = tmp_path / "config.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    result = run_app(tmp_path, "pruefen")
    assert "config.toml lässt sich nicht lesen: " in result.stderr.decode()
    assert sentence in result.stderr.decode()


def test_root_leaves_the_folder_of_the_portals_user_alone(moved_by_root):
    folder, _ = moved_by_root
    before = sorted(folder.rglob("*"))
    for command in (["kunde", "liste"], ["sichern"], ["worker", "--einmal"]):
        result = run_app(folder, *command)
        assert result.returncode == 1
        assert f"Der Datenordner {folder} gehört dem Benutzer nobody." in result.stderr.decode()
    assert sorted(folder.rglob("*")) == before
