"""Every page in Chromium: narrow screens, light and dark, and what axe-core finds."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.live import PNG
from tests.pages import EXAMPLES

NARROW = (360, 320)

# Words that no line can be broken in, as people paste them.
UNBROKEN = "Fehler0x80070643" * 6

FIND_VIOLATIONS = "axe.run({resultTypes: ['violations']}).then((found) => found.violations)"

LONG_NAME = f"Bildschirmfoto-{UNBROKEN}.png"


def fits_narrow_screens(tab):
    for width in NARROW:
        tab.page.set_viewport_size({"width": width, "height": 740})
        assert tab.page.evaluate("document.documentElement.scrollWidth") == width


def is_accessible(tab):
    """See that axe-core finds nothing, in light on a wide screen and in dark on a narrow one."""
    tab.page.evaluate(Axe().axe_script)
    for width, scheme in ((1280, "light"), (360, "dark")):
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.page.emulate_media(color_scheme=scheme)
        violations = tab.page.evaluate(FIND_VIOLATIONS)
        found = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in violations]
        assert found == [], f"at {width} px, {scheme}"


def looks_good(tab):
    fits_narrow_screens(tab)
    is_accessible(tab)


def add_attachments(tab):
    tab.add_files((LONG_NAME, PNG), ("Programm.exe", b"MZ"), ("Protokoll.log", b"ok"))
    tab.sees_files(LONG_NAME, "Protokoll.log")
    expect(tab.at("#attachments [role=alert]").first).to_contain_text("Programm.exe")


@pytest.mark.parametrize("category", EXAMPLES)
def test_form(tab, category):
    tab.open()
    tab.choose(category)
    looks_good(tab)
    if category == "new_employee":
        tab.fill({"position": UNBROKEN, "entry_date": "2027-04-01"})
        expect(tab.at("#lead-time")).to_contain_text("Diesen Eintritt")
    else:
        tab.fill({"description": UNBROKEN})
        add_attachments(tab)
    tab.fill({"name": UNBROKEN, "email": UNBROKEN})
    fits_narrow_screens(tab)
    tab.send()
    tab.focus_is_on(".summary")
    looks_good(tab)


def test_attachments(tab):
    tab.open()
    tab.choose("incident")
    add_attachments(tab)
    tab.page.get_by_role("button", name="Protokoll.log entfernen").click()
    tab.sees_files(LONG_NAME)
    tab.begin_upload(("Foto.png", PNG))
    is_accessible(tab)
    tab.upload_breaks()
    expect(tab.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    is_accessible(tab)


def test_receipt(tab):
    tab.begin("warranty")
    tab.fill({"description": UNBROKEN, "device": UNBROKEN, "name": UNBROKEN})
    tab.add_files((LONG_NAME, PNG))
    tab.sees_files(LONG_NAME)
    tab.send()
    tab.sees_receipt()
    looks_good(tab)


def test_pages_with_little_to_do(tab):
    for path in ("/", "/hilfe", "/gibt-es-nicht"):
        looks_good(tab.open(path))
