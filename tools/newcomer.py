"""Go a newcomer's way in a real browser, from the first start to the first answer: python -m tools.newcomer [PDF]

Prints the seconds and the pages of each part. The PIN letter is written to the PDF, if one is named.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.screenshots import ROOT, free_port

PASSWORD = "vier Wolken im Tee"
OFFICE = {
    "office_name": "Winter IT",
    "office_street": "Lindenweg 4",
    "office_postcode": "40213",
    "office_town": "Düsseldorf",
    "office_email": "hilfe@winter.example",
    "office_phone": "0211 4711",
    "office_colour": "#7a1f5c",
    "office_opens": "07:30",
    "office_closes": "16:30",
    "smtp_host": "localhost",
    "smtp_port": "2525",
}
CUSTOMER = {
    "number": "K1001",
    "name": "Bäckerei Sommer GmbH",
    "phone": "0211 555 0100",
    "street": "Marktplatz 1",
    "postcode": "40210",
    "town": "Düsseldorf",
    "contact_name": "Anna Sommer",
    "email": "anna@sommer.example",
}


def main():
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        port = free_port()
        environment = os.environ | {"TICKET_DATA_DIR": folder, "TICKET_PORT": str(port), "PYTHONUTF8": "1"}
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8"
        ) as process:
            link = next(line for line in process.stdout if "/einrichten/" in line).strip()
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = chromium.new_page(base_url=f"http://127.0.0.1:{port}", locale="de-DE")
            pages = []
            page.on("framenavigated", lambda frame: pages.append(frame.url))
            print(f"start: {time.monotonic() - began:.1f} s")
            pin = None
            for part in (_account, _office, _customer, _report, _answer):
                before, seen = time.monotonic(), len(pages)
                pin = part(page, link if part is _account else pin) or pin
                print(f"{part.__name__[1:]}: {time.monotonic() - before:.1f} s, {len(pages) - seen} pages")
            print(f"all: {time.monotonic() - began:.1f} s, {len(pages)} pages")
            chromium.close()
            process.terminate()


def _account(page, link):
    page.goto(link)
    _fill(page, {"name": "Clara Neumann", "password": PASSWORD, "repeated_password": PASSWORD})
    page.get_by_role("button", name="Konto anlegen").click()
    page.get_by_role("heading", name="Heute").wait_for()


def _office(page, pin):
    page.get_by_role("link", name="Anschrift des Büros").click()
    _fill(page, OFFICE)
    page.locator("#federal_state").select_option("NW")
    page.locator("#logo").set_input_files(ROOT / "static" / "icon.svg")
    page.get_by_role("button", name="Speichern", exact=True).click()
    page.get_by_text("Gespeichert.").wait_for()


def _customer(page, pin):
    page.get_by_role("link", name="Kunden", exact=True).click()
    page.get_by_role("link", name="Neuer Kunde").click()
    _fill(page, CUSTOMER)
    page.get_by_label("vollständig durch uns", exact=True).check()
    page.get_by_role("button", name="Speichern und PIN-Brief").click()
    letter = page.locator("article").first
    letter.wait_for()
    if len(sys.argv) > 1:
        page.pdf(path=Path(sys.argv[1]), prefer_css_page_size=True)
    return letter.locator(".letter-pin").inner_text()


def _report(page, pin):
    page.goto("/")
    page.get_by_label("Störung", exact=True).check()
    page.locator("#description").wait_for()
    _fill(page, {"description": "Der Drucker druckt nicht.", "name": "Anna Sommer", "phone": "0211 555 0101"})
    _fill(page, {"customer_number": CUSTOMER["number"], "pin": pin})
    page.locator("input[name=priority]").nth(1).check()
    page.locator("form#request button[type=submit], form button[type=submit]").last.click()
    page.wait_for_url("**/eingegangen/**")


def _answer(page, pin):
    page.goto("/verwaltung/")
    ticket = page.get_by_role("link", name="Der Drucker druckt nicht.")
    for _ in range(20):  # until the worker has checked the PIN
        if ticket.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    ticket.first.click()
    page.locator("#text").fill("Wir kommen heute Nachmittag.")
    page.get_by_role("button", name="Antwort senden").click()
    page.get_by_text("Wir kommen heute Nachmittag.").first.wait_for()


def _fill(page, values):
    for name, value in values.items():
        page.locator(f"#{name}").fill(value)


if __name__ == "__main__":
    main()
