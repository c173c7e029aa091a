"""What the log says: one line per event with moment and source, and nothing that somebody could misuse or forge."""

import logging
import os
import re
from datetime import timedelta

import pytest

import logs
import views.public
from services import intake
from settings import settings
from tests.conftest import NOW, PASSWORD
from tests.pages import HTMX
from tests.staff import sign_in

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (INFO|WARNING|ERROR) [\w.]+: \S.*")
NUMBER = re.compile(r"Fehlernummer (\d{6})")
FORGED = "2026-01-01T00:00:00.000+01:00 WARNING sicherheit: angemeldet"


@pytest.fixture
def log(app):
    """Return the lines of the log file; it is written as beside a running server."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    with logs.to_a_file_a_day():
        yield lambda: (settings.logs_dir / logs.FILE_NAME).read_text("utf-8").split("\n")[:-1]
    root.setLevel(level)


def events(lines):
    """Return what security events say, without the moment."""
    assert all(LINE.fullmatch(line) or line.startswith("    ") for line in lines)
    return [found[1] for line in lines if (found := re.match(r"\S+ \w+ sicherheit: (.+)", line))]


def test_signing_in_and_out(door, log):
    sign_in(door, password="nicht meines")
    sign_in(door)
    door.post("/verwaltung/abmelden", door.get("/verwaltung/").fields("/verwaltung/abmelden"))
    assert events(log()) == [
        "Anmeldung abgewiesen | Quelle=127.0.0.1",
        "angemeldet | Quelle=127.0.0.1 | Konto=Clara Neumann",
        "abgemeldet | Quelle=127.0.0.1 | Konto=Clara Neumann",
    ]
    assert [line.split(" ")[1] for line in log()] == ["WARNING", "INFO", "INFO"]


def test_too_many_attempts(door, log):
    for _ in range(6):
        sign_in(door, password="nicht meines")
    assert events(log())[-1] == "zu viele Versuche, gebremst | Quelle=127.0.0.1"
    assert "meines" not in "\n".join(log())


def test_customers_and_pins(clara, anna, log):
    page = clara.get("/verwaltung/kunden/1")
    for path in ("sperren", "entsperren", "pin"):
        clara.post(f"/verwaltung/kunden/1/{path}", {"csrf_token": page.fields()["csrf_token"]})
    facts = "Quelle=127.0.0.1 | Kunde=K1001 | von=Clara Neumann"
    assert events(log()) == [f"Kunde gesperrt | {facts}", f"Kunde entsperrt | {facts}", f"PIN ausgegeben | {facts}"]


def test_commands_write_into_the_same_file(office, log):
    office("kunde", "neu", "--nummer", "K2002", "--name", "Schlosserei Nord")
    office("verwaltung", "neu", "--name", "Dieter Kurz", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert set(events(log())) == {
        "PIN ausgegeben | Quelle=Befehl | Kunde=K2002",
        "Konto angelegt | Quelle=Befehl | Konto=Dieter Kurz",
    }


@pytest.mark.parametrize(
    ("path", "page"), [("/freigabe/geraten-1", "Freigabe"), ("/vorgang/geraten-2", "Seite des Kunden")]
)
def test_dead_link(dora, log, path, page):
    dora.get(path)
    assert events(log()) == [f"Link, der nichts öffnet | Quelle=127.0.0.1 | Seite={page}"]
    assert "geraten" not in "\n".join(log())


def test_form_without_token(anna, log):
    anna.post("/", anna.filled("incident", csrf_token="x"))
    assert events(log()) == ["Formular ohne gültiges Kennzeichen | Quelle=127.0.0.1 | Seite=public.submit"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("path", ["/", "/hilfe"])
def test_number_of_a_failure(anna, log, monkeypatch, path, headers):
    def fail(*_, **__):
        raise RuntimeError("brought about by the test")

    monkeypatch.setattr(intake, "receive", fail)
    monkeypatch.setattr(views.public, "FILE_TYPES", None)
    page = anna.post(path, anna.filled("incident"), headers=headers) if path == "/" else anna.get(path, headers=headers)
    assert page.status == 500
    number = page.response.headers["Error-Number"]
    assert NUMBER.search(page.text)[1] == number
    (line,) = (line for line in log() if LINE.fullmatch(line))
    assert f"Fehler {number} bei " in line
    assert any("brought about by the test" in line for line in log()) == (path == "/")


def test_nothing_typed_can_look_like_an_entry(anna, log, monkeypatch):
    def fail(_, answers, *__, **___):
        raise RuntimeError(answers["description"])

    monkeypatch.setattr(intake, "receive", fail)
    text = f"Drucker\r\n{FORGED}"
    anna.post("/", anna.filled("incident", description=text))
    logging.getLogger("app").warning("Datei %s", f"{text}\u2028{FORGED}\x1b[2J")
    assert events(log()) == []
    assert sum(FORGED in line for line in log()) > 1
    assert "\x1b" not in "\n".join(log())


def test_addresses_that_open_something_are_veiled(log):
    logging.getLogger("waitress").error("Exception while serving %s", "/freigabe/abc-DEF_123")
    assert log()[0].endswith("Exception while serving /freigabe/…")


def test_files_go_after_their_days(log, work):
    logging.getLogger("app").warning("heute")
    old, young = (settings.logs_dir / f"{logs.FILE_NAME}.2026-{day}" for day in ("10-23", "10-25"))
    for path, days in ((old, 31), (young, 29)):
        path.touch()
        moment = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (moment, moment))
    work()
    assert [path.exists() for path in (old, young)] == [False, True]
    assert log()
