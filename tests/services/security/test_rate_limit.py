"""A network that sends too much must wait; the form says so in German, nothing is lost, and others go on."""

import io

import pytest

from database import database
from models import Attachment, Submission
from services.background import worker
from services.intake import intake
from services.security import rate_limit
from settings import Settings, settings
from tests.support.cast import NOW
from tests.support.pages import EXAMPLES, HTMX, OPTIONAL, visible_answer

HERE, THERE = "203.0.113.7", "198.51.100.1"
LOCAL = "127.0.0.1"


def send(visitor, address=HERE, headers=None, **changes):
    """Fill in a form and send it from an address."""
    values = visitor.filled("incident", **changes)
    return visitor.post("/", values, environ_overrides={"REMOTE_ADDR": address}, headers=headers or {})


def text_file(name="Notiz.txt", text=b"Hallo"):
    return (io.BytesIO(text), name)


def upload(visitor, *names, address=HERE, headers=HTMX, draft="a" * 22):
    """Choose files in a form, as a script sends them."""
    values = visitor.get("/").fields().to_dict() | {"draft": draft, "files": [text_file(name) for name in names]}
    return visitor.post("/anhaenge", values, environ_overrides={"REMOTE_ADDR": address}, headers=headers)


def statuses(visitor, *addresses):
    return [send(visitor, address).status for address in addresses]


def staged():
    with database.connection_context():
        return [file.name for file in Attachment.select().order_by(Attachment.id)]


def test_defaults():
    assert (Settings.submissions_per_hour, Settings.uploads_per_hour) == (30, 200)


# --- Requests ---


def test_as_many_requests_as_the_limit(anna, submissions):
    settings.submissions_per_hour = 3
    assert statuses(anna, *[HERE] * 3) == [303] * 3
    assert statuses(anna, HERE, THERE) == [429, 303]
    assert len(submissions()) == 4


def test_the_form_says_so_and_keeps_all_that_was_typed(anna, submissions):
    settings.submissions_per_hour = 1
    assert send(anna).status == 303
    values = anna.filled("warranty", **OPTIONAL["warranty"], files=[text_file()])
    page = anna.post("/", values, environ_overrides={"REMOTE_ADDR": HERE})
    assert page.status == 429
    assert page.title.startswith("Fehler: ")
    assert "noch nicht eingegangen" in page.text_of("request-form")
    assert "in 60 Minuten" in page.text_of("request-form")
    assert page.response.headers["Retry-After"] == "3600"
    typed = {name for name in values if name not in ("csrf_token", "files")}
    assert {name: page.fields()[name] for name in typed} == {name: values[name] for name in typed}
    assert "Notiz.txt" in page.text_of("attachment-list")
    # From another network it can be sent at once.
    assert anna.post("/", page.fields(), environ_overrides={"REMOTE_ADDR": THERE}).status == 303
    (_, submission) = submissions()
    with database.connection_context():
        assert [file.name for file in submission.attachments] == ["Notiz.txt"]


def test_a_page_with_scripts_is_left_as_it_is(anna):
    settings.submissions_per_hour = 1
    send(anna)
    page = send(anna, headers=HTMX)
    assert page.status == 429
    assert page.response.headers["Retry-After"] == "3600"
    assert page.element("request-form") is None
    # The script shows the same sentence as the page without scripts.
    assert page.response.headers["Portal-Notice"]
    assert page.text.startswith(
        "Von Ihrem Internetanschluss kamen in der letzten Zeit sehr viele Anfragen. Ihre Anfrage ist"
    )
    assert page.text in send(anna).text_of("request-form")


def test_limit_refills_little_by_little(anna, advance_clock):
    settings.submissions_per_hour = 4
    assert statuses(anna, *[HERE] * 5) == [303] * 4 + [429]
    advance_clock(minutes=14, seconds=59)
    assert statuses(anna, HERE) == [429]
    advance_clock(seconds=1)
    assert statuses(anna, HERE, HERE) == [303, 429]
    advance_clock(hours=1)
    assert statuses(anna, *[HERE] * 5) == [303] * 4 + [429]


@pytest.mark.parametrize("limit", [3, 7, 11, 13])
def test_limit_that_does_not_divide_an_hour(anna, limit):
    settings.submissions_per_hour = limit
    assert statuses(anna, *[HERE] * (limit + 1)) == [303] * limit + [429]


def test_a_form_with_mistakes_costs_nothing(anna):
    settings.submissions_per_hour = 1
    assert [send(anna, name="").status for _ in range(5)] == [422] * 5
    assert statuses(anna, HERE) == [303]


def test_request_sent_again_is_not_counted(anna, submissions):
    settings.submissions_per_hour = 1
    values = anna.filled("incident")
    answers = [anna.post("/", values) for _ in range(3)]
    assert [answer.status for answer in answers] == [303] * 3
    assert len({answer.response.location for answer in answers}) == 1
    assert len(submissions()) == 1


def test_one_network_of_ipv6_is_one_address(anna):
    settings.submissions_per_hour = 2
    assert statuses(anna, "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1") == [303, 303, 429, 303]


def test_a_whole_site_of_ipv6_has_a_limit_too(anna):
    settings.submissions_per_hour = 1
    assert statuses(anna, *(f"2001:db8:1:{number}::1" for number in range(9))) == [303] * 8 + [429]
    assert statuses(anna, "2001:db8:2::1") == [303]


def test_ipv4_written_as_ipv6_is_the_same_address(anna):
    settings.submissions_per_hour = 1
    assert statuses(anna, HERE, f"::ffff:{HERE}", f"::ffff:{THERE}") == [303, 429, 303]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_right_and_wrong_pin_are_slowed_down_alike(anna, dora, run_worker, headers):
    settings.submissions_per_hour = 3
    for visitor in (anna, anna, dora):
        assert send(visitor).status == 303
    run_worker()
    dora.known = anna.known | {"pin": dora.known["pin"]}
    right, wrong = (visible_answer(visitor, send(visitor, headers=headers)) for visitor in (anna, dora))
    assert right == wrong
    assert right[0] == 429


def test_a_clock_that_was_put_back_keeps_nobody_waiting(anna, advance_clock):
    settings.submissions_per_hour = 1
    advance_clock(days=2)
    send(anna)
    advance_clock(days=-1)
    assert statuses(anna, HERE) == [303]


def test_number_of_buckets_is_limited(anna, monkeypatch):
    monkeypatch.setattr(rate_limit, "MAX_BUCKETS", 6)
    settings.submissions_per_hour = 1
    assert statuses(anna, *(f"203.0.113.{number}" for number in range(10))) == [303] * 10
    # Each address has a bucket for its network and one for its site: the last three addresses are still known.
    assert statuses(anna, *(f"203.0.113.{number}" for number in (9, 8, 7, 6))) == [429, 429, 429, 303]


def test_the_log_records_a_flood_once(anna, caplog, advance_clock):
    settings.submissions_per_hour = 1
    assert statuses(anna, *[HERE] * 4) == [303, 429, 429, 429]
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [f"zu viel auf einmal, gebremst | Quelle={HERE} | Was=submissions_per_hour"]
    advance_clock(hours=1)
    assert statuses(anna, *[HERE] * 3) == [303, 429, 429]
    assert len(caplog.records) == 2


# --- Files ---


def test_as_many_files_as_the_limit(anna):
    settings.uploads_per_hour = 3
    assert [upload(anna, name).status for name in ("Eins.txt", "Zwei.txt", "Drei.txt", "Vier.txt")] == [200] * 3 + [429]
    assert upload(anna, "Vier.txt", address=THERE).status == 200
    assert staged() == ["Eins.txt", "Zwei.txt", "Drei.txt", "Vier.txt"]


def test_an_upload_that_is_refused_says_when_to_try_again(anna, advance_clock):
    settings.uploads_per_hour = 2
    assert upload(anna, "Eins.txt", "Zwei.txt").status == 200
    page = upload(anna, "Drei.txt")
    assert page.status == 429
    assert page.response.headers["Retry-After"] == "1800"
    assert "senden Sie in 30 Minuten noch einmal ab, die Dateien sind noch ausgewählt. Eilt es, rufen Sie" in page.text
    advance_clock(minutes=30)
    assert upload(anna, "Drei.txt").status == 200


def test_files_that_come_with_a_form(anna, submissions):
    settings.uploads_per_hour = 1
    values = anna.filled("incident", files=[text_file()])
    assert anna.post("/", values | {"name": ""}).status == 422
    page = anna.post("/", values | {"files": [text_file("Zweite.txt", b"mehr")]})
    assert page.status == 429
    assert "Die neu gewählten sind nicht angekommen" in page.text_of("request-form")
    # Files staged before are still there and are sent with the form.
    assert staged() == ["Notiz.txt"]
    assert page.fields()["description"] == EXAMPLES["incident"]["description"]
    assert anna.post("/", page.fields()).status == 303
    assert len(submissions()) == 1


def test_more_files_at_once_than_an_hour_allows_are_no_dead_end(anna):
    settings.uploads_per_hour = 1
    assert upload(anna, "Eins.txt", "Zwei.txt").status == 200
    assert upload(anna, "Drei.txt").status == 429


def test_files_in_the_office(clara):
    settings.uploads_per_hour = 1
    form = clara.get("/verwaltung/anruf").fields().to_dict()
    answers = [
        clara.post("/verwaltung/anruf/anhaenge", form | {"files": [text_file(name)]}) for name in ("1.txt", "2.txt")
    ]
    assert [answer.status for answer in answers] == [200, 429]


# --- More than the worker can do ---


def test_when_too_much_waits_nothing_more_is_taken(anna, app, run_worker, submissions):
    settings.max_pending = 3
    values = anna.filled("incident")
    assert anna.post("/", values).status == 303
    assert statuses(anna, LOCAL, LOCAL) == [303, 303]
    page = send(anna, LOCAL)
    assert page.status == 503
    assert page.response.headers["Retry-After"] == "60"
    assert "noch nicht eingegangen" in page.text_of("request-form")
    assert "in 60 Sekunden" in page.text_of("request-form")
    assert page.fields()["description"] == EXAMPLES["incident"]["description"]
    # A request that was accepted before can be sent again.
    assert anna.post("/", values).status == 303
    scripted = send(anna, LOCAL, headers=HTMX)
    assert scripted.status == 503
    assert scripted.text in page.text_of("request-form")
    assert len(submissions()) == 3
    run_worker()
    assert anna.post("/", page.fields()).status == 303
    assert len(submissions()) == 4


def test_a_refused_one_costs_its_network_nothing(anna, run_worker):
    settings.submissions_per_hour = 2
    settings.max_pending = 1
    assert statuses(anna, HERE, HERE) == [303, 503]
    run_worker()
    assert statuses(anna, HERE) == [303]


def test_a_full_queue_refuses_only_those_who_fill_it(anna):
    settings.max_pending = 3
    crowd = [f"2001:db8:1:{number}::1" for number in range(4)]
    assert statuses(anna, *crowd) == [303, 303, 303, 503]
    assert statuses(anna, THERE, THERE, THERE, THERE, HERE) == [303, 303, 303, 503, 303]


def test_pending_ones_are_decided_in_turn(app, anna, submissions):
    statuses(anna, HERE, HERE, HERE, THERE, THERE)
    decided, admit = [], intake.admit
    with pytest.MonkeyPatch.context() as patch, app.app_context(), database.connection_context():
        patch.setattr(worker, "BATCH", 1)
        patch.setattr(intake, "admit", lambda some, now: decided.extend(row.id for row in some) or admit(some, now))
        worker.Worker().decide(NOW)
    first = submissions()[0].id
    assert [id - first for id in decided] == [0, 3, 1, 4, 2]


def test_the_worker_goes_on_while_nothing_is_taken(app, anna, run_worker):
    settings.max_pending = 2
    statuses(anna, HERE, HERE, HERE)
    with app.app_context(), database.connection_context():
        assert worker.Worker().decide(NOW) == 2
        assert Submission.pending().count() == 0


def test_one_that_stays_undecided_takes_the_place_of_no_other(app, anna):
    settings.max_pending = 3
    statuses(anna, HERE, HERE, HERE)
    with app.app_context(), database.connection_context():
        assert intake.admit(list(Submission.pending())[1:], NOW) == {}
    assert statuses(anna, HERE, HERE, HERE) == [303, 303, 503]
