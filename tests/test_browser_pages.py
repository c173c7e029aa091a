"""Every page in Chromium: narrow screens, light and dark, and what axe-core finds."""

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.live import PNG
from tests.pages import EXAMPLES

NARROW = (360, 320)

# Words that no line can be broken in, as people paste them.
UNBROKEN = "Fehler0x80070643" * 6

FIND_VIOLATIONS = """axe.run({resultTypes: ["violations"], rules: {"target-size": {enabled: true}}})
    .then((found) => found.violations)"""

# What WCAG 1.4.12 lets everybody set for themselves.
SPACE_OUT = """
    const spacing = new CSSStyleSheet()
    spacing.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
        p { margin-bottom: 2em !important }`)
    document.adoptedStyleSheets = [spacing]
"""
AS_BEFORE = "document.adoptedStyleSheets = []"

# What has more text than room, but for what scrolls and what only a screen reader is to find.
FIND_CUT = """[...document.querySelectorAll("body *")].filter((element) =>
    !element.matches(".unseen, .skip, .scroll, input, textarea, select") && element.checkVisibility() &&
    getComputedStyle(element).overflow !== "visible" &&
    (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)
).map((element) => element.outerHTML)"""

# Where the focus is, whether one sees it, and where it stands on the page.
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

# A page that lets nobody out has no end.
MOST_STOPS = 100

# A line of links is one row, though they need not be of one height.
ONE_ROW = 16

LONG_NAME = f"Bildschirmfoto-{UNBROKEN}.png"


def fits_narrow_screens(tab):
    """See that nothing is wider than the screen or cut off, nor when the reader spaces the text out."""
    for width in NARROW:
        tab.page.set_viewport_size({"width": width, "height": 740})
        for spacing in (SPACE_OUT, AS_BEFORE):
            tab.page.evaluate(spacing)
            assert tab.page.evaluate("document.documentElement.scrollWidth") == width
            assert tab.page.evaluate(FIND_CUT) == []


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
    for path in ("/", "/hilfe", "/gibt-es-nicht", "/?lang=en&art=garantie"):
        looks_good(tab.open(path))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_focus_is_seen_and_goes_down_the_page(open_tab, scheme):
    tab = open_tab(color_scheme=scheme)
    tab.open("/?art=garantie")
    tab.send()
    tab.focus_is_on(".summary")
    tab.page.evaluate("document.activeElement.blur()")
    walk = []
    for _ in range(MOST_STOPS):
        tab.page.keyboard.press("Tab")
        if (stop := tab.page.evaluate(LOOK_AT_FOCUS)) is None:
            break
        walk.append(stop)
    assert [stop["name"] for stop in walk if not stop["ringed"]] == []
    assert [stop["name"] for stop in walk if not stop["bare"]] == []
    assert 20 < len(walk) < MOST_STOPS
    for stop, next_stop in pairwise(walk):
        assert next_stop["row"] > stop["row"] - ONE_ROW, f"{next_stop['name']} stands above {stop['name']}"
