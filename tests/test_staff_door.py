"""The door of the staff area, tried at every address there is: also at those that are added later."""

import io
from itertools import product

import pytest

from database import database
from models import Approver, Attachment, Customer, Message, Staff, Submission, TextBlock
from services.staff import accounts
from tests.conftest import NOW, stored
from tests.pages import Visitor, check_headers
from tests.samples import PNG

# What only the office may read.
SECRETS = ["Sommer", "Dreist", "Neumann", "zieht kein Papier", "Foto.png"]

PREFIX = "/verwaltung/"

# Pages that are there only for who asks for something of theirs.
QUERIES = {"staff.figures.export": "?tabelle=wochen", "staff.outbox.discard_all": "?stand=wartet&bis=99"}

# What a visit to one of these is, no data lies behind.
ALWAYS_OPEN = {"staff.setup.form", "staff.sign_in.form"}


@pytest.fixture
def doors(app, anna, dora, clara, work, tickets):
    """Every address of the staff area with real things behind it, as pairs of endpoint and address by method."""
    anna.report("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    dora.report("incident")
    work()
    with database.connection_context():
        customer = Customer.get()
        approver = Approver.create(customer=customer, name="Bernd Sommer", email="bernd@sommer.example")
        unmatched = Submission.unmatched().get()
        block = TextBlock.create(name="Rückruf", text="Wir rufen Sie an.")
        behind = {
            "approver_id": [approver.id],
            "block_id": [block.id],
            "attachment_id": [Attachment.get().id],
            "code": [tickets()[0].submission.code, unmatched.code],
            "customer_id": [customer.id],
            "message_id": [Message.get().id],
            "slug": ["uebernehmen"],
            "token": [accounts.setup_token()],
        }
    found = addresses(app, behind)
    assert len(found["GET"]) > 5
    assert len(found["POST"]) > 5
    return found


def addresses(app, behind):
    """Return every address of the staff area, each with the real things that stand behind its arguments' names."""
    found = {"GET": [], "POST": []}
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("staff."):
            missing = rule.arguments - set(behind)
            assert not missing, f"Name in this fixture what {missing} stands for in {rule.rule}."
            names = sorted(rule.arguments)
            for values in product(*(behind[name] for name in names)):
                for method in rule.methods & {"GET", "POST"}:
                    address = adapter.build(rule.endpoint, dict(zip(names, values, strict=True)), method)
                    address += QUERIES.get(rule.endpoint, "")
                    found[method].append((rule.endpoint, address))
    return found


def tells_nothing(answer, endpoint):
    """See that an answer holds nothing of the office's and leads to the sign-in page."""
    assert not [word for word in SECRETS if word in answer.text], endpoint
    if answer.status_code == 303:
        assert answer.location.startswith("/verwaltung/anmelden"), endpoint
    elif answer.status_code in (200, 403, 422):
        assert "<h1>Anmelden</h1>" in answer.text, endpoint
    else:
        assert answer.status_code == 404, endpoint
        assert endpoint.startswith("staff.setup."), endpoint


def try_all_doors(visitor, doors, values, **options):
    for endpoint, address in doors["GET"]:
        tells_nothing(visitor.client.get(address, **options), endpoint)
    for endpoint, address in doors["POST"]:
        tells_nothing(visitor.client.post(address, data=values, **options), endpoint)


@pytest.mark.parametrize("has_token", [True, False])
def test_nobody_gets_in_without_a_session(app, doors, has_token):
    stranger = Visitor(app, {})
    token = stranger.get("/").fields()["csrf_token"] if has_token else ""
    before = stored()
    try_all_doors(stranger, doors, {"csrf_token": token, "text": "Hallo"})
    assert stored() == before


def test_nobody_gets_in_with_a_locked_account(clara, doors):
    token = clara.get(PREFIX).fields()["csrf_token"]
    cookie = clara.client.get_cookie("session").value
    with database.connection_context():
        accounts.lock(Staff.get(), NOW)
    before = stored()
    for method in doors:
        for endpoint, address in doors[method]:
            clara.client.set_cookie("session", cookie)
            answer = clara.client.open(address, method=method, data={"csrf_token": token} if method == "POST" else None)
            tells_nothing(answer, endpoint)
    assert stored() == before


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}], ids=["own", "foreign"])
def test_nothing_is_done_without_a_token_of_this_session(app, clara, doors, headers):
    foreign = Visitor(app, {}).get("/").fields()["csrf_token"]
    before = stored()
    for token in (foreign, ""):
        for endpoint, address in doors["POST"]:
            answer = clara.client.post(address, data={"csrf_token": token, "text": "Hallo"}, headers=headers)
            assert answer.status_code in ((303,) if headers else (403, 404, 422)), endpoint
    assert stored() == before
    assert clara.get(PREFIX).status == 200


def test_opening_a_page_changes_nothing(clara, doors):
    before = stored()
    opened = set()
    for endpoint, address in doors["GET"]:
        for method in ("GET", "HEAD"):
            answer = clara.client.open(address, method=method, buffered=True)
            if answer.status_code == 200:
                opened.add(endpoint)
    assert {endpoint for endpoint, _ in doors["GET"]} - opened <= ALWAYS_OPEN
    assert stored() == before


def test_every_answer_carries_the_headers(app, clara, doors):
    """Without a session, with one, and with one but without a token; what holds data is kept by nobody."""
    for visitor in (Visitor(app, {}), clara):
        for method, places in doors.items():
            for _, address in places:
                check_headers(visitor.client.open(address, method=method, buffered=True))


def test_addresses_of_the_staff_area_begin_alike(app):
    for rule in app.url_map.iter_rules():
        assert rule.endpoint.startswith("staff.") == rule.rule.startswith(PREFIX), rule
