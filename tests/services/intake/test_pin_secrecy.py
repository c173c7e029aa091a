"""No response reveals whether number and PIN match, and a PIN leaves no trace."""

import io
import logging

import pytest

from database import database
from services.customers import customers, pins
from services.intake import intake
from settings import settings
from tests.support.cast import NOW
from tests.support.pages import HTMX, Visitor, visible_answer

SITUATIONS = {
    "right": None,
    "wrong": "wrong_pin",
    "unknown": "unknown_number",
    "locked": "customer_locked",
    "locked, wrong": "wrong_pin",
    "former": "former_pin",
    "locked, former": "former_pin",
}


@pytest.fixture
def visitors(app):
    """One visitor with their own browser per situation; they differ only in number and PIN."""
    with database.connection_context():
        sommer, nordring, winter = (
            customers.add({"number": number, "name": name}, NOW)
            for number, name in (
                ("K1001", "Bäckerei Sommer"),
                ("K1002", "Autohaus Nordring"),
                ("K1003", "Praxis Winter"),
            )
        )
        right, former, locked_former = (pin for _, pin in pins.issue_pins([sommer, nordring, winter], NOW))
        pins.issue_pin(nordring, NOW)
        locked = pins.issue_pin(winter, NOW)
        customers.lock(winter, NOW)
    known = {
        "right": ("K1001", right),
        "wrong": ("K1001", _other(right)),
        "unknown": ("K9999", right),
        "locked": ("K1003", locked),
        "locked, wrong": ("K1003", _other(locked)),
        "former": ("K1002", former),
        "locked, former": ("K1003", locked_former),
    }
    person = {"name": "Anna Sommer", "phone": "0211 555-0101"}
    return {
        situation: Visitor(app, {"customer_number": number, "pin": pin} | person)
        for situation, (number, pin) in known.items()
    }


def _other(pin):
    return pin[:-1] + str((int(pin[-1]) + 1) % 10)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_all_answers_are_alike(visitors, run_worker, submissions, headers):
    seen = {}
    for situation, visitor in visitors.items():
        values = visitor.filled("incident")
        refused = visitor.post("/", values | {"name": ""}, headers=headers)
        answer = visitor.post("/", values | {"files": (io.BytesIO(b"Hallo"), "Notiz.txt")}, headers=headers)
        address = answer.response.headers.get("HX-Redirect") or answer.response.location
        seen[situation] = [visible_answer(visitor, page) for page in (refused, answer, visitor.get(address))]
        visitor.sent, visitor.address = values, address
    assert seen["right"][1][0] == (200 if headers else 303)
    assert [situation for situation in seen if seen[situation] != seen["right"]] == []

    run_worker()
    for situation, visitor in visitors.items():
        pages = [
            visitor.get(visitor.address),
            visitor.post("/", visitor.sent, headers=headers),
            visitor.post("/", visitor.sent | {"name": "Anna"}, headers=headers),
            visitor.get("/"),
        ]
        seen[situation] = [visible_answer(visitor, page) for page in pages]
    assert [situation for situation in seen if seen[situation] != seen["right"]] == []
    assert len(submissions()) == len(SITUATIONS)


def test_no_ticket_before_the_worker_and_the_right_one_after(visitors, run_worker, tickets, submissions):
    for visitor in visitors.values():
        visitor.report("incident")
    assert tickets() == []
    assert {submission.state for submission in submissions()} == {"pending"}
    assert all(submission.pin_proof for submission in submissions())
    run_worker()
    assert [submission.unmatched_reason for submission in submissions()] == list(SITUATIONS.values())
    right, *others = submissions()
    assert [ticket.submission for ticket in tickets()] == [right]
    assert right.state == "admitted"
    assert {submission.state for submission in others} == {"unmatched"}
    assert {submission.pin_proof for submission in submissions()} == {None}


def test_unlocked_again(visitors, run_worker, tickets):
    with database.connection_context():
        customers.unlock(customers.find("K1003"))
    visitors["locked"].report("incident")
    run_worker()
    assert len(tickets()) == 1


def test_the_worker_decides_once(visitors, run_worker, tickets, submissions):
    visitors["right"].report("incident")
    visitors["wrong"].report("incident")
    assert [run_worker(), run_worker()] == [2, 0]
    assert len(tickets()) == 1


def test_the_pin_leaves_no_trace(visitors, run_worker, monkeypatch, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    typed = []
    for visitor in visitors.values():
        digits = visitor.known["pin"]
        for pin in (digits, f"{digits[:4]} {digits[4:]}", f"{digits[:4]}-{digits[4:]}"):
            typed.append(pin)
            visitor.report("incident", pin=pin)
            visitor.post("/felder", visitor.filled("warranty", pin=pin, files=(io.BytesIO(b"Hallo"), "Notiz.txt")))
        with visitor.client.session_transaction() as session:
            assert set(session) == {"csrf_token", "receipts"}
    with monkeypatch.context() as patch:
        patch.setattr(intake, "receive", lambda *_, **__: 1 / 0)
        assert visitors["right"].send("incident").status == 500
    run_worker()

    assert "ZeroDivisionError" in caplog.text
    places = {path.name: path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()}
    assert settings.database_path.name in places
    places |= {"log": caplog.text.encode(), "output": "".join(capfd.readouterr()).encode()}
    assert [(place, pin) for place, content in places.items() for pin in typed if pin.encode() in content] == []


def test_the_proof_is_not_the_pin_and_needs_the_key(visitors, submissions):
    right, wrong = visitors["right"], visitors["wrong"]
    right.report("incident")
    right.report("callback")
    wrong.report("incident")
    right.report("incident", customer_number="K1002")
    proofs = [submission.pin_proof for submission in submissions()]
    assert proofs[0] == proofs[1]
    assert len(set(proofs)) == 3


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_pin_is_never_in_a_url(visitors, headers):
    visitor = visitors["right"]
    for path in ("/", "/felder"):
        answer = visitor.post(path, visitor.filled("incident"), headers=headers).response
        addresses = [answer.headers.get(name, "") for name in ("Location", "HX-Redirect", "HX-Push-Url")]
        assert visitor.known["pin"] not in "".join(addresses)
    form = visitor.get("/?pin=12345678&kundennummer=K1001&customer_number=K1001").fields()
    assert (form["pin"], form["customer_number"]) == ("", "")


def test_the_newest_former_pins_are_told_from_a_typing_error(visitors, run_worker, submissions):
    """Two former PINs are recognised; an older one counts as wrong."""
    with database.connection_context():
        issued = [pins.issue_pin(customers.find("K1001"), NOW) for _ in range(5)]
    for pin in issued:
        visitors["right"].report("incident", pin=pin)
    run_worker()
    reasons = [submission.unmatched_reason for submission in submissions()]
    assert reasons == ["wrong_pin", "wrong_pin", "former_pin", "former_pin", None]
