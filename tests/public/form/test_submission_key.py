"""The submission key: a form sent twice is received once, and other content is received as another request."""

import io
import threading

import pytest

from database import database
from tests.support.pages import HTMX, Visitor


def names_of_files(submission):
    with database.connection_context():
        return [attachment.name for attachment in submission.attachments]


def test_sent_again(anna, submissions, run_worker, tickets):
    values = anna.filled("incident")
    first = anna.post("/", values | {"files": (io.BytesIO(b"Hallo"), "Notiz.txt")})
    again = anna.post("/", values)
    run_worker()
    late = anna.post("/", values)
    assert [first.status, again.status, late.status] == [303, 303, 303]
    assert first.response.location == again.response.location == late.response.location
    assert names_of_files(submissions()[0]) == ["Notiz.txt"]
    run_worker()
    assert (len(submissions()), len(tickets())) == (1, 1)


def test_sent_again_with_htmx(anna, submissions):
    values = anna.filled("incident")
    answers = [anna.post("/", values, headers=HTMX) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert {answer.response.headers["HX-Redirect"] for answer in answers} == {f"/eingegangen/{submissions()[0].code}"}


def test_sent_again_after_a_restart_of_the_browser(anna, app, submissions):
    """A browser that lost its session gets the form again, and then the first receipt."""
    values = anna.filled("incident")
    first = anna.post("/", values)
    other = Visitor(app, anna.known)
    page = other.post("/", values)
    assert page.status == 422
    assert other.post("/", page.fields()).response.location == first.response.location
    assert len(submissions()) == 1


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    "change",
    [
        {"description": "Und noch etwas: Der Toner ist leer."},
        {"category": "callback"},
        {"priority": "high"},
        {"customer_number": "K1002"},
        {"phone": "0211 99999"},
    ],
)
def test_other_content_is_another_request(anna, submissions, change, headers):
    values = anna.filled("incident")
    anna.post("/", values)
    page = anna.post("/", values | change, headers=headers)
    assert page.status == 422
    (first,) = submissions()
    assert first.spoken_code in page.text_of("request-form")
    typed = values | change
    assert {name: page.fields()[name] for name in typed if name not in ("csrf_token", "draft")} == {
        name: value for name, value in typed.items() if name not in ("csrf_token", "draft")
    }
    assert page.fields()["draft"] != values["draft"]
    assert anna.post("/", page.fields()).status == 303
    first, second = submissions()
    assert {name: getattr(second, name) for name in change} == change
    assert first.description == values["description"]


def test_another_file_is_another_request(anna, submissions):
    values = anna.filled("incident")
    anna.post("/", values | {"files": (io.BytesIO(b"eins"), "eins.txt")})
    page = anna.post("/", values | {"files": (io.BytesIO(b"zwei"), "zwei.txt")})
    assert page.status == 422
    assert "zwei.txt" in page.text_of("attachment-list")
    assert anna.post("/", page.fields()).status == 303
    assert [names_of_files(submission) for submission in submissions()] == [["eins.txt"], ["zwei.txt"]]


def test_key_of_another_person(anna, dora, submissions):
    """Somebody who learns a submission key can neither see nor replace the request of its owner."""
    values = anna.filled("incident")
    anna.post("/", values)
    page = dora.send("incident", draft=values["draft"])
    assert page.status == 422
    assert dora.post("/", page.fields()).status == 303
    assert [submission.name for submission in submissions()] == ["Anna Sommer", "Dora Dreist"]


def test_double_click(anna, app, submissions, run_worker, tickets):
    values = anna.filled("incident")
    cookie = anna.client.get_cookie("session").value
    both_ready = threading.Barrier(2)
    locations = []

    def click():
        visitor = Visitor(app, anna.known)
        visitor.client.set_cookie("session", cookie)
        both_ready.wait()
        locations.append(visitor.post("/", values).response.location)

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    (submission,) = submissions()
    assert locations == [f"/eingegangen/{submission.code}"] * 2
    run_worker()
    assert len(tickets()) == 1


def test_codes_can_be_spoken(anna, submissions):
    for _ in range(10):
        anna.report("incident")
    codes = [submission.code for submission in submissions()]
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {8}
    assert set("".join(codes)) <= set("23456789ABCDEFGHJKMNPQRSTUVWXYZ")
    assert submissions()[0].spoken_code == f"{codes[0][:4]}-{codes[0][4:]}"
