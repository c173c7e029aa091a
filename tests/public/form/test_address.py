"""The address at which a page was opened: behind a web server, by http, under another name."""

import io

import pytest

from services.staff import accounts
from settings import settings
from tests.support.cast import PASSWORD
from tests.support.pages import HTMX, OPTIONAL

RIGHT = "https://melden.sommer.example"
IN_THE_OFFICE = "http://192.168.1.5:8400"

# The headers of a browser, and the address that the web server in front passes on.
ELSEWHERE = {
    "by IP address": ({"Origin": IN_THE_OFFICE}, IN_THE_OFFICE),
    "by http": ({"Origin": "http://melden.sommer.example"}, "http://melden.sommer.example"),
    "by http, other Host": ({"Origin": "http://melden.sommer.example"}, "http://127.0.0.1:8400"),
    "other name": ({"Origin": "https://portal.intern", "Sec-Fetch-Site": "same-origin"}, "https://portal.intern"),
    "other port": ({"Origin": f"{RIGHT}:8443", "Sec-Fetch-Site": "same-origin"}, f"{RIGHT}:8443"),
    "only a referrer": ({"Referer": f"{IN_THE_OFFICE}/"}, IN_THE_OFFICE),
    "nothing": ({}, IN_THE_OFFICE),
}

# The right address, and what browsers write as the origin of its pages.
ORIGINS = [
    (RIGHT, RIGHT),
    ("https://Melden.Sommer.example:443/", RIGHT),
    ("https://bäckerei-sommer.example", "https://xn--bckerei-sommer-5hb.example"),
    ("http://melden.sommer.example:8400", "http://melden.sommer.example:8400"),
]

SENTENCE = (
    "Diese Seite ist nicht unter ihrer richtigen Adresse geöffnet, deshalb schickt Ihr Browser das nötige Cookie nicht "
    f"mit. Bitte öffnen Sie {RIGHT} und geben Sie Ihre Angaben dort ein."
)


@pytest.fixture
def by_https(app, monkeypatch):
    """The portal is meant to be opened at one address, by https."""
    monkeypatch.setattr(settings, "base_url", RIGHT)


def post(visitor, path, values, headers, base_url):
    """Post a form as a browser that got no cookie."""
    visitor.client.delete_cookie("session")
    return visitor.post(path, values, headers=headers, base_url=base_url)


def links(page, id="main"):
    return [link.get("href") for link in page.element(id).iter("a")]


@pytest.mark.parametrize("more", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize(("headers", "base_url"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_form_names_the_right_address(anna, by_https, submissions, headers, base_url, more):
    typed = anna.filled("warranty", **OPTIONAL["warranty"])
    page = post(anna, "/", typed, headers | more, base_url)
    assert page.status == 422
    assert SENTENCE in page.text_of("request-form")
    assert f"{RIGHT}/" in links(page, "request-form")
    assert page.fields()["description"] == typed["description"]
    assert submissions() == []


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/felder", "#category-message"),
        ("/vorlauf", None),
        ("/prioritaet", None),
        ("/anhaenge", None),
        ("/anhaenge/entfernen", None),
    ],
)
def test_the_first_choice_names_the_right_address(anna, by_https, path, target):
    values = anna.filled("incident", entry_date="2027-04-01", attachment="x") | {"files": (io.BytesIO(b"x"), "x.txt")}
    page = post(anna, path, values, HTMX | {"Origin": IN_THE_OFFICE}, IN_THE_OFFICE)
    assert page.status == 422
    assert " ".join("".join(page.tree.itertext()).split()) == SENTENCE
    assert [link.get("href") for link in page.tree.iter("a")] == [f"{RIGHT}/"]
    assert page.response.headers.get("HX-Retarget") == target


def test_the_other_pages_name_their_right_addresses(ask_approvers, signed_out, by_https):
    bernd, _ = ask_approvers()
    values = bernd.look().fields(bernd.path).to_dict() | {"decision": "approved"}
    page = post(bernd.visitor, bernd.path, values, {"Origin": IN_THE_OFFICE}, IN_THE_OFFICE)
    assert (page.status, links(page)[0]) == (422, RIGHT + bernd.path)
    values = signed_out.get("/verwaltung/anmelden").fields().to_dict() | {"password": PASSWORD}
    page = post(signed_out, "/verwaltung/anmelden", values, {"Origin": IN_THE_OFFICE}, IN_THE_OFFICE)
    assert (page.status, links(page)[0]) == (422, f"{RIGHT}/verwaltung/anmelden")


def test_setup_names_its_right_address(dora, by_https):
    path = f"/verwaltung/einrichten/{accounts.setup_token()}"
    page = post(dora, path, dora.get(path).fields().to_dict(), {"Origin": IN_THE_OFFICE}, IN_THE_OFFICE)
    assert (page.status, links(page)[0]) == (422, RIGHT + path)


@pytest.mark.parametrize(
    "headers", [{"Origin": RIGHT}, {"Sec-Fetch-Site": "same-origin"}, {"Referer": f"{RIGHT}/"}], ids=str
)
def test_at_the_right_address_a_session_has_ended(anna, by_https, headers):
    page = post(anna, "/", anna.filled("incident"), headers, "https://127.0.0.1:8400")
    assert "Die Seite war zu lange offen" in page.text_of("request-form")


def test_a_wrong_token_with_a_cookie_is_not_the_addresses_fault(anna, by_https):
    page = anna.post("/", anna.filled("incident", csrf_token="bogus"), headers={"Origin": "http://localhost"})
    assert "Die Seite war zu lange offen" in page.text_of("request-form")


def test_without_https_every_address_gets_its_cookie(anna, monkeypatch):
    monkeypatch.setattr(settings, "base_url", "http://melden.sommer.example")
    page = post(anna, "/", anna.filled("incident"), {"Origin": IN_THE_OFFICE}, IN_THE_OFFICE)
    assert "Die Seite war zu lange offen" in page.text_of("request-form")


@pytest.mark.parametrize(("base_url", "origin"), ORIGINS)
def test_a_page_is_ours_by_the_base_url_too(anna, monkeypatch, base_url, origin):
    monkeypatch.setattr(settings, "base_url", base_url)
    typed = anna.filled("incident")
    page = post(anna, "/", typed, {"Origin": origin}, "https://backend:8400")
    assert page.status == 422
    assert page.fields()["description"] == typed["description"]
    assert "Die Seite war zu lange offen" in page.text_of("request-form")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "https://melden.sommer.example.evil.example"])
def test_other_pages_stay_foreign(anna, by_https, origin):
    page = post(anna, "/", anna.filled("incident"), {"Origin": origin}, "https://backend:8400")
    assert (page.status, page.response.location) == (303, "/")
