"""A ticket with approval from request to completion, by pages in Chromium and mails of a real server."""

import re

import pytest
from playwright.sync_api import expect

from i18n.typed_text import normalise_code
from models import Contact, Customer
from tests.support.contacts import set_contact
from tests.support.servers.live_server import LiveServer
from tests.support.servers.mailbox import mail_server_running, text_of

COMPANY, BERND, OFFICE = "post@sommer.example", "bernd@sommer.example", "support@muster-it.example"
PHONE = {"viewport": {"width": 360, "height": 740}}


@pytest.fixture(scope="module")
def mailboxes():
    """Everybody's mailboxes."""
    with mail_server_running() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def portal(tmp_path_factory, mailboxes):
    """A running portal that delivers to these mailboxes."""
    portal = LiveServer(tmp_path_factory.mktemp("life") / "data")
    portal.start(smtp_url=mailboxes.url, worker_tick_seconds=0.05, undo_seconds=1)
    yield portal
    log = portal.log()
    portal.stop()
    assert log == ""


@pytest.fixture(scope="module")
def known(portal):
    """What Anna types; in her company Bernd decides."""
    known = portal.add_customer("K1001", "Bäckerei Sommer")
    with portal.database():
        set_contact(email=COMPANY)
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email=BERND)
    return known


@pytest.fixture
def arrives(mailboxes):
    """Wait for the next mail to somebody, after those that were there before the test."""
    read = {address: len(mailboxes.to(address)) for address in (COMPANY, BERND, OFFICE)}

    def next_to(address):
        read[address] += 1
        return mailboxes.wait_for(address, read[address])

    return next_to


def report(tab, priority):
    """Let Anna report an incident, and return its Vorgangsnummer."""
    tab.begin("incident")
    tab.at(f"input[name=priority][value={priority}]").check()
    tab.send()
    tab.sees_receipt()
    return normalise_code(tab.at(".code").inner_text())


def follow(tab, mail):
    """Open the link in a mail."""
    (path,) = set(re.findall(rf"{tab.portal.url}(/(?:freigabe|vorgang)/\S+)", text_of(mail)))
    tab.open(path)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360


def act(tab, button, text=None):
    """Press a button of a ticket, or open it, write and press it there."""
    if text is None:
        tab.page.get_by_role("button", name=button, exact=True).click()
    else:
        tab.at("summary", has_text=button).click()
        tab.at(".verbs details[open] textarea").fill(text)
        tab.at(".verbs details[open] button[type=submit]").last.click()


def test_declined_with_a_reason(open_tab, arrives):
    anna, bernd = open_tab(**PHONE), open_tab(**PHONE)
    report(anna, "medium")
    assert "Wir haben um die Freigabe gebeten" in text_of(arrives(COMPANY))
    follow(bernd, arrives(BERND))
    expect(bernd.at("h1")).to_have_text("Bitte entscheiden Sie")
    bernd.page.get_by_role("button", name="Ablehnen").click()
    bernd.focus_is_on(".summary")
    bernd.at(".summary a").click()
    bernd.page.keyboard.type("Den Drucker ersetzen wir.")
    bernd.page.keyboard.press("Tab")
    bernd.page.keyboard.press("Enter")
    expect(bernd.at("h1")).to_have_text("Nicht freigegeben")
    expect(bernd.at("#decided")).to_contain_text("Bernd Brot")
    declined = arrives(COMPANY)
    assert declined["Subject"].startswith("Nicht freigegeben [")
    assert "> Den Drucker ersetzen wir." in text_of(declined)
    follow(anna, declined)
    expect(anna.at("#main")).to_contain_text("Den Drucker ersetzen wir.")


def test_begun_before_the_approval(open_tab, staff_tab, arrives):
    anna, bernd, clara = open_tab(**PHONE), open_tab(**PHONE), staff_tab()
    code = report(anna, "high")
    asked, confirmation = arrives(BERND), arrives(COMPANY)
    assert "Noch nicht freigegeben." in text_of(arrives(OFFICE))

    clara.open(f"/verwaltung/ticket/{code}")
    act(clara, "Vor der Freigabe beginnen", "Die Kasse steht.")
    expect(clara.at("#ticket [role=status]")).to_contain_text("In Bearbeitung")
    assert "> Die Kasse steht." in text_of(arrives(BERND))
    follow(bernd, asked)
    expect(bernd.at("#begun")).to_contain_text("Die Kasse steht.")
    bernd.page.get_by_role("button", name="Freigeben").click()
    expect(bernd.at("h1")).to_have_text("Freigegeben")
    assert "schon begonnen" in text_of(arrives(COMPANY))
    assert "Ein Ticket von Bäckerei Sommer (K1001) hat Bernd Brot freigegeben." in text_of(arrives(OFFICE))

    clara.open(f"/verwaltung/ticket/{code}")
    clara.at("#text").fill("Welche Kasse ist es?")
    act(clara, "Antwort senden")
    expect(clara.at("#ticket .events")).to_contain_text("Welche Kasse ist es?")
    answer = arrives(COMPANY)
    assert "> Welche Kasse ist es?" in text_of(answer)
    follow(anna, answer)
    expect(anna.at("#messages")).to_contain_text("Welche Kasse ist es?")
    anna.at("#text").fill("Die linke.")
    anna.send()
    expect(anna.at("#messages")).to_contain_text("Die linke.")
    assert "> Die linke." in text_of(arrives(OFFICE))

    clara.open(f"/verwaltung/ticket/{code}")
    expect(clara.at("#ticket .events")).to_contain_text("Die linke.")
    act(clara, "Erledigt", "Walze getauscht.")
    expect(clara.at("#ticket [role=status]")).to_contain_text("Erledigt")
    expect(clara.at("#undo")).to_be_visible()
    assert "> Walze getauscht." in text_of(arrives(COMPANY))
    expect(clara.at("#undo")).to_have_count(0)
    follow(anna, confirmation)
    expect(anna.at("#main")).to_contain_text("Erledigt am")
    expect(anna.at("#messages")).to_contain_text("Walze getauscht.")
