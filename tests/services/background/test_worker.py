"""Background jobs: one that fails holds up no other, and is logged once for as long as it fails."""

import logging

from database import database
from enums import MessageKind
from models import Message
from services import search
from services.background import worker
from services.intake import intake
from services.tickets import approvals
from settings import settings
from tests.support.background import run_ticks
from tests.support.cast import NOW


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


def test_a_backlog_is_decided_in_one_tick(anna, run_worker, tickets):
    for _ in range(worker.BATCH + 2):
        anna.report("incident")
    with database.connection_context():
        worker.Worker().tick(NOW)
    assert len(tickets()) == worker.BATCH + 2


def test_a_second_worker_finds_only_what_is_still_pending(anna, tickets, monkeypatch):
    for _ in range(worker.BATCH + 2):
        anna.report("incident")
    admit, admitted, decided_by_second = intake.admit, [], []

    def admit_and_let_the_second_look(submissions, now):
        admitted.append([submission.id for submission in submissions])
        result = admit(submissions, now)
        if len(admitted) == 1:
            decided_by_second.append(second.decide(now))
        return result

    monkeypatch.setattr(intake, "admit", admit_and_let_the_second_look)
    first, second = worker.Worker(), worker.Worker()
    with database.connection_context():
        assert (first.decide(NOW), decided_by_second) == (worker.BATCH, [2])
    assert [len(ids) for ids in admitted] == [worker.BATCH, 2]
    assert len(set().union(*admitted)) == len(tickets()) == worker.BATCH + 2


def test_one_that_fails_in_a_batch_leaves_nothing_and_is_tried_again_after_the_sweep(
    anna, run_worker, tickets, submissions, monkeypatch, caplog
):
    for name in ("Anna", "Pechvogel", "Carla"):
        anna.report("incident", name=name)
    add = search.add

    def fail(ticket):
        add(ticket)
        if ticket.submission.name == "Pechvogel":
            raise RuntimeError("brought about")

    portals_worker = worker.Worker()
    with monkeypatch.context() as patch, database.connection_context():
        patch.setattr(search, "add", fail)
        assert portals_worker.decide(NOW) == 2
        assert portals_worker.decide(NOW) == 0
    assert [submission.state for submission in submissions()] == ["admitted", "pending", "admitted"]
    assert [ticket.submission.name for ticket in tickets()] == ["Anna", "Carla"]
    assert [record.levelno for record in caplog.records if record.levelno >= logging.ERROR] == [logging.ERROR]
    with database.connection_context():
        assert Message.select().where(Message.ticket.is_null(False)).count() == 4
        portals_worker.sweep(NOW)
        assert portals_worker.decide(NOW) == 1
    assert len(tickets()) == 3
