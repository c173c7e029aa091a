"""Hostile and unlucky input: other visitors do not notice, and nothing is lost without a message."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from database import database
from forms import MAX_TYPED_PIN_LENGTH
from i18n.typed_text import normalised
from models import Attachment, Submission
from services import search
from services.files import attachments
from services.intake import intake
from settings import settings
from tests.support.cast import NOW
from tests.support.pages import HTMX, Visitor

ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
]

# Combining characters in the wrong order, which take quadratic time to normalise.
MARKS = "a" + "\u0300\u0316" * 20_000


def staged_count():
    with database.connection_context():
        return Attachment.select().count()


def test_the_first_visitor_leaves_nothing_in_the_empty_form(app):
    form = b"device=EVIL&description=EVIL&csrf_token=EVIL"
    client = app.test_client()
    client.get("/", data=form, content_type="application/x-www-form-urlencoded")
    assert "EVIL" not in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_another_site_cannot_fill_in_the_form(anna, submissions, headers):
    forged = anna.filled("incident", draft="A" * 22) | {"files": (io.BytesIO(b"x"), "x.txt")}
    del forged["csrf_token"]
    answer = anna.post("/", forged, headers=headers)
    assert (answer.status, answer.response.location) == (303, "/")
    assert (submissions(), staged_count()) == ([], 0)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}])
def test_an_own_page_without_a_session_loses_nothing(anna, headers):
    typed = anna.filled("incident")
    anna.client.delete_cookie("session")
    page = anna.post("/", typed, headers=headers)
    assert page.status == 422
    assert page.fields()["description"] == typed["description"]


@pytest.mark.parametrize("name", ["customer_number", "pin", "name", "email", "entry_date"])
def test_a_file_in_place_of_a_text(anna, submissions, name):
    values = anna.filled("new_employee", **{name: None}) | {name: (io.BytesIO(b"x"), "x.txt")}
    page = anna.post("/", values)
    assert page.status == (303 if name == "email" else 422)
    assert len(submissions()) == (1 if name == "email" else 0)


@pytest.mark.parametrize("name", ["customer_number", "pin", "name", "phone", "email", "description"])
@pytest.mark.parametrize("text", [MARKS, "a@" + "." * 60_000 + "@"], ids=["marks", "dots"])
def test_texts_made_to_keep_the_server_busy(anna, submissions, name, text):
    page = anna.send("incident", **{name: text})
    assert page.status == 422
    assert list(page.errors()) == [name]
    # Marks are sorted in pieces, but none is lost.
    assert sorted(normalised(page.fields()[name], "NFD")) == sorted(text)
    assert submissions() == []


def test_a_file_name_made_to_keep_the_server_busy(anna, submissions):
    anna.report("incident", files=(io.BytesIO(b"x"), MARKS + ".txt"))
    with database.connection_context():
        (attachment,) = submissions()[0].attachments
    assert attachment.name.endswith(".txt")


def test_a_link_made_to_keep_the_server_busy(anna):
    page = anna.get("/", query_string={"art": "garantie", "geraet": MARKS})
    assert page.fields()["device"] == ""


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_file_that_was_swept_is_missed(anna, submissions, headers):
    page = anna.post("/felder", anna.filled("incident") | {"files": (io.BytesIO(b"x"), "Notiz.txt")})
    values = anna.filled("incident") | page.fields().to_dict()
    with database.connection_context():
        attachments.sweep(NOW + timedelta(hours=settings.staged_hours, minutes=1))
    page = anna.post("/", values, headers=headers)
    assert page.status == 422
    assert "noch einmal aus" in page.summary()[0][1]
    assert page.fields()["description"] == values["description"]
    assert submissions() == []
    again = page.fields().to_dict()
    assert "staged" not in again
    assert anna.post("/", again).status == 303


def test_a_resend_does_not_miss_the_file_sent_before(anna, submissions):
    page = anna.post("/felder", anna.filled("incident") | {"files": (io.BytesIO(b"x"), "Notiz.txt")})
    values = anna.filled("incident") | page.fields().to_dict()
    assert [anna.post("/", values).status for _ in range(2)] == [303, 303]
    assert len(submissions()) == 1


def test_double_clicks_with_files(app, anna, submissions):
    files = [(io.BytesIO(b"%d" % number), f"{number}.txt") for number in range(3)]
    typed = anna.filled("incident")

    def click(_):
        visitor = Visitor(app, anna.known)
        visitor.client.set_cookie("session", anna.client.get_cookie("session").value)
        return visitor.post(
            "/", typed | {"files": [(io.BytesIO(file.getvalue()), name) for file, name in files]}
        ).status

    def report(_):
        return Visitor(app, anna.known).send("callback").status

    with ThreadPoolExecutor(6) as people:
        clicks = people.map(click, range(4))
        others = people.map(report, range(8))
        assert {*clicks, *others} == {303}
    (sent,) = [submission for submission in submissions() if submission.category == "incident"]
    with database.connection_context():
        assert sorted(attachment.name for attachment in sent.attachments) == ["0.txt", "1.txt", "2.txt"]
        assert Attachment.select().count() == 3
    assert len(submissions()) == 9


def test_a_submission_that_cannot_be_checked_does_not_block_others(anna, run_worker, tickets, monkeypatch):
    for _ in range(7):
        anna.report("incident", name="Pechvogel")
    anna.report("callback")
    add = search.add

    def fail(ticket):
        add(ticket)
        if ticket.submission.name == "Pechvogel":
            raise RuntimeError("broken")

    monkeypatch.setattr(search, "add", fail)
    assert run_worker() == 1
    assert [ticket.submission.category for ticket in tickets()] == ["callback"]
    with database.connection_context():
        assert Submission.pending().count() == 7


def test_an_error_on_the_receipt_does_not_deny_it(anna, monkeypatch):
    receipt = anna.send("incident").response.location

    def fail(submission):
        raise RuntimeError("broken")

    monkeypatch.setattr(intake, "lead_time_missed", fail)
    page = anna.get(receipt)
    assert page.status == 500
    assert "nichts eingegangen" not in page.text
    assert "in einer Minute" in page.text


def test_a_long_pin_is_not_searched(anna):
    page = anna.send("incident", pin="1" * (MAX_TYPED_PIN_LENGTH + 1))
    assert page.errors() == {"pin": f"Bitte kürzen Sie „PIN“ auf höchstens {MAX_TYPED_PIN_LENGTH} Zeichen."}
