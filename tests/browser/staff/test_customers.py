"""Customers in Chromium: each page on a narrow screen and for axe-core, an import, and printed letters."""

import re

from playwright.sync_api import expect

from services.customers import customers
from tests.support.browser.checks import UNBROKEN, looks_good
from tests.support.cast import NOW

LIST = "/verwaltung/kunden"
TABLE = 'Nummer;Name;Mail;Ort\r\nT1;"Steuerkanzlei\nBrandt";;Köln\r\nT2;;keine;\r\n'


def test_pages(staff_tab, portal):
    tab = staff_tab()
    with portal.database():
        customer = customers.add({"number": "X1", "name": UNBROKEN[:100], "contact_name": UNBROKEN[:100]}, NOW)
        approver = customers.add_contact(
            customer, {"is_approver": True, "name": UNBROKEN[:100], "email": "bernd@sommer.example"}
        )
        customers.lock(customer, NOW)
    page = f"{LIST}/{customer.id}"
    person = f"{page}/personen/{approver.id}"
    questions = [f"{page}/pin", f"{page}/sperren", f"{person}/entfernen"]
    for path in (LIST, page, person, *questions, f"{LIST}/pin-briefe", f"{LIST}/einlesen"):
        tab.open(path)
        looks_good(tab)
    tab.open(f"{LIST}/neu").at("button[name=letter]").click()
    tab.focus_is_on(".summary")
    looks_good(tab)


def test_new_customer_in_a_minute(staff_tab):
    tab = staff_tab().open(LIST)
    tab.page.get_by_role("link", name="Neuer Kunde").click()
    tab.at("[name=fully_managed]").first.check()
    tab.fill({"number": "X2", "name": "Autohaus Nordring"})
    tab.page.keyboard.press("Enter")
    expect(tab.at(".letter-pin")).to_have_text(re.compile(r"\d{4} \d{4}"))
    looks_good(tab)


def test_table_is_read_in(staff_tab, portal):
    tab = staff_tab().open(f"{LIST}/einlesen")
    tab.at("#file").set_input_files(tab.on_disk(("Kunden.csv", TABLE.encode("cp1252"))))
    tab.at("main button[type=submit]").click()
    expect(tab.at("h1")).to_have_text("Vorschau")
    expect(tab.at("#main")).to_contain_text("Name: Die Angabe fehlt.")
    looks_good(tab)
    tab.at("main button[type=submit]").click()
    tab.focus_is_on(".summary")
    tab.at("[name=skip_faulty]").check()
    tab.at("main button[type=submit]").click()
    expect(tab.at("#main")).to_contain_text("1 neuer Kunde ist eingelesen.")
    with portal.database():
        assert customers.find("T1").name == "Steuerkanzlei Brandt"


# Where the parts of each letter begin and end on paper.
BOXES = """() => [...document.querySelectorAll(".letter")].map(letter => {
  const paper = letter.getBoundingClientRect()
  return Object.fromEntries([...letter.querySelectorAll("[class^=letter-]")].map(part => {
    const box = part.getBoundingClientRect()
    const edges = [box.left - paper.left, box.top - paper.top, box.right - paper.left, box.bottom - paper.top]
    return [part.className, edges.map(pixels => Math.round(pixels * 254 / 96) / 10)]
  }))
})"""


def test_letters_on_paper(staff_tab, portal):
    """Only the letters are printed, each on one page, also one with a long name."""
    names = ("Donaudampfschifffahrtsgesellschaft " * 3, "Praxis Winter")
    with portal.database():
        for number, name in zip(("P1", "P2"), names, strict=True):
            address = {"street": "Am Alten Markt 7", "postcode": "50667", "town": "Köln"}
            customers.add({"number": number, "name": name[:100], "contact_name": "Wilhelmine " * 9} | address, NOW)
    tab = staff_tab().open(f"{LIST}/pin-briefe")
    for box in tab.at("[name=customers]").all():
        box.set_checked(box.get_attribute("value") in ("P1", "P2"))
    tab.at("main button[type=submit]").click()
    expect(tab.at(".letter")).to_have_count(2)
    looks_good(tab)
    tab.page.get_by_role("link", name="Auch auf Englisch").click()
    expect(tab.at(".letter")).to_have_count(4)
    looks_good(tab)
    tab.page.emulate_media(media="print")
    tab.page.set_viewport_size({"width": 794, "height": 1123})
    for selector in ("header", "h1", "[data-print]", ".actions"):
        expect(tab.at(selector).first).to_be_hidden()
    expect(tab.at(".letter img").first).to_be_visible()
    assert len(re.findall(rb"/Type\s*/Page\b", tab.page.pdf(prefer_css_page_size=True))) == 4
    for letter in tab.page.evaluate(BOXES):
        # The window of an envelope for DIN 5008, form B, in millimetres from the edges of the paper.
        for left, top, right, bottom in (letter["letter-sender"], letter["letter-to"]):
            assert 20 <= left < right <= 20 + 85
            assert 45 <= top < bottom <= 45 + 45
        assert letter["letter-sender"][3] < letter["letter-to"][1]
        assert letter["letter-text"][3] < letter["letter-access"][1]
        assert letter["letter-access"][3] <= 297
