"""Signing in and out: one answer for all that is wrong, the second factor, and sessions that end."""

from datetime import timedelta

import pyotp
import pytest

import clock
from database import database, transaction
from models import RecoveryCode, Staff, StaffSession
from services.customers import pins
from services.staff import accounts, sessions, two_factor
from settings import settings
from tests.support.cast import NOW, PASSWORD
from tests.support.database import snapshot
from tests.support.pages import HTMX, Visitor, without_random
from tests.support.staff import HOME, SIGN_IN, WRONG, change_account, is_signed_in, sign_in, with_two_factor

# --- In ---


def test_sign_in(signed_out):
    page = sign_in(signed_out)
    assert (page.status, page.response.location) == (303, HOME)
    home = signed_out.get(HOME)
    assert home.status == 200
    assert "Clara Neumann" in home.text
    assert "Abmelden" in home.text
    with signed_out.client.session_transaction() as cookie:
        assert cookie["staff"] not in str(snapshot())


@pytest.mark.parametrize("typed", ["clara neumann", "  CLARA  NEUMANN ", "Ｃｌａｒａ Neumann"])
def test_name_as_people_type_it(signed_out, typed):
    assert sign_in(signed_out, name=typed).status == 303


def test_password_in_another_composition(signed_out):
    password = "Größenwahn über München"
    change_account(lambda member, now: accounts.set_password(member, password, now))
    decomposed = password.replace("ö", "o\u0308").replace("ü", "u\u0308")
    assert sign_in(signed_out, password=decomposed).status == 303


@pytest.mark.parametrize(
    "changes", [{"name": "Niemand"}, {"password": "falsch"}, {"password": PASSWORD + "x"}, {"password": "x" * 200}]
)
def test_wrong(signed_out, changes):
    page = sign_in(signed_out, **changes)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert WRONG in page.text
    assert page.fields()["name"] == changes.get("name", "Clara Neumann")
    assert page.fields()["password"] == ""
    assert not is_signed_in(signed_out)


def test_empty_and_too_long(signed_out):
    assert sign_in(signed_out, name="", password="").errors() == {
        "name": "Bitte geben Sie Ihren Namen ein.",
        "password": "Bitte geben Sie Ihr Kennwort ein.",
    }
    page = sign_in(signed_out, name="x" * 101, password="x" * 201, code="x" * 41)
    assert set(page.errors()) == {"name", "password", "one_time_code"}
    assert page.fields()["one_time_code"] == ""


def situations(signed_out):
    """Yield what is typed in each of the failures that must look the same."""
    yield {"name": "Niemand"}
    yield {"password": "falsch"}
    change_account(accounts.lock)
    yield {}
    change_account(lambda member, now: accounts.unlock(member))
    with_two_factor()
    yield {}
    yield {"code": "000000"}
    yield {"password": "falsch", "code": "000000"}
    yield {"name": "Niemand", "code": "000000"}


def test_everything_wrong_looks_the_same(signed_out, advance_clock):
    texts = set()
    for typed in situations(signed_out):
        advance_clock(minutes=2)
        page = sign_in(signed_out, **typed)
        texts.add((page.status, without_random(page.text).replace("Niemand", "Clara Neumann")))
    assert len(texts) == 1


def test_everything_wrong_costs_the_same(signed_out, monkeypatch, advance_clock):
    work = []

    def counted(place, name):
        original = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *arguments: work.append(name) or original(*arguments))

    counted(accounts, "check_password_hash")
    counted(pyotp.TOTP, "generate_otp")
    costs = set()
    for typed in situations(signed_out):
        advance_clock(minutes=2)
        work.clear()
        sign_in(signed_out, **typed)
        costs.add(tuple(work))
    assert costs == {("check_password_hash", "generate_otp", "generate_otp", "generate_otp")}


def test_dummy_hash_is_as_slow_as_a_real_one(app):
    with database.connection_context():
        member = accounts.add("Robin Roth", "Teller, Wolke und Gabel", NOW)
    parameters = member.password_hash.split("$")[0]
    assert parameters.startswith("scrypt:")
    assert pins.dummy_hash().split("$")[0] == parameters


@pytest.mark.parametrize(
    "change",
    [
        accounts.lock,
        lambda member, now: accounts.set_password(member, "Teller, Wolke und Gabel", now),
        lambda member, now: two_factor.begin_setup(member),
        lambda member, now: Staff.update(totp_enabled_at=now).execute(),
    ],
    ids=["locked", "password", "secret", "second factor"],
)
def test_account_that_changes_while_the_password_is_checked(signed_out, monkeypatch, change):
    def check(*_):
        with transaction():
            change(Staff.get(), NOW)
        return True

    monkeypatch.setattr(accounts, "check_password_hash", check)
    assert sign_in(signed_out).status == 422


def test_old_session_is_not_taken_over(signed_out, anna):
    receipt = anna.report("incident").response.request.path
    anna.known = signed_out.known
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


def test_sign_in_page_of_a_signed_in_member(clara):
    assert clara.get(SIGN_IN).response.location == HOME


# --- Second factor ---


def test_second_factor(signed_out):
    app, _ = with_two_factor()
    assert WRONG in sign_in(signed_out).text
    assert WRONG in sign_in(signed_out, code="000000").text
    assert sign_in(signed_out, code=app.at(NOW)).status == 303


@pytest.mark.parametrize(("seconds", "fits"), [(-31, False), (-30, True), (0, True), (59, True), (60, False)])
def test_clock_of_the_phone(signed_out, seconds, fits):
    app, _ = with_two_factor()
    with database.connection_context():
        Staff.update(totp_last_step=None).execute()
    code = app.at(NOW + timedelta(seconds=seconds))
    assert (sign_in(signed_out, code=f"{code[:3]} {code[3:]}").status == 303) == fits


def test_code_counts_once(signed_out, advance_clock):
    app, _ = with_two_factor()
    first, second = app.at(NOW), app.at(NOW + timedelta(seconds=30))
    assert sign_in(signed_out, code=second).status == 303
    signed_out.client.delete_cookie("session")
    assert sign_in(signed_out, code=second).status == 422
    assert sign_in(signed_out, code=first).status == 422
    advance_clock(seconds=60)
    assert sign_in(signed_out, code=app.at(clock.now())).status == 303


def test_recovery_code_counts_once(signed_out):
    _, codes = with_two_factor()
    assert len(codes) == len(set(codes)) == 8
    typed = codes[3].lower().replace("-", " ")
    assert sign_in(signed_out, code=typed).status == 303
    signed_out.client.delete_cookie("session")
    assert sign_in(signed_out, code=codes[3]).status == 422
    assert sign_in(signed_out, code=codes[4]).status == 303


def test_wrong_password_uses_up_no_code(signed_out):
    app, codes = with_two_factor()
    for code in (app.at(NOW), codes[0]):
        assert sign_in(signed_out, password="falsch", code=code).status == 422
        assert sign_in(signed_out, code=code).status == 303
        signed_out.client.delete_cookie("session")


def test_code_counts_once_in_two_requests_at_once(signed_out):
    """Both have matched the code before one of them uses it up."""
    app, codes = with_two_factor()
    with database.connection_context():
        member = Staff.get()
        for code in (app.at(NOW), codes[0]):
            matches = [two_factor.match_code(member, code, NOW) for _ in range(2)]
            assert [two_factor.consume_code(member, match) for match in matches] == [True, False]


def test_recovery_code_of_somebody_else(signed_out, shared):
    _, codes = with_two_factor()
    with database.connection_context():
        other = Staff.create(login="bo", name="Bo", password_hash=shared.password_hash, created_at=NOW)
        RecoveryCode.update(staff=other).execute()
    assert sign_in(signed_out, code=codes[0]).status == 422


def test_database_alone_gives_no_code_away(signed_out):
    app, codes = with_two_factor()
    text = str(snapshot())
    assert app.secret not in text
    assert not [code for code in codes if code in text or code.replace("-", "") in text]


# --- The page after signing in ---


def test_signing_in_leads_to_the_requested_page(signed_out):
    asked = signed_out.get("/verwaltung/tickets?art=stoerung&text=Papier+stau")
    assert asked.status == 303
    form = signed_out.get(asked.response.location)
    page = signed_out.post(SIGN_IN, form.fields().to_dict() | signed_out.known)
    assert page.response.location == "/verwaltung/tickets?art=stoerung&text=Papier+stau"


@pytest.mark.parametrize("sign", ["%00", "%0d%0a", "%1b", "%C2%85", "%5C", "%ff", "%E2%80%A8"])
def test_signs_in_the_requested_url_are_no_failure(signed_out, sign):
    for url in (f"{HOME}tickets?text={sign}", f"{HOME}tickets{sign}", f"{SIGN_IN}?weiter={HOME}{sign}"):
        asked = signed_out.get(url)
        form = signed_out.get(asked.response.location) if asked.status == 303 else asked
        if form.status == 404:
            continue
        answer = signed_out.post(SIGN_IN, form.fields().to_dict() | signed_out.known)
        assert answer.status == 303
        assert answer.response.location.startswith(HOME)
        signed_out.client.delete_cookie("session")


@pytest.mark.parametrize(
    "next_url",
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
        "/verwaltung/tickets?text=" + "x" * 5000,
    ],
)
def test_signing_in_never_leads_outside(signed_out, next_url):
    assert sign_in(signed_out, next_url=next_url).response.location == HOME


@pytest.mark.parametrize("end", [*map(chr, range(32)), "\x7f", "\x85", "\u2028", "\r\nSet-Cookie: staff=1"], ids=ascii)
def test_control_characters_in_the_next_url_are_no_failure(signed_out, end):
    page = sign_in(signed_out, weiter=f"/verwaltung/tickets?text={end}")
    assert (page.status, page.response.location) == (303, HOME)


# --- Out ---


def test_sign_out_ends_the_session_for_good(signed_out):
    sign_in(signed_out)
    stolen = signed_out.client.get_cookie("session").value
    page = signed_out.post("/verwaltung/abmelden", signed_out.get(HOME).fields())
    assert (page.status, page.response.location) == (303, SIGN_IN)
    assert not is_signed_in(signed_out)
    signed_out.client.set_cookie("session", stolen)
    assert not is_signed_in(signed_out)


def test_sign_out_twice(signed_out):
    sign_in(signed_out)
    values = signed_out.get(HOME).fields()
    for _ in range(2):
        assert signed_out.post("/verwaltung/abmelden", values).status == 303


@pytest.mark.parametrize(
    "change",
    [
        accounts.lock,
        lambda member, now: accounts.set_password(member, "Teller, Wolke und Gabel", now),
        sessions.end_all,
    ],
    ids=["locked", "password", "all"],
)
def test_session_ends_at_once(clara, change):
    assert is_signed_in(clara)
    change_account(change)
    assert not is_signed_in(clara)


def test_unlocked_account_needs_a_new_session(clara):
    change_account(accounts.lock)
    change_account(lambda member, now: accounts.unlock(member))
    assert not is_signed_in(clara)
    clara.known = {"name": "Clara Neumann", "password": PASSWORD}
    assert sign_in(clara).status == 303


def test_idle_limit(clara, advance_clock):
    advance_clock(minutes=settings.staff_idle_minutes - 1)
    assert is_signed_in(clara)
    advance_clock(minutes=settings.staff_idle_minutes - 1)
    assert is_signed_in(clara)
    advance_clock(minutes=settings.staff_idle_minutes)
    assert is_signed_in(clara)
    advance_clock(minutes=settings.staff_idle_minutes, seconds=1)
    assert not is_signed_in(clara)


def test_polling_does_not_extend_the_session(clara, advance_clock):
    advance_clock(minutes=settings.staff_idle_minutes - 1)
    assert clara.get(HOME, headers=HTMX | {"HX-Trigger": "live"}).status == 200
    advance_clock(minutes=2)
    page = clara.get(HOME, headers=HTMX | {"HX-Trigger": "live"})
    assert (page.status, page.text) == (401, "")
    assert page.response.headers["HX-Redirect"] == SIGN_IN


def test_absolute_limit(clara, advance_clock):
    for _ in range(settings.staff_session_hours):
        assert is_signed_in(clara)
        advance_clock(minutes=59, seconds=59)
        assert is_signed_in(clara)
        advance_clock(seconds=1)
    assert not is_signed_in(clara)


def test_invented_session(signed_out):
    sign_in(signed_out)
    signed_out.client.set_cookie("session", signed_out.client.get_cookie("session").value + "x")
    assert not is_signed_in(signed_out)
    with signed_out.client.session_transaction() as cookie:
        cookie["staff"], cookie["staff_seen"] = "invented", int(NOW.timestamp())
    assert not is_signed_in(signed_out)


def test_old_sessions_are_swept(clara):
    with database.connection_context():
        assert StaffSession.select().count() == 1
        sessions.sweep(NOW + timedelta(days=29))
        assert StaffSession.select().count() == 1
        sessions.sweep(NOW + timedelta(days=30))
        assert StaffSession.select().count() == 0
