"""Fixtures of all tests: a portal with a data folder of its own; the people are in support/cast.py."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import clock
from cli.commands import cli
from database import database, init_database
from models import Event, Submission, Ticket
from services.background import worker
from services.customers import pins
from services.intake import intake
from settings import settings
from tests.support.cast import NOW

pytest_plugins = [
    "tests.support.cast",
    "tests.support.commands",
    "tests.support.companies",
    "tests.support.approvers",
    "tests.support.pasted",
    "tests.support.staff",
    "tests.support.servers.live_server",
    "tests.support.servers.mailbox",
    "tests.support.browser.tab",
    "tests.support.wording.english_visitors",
]


@pytest.fixture
def advance_clock(app, monkeypatch):
    """Let time pass."""

    def let_pass(**duration):
        now = clock.now() + timedelta(**duration)
        monkeypatch.setattr(clock, "now", lambda: now)

    return let_pass


@pytest.fixture
def use_rollback_journal(app, monkeypatch):
    """Go on as with an older SQLite."""

    def convert():
        monkeypatch.setattr("database.FIRST_SAFE_WAL", (99,))
        init_database(settings.database_path)

    return convert


@pytest.fixture
def queries(monkeypatch):
    """Record the SQL statements."""
    asked, execute = [], database.execute_sql

    def counted(sql, params=None):
        asked.append(sql)
        return execute(sql, params)

    monkeypatch.setattr(database, "execute_sql", counted)
    return asked


@pytest.fixture
def run_worker(app, shared, monkeypatch):
    """Run all due jobs of the worker once; the time-equalising hash and pause are made cheap."""
    monkeypatch.setattr(pins, "dummy_hash", lambda: shared.dummy_hash)
    monkeypatch.setattr(intake, "MIN_BATCH_SECONDS", 0)

    def run_once():
        with app.app_context(), database.connection_context():
            return worker.run_once(NOW)["decide"]

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
            return Ticket.with_details().get()

    return load


@pytest.fixture
def events(app):
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
def run_command(app):
    """Run a command and return its exit code and what it printed."""
    runtime = SimpleNamespace(prepare_data=lambda: None, serve=None, serve_demo=None)

    def type_command(*arguments, typed=None):
        return CliRunner().invoke(cli, arguments, input=typed, obj=runtime, prog_name="start.py")

    return type_command
