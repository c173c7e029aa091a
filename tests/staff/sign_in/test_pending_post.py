"""A form sent without a session is not lost, and is sent nowhere else."""

import io

import pytest

from database import database
from models import StaffSession, Ticket
from tests.support.cast import NOW, PASSWORD
from tests.support.pages import HTMX, Visitor
from tests.support.staff import HOME, SIGN_IN, WRONG, sign_in


@pytest.fixture
def note(clara, anna, run_worker, tickets):
    """Clara's note to a ticket, as her browser would send it: the URL and the values."""
    anna.report("incident")
    run_worker()
    url = f"/verwaltung/ticket/{tickets()[0].submission.code}"
    token = clara.get(url).fields()["csrf_token"]
    text = "Frau Sommer ist <b>erst</b>\r\num 14 Uhr „da“."
    return f"{url}/notieren", {"csrf_token": token, "text": text}


def notes():
    with database.connection_context():
        return [event.text for event in Ticket.get().events if event.kind == "noted"]


def end_session():
    with database.connection_context():
        StaffSession.update(ended_at=NOW).execute()


def lose_cookie(visitor):
    visitor.client.delete_cookie("session")


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("lose", [lambda visitor: end_session(), lose_cookie], ids=["ended", "cookie"])
def test_what_was_sent_without_a_session_is_not_lost(clara, note, lose, headers):
    url, values = note
    clara.known = {"name": "Clara Neumann", "password": PASSWORD}
    lose(clara)
    form = clara.post(url, values, headers=headers)
    assert form.status == (422 if headers else 403)
    assert form.response.headers.get("HX-Retarget") == ("body" if headers else None)
    assert form.element("password") is not None
    assert notes() == []

    form = clara.post(SIGN_IN, form.fields().to_dict() | {"name": "Clara Neumann", "password": "falsch"})
    assert WRONG in form.text
    again = clara.post(SIGN_IN, form.fields().to_dict() | clara.known)
    assert again.status == 200
    assert again.tree.findtext(".//h1") == "Hier ging es nicht weiter"
    assert "Frau Sommer ist <b>erst</b>" in again.tree.findtext(".//blockquote")
    (action,) = [form.get("action") for form in again.tree.iter("form") if form.get("action") == url]
    sent = clara.post(action, again.fields())
    assert sent.status == 303
    assert notes() == ["Frau Sommer ist <b>erst</b>\num 14 Uhr „da“."]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_was_sent_without_a_valid_token_is_not_lost(clara, note, headers):
    url, values = note
    page = clara.post(url, values | {"csrf_token": "bogus"}, headers=headers)
    assert page.status == (422 if headers else 403)
    assert notes() == []
    assert clara.post(url, page.fields()).status == 303
    assert len(notes()) == 1


def test_page_says_that_files_are_missing(clara, note):
    url, values = note
    page = clara.post(url, values | {"csrf_token": "bogus", "datei": (io.BytesIO(b"Hallo"), "Notiz.txt")})
    assert "Bitte wählen Sie sie auf der nächsten Seite noch einmal" in page.text
    assert "Bitte wählen Sie sie" not in clara.post(url, values | {"csrf_token": "bogus"}).text


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
@pytest.mark.parametrize("is_in", [True, False])
def test_what_another_site_sends_is_dropped(clara, note, headers, is_in):
    url, values = note
    if not is_in:
        lose_cookie(clara)
    page = clara.post(url, values | {"csrf_token": "bogus"}, headers=headers)
    assert page.status == 303
    assert page.response.location == (HOME if is_in else SIGN_IN)
    assert "Frau Sommer" not in page.text
    assert notes() == []


def test_secrets_are_not_carried_along(clara):
    fields = clara.get("/verwaltung/konto").fields().to_dict()
    end_session()
    form = clara.post("/verwaltung/konto/kennwort", fields | {"password": "Teller und Wolke", "current_password": "x"})
    assert form.status == 403
    assert form.fields()["held"] == ""
    assert "Teller und Wolke" not in form.text
    clara.known = {"name": "Clara Neumann", "password": PASSWORD}
    assert clara.post(SIGN_IN, form.fields().to_dict() | clara.known).response.location == HOME


def test_form_with_secrets_and_a_bad_token(clara):
    page = clara.post("/verwaltung/konto/kennwort", {"password": "Teller und Wolke", "csrf_token": "bogus"})
    assert page.status == 403
    assert "Bitte füllen Sie das Formular noch einmal aus" in page.text
    assert "Teller und Wolke" not in page.text


@pytest.mark.parametrize(
    "held",
    [
        "x",
        "[]",
        "{}",
        "[" * 20_000,
        '["/", [["a", "b"]], false]',
        '["//evil.example/verwaltung/", [], false]',
        '["https://evil.example/", [], false]',
        '["/verwaltung/tickets", [], false]',
        '["/verwaltung/konto/kennwort", [1], false]',
        '[["/verwaltung/konto/kennwort"], [], false]',
        '["/verwaltung/kunden/neu", [["name", "\\ud800"]], false]',
    ],
)
def test_invented_pending_posts_are_ignored(signed_out, held):
    page = sign_in(signed_out, held=held)
    assert (page.status, page.response.location) == (303, HOME)


@pytest.mark.parametrize("lose", [lose_cookie, lambda visitor: None], ids=["cookie", "token"])
def test_sign_in_page_that_is_out_of_date(signed_out, lose):
    values = signed_out.get(SIGN_IN, query_string={"weiter": "/verwaltung/konto"}).fields().to_dict() | signed_out.known
    lose(signed_out)
    page = signed_out.post(SIGN_IN, values | {"csrf_token": "bogus"})
    assert page.status == 422
    assert "Diese Seite war zu lange offen" in page.text
    assert page.fields()["name"] == "Clara Neumann"
    assert PASSWORD not in page.text
    page = signed_out.post(SIGN_IN, page.fields().to_dict() | signed_out.known)
    assert page.response.location == "/verwaltung/konto"


def test_sign_in_sent_by_another_site(signed_out):
    values = signed_out.known | {"csrf_token": "bogus"}
    page = signed_out.post(SIGN_IN, values, headers={"Sec-Fetch-Site": "cross-site"})
    assert (page.status, page.response.location) == (303, SIGN_IN)


def test_more_than_fits_into_a_field_is_not_echoed(app):
    stranger = Visitor(app, {})
    answer = stranger.post("/verwaltung/kunden/neu", {f"name{place}": '"' * 100_000 for place in range(10)})
    assert answer.status == 403
    assert len(answer.text) < 20_000
