"""The fixed cast, each in front of a browser, and the portal that they meet.

Anna is a customer, Clara works in the office, Dora is an outsider who knows a customer number but no PIN.
"""

import shutil
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from werkzeug.security import generate_password_hash

import clock
from app import create_app
from database import database, init_database
from logs import error_numbers
from models import Customer, Staff
from services.customers import pins
from services.security import audit_log, rate_limit
from services.staff import sessions
from settings import settings
from tests.support.contacts import set_contact
from tests.support.pages import Visitor

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


SECRET_KEY = bytes(range(32))


PIN = "4711 0815"


PASSWORD = "vier Wolken im Tee"


# A cheap hash is as good a lock for tests.
FAST_HASH = "pbkdf2:sha256:1"
pins.SCRYPT_COST = 2


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Return what is slow to make and shared by all tests: app, empty database, hashes."""
    _open_portal(tmp_path_factory.mktemp("shared") / "instance")
    app = create_app()
    # The database is copied as one file.
    database.close_idle()
    proof = pins.pin_proof("K1001", "47110815")
    return SimpleNamespace(
        app=app,
        database_path=settings.database_path,
        pin_hash=pins.hash_proof("K1001", proof),
        password_hash=generate_password_hash(PASSWORD, FAST_HASH),
        dummy_hash=generate_password_hash("nobody's", FAST_HASH),
    )


@pytest.fixture
def app(tmp_path, shared, monkeypatch):
    """The app; its settings, data folder and clock belong to this test alone."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    _open_portal(tmp_path / "instance")
    settings.files_dir.mkdir()
    shutil.copy(shared.database_path, settings.database_path)
    init_database(settings.database_path)
    return shared.app


def _open_portal(data_dir):
    # All requests of a test come from one address and exceed a customer's rate, and mails of staff leave at once.
    much = {"TICKET_SUBMISSIONS_PER_HOUR": "100000", "TICKET_UPLOADS_PER_HOUR": "100000", "TICKET_UNDO_SECONDS": "0"}
    office = {"TICKET_OFFICE_PHONE": "0211 55500", "TICKET_OFFICE_EMAIL": "support@muster-it.example"}
    settings.load({"TICKET_DATA_DIR": str(data_dir)} | office | much)
    rate_limit._buckets.clear()
    audit_log.sweep(NOW)
    error_numbers._known.clear()
    data_dir.mkdir()
    settings.secret_key_path.write_bytes(SECRET_KEY)


@pytest.fixture
def db(app):
    """An open database, for checking the effects of requests."""
    with app.app_context(), database.connection_context():
        yield database


@pytest.fixture
def anna(app, shared):
    """Anna in front of her browser, with the number and PIN of her company."""
    company = {"number": "K1001", "name": "Bäckerei Sommer"}
    with database.connection_context():
        set_contact(Customer.create(**company, pin_hash=shared.pin_hash, created_at=NOW), email="post@sommer.example")
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
def signed_out(app, shared, monkeypatch):
    """Clara in front of the sign-in page; she has an account, but no session yet."""
    # The dummy hash is as cheap as Clara's own, and would even match.
    monkeypatch.setattr(pins, "dummy_hash", lambda: shared.password_hash)
    with database.connection_context():
        Staff.create(
            role="lead", login="clara neumann", name="Clara Neumann", password_hash=shared.password_hash, created_at=NOW
        )
    return Visitor(app, {"name": "Clara Neumann", "password": PASSWORD})


def signed_in(app, name, password_hash="none"):
    """Return somebody of the office in front of a browser of their own, signed in."""
    visitor = Visitor(app, {})
    with database.connection_context():
        known = {"login": name.casefold(), "name": name, "role": "lead"}
        member = Staff.create(**known, password_hash=password_hash, created_at=NOW)
        token = sessions.begin(member, "127.0.0.1", NOW)
    with visitor.client.session_transaction() as session:
        session["staff"], session["staff_seen"] = token, int(NOW.timestamp())
    return visitor
