"""Guessing names, passwords and codes gets slow, and locks nobody out."""

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
from tests.conftest import NOW, stored
from tests.staff import ELSEWHERE, HOME, sign_in


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
def test_guessing_gets_slow(door, later, name):
    fail(door, 5, name=name)
    for seconds in (1, 2, 4, 8):
        page = sign_in(door, name=name, password="falsch")
        assert page.status == 429
        assert f"Bitte warten Sie {seconds} Sekunde" in page.text
        assert page.response.headers["Retry-After"] == str(seconds)
        later(seconds=seconds)
        fail(door, 1, name=name)


def test_too_early_is_not_looked_at_and_counts_nothing(door, later, monkeypatch):
    fail(door, 5)
    before = stored()
    with monkeypatch.context() as patch:
        patch.setattr(accounts, "check_password_hash", None)
        for _ in range(20):
            assert is_slowed(door)
    assert stored() == before
    later(seconds=1)
    assert not is_slowed(door)


def test_nobody_is_locked_out_for_good(door, later):
    with database.connection_context():
        account_source, address_source = (
            login_throttle.of_account("clara neumann"),
            login_throttle.of_address("127.0.0.1"),
        )
        FailedAttempts.create(source=account_source, count=100_000, last_at=NOW)
    later(seconds=59)
    assert is_slowed(door)
    later(seconds=1)
    assert not is_slowed(door)
    with database.connection_context():
        FailedAttempts.delete().execute()
        FailedAttempts.create(source=address_source, count=100_000, last_at=clock.now())
    assert "Bitte warten Sie 15 Minuten " in sign_in(door).text
    later(minutes=14, seconds=59)
    assert "Bitte warten Sie 1 Sekunde " in sign_in(door).text
    later(seconds=1)
    assert not is_slowed(door)


def test_clock_that_was_put_back_locks_nobody_out(door, later):
    later(days=300)
    fail(door, 5)
    later(days=-300)
    assert not is_slowed(door)


def test_success_begins_anew(door, later):
    fail(door, 5)
    later(seconds=1)
    assert not is_slowed(door, **ELSEWHERE)
    later(minutes=1)
    fail(door, 1)
    with database.connection_context():
        assert FailedAttempts.get(FailedAttempts.source == login_throttle.of_account("clara neumann")).count == 1


def test_success_does_not_free_the_address(door, later):
    """Who has an account must not be able to guess on at another one, in turns with signing in at their own."""
    fail(door, 5, name="Niemand")
    later(seconds=1)
    assert not is_slowed(door)
    later(minutes=1)
    fail(door, 1, name="Niemand")
    assert is_slowed(door)


def test_an_address_that_guesses_at_many_names(door):
    for name in "ABCDE":
        fail(door, 1, name=name)
    assert is_slowed(door)
    assert not is_slowed(door, **ELSEWHERE)


def test_guessing_from_many_addresses(door):
    for last in range(5):
        fail(door, 1, environ_overrides={"REMOTE_ADDR": f"198.51.100.{last}"})
    assert is_slowed(door)


def test_a_site_of_ipv6_has_no_tries_without_end(door, later):
    """Each of its networks tries fewer times than would be noticed, and each time at another name."""
    for number in range(40):
        fail(door, 1, name=f"Niemand {number}", environ_overrides={"REMOTE_ADDR": f"2001:db8:1:{number:x}::1"})
    inside, outside = (
        {"environ_overrides": {"REMOTE_ADDR": address}} for address in ("2001:db8:1:ff::1", "2001:db8:2::1")
    )
    before = stored()
    assert is_slowed(door, **inside)
    assert stored() == before
    assert not is_slowed(door, **outside)
    later(seconds=1)
    assert not is_slowed(door, **inside)


def test_who_guesses_next_door_does_not_keep_the_owner_out(door):
    home = {"environ_overrides": {"REMOTE_ADDR": "2001:db8:1:aa::1"}}
    assert sign_in(door, **home).status == 303
    door.post("/verwaltung/abmelden", door.get(HOME).fields())
    for number in range(40):
        fail(door, 1, name=f"Niemand {number}", environ_overrides={"REMOTE_ADDR": f"2001:db8:1:{number:x}::1"})
    assert not is_slowed(door, **home)


def test_guessing_elsewhere_does_not_keep_the_owner_out(door, later):
    assert sign_in(door).status == 303
    door.post("/verwaltung/abmelden", door.get(HOME).fields())
    for last in range(5):
        fail(door, 1, environ_overrides={"REMOTE_ADDR": f"198.51.100.{last}"})
    assert is_slowed(door, **ELSEWHERE)
    assert not is_slowed(door)


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
    assert (login_throttle.of_address(first) == login_throttle.of_address(second)) == same


def test_what_is_typed_as_a_name_is_stored_nowhere(door):
    fail(door, 1, name="Mein Kennwort im falschen Feld")
    assert "falschen feld" not in str(stored()).casefold()


def test_failures_are_forgotten_after_a_day(door, later):
    fail(door, 5)
    later(days=1, seconds=1)
    fail(door, 5)
    assert is_slowed(door)
    with database.connection_context():
        login_throttle.sweep(clock.now() + timedelta(hours=23))
        assert FailedAttempts.select().count() == 3
        login_throttle.sweep(clock.now() + timedelta(days=1))
        assert FailedAttempts.select().count() == 0


def test_worker_sweeps(clara, work):
    with database.connection_context():
        StaffSession.update(began_at=NOW - timedelta(days=30)).execute()
        FailedAttempts.create(source="name:x", count=1, last_at=NOW - timedelta(days=1))
    work()
    with database.connection_context():
        assert (StaffSession.select().count(), FailedAttempts.select().count()) == (0, 0)


def test_many_attempts_at_once_are_not_all_free(door, monkeypatch):
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
    assert len(checked) == login_throttle.FREE_FAILURES


def test_slow_hash_keeps_nobody_from_writing(door, monkeypatch):
    def write():
        with database.connection_context(), transaction():
            Staff.update(name="Clara N.").execute()

    def check(*_):
        writer = Thread(target=write, daemon=True)
        writer.start()
        writer.join(timeout=3)
        return not writer.is_alive()

    monkeypatch.setattr(accounts, "check_password_hash", check)
    assert sign_in(door).status == 303


def test_limits_can_be_switched_off(door, monkeypatch):
    monkeypatch.setattr(settings, "limits", "off")
    fail(door, 8)
    assert not is_slowed(door)
