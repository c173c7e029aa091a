"""Commands for staff accounts: add, lock, unlock, set a password."""

import json
import os
import subprocess
import sys

import pytest

from database import database
from models import FailedAttempts, Staff
from services.security import login_throttle
from tests.support.cast import NOW, PASSWORD
from tests.support.commands import printed, refusal
from tests.support.pages import Visitor
from tests.support.processes import ROOT, process_environment
from tests.support.staff import sign_in

GOOD = "Teller, Wolke und Gabel"


def printed_after_prompt(result):
    """Check that a command asked for a password and worked, and return what it printed."""
    assert result.exit_code == 0, result.output
    assert "Neues Kennwort" in result.stderr
    return result.stdout


def refusal_after_prompt(result):
    """Check that a command asked for a password and failed, and return its message."""
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr.splitlines()[-1].rpartition("Fehler: ")[2]


def sign_in_status(app, name, password):
    """Try to sign in and return the status."""
    return sign_in(Visitor(app, {"name": name, "password": password})).status


def test_add_account(run_command, app):
    output = printed_after_prompt(run_command("verwaltung", "neu", "--name", "Robin Roth", typed=f"{GOOD}\n{GOOD}\n"))
    assert output == "Das Konto „Robin Roth“ ist angelegt.\n"
    assert sign_in_status(app, "robin roth", GOOD) == 303
    again = run_command("verwaltung", "neu", "--name", "\ufeffROBIN\u00a0RO\u200bTH", typed=f"{GOOD}\n{GOOD}\n")
    assert refusal_after_prompt(again) == "Ein Konto mit dem Namen „ROBIN ROTH“ gibt es schon."


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("Robin", "kurz\nkurz\n", "mindestens 12 Zeichen"),
        ("Robin", "Kennwort2026\nKennwort2026\n", "zu leicht zu erraten"),
        ("Robin", f"{GOOD}\n{GOOD}x\n", "Die beiden Kennwörter sind verschieden."),
        ("Robin", "\n\n", "mindestens 12 Zeichen"),
        (" ", f"{GOOD}\n{GOOD}\n", "Bitte geben Sie einen Namen"),
        ("x" * 101, f"{GOOD}\n{GOOD}\n", "höchstens 100 Zeichen"),
        ("rot\x1b[31m", f"{GOOD}\n{GOOD}\n", "„rot�[31m“ enthält Zeichen, die sich nicht anzeigen lassen"),
    ],
)
def test_account_refused(run_command, name, typed, sentence):
    assert sentence in refusal_after_prompt(run_command("verwaltung", "neu", "--name", name, typed=typed))
    assert json.loads(printed(run_command("verwaltung", "liste", "--json"))) == []


def test_no_password_typed(run_command):
    result = run_command("verwaltung", "neu", "--name", "Robin", typed="")
    assert result.exit_code == 1
    assert "Abgebrochen." in result.stderr


def test_set_password(run_command, app, clara, advance_clock):
    for _ in range(5):
        assert sign_in_status(app, "Clara Neumann", "falsch") == 422
    output = printed_after_prompt(
        run_command("verwaltung", "kennwort", "--name", "clara neumann", typed=f"{GOOD}\n{GOOD}\n")
    )
    assert output == "Das Konto „Clara Neumann“ hat ein neues Kennwort.\n"
    assert clara.get("/verwaltung/").status == 303
    advance_clock(seconds=2)
    assert sign_in_status(app, "Clara Neumann", PASSWORD) == 422
    advance_clock(seconds=2)
    assert sign_in_status(app, "Clara Neumann", GOOD) == 303


def test_set_password_resets_failed_attempts(run_command, clara, db):
    login_throttle.register_attempt({login_throttle.source("name", "clara neumann"): 5}, NOW)
    printed_after_prompt(run_command("verwaltung", "kennwort", "--name", "Clara Neumann", typed=f"{GOOD}\n{GOOD}\n"))
    assert FailedAttempts.select().count() == 0


@pytest.mark.parametrize("options", [[], ["--ohne-zweiten-faktor"]], ids=["with", "without"])
def test_set_password_and_second_factor(run_command, app, clara, options):
    with database.connection_context():
        Staff.update(totp_salt="salt", totp_enabled_at=NOW).execute()
    output = printed_after_prompt(
        run_command("verwaltung", "kennwort", "--name", "Clara Neumann", *options, typed=f"{GOOD}\n{GOOD}\n")
    )
    assert ("keinen zweiten Faktor mehr" in output) == bool(options)
    assert sign_in_status(app, "Clara Neumann", GOOD) == (303 if options else 422)


def test_lock_and_unlock_account(run_command, app, clara):
    assert "ist gesperrt" in printed(run_command("verwaltung", "sperren", "--name", "Clara Neumann"))
    assert clara.get("/verwaltung/").status == 303
    assert sign_in_status(app, "Clara Neumann", PASSWORD) == 422
    (row,) = json.loads(printed(run_command("verwaltung", "liste", "--json")))
    assert row["gesperrt_seit"] == NOW.isoformat()
    assert "ist entsperrt" in printed(run_command("verwaltung", "entsperren", "--name", "Clara Neumann"))
    assert sign_in_status(app, "Clara Neumann", PASSWORD) == 303


def test_list_of_accounts(run_command, clara):
    lines = printed(run_command("verwaltung", "liste")).splitlines()
    assert lines[0].split("  ")[0] == "Name"
    assert lines[1].startswith("Clara Neumann  Leitung  23.11.2026 um 10:30\N{NO-BREAK SPACE}Uhr")
    assert json.loads(printed(run_command("verwaltung", "liste", "--json"))) == [
        {
            "name": "Clara Neumann",
            "rolle": "Leitung",
            "angelegt": NOW.isoformat(),
            "zweiter_faktor_seit": None,
            "gesperrt_seit": None,
        }
    ]


@pytest.mark.parametrize("command", ["kennwort", "sperren", "entsperren"])
def test_unknown_account(run_command, command):
    assert refusal(run_command("verwaltung", command, "--name", "Bo")) == "Ein Konto mit dem Namen „Bo“ gibt es nicht."


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminal")
def test_password_is_not_echoed_in_a_terminal(tmp_path):
    import pty  # not on Windows

    screen, keyboard = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, ROOT / "app.py", "verwaltung", "neu", "--name", "Robin Roth"],
        env=process_environment(TICKET_DATA_DIR=str(tmp_path)),
        stdin=keyboard,
        stdout=keyboard,
        stderr=keyboard,
        start_new_session=True,
    )
    os.close(keyboard)
    shown = b""
    for question in (b"Neues Kennwort: ", b"Noch einmal: "):
        while question not in shown:
            shown += os.read(screen, 1000)
        os.write(screen, f"{GOOD}\n".encode())
    while b"ist angelegt" not in shown:
        shown += os.read(screen, 1000)
    assert process.wait(timeout=60) == 0
    os.close(screen)
    assert GOOD.encode() not in shown
