"""Staged files on the disk and in the database: the order of writing, limits, sweeping."""

import errno
import io
import os
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

import clock
from app import create_app
from database import database, transaction
from enums import MAX_ATTACHMENTS, MEBIBYTE
from models import Attachment, Submission
from services.background import worker
from services.files import attachments
from services.files.incoming import received
from services.intake import intake
from settings import settings
from tests.support.cast import NOW
from tests.support.files.samples import JPEG, PDF, PNG

KEY, OTHER_KEY = "d" * 22, "e" * 22
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


def stage(*files, draft=KEY, address=HERE, now=NOW):
    with ExitStack() as request:
        uploads = [(name, request.enter_context(received(content))) for name, content in files]
        return attachments.stage(draft, uploads, address, now)


def texts(number, size=10):
    """Return differing text files of one size."""
    return [(f"Notiz {index}.txt", f"{index:0{size}}".encode()) for index in range(number)]


def names_on_disk():
    return {path.name for path in settings.files_dir.iterdir()}


def staged_names(draft=KEY):
    return [attachment.name for attachment in Attachment.staged(draft)]


@pytest.fixture
def limited(tmp_path):
    """Create a portal with other settings, and open its database."""
    connections = []

    def make(**environment):
        settings.load({"TICKET_DATA_DIR": str(tmp_path / "limited")} | environment)
        create_app()
        database.connect()
        connections.append(database)

    yield make
    for connection in connections:
        connection.close()


def test_stored_under_a_random_name(db):
    assert stage(("Foto.png", PNG), ("Foto.jpg", JPEG)) == []
    rows = list(Attachment.staged(KEY))
    assert [(row.name, row.size, row.media_type) for row in rows] == [
        ("Foto.png", len(PNG), "image/png"),
        ("Foto.jpg", len(JPEG), "image/jpeg"),
    ]
    assert names_on_disk() == {row.stored_name for row in rows}
    assert all(len(name) == 32 and "." not in name for name in names_on_disk())
    for row, content in zip(rows, (PNG, JPEG), strict=True):
        with attachments.open_stored(row) as stored:
            assert stored.read() == content


def test_on_disk_before_the_commit_that_names_it(db, monkeypatch):
    done = []
    fsync = os.fsync

    def record_fsync(descriptor):
        synced = os.fstat(descriptor)
        paths = [settings.files_dir, *settings.files_dir.iterdir()]
        done.extend(("fsync", path.name) for path in paths if os.path.samestat(path.stat(), synced))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record_fsync)
    database.connection().set_trace_callback(lambda sql: done.append(("sql", sql.split()[0])))
    stage(("Foto.png", PNG), ("Foto.jpg", JPEG))
    database.connection().set_trace_callback(None)

    first, second = (("fsync", row.stored_name) for row in Attachment.staged(KEY))
    folder, commit = ("fsync", settings.files_dir.name), ("sql", "COMMIT")
    assert [step for step in done if step[0] == "fsync"] == [first, second, folder]
    assert done.count(commit) == 1
    assert done.index(folder) < done.index(("sql", "INSERT")) < done.index(commit)


@pytest.mark.parametrize("good_first", [True, False])
def test_refused_file_leaves_nothing_and_spoils_nothing(db, good_first):
    files = [("Foto.png", PNG), ("Foto.jpg", JPEG[:20]), ("leer.txt", b"")]
    refusals = stage(*files if good_first else reversed(files))
    assert len(refusals) == 2
    (kept,) = Attachment.staged(KEY)
    assert kept.name == "Foto.png"
    assert names_on_disk() == {kept.stored_name}


@pytest.fixture
def fail_once(monkeypatch):
    """Make one call of fsync fail with a full disk."""

    def fail_at(failing_call):
        calls = []

        def fail(descriptor):
            calls.append(descriptor)
            if len(calls) == failing_call:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", fail)

    return fail_at


@pytest.mark.parametrize(
    ("failing_call", "refused", "kept"), [(1, "Foto.png", "Foto.jpg"), (2, "Foto.jpg", "Foto.png")]
)
def test_file_without_space_on_the_disk_is_refused(db, fail_once, failing_call, refused, kept):
    fail_once(failing_call)
    (refusal,) = stage(("Foto.png", PNG), ("Foto.jpg", JPEG))
    assert refusal.sentence == f"„{refused}“ konnten wir nicht annehmen: {attachments.DISK_FULL}"
    assert staged_names() == [kept]
    assert len(names_on_disk()) == 1


def test_full_disk_leaves_nothing_behind(db, fail_once):
    fail_once(3)
    with pytest.raises(OSError, match="No space left"):
        stage(("Foto.png", PNG), ("Foto.jpg", JPEG))
    assert staged_names() == []
    assert names_on_disk() == set()


def test_failed_commit_leaves_nothing_behind(db, monkeypatch):
    def fail(**values):
        raise RuntimeError("power cut")

    monkeypatch.setattr(Attachment, "create", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        stage(("Foto.png", PNG))
    assert names_on_disk() == set()


def test_same_file_again_is_still_one_file(db):
    assert stage(("Foto.png", PNG), ("Foto.png", PNG)) == []
    assert stage(("Foto.png", PNG)) == []
    assert staged_names() == ["Foto.png"]
    assert len(names_on_disk()) == 1


def test_same_file_again_when_the_form_is_full(db):
    files = texts(MAX_ATTACHMENTS)
    stage(*files)
    assert stage(files[0]) == []
    assert len(names_on_disk()) == MAX_ATTACHMENTS


@pytest.mark.parametrize(("name", "draft"), [("Kopie.png", KEY), ("Foto.png", OTHER_KEY)])
def test_other_name_or_key_is_another_file(db, name, draft):
    stage(("Foto.png", PNG))
    stage((name, PNG), draft=draft)
    assert len(names_on_disk()) == 2


def test_one_file_too_many(db):
    files = texts(MAX_ATTACHMENTS + 1)
    (refusal,) = stage(*files)
    assert f"„{files[-1][0]}“" in refusal.sentence
    assert f"Mehr als {MAX_ATTACHMENTS} Anhänge" in refusal.sentence
    assert staged_names() == [name for name, _ in files[:-1]]
    assert len(names_on_disk()) == MAX_ATTACHMENTS


def test_one_too_many_is_accepted_after_another_is_removed(db):
    files = texts(MAX_ATTACHMENTS + 1)
    stage(*files)
    attachments.remove(KEY, Attachment.staged(KEY).first().stored_name)
    assert stage(files[-1]) == []
    assert staged_names() == [name for name, _ in files[1:]]


@pytest.mark.parametrize(
    ("number", "size", "limit"),
    [(3, 10, {"max_staged": 3}), (4, MEBIBYTE, {"staged_total_mib": 4})],
    ids=["files", "bytes"],
)
@pytest.mark.parametrize(
    "crowd",
    [["192.0.2.2"] * 3, [f"2001:db8:0:{number}::1" for number in range(3)]],
    ids=["network", "site"],
)
def test_when_there_is_no_room_the_oldest_of_the_largest_site_goes(db, number, size, limit, crowd):
    vars(settings).update(limit)
    for index, (file, address) in enumerate(zip(texts(3, size), crowd, strict=True)):
        assert stage(file, draft=f"{index}" * 22, address=address) == []
    mine = [(f"Foto {index}.txt", bytes([97 + index]) * size) for index in range(2)]
    assert stage(*mine[:1]) == []
    assert stage(*mine[1:]) == []
    left = {attachment.name for attachment in Attachment.select()}
    assert {name for name, _ in mine} <= left
    assert len(left) == number == len(names_on_disk())
    assert "Notiz 0.txt" not in left


def test_a_form_whose_file_had_no_room_says_so_and_keeps_the_rest(anna, dora, app):
    settings.max_staged = 1
    sent = {"files": (io.BytesIO(PNG), "Foto.png")}
    page = anna.post("/", anna.filled("incident", name="") | sent)
    dora.client.environ_base["REMOTE_ADDR"] = ELSEWHERE
    dora.post("/", dora.filled("incident", name="") | {"files": (io.BytesIO(PDF), "Plan.pdf")})
    again = anna.post("/", page.fields("/").to_dict() | {"name": "Anna Sommer"})
    assert again.status == 422
    assert "Bitte wählen Sie sie noch einmal aus." in again.text_of("attachment-list")
    assert anna.post("/", again.fields("/").to_dict() | {"files": (io.BytesIO(PNG), "Foto.png")}).status == 303


def test_a_file_that_gives_way_while_the_form_is_sent_is_asked_for(anna, app, submissions, monkeypatch):
    sent = {"files": (io.BytesIO(PNG), "Foto.png")}
    page = anna.post("/", anna.filled("incident", name="") | sent)
    count_pending = intake._is_queue_full

    def give_way():
        Attachment.delete().execute()
        return count_pending()

    monkeypatch.setattr(intake, "_is_queue_full", give_way)
    answer = anna.post("/", page.fields("/").to_dict() | {"name": "Anna Sommer"})
    assert answer.status == 422
    assert "Bitte wählen Sie sie noch einmal aus." in answer.text_of("attachment-list")
    assert submissions() == []


@pytest.mark.parametrize("first", [0, 1], ids=["together", "one-by-one"])
def test_a_form_whose_own_files_have_no_room_is_not_sent_without_them(anna, app, submissions, first):
    settings.max_staged = 1
    files = [("Foto.png", PNG), ("Plan.pdf", PDF)]
    values = anna.filled("incident")
    for name, content in files[:first]:
        page = anna.post("/anhaenge", values | {"files": (io.BytesIO(content), name)})
        assert page.status == 200
    page = anna.post("/", values | {"files": [(io.BytesIO(content), name) for name, content in files[first:]]})
    assert page.status == 422
    assert "„Foto.png“ konnten wir nicht annehmen: Unser Speicher ist gerade fast voll." in page.text_of(
        "attachment-list"
    )
    assert submissions() == []
    assert anna.post("/", page.fields("/").to_dict()).status == 303
    with database.connection_context():
        assert [attachment.name for attachment in Attachment.select()] == ["Plan.pdf"]
    assert len(names_on_disk()) == 1


def test_sent_files_do_not_count(limited):
    limited(TICKET_STAGED_TOTAL_MIB="1")
    stage(("a.txt", b"a" * MEBIBYTE))
    attachments.adopt(KEY, _submission())
    assert stage(("b.txt", b"b" * MEBIBYTE), draft=OTHER_KEY) == []
    assert len(names_on_disk()) == 2


def test_limits_off_leaves_the_number_per_form(limited):
    limited(TICKET_LIMITS="off")
    assert len(stage(*texts(MAX_ATTACHMENTS + 1))) == 1


def test_remove(db):
    stage(("Foto.png", PNG), ("Foto.jpg", JPEG))
    first, second = Attachment.staged(KEY)
    assert attachments.remove(KEY, first.stored_name) == "Foto.png"
    assert staged_names() == ["Foto.jpg"]
    assert names_on_disk() == {second.stored_name}


def test_remove_only_under_the_own_submission_key(db):
    stage(("Foto.png", PNG))
    (attachment,) = Attachment.staged(KEY)
    assert attachments.remove(OTHER_KEY, attachment.stored_name) is None
    assert attachments.remove(KEY, "../tickets.db") is None
    assert names_on_disk() == {attachment.stored_name}


def test_sent_file_keeps_no_network(db):
    submission = _submission()
    stage(("Foto.png", PNG))
    assert [file.address for file in Attachment.staged(KEY)] == [HERE]
    attachments.adopt(KEY, submission)
    assert [file.address for file in submission.attachments] == [""]


def test_file_that_is_sent_while_it_is_removed_stays(db, monkeypatch):
    submission = _submission()
    stage(("Foto.png", PNG))
    (attachment,) = Attachment.staged(KEY)

    def send_first():
        attachments.adopt(KEY, submission)
        return transaction()

    monkeypatch.setattr(attachments, "transaction", send_first)
    assert attachments.remove(KEY, attachment.stored_name) is None
    assert names_on_disk() == {attachment.stored_name}


def test_remove_no_longer_when_sent(db):
    stage(("Foto.png", PNG))
    (attachment,) = Attachment.staged(KEY)
    attachments.adopt(KEY, _submission())
    assert attachments.remove(KEY, attachment.stored_name) is None
    assert names_on_disk() == {attachment.stored_name}


def test_restage_moves_only_unsent_files(db):
    submission = _submission()
    stage(("Foto.png", PNG))
    attachments.adopt(KEY, submission)
    stage(("Foto.jpg", JPEG))
    attachments.restage(KEY, OTHER_KEY)
    assert staged_names(KEY) == []
    assert staged_names(OTHER_KEY) == ["Foto.jpg"]
    assert [attachment.name for attachment in submission.attachments] == ["Foto.png"]


def date_files():
    """Let all stored files be written at NOW, instead of at the machine's time."""
    for path in settings.files_dir.iterdir():
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))


@pytest.mark.parametrize(("seconds", "kept"), [(-1, ["Foto.png"]), (0, ["Foto.png"]), (1, [])])
def test_sweep_abandoned_files(db, seconds, kept):
    stage(("Foto.png", PNG))
    date_files()
    attachments.sweep(NOW + timedelta(hours=settings.staged_hours, seconds=seconds))
    assert staged_names() == kept
    assert len(names_on_disk()) == len(kept)


@pytest.mark.parametrize(("seconds", "kept"), [(-1, {"orphan"}), (0, {"orphan"}), (1, set())])
def test_sweep_files_that_no_row_names(db, seconds, kept):
    (settings.files_dir / "orphan").write_bytes(b"left by a crash")
    date_files()
    attachments.sweep(NOW + timedelta(hours=settings.staged_hours, seconds=seconds))
    assert names_on_disk() == kept


def test_sweep_by_the_configured_hours(limited):
    limited(TICKET_STAGED_HOURS="2")
    now = datetime.now(UTC)
    stage(("Foto.png", PNG), now=now)
    attachments.sweep(now + timedelta(hours=1, minutes=59))
    assert staged_names() == ["Foto.png"]
    attachments.sweep(now + timedelta(hours=2, minutes=1))
    assert staged_names() == []
    assert names_on_disk() == set()


def test_sweep_keeps_sent_files(db):
    now = datetime.now(UTC)
    stage(("Foto.png", PNG), now=now)
    submission = _submission()
    attachments.adopt(KEY, submission)
    attachments.sweep(now + timedelta(days=5000))
    (attachment,) = submission.attachments
    assert names_on_disk() == {attachment.stored_name}


def test_worker_sweeps(anna, app, run_worker):
    with app.app_context(), database.connection_context():
        stage(("alt.png", PNG), now=NOW - timedelta(hours=settings.staged_hours, minutes=1))
        stage(("neu.png", PNG), draft=OTHER_KEY, now=NOW)
    anna.report("incident")
    assert run_worker() == 1
    with app.app_context(), database.connection_context():
        assert [attachment.name for attachment in Attachment.select()] == ["neu.png"]


def test_sent_file_reaches_the_ticket(anna, app, run_worker, tickets):
    anna.report("incident", files=(io.BytesIO(PNG), "Foto.png"))
    run_worker()
    (ticket,) = tickets()
    with app.app_context(), database.connection_context():
        (attachment,) = ticket.submission.attachments
        assert attachment.name == "Foto.png"
        with attachments.open_stored(attachment) as stored:
            assert stored.read() == PNG


def test_same_form_with_its_file_again_is_one_submission(anna, app, submissions):
    values = anna.filled("incident")
    answers = [anna.post("/", values | {"files": (io.BytesIO(PNG), "Foto.png")}) for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 303]
    assert answers[0].response.location == answers[1].response.location
    assert len(submissions()) == 1
    assert len(names_on_disk()) == 1


def test_same_file_with_a_further_request_from_a_kept_page(anna, app, submissions):
    values = anna.filled("incident")
    anna.post("/", values | {"files": (io.BytesIO(PDF), "Foto.pdf")})
    # Back in the browser, she reports something else with the same file.
    changed = values | {"description": "Jetzt geht auch der Scanner nicht."}
    asked = anna.post("/", changed | {"files": (io.BytesIO(PDF), "Foto.pdf")})
    assert asked.status == 422
    answer = anna.post("/", asked.fields())
    assert answer.status == 303
    with app.app_context(), database.connection_context():
        sent = [[attachment.name for attachment in submission.attachments] for submission in submissions()]
    assert sent == [["Foto.pdf"], ["Foto.pdf"]]


def test_same_file_chosen_for_a_further_request_from_a_kept_page(anna, app):
    values = anna.filled("incident")
    anna.post("/", values | {"files": (io.BytesIO(PDF), "Foto.pdf")})
    data = {name: values[name] for name in ("csrf_token", "draft")} | {"files": (io.BytesIO(PDF), "Foto.pdf")}
    answer = anna.post("/anhaenge", data, headers={"HX-Request": "true"})
    assert answer.status == 200
    assert "Foto.pdf entfernen" in answer.text


def _submission():
    return Submission.create(
        draft=KEY,
        code="ABCD2345",
        received_at=NOW,
        customer_number="K1001",
        name="Anna Sommer",
        phone="0211 555-0101",
        category="incident",
    )


def test_sweep_that_fails_does_not_stop_the_others(dora, clara, run_worker, advance_clock, monkeypatch, caplog):
    dora.report("incident")
    run_worker()

    def fail(_):
        raise OSError("brought about by the test")

    monkeypatch.setattr(attachments, "sweep", fail)
    advance_clock(days=15)
    with database.connection_context():
        worker.run_once(clock.now())
        assert Submission.select().count() == 0
    assert "Ein Teil des Aufräumens ist gescheitert (services.files.attachments)" in caplog.text


def test_refused_files_of_a_network_are_logged_once_and_then_counted(db, caplog):
    caplog.set_level("INFO", "sicherheit")
    for name, content, ip in (
        ("a.exe", b"MZ", HERE),
        ("b.txt", b"", HERE),
        ("c.exe", b"MZ", HERE),
        ("d.txt", b"", "2001:db8::1"),
        ("e.txt", b"", "2001:db8::2"),
    ):
        assert stage((name, content), address=ip)
    worker.Worker().sweep(NOW)
    worker.Worker().sweep(NOW)
    stage(("f.txt", b""))
    assert [record.getMessage() for record in caplog.records] == [
        "Datei abgewiesen | Quelle=192.0.2.1 | Was=Art der Datei",
        "Datei abgewiesen | Quelle=2001:db8::1 | Was=leer, beschädigt oder zu groß",
        "Datei abgewiesen | Quelle=192.0.2.1 | weitere=2",
        "Datei abgewiesen | Quelle=2001:db8::/64 | weitere=1",
        "Datei abgewiesen | Quelle=192.0.2.1 | Was=leer, beschädigt oder zu groß",
    ]
