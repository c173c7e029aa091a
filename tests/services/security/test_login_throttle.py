"""Guessing names, passwords and codes becomes slow, but locks nobody out."""

from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread

import pytest

import clock
from database import database, transaction
from models import FailedAttempts, Staff, StaffSession
from services.security import login_throttle
from services.staff import accounts
from settings import settings
from tests.support.cast import NOW
from tests.support.database import snapshot
from tests.support.staff import ELSEWHERE, HOME, sign_in


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


@pytest.mark.parametrize("name", ["Clara Neumann", "Niemand"])
def test_guessing_gets_slow(signed_out, advance_clock, name):
    fail(signed_out, 5, name=name)
    for seconds in (1, 2, 4, 8):
        page = sign_in(signed_out, name=name, password="falsch")
        assert page.status == 429
        assert f"Bitte warten Sie {seconds} Sekunde" in page.text
        assert page.response.headers["Retry-After"] == str(seconds)
        advance_clock(seconds=seconds)
        fail(signed_out, 1, name=name)


def test_attempt_that_is_too_early_is_neither_checked_nor_counted(signed_out, advance_clock, monkeypatch):
    fail(signed_out, 5)
    before = snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(accounts, "check_password_hash", None)
        for _ in range(20):
            assert is_slowed(signed_out)
    assert snapshot() == before
    advance_clock(seconds=1)
    assert not is_slowed(signed_out)


def test_nobody_is_locked_out_for_good(signed_out, advance_clock):
    with database.connection_context():
        account_source, address_source = (
            login_throttle.account_source("clara neumann"),
            login_throttle.network_source("127.0.0.1"),
        )
        FailedAttempts.create(source=account_source, count=100_000, last_at=NOW)
    advance_clock(seconds=59)
    assert is_slowed(signed_out)
    advance_clock(seconds=1)
    assert not is_slowed(signed_out)
    with database.connection_context():
        FailedAttempts.delete().execute()
        FailedAttempts.create(source=address_source, count=100_000, last_at=clock.now())
    assert "Bitte warten Sie 15 Minuten " in sign_in(signed_out).text
    advance_clock(minutes=14, seconds=59)
    assert "Bitte warten Sie 1 Sekunde " in sign_in(signed_out).text
    advance_clock(seconds=1)
    assert not is_slowed(signed_out)


@pytest.mark.parametrize(
    ("put_back", "slowed"), [({"days": 300}, False), ({"minutes": 15, "seconds": 1}, False), ({"minutes": 15}, True)]
)
def test_clock_that_was_put_back_locks_nobody_out(signed_out, advance_clock, put_back, slowed):
    advance_clock(**put_back)
    fail(signed_out, 5)
    advance_clock(seconds=-timedelta(**put_back).total_seconds())
    assert is_slowed(signed_out) == slowed


def test_success_begins_anew(signed_out, advance_clock):
    fail(signed_out, 5)
    advance_clock(seconds=1)
    assert not is_slowed(signed_out, **ELSEWHERE)
    advance_clock(minutes=1)
    fail(signed_out, 1)
    with database.connection_context():
        assert FailedAttempts.get(FailedAttempts.source == login_throttle.account_source("clara neumann")).count == 1


def test_success_does_not_free_the_address(signed_out, advance_clock):
    """Signing in to one's own account in between gives no more attempts at another one."""
    fail(signed_out, 5, name="Niemand")
    advance_clock(seconds=1)
    assert not is_slowed(signed_out)
    advance_clock(minutes=1)
    fail(signed_out, 1, name="Niemand")
    assert is_slowed(signed_out)


def test_success_takes_nothing_back_from_others(signed_out):
    for name in "ABCDE":
        fail(signed_out, 1, name=name, **ELSEWHERE)
    assert not is_slowed(signed_out)
    assert is_slowed(signed_out, **ELSEWHERE)


def test_an_address_that_guesses_at_many_names(signed_out):
    for name in "ABCDE":
        fail(signed_out, 1, name=name)
    assert is_slowed(signed_out)
    assert not is_slowed(signed_out, **ELSEWHERE)


def test_guessing_from_many_addresses(signed_out):
    for last in range(5):
        fail(signed_out, 1, environ_overrides={"REMOTE_ADDR": f"198.51.100.{last}"})
    assert is_slowed(signed_out)


def test_a_site_of_ipv6_is_slowed(signed_out, advance_clock):
    """Each network of the site fails once, at another name each time."""
    for number in range(40):
        fail(signed_out, 1, name=f"Niemand {number}", environ_overrides={"REMOTE_ADDR": f"2001:db8:1:{number:x}::1"})
    inside, outside = (
        {"environ_overrides": {"REMOTE_ADDR": address}} for address in ("2001:db8:1:ff::1", "2001:db8:2::1")
    )
    before = snapshot()
    assert is_slowed(signed_out, **inside)
    assert snapshot() == before
    assert not is_slowed(signed_out, **outside)
    advance_clock(seconds=1)
    assert not is_slowed(signed_out, **inside)


def test_guessing_in_the_same_site_does_not_keep_the_owner_out(signed_out):
    home = {"environ_overrides": {"REMOTE_ADDR": "2001:db8:1:aa::1"}}
    assert sign_in(signed_out, **home).status == 303
    signed_out.post("/verwaltung/abmelden", signed_out.get(HOME).fields())
    for number in range(40):
        fail(signed_out, 1, name=f"Niemand {number}", environ_overrides={"REMOTE_ADDR": f"2001:db8:1:{number:x}::1"})
    assert not is_slowed(signed_out, **home)


def test_guessing_elsewhere_does_not_keep_the_owner_out(signed_out, advance_clock):
    assert sign_in(signed_out).status == 303
    signed_out.post("/verwaltung/abmelden", signed_out.get(HOME).fields())
    for last in range(5):
        fail(signed_out, 1, environ_overrides={"REMOTE_ADDR": f"198.51.100.{last}"})
    assert is_slowed(signed_out, **ELSEWHERE)
    assert not is_slowed(signed_out)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("unknown", "unknown", True),
        ("unknown", "_hidden", False),
    ],
)
def test_networks_count_as_one_address(app, first, second, same):
    assert (login_throttle.network_source(first) == login_throttle.network_source(second)) == same


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
        assert FailedAttempts.select().count() == 3
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
                accounts.sign_in("Clara Neumann", "falsch", "", "127.0.0.1", NOW)

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
