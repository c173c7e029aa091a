"""The log: one line per event, no secrets, no forged entries, and limits in size, number and age."""

import logging
import os
import re
from datetime import UTC, datetime, timedelta

import pytest

from logs import error_numbers
from logs import setup as log_setup
from services.intake import intake
from services.security.audit_log import SecurityEvent, log_event
from settings import settings
from tests.support.cast import NOW, PASSWORD
from tests.support.pages import HTMX
from tests.support.staff import sign_in
from views.public import request as public_request

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (INFO|WARNING|ERROR) [\w.]+: \S.*")
NUMBER = re.compile(r"Fehlernummer (\d{6})")
FORGED = "2026-01-01T00:00:00.000+01:00 WARNING sicherheit: angemeldet"


@pytest.fixture
def log(app):
    """Log as the server does and return a function that reads the lines of a log file."""

    def lines(name=log_setup.FILE_NAME):
        path = settings.logs_dir / name
        return path.read_text("utf-8").split("\n")[:-1] if path.exists() else []

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    with log_setup.log_to_files(rotate=True):
        yield lines
    root.setLevel(level)


def events(lines):
    """Return the texts of the security events among log lines."""
    assert all(LINE.fullmatch(line) or line.startswith("    ") for line in lines)
    return [found[1] for line in lines if (found := re.match(r"\S+ \w+ sicherheit: (.+)", line))]


def test_signing_in_and_out(signed_out, log):
    sign_in(signed_out, password="nicht meines")
    sign_in(signed_out)
    signed_out.post("/verwaltung/abmelden", signed_out.get("/verwaltung/").fields("/verwaltung/abmelden"))
    assert events(log()) == [
        "Anmeldung abgewiesen | Quelle=127.0.0.1",
        "angemeldet | Quelle=127.0.0.1 | Konto=Clara Neumann",
        "abgemeldet | Quelle=127.0.0.1 | Konto=Clara Neumann",
    ]
    assert [line.split(" ")[1] for line in log()] == ["WARNING", "INFO", "INFO"]


def test_too_many_attempts(signed_out, log):
    for _ in range(6):
        sign_in(signed_out, password="nicht meines")
    assert events(log())[-1] == "zu viele Versuche, gebremst | Quelle=127.0.0.1"
    assert "meines" not in "\n".join(log())


def test_customers_and_pins(clara, anna, log):
    page = clara.get("/verwaltung/kunden/1")
    for path in ("sperren", "entsperren", "pin"):
        clara.post(f"/verwaltung/kunden/1/{path}", {"csrf_token": page.fields()["csrf_token"]})
    facts = "Quelle=127.0.0.1 | Kunde=K1001 | von=Clara Neumann"
    assert events(log()) == [f"Kunde gesperrt | {facts}", f"Kunde entsperrt | {facts}", f"PIN ausgegeben | {facts}"]


def test_commands_write_into_the_same_files(run_command, log):
    run_command("kunde", "neu", "--nummer", "K2002", "--name", "Schlosserei Nord")
    run_command("verwaltung", "neu", "--name", "Dieter Kurz", typed=f"{PASSWORD}\n{PASSWORD}\n")
    for name in (log_setup.FILE_NAME, log_setup.SECURITY_FILE_NAME):
        assert set(events(log(name))) == {
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
    monkeypatch.setattr(public_request, "FILE_TYPES", None)
    page = anna.post(path, anna.filled("incident"), headers=headers) if path == "/" else anna.get(path, headers=headers)
    assert page.status == 500
    number = page.response.headers["Error-Number"]
    assert NUMBER.search(page.text)[1] == number
    (line,) = (line for line in log() if LINE.fullmatch(line))
    assert f"Fehler {number} bei " in line
    assert any("brought about by the test" in line for line in log()) == (path == "/")


def test_typed_text_cannot_look_like_an_entry(anna, log, monkeypatch):
    def fail(_, answers, *__, **___):
        raise RuntimeError(answers["description"])

    monkeypatch.setattr(intake, "receive", fail)
    text = f"Drucker\r\n{FORGED}"
    anna.post("/", anna.filled("incident", description=text))
    logging.getLogger("app").warning("Datei %s", f"{text}\u2028{FORGED}\x1b[2J")
    assert events(log()) == []
    assert sum(FORGED in line for line in log()) > 1
    assert "\x1b" not in "\n".join(log())


@pytest.mark.parametrize(
    "path", ["/freigabe/", "/vorgang/", "/verwaltung/einrichten/", "/verwaltung/konto-einrichten/"]
)
def test_link_tokens_are_masked(log, path):
    logging.getLogger("waitress").error("Exception while serving %s", f"{path}abc-DEF_123")
    assert log()[0].endswith(f"Exception while serving {path}…")


def test_waitress_cannot_fill_the_log(log):
    log_setup.log_to_console()
    logger = logging.getLogger("waitress")
    for second in (0, 1, 3599, 3600):
        record = logger.makeRecord("waitress", logging.WARNING, "server.py", 1, f"Fehler {second}", (), None)
        record.created = NOW.timestamp() + second
        logger.handle(record)
    assert [line.rpartition(": Fehler ")[2] for line in log()] == ["0", "3600"]


# --- Failures ---


@pytest.fixture
def fail(monkeypatch):
    """Let each request that comes in bring about a failure."""

    def fail(*_, **__):
        raise RuntimeError("brought about by the test")

    monkeypatch.setattr(intake, "receive", fail)


def number_of(page):
    assert page.status == 500
    return page.response.headers["Error-Number"]


def test_the_same_failure_is_written_in_full_once_an_hour(anna, log, fail, advance_clock):
    def failure():
        return number_of(anna.post("/", anna.filled("incident")))

    first = failure()
    advance_clock(minutes=59, seconds=59)
    assert failure() == first
    advance_clock(seconds=1)
    second = failure()
    assert second != first
    assert [line.partition(" server.web: ")[2] for line in log() if LINE.fullmatch(line)] == [
        f"Fehler {first} bei POST public.submit",
        f"Fehler {first} bei POST public.submit wieder, zuerst 23.11.2026 um 10:30 Uhr",
        f"Fehler {second} bei POST public.submit",
    ]
    assert log().count("    RuntimeError: brought about by the test") == 2


def test_a_clock_that_was_put_back_gives_a_new_number(app):
    error = ValueError()
    number, _ = error_numbers.number(error, "GET /", NOW)
    assert error_numbers.number(error, "GET /", NOW) == (number, NOW)
    assert error_numbers.number(error, "GET /", NOW - timedelta(seconds=1))[1] is None


def test_numbers_are_by_place_and_the_oldest_is_forgotten(app, monkeypatch):
    monkeypatch.setattr(error_numbers, "MAX_KNOWN", 2)
    error = ValueError()

    def is_new(place):
        return error_numbers.number(error, place, NOW)[1] is None

    assert [is_new(place) for place in ("a", "b", "b", "a", "c", "b", "a")] == [
        True,
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_the_console_shows_a_failure_once_and_no_security_events(anna, dora, fail, monkeypatch, capsys):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    log_setup.log_to_console()
    dora.get("/freigabe/geraten")
    log_event(SecurityEvent.PASSWORD_REFUSED, "203.0.113.7")
    for _ in range(3):
        anna.post("/", anna.filled("incident"))
    assert [line.partition(" ERROR ")[2][:11] for line in capsys.readouterr().err.splitlines() if LINE.match(line)] == [
        "server.web:"
    ]


# --- Limits in size, number and age ---


def log_files(name=log_setup.FILE_NAME):
    """Return the texts of a log file and its older ones by their endings."""
    paths = settings.logs_dir.glob(f"{name}*")
    return {path.name.removeprefix(name): path.read_text("utf-8") for path in paths}


def write_at(moment, text):
    """Write an entry as at a moment."""
    record = {"name": "app", "levelno": logging.WARNING, "levelname": "WARNING", "created": moment.timestamp()}
    logging.getLogger().handle(logging.makeLogRecord(record | {"msg": text}))


def set_age(path, moment):
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def test_files_are_limited_in_size_and_number(app, monkeypatch):
    monkeypatch.setattr(log_setup, "MAX_FILE_BYTES", 5000)
    settings.log_days = 3
    with log_setup.log_to_files(rotate=True):
        for _ in range(30):
            logging.getLogger("app").warning("x" * 1000)
    files = log_files()
    assert files.keys() == {"", ".1", ".2", ".3"}
    assert {len(text) // 1000 for text in files.values()} == {2, 4}


@pytest.mark.parametrize(("first", "is_new"), [("22:59:59", True), ("23:00:00", False)])
def test_a_new_file_begins_at_german_midnight(app, first, is_new):
    with log_setup.log_to_files(rotate=True):
        write_at(datetime.fromisoformat(f"2026-11-23T{first}Z"), "eins")
    # A command that writes after midnight, before the server does, does not delay it.
    with log_setup.log_to_files():
        write_at(datetime(2026, 11, 23, 23, 15, tzinfo=UTC), "Befehl")
    with log_setup.log_to_files(rotate=True):
        write_at(datetime(2026, 11, 23, 23, 30, tzinfo=UTC), "zwei")
    files = log_files()
    assert files.keys() == ({"", ".1"} if is_new else {""})
    assert "zwei" in files[""]
    assert ("eins" in files[""]) != is_new


def test_commands_only_append(app, monkeypatch):
    monkeypatch.setattr(log_setup, "MAX_FILE_BYTES", 10)
    for text in ("eins", "zwei"):
        with log_setup.log_to_files():
            write_at(NOW if text == "eins" else NOW + timedelta(days=1), text)
    assert log_files().keys() == {""}
    assert len(log_files()[""].splitlines()) == 2


def test_visitors_cannot_push_anything_out_of_the_security_log(signed_out, anna, dora, log):
    sign_in(signed_out)
    dora.get("/freigabe/geraten")
    sign_in(dora, name="Clara Neumann", password="geraten")
    anna.post("/", anna.filled("incident", csrf_token="x"))
    assert len(events(log())) == 4
    assert events(log(log_setup.SECURITY_FILE_NAME)) == ["angemeldet | Quelle=127.0.0.1 | Konto=Clara Neumann"]


def test_only_security_events_are_in_the_security_log(log):
    logging.getLogger("app").warning("etwas anderes")
    assert log(log_setup.SECURITY_FILE_NAME) == []


def test_an_endless_line_ends(log):
    logging.getLogger("app").warning("x" * 300_000)
    (line,) = log()
    assert len(line) < 3000


@pytest.mark.parametrize("name", ["meldeportal.log.1", "sicherheit.log.7", "meldeportal.log.2026-10-24"])
@pytest.mark.parametrize(("seconds", "is_kept"), [(0, True), (1, False)])
def test_old_files_are_deleted_after_log_days(app, run_worker, name, seconds, is_kept):
    settings.logs_dir.mkdir()
    path = settings.logs_dir / name
    path.touch()
    set_age(path, NOW - timedelta(days=30, seconds=seconds))
    run_worker()
    assert path.exists() == is_kept


def test_the_current_file_is_emptied_after_log_days_without_an_entry(log, run_worker):
    path = settings.logs_dir / log_setup.FILE_NAME
    logging.getLogger("app").warning("vor langer Zeit")
    set_age(path, NOW - timedelta(days=30, seconds=1))
    run_worker()
    assert path.read_text("utf-8") == ""
    logging.getLogger("app").warning("jetzt")
    assert len(log()) == 1
