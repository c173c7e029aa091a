"""The conversation in Chromium: attachments, text blocks, and the look of the pages."""

import hashlib
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from enums import EventKind, LinkPurpose
from i18n.typed_text import normalise_code
from models import Customer, Submission, TextBlock, Ticket, TicketLink
from tests.support.browser.checks import LONG_NAME, UNBROKEN, looks_good
from tests.support.browser.keyboard import Keyboard
from tests.support.browser.tab import PHONE
from tests.support.contacts import set_contact
from tests.support.files.samples import SMALL_PNG
from tests.support.servers.http_client import HttpClient, code_on

REFUSALS = {
    "blocked": "Object.defineProperty(window, 'sessionStorage', {get() { throw new DOMException(); }})",
    "full": "Storage.prototype.setItem = () => { throw new DOMException(); }",
}
TOKEN = "a-token-that-the-test-knows"


@pytest.fixture(scope="session")
def carla(portal):
    """What Carla types, whose company has an address on file."""
    known = portal.add_customer("K2002", "Café Carla") | {"name": "Carla Conte"}
    with portal.database():
        set_contact(Customer.get(Customer.number == "K2002"), email="post@carla.example")
    return known


@pytest.fixture
def ticket(portal, carla):
    """Carla's newest ticket, which can be opened with the token."""
    code = normalise_code(
        code_on((line := HttpClient(portal)).post("/", line.filled(carla) | {"description": UNBROKEN}))
    )
    portal.run("worker", "--einmal")
    with portal.database():
        ticket = Ticket.with_details().where(Submission.code == code).get()
        TicketLink.delete().where(TicketLink.token_hash == _hash()).execute()
        TicketLink.create(
            ticket=ticket, purpose=LinkPurpose.CUSTOMER, nonce=code, token_hash=_hash(), created_at=datetime.now(UTC)
        )
    return ticket


def _hash():
    return hashlib.sha256(TOKEN.encode()).hexdigest()


def messages(portal, ticket):
    """Return what the customer wrote, each with its files' names."""
    with portal.database():
        replies = [event for event in ticket.events if event.kind is EventKind.REPLIED]
        return [(event.text, [file.name for file in event.attachments]) for event in replies]


def test_message_with_files_on_their_way(tab, portal, ticket):
    tab.open(f"/vorgang/{TOKEN}")
    tab.at("#text").fill("Siehe Bilder")
    tab.add_files((LONG_NAME, SMALL_PNG), ("Falsch.log", b"1"))
    tab.sees_files(LONG_NAME, "Falsch.log")
    tab.page.get_by_role("button", name="Falsch.log entfernen").click()
    tab.sees_files(LONG_NAME)
    tab.begin_upload(("Notiz.txt", b"Hallo"))
    tab.send()
    expect(tab.at("#form-message")).to_have_text("Ihre Nachricht wird gesendet, sobald die Dateien hochgeladen sind.")
    tab.upload_goes_on()
    tab.focus_is_on(".notice")
    expect(tab.at(".message")).to_contain_text([LONG_NAME])
    expect(tab.at("#text")).to_have_value("")
    assert tab.chosen_files() == []
    assert messages(portal, ticket) == [("Siehe Bilder", [LONG_NAME, "Notiz.txt"])]
    tab.at("#text").fill("Und noch etwas")
    tab.send()
    expect(tab.at(".message")).to_have_count(2)
    assert messages(portal, ticket)[1] == ("Und noch etwas", [])
    looks_good(tab)


def test_a_begun_message_survives_a_reload_in_this_tab_until_it_is_sent(open_tab, portal, ticket):
    tab = open_tab(**PHONE)
    tab.open(f"/vorgang/{TOKEN}")
    tab.at("#text").fill("Zeile 1\nZeile 2")
    tab.page.reload()
    expect(tab.at("#text")).to_have_value("Zeile 1\nZeile 2")
    expect(tab.page.get_by_role("status").locator("#reply-restored")).to_be_visible()
    other = tab.page.context.new_page()
    other.goto(f"/vorgang/{TOKEN}")
    expect(other.locator("#text")).to_have_value("")
    expect(other.locator("#reply-restored")).to_be_hidden()
    other.close()
    tab.go_offline()
    tab.send()
    expect(tab.at("#form-message")).to_contain_text("Keine Verbindung")
    tab.go_online()
    tab.page.reload()
    tab.send()
    expect(tab.at(".message")).to_contain_text(["Zeile 1"])
    assert messages(portal, ticket) == [("Zeile 1\nZeile 2", [])]
    tab.page.reload()
    expect(tab.at("#text")).to_have_value("")
    assert tab.page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('meldeportal'))") == []


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_browser_that_keeps_nothing_still_sends(tab, portal, ticket, refusal):
    tab.page.context.add_init_script(refusal)
    tab.open(f"/vorgang/{TOKEN}")
    tab.at("#text").fill("Hallo")
    tab.send()
    expect(tab.at(".message")).to_contain_text(["Hallo"])


def test_upload_that_breaks_goes_along_with_the_message_once(tab, portal, ticket):
    tab.open(f"/vorgang/{TOKEN}")
    tab.begin_upload(("Notiz.txt", b"Hallo"))
    tab.upload_breaks()
    expect(tab.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    tab.send()
    tab.focus_is_on(".summary")
    expect(tab.at(".summary")).to_contain_text("Bitte schreiben Sie uns ein paar Worte.")
    looks_good(tab)
    for text in ("Siehe Notiz", "Danke"):
        tab.at("#text").fill(text)
        tab.send()
        expect(tab.at(".message", has_text=text)).to_be_visible()
    assert messages(portal, ticket) == [("Siehe Notiz", ["Notiz.txt"]), ("Danke", [])]


def test_cut_line_says_that_the_message_is_not_there(tab, portal, ticket):
    tab.open(f"/vorgang/{TOKEN}")
    tab.at("#text").fill("Hallo")
    tab.go_offline()
    tab.send()
    expect(tab.at("#form-message")).to_contain_text("Keine Verbindung: Ihre Nachricht ist noch nicht eingegangen.")
    tab.go_online()
    tab.send()
    tab.focus_is_on(".notice")
    assert messages(portal, ticket) == [("Hallo", [])]


def test_answer_with_a_text_block_by_keyboard(staff_tab, portal, ticket):
    with portal.database():
        TextBlock.create(name="Rückruf", text=f"Guten Tag {{Name}}, wir rufen an. {UNBROKEN}")
    office = staff_tab()
    keyboard = Keyboard(office)
    office.open(f"/verwaltung/ticket/{ticket.submission.code}")
    keyboard.go_to("text")
    keyboard.type("Danke!")
    keyboard.follow("Textbaustein einfügen")
    keyboard.follow("Rückruf")
    office.focus_is_on("#text")
    expect(office.at("#text")).to_have_value(f"Danke!\n\nGuten Tag Carla Conte, wir rufen an. {UNBROKEN}")
    looks_good(office)
    office.at("#text").focus()
    keyboard.press("Control+Enter")
    expect(office.at(".events")).to_contain_text("Antwort an den Kunden")
    office.focus_is_on("#ticket h1")


def test_pasted_screenshot_goes_along_with_a_note(staff_tab, portal, ticket):
    office = staff_tab()
    office.open(f"/verwaltung/ticket/{ticket.submission.code}")
    office.at("#text").fill("Siehe Bild")
    office.paste("Bildschirmfoto.png", SMALL_PNG)
    office.sees_files("Bildschirmfoto.png")
    office.at(".note").click()
    expect(office.at(".internal")).to_contain_text(["Bildschirmfoto.png"])
    expect(office.at("#text")).to_have_value("")
    looks_good(office)


def test_begun_text_is_kept_and_asked_about(staff_tab, portal, ticket):
    office = staff_tab()
    office.open(f"/verwaltung/ticket/{ticket.submission.code}")
    office.at("#text").click()
    office.page.keyboard.type("Halb fertig")
    office.page.get_by_role("button", name="Arbeit beginnen").click()
    expect(office.at("#ticket [role=status]")).to_contain_text("In Bearbeitung")
    expect(office.at("#text")).to_have_value("Halb fertig")
    asked = []
    office.page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    office.page.reload()
    assert asked == ["beforeunload"]
    expect(office.at("#text")).to_have_value("Halb fertig")
    office.at(".note").click()
    expect(office.at(".internal")).to_contain_text(["Halb fertig"])
    office.page.reload()
    expect(office.at("#text")).to_have_value("")


def test_pages_of_the_text_blocks(staff_tab, portal):
    with portal.database():
        block, _ = TextBlock.get_or_create(name=UNBROKEN[:90], defaults={"text": UNBROKEN})
    office = staff_tab()
    for path in ("", f"/{block.id}"):
        office.open(f"/verwaltung/textbausteine{path}")
        looks_good(office)
