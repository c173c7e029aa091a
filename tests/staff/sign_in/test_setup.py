"""The first start: a printed link creates the first account, once."""

import re
from threading import Barrier, Thread

import pytest

from app import create_app
from database import database
from models import Staff, StaffSession
from services.security import keys
from services.staff import accounts
from settings import StartError, settings
from tests.support.cast import NOW
from tests.support.database import snapshot
from tests.support.pages import Visitor
from tests.support.servers.live_server import LiveServer
from views.staff.sign_in import setup

GOOD = {"name": "Clara Neumann", "password": "vier Wolken im Tee", "repeated_password": "vier Wolken im Tee"}


@pytest.fixture
def link(app):
    return f"/verwaltung/einrichten/{accounts.setup_token()}"


@pytest.fixture
def visitor(app):
    return Visitor(app, {})


def set_up(visitor, link, **changes):
    return visitor.post(link, visitor.get(link).fields().to_dict() | GOOD | changes)


def stored_accounts():
    with database.connection_context():
        return list(Staff.by_name())


def test_first_account(visitor, link):
    page = set_up(visitor, link)
    assert (page.status, page.response.location) == (303, "/verwaltung/")
    assert "Clara Neumann" in visitor.get("/verwaltung/").text
    (member,) = stored_accounts()
    assert (member.login, member.name) == ("clara neumann", "Clara Neumann")
    assert member.password_hash.startswith("scrypt:")
    assert GOOD["password"] not in str(snapshot())


def test_opening_the_link_changes_nothing(visitor, link):
    before = snapshot()
    for _ in range(2):
        assert visitor.get(link).status == 200
    assert snapshot() == before


def test_link_is_used_up(visitor, link, app):
    values = visitor.get(link).fields().to_dict() | GOOD | {"name": "Dora Dreist"}
    assert set_up(visitor, link).status == 303
    # Clara is signed in and does not need it, also after a double click.
    for page in (visitor.get(link), visitor.post(link, values)):
        assert (page.status, page.response.location) == (303, "/verwaltung/")
    assert [member.name for member in stored_accounts()] == ["Clara Neumann"]


def test_used_link_leads_to_the_sign_in_page(visitor, link, app):
    other = Visitor(app, {"name": "Clara Neumann", "password": GOOD["password"]})
    values = other.get(link).fields().to_dict() | GOOD | {"name": "Dora Dreist"}
    set_up(visitor, link)
    for page in (other.get(link), other.post(link, values), other.post(link, values | {"csrf_token": "bogus"})):
        assert page.status == 410
        assert "Das erste Konto gibt es schon" in page.text
        assert "Dora" not in page.text
    assert other.post("/verwaltung/anmelden", page.fields().to_dict() | other.known).response.location == "/verwaltung/"
    assert [member.name for member in stored_accounts()] == ["Clara Neumann"]


@pytest.mark.parametrize("token", ["x", "ä", "A" * 43])
def test_other_link(visitor, token):
    page = visitor.get(f"/verwaltung/einrichten/{token}")
    assert (page.status, page.tree.findtext(".//h1")) == (404, "Diese Seite gibt es nicht")
    assert visitor.post(f"/verwaltung/einrichten/{token}", GOOD).status == 404
    assert stored_accounts() == []


def test_other_link_does_not_say_whether_there_is_an_account(signed_out):
    assert signed_out.get(f"/verwaltung/einrichten/{'A' * 43}").status == 404


def test_a_lost_key_makes_another_link(link):
    settings.secret_key_path.unlink()
    keys.place_secret_key(bytes(32))
    assert accounts.setup_token() not in link


def test_two_people_at_once_make_one_account(app):
    start, outcomes = Barrier(2), []

    def add(name):
        start.wait()
        with database.connection_context():
            try:
                outcomes.append(accounts.add(name, GOOD["password"], NOW, is_first=True).name)
            except accounts.AlreadySetUp:
                outcomes.append(None)

    people = [Thread(target=add, args=(name,)) for name in ("Clara Neumann", "Dora Dreist")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert outcomes.count(None) == 1
    assert [member.name for member in stored_accounts()] == [name for name in outcomes if name]


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"name": ""}, {"name": "Bitte geben Sie Ihren Namen ein."}),
        ({"name": "x" * 101}, {"name": "Bitte kürzen Sie „Ihr Name“ auf höchstens 100 Zeichen."}),
        ({"name": "ﷺ" * 30}, {"name": "Bitte geben Sie einen Namen mit höchstens 100 Zeichen an."}),
        ({"password": ""}, {"password": "Bitte wählen Sie ein Kennwort.", "repeated_password": "verschieden"}),
        (
            {"password": "x" * 201, "repeated_password": "x" * 201},
            {"password": "höchstens 200 Zeichen", "repeated_password": "höchstens 200 Zeichen"},
        ),
        ({"repeated_password": ""}, {"repeated_password": "Bitte geben Sie das Kennwort ein zweites Mal ein."}),
        ({"repeated_password": "vier Wolken im Kaffee"}, {"repeated_password": "verschieden"}),
    ],
)
def test_what_is_missing_or_wrong(visitor, link, changes, errors):
    page = set_up(visitor, link, **changes)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert set(page.errors()) == set(errors)
    assert all(sentence in page.errors()[field] for field, sentence in errors.items())
    assert [target for target, _ in page.summary()] == [f"#{field}" for field in errors]
    assert page.fields()["name"] == changes.get("name", GOOD["name"])
    assert (page.fields()["password"], page.fields()["repeated_password"]) == ("", "")
    assert stored_accounts() == []


@pytest.mark.parametrize(
    "password",
    [
        "kurz",
        "elf Zeichen",
        "k7mxq2fh9wt",
        "123456789012",
        "passwort1234",
        "Kennwort2026",
        "Geheimnis123!",
        "qwertzuiop12",
        "aaaaaaaaaaaa",
        "Sommer2026!!",
        "clara neumann",
        "Clara.Neumann1",
        "Bergwerk-IT 1",
    ],
)
def test_password_that_is_refused(visitor, link, monkeypatch, password):
    monkeypatch.setattr(settings, "office_name", "Bergwerk-IT")
    page = set_up(visitor, link, password=password, repeated_password=password)
    assert page.status == 422
    assert set(page.errors()) == {"password"}
    assert stored_accounts() == []


@pytest.mark.parametrize(
    "password", ["vier Wolken im Tee", "k7mxq2fh9wtr", "x Ω 漢字 😀 zwölf!", "vier Wolken im Tee" * 11 + "zu"]
)
def test_password_that_is_good(visitor, link, password):
    assert set_up(visitor, link, password=password, repeated_password=password).status == 303


def test_name_is_kept_as_text(visitor, link):
    name = "<b>Clara</b> & Co"
    assert set_up(visitor, link, name=name).status == 303
    assert "&lt;b&gt;Clara&lt;/b&gt; &amp; Co" in visitor.get("/verwaltung/").text


def test_page_that_is_out_of_date(visitor, link):
    values = visitor.get(link).fields().to_dict() | GOOD
    visitor.client.delete_cookie("session")
    page = visitor.post(link, values)
    assert page.status == 422
    assert page.fields()["name"] == GOOD["name"]
    assert GOOD["password"] not in page.text
    assert stored_accounts() == []
    assert visitor.post(link, page.fields().to_dict() | GOOD | {"name": page.fields()["name"]}).status == 303


def test_sent_by_another_site(visitor, link):
    page = visitor.post(link, GOOD, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status == 303
    assert stored_accounts() == []


def test_session_of_the_first_account_is_an_ordinary_one(visitor, link):
    set_up(visitor, link)
    with database.connection_context():
        assert StaffSession.select().count() == 1
    visitor.post("/verwaltung/abmelden", visitor.get("/verwaltung/").fields())
    assert visitor.get("/verwaltung/").status == 303


def test_key_is_not_replaced_once_there_is_an_account(visitor, link):
    set_up(visitor, link)
    settings.secret_key_path.unlink()
    with pytest.raises(StartError, match="fehlt, und ohne sie gelten keine PIN und kein zweiter Faktor mehr"):
        create_app()


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ({"base_url": "https://melden.sommer.example/"}, r"https://melden\.sommer\.example"),
        ({"host": "0.0.0.0"}, r"http://127\.0\.0\.1:\d+"),
    ],
    ids=["base_url", "all addresses"],
)
def test_start_prints_the_link_while_there_is_no_account(tmp_path, options, start):
    portal = LiveServer(tmp_path / "instance")
    portal.start(**options)
    printed = [portal.read_line() for _ in range(2)]
    portal.stop()
    assert printed[0] == "Die Verwaltung hat noch kein Konto. Das erste legen Sie hier an:\n"
    assert re.fullmatch(rf"{start}/verwaltung/einrichten/[\w-]{{43}}\n", printed[1])
    assert ("können das Portal ohne Webserver öffnen" in portal.log()) == ("host" in options)


def test_link_that_the_start_prints(app, visitor, link):
    with app.test_request_context(), database.connection_context():
        assert setup.setup_link() == f"http://127.0.0.1:8400{link}"
    set_up(visitor, link)
    with app.test_request_context(), database.connection_context():
        assert setup.setup_link() is None
