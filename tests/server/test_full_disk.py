"""Little or no disk space: files are refused, texts are accepted as long as possible, nothing is half stored."""

import errno
import io
import logging
import shutil
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from peewee import OperationalError

import clock
from database import database
from models import Attachment, FailedAttempts, StaffSession, Submission, TextBlock
from server import web
from services import search
from services.background import worker
from services.files import attachments
from settings import settings
from tests.support.background import run_ticks
from tests.support.files.samples import PNG
from tests.support.pages import EXAMPLES, HTMX, all_text

# More than fits into the pages that the database already has.
LONG = "Der Drucker streikt." * 245


@pytest.fixture
def scarce(app, monkeypatch):
    """Less free space than the reserve for texts."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1024**3 - 1))


@pytest.fixture
def disk(app):
    """A disk that can be filled and emptied: a database that may not grow fails as on a full disk."""

    def fill():
        grow_to(1)  # SQLite keeps at least the current size.
        with database.connection_context():
            attempt = {"count": 1, "last_at": clock.now()}
            use_up(FailedAttempts, lambda number: attempt | {"source": f"{number:0250}"})
            use_up(FailedAttempts, lambda number: attempt | {"source": f"{number:020}"})
            use_up(TextBlock, lambda number: {"name": f"{number}", "text": LONG})

    return SimpleNamespace(fill=fill, empty=lambda: grow_to(2**30))


def use_up(table, row):
    """Insert rows until not even a single one fits."""
    numbers = count()
    for size in (100, 10, 1):
        with suppress(OperationalError):
            while True:
                table.insert_many([row(next(numbers)) for _ in range(size)]).execute()


def no_space(*place, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


def grow_to(pages):
    with database.connection_context():
        database.pragma("max_page_count", pages, permanent=True)
    database.close_idle()


def counts():
    with database.connection_context():
        return Submission.select().count(), Attachment.select().count(), len(list(settings.files_dir.iterdir()))


def test_file_is_refused_at_its_field_and_nothing_typed_is_lost(anna, scarce, submissions):
    page = anna.send("incident", files=(io.BytesIO(PNG), "Foto.png"))
    assert page.status == 422
    assert page.text_of("attachment-list") == f"„Foto.png“ konnten wir nicht annehmen: {attachments.DISK_FULL}"
    assert page.fields()["description"] == EXAMPLES["incident"]["description"]
    assert counts() == (0, 0, 0)
    assert anna.post("/", page.fields()).status == 303
    assert len(submissions()) == 1


def test_file_is_refused_as_soon_as_it_is_chosen(anna, scarce):
    page = anna.post("/anhaenge", anna.filled("incident") | {"files": (io.BytesIO(PNG), "Foto.png")}, headers=HTMX)
    assert page.status == 422
    assert attachments.DISK_FULL in page.text


def test_one_message_for_all_refused_files(anna, scarce):
    files = [(io.BytesIO(PNG), name) for name in ("Eins.png", "Zwei.png", "Drei.png")]
    page = anna.send("incident", files=files)
    names = "„Eins.png“, „Zwei.png“ und „Drei.png“"
    assert page.text_of("attachment-list") == f"{names} konnten wir nicht annehmen: {attachments.DISK_FULL}"


def test_text_is_accepted_with_little_space(anna, scarce, run_worker, tickets):
    anna.report("incident", description=LONG)
    run_worker()
    assert len(tickets()) == 1


def test_no_space_while_a_file_comes_in(anna, monkeypatch, submissions):
    with monkeypatch.context() as full:
        full.setattr(Path, "open", no_space)
        page = anna.send("incident", files=(io.BytesIO(PNG), "Foto.png"))
    assert page.status == 422
    assert page.text_of("attachment-list") == f"„Foto.png“ konnten wir nicht annehmen: {attachments.DISK_FULL}"
    assert page.fields()["description"] == EXAMPLES["incident"]["description"]
    assert anna.post("/", page.fields()).status == 303
    assert len(submissions()) == 1


def test_no_space_for_compiled_templates(anna, app, monkeypatch):
    monkeypatch.setattr(web, "VERSION", "another version, which compiles anew")
    app.jinja_env.cache.clear()
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", no_space)
    assert anna.get("/hilfe").status == 200


def test_staged_file_is_accepted_with_the_text(anna, run_worker, tickets, monkeypatch):
    values = anna.filled("incident")
    anna.post("/anhaenge", values | {"files": (io.BytesIO(PNG), "Foto.png")})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    assert anna.post("/", values).status == 303
    run_worker()
    with database.connection_context():
        assert [file.name for file in tickets()[0].submission.files] == ["Foto.png"]


def test_reserve_can_be_switched_off(anna, scarce, monkeypatch):
    monkeypatch.setattr(settings, "disk_reserve_mib", 0)
    anna.report("incident", files=(io.BytesIO(PNG), "Foto.png"))
    assert counts() == (1, 1, 1)


def test_full_disk_is_reported_and_leaves_nothing_half_stored(anna, disk, submissions):
    values = anna.filled("incident", description=LONG)
    disk.fill()
    page = anna.post("/", values)
    assert page.status == 500
    assert "noch nicht eingegangen" in page.text
    assert page.fields()["description"] == LONG
    assert counts() == (0, 0, 0)
    disk.empty()
    assert anna.post("/", values).status == 303
    assert [submission.description for submission in submissions()] == [LONG]


def test_file_without_a_row_is_deleted(anna, disk):
    values = anna.filled("incident", description=LONG) | {"files": (io.BytesIO(PNG), "Foto.png")}
    disk.fill()
    page = anna.post("/", values)
    assert page.status == 500
    assert page.fields()["description"] == LONG
    disk.empty()
    submitted, staged, stored = counts()
    assert (submitted, staged) == (0, stored)


def test_worker_continues_when_there_is_space_again(anna, app, run_worker, disk, tickets):
    anna.report("incident", description=LONG)
    disk.fill()
    portals_worker = worker.Worker()
    for _ in range(3):
        run_ticks(portals_worker.tick, 1)
    assert tickets() == []
    disk.empty()
    run_ticks(portals_worker.tick, 1)
    assert len(tickets()) == 1


def test_a_guess_whose_batch_is_undone_is_not_in_the_audit_log(
    anna, dora, run_worker, submissions, monkeypatch, caplog
):
    dora.report("incident")
    anna.report("incident")
    with monkeypatch.context() as full:
        full.setattr(search, "add", no_space)
        run_ticks(worker.Worker().tick, 1)
    assert [submission.state for submission in submissions()] == ["pending", "pending"]
    assert "PIN falsch" not in caplog.text
    run_worker()
    assert [submission.state for submission in submissions()] == ["unmatched", "admitted"]
    assert caplog.text.count("PIN falsch") == 1


def test_a_lasting_error_is_logged_once(app, caplog):
    def fail(now):
        raise OSError(28, "No space left on device")

    run_ticks(fail, 3)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_sign_in_at_a_full_disk_says_what_to_do(signed_out, disk):
    values = signed_out.get("/verwaltung/anmelden").fields().to_dict() | signed_out.known
    disk.fill()
    page = signed_out.post("/verwaltung/anmelden", values)
    assert page.status == 500
    assert "Die Platte des Rechners" in all_text(page)
    disk.empty()
    with database.connection_context():
        assert StaffSession.select().count() == 0
    assert signed_out.post("/verwaltung/anmelden", values).status == 303
