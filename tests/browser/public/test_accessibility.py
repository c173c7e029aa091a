"""Every page in Chromium: narrow screens, light and dark, and what axe-core finds."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.support.browser.checks import (
    LONG_NAME,
    UNBROKEN,
    fits_narrow_screens,
    is_accessible,
    looks_good,
)
from tests.support.browser.tab import PHONE
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES

# The focused element: its name, its row on the page, whether its focus ring is visible and it is not covered.
LOOK_AT_FOCUS = """() => {
    const element = document.activeElement
    if (element === document.body) return null
    const {x, y, width, height} = element.getClientRects()[0]
    const ringed = [element, element.closest(".dropzone, .card")].filter(Boolean).map((at) => getComputedStyle(at))
    const hit = document.elementFromPoint(x + width / 2, Math.max(y, 0) + Math.min(height, 20) / 2)
    return {
        name: element.id || element.textContent.trim(),
        row: Math.round(y + scrollY),
        ringed: ringed.some((style) => style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2),
        bare: element.contains(hit) || hit?.closest("label")?.control === element,
    }
}"""

# A focus trap would never end.
MAX_STOPS = 100

# Links in one line count as one row, though their heights differ.
ONE_ROW = 16


def add_attachments(tab):
    tab.add_files((LONG_NAME, SMALL_PNG), ("Programm.exe", b"MZ"), ("Protokoll.log", b"ok"))
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
    tab.begin_upload(("Foto.png", SMALL_PNG))
    is_accessible(tab)
    tab.upload_breaks()
    expect(tab.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    is_accessible(tab)


def test_receipt(tab):
    tab.begin("warranty")
    tab.fill({"description": UNBROKEN, "device": UNBROKEN, "name": UNBROKEN})
    tab.add_files((LONG_NAME, SMALL_PNG))
    tab.sees_files(LONG_NAME)
    tab.send()
    tab.sees_receipt()
    looks_good(tab)


def test_pages_with_little_to_do(tab):
    for path in ("/", "/hilfe", "/gibt-es-nicht", "/?lang=en&art=garantie"):
        looks_good(tab.open(path))


def walk_by_tab(tab):
    """Press Tab until the focus leaves the page and return what was seen at each stop."""
    walk = []
    for _ in range(MAX_STOPS):
        tab.page.keyboard.press("Tab")
        if (stop := tab.page.evaluate(LOOK_AT_FOCUS)) is None:
            break
        walk.append(stop)
    assert [stop["name"] for stop in walk if not stop["ringed"]] == []
    assert [stop["name"] for stop in walk if not stop["bare"]] == []
    assert 20 < len(walk) < MAX_STOPS
    return walk


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_the_notice_of_restored_details(open_tab, options):
    tab = open_tab(**options)
    tab.begin("warranty")
    tab.page.reload()
    tab.sees_fields_of("warranty")
    expect(tab.at("#restored")).to_be_in_viewport()
    walk_by_tab(tab)
    looks_good(tab)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_focus_is_seen_and_goes_down_the_page(open_tab, scheme):
    tab = open_tab(color_scheme=scheme)
    tab.open("/?art=garantie")
    tab.send()
    tab.focus_is_on(".summary")
    tab.page.evaluate("document.activeElement.blur()")
    for stop, next_stop in pairwise(walk_by_tab(tab)):
        assert next_stop["row"] > stop["row"] - ONE_ROW, f"{next_stop['name']} stands above {stop['name']}"
