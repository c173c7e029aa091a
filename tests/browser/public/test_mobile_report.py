"""A complete request on a phone in Chromium: 360 px wide, touch only, slow network."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser.tab import PHONE, names_of
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES

WIDTH = PHONE["viewport"]["width"]

# Minimum size of touch targets; links in text follow WCAG 2.5.8.
THUMB, IN_TEXT = 44, 24

# Events of htmx for a request that a newer one replaced.
GIVEN_UP = ("htmx:afterRequest", "htmx:sendAbort")

# The height around an element's middle in which a touch reaches it, or its label.
MEASURE_REACH = """(element) => {
    element.scrollIntoView({block: "center", behavior: "instant"})
    const {x, y, width, height} = element.getClientRects()[0]
    const isHit = (at) => {
        const hit = document.elementFromPoint(x + width / 2, at)
        return hit !== null && (element.contains(hit) || hit.closest("label")?.control === element)
    }
    let top = y + height / 2, bottom = top
    while (isHit(top - 1)) top -= 1
    while (isHit(bottom + 1)) bottom += 1
    return isHit(top) ? bottom - top + 1 : 0
}"""


class Thumb:
    """Somebody who uses only a thumb; each touch checks target size and scrolling."""

    def __init__(self, tab):
        self.tab = tab

    def tap(self, target, least=THUMB):
        """Tap an element that is large enough and not covered, on a page without horizontal scrolling."""
        assert target.evaluate(MEASURE_REACH) >= least, target
        assert self.tab.page.evaluate("document.documentElement.scrollWidth") == WIDTH
        target.tap()

    def type(self, label, text):
        """Tap into a field and type; the field stays visible and uncovered."""
        field = self.tab.page.get_by_label(label)
        self.tap(field)
        expect(field).to_be_focused()
        # On-screen keyboards insert text instead of pressing keys.
        self.tab.page.keyboard.insert_text(text)
        expect(field).to_be_in_viewport(ratio=1)
        assert field.evaluate(MEASURE_REACH) >= THUMB, f"{label} is covered"

    def choose(self, name):
        self.tap(self.tab.page.get_by_role("radio", name=re.compile(f"^{name}")))

    def ask_the_helper(self):
        """Answer the two questions about the priority."""
        self.tap(self.tab.at("summary"))
        self.choose("Mehrere Personen")
        self.choose("Mit Mühe")

    def sees_a_suggestion_only(self):
        expect(self.tab.at("#suggestion")).to_contain_text("Vorschlag: Mittel")
        self.tab.sees_values({"priority": "low"})

    def press(self, name):
        self.tap(self.tab.page.get_by_role("button", name=name, exact=True))

    def add_files(self, *files):
        with self.tab.page.expect_file_chooser() as chooser:
            self.tap(self.tab.page.get_by_label("Dateien auswählen"))
        chooser.value.set_files(self.tab.on_disk(*files))

    def identify(self, phone):
        known = self.tab.known
        self.type("Ihr Name", known["name"])
        self.type("Kontaktnummer", phone)
        self.type("Kundennummer", known["customer_number"])
        self.type("PIN", known["pin"])

    def sees_the_receipt_of(self, sent):
        self.tab.sees_receipt()
        (submission,) = sent()
        assert submission.description == EXAMPLES["incident"]["description"]
        assert (submission.priority, names_of(submission)) == ("medium", ["Foto.png"])
        expect(self.tab.at(".code")).to_be_in_viewport()
        expect(self.tab.at(".code")).to_have_text(submission.spoken_code)
        assert self.tab.page.evaluate("document.documentElement.scrollWidth") == WIDTH


@pytest.fixture
def thumb(open_tab):
    """Return somebody with a phone on a slow network."""

    def new(**options):
        tab = open_tab(**PHONE, **options)
        tab.throttle_to_slow_4g()
        return Thumb(tab.open())

    return new


def test_a_whole_report_by_thumb(thumb, sent):
    person = thumb()
    person.choose("Störung")
    person.tab.sees_fields_of("incident")
    person.type("Fehlerbeschreibung", EXAMPLES["incident"]["description"])
    person.ask_the_helper()
    person.sees_a_suggestion_only()
    person.choose("Mittel")
    person.add_files(("Foto.png", SMALL_PNG))
    person.tab.sees_files("Foto.png")
    person.identify("0211 555-0101")
    person.press("Anfrage absenden")
    person.sees_the_receipt_of(sent)
    # The second answer replaced the first request, which was still on its way.
    assert [text for text in person.tab.console if not text.startswith(GIVEN_UP)] == []


def test_a_whole_report_by_thumb_without_scripts(thumb, sent):
    person = thumb(java_script_enabled=False)
    tab = person.tab
    person.choose("Störung")
    person.press("Felder anzeigen")
    tab.sees_fields_of("incident")
    person.type("Fehlerbeschreibung", EXAMPLES["incident"]["description"])
    person.ask_the_helper()
    person.press("Vorschlag zeigen")
    person.sees_a_suggestion_only()
    person.choose("Mittel")
    person.add_files(("Foto.png", SMALL_PNG), ("Programm.exe", b"MZ"))
    person.identify(phone="")
    person.press("Anfrage absenden")
    expect(tab.page).to_have_title(re.compile("^Fehler: "))
    expect(tab.at(".summary")).to_contain_text("„Programm.exe“")
    tab.sees_files("Foto.png")
    typed = tab.known | EXAMPLES["incident"] | {"priority": "medium"}
    tab.sees_values(typed | {"phone": ""})
    person.tap(tab.at(".summary a", has_text="Bitte geben Sie eine Telefonnummer ein"), least=IN_TEXT)
    person.type("Kontaktnummer", tab.known["phone"])
    person.add_files(("Falsch.png", b"Hallo"), ("Zweites.txt", b"Hallo"))
    person.press("Anfrage absenden")
    tab.sees_files("Foto.png", "Zweites.txt")
    person.press("Zweites.txt entfernen")
    tab.sees_files("Foto.png")
    tab.sees_values(typed)
    person.press("Anfrage absenden")
    person.sees_the_receipt_of(sent)
