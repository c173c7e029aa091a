"""The stage of all tests: a portal with a data folder of its own, and the same few people in every one.

Anna is a customer, Clara works in the office, Dora is an outsider who knows a customer number but no PIN.
"""

import hmac
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from werkzeug.security import generate_password_hash

import clock
from app import create_app
from cli.commands import cli
from database import database, open_at
from logs import throttle
from models import Customer, Event, Staff, Submission, Ticket
from services.background import worker
from services.customers import pins
from services.intake import intake
from services.security import keys, rate_limit
from services.staff import sessions
from settings import settings
from tests.pages import Visitor

pytest_plugins = ["tests.live", "tests.mailbox", "tests.approvers", "tests.cast", "tests.foreigners"]

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


SECRET_KEY = bytes(range(32))
PIN = "4711 0815"
PASSWORD = "vier Wolken im Tee"
# A cheap hash is as good a lock for tests.
CHEAP = "pbkdf2:sha256:1"


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Return what is slow to make and the same for all tests: the app, an empty database, hashes of the same words."""
    _open_portal(tmp_path_factory.mktemp("shared") / "instance")
    proof = hmac.new(keys._derive(SECRET_KEY, b"pin proof"), b"K1001\x0047110815", "sha256").hexdigest()
    return SimpleNamespace(
        app=create_app(),
        database_path=settings.database_path,
        pin_hash=generate_password_hash(proof, CHEAP),
        password_hash=generate_password_hash(PASSWORD, CHEAP),
        nobodys_hash=generate_password_hash("nobody's", CHEAP),
    )


@pytest.fixture
def app(tmp_path, shared, monkeypatch):
    """The app; its settings, data folder and clock belong to this test alone."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    _open_portal(tmp_path / "instance")
    settings.files_dir.mkdir()
    shutil.copy(shared.database_path, settings.database_path)
    open_at(settings.database_path)
    return shared.app


def _open_portal(data_dir):
    # What a test sends comes from one address, and more of it than from any customer.
    much = {"TICKET_SUBMISSIONS_PER_HOUR": "100000", "TICKET_UPLOADS_PER_HOUR": "100000"}
    settings.load({"TICKET_DATA_DIR": str(data_dir), "TICKET_OFFICE_PHONE": "0211 55500"} | much)
    rate_limit.forget()
    throttle.failures.forget()
    data_dir.mkdir()
    settings.secret_key_path.write_bytes(SECRET_KEY)


@pytest.fixture
def db(app):
    """An open database, for looking at the effects of what came in by the front door."""
    with app.app_context(), database.connection_context():
        yield database


@pytest.fixture
def anna(app, shared):
    """Anna in front of her browser, with the number and PIN of her company."""
    company = {"number": "K1001", "name": "Bäckerei Sommer", "email": "post@sommer.example"}
    with database.connection_context():
        Customer.create(**company, pin_hash=shared.pin_hash, created_at=NOW)
    known = {"customer_number": "K1001", "pin": PIN, "name": "Anna Sommer", "phone": "0211 555-0101"}
    return Visitor(app, known)


@pytest.fixture
def dora(app):
    """Dora in front of another browser: she knows Anna's customer number and guesses a PIN."""
    known = {"customer_number": "K1001", "pin": "1111 1111", "name": "Dora Dreist", "phone": "0172 5550199"}
    return Visitor(app, known)


@pytest.fixture
def clara(app, shared):
    """Clara in front of her browser, signed in to the staff area."""
    return signed_in(app, "Clara Neumann", shared.password_hash)


@pytest.fixture
def door(app, shared, monkeypatch):
    """Clara in front of the sign-in page; she has an account, but no session yet."""
    # What nobody's password is compared with is as cheap here as Clara's own, and would even fit.
    monkeypatch.setattr(pins, "dummy_hash", lambda: shared.password_hash)
    with database.connection_context():
        Staff.create(login="clara neumann", name="Clara Neumann", password_hash=shared.password_hash, created_at=NOW)
    return Visitor(app, {"name": "Clara Neumann", "password": PASSWORD})


def signed_in(app, name, password_hash="none"):
    """Return somebody of the office in front of a browser of their own, signed in."""
    visitor = Visitor(app, {})
    with database.connection_context():
        member = Staff.create(login=name.casefold(), name=name, password_hash=password_hash, created_at=NOW)
        token = sessions.begin(member, "127.0.0.1", NOW)
    with visitor.client.session_transaction() as session:
        session["staff"], session["staff_seen"] = token, int(NOW.timestamp())
    return visitor


@pytest.fixture
def later(app, monkeypatch):
    """Let time pass."""

    def let_pass(**duration):
        now = clock.now() + timedelta(**duration)
        monkeypatch.setattr(clock, "now", lambda: now)

    return let_pass


@pytest.fixture
def queries(monkeypatch):
    """Count what the database is asked."""
    asked, execute = [], database.execute_sql

    def counted(sql, params=None):
        asked.append(sql)
        return execute(sql, params)

    monkeypatch.setattr(database, "execute_sql", counted)
    return asked


def stored():
    """Return all that is stored: the whole database as text, and the names of all files."""
    with sqlite3.connect(settings.database_path) as connection:
        lines = list(connection.iterdump())
    connection.close()
    return lines, sorted(path.name for path in settings.data_dir.rglob("*"))


@pytest.fixture
def work(app, shared, monkeypatch):
    """Let the worker do all that is due, as its next ticks would; what is checked for nobody's sake is cheap."""
    monkeypatch.setattr(pins, "dummy_hash", lambda: shared.nobodys_hash)
    monkeypatch.setattr(intake, "DECISION_SECONDS", 0)

    def run_once():
        with app.app_context(), database.connection_context():
            return worker.run_once(NOW).decided

    return run_once


@pytest.fixture
def tickets(app):
    """Return all tickets, oldest first, each with its submission."""

    def load():
        with app.app_context(), database.connection_context():
            return list(Ticket.select(Ticket, Submission).join(Submission).order_by(Ticket.id))

    return load


@pytest.fixture
def ticket(app):
    """Return the only ticket as it is now."""

    def load():
        with app.app_context(), database.connection_context():
            return Ticket.whole().get()

    return load


@pytest.fixture
def history(app):
    """Return the history of the only ticket as kinds, actors and texts."""

    def load():
        with app.app_context(), database.connection_context():
            return [(event.kind, event.actor, event.text) for event in Event.select().order_by(Event.id)]

    return load


@pytest.fixture
def submissions(app):
    """Return all submissions, oldest first."""

    def load():
        with app.app_context(), database.connection_context():
            return list(Submission.select().order_by(Submission.id))

    return load


@pytest.fixture
def office(app):
    """Type a command at the office and return its exit code and what it printed."""
    runtime = SimpleNamespace(create_app=lambda: app, serve=None, serve_demo=None)

    def type_command(*arguments, typed=None):
        return CliRunner().invoke(cli, arguments, input=typed, obj=runtime, prog_name="start.py")

    return type_command


def process_environment(**environment):
    """Return the environment for a process of app.py: no setting of this machine reaches it, a warning ends it."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TICKET_")}
    # Waitress leaves its own socket to the garbage collector, when it stops and when the port is taken.
    return others | {"PYTHONWARNINGS": "error,ignore::ResourceWarning", "PYTHONUTF8": "1"} | environment


def run_app(data_dir, *arguments, **environment):
    """Run a command of app.py as a process of its own, as start.py does, and return what came of it, in bytes."""
    return subprocess.run(
        [sys.executable, ROOT / "app.py", *arguments],
        env=process_environment(TICKET_DATA_DIR=str(data_dir)) | environment,
        capture_output=True,
        timeout=60,
    )


def without_random(text):
    """Return a page with the random values that no two answers share replaced."""
    text = re.sub(r'(name="csrf_token"[^>]*value=)"[^"]*"', r'\1"…"', text)
    text = re.sub(r'(name="draft" value=)"[^"]*"', r'\1"…"', text)
    text = re.sub(r"\b[2-9A-HJKMNP-Z]{4}-?[2-9A-HJKMNP-Z]{4}\b", "VORGANG", text)
    return re.sub(r"\d\d\.\d\d\.\d{4} um \d\d:\d\d\sUhr", "WANN", text)
