"""An expired session, or a request forged by another site: nothing is done, and no typed text is lost."""

import io

import pytest

from database import database
from models import Attachment
from tests.support.pages import EXAMPLES, HTMX, OPTIONAL, Visitor

FRAGMENTS = ["/felder", "/vorlauf", "/prioritaet", "/anhaenge", "/anhaenge/entfernen"]


def lose_token(visitor, values, how):
    """Return the values of a browser that has lost its session or its token."""
    if how == "cookie":
        visitor.client.delete_cookie("session")
        return values
    if how == "other session":
        return values | {"csrf_token": Visitor(visitor.client.application, {}).get("/").fields()["csrf_token"]}
    if how == "missing":
        return {name: value for name, value in values.items() if name != "csrf_token"}
    return values | {"csrf_token": "bogus"}


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("how", ["cookie", "other session", "missing", "bogus"])
def test_form_without_a_valid_token(anna, submissions, how, headers):
    typed = anna.filled("warranty", **OPTIONAL["warranty"])
    values = lose_token(anna, typed, how) | {"files": (io.BytesIO(b"Hallo"), "Notiz.txt")}
    page = anna.post("/", values, headers=headers)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert "Die Seite war zu lange offen" in page.text_of("request-form")
    assert page.errors() == {}
    assert ("<html" in page.text) == (not headers)
    kept = page.fields().to_dict()
    assert kept.pop("staged")
    assert kept | {"csrf_token": typed["csrf_token"]} == typed
    assert "Notiz.txt" in page.text_of("attachment-list")
    assert submissions() == []

    assert anna.post("/", kept, headers=headers).status == (200 if headers else 303)
    (submission,) = submissions()
    assert submission.device == EXAMPLES["warranty"]["device"]
    with database.connection_context():
        assert [attachment.name for attachment in submission.attachments] == ["Notiz.txt"]


@pytest.mark.parametrize("path", FRAGMENTS)
def test_fragment_without_a_valid_token(anna, path):
    entry = anna.filled("new_employee") | {"entry_date": "2027-04-01", "attachment": "x"}
    anna.client.delete_cookie("session")
    page = anna.post(path, entry | {"files": (io.BytesIO(b"Hallo"), "Notiz.txt")}, headers=HTMX)
    assert page.status == 200
    assert page.response.headers["HX-Reswap"] == "none"
    assert page.response.headers["HX-Trigger"] == "session-renewed"
    token = page.element("csrf_token")
    assert token.get("data-hx-swap-oob") == "true"
    assert set(page.fields()) == {"csrf_token"}
    with database.connection_context():
        assert Attachment.select().count() == 0

    again = anna.post(path, entry | {"csrf_token": token.get("value")}, headers=HTMX)
    assert again.status == 200
    assert "HX-Trigger" not in again.response.headers


@pytest.mark.parametrize("path", FRAGMENTS)
def test_without_scripts_the_form_comes_back(anna, submissions, path):
    typed = anna.filled("incident")
    anna.client.delete_cookie("session")
    page = anna.post(path, typed)
    assert page.status == 422
    assert {name: page.fields()[name] for name in typed if name != "csrf_token"} == {
        name: value for name, value in typed.items() if name != "csrf_token"
    }
    assert anna.post("/", page.fields()).status == 303
    assert len(submissions()) == 1


def test_a_token_lives_as_long_as_the_session(anna, submissions):
    """Several tabs share one token, and each form can still be sent."""
    tabs = [anna.filled("incident") for _ in range(3)]
    anna.report("callback")
    for values in tabs:
        assert anna.post("/", values).status == 303
    assert len(submissions()) == 4


def test_no_form_is_taken_without_a_token(anna, submissions):
    """A page of another site can make a browser send a form, but without a valid token."""
    forged = anna.filled("incident")
    del forged["csrf_token"]
    for options in ({}, {"headers": {"X-CSRFToken": "bogus"}}):
        assert anna.post("/", forged, **options).status == 422
    assert anna.client.post("/", json=forged).status_code == 422
    assert submissions() == []
