"""A receipt does not reveal what became of an unmatched request."""

import io

import pytest

import clock
from database import database
from models import Submission
from services.background import worker
from services.intake import unmatched
from settings import settings
from tests.support.database import database_bytes
from tests.support.files.samples import PNG
from tests.support.pages import Visitor
from tests.support.unmatched import add_unmatched


def discard(clara):
    with database.connection_context():
        code = Submission.unmatched().get().code
    path = f"/verwaltung/nicht-zugeordnet/{code}/verwerfen"
    token = clara.get("/verwaltung/nicht-zugeordnet").fields()["csrf_token"]
    assert clara.post(path, {"csrf_token": token}).status == 303


def displace(clara):
    settings.unmatched_most = 1
    add_unmatched(0, 3, address="127.0.0.1")
    with database.connection_context():
        assert unmatched.make_room(clock.now()) == 3


def leave(clara):
    pass


def asks_again(visitor, values):
    """Return what is visible of the receipt opened again, and of the same request sent again."""
    with visitor.client.session_transaction() as session:
        code = session["receipts"][0]
    receipt = visitor.get(f"/eingegangen/{code}")
    again = visitor.post("/", values)
    return receipt.status, "Foto.png" in receipt.text, again.status, again.response.location == f"/eingegangen/{code}"


@pytest.mark.parametrize("happens", [discard, displace, leave])
def test_receipt_and_resending_reveal_nothing(app, anna, dora, clara, run_worker, advance_clock, happens):
    sent = {}
    for visitor in (anna, dora):
        values = visitor.filled("incident", files=[(io.BytesIO(PNG), "Foto.png")])
        assert visitor.post("/", values).status == 303
        sent[visitor] = {name: value for name, value in values.items() if name != "files"}
    run_worker()
    happens(clara)
    for hours, expected in ((0, (200, True, 303, True)), (settings.receipt_hours + 1, (404, False, 303, False))):
        advance_clock(hours=hours)
        with app.app_context(), database.connection_context():
            worker.run_once(clock.now())
        assert [asks_again(visitor, values) for visitor, values in sent.items()] == [expected] * 2


def test_the_oldest_receipts_close_after_too_many_discarded_requests(app, anna, dora, clara, run_worker, monkeypatch):
    receipts = {}
    for visitor in (anna, dora, anna, dora):
        values = visitor.filled(
            "incident", description=f"{'alt' if len(receipts) < 2 else 'neu'} von {visitor.known['name']}"
        )
        receipts[visitor.post("/", values).response.location] = visitor, values
        run_worker()
        if visitor is dora:
            discard(clara)
    monkeypatch.setattr(unmatched, "MAX_DISCARDED_CHARACTERS", unmatched.ROW_OVERHEAD_CHARACTERS + 1000)
    before = database_bytes()
    for _ in range(2):
        with app.app_context(), database.connection_context():
            unmatched.sweep(clock.now())
        seen = [visitor.get(path).status for path, (visitor, _) in receipts.items()]
        assert seen == [404, 404, 200, 200]
    assert (b"alt von Dora" in before, b"alt von Dora" in database_bytes()) == (True, False)
    again = [visitor.post("/", values).response.location == path for path, (visitor, values) in receipts.items()]
    assert again == [False, False, True, True]


def test_discarded_requests_are_hidden_and_finally_deleted(app, dora, clara, run_worker, advance_clock):
    dora.report("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    run_worker()
    discard(clara)
    assert clara.get("/verwaltung/anhang/1").status == 404
    assert "Dora Dreist" not in clara.get("/verwaltung/nicht-zugeordnet").text
    assert list(settings.files_dir.iterdir()) == []
    advance_clock(hours=settings.receipt_hours + 1)
    with app.app_context(), database.connection_context():
        worker.run_once(clock.now())
        assert Submission.select().count() == 0


def test_receipt_of_another_browser_stays_closed(app, anna):
    code = anna.report("incident").response.request.path.rpartition("/")[2]
    assert Visitor(app, {}).get(f"/eingegangen/{code}").status == 404
