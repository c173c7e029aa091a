"""Nothing is deleted before the office could see it, nor without a backup, and each run starts once."""

from datetime import UTC, datetime, timedelta
from zipfile import ZipFile

import pytest

import clock
from database import database
from models import Message
from services.background import worker
from services.operations import backup
from services.privacy import retention, retention_schedule
from settings import settings
from tests.support.cast import NOW

TODAY, PAGE = "/verwaltung/", "/verwaltung/datenschutz"

# NOW is a Monday, so the first run after one full working day is on Wednesday.
FIRST_NIGHT = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def old_mails(anna, run_worker):
    """Mails of long ago, left by an older version."""
    anna.report("incident")
    run_worker()
    (settings.data_dir / retention_schedule.SCHEDULE_FILE).unlink()
    settings.backup_time = ""
    settings.staff_idle_minutes, settings.staff_session_hours = 10**7, 10**6
    with database.connection_context():
        Message.update(state="discarded", created_at=NOW - timedelta(days=1000)).execute()


@pytest.fixture
def remaining_mails(app, monkeypatch):
    """Run the jobs of a portal that has just been started, and count the remaining mails."""

    def start_at(moment):
        monkeypatch.setattr(clock, "now", lambda: moment)
        with app.app_context(), database.connection_context():
            worker.Worker().tick(moment)
            return Message.select().count()

    return start_at


def leave_an_old_mail():
    with database.connection_context():
        texts = dict.fromkeys(("recipient", "subject", "body", "message_id"), "x")
        at = NOW - timedelta(days=900)
        Message.create(kind="test", state="discarded", created_at=at, due_at=at, **texts)


def test_the_first_start_deletes_nothing_and_the_office_is_told(remaining_mails, clara):
    assert remaining_mails(NOW) == 2
    for path in (TODAY, PAGE):
        assert "25.11.2026 um 02:00\N{NO-BREAK SPACE}Uhr" in clara.get(path).text
    assert "was seine Frist hinter sich hat: E-Mails: 2." in clara.get(TODAY).text_of("main")
    assert "Beim nächsten Löschen: 2" in clara.get(PAGE).text_of("main")
    assert remaining_mails(FIRST_NIGHT - timedelta(seconds=1)) == 2
    assert remaining_mails(FIRST_NIGHT) == 0
    assert "Frist hinter sich" not in clara.get(TODAY).text
    assert "26.11.2026 um 02:00\N{NO-BREAK SPACE}Uhr" in clara.get(PAGE).text


def test_friday_waits_for_tuesday(remaining_mails):
    friday = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
    assert remaining_mails(friday) == 2
    assert remaining_mails(friday + timedelta(days=3)) == 2
    assert remaining_mails(datetime(2026, 12, 1, 1, 0, tzinfo=UTC)) == 0


def test_the_command_follows_the_same_schedule(run_command, monkeypatch, remaining_mails):
    def once(moment):
        monkeypatch.setattr(clock, "now", lambda: moment)
        assert run_command("worker", "--einmal").exit_code == 0
        with database.connection_context():
            return Message.select().count()

    assert once(NOW) == 2
    assert once(FIRST_NIGHT) == 0


@pytest.mark.parametrize("name", retention_schedule.RETENTION_SETTINGS)
def test_a_changed_retention_setting_waits_again(remaining_mails, clara, name):
    remaining_mails(NOW)
    assert remaining_mails(FIRST_NIGHT) == 0
    leave_an_old_mail()
    changed = FIRST_NIGHT + timedelta(days=1)
    setattr(settings, name, "01:00" if name == "retention_time" else 60)
    assert remaining_mails(changed) == 1
    assert "E-Mails: 1." in clara.get(TODAY).text_of("main")
    assert remaining_mails(changed + timedelta(hours=24)) == 1
    assert remaining_mails(changed + timedelta(days=2)) == 0


@pytest.mark.parametrize(("days", "is_made_up_for"), [(1, True), (6, True), (8, False)])
def test_a_missed_run_is_made_up_for_unless_it_is_long_ago(remaining_mails, days, is_made_up_for):
    remaining_mails(NOW)
    remaining_mails(FIRST_NIGHT)
    leave_an_old_mail()
    assert remaining_mails(FIRST_NIGHT + timedelta(hours=8)) == 1
    assert remaining_mails(FIRST_NIGHT + timedelta(days=1 + days, hours=7)) == (0 if is_made_up_for else 1)


@pytest.mark.parametrize(("late", "is_made_up_for"), [(timedelta(0), True), (timedelta(microseconds=1), False)])
def test_the_edge_of_the_longest_delay(remaining_mails, late, is_made_up_for):
    remaining_mails(NOW)
    assert remaining_mails(FIRST_NIGHT + retention_schedule.MAX_DELAY + late) == (0 if is_made_up_for else 2)


@pytest.mark.parametrize(
    ("moment", "begins_on"),
    [("2026-11-22T22:59:59", 24), ("2026-11-22T23:00", 25), ("2026-11-22T23:30", 25), ("2026-11-23T22:59", 25)],
)
def test_the_full_working_day_is_one_of_the_offices_calendar(app, moment, begins_on):
    """At 23:00 UTC on Sunday, Monday has begun in the office."""
    run = retention_schedule.next_run(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert run == (datetime(2026, 11, begins_on, 1, 0, tzinfo=UTC), True)


def test_a_clock_put_back_and_forth_deletes_nothing_at_once(remaining_mails):
    remaining_mails(NOW)
    remaining_mails(FIRST_NIGHT)
    leave_an_old_mail()
    assert remaining_mails(NOW - timedelta(days=365)) == 1
    assert remaining_mails(NOW) == 1
    assert remaining_mails(NOW + timedelta(days=365)) == 1


def test_nothing_is_deleted_without_a_backup(remaining_mails, clara, caplog):
    settings.backup_time = "03:00"
    remaining_mails(NOW)
    assert ", wenn es bis dahin eine Sicherung gibt: E-Mails: 2." in clara.get(TODAY).text_of("main")
    assert remaining_mails(FIRST_NIGHT) == 2
    assert "solange es keine Sicherung gibt" in caplog.text
    assert "Es gibt noch keine Sicherung. Bis zur ersten bleibt alles" in clara.get(PAGE).text_of("main")
    with database.connection_context():
        made = backup.make(FIRST_NIGHT + timedelta(hours=1))
    # A portal restored from it waits like a new one.
    assert retention_schedule.SCHEDULE_FILE not in ZipFile(made.path).namelist()
    assert remaining_mails(FIRST_NIGHT + timedelta(hours=2)) == 2
    assert "26.11.2026 um 02:00\N{NO-BREAK SPACE}Uhr" in clara.get(PAGE).text
    assert "keine Sicherung" not in clara.get(PAGE).text
    assert remaining_mails(FIRST_NIGHT + timedelta(days=1)) == 0


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"begins_at": 1}', '{"begins_at": "gestern", "is_first": false, "terms": {}}', "\0"]
)
def test_an_unreadable_schedule_counts_as_none(remaining_mails, text):
    (settings.data_dir / retention_schedule.SCHEDULE_FILE).write_text(text, encoding="utf-8")
    assert remaining_mails(NOW) == 2
    assert remaining_mails(FIRST_NIGHT) == 0


def test_nothing_is_deleted_if_the_schedule_cannot_be_saved(remaining_mails, monkeypatch, run_command):
    remaining_mails(NOW)
    monkeypatch.setattr(clock, "now", lambda: FIRST_NIGHT)

    def full(path, text):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(retention_schedule.disk, "replace_text", full)
        with pytest.raises(ExceptionGroup) as failed:
            remaining_mails(FIRST_NIGHT)
        assert "No space" in str(failed.value.exceptions)
        told = run_command("worker", "--einmal")
        assert (told.exit_code, "Nicht alles ließ sich erledigen" in told.output) == (1, True)
        with database.connection_context():
            assert Message.select().count() == 2
    assert remaining_mails(FIRST_NIGHT) == 0


def test_the_log_says_how_much_was_deleted(remaining_mails, run_command, monkeypatch, caplog):
    remaining_mails(NOW)
    monkeypatch.setattr(clock, "now", lambda: FIRST_NIGHT)
    with caplog.at_level("INFO", logger="services.privacy.retention"):
        run_command("worker", "--einmal")
    lines = [record.getMessage() for record in caplog.records if record.name == "services.privacy.retention"]
    assert len(lines) == sum(1 for rule in retention.RULES if rule.delete)
    assert "Nach Frist gelöscht: E-Mails: 2" in lines
