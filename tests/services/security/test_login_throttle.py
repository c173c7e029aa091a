"""Guessing names, passwords and codes becomes slow, but locks nobody out."""

from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread

import pytest

import clock
from database import database, transaction
from models import FailedAttempts, Staff, StaffSession
from services.background import worker
from services.security import login_throttle
from services.staff import accounts
from settings import settings
from tests.support.cast import NOW, PASSWORD
from tests.support.database import snapshot
from tests.support.pages import Visitor
from tests.support.servers.mailbox import text_of
from tests.support.staff import ELSEWHERE, HOME, sign_in, with_two_factor
from views.staff.sign_in.auth import KNOWN_ACCOUNTS


def fail(visitor, times, **options):
    for _ in range(times):
        page = sign_in(visitor, **{"password": "falsch"} | options)
        assert page.status == 422, page.text


def is_slowed(visitor, **options):
    """Say whether an attempt with the right password is refused because it comes too early."""
    page = sign_in(visitor, **options)
    if page.status == 429:
        assert "Zu viele Versuche. Bitte warten Sie" in page.text
        assert page.title.startswith("Fehler: ")
        assert page.fields()["name"]
    visitor.client.delete_cookie("session")
    return page.status == 429


@pytest.fixture
def known_browser(signed_out):
    """Clara's browser after she has signed in and out."""
    assert sign_in(signed_out).status == 303
    signed_out.post("/verwaltung/abmelden", signed_out.get(HOME).fields())
    return signed_out


@pytest.fixture
def stranger(app):
    """Somebody who knows Clara's name, in a browser that is not known."""
    return Visitor(app, {"name": "Clara Neumann", "password": PASSWORD})


@pytest.mark.parametrize("name", ["Clara Neumann", "Niemand"])
def test_guessing_gets_slow(signed_out, advance_clock, name):
    fail(signed_out, 5, name=name)
    for _ in range(3):
        page = sign_in(signed_out, name=name, password="falsch")
        assert page.status == 429
        assert "Bitte warten Sie 2 Sekunden" in page.text
        assert page.response.headers["Retry-After"] == "2"
        advance_clock(seconds=2)
        fail(signed_out, 1, name=name)


def test_attempt_that_is_too_early_is_neither_checked_nor_counted(signed_out, advance_clock, monkeypatch):
    fail(signed_out, 5)
    before = snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(accounts, "check_password_hash", None)
        for _ in range(20):
            assert is_slowed(signed_out)
    assert snapshot() == before
    advance_clock(seconds=2)
    assert not is_slowed(signed_out)


@pytest.mark.parametrize(
    ("put_back", "slowed"), [({"days": 300}, False), ({"seconds": 3}, False), ({"seconds": 2}, True)]
)
def test_clock_that_was_put_back_locks_nobody_out(signed_out, advance_clock, put_back, slowed):
    advance_clock(**put_back)
    fail(signed_out, 5)
    advance_clock(seconds=-timedelta(**put_back).total_seconds())
    assert is_slowed(signed_out) == slowed


def test_success_does_not_free_the_address(signed_out, advance_clock):
    """Signing in to one's own account in between gives no more attempts at another one."""
    fail(signed_out, 5, name="Niemand")
    advance_clock(seconds=2)
    assert not is_slowed(signed_out)
    advance_clock(seconds=2)
    fail(signed_out, 1, name="Niemand")
    assert is_slowed(signed_out, name="Niemand")


def test_success_takes_nothing_back_from_others(signed_out, stranger):
    for name in "ABCDE":
        fail(signed_out, 1, name=name, **ELSEWHERE)
    assert not is_slowed(signed_out)
    assert is_slowed(stranger, **ELSEWHERE)


def test_an_address_that_guesses_at_many_names(signed_out, stranger):
    for name in "ABCDE":
        fail(signed_out, 1, name=name)
    assert is_slowed(stranger)
    assert not is_slowed(stranger, **ELSEWHERE)


def test_a_site_of_ipv6_counts_as_one_address(signed_out, stranger):
    for number in range(5):
        fail(signed_out, 1, environ_overrides={"REMOTE_ADDR": f"2001:db8:1:{number:x}::1"})
    inside, outside = (
        {"environ_overrides": {"REMOTE_ADDR": address}} for address in ("2001:db8:1:ff::1", "2001:db8:2::1")
    )
    before = snapshot()
    assert is_slowed(stranger, **inside)
    assert snapshot() == before
    assert not is_slowed(stranger, **outside)


def test_guessing_from_very_many_addresses(signed_out, stranger, monkeypatch):
    monkeypatch.setattr(accounts, "FREE_OF_ACCOUNT", 12)
    for last in range(12):
        fail(signed_out, 1, environ_overrides={"REMOTE_ADDR": f"198.51.100.{last}"})
    assert is_slowed(stranger)


# --- Known browsers ---


@pytest.mark.parametrize("address", ["127.0.0.1", "198.51.100.7", "203.0.113.9"])
def test_guessing_does_not_keep_out_a_known_browser(known_browser, stranger, monkeypatch, address):
    """Not even from its own address, as if a web server hid the visitors'."""
    monkeypatch.setattr(accounts, "FREE_OF_ACCOUNT", 5)
    fail(stranger, 5)
    assert is_slowed(stranger)
    assert not is_slowed(known_browser, environ_overrides={"REMOTE_ADDR": address})


def test_a_known_browser_that_guesses_is_slowed_alone(known_browser, stranger):
    fail(known_browser, 5)
    assert is_slowed(known_browser)
    assert not is_slowed(stranger)


def test_a_browser_is_known_to_its_accounts_only(known_browser, stranger):
    fail(stranger, 5, name="Robin Roth")
    assert is_slowed(known_browser, name="Robin Roth")
    assert not is_slowed(known_browser)


def test_a_browser_that_two_people_use_is_known_to_both(known_browser, stranger):
    """Also if one of them signs in more often."""
    with database.connection_context():
        accounts.add("Selma Vogt", PASSWORD, NOW)
    selma = {"name": "Selma Vogt"}
    assert not is_slowed(known_browser, **selma)
    for _ in range(KNOWN_ACCOUNTS):
        assert not is_slowed(known_browser)
    fail(stranger, 5)
    for known in ({}, selma):
        assert not is_slowed(known_browser, **known)


def test_a_new_password_forgets_the_known_browsers(known_browser, stranger):
    with database.connection_context():
        accounts.set_password(Staff.get(), "fünf Wolken im Kaffee", NOW)
    fail(stranger, 5)
    assert is_slowed(known_browser, password="fünf Wolken im Kaffee")


@pytest.mark.parametrize("token", ["", "~", "x.y", "x.ä", "." * 3000])
def test_an_invented_token_makes_no_browser_known(signed_out, stranger, token):
    stranger.client.set_cookie("browser", token)
    fail(signed_out, 5)
    assert is_slowed(stranger)


def test_the_token_is_kept_for_a_year_out_of_the_reach_of_scripts(signed_out):
    (cookie,) = [
        value for value in sign_in(signed_out).response.headers.getlist("Set-Cookie") if value.startswith("browser=")
    ]
    for part in ("HttpOnly", "SameSite=Lax", "Max-Age=31536000", "Path=/"):
        assert part in cookie


# --- Wrong codes ---


@pytest.fixture
def delivered(app, mailbox):
    """Run the worker at the test's time and return the mails."""

    def run_once():
        with app.app_context(), database.connection_context():
            worker.run_once(clock.now())
        return mailbox.mails

    return run_once


@pytest.fixture
def wrong_codes(signed_out, advance_clock):
    """Send so many wrong codes with the right password."""
    app, recovery_codes = with_two_factor()

    def send(times):
        for _ in range(times):
            advance_clock(seconds=2)
            assert sign_in(signed_out, code="000000").status == 422

    send.app, send.recovery_codes = app, recovery_codes
    return send


def test_twenty_wrong_codes_are_told_to_the_office(signed_out, wrong_codes, advance_clock, delivered):
    wrong_codes(19)
    assert delivered() == []
    wrong_codes(6)
    (mail,) = delivered()
    assert mail["Subject"] == "Falsche Codes beim Konto Clara Neumann"
    assert "das richtige Kennwort und einen falschen Code" in text_of(mail)
    advance_clock(seconds=60)
    assert sign_in(signed_out, code=wrong_codes.app.at(clock.now())).status == 303
    assert "Beim Konto „Clara Neumann“ gab jemand viele falsche Codes ein" in signed_out.get(HOME).text_of("main")


def test_a_hundred_wrong_codes_stop_the_app_until_a_recovery_code(signed_out, wrong_codes, advance_clock, delivered):
    """However long nobody tries meanwhile."""
    wrong_codes(99)
    advance_clock(seconds=30)
    assert sign_in(signed_out, code=wrong_codes.app.at(clock.now())).status == 303
    signed_out.client.delete_cookie("session")
    wrong_codes(1)
    advance_clock(seconds=60)
    assert sign_in(signed_out, code=wrong_codes.app.at(clock.now())).status == 422
    delivered()
    advance_clock(days=2)
    assert sign_in(signed_out, code=wrong_codes.app.at(clock.now())).status == 422
    advance_clock(seconds=2)
    assert sign_in(signed_out, code=wrong_codes.recovery_codes[0]).status == 303
    signed_out.client.delete_cookie("session")
    advance_clock(seconds=60)
    assert sign_in(signed_out, code=wrong_codes.app.at(clock.now())).status == 303


def test_the_database_is_asked_the_same_whatever_was_wrong(signed_out, wrong_codes, advance_clock, queries):
    """Otherwise the time tells that the password was right, or that the account exists."""
    asked = []
    for wrong in ({"password": "falsch"}, {"name": "Niemand"}, {}):
        # Twice, because the first failure of a source is another row.
        for _ in range(2):
            advance_clock(seconds=2)
            queries.clear()
            assert sign_in(signed_out, code="000000", **wrong).status == 422
        asked.append([statement.partition(" WHERE ")[0] for statement in queries])
    assert asked[0] == asked[1] == asked[2]


def test_wrong_passwords_count_as_no_wrong_codes(signed_out, wrong_codes, advance_clock, delivered):
    for _ in range(25):
        advance_clock(seconds=2)
        fail(signed_out, 1, code="000000")
    assert delivered() == []


# --- What is stored ---


def test_typed_name_is_not_stored(signed_out):
    fail(signed_out, 1, name="Mein Kennwort im falschen Feld")
    assert "falschen feld" not in str(snapshot()).casefold()


@pytest.mark.parametrize(("seconds", "slowed"), [(-1, True), (1, False)])
def test_failures_are_forgotten_after_a_day(signed_out, advance_clock, seconds, slowed):
    fail(signed_out, 5)
    advance_clock(days=1, seconds=seconds)
    fail(signed_out, 1)
    assert is_slowed(signed_out) == slowed


def test_forgotten_failures_are_deleted(signed_out):
    fail(signed_out, 1)
    with database.connection_context():
        login_throttle.sweep(clock.now() + timedelta(hours=23))
        assert FailedAttempts.select().count() > 0
        login_throttle.sweep(clock.now() + timedelta(days=1))
        assert FailedAttempts.select().count() == 0


def test_worker_sweeps(clara, run_worker):
    with database.connection_context():
        StaffSession.update(began_at=NOW - timedelta(days=30)).execute()
        FailedAttempts.create(source="name:x", count=1, last_at=NOW - timedelta(days=1))
    run_worker()
    with database.connection_context():
        assert (StaffSession.select().count(), FailedAttempts.select().count()) == (0, 0)


def test_many_attempts_at_once_are_not_all_free(signed_out, monkeypatch):
    checked, together = [], Barrier(12)
    monkeypatch.setattr(accounts, "check_password_hash", lambda *_: checked.append(1))

    def guess():
        with database.connection_context():
            together.wait()
            with suppress(login_throttle.TooManyAttempts):
                accounts.sign_in("Clara Neumann", "falsch", "", "127.0.0.1", [], NOW)

    guessers = [Thread(target=guess) for _ in range(12)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    assert len(checked) == settings.free_sign_in_failures


def test_slow_hash_does_not_block_writers(signed_out, monkeypatch):
    def write():
        with database.connection_context(), transaction():
            Staff.update(name="Clara N.").execute()

    def check(*_):
        writer = Thread(target=write, daemon=True)
        writer.start()
        writer.join(timeout=3)
        return not writer.is_alive()

    monkeypatch.setattr(accounts, "check_password_hash", check)
    assert sign_in(signed_out).status == 303
