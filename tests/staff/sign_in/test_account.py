"""The account page: password, second factor and sessions."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from database import database
from models import RecoveryCode, Staff
from services.staff import sessions, two_factor
from tests.support.cast import NOW, PASSWORD, signed_in
from tests.support.database import snapshot
from tests.support.pages import Visitor

ACCOUNT = "/verwaltung/konto"
NEW = "Teller, Wolke und Gabel"


def do(visitor, action, **values):
    """Fill in one of the forms of the account page and send it."""
    token = visitor.get(ACCOUNT).fields()["csrf_token"]
    return visitor.post(f"{ACCOUNT}/{action}", values | {"csrf_token": token})


def member():
    with database.connection_context():
        return Staff.get(Staff.login == "clara neumann")


@pytest.fixture
def elsewhere(app, clara):
    """Clara in front of another browser, signed in there, too."""
    visitor = Visitor(app, {})
    with database.connection_context():
        token = sessions.begin(Staff.get(), "198.51.100.7", NOW - timedelta(hours=1))
    with visitor.client.session_transaction() as cookie:
        cookie["staff"], cookie["staff_seen"] = token, int(NOW.timestamp())
    return visitor


@pytest.fixture
def phone(clara):
    """Clara's app, after she has switched the second factor on."""
    app = begin(clara)
    do(clara, "zweiter-faktor/bestaetigen", one_time_code=app.at(NOW))
    return app


def begin(visitor):
    """Begin the setup of the second factor and return the app with its key."""
    page = do(visitor, "zweiter-faktor", **{"beginnen-password": PASSWORD})
    assert page.status == 303
    shown = visitor.get(ACCOUNT)
    (key,) = [element.text for element in shown.tree.iter("b") if element.get("class") == "typed"]
    return pyotp.TOTP(key.replace(" ", ""))


def codes_of(page):
    """Return the recovery codes that a page shows."""
    return re.findall(r"<li>((?:[2-9A-Z]{4}-){3}[2-9A-Z]{4})</li>", page.text)


def test_page(clara):
    page = clara.get(ACCOUNT)
    assert page.status == 200
    assert page.tree.findtext(".//h1") == "Konto von Clara Neumann"


# --- Password ---


def test_change_password(clara, elsewhere):
    stolen = clara.client.get_cookie("session").value
    page = do(clara, "kennwort", current_password=PASSWORD, password=NEW, repeated_password=NEW)
    assert page.status == 303
    assert "Ihr Kennwort ist geändert." in clara.get(page.response.location).text
    assert elsewhere.get(ACCOUNT).status == 303
    elsewhere.client.set_cookie("session", stolen)
    assert elsewhere.get(ACCOUNT).status == 303
    form = elsewhere.get("/verwaltung/anmelden").fields().to_dict()
    for password, status in ((PASSWORD, 422), (NEW, 303)):
        answer = elsewhere.post("/verwaltung/anmelden", form | {"name": "Clara Neumann", "password": password})
        assert answer.status == status


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        (
            {"current_password": "falsch"},
            "current_password",
            "Dieses Kennwort stimmt nicht. Bitte tippen Sie es noch einmal.",
        ),
        ({"current_password": ""}, "current_password", "Bitte geben Sie Ihr bisheriges Kennwort ein."),
        ({"repeated_password": "x"}, "repeated_password", "Die beiden Kennwörter sind verschieden."),
        ({"password": "Kennwort2026", "repeated_password": "Kennwort2026"}, "password", "zu leicht zu erraten"),
        ({"password": "Clara.Neumann1", "repeated_password": "Clara.Neumann1"}, "password", "zu leicht zu erraten"),
        ({"password": "kurz", "repeated_password": "kurz"}, "password", "mindestens 12 Zeichen"),
    ],
)
def test_password_not_changed(clara, elsewhere, changes, field, sentence):
    before = member().password_hash
    page = do(clara, "kennwort", **{"current_password": PASSWORD, "password": NEW, "repeated_password": NEW} | changes)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert set(page.errors()) == {field}
    assert sentence in page.errors()[field]
    assert [target for target, _ in page.summary()] == [f"#{field}"]
    assert NEW not in page.text
    assert member().password_hash == before
    assert elsewhere.get(ACCOUNT).status == 200


def test_guessing_the_password_of_an_open_session_gets_slow(clara, advance_clock):
    for _ in range(5):
        page = do(clara, "zweiter-faktor", **{"beginnen-password": "falsch"})
        assert page.errors() == {"beginnen-password": "Dieses Kennwort stimmt nicht. Bitte tippen Sie es noch einmal."}
    page = do(clara, "zweiter-faktor", **{"beginnen-password": PASSWORD})
    assert "Zu viele Versuche. Bitte warten Sie 2 Sekunden" in page.errors()["beginnen-password"]
    assert member().totp_salt is None
    advance_clock(seconds=2)
    assert do(clara, "zweiter-faktor", **{"beginnen-password": PASSWORD}).status == 303


# --- Second factor ---


def test_switch_on(clara):
    app = begin(clara)
    assert member().totp_enabled_at is None
    page = do(clara, "zweiter-faktor/bestaetigen", one_time_code=app.at(NOW))
    assert page.status == 200
    codes = codes_of(page)
    assert len(set(codes)) == 8
    assert member().totp_enabled_at == NOW
    account = clara.get(ACCOUNT)
    assert "noch 8" in account.text
    assert app.secret not in account.text.replace(" ", "")
    assert not [code for code in codes if code in account.text]
    # The same code does not sign in once more.
    assert member().totp_last_step == app.timecode(NOW)


def test_qr_code_says_what_the_key_says(clara):
    app = begin(clara)
    page = clara.get(ACCOUNT)
    (picture,) = page.tree.iter("img")
    assert picture.get("src").startswith("data:image/svg+xml")
    assert picture.get("alt")
    with database.connection_context():
        address = urlsplit(two_factor.provisioning_uri(Staff.get()))
    assert address.scheme == "otpauth"
    assert unquote(address.path) == "/IT-Service Meldeportal:Clara Neumann"
    assert parse_qs(address.query) == {"secret": [app.secret], "issuer": ["IT-Service Meldeportal"]}


def test_showing_the_key_changes_nothing(clara):
    begin(clara)
    before = snapshot()
    texts = {re.sub(r'value="[^"]*"', "", clara.get(ACCOUNT).text) for _ in range(2)}
    assert len(texts) == 1
    assert snapshot() == before


def test_begin_anew_makes_another_key(clara):
    first, second = begin(clara), begin(clara)
    assert first.secret != second.secret
    page = do(clara, "zweiter-faktor/bestaetigen", one_time_code=first.at(NOW))
    assert "Dieser Code stimmt nicht." in page.errors()["one_time_code"]
    assert do(clara, "zweiter-faktor/bestaetigen", one_time_code=second.at(NOW)).status == 200


@pytest.mark.parametrize("code", ["", "000000", "abc", "12345678"])
def test_wrong_first_code(clara, code):
    begin(clara)
    page = do(clara, "zweiter-faktor/bestaetigen", one_time_code=code)
    assert page.status == 422
    assert set(page.errors()) == {"one_time_code"}
    assert member().totp_enabled_at is None


def test_confirm_without_having_begun(clara):
    with database.connection_context():
        code = pyotp.TOTP(two_factor.setup_key(Staff.get()).replace(" ", "")).at(NOW)
    assert do(clara, "zweiter-faktor/bestaetigen", one_time_code=code).status == 303
    assert member().totp_enabled_at is None


def test_confirm_twice_shows_no_codes_again(clara, phone):
    page = do(clara, "zweiter-faktor/bestaetigen", one_time_code=phone.at(NOW))
    assert (page.status, page.response.location) == (303, ACCOUNT)


def test_setup_with_an_older_state_of_the_account(clara):
    """Another browser goes on with the setup between what this one read and what it writes."""
    with database.connection_context():
        two_factor.begin_setup(Staff.get())
        outdated = Staff.get()
        app = pyotp.TOTP(two_factor.setup_key(outdated).replace(" ", ""))
        two_factor.begin_setup(outdated)
        assert two_factor.confirm_setup(outdated, app.at(NOW), NOW) is None
        current = Staff.get()
        app = pyotp.TOTP(two_factor.setup_key(current).replace(" ", ""))
        assert len(two_factor.confirm_setup(current, app.at(NOW), NOW)) == two_factor.RECOVERY_CODES
        before = snapshot()
        assert two_factor.confirm_setup(current, app.at(NOW), NOW) is None
        two_factor.cancel_setup(current)
        two_factor.begin_setup(current)
        assert snapshot() == before


def test_begin_does_not_touch_one_in_force(clara, phone):
    before = member().totp_salt
    do(clara, "zweiter-faktor", **{"beginnen-password": PASSWORD})
    assert member().totp_salt == before


def test_setup_that_is_cancelled(clara):
    begin(clara)
    assert do(clara, "zweiter-faktor/abschalten").status == 303
    assert member().totp_salt is None


def test_new_recovery_codes(clara, phone):
    with database.connection_context():
        before = {code.code_hash for code in RecoveryCode.select()}
    for password in ("falsch", ""):
        page = do(clara, "zweiter-faktor/codes", **{"codes-password": password})
        assert set(page.errors()) == {"codes-password"}
    codes = codes_of(do(clara, "zweiter-faktor/codes", **{"codes-password": PASSWORD}))
    assert len(codes) == 8
    with database.connection_context():
        after = {code.code_hash for code in RecoveryCode.select()}
    assert len(after) == 8
    assert not after & before


def test_recovery_codes_need_a_second_factor(clara):
    assert do(clara, "zweiter-faktor/codes", **{"codes-password": PASSWORD}).status == 303
    with database.connection_context():
        assert RecoveryCode.select().count() == 0


def test_switch_off(clara, phone):
    for password in ("falsch", ""):
        page = do(clara, "zweiter-faktor/abschalten", **{"abschalten-password": password})
        assert set(page.errors()) == {"abschalten-password"}
        assert member().totp_enabled_at
    page = do(clara, "zweiter-faktor/abschalten", **{"abschalten-password": PASSWORD})
    assert page.status == 303
    assert "Der zweite Faktor ist abgeschaltet." in clara.get(page.response.location).text
    assert (member().totp_salt, member().totp_enabled_at, member().totp_last_step) == (None, None, None)
    with database.connection_context():
        assert RecoveryCode.select().count() == 0


def test_recovery_codes_left_are_counted(clara, phone):
    with database.connection_context():
        RecoveryCode.get().delete_instance()
    assert "noch 7" in clara.get(ACCOUNT).text


# --- Sessions ---


def test_own_sessions_are_listed(clara, elsewhere, app):
    signed_in(app, "Robin Roth")
    page = clara.get(ACCOUNT)
    lines = [
        " ".join("".join(item.itertext()).split())
        for item in page.tree.iter("li")
        if "seit" in "".join(item.itertext())
    ]
    assert lines == [
        "seit 23.11.2026 um 09:30 Uhr, von 198.51.100.7",
        "seit 23.11.2026 um 10:30 Uhr, von 127.0.0.1 – dieser Browser",
    ]


def test_sign_out_everywhere_else(clara, elsewhere, app):
    robin = signed_in(app, "Robin Roth")
    page = do(clara, "abmelden")
    assert page.status == 303
    assert "abgemeldet" in clara.get(page.response.location).text
    assert elsewhere.get(ACCOUNT).status == 303
    assert robin.get(ACCOUNT).status == 200


def test_unknown_word_in_the_address(clara):
    assert 'role="status"' not in clara.get(f"{ACCOUNT}?getan=%3Cb%3E").text
