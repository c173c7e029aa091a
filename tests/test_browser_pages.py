"""Every page in Chromium: narrow screens, light and dark, and what axe-core finds."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.live import PNG
from tests.pages import EXAMPLES

NARROW = (360, 320)

# Words that no line can be broken in, as people paste them.
UNBROKEN = "Fehler0x80070643" * 6

LONG_NAME = f"Bildschirmfoto-{UNBROKEN}.png"


def fits_narrow_screens(tab):
    for width in NARROW:
        tab.page.set_viewport_size({"width": width, "height": 740})
        assert tab.page.evaluate("document.documentElement.scrollWidth") == width


def is_accessible(tab):
    """See that axe-core finds nothing, in light on a wide screen and in dark on a narrow one."""
    for width, scheme in ((1280, "light"), (360, "dark")):
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.page.emulate_media(color_scheme=scheme)
        violations = Axe().run(tab.page).response["violations"]
        found = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in violations]
        assert found == [], f"at {width} px, {scheme}"


def add_attachments(tab):
    tab.add_files((LONG_NAME, PNG), ("Programm.exe", b"MZ"), ("Protokoll.log", b"ok"))
    tab.sees_files(LONG_NAME, "Protokoll.log")
    expect(tab.at("#attachments [role=alert]").first).to_contain_text("Programm.exe")


@pytest.mark.parametrize("category", EXAMPLES)
def test_form_on_narrow_screens(tab, category):
    tab.open()
    fits_narrow_screens(tab)
    tab.choose(category)
    fits_narrow_screens(tab)
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
    fits_narrow_screens(tab)


def test_receipt_on_narrow_screens(tab):
    tab.begin("warranty")
    tab.fill({"description": UNBROKEN, "device": UNBROKEN, "name": UNBROKEN})
    tab.add_files((LONG_NAME, PNG))
    tab.sees_files(LONG_NAME)
    tab.send()
    tab.sees_receipt()
    fits_narrow_screens(tab)


@pytest.mark.parametrize("path", ["/hilfe", "/gibt-es-nicht"])
def test_other_pages_on_narrow_screens(tab, path):
    fits_narrow_screens(tab.open(path))


@pytest.mark.parametrize("category", EXAMPLES)
def test_axe_on_the_form(tab, category):
    tab.open()
    tab.choose(category)
    is_accessible(tab)
    if category == "new_employee":
        tab.fill({"entry_date": "2027-04-01"})
        expect(tab.at("#lead-time")).to_contain_text("Diesen Eintritt")
    else:
        add_attachments(tab)
    tab.send()
    tab.focus_is_on(".summary")
    is_accessible(tab)


def test_axe_on_the_blank_form(tab):
    is_accessible(tab.open())


def test_axe_on_attachments(tab):
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


def test_axe_on_the_receipt(tab):
    tab.begin("warranty")
    tab.add_files(("Foto.png", PNG))
    tab.sees_files("Foto.png")
    tab.send()
    tab.sees_receipt()
    is_accessible(tab)


@pytest.mark.parametrize("path", ["/hilfe", "/gibt-es-nicht"])
def test_axe_on_other_pages(tab, path):
    is_accessible(tab.open(path))
