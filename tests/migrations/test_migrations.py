"""Migrations to the schema of this version: step by step, after a copy, and never back."""

import shutil
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from peewee import SqliteDatabase, sqlite3
from playhouse.migrations import Runner

import migrations
import models
from app import create_app
from database import database, init_database
from models import Contact, Customer, Event, Message, Staff, Ticket, TicketLink
from services import search
from services.customers import customers
from settings import StartError, settings
from tests.support.cast import NOW
from tests.support.database import ADDS_TABLE, backups, database_bytes, schema, tables
from tests.support.pages import Visitor
from tests.support.processes import ROOT

FAILS_HALFWAY = ADDS_TABLE + "    db.execute_sql('INSERT INTO no_such_table VALUES (1)')\n"


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """A folder with the project's steps, to which a test adds steps."""
    folder = tmp_path / "steps"
    folder.mkdir()
    for path in migrations.DIRECTORY.glob("[0-9]*.py"):
        shutil.copy(path, folder)
    monkeypatch.setattr(migrations, "DIRECTORY", folder)
    return folder


def numbers(path):
    with closing(sqlite3.connect(path)) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM customer")]


@pytest.fixture
def customer(app):
    """A customer in a database of this version."""
    with app.app_context(), database.connection_context():
        customers.add({"number": "K1001", "name": "Bäckerei Sommer"}, NOW)


def test_migrated_schema_is_the_models_schema(app, tmp_path):
    by_models = tmp_path / "models.db"
    with closing(SqliteDatabase(by_models)) as fresh, fresh.bind_ctx(models.TABLES):
        fresh.create_tables(models.TABLES)
    migrated = schema(settings.database_path)
    expected = schema(by_models)
    assert tables(settings.database_path) == tables(by_models) == {model._meta.table_name for model in models.TABLES}
    for part in expected:
        assert migrated.pop(part) == expected[part]
    assert {table for table, _ in migrated.values()} == {"schema_migration"}


def test_first_start_needs_no_copy(app):
    assert backups() == []


def test_second_start_changes_nothing(app, customer):
    before = database_bytes()
    create_app()
    assert database_bytes() == before
    assert backups() == []


def test_copy_before_a_further_step(customer, steps):
    (steps / "9001_devices.py").write_text(ADDS_TABLE)
    create_app()
    (copy,) = backups()
    assert tables(copy) == {model._meta.table_name for model in models.TABLES}
    assert numbers(copy) == ["K1001"]
    assert any(step.stem in copy.name for step in Path(migrations.__file__).parent.glob("0*.py"))
    assert tables(settings.database_path) == tables(copy) | {"device"}
    assert numbers(settings.database_path) == ["K1001"]


def test_copy_opens_as_a_portal(customer, steps, tmp_path):
    (steps / "9001_devices.py").write_text(ADDS_TABLE)
    create_app()
    (copy,) = backups()
    (steps / "9001_devices.py").unlink()
    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copy(copy, restored / "tickets.db")
    shutil.copy(settings.secret_key_path, restored)
    settings.load({"TICKET_DATA_DIR": str(restored)})
    with create_app().app_context(), database.connection_context():
        assert [customer.number for customer in Customer.by_number()] == ["K1001"]


def test_failing_step_leaves_the_old_database_usable(customer, steps):
    before = schema(settings.database_path)
    (steps / "9001_devices.py").write_text(FAILS_HALFWAY)
    with pytest.raises(StartError, match="no such table"):
        create_app()
    assert schema(settings.database_path) == before
    assert [numbers(copy) for copy in backups()] == [["K1001"]]
    (steps / "9001_devices.py").unlink()
    with create_app().app_context(), database.connection_context():
        assert [customer.number for customer in Customer.by_number()] == ["K1001"]


def test_repeated_failing_starts_do_not_fill_the_disk(customer, steps, advance_clock):
    settings.backups_dir.mkdir()
    for day in range(20201120, 20201124):
        (settings.backups_dir / f"vor-umstellung-{day}-030000-000{day % 10}_former.db").touch()
    (steps / "9001_devices.py").write_text(FAILS_HALFWAY)
    for _ in range(3):
        with pytest.raises(StartError):
            create_app()
        advance_clock(minutes=1)
    former, formerly, copy = backups()
    assert [former.name[15:23], formerly.name[15:23], copy.name[15:30]] == ["20201122", "20201123", "20261123-103200"]
    assert numbers(copy) == ["K1001"]


def test_steps_before_a_failing_one_stay(customer, steps):
    (steps / "9001_devices.py").write_text(ADDS_TABLE)
    (steps / "9002_fails.py").write_text("def up(migrator, db):\n    db.execute_sql('no SQL')\n")
    with pytest.raises(StartError):
        create_app()
    assert "device" in tables(settings.database_path)
    (steps / "9002_fails.py").write_text("def up(migrator, db):\n    db.execute_sql('DROP TABLE device')\n")
    create_app()
    assert "device" not in tables(settings.database_path)
    assert numbers(settings.database_path) == ["K1001"]


def test_database_of_a_newer_version_is_refused_and_unchanged(customer, steps):
    (steps / "9001_devices.py").write_text(ADDS_TABLE)
    create_app()
    (steps / "9001_devices.py").unlink()
    before, copies = database_bytes(), backups()
    with pytest.raises(StartError, match="stammt aus einer neueren Version"):
        create_app()
    assert database_bytes() == before
    assert backups() == copies


def start_release(name, steps, tmp_path):
    """Make a data folder of a former version, with the rows of its file in tests/migrations/releases."""
    settings.load({"TICKET_DATA_DIR": str(tmp_path / "former")})
    settings.data_dir.mkdir()
    init_database(settings.database_path)
    with database.connection_context():
        Runner(database, str(steps)).up(name)
        database.connection().executescript(
            (ROOT / "tests" / "migrations" / "releases" / f"{name[:4]}.sql").read_text("utf-8")
        )
    shutil.copy(tmp_path / "instance" / "secret.key", settings.secret_key_path)


def test_first_version_is_migrated_without_loss(app, steps, tmp_path):
    start_release("0001_customers_submissions_tickets", steps, tmp_path)
    with create_app().app_context(), database.connection_context():
        assert database.execute_sql("PRAGMA foreign_key_check").fetchall() == []
        entry, defect = Ticket.with_details().order_by(Ticket.id)
        assert (entry.category, entry.rank, entry.due_on) == ("new_employee", 2, date(2027, 1, 4))
        assert (defect.category, defect.rank, defect.due_on) == ("warranty", 0, None)
        assert (entry.lead_time_missed, defect.lead_time_missed) == (True, False)
        customer = entry.customer
        assert (customer.name, customer.pin_hash, customer.fully_managed) == ("Bäckerei Sommer", "hash", True)
        assert [pin.pin_hash for pin in customer.former_pins] == ["old hash"]
        assert customer.pin_issued_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
        assert [(event.kind, event.text) for event in entry.events] == [("opened", "Kundennummer und PIN stimmen.")]
        assert [attachment.name for attachment in defect.submission.attachments] == ["Foto.png"]
        for typed, found in {"gerat": [defect], "geraet": [defect], "pf4x7q": [defect], "ABCD-EFGH": [entry]}.items():
            rows = Ticket.select().where(Ticket.id.in_(search.matching(search.search_terms(typed), search.OPEN)))
            assert list(rows.order_by(Ticket.id)) == found
    assert len(backups()) == 1


def test_an_interrupted_start_goes_on_filling_the_search_index(app, steps, tmp_path, monkeypatch):
    start_release("0001_customers_submissions_tickets", steps, tmp_path)
    monkeypatch.setattr(search, "TICKETS_AT_A_TIME", 1)
    with monkeypatch.context() as patch:
        add = search.add
        patch.setattr(search, "add", lambda ticket: add(ticket) if ticket.id == 1 else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            create_app()
    with create_app().app_context(), database.connection_context():
        assert [row.rowid for row in search.matching(search.search_terms("Baeckerei"))] == [1, 2]


def test_second_version_is_migrated_without_loss(app, steps, tmp_path):
    start_release("0002_staff_area", steps, tmp_path)
    with create_app().app_context(), database.connection_context():
        assert database.execute_sql("PRAGMA foreign_key_check").fetchall() == []
        waiting, done = Ticket.with_details().order_by(Ticket.id)
        assert (waiting.approval, waiting.reminders, waiting.remind_at) == ("pending", 2, None)
        assert (done.approval, done.reminders, done.remind_at) == ("approved", 0, None)
        assert [event.text for event in waiting.events] == ["Kundennummer und PIN stimmen."]
        assert [attachment.name for attachment in waiting.submission.attachments] == ["Foto.png"]
        assert Message.select().count() == 0
    assert len(backups()) == 1


def test_approvers_and_contacts_become_roles(app, steps, tmp_path):
    start_release("0011_daily_work", steps, tmp_path)
    migrated = create_app()
    page = Visitor(migrated, {}).get("/freigabe/1FboDzFR3aSsZFDu4fm9wEjEa_ZYZMNGwA1gh1QTHxM")
    assert (page.status, "Der Drucker brennt" in page.text) == (200, True)
    with migrated.app_context(), database.connection_context():
        assert database.execute_sql("PRAGMA foreign_key_check").fetchall() == []
        people = [
            (one.customer.number, one.name, one.email, one.is_main, one.is_approver)
            for one in Contact.select().order_by(Contact.customer, Contact.id)
        ]
        assert people == [
            ("K1001", "Frieda Sommer", "frieda@sommer.example", True, True),
            ("K1001", "Bernd Sommer", "bernd@sommer.example", False, True),
            ("K1002", "Eva Winter", "post@winter.example", True, False),
        ]
        bernd = Contact.get(Contact.name == "Bernd Sommer")
        assert (bernd.absent_from, bernd.absent_until) == (date(2026, 11, 1), date(2026, 12, 1))
        assert TicketLink.get().approver.name == "Frieda Sommer"
        assert [(member.name, member.role) for member in Staff.select()] == [
            ("Otto", "team"),
            ("Clara Neumann", "lead"),
            ("Miriam Vogt", "team"),
        ]
        assert Event.get().minutes == 15


@pytest.mark.parametrize(
    ("pasted", "mended"),
    [
        ("sommer\u200b.example", "sommer.example"),
        ("\u202abäckerei.som\u00admer.example", "xn--bckerei-5wa.sommer.example"),
        ("bäckerei.example", "xn--bckerei-5wa.example"),
        ("\u200b.example", "xn--zug.example"),
    ],
)
def test_invisible_characters_are_taken_out_of_mail_domains(app, steps, tmp_path, pasted, mended):
    start_release("0002_staff_area", steps, tmp_path)
    labels = pasted.split(".")
    stored = [label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels]
    with database.connection_context():
        Customer.update(mail_domain=".".join(stored)).execute()
    with create_app().app_context(), database.connection_context():
        assert Customer.get().mail_domain == mended
