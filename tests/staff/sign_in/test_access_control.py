"""Access to the staff area, tried at every URL; URLs that are added later are included."""

import pytest

from database import database
from models import Staff
from services.staff import accounts
from tests.support.cast import NOW
from tests.support.database import snapshot
from tests.support.pages import Visitor, check_headers

# What only the office may read.
SECRETS = ["Sommer", "Dreist", "Neumann", "zieht kein Papier", "Foto.png"]

PREFIX = "/verwaltung/"


# Pages without data.
ALWAYS_OPEN = {"staff.setup.form", "staff.sign_in.form", "staff.account_link.form"}


def check_closed(answer, endpoint):
    """Check that an answer holds no data of the office and leads to the sign-in page."""
    assert not [word for word in SECRETS if word in answer.text], endpoint
    if answer.status_code == 303:
        assert answer.location.startswith("/verwaltung/anmelden"), endpoint
    else:
        if endpoint.startswith("staff.account_link.") and answer.status_code == 404:
            return  # A link for choosing a password that is not valid opens nothing.
        assert answer.status_code in (200, 403, 410, 422), endpoint
        assert "<h1>Anmelden</h1>" in answer.text, endpoint


def request_all(visitor, staff_routes, values, **options):
    for endpoint, url in staff_routes["GET"]:
        check_closed(visitor.client.get(url, **options), endpoint)
    for endpoint, url in staff_routes["POST"]:
        check_closed(visitor.client.post(url, data=values, **options), endpoint)


@pytest.mark.parametrize("has_token", [True, False])
def test_closed_without_a_session(app, staff_routes, has_token):
    stranger = Visitor(app, {})
    token = stranger.get("/").fields()["csrf_token"] if has_token else ""
    before = snapshot()
    request_all(stranger, staff_routes, {"csrf_token": token, "text": "Hallo"})
    assert snapshot() == before


def test_closed_to_a_locked_account(clara, staff_routes):
    token = clara.get(PREFIX).fields()["csrf_token"]
    cookie = clara.client.get_cookie("session").value
    with database.connection_context():
        accounts.lock(Staff.get(), NOW)
    before = snapshot()
    for method in staff_routes:
        for endpoint, url in staff_routes[method]:
            clara.client.set_cookie("session", cookie)
            answer = clara.client.open(url, method=method, data={"csrf_token": token} if method == "POST" else None)
            check_closed(answer, endpoint)
    assert snapshot() == before


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}], ids=["own", "foreign"])
def test_nothing_is_done_without_a_token_of_this_session(app, clara, staff_routes, headers):
    foreign = Visitor(app, {}).get("/").fields()["csrf_token"]
    before = snapshot()
    for token in (foreign, ""):
        for endpoint, url in staff_routes["POST"]:
            answer = clara.client.post(url, data={"csrf_token": token, "text": "Hallo"}, headers=headers)
            # The set-up link is used, so it leads to the office.
            leads_away = headers or endpoint == "staff.setup.submit"
            assert answer.status_code in ((303,) if leads_away else (403, 422)), endpoint
    assert snapshot() == before
    assert clara.get(PREFIX).status == 200


def test_opening_a_page_changes_nothing(clara, staff_routes):
    before = snapshot()
    opened = set()
    for endpoint, url in staff_routes["GET"]:
        for method in ("GET", "HEAD"):
            answer = clara.client.open(url, method=method, buffered=True)
            if answer.status_code == 200:
                opened.add(endpoint)
    assert {endpoint for endpoint, _ in staff_routes["GET"]} - opened <= ALWAYS_OPEN
    assert snapshot() == before


def test_every_answer_carries_the_headers(app, clara, staff_routes):
    """With and without a session, and without a token; pages with data are not cached."""
    for visitor in (Visitor(app, {}), clara):
        for method, places in staff_routes.items():
            for _, url in places:
                check_headers(visitor.client.open(url, method=method, buffered=True))


def test_addresses_of_the_staff_area_begin_alike(app):
    for rule in app.url_map.iter_rules():
        assert rule.endpoint.startswith("staff.") == rule.rule.startswith(PREFIX), rule
