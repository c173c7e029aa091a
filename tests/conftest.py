"""The stage of all tests: a portal with a data folder of its own, and the same few people in every one.

Anna is a customer, Dora is an outsider who knows a customer number but no PIN.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import create_app
from models import Submission, Ticket, database
from services import accounts, worker
from settings import settings
from tests.pages import Visitor

pytest_plugins = ["tests.live"]

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def app(tmp_path):
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "instance"), "TICKET_OFFICE_PHONE": "0211 55500"})
    return create_app()


@pytest.fixture
def db(app):
    """An open database, for looking at the effects of what came in by the front door."""
    with app.app_context(), database.connection_context():
        yield database


@pytest.fixture
def anna(app):
    """Anna in front of her browser, with the number and PIN of her company."""
    with app.app_context(), database.connection_context():
        customer, pin = accounts.add_customer("K1001", "Bäckerei Sommer", "post@sommer.example", NOW)
    known = {"customer_number": customer.number, "pin": pin, "name": "Anna Sommer", "phone": "0211 555-0101"}
    return Visitor(app, known)


@pytest.fixture
def dora(app):
    """Dora in front of another browser: she knows Anna's customer number and guesses a PIN."""
    known = {"customer_number": "K1001", "pin": "1111 1111", "name": "Dora Dreist", "phone": "0172 5550199"}
    return Visitor(app, known)


@pytest.fixture
def work(app):
    """Let the worker do all that is due, as its next ticks would."""

    def run_once():
        with app.app_context(), database.connection_context():
            return worker.run_once(datetime.now(UTC))

    return run_once


@pytest.fixture
def tickets(app):
    """Return all tickets, oldest first, each with its submission."""

    def load():
        with app.app_context(), database.connection_context():
            return list(Ticket.select(Ticket, Submission).join(Submission).order_by(Ticket.id))

    return load


@pytest.fixture
def submissions(app):
    """Return all submissions, oldest first."""

    def load():
        with app.app_context(), database.connection_context():
            return list(Submission.select().order_by(Submission.id))

    return load


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
    return re.sub(r"\d\d\.\d\d\.\d{4}, \d\d:\d\d Uhr", "WANN", text)
