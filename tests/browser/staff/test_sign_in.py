"""Sign-in pages in Chromium, and a session that ends during input."""

import re

import pyotp
import pytest
from playwright.sync_api import expect

from i18n.typed_text import normalise_code
from models import StaffSession
from tests.support.browser.checks import looks_good
from tests.support.servers.http_client import HttpClient, code_on

NAME, PASSWORD = "Robin Roth", "zwölf gelbe Drucker"


@pytest.fixture(scope="session")
def robin(portal):
    """Robin has an account."""
    portal.run("verwaltung", "neu", "--name", NAME, typed=f"{PASSWORD}\n{PASSWORD}\n")


def sign_in(tab, code=""):
    tab.fill({"name": NAME, "password": PASSWORD, "one_time_code": code})
    tab.at("main button").click()


def test_account_and_second_factor(tab, robin):
    tab.open("/verwaltung/konto")
    looks_good(tab)
    tab.at("main button").click()
    tab.focus_is_on(".summary")
    looks_good(tab)
    sign_in(tab)
    expect(tab.at("h1")).to_have_text(f"Konto von {NAME}")
    looks_good(tab)
    tab.fill({"beginnen-password": PASSWORD})
    tab.at("button", has_text="Zweiten Faktor einrichten").click()
    expect(tab.at("img")).to_be_visible()
    assert tab.at("img").evaluate("image => image.naturalWidth") > 100
    looks_good(tab)
    app = pyotp.TOTP(tab.at("b.typed").inner_text().replace(" ", ""))
    tab.fill({"one_time_code": app.now()})
    tab.at("button", has_text="Einschalten").click()
    expect(tab.at(".keys li")).to_have_count(8)
    looks_good(tab)
    recovery_code = tab.at(".keys li").first.inner_text()
    tab.at("a", has_text="Ich habe sie verwahrt").click()
    for summary in tab.at("summary").all():
        summary.click()
    looks_good(tab)
    tab.at("header button", has_text="Abmelden").click()
    sign_in(tab, recovery_code)
    expect(tab.at("h1")).to_contain_text("Heute")
    tab.open("/verwaltung/konto")
    expect(tab.at("#second-factor")).to_contain_text("noch 7")
    tab.at("summary", has_text="abschalten").click()
    tab.fill({"abschalten-password": PASSWORD})
    tab.at("button", has_text="Abschalten").click()
    expect(tab.at("[role=status]")).to_have_text("Der zweite Faktor ist abgeschaltet.")


def test_session_that_ends_while_somebody_writes(portal, robin, known, tab):
    line = HttpClient(portal)
    code = code_on(line.post("/", line.filled(known)))
    portal.run("worker", "--einmal")
    tab.open(f"/verwaltung/ticket/{normalise_code(code)}")
    sign_in(tab)
    tab.fill({"text": "Frau Sommer ist erst\num 14 Uhr da."})
    with portal.database():
        StaffSession.update(ended_at=StaffSession.began_at).execute()
    tab.at("#send").click()
    expect(tab.at("h1")).to_have_text("Anmelden")
    expect(tab.page).to_have_title(re.compile("Anmelden"))
    tab.focus_is_on(".summary")
    looks_good(tab)
    sign_in(tab)
    expect(tab.at("blockquote")).to_have_text("Frau Sommer ist erst um 14 Uhr da.")
    looks_good(tab)
    tab.at("button", has_text="Noch einmal senden").click()
    expect(tab.at(".events")).to_contain_text("Frau Sommer ist erst")
