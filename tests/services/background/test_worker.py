"""Background jobs: one that fails holds up no other, and is logged once for as long as it fails."""

import logging

from database import database
from enums import MessageKind
from models import Message
from services.background import worker
from services.tickets import approvals
from settings import settings
from tests.support.background import run_ticks


def test_the_jobs_after_a_failing_one_run_and_it_is_logged_once(app, monkeypatch, caplog):
    def fail(now):
        raise RuntimeError("brought about")

    monkeypatch.setattr(approvals, "due_reminders", fail)
    settings.summary_time, settings.smtp_url = "07:00", "smtp://localhost"
    run_ticks(worker.Worker().tick, 3)
    with database.connection_context():
        assert Message.select().where(Message.kind == MessageKind.SUMMARY).count() == 1
    assert [record.levelno for record in caplog.records if record.levelno >= logging.ERROR] == [logging.ERROR]
    assert "brought about" in caplog.text
