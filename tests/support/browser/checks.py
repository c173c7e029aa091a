"""What every page must do in a browser: fit, be accessible."""

from axe_playwright_python.sync_playwright import Axe

FIND_VIOLATIONS = """axe.run({resultTypes: ["violations"], rules: {"target-size": {enabled: true}}})
    .then((found) => found.violations)"""
# What has more text than room, but for what scrolls and what only a screen reader is to find.
FIND_CUT = """[...document.querySelectorAll("body *")].filter((element) =>
    !element.matches(".unseen, .skip, .scroll, input, textarea, select") && element.checkVisibility() &&
    getComputedStyle(element).overflow !== "visible" &&
    (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)
).map((element) => element.outerHTML)"""
NARROW = (360, 320)


# Words that no line can be broken in, as people paste them.
UNBROKEN = "Fehler0x80070643" * 6


# What WCAG 1.4.12 lets everybody set for themselves.
SPACE_OUT = """
    const spacing = new CSSStyleSheet()
    spacing.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
        p { margin-bottom: 2em !important }`)
    document.adoptedStyleSheets = [spacing]
"""


AS_BEFORE = "document.adoptedStyleSheets = []"


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
