"""What every page must do in a browser: fit, be accessible."""

from axe_playwright_python.sync_playwright import Axe

FIND_VIOLATIONS = """axe.run({resultTypes: ["violations"], rules: {"target-size": {enabled: true}}})
    .then((found) => found.violations)"""
# Elements whose text is cut off, except scrolling and visually hidden ones.
FIND_CUT = """[...document.querySelectorAll("body *")].filter((element) =>
    !element.matches(".unseen, .skip, .scroll, input, textarea, select") && element.checkVisibility() &&
    getComputedStyle(element).overflow !== "visible" &&
    (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)
).map((element) => element.outerHTML)"""
NARROW = (360, 320)


# A long text without break opportunities, as people paste it.
UNBROKEN = "Fehler0x80070643" * 6


# The text spacing that WCAG 1.4.12 requires pages to support.
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
    """Check that nothing overflows or is cut off on narrow screens, also with wider text spacing."""
    for width in NARROW:
        tab.page.set_viewport_size({"width": width, "height": 740})
        for spacing in (SPACE_OUT, AS_BEFORE):
            tab.page.evaluate(spacing)
            assert tab.page.evaluate("document.documentElement.scrollWidth") == width
            assert tab.page.evaluate(FIND_CUT) == []


def is_accessible(tab):
    """Check that axe-core finds no violations, in light on a wide screen and in dark on a narrow one."""
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
