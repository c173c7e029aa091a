"""Signing in and out: one answer for everything that is wrong, sessions that end, guessing that gets slow."""

import io
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread

import pyotp
import pytest

import clock
from models import FailedAttempts, RecoveryCode, Staff, StaffSession, Ticket, database, transaction
from services import accounts, attempts, second_factor, sessions, staff
from settings import settings
from tests.conftest import NOW, PASSWORD, stored, without_random
from tests.pages import HTMX, Visitor

SIGN_IN = "/verwaltung/anmelden"
HOME = "/verwaltung/"
ELSEWHERE = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.7"}}
WRONG = "Name, Kennwort oder Code stimmt nicht."


@pytest.fixture
def door(app, shared, monkeypatch):
    """Clara in front of the sign-in page; she has an account, but no session yet."""
    # What nobody's password is compared with is as cheap here as Clara's own, and would even fit.
    monkeypatch.setattr(accounts, "dummy_hash", lambda: shared.password_hash)
    with database.connection_context():
        Staff.create(login="clara neumann", name="Clara Neumann", password_hash=shared.password_hash, created_at=NOW)
    return Visitor(app, {"name": "Clara Neumann", "password": PASSWORD})


def sign_in(visitor, onward="", code="", **changes):
    """Fill in the sign-in form and send it."""
    options = {key: changes.pop(key) for key in ("environ_overrides", "headers") if key in changes}
    form = visitor.get(SIGN_IN, query_string={"weiter": onward} if onward else {}).fields().to_dict()
    return visitor.post(SIGN_IN, form | visitor.known | {"one_time_code": code} | changes, **options)


def is_signed_in(visitor):
    return visitor.get(HOME).status == 200


def account():
    with database.connection_context():
        return Staff.get(Staff.login == "clara neumann")


def with_second_factor():
    """Give Clara's account a second factor; return her app and the recovery codes."""
    with database.connection_context():
        second_factor.begin(member := Staff.get(Staff.login == "clara neumann"))
        member = Staff.get_by_id(member.id)
        app = pyotp.TOTP(second_factor.key_of(member).replace(" ", ""))
        codes = second_factor.confirm(member, app.at(NOW - timedelta(seconds=30)), NOW)
    return app, codes


def act(change):
    with database.connection_context():
        change(Staff.get(Staff.login == "clara neumann"), clock.now())


# --- In ---


def test_sign_in(door):
    page = sign_in(door)
    assert (page.status, page.response.location) == (303, HOME)
    home = door.get(HOME)
    assert home.status == 200
    assert "Clara Neumann" in home.text
    assert "Abmelden" in home.text
    assert home.response.headers["Cache-Control"] == "no-store"
    with door.client.session_transaction() as cookie:
        assert cookie["staff"] not in str(stored())


@pytest.mark.parametrize("typed", ["clara neumann", "  CLARA  NEUMANN ", "Ｃｌａｒａ Neumann"])
def test_name_as_people_type_it(door, typed):
    assert sign_in(door, name=typed).status == 303


def test_password_in_another_composition(door):
    password = "Größenwahn über München"
    act(lambda member, now: staff.set_password(member, password, now))
    decomposed = password.replace("ö", "o\u0308").replace("ü", "u\u0308")
    assert sign_in(door, password=decomposed).status == 303


@pytest.mark.parametrize(
    "changes", [{"name": "Niemand"}, {"password": "falsch"}, {"password": PASSWORD + "x"}, {"password": "x" * 200}]
)
def test_wrong(door, changes):
    page = sign_in(door, **changes)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert WRONG in page.text
    assert page.fields()["name"] == changes.get("name", "Clara Neumann")
    assert page.fields()["password"] == ""
    assert not is_signed_in(door)


def test_empty_and_too_long(door):
    assert sign_in(door, name="", password="").errors() == {
        "name": "Bitte geben Sie Ihren Namen ein.",
        "password": "Bitte geben Sie Ihr Kennwort ein.",
    }
    page = sign_in(door, name="x" * 101, password="x" * 201, code="x" * 41)
    assert set(page.errors()) == {"name", "password", "one_time_code"}
    assert page.fields()["one_time_code"] == ""


def situations(door):
    """Yield what goes wrong in every way that must not be told apart, each as what is typed."""
    yield {"name": "Niemand"}
    yield {"password": "falsch"}
    act(staff.lock)
    yield {}
    act(lambda member, now: staff.unlock(member))
    with_second_factor()
    yield {}
    yield {"code": "000000"}
    yield {"password": "falsch", "code": "000000"}
    yield {"name": "Niemand", "code": "000000"}


def test_everything_wrong_looks_the_same(door, later):
    texts = set()
    for typed in situations(door):
        later(minutes=2)
        page = sign_in(door, **typed)
        texts.add((page.status, without_random(page.text).replace("Niemand", "Clara Neumann")))
    assert len(texts) == 1


def test_everything_wrong_costs_the_same(door, monkeypatch, later):
    work = []

    def counted(place, name):
        original = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *arguments: work.append(name) or original(*arguments))

    counted(staff, "check_password_hash")
    counted(pyotp.TOTP, "generate_otp")
    costs = set()
    for typed in situations(door):
        later(minutes=2)
        work.clear()
        sign_in(door, **typed)
        costs.add(tuple(work))
    assert costs == {("check_password_hash", "generate_otp", "generate_otp", "generate_otp")}


def test_hash_for_nobody_is_as_slow_as_a_real_one(app):
    with database.connection_context():
        member = staff.add("Robin Roth", "Teller, Wolke und Gabel", NOW)
    parameters = member.password_hash.split("$")[0]
    assert parameters.startswith("scrypt:")
    assert accounts.dummy_hash().split("$")[0] == parameters


@pytest.mark.parametrize(
    "change",
    [
        staff.lock,
        lambda member, now: staff.set_password(member, "Teller, Wolke und Gabel", now),
        lambda member, now: second_factor.begin(member),
        lambda member, now: Staff.update(totp_enabled_at=now).execute(),
    ],
    ids=["locked", "password", "secret", "second factor"],
)
def test_account_that_changes_while_the_password_is_checked(door, monkeypatch, change):
    def check(*_):
        with transaction():
            change(Staff.get(), NOW)
        return True

    monkeypatch.setattr(staff, "check_password_hash", check)
    assert sign_in(door).status == 422


def test_old_session_is_not_taken_over(door, anna):
    receipt = anna.report("incident").response.request.path
    anna.known = door.known
    before = anna.get(SIGN_IN).fields()["csrf_token"]
    with anna.client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
        old = cookie["csrf_token"]
    assert sign_in(anna).status == 303
    with anna.client.session_transaction() as cookie:
        assert cookie.get("csrf_token") != old
        assert "planted" not in cookie
    assert anna.get(receipt).status == 200
    anna.post("/verwaltung/abmelden", {"csrf_token": before})
    assert is_signed_in(anna)


def test_signing_in_anew_ends_the_session_of_before(clara):
    clara.known = {"name": "Clara Neumann", "password": PASSWORD}
    old = clara.client.get_cookie("session").value
    form = Visitor(clara.client.application, {}).get(SIGN_IN).fields().to_dict()
    form["csrf_token"] = clara.get(HOME).fields()["csrf_token"]
    assert clara.post(SIGN_IN, form | clara.known).status == 303
    assert is_signed_in(clara)
    clara.client.set_cookie("session", old)
    assert not is_signed_in(clara)


def test_who_is_signed_in_needs_no_form(clara):
    assert clara.get(SIGN_IN).response.location == HOME


# --- Where the way goes on ---


def test_way_goes_on_where_it_was_going(door):
    asked = door.get("/verwaltung/tickets?art=stoerung&text=Papier+stau")
    assert asked.status == 303
    form = door.get(asked.response.location)
    page = door.post(SIGN_IN, form.fields().to_dict() | door.known)
    assert page.response.location == "/verwaltung/tickets?art=stoerung&text=Papier+stau"


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "//evil.example/verwaltung/",
        "///verwaltung/",
        "/\\evil.example",
        "/\\evil.example/verwaltung/",
        "\\\\evil.example",
        "https://evil.example/verwaltung/",
        "https:/verwaltung/",
        "javascript:alert(1)",
        "verwaltung/",
        "/",
        "/hilfe",
        "/verwaltung/../hilfe",
        "/verwaltung//evil.example",
        "/verwaltung/gibt-es-nicht",
        "/verwaltung/abmelden",
        "/verwaltung/[",
        "/verwaltung.evil.example/",
        "\t//evil.example",
        "x" * 5000,
    ],
)
def test_way_never_leads_outside(door, onward):
    assert sign_in(door, onward=onward).response.location == HOME


# --- Out ---


def test_sign_out_ends_the_session_for_good(door):
    sign_in(door)
    stolen = door.client.get_cookie("session").value
    page = door.post("/verwaltung/abmelden", door.get(HOME).fields())
    assert (page.status, page.response.location) == (303, SIGN_IN)
    assert not is_signed_in(door)
    door.client.set_cookie("session", stolen)
    assert not is_signed_in(door)


def test_sign_out_twice(door):
    sign_in(door)
    values = door.get(HOME).fields()
    for _ in range(2):
        assert door.post("/verwaltung/abmelden", values).status == 303


@pytest.mark.parametrize(
    "change",
    [staff.lock, lambda member, now: staff.set_password(member, "Teller, Wolke und Gabel", now), sessions.end_all],
    ids=["locked", "password", "all"],
)
def test_session_ends_at_once(clara, change):
    assert is_signed_in(clara)
    act(change)
    assert not is_signed_in(clara)


def test_unlocked_account_needs_a_new_session(clara):
    act(staff.lock)
    act(lambda member, now: staff.unlock(member))
    assert not is_signed_in(clara)
    clara.known = {"name": "Clara Neumann", "password": PASSWORD}
    assert sign_in(clara).status == 303


def test_idle_limit(clara, later):
    later(minutes=settings.staff_idle_minutes - 1)
    assert is_signed_in(clara)
    later(minutes=settings.staff_idle_minutes - 1)
    assert is_signed_in(clara)
    later(minutes=settings.staff_idle_minutes + 1)
    assert not is_signed_in(clara)


def test_what_the_page_asks_by_itself_keeps_nobody_signed_in(clara, later):
    later(minutes=settings.staff_idle_minutes - 1)
    assert clara.get(HOME, headers=HTMX | {"HX-Trigger": "live"}).status == 200
    later(minutes=2)
    page = clara.get(HOME, headers=HTMX | {"HX-Trigger": "live"})
    assert (page.status, page.text) == (401, "")
    assert page.response.headers["HX-Redirect"] == SIGN_IN


def test_absolute_limit(clara, later):
    for _ in range(settings.staff_session_hours):
        assert is_signed_in(clara)
        later(hours=1)
    assert not is_signed_in(clara)


def test_invented_session(door):
    sign_in(door)
    door.client.set_cookie("session", door.client.get_cookie("session").value + "x")
    assert not is_signed_in(door)
    with door.client.session_transaction() as cookie:
        cookie["staff"], cookie["staff_seen"] = "invented", int(NOW.timestamp())
    assert not is_signed_in(door)


def test_old_sessions_are_swept(clara):
    with database.connection_context():
        assert StaffSession.select().count() == 1
        sessions.sweep(NOW + timedelta(days=29))
        assert StaffSession.select().count() == 1
        sessions.sweep(NOW + timedelta(days=30))
        assert StaffSession.select().count() == 0


# --- Guessing ---


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
        later(seconds=seconds)
        fail(door, 1, name=name)


def test_too_early_is_not_looked_at_and_counts_nothing(door, later, monkeypatch):
    fail(door, 5)
    before = stored()
    with monkeypatch.context() as patch:
        patch.setattr(staff, "check_password_hash", None)
        for _ in range(20):
            assert is_slowed(door)
    assert stored() == before
    later(seconds=1)
    assert not is_slowed(door)


def test_nobody_is_locked_out_for_good(door, later):
    with database.connection_context():
        account_source, address_source = attempts.of_account("clara neumann"), attempts.of_address("127.0.0.1")
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
        assert FailedAttempts.get(FailedAttempts.source == attempts.of_account("clara neumann")).count == 1


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
    assert (attempts.of_address(first) == attempts.of_address(second)) == same


def test_what_is_typed_as_a_name_is_stored_nowhere(door):
    fail(door, 1, name="Mein Kennwort im falschen Feld")
    assert "falschen feld" not in str(stored()).casefold()


def test_failures_are_forgotten_after_a_day(door, later):
    fail(door, 5)
    later(days=1, seconds=1)
    fail(door, 5)
    assert is_slowed(door)
    with database.connection_context():
        attempts.sweep(clock.now() + timedelta(hours=23))
        assert FailedAttempts.select().count() == 2
        attempts.sweep(clock.now() + timedelta(days=1))
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
    monkeypatch.setattr(staff, "check_password_hash", lambda *_: checked.append(1))

    def guess():
        with database.connection_context():
            together.wait()
            with suppress(attempts.TooManyAttempts):
                staff.sign_in("Clara Neumann", "falsch", "", "127.0.0.1", NOW)

    guessers = [Thread(target=guess) for _ in range(12)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    assert len(checked) == attempts.FREE_FAILURES


def test_slow_hash_keeps_nobody_from_writing(door, monkeypatch):
    def write():
        with database.connection_context(), transaction():
            Staff.update(name="Clara N.").execute()

    def check(*_):
        writer = Thread(target=write, daemon=True)
        writer.start()
        writer.join(timeout=3)
        return not writer.is_alive()

    monkeypatch.setattr(staff, "check_password_hash", check)
    assert sign_in(door).status == 303


def test_limits_can_be_switched_off(door, monkeypatch):
    monkeypatch.setattr(settings, "limits", "off")
    fail(door, 8)
    assert not is_slowed(door)


# --- Second factor ---


def test_second_factor(door):
    app, _ = with_second_factor()
    assert WRONG in sign_in(door).text
    assert WRONG in sign_in(door, code="000000").text
    assert sign_in(door, code=app.at(NOW)).status == 303


@pytest.mark.parametrize(("seconds", "fits"), [(-60, False), (0, True), (30, True), (60, False)])
def test_clock_of_the_phone(door, seconds, fits):
    app, _ = with_second_factor()
    code = app.at(NOW + timedelta(seconds=seconds))
    assert (sign_in(door, code=f"{code[:3]} {code[3:]}").status == 303) == fits


def test_code_counts_once(door, later):
    app, _ = with_second_factor()
    first, second = app.at(NOW), app.at(NOW + timedelta(seconds=30))
    assert sign_in(door, code=second).status == 303
    door.client.delete_cookie("session")
    assert sign_in(door, code=second).status == 422
    assert sign_in(door, code=first).status == 422
    later(seconds=60)
    assert sign_in(door, code=app.at(clock.now())).status == 303


def test_recovery_code_counts_once(door):
    _, codes = with_second_factor()
    assert len(codes) == len(set(codes)) == 8
    typed = codes[3].lower().replace("-", " ")
    assert sign_in(door, code=typed).status == 303
    door.client.delete_cookie("session")
    assert sign_in(door, code=codes[3]).status == 422
    assert sign_in(door, code=codes[4]).status == 303


def test_wrong_password_uses_up_no_code(door):
    app, codes = with_second_factor()
    for code in (app.at(NOW), codes[0]):
        assert sign_in(door, password="falsch", code=code).status == 422
        assert sign_in(door, code=code).status == 303
        door.client.delete_cookie("session")


def test_recovery_code_of_somebody_else(door, shared):
    _, codes = with_second_factor()
    with database.connection_context():
        other = Staff.create(login="bo", name="Bo", password_hash=shared.password_hash, created_at=NOW)
        RecoveryCode.update(staff=other).execute()
    assert sign_in(door, code=codes[0]).status == 422


def test_database_alone_gives_no_code_away(door):
    app, codes = with_second_factor()
    text = str(stored())
    assert app.secret not in text
    assert not [code for code in codes if code in text or code.replace("-", "") in text]


# --- What was sent while the door was closed ---


@pytest.fixture
def note(clara, anna, work, tickets):
    """Clara's note to a ticket, as her browser would send it: the address and the values."""
    anna.report("incident")
    work()
    address = f"/verwaltung/ticket/{tickets()[0].submission.code}"
    token = clara.get(address).fields()["csrf_token"]
    text = "Frau Sommer ist <b>erst</b>\r\num 14 Uhr „da“."
    return f"{address}/notieren", {"csrf_token": token, "notieren-text": text}


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
    address, values = note
    clara.known = {"name": "Clara Neumann", "password": PASSWORD}
    lose(clara)
    form = clara.post(address, values, headers=headers)
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
    (action,) = [form.get("action") for form in again.tree.iter("form") if form.get("action") == address]
    sent = clara.post(action, again.fields())
    assert sent.status == 303
    assert notes() == ["Frau Sommer ist <b>erst</b>\num 14 Uhr „da“."]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_was_sent_without_a_valid_token_is_not_lost(clara, note, headers):
    address, values = note
    page = clara.post(address, values | {"csrf_token": "bogus"}, headers=headers)
    assert page.status == (422 if headers else 403)
    assert notes() == []
    assert clara.post(address, page.fields()).status == 303
    assert len(notes()) == 1


def test_files_are_said_to_be_missing(clara, note):
    address, values = note
    page = clara.post(address, values | {"csrf_token": "bogus", "datei": (io.BytesIO(b"Hallo"), "Notiz.txt")})
    assert "Bitte wählen Sie sie auf der nächsten Seite noch einmal" in page.text
    assert "Bitte wählen Sie sie" not in clara.post(address, values | {"csrf_token": "bogus"}).text


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
@pytest.mark.parametrize("is_in", [True, False])
def test_what_another_site_sends_is_carried_nowhere(clara, note, headers, is_in):
    address, values = note
    if not is_in:
        lose_cookie(clara)
    page = clara.post(address, values | {"csrf_token": "bogus"}, headers=headers)
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
    ],
)
def test_invented_held_values_lead_nowhere(door, held):
    page = sign_in(door, held=held)
    assert (page.status, page.response.location) == (303, HOME)


@pytest.mark.parametrize("lose", [lose_cookie, lambda visitor: None], ids=["cookie", "token"])
def test_sign_in_page_that_is_out_of_date(door, lose):
    values = door.get(SIGN_IN, query_string={"weiter": "/verwaltung/konto"}).fields().to_dict() | door.known
    lose(door)
    page = door.post(SIGN_IN, values | {"csrf_token": "bogus"})
    assert page.status == 422
    assert "Diese Seite war abgelaufen" in page.text
    assert page.fields()["name"] == "Clara Neumann"
    assert PASSWORD not in page.text
    page = door.post(SIGN_IN, page.fields().to_dict() | door.known)
    assert page.response.location == "/verwaltung/konto"


def test_sign_in_sent_by_another_site(door):
    values = door.known | {"csrf_token": "bogus"}
    page = door.post(SIGN_IN, values, headers={"Sec-Fetch-Site": "cross-site"})
    assert (page.status, page.response.location) == (303, SIGN_IN)
