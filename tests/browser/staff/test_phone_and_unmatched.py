"""Tickets created by staff in Chromium: from a call and from an unmatched request."""

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

import clock
from models import Submission
from tests.support.browser.checks import looks_good
from tests.support.browser.tab import names_of
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES
from tests.support.staff import CALL


def test_a_call_on_a_narrow_screen(staff_tab, known, portal, sent):
    tab = staff_tab(viewport={"width": 360, "height": 740})
    tab.open(f"{CALL}?kunde={known['customer_number']}")
    tab.fill({"name": "Anna Sommer", "phone": "0211 555-0101"})
    tab.choose("new_employee")
    tab.fill({"entry_date": clock.today().isoformat()})
    expect(tab.at("#lead-time")).to_contain_text("sagen Sie den Termin nicht zu")
    tab.choose("warranty")
    tab.fill(EXAMPLES["warranty"])
    tab.add_files(("Foto.png", SMALL_PNG))
    tab.sees_files("Foto.png")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360

    tab.at("#customer_number").fill("K9999")
    tab.send()
    tab.focus_is_on(".summary")
    tab.sees_values(EXAMPLES["warranty"] | {"customer_number": "K9999"})
    tab.at("#customer_number").fill(known["customer_number"])
    tab.send()
    expect(tab.page).to_have_url(re.compile(r"/verwaltung/ticket/[2-9A-Z]{8}$"))
    (submission,) = sent()
    assert (submission.channel, submission.device) == ("phone", EXAMPLES["warranty"]["device"])
    assert names_of(submission) == ["Foto.png"]


def test_signed_out_in_the_middle_of_a_call(staff_tab, known, sent):
    tab = staff_tab()
    tab.open(f"{CALL}?kunde={known['customer_number']}")
    tab.choose("incident")
    tab.fill(EXAMPLES["incident"] | {"name": "Anna Sommer", "phone": "0211 555-0101"})
    cookies = tab.page.context.cookies()
    tab.page.context.clear_cookies()
    tab.add_files(("Foto.png", SMALL_PNG))
    expect(tab.at("#upload-message")).to_contain_text("in einem anderen Tab")
    tab.sees_values(EXAMPLES["incident"])
    tab.page.context.add_cookies(cookies)
    tab.send()
    expect(tab.page).to_have_url(re.compile(r"/verwaltung/ticket/[2-9A-Z]{8}$"))
    assert names_of(sent()[0]) == ["Foto.png"]


def test_the_form_of_a_call_is_accessible(staff_tab, known):
    tab = staff_tab()
    tab.open(f"{CALL}?kunde={known['customer_number']}")
    tab.choose("new_employee")
    tab.send()
    tab.focus_is_on(".summary")
    looks_good(tab)


def test_what_matched_nobody(staff_tab, known, portal):
    long_word = f"Fehler0x80070643{'x' * 60}"
    with portal.database():
        for number, code in enumerate(("UNMA2222", "UNMA3333", "UNMA4444", "UNMA5555")):
            Submission.create(
                draft=f"unmatched{number:013}",
                code=code,
                received_at=datetime.now(UTC),
                address="203.0.113.7",
                customer_number=known["customer_number"],
                name=long_word,
                phone=f"0172{'5' * 76}",
                category="incident",
                description=long_word,
                state="unmatched",
                unmatched_reason="wrong_pin",
            )
    tab = staff_tab()
    tab.open("/verwaltung/nicht-zugeordnet")
    for summary in tab.at("summary").all():
        summary.click()
    looks_good(tab)

    tab.at(".row-title").first.click()
    tab.at("button", has_text="In Ticket umwandeln").click()
    tab.focus_is_on(".summary")
    looks_good(tab)
    tab.fill({"note": "Anna Sommer, am Telefon"})
    tab.at("#note").press("Enter")
    expect(tab.page).to_have_url(re.compile(r"/verwaltung/ticket/UNMA5555$"))
    looks_good(tab)

    tab.open("/verwaltung/nicht-zugeordnet/UNMA5555")
    expect(tab.at("h1")).to_have_text("Diese Anfrage steht nicht mehr hier")
    tab.open("/verwaltung/nicht-zugeordnet")
    tab.at("summary", has_text="Alle 3 verwerfen").click()
    tab.at("button", has_text="Endgültig verwerfen").click()
    expect(tab.at("main")).to_contain_text("Hier ist nichts.")
