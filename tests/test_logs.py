"""What the log says: one line per event with moment and source, and nothing that somebody could misuse or forge."""

import logging
import os
import re
from datetime import timedelta

import pytest

from logs import setup as log_setup
from logs import throttle
from services.intake import intake
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
    """Return the lines of the log file; it is written as beside a running server."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    with log_setup.log_to_daily_file():
        yield lambda: (settings.logs_dir / log_setup.FILE_NAME).read_text("utf-8").split("\n")[:-1]
    root.setLevel(level)


def events(lines):
    """Return what security events say, without the moment."""
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


def test_commands_write_into_the_same_file(run_command, log):
    run_command("kunde", "neu", "--nummer", "K2002", "--name", "Schlosserei Nord")
    run_command("verwaltung", "neu", "--name", "Dieter Kurz", typed=f"{PASSWORD}\n{PASSWORD}\n")
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
    monkeypatch.setattr(public_request, "FILE_TYPES", None)
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


# --- What anybody can bring about ---

NEIGHBOURS = [f"2001:db8:1:{number:x}::1" for number in range(30)]


def knock(visitor, *addresses):
    """Open so many links that open nothing."""
    for address in addresses:
        visitor.get("/freigabe/geraten", environ_overrides={"REMOTE_ADDR": address})


@pytest.mark.parametrize(
    ("addresses", "source"), [(["203.0.113.7"] * 30, "203.0.113.7"), (NEIGHBOURS, "2001:db8:1::/48")]
)
def test_the_same_from_one_source_is_written_a_few_times_and_then_counted(dora, log, monkeypatch, addresses, source):
    knock(dora, *addresses)
    assert len(events(log())) == throttle.RECORDS_PER_WINDOW
    knock(dora, "198.51.100.1")
    assert events(log())[-1] == "Link, der nichts öffnet | Quelle=198.51.100.1 | Seite=Freigabe"
    monkeypatch.setattr(throttle, "WINDOW_SECONDS", 0)
    knock(dora, addresses[0])
    *_, counted, anew = events(log())
    assert re.fullmatch(
        rf"Link, der nichts öffnet \| Quelle={re.escape(source)} \| seit \d\d:\d\d noch 20-mal", counted
    )
    assert anew.startswith(f"Link, der nichts öffnet | Quelle={addresses[0]} ")


def test_forms_without_a_token_are_counted_too(anna, log):
    values = anna.filled("incident", csrf_token="x")
    for _ in range(30):
        anna.post("/", values)
    assert len(events(log())) == throttle.RECORDS_PER_WINDOW


def test_what_was_counted_is_written_at_the_end(dora, app):
    with log_setup.log_to_daily_file():
        knock(dora, *["203.0.113.7"] * 11)
    assert "noch 1-mal" in (settings.logs_dir / log_setup.FILE_NAME).read_text("utf-8").splitlines()[-1]


def test_what_is_counted_has_a_bound(dora, log, monkeypatch):
    monkeypatch.setattr(throttle, "MOST_KINDS", 2)
    knock(dora, *["203.0.113.7"] * 12, *(f"198.51.100.{number}" for number in range(9)))
    assert [line for line in events(log()) if line.endswith("noch 2-mal")]
    assert len(events(log())) == throttle.RECORDS_PER_WINDOW + 1 + 9


def test_what_the_office_does_is_always_written(clara, anna, log):
    token = clara.get("/verwaltung/kunden/1").fields()["csrf_token"]
    for _ in range(20):
        for path in ("sperren", "entsperren"):
            clara.post(f"/verwaltung/kunden/1/{path}", {"csrf_token": token})
    assert len(events(log())) == 40


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
    values = anna.filled("incident")
    numbers = [number_of(anna.post("/", values)) for _ in range(30)]
    advance_clock(hours=1)
    numbers.append(number_of(anna.post("/", values)))
    (first,), (second,) = set(numbers[:-1]), set(numbers[-1:])
    assert first != second
    lines = [line.partition(" app: ")[2] for line in log() if LINE.fullmatch(line)]
    again = f"Fehler {first} bei POST public.submit wieder, zuerst 23.11.2026 um 10:30 Uhr"
    assert lines == [
        f"Fehler {first} bei POST public.submit",
        *[again] * throttle.RECORDS_PER_WINDOW,
        f"Fehler {second} bei POST public.submit",
    ]
    assert log().count("    RuntimeError: brought about by the test") == 2


def test_a_day_has_room_for_so_much(anna, clara, log, fail, monkeypatch):
    monkeypatch.setattr(log_setup, "MAX_BYTES_PER_DAY", 8000)
    knock(clara, *(f"203.0.{number}.7" for number in range(100)))
    *most, last = events(log())
    assert 20 < len(most) < 60
    assert last == "Zu viel für einen Tag: Bis Mitternacht steht hier nicht mehr, was jeder von außen auslösen kann."
    # That hides neither what the office does, nor what failed.
    clara.post("/verwaltung/abmelden", clara.get("/verwaltung/").fields("/verwaltung/abmelden"))
    assert events(log())[-1].startswith("abgemeldet")
    for _ in range(200):
        logging.getLogger("app").warning("Etwas im Haus")
    assert log()[-1].endswith("Bis Mitternacht steht hier nicht mehr, was kein Fehler auf einer Seite ist.")
    assert sum(len(line.encode()) for line in log()) < 9000
    number = number_of(anna.send("incident"))
    assert any(f"Fehler {number} bei " in line for line in log())


def test_an_endless_line_ends(log):
    logging.getLogger("app").warning("x" * 300_000)
    (line,) = log()
    assert len(line) < 3000


def test_files_go_after_their_days(log, run_worker):
    logging.getLogger("app").warning("heute")
    old, young = (settings.logs_dir / f"{log_setup.FILE_NAME}.2026-{day}" for day in ("10-23", "10-25"))
    for path, days in ((old, 31), (young, 29)):
        path.touch()
        moment = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (moment, moment))
    run_worker()
    assert [path.exists() for path in (old, young)] == [False, True]
    assert log()
