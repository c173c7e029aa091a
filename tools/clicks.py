"""Count the clicks of the office's daily tasks in the demo, in Chromium: python -m tools.clicks

For each task: clicks (choosing from a list counts as two, a field as one unless it has the focus), fields filled in,
keys pressed, pages loaded, and seconds.
"""

import re
import shutil
import time

from playwright.sync_api import sync_playwright

from tools.screenshots import _sign_in, demo

STAFF = "/verwaltung/"
OPEN, TODO = f"{STAFF}tickets?stand=alle-offenen", f"{STAFF}tickets"


class Desk:
    """A page in front of somebody whose clicks are counted."""

    def __init__(self, page):
        self.page = page
        self.pages = 0
        page.on("framenavigated", self._count_page)

    def begin(self, url):
        self.page.goto(url)
        self.clicks = self.fields = self.keys = self.pages = 0
        self.since = time.perf_counter()

    def click(self, selector):
        self.page.locator(selector).first.click()
        self.clicks += 1
        self.page.wait_for_load_state()

    def tick(self, selector):
        self.page.locator(selector).first.check()
        self.clicks += 1

    def fill(self, selector, text):
        field = self.page.locator(selector).first
        if not field.evaluate("field => field === document.activeElement"):
            self.click(selector)
        field.fill(text)
        self.fields += 1

    def choose(self, selector, **option):
        self.page.locator(selector).first.select_option(**option)
        self.clicks += 2

    def press(self, key):
        self.page.keyboard.press(key)
        self.keys += 1
        self.page.wait_for_load_state()

    def sees(self, words, where="main"):
        self.page.locator(where).get_by_text(words).first.wait_for()

    def _count_page(self, frame):
        if frame == self.page.main_frame:
            self.pages += 1


def morning(desk):
    """Read the three most urgent new tickets and begin with each."""
    for _ in range(3):
        desk.click("[aria-labelledby=new] .row-title")
        desk.click("text=Arbeit beginnen")
        desk.sees("Arbeit begonnen")
        desk.click("nav >> text=Heute")


def answer(desk):
    """Answer with a text block and a photo from the clipboard."""
    desk.click("#block")
    desk.click("button[name=block]")
    desk.page.wait_for_function("document.querySelector('#text').value.length > 9")
    desk.page.evaluate(
        """() => {
            const files = new DataTransfer();
            files.items.add(new File([Uint8Array.from(atob(
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
            ), sign => sign.charCodeAt(0))], "Foto.png", {type: "image/png"}));
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: files, bubbles: true}));
        }"""
    )
    desk.keys += 1
    desk.sees("Foto.png")
    desk.click("#send")
    desk.sees("Antwort an den Kunden")


def done(desk):
    desk.click("summary:text-is('Erledigt')")
    desk.click("form[action$='/erledigen'] button:text-is('Erledigt')")
    desk.page.locator("[role=status] .badge", has_text="Erledigt").wait_for()


def assign_ten(desk):
    _tick_ten(desk)
    desk.choose("#zuweisen-to", index=1)
    desk.click("button:text-is('Zuweisen')")
    desk.sees("Tickets", "#batch")  # without those that were so already


def close_ten(desk):
    _tick_ten(desk)
    desk.click("summary:has-text('Erledigt')")
    desk.fill("#erledigen-text", "Der Server läuft wieder.")
    desk.click("button:text-is('Erledigt')")
    desk.sees("Tickets", "#batch")  # without those that were so already


def _tick_ten(desk):
    """Tick ten rows: the first, and the tenth with the shift key."""
    desk.tick(".tick input >> nth=0")
    desk.page.locator(".tick input").nth(9).click(modifiers=["Shift"])
    desk.clicks += 1


def rescue(desk):
    """Make a ticket of a request with a wrong PIN, after a call."""
    desk.click("[aria-labelledby=unmatched] .row-title")
    desk.fill("#note", "Frau Sommer am Telefon")
    desk.click("button:text-is('In Ticket umwandeln')")
    desk.page.locator("#ticket").wait_for()


def call(desk):
    desk.click("nav >> text=Anruf")
    desk.fill("#customer_number", "baeckerei")
    desk.fill("#name", "Petra Klein")
    desk.fill("#phone", "0221 5551")
    desk.tick("[name=category][value=incident]")
    desk.page.locator("#description").wait_for()
    desk.fill("#description", "Drucker druckt nicht")
    desk.tick("[name=priority][value=medium]")
    desk.click("#send")
    desk.page.locator("#ticket").wait_for()


def priority(desk):
    desk.click("summary[aria-label='Priorität ändern']")
    desk.choose("#prioritaet-aendern-value", label="Hoch")
    desk.click("form[action$='/prioritaet-aendern'] button")
    desk.sees("Priorität: ")


def serial_number(desk, number):
    """Find a closed ticket by its serial number."""
    desk.press("/")
    desk.fill("#search", number)
    desk.press("Enter")
    desk.click("a[id^=elsewhere-]")
    desk.click(".row-title")
    desk.page.locator("#ticket").wait_for()


def duplicate(desk):
    desk.click("summary:has-text('Gehört zu')")
    desk.click("form[action$='/gehoert-zu'] button")
    desk.sees("Dort geht es weiter.")


def late_employee(desk):
    """Open the new employee that comes at short notice and tick off the account."""
    desk.click("tr:has-text('Vorlauf unterschritten') .row-title")
    desk.click("[name=checkliste-step]")
    desk.sees("erledigt")


def main():
    with demo() as (url, greeting), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        page = chromium.new_page(
            viewport={"width": 1280, "height": 900}, base_url=url, locale="de-DE", timezone_id="Europe/Berlin"
        )
        _sign_in(page, *re.search(r"Name: (.+?)   Kennwort: (\S+)", greeting).groups())
        page.goto(f"{STAFF}textbausteine/neu")
        page.locator("#name").fill("Rückruf")
        page.locator("main textarea").fill("Guten Tag {Name}, wir rufen an.")
        page.get_by_role("button", name="Speichern").click()
        desk = Desk(page)

        def nth(number, list=OPEN):
            page.goto(list)
            return page.locator(".row-title").nth(number).get_attribute("href")

        page.goto(nth(0, f"{STAFF}tickets?stand=erledigt&art=garantiefall"))
        number = page.locator("dt", has_text="Seriennummer").locator("xpath=following-sibling::dd").first.inner_text()
        for task, start in (
            (assign_ten, TODO),
            (late_employee, STAFF),
            (morning, STAFF),
            (answer, nth(3)),
            (done, nth(3)),
            (priority, nth(2)),
            (duplicate, nth(2)),
            (rescue, STAFF),
            (call, STAFF),
            (lambda desk: serial_number(desk, number), STAFF),
            (close_ten, TODO),
        ):
            desk.begin(start)
            task(desk)
            spent = f"{time.perf_counter() - desk.since:.2f} s"
            name = task.__name__ if task.__name__ != "<lambda>" else "serial_number"
            print(f"{name:14} {desk.clicks:3} clicks {desk.fields} fields {desk.keys} keys {desk.pages} pages {spent}")
        chromium.close()


if __name__ == "__main__":
    main()
