"""Tickets in Chromium: one handled by keyboard only, live updates, and the look of every page."""

import re

import pytest
from playwright.sync_api import expect

from i18n.typed_text import normalise_code
from tests.support.browser.checks import is_accessible, looks_good
from tests.support.browser.keyboard import Keyboard
from tests.support.files.samples import SMALL_PNG
from tests.support.servers.http_client import HttpClient, code_on, with_file

NAME, PASSWORD = "Clara Neumann", "zwölf gelbe Drucker"


@pytest.fixture(scope="session")
def member(portal):
    """Clara has an account."""
    portal.run("verwaltung", "neu", "--name", NAME, typed=f"{PASSWORD}\n{PASSWORD}\n")


@pytest.fixture
def office(staff_tab):
    """Clara's signed-in tab."""
    return staff_tab()


@pytest.fixture
def reported(portal, known):
    """Anna reports an incident with a photo; the worker of the running portal makes the ticket."""

    def report(description, priority="high"):
        line = HttpClient(portal)
        values = line.filled(known) | {"description": description, "priority": priority}
        code = code_on(line.post("/", *with_file(values, "Foto.png", SMALL_PNG)))
        portal.run("worker", "--einmal")
        return normalise_code(code)

    return report


def test_life_of_a_ticket_by_keyboard(open_tab, member, reported):
    code = reported("Die Kasse druckt keine Bons.")
    tab = open_tab()
    keyboard = Keyboard(tab)
    tab.open("/verwaltung/")
    keyboard.go_to("name")
    keyboard.type(NAME)
    keyboard.press("Tab")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    expect(tab.at("h1")).to_contain_text("Heute")
    keyboard.follow("Tickets")
    expect(tab.at("h1")).to_have_text("Tickets")
    keyboard.press("/")
    tab.focus_is_on("#search")
    keyboard.type(code)
    keyboard.press("Enter")
    expect(tab.at(".row-title")).to_have_count(1)
    keyboard.follow("Die Kasse druckt keine Bons.")
    expect(tab.at("#ticket")).to_be_visible()
    keyboard.go_to("text")
    keyboard.type("Walze bestellt")
    keyboard.follow("Interne Notiz speichern")
    expect(tab.at("#ticket [role=status]")).to_contain_text("In Bearbeitung")
    for button, text, status in (
        ("Auf den Kunden warten", "Modell der Kasse?", "Wartet auf Kunde"),
        ("Arbeit beginnen", None, "In Bearbeitung"),
        ("Erledigt", "Walze getauscht", "Erledigt"),
        ("Wieder öffnen", "Geht schon wieder nicht", "Neu"),
        ("Stornieren", "Kasse wird ersetzt", "Storniert"),
        ("Rückgängig", None, "Neu"),
    ):
        if button == "Stornieren":
            tab.at("summary", has_text="Mehr").focus()
            keyboard.press("Enter")
        keyboard.follow(button)
        if text:
            keyboard.press("Tab")
            keyboard.type(text)
            keyboard.follow(button)
            expect(tab.at("#ticket .events")).to_contain_text(text)
        expect(tab.at("#ticket [role=status]")).to_contain_text(status)
        tab.focus_is_on("#ticket h1")
    expect(tab.at(".internal")).to_contain_text("Walze bestellt")
    keyboard.follow("Abmelden")
    expect(tab.at("h1")).to_have_text("Anmelden")


def test_what_is_missing_gets_the_focus(office, reported):
    code = reported("Das WLAN bricht ab.")
    office.open(f"/verwaltung/ticket/{code}")
    office.at("summary", has_text="Mehr").click()
    office.at("summary", has_text="Stornieren").click()
    office.at("button", has_text="Stornieren").click()
    office.focus_is_on(".summary")
    office.at(".summary a").click()
    office.focus_is_on("#stornieren-reason")
    expect(office.page).to_have_title(re.compile("^Fehler: "))
    office.page.keyboard.type("Doppelt gemeldet")
    office.at("button", has_text="Stornieren").click()
    expect(office.at("#ticket [role=status]")).to_contain_text("Storniert")
    expect(office.at("#undo")).to_be_visible()
    looks_good(office)


def test_second_window_is_told(office, reported):
    code = reported("Der Scanner dreht die Seiten.")
    office.open(f"/verwaltung/ticket/{code}")
    second = office.page.context.new_page()
    second.goto(f"/verwaltung/ticket/{code}")
    second.get_by_role("button", name="Arbeit beginnen").click()
    expect(second.locator("#ticket [role=status]")).to_contain_text("In Bearbeitung")
    office.at("summary", has_text="Erledigt").click()
    office.at("#erledigen-text").fill("Treiber erneuert")
    office.at("button", has_text="Erledigt").click()
    expect(office.at(".summary")).to_contain_text("Arbeit begonnen")
    expect(office.at("#erledigen-text")).to_have_value("Treiber erneuert")
    office.at("button", has_text="Erledigt").click()
    expect(office.at("#ticket [role=status]")).to_contain_text("Erledigt")


def test_new_ticket_appears_while_somebody_reads(office, reported):
    first = reported("Zapfanlage tropft", "low")
    # The page itself asks every twenty seconds; the browser's clock is put forward instead of waiting.
    office.page.clock.install()
    office.open("/verwaltung/tickets?text=zapfanlage")
    office.at(f"#ticket-{first}").focus()
    second = reported("Zapfanlage steht", "low")
    expect(office.at(f"#ticket-{second}")).to_have_count(0)
    office.page.clock.fast_forward(20_500)
    expect(office.at(f"#ticket-{second}")).to_be_visible()
    office.focus_is_on(f"#ticket-{first}")


def test_ticked_tickets_are_closed_together(office, reported):
    codes = [reported(f"Zapfsäule {number} druckt nicht.", "low") for number in range(3)]
    office.page.clock.install()
    office.open("/verwaltung/tickets?text=zapfsäule")
    ticks = office.at("input[name=ticket]")
    ticks.first.click()
    ticks.last.click(modifiers=["Shift"])
    expect(office.at("input[name=ticket]:checked")).to_have_count(3)
    codes.append(reported("Zapfsäule 3 druckt nicht.", "low"))
    # The page does not renew itself while something is ticked.
    office.page.clock.fast_forward(20_500)
    office.at("summary", has_text="Erledigt").click()
    looks_good(office)
    office.at("#erledigen-text").fill("Papier nachgelegt")
    office.at("details[open] button").click()
    expect(office.at("#batch")).to_contain_text("Erledigt: 3 Tickets")
    expect(office.at(f"#ticket-{codes[3]}")).to_be_visible()
    expect(office.at(f"#ticket-{codes[0]}")).to_have_count(0)
    office.at("#all").check()
    expect(office.at("input[name=ticket]:checked")).to_have_count(1)


def test_pages(office, reported):
    reported(f"Fehler0x80070643{'x' * 60}")
    for path in ("", "tickets", "tickets?art=stoerung&stand=alle", "zahlen", "datenschutz", "datenschutz/person"):
        office.open(f"/verwaltung/{path}")
        looks_good(office)


def test_pages_of_the_outbox(office, reported):
    for _ in range(2):
        reported(f"Fehler0x80070643{'x' * 60}")
    office.open("/verwaltung/postausgang?stand=wartet")
    office.at("summary", has_text="verwerfen").click()
    looks_good(office)
    office.at(".row-title").first.click()
    expect(office.at("#live")).to_contain_text("bis ein Mailserver eingerichtet ist")
    looks_good(office)


def test_page_of_a_ticket(office, reported):
    code = reported(f"Fehler0x80070643{'x' * 60}")
    office.open(f"/verwaltung/ticket/{code}")
    looks_good(office)
    # Those inside another are opened after it; that of the facts is open already.
    for summary in office.at("details:not([open]) > summary").all()[::-1]:
        summary.evaluate("summary => summary.parentElement.open = true")
    looks_good(office)
    office.at("#send").click()
    office.focus_is_on(".summary")
    is_accessible(office)


def test_ticket_on_paper(office, reported):
    code = reported("Die Kasse druckt keine Bons.")
    office.open(f"/verwaltung/ticket/{code}")
    office.page.emulate_media(media="print")
    expect(office.at("h1")).to_be_visible()
    expect(office.at("#events")).to_be_visible()
    for selector in ("header", "#verbs", "button"):
        for element in office.at(selector).all():
            expect(element).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_priority_on_paper(office, reported, scheme):
    """The printed page has no backgrounds, so the word itself must be dark, whatever the screen looks like."""
    code = reported("Die Kasse druckt keine Bons.")
    for path in ("tickets", f"ticket/{code}"):
        office.open(f"/verwaltung/{path}")
        office.page.emulate_media(media="print", color_scheme=scheme)
        badge = office.at(".priority-high", has_text="Hoch").first
        expect(badge).to_have_css("color", "rgb(0, 0, 0)")
        expect(badge).to_have_css("background-color", "rgba(0, 0, 0, 0)")
