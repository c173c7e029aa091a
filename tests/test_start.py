"""From a typed command to a running portal, and the one sentence that says what prevents it."""

import contextlib
import http.cookiejar
import importlib.util
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tomllib
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

import migrations
import start
from app import create_app
from demo.history import UNMATCHED_COUNT
from settings import settings
from tests.support.database import ADDS_TABLE
from tests.support.pages import EXAMPLES
from tests.support.processes import ROOT, process_environment, run_app

START_SECONDS = 60


@pytest.fixture
def checkout(tmp_path):
    """A checkout of start.py with an app.py that needs no packages and prints how it was called."""
    folder = tmp_path / "Mein Portal"
    folder.mkdir()
    shutil.copy(ROOT / "start.py", folder)
    (folder / "app.py").write_text("import json, os, sys\nprint(json.dumps([sys.prefix, os.getcwd(), sys.argv[1:]]))\n")
    (folder / "requirements.txt").write_text("# nothing\n")
    (folder / "requirements-test.txt").write_text("# nothing\n")
    return folder


@pytest.fixture
def prepared(checkout, monkeypatch):
    """A checkout whose packages are there; returns the list of commands that start.py would have run."""
    commands = []
    monkeypatch.setattr(start, "ROOT", str(checkout))
    monkeypatch.setattr(start, "VENVS", str(checkout / ".venv"))
    monkeypatch.setattr(start.venv, "create", lambda path, **options: Path(path).mkdir(parents=True, exist_ok=True))
    monkeypatch.setattr(start.subprocess, "call", lambda command, **options: commands.append(command) or 0)
    start.prepare("run")
    commands.clear()
    return commands


def environments(checkout, kind="run"):
    return sorted((checkout / ".venv").glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return str(port)


def run_start(checkout, *arguments, cwd):
    command = [sys.executable, checkout / "start.py", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=START_SECONDS)


def only_sentence(result):
    """Check that a start failed, and return its one German sentence."""
    assert result.returncode == 1
    assert result.stdout == b""
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("Fehler: ")
    assert line.endswith(".")
    return line.removeprefix("Fehler: ")


def stopped(capsys):
    """Run start.py and return the sentence with which it ended."""
    with pytest.raises(SystemExit) as caught:
        start.main()
    assert capsys.readouterr().out == ""
    return caught.value.code


# --- start.py ---


def test_first_start_and_second(checkout, tmp_path):
    first = run_start(checkout, "kunde", "liste", "--json", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    *said, called = first.stdout.splitlines()
    assert said == [
        "Einen Moment, das Meldeportal richtet sich ein …",
        "Das Meldeportal lädt die Pakete, die es braucht …",
    ]
    (folder,) = environments(checkout)
    assert json.loads(called) == [str(folder), str(tmp_path), ["kunde", "liste", "--json"]]
    second = run_start(checkout, "kunde", cwd=tmp_path)
    assert json.loads(second.stdout) == [str(folder), str(tmp_path), ["kunde"]]
    # Another user may run the portal.
    assert not [path for path in folder.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o044 != 0o044]


def test_two_first_starts_at_once(checkout, tmp_path):
    command = [sys.executable, checkout / "start.py", "kunde"]
    both = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, encoding="utf-8") for _ in range(2)]
    said = [process.communicate(timeout=START_SECONDS)[0].splitlines() for process in both]
    assert {json.loads(lines[-1])[0] for lines in said} == {str(*environments(checkout))}
    assert sorted(len(lines) for lines in said) == [1, 3]


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8, 1.5])
def test_a_killed_set_up_is_mended_by_the_next_start(checkout, tmp_path, seconds):
    command = [sys.executable, checkout / "start.py", "einrichten"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
    assert (
        run_start(checkout, "einrichten", cwd=tmp_path).stdout.splitlines()[-1] == "Das Meldeportal ist eingerichtet."
    )
    assert json.loads(run_start(checkout, cwd=tmp_path).stdout)[0] == str(*environments(checkout))


def test_unchanged_requirements_need_no_pip(prepared):
    start.prepare("run")
    assert prepared == []


@pytest.mark.parametrize("change", ["requirements", "python"])
def test_an_update_leaves_the_packages_of_a_running_portal_alone(prepared, checkout, monkeypatch, change):
    (before,) = environments(checkout)
    for number in (9, 10):
        if change == "requirements":
            (checkout / "requirements.txt").write_text(f"flask=={number}.9.9\n")
        else:
            monkeypatch.setattr(start.sys, "version_info", (3, number + 20, 0, "final", 0))
        start.prepare("run")
        assert (before in environments(checkout)) == (number == 9)
        assert len(environments(checkout)) == 2
    assert [command[1:4] for command in prepared] == [["-m", "pip", "install"]] * 2
    assert prepared[0][-5:] == ["--require-hashes", "--only-binary", ":all:", "-r", "requirements.txt"]


def test_a_patch_of_python_changes_nothing(prepared, monkeypatch):
    monkeypatch.setattr(start.sys, "version_info", (*sys.version_info[:2], 99, "final", 0))
    start.prepare("run")
    assert prepared == []


def test_packages_of_the_tests_are_kept_apart(prepared, checkout):
    start.prepare("test")
    assert [command[-1] for command in prepared] == ["requirements-test.txt"]
    assert len(environments(checkout)) == len(environments(checkout, "test")) == 1


def test_wheels_are_used_without_internet(prepared, checkout):
    (checkout / "wheels").mkdir()
    (checkout / "requirements.txt").write_text("flask==9.9.9\n")
    start.prepare("run")
    (command,) = prepared
    assert command[6:9] == ["--no-index", "--find-links", "wheels"]


def test_service_user_may_not_write(checkout, monkeypatch, capsys):
    monkeypatch.setattr(start, "VENVS", str(checkout / ".venv"))

    def refuse(path, exist_ok):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(start.os, "makedirs", refuse)
    with pytest.raises(SystemExit) as caught:
        start.prepare("run")
    assert "Das Meldeportal ist noch nicht eingerichtet" in caught.value.code
    assert "start.py einrichten" in caught.value.code


@pytest.mark.parametrize(
    ("typed", "requirements", "handed_over"),
    [
        ([], [], ["app.py"]),
        (["kunde", "liste"], [], ["app.py", "kunde", "liste"]),
        (["test"], ["requirements-test.txt"], ["worksteal"]),
        (["test", "tests/services/mail", "-x"], ["requirements-test.txt"], ["worksteal", "tests/services/mail", "-x"]),
        (["test", "--help"], ["requirements-test.txt"], ["app.py", "test", "--help"]),
    ],
    ids=" ".join,
)
def test_command_gets_its_packages_and_arguments(prepared, monkeypatch, typed, requirements, handed_over):
    monkeypatch.setattr(sys, "argv", ["start.py", *typed])
    for name in ("chdir", "execv"):
        monkeypatch.setattr(start.os, name, lambda *_: None)
    with pytest.raises(SystemExit):
        start.main()
    *installed, command = prepared
    assert [words[-1] for words in installed] == requirements
    assert [
        Path(word).name if word.endswith("app.py") else word for word in command[-len(handed_over) :]
    ] == handed_over
    assert ("pytest" in command) == ("worksteal" in handed_over)


def test_failed_installation_is_tried_again(prepared, checkout, monkeypatch, capsys):
    (checkout / "requirements.txt").write_text("flask==9.9.9\n")
    monkeypatch.setattr(start.subprocess, "call", lambda command, **options: 1)
    for _ in range(2):
        with pytest.raises(SystemExit) as caught:
            start.prepare("run")
        assert caught.value.code.startswith("Fehler: Die Pakete ließen sich nicht installieren.")
        assert capsys.readouterr().out.endswith("Das Meldeportal lädt die Pakete, die es braucht …\n")


@pytest.mark.parametrize("version", [(3, 10, 14, "final", 0), (3, 6, 1, "final", 0), (2, 7, 18, "final", 0)])
def test_python_is_too_old(prepared, monkeypatch, capsys, version):
    monkeypatch.setattr(start.sys, "version_info", version)
    found = f"{version[0]}.{version[1]}"
    assert stopped(capsys) == f"Fehler: Das Meldeportal braucht Python 3.11 oder neuer, hier läuft {found}."
    assert prepared == []


def test_python3_venv_is_missing(prepared, checkout, monkeypatch, capsys):
    shutil.rmtree(checkout / ".venv")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find_spec(name))
    assert stopped(capsys) == (
        "Fehler: Es fehlt das Paket python3-venv. Auf Debian und Ubuntu: sudo apt install python3-venv"
    )
    assert environments(checkout) == []


def test_venv_cannot_be_made(prepared, checkout, monkeypatch, capsys):
    shutil.rmtree(checkout / ".venv")

    def fail(path, **options):
        raise OSError("No space left on device")

    monkeypatch.setattr(start.venv, "create", fail)
    with pytest.raises(SystemExit) as caught:
        start.prepare("run")
    assert caught.value.code.startswith("Fehler: Der Ordner .venv ließ sich nicht anlegen. Ist noch Platz, und ")


# --- app.py ---


def test_version_is_the_one_of_the_project(tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert run_app(tmp_path, "--version").stdout.decode().split() == ["Meldeportal", project["version"]]


def test_system_without_time_zones(tmp_path):
    result = run_app(tmp_path, "kunde", "liste", PYTHONTZPATH="")
    assert result.returncode == 0
    assert b"Traceback" not in result.stderr


def test_start_notices_a_misnamed_config_file(own_portal):
    own_portal.data_dir.mkdir(mode=0o700)
    misnamed = own_portal.data_dir / "config.toml.txt"
    misnamed.write_text('office_name = "Müller"\n', "utf-8")
    own_portal.start()
    assert f"Das Portal liest {misnamed} nicht, denn die Datei muss config.toml heißen." in own_portal.log()


@pytest.mark.parametrize(
    "name", ["config.toml.txt", "config.txt", "Config.toml", "config.toml.toml", "CONFIG.TOML.TXT"]
)
def test_check_notices_a_misnamed_config_file(app, run_command, name):
    misnamed = settings.data_dir / name
    misnamed.write_text('office_name = "Müller"\n', "utf-8")
    sentence = f"Datenordner: Hinweis. Das Portal liest {misnamed} nicht, denn die Datei muss config.toml heißen."
    assert sentence in run_command("pruefen").output
    misnamed.rename(settings.data_dir / "config.toml")
    assert "muss config.toml heißen" not in run_command("pruefen").output


@pytest.mark.parametrize(
    ("family", "host", "shown"),
    [(socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "[::1]")],
    ids=["IPv4", "IPv6"],
)
def test_port_is_in_use(tmp_path, family, host, shown):
    try:
        taken = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("This machine has no such addresses.")
    with taken:
        port = taken.getsockname()[1]
        sentence = only_sentence(run_app(tmp_path, TICKET_PORT=str(port), TICKET_HOST=host))
    assert f"{shown}:{port} ist schon belegt" in sentence
    assert "TICKET_PORT" in sentence


def test_host_is_not_ours(tmp_path, free_port):
    sentence = only_sentence(run_app(tmp_path, TICKET_PORT=free_port, TICKET_HOST="192.0.2.1"))
    assert f"192.0.2.1:{free_port} lässt sich nicht öffnen" in sentence


def test_data_folder_is_a_file(tmp_path):
    (tmp_path / "instance").write_text("Notiz")
    sentence = only_sentence(run_app(tmp_path / "instance"))
    assert str(tmp_path / "instance") in sentence
    assert "TICKET_DATA_DIR" in sentence
    assert (tmp_path / "instance").read_text() == "Notiz"


@pytest.mark.parametrize("name", ["tickets.db", "secret.key"])
def test_folder_in_place_of_a_file(tmp_path, name):
    (tmp_path / name).mkdir()
    assert f"Im Datenordner {tmp_path} lässt sich nicht arbeiten" in only_sentence(run_app(tmp_path))


def test_file_in_place_of_the_files_folder(tmp_path):
    (tmp_path / "files").write_text("Notiz")
    assert f"Im Datenordner {tmp_path} lässt sich nicht arbeiten" in only_sentence(run_app(tmp_path))


def test_database_is_a_text_file(tmp_path):
    (tmp_path / "tickets.db").write_text("Das ist keine Datenbank, sondern ein ganz gewöhnlicher Text. " * 20)
    assert f"Im Datenordner {tmp_path} lässt sich nicht arbeiten" in only_sentence(run_app(tmp_path))


@pytest.mark.parametrize("length", [0, 5])
def test_secret_key_is_damaged(tmp_path, length):
    # A short key would be easy to guess, and with a new one every PIN would silently stop working.
    (tmp_path / "secret.key").write_bytes(b"x" * length)
    assert "secret.key" in only_sentence(run_app(tmp_path, "kunde", "liste"))


def test_database_of_a_newer_version(app, tmp_path, monkeypatch):
    steps = tmp_path / "steps"
    shutil.copytree(migrations.DIRECTORY, steps)
    (steps / "9999_devices.py").write_text(ADDS_TABLE)
    with monkeypatch.context() as newer:
        newer.setattr(migrations, "DIRECTORY", steps)
        create_app()
    sentence = only_sentence(run_app(settings.data_dir))
    assert str(settings.database_path) in sentence
    assert "stammt aus einer neueren Version" in sentence


@pytest.mark.parametrize("command", [["kunde", "liste"], ["worker", "--einmal"]], ids=lambda words: " ".join(words))
def test_broken_config_file(tmp_path, command):
    (tmp_path / "config.toml").write_text("port = = 8500\n")
    result = run_app(tmp_path, *command)
    assert result.returncode == 0
    assert "Warnung: Die Datei config.toml lässt sich nicht lesen" in result.stderr.decode()


def test_portal_starts_with_the_last_good_config_file(own_portal):
    own_portal.data_dir.mkdir(mode=0o700)
    config = own_portal.data_dir / "config.toml"
    config.write_text('office_name = "Winter"\n', "utf-8")
    own_portal.start()
    own_portal.stop()
    config.write_text("prot = 8500\n", "utf-8")
    own_portal.start()
    assert "Winter" in config.with_name("config.toml.gut").read_text("utf-8")
    assert "Die Einstellung „prot“ (config.toml) gibt es nicht." in own_portal.log()


@pytest.mark.parametrize(("name", "value"), [("TICKET_PORT", "abc"), ("TICKET_FEDERAL_STATE", "XX")])
def test_setting_that_cannot_be_used(tmp_path, name, value):
    sentence = only_sentence(run_app(tmp_path, **{name: value}))
    assert f"({name})" in sentence
    assert f"„{value}“" in sentence


def test_unknown_setting_in_the_environment_is_only_a_warning(tmp_path):
    result = run_app(tmp_path, "kunde", "liste", TICKET_PROT="8500")
    assert result.returncode == 0
    assert "TICKET_PROT gibt es nicht" in result.stderr.decode()


FAREWELL = "Das Meldeportal ist beendet, die Beispieldaten sind gelöscht."


class Demo:
    """The running demo: what it printed, and a browser in front of it."""

    def __init__(self, temporary_folder, port, *options):
        # A process inherits an ignored SIGINT, and a build server or "nohup … &" ignores it for its own children.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "app.py", "demo", *options],
            env=process_environment(TICKET_PORT=port, TMPDIR=str(temporary_folder)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        signal.signal(signal.SIGINT, handler)
        # A demo that hangs is killed, which ends its output and so the wait.
        self._watch = threading.Timer(START_SECONDS, self._process.kill)
        self._watch.start()
        self.printed = []
        for line in self._process.stdout:
            self.printed.append(line.rstrip())
            if line.startswith("Das Meldeportal läuft"):
                break
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        self._url = f"http://127.0.0.1:{port}/"

    def get(self, path=""):
        with self._browser.open(self._url + path) as answer:
            return answer.read().decode()

    def post(self, values, path=""):
        """Send a form and return the address and text of the page that it leads to."""
        with self._browser.open(self._url + path, urllib.parse.urlencode(values).encode()) as answer:
            return answer.url, answer.read().decode()

    def stop(self, how):
        """Send a signal to the demo and return its exit code, its last line and its errors."""
        self._process.send_signal(how)
        printed, errors = self._process.communicate(timeout=START_SECONDS)
        self._watch.cancel()
        return self._process.returncode, printed.splitlines()[-1:], errors


@pytest.fixture
def demo(tmp_path, free_port):
    demo = Demo(tmp_path, free_port)
    yield demo
    demo.stop(signal.SIGKILL)


def test_demo_works_with_what_it_prints_and_leaves_nothing_behind(demo, tmp_path):
    access = [re.findall(r"Kundennummer (\S+) +PIN: (\d{4} \d{4}) +(.+)", line) for line in demo.printed]
    (number, pin, company), *others = [found[0] for found in access if found]
    assert len(others) >= 2

    hidden = dict(re.findall(r'name="(csrf_token|draft)"[^>]*value="([^"]*)"', demo.get()))
    known = {"customer_number": number, "pin": pin, "name": "Anna Sommer", "phone": "0211 555-0101"}
    address, receipt = demo.post(hidden | known | {"category": "incident"} | EXAMPLES["incident"])
    assert "/eingegangen/" in address
    assert "Ihre Anfrage ist eingegangen" in receipt

    printed = "\n".join(demo.printed)
    for path, shown in (("freigabe", "Bitte entscheiden Sie"), ("vorgang", "Aktueller Stand")):
        assert shown in demo.get(re.search(rf"/({path}/\S+)", printed)[1])

    name, password = re.search(r"Name: (.+?)   Kennwort: (\S+)", printed).groups()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', demo.get("verwaltung/anmelden"))[1]
    home, today = demo.post({"csrf_token": token, "name": name, "password": password}, "verwaltung/anmelden")
    assert home.endswith("/verwaltung/")
    assert name in today

    (folder,) = tmp_path.glob("meldeportal-demo-*")
    assert f"Die Beispieldaten liegen bis zum Ende in {folder}" in printed
    assert "läuft schon mit dem Datenordner" in only_sentence(run_app(folder))
    assert run_app(folder, "worker", "--einmal").returncode == 0
    tickets = json.loads(run_app(folder, "ticket", "liste", "--json").stdout)
    assert (tickets[0]["vorgang"].replace("-", ""), tickets[0]["kunde"]) == (address.rpartition("/")[2], company)
    assert len(tickets) >= 24
    assert {ticket["art"] for ticket in tickets} >= {"Störung", "Garantiefall", "Neuer Mitarbeiter", "Rückrufbitte"}
    assert len(json.loads(run_app(folder, "nicht-zugeordnet", "liste", "--json").stdout)) == 1 + UNMATCHED_COUNT

    assert demo.stop(signal.SIGTERM) == (0, [FAREWELL], "")
    assert list(tmp_path.iterdir()) == []


def test_demo_ends_with_ctrl_c(tmp_path, free_port):
    demo = Demo(tmp_path, free_port, "--tickets", "1")
    assert demo.stop(signal.SIGINT) == (0, [FAREWELL], "")
    assert list(tmp_path.iterdir()) == []
