"""Take the screenshots of the handbook: python -m tools.screenshots

Starts the demo, looks at it in Chromium as the office does and writes docs/bilder/, all but formular.png, which is
from a phone. Run it when a page has changed.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "bilder"
SIZE = {"width": 1000, "height": 760}

READY = "Das Meldeportal läuft"


def main():
    TARGET.mkdir(exist_ok=True)
    with demo() as (url, greeting), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        page = chromium.new_page(viewport=SIZE, base_url=url, locale="de-DE", timezone_id="Europe/Berlin")
        for name in ("freigabe", "vorgang"):
            page.goto(re.search(rf"/{name}/\S+", greeting)[0])
            _screenshot(page, name)
        _sign_in(page, *re.search(r"Name: (.+?)   Kennwort: (\S+)", greeting).groups())
        for take in (
            _office,
            _morning,
            _outbox,
            _new_customer,
            _call,
            _forgotten_pin,
            _departure,
            _unmatched,
            _privacy,
            _figures,
        ):
            take(page)
        chromium.close()


def _office(page):
    page.goto("/verwaltung/buero")
    _screenshot(page, "buero")
    page.goto("/verwaltung/konten")
    _screenshot(page, "konten")


def _morning(page):
    page.goto("/verwaltung/")
    _screenshot(page, "heute")
    page.goto("/verwaltung/tickets")
    _screenshot(page, "tickets")
    new = page.get_by_role("cell", name="Neu", exact=True)
    page.locator(".tickets tr", has=new).locator(".row-title").first.click()
    page.get_by_role("button", name="Arbeit beginnen").click()
    page.locator(".step", has_text="Arbeit begonnen").wait_for()
    _screenshot(page, "ticket")


def _outbox(page):
    page.goto("/verwaltung/postausgang")
    _screenshot(page, "postausgang")


def _new_customer(page):
    page.goto("/verwaltung/kunden/neu")
    for name, text in (("number", "K2001"), ("name", "Blumen Wiese GmbH"), ("contact_name", "Ines Wiese")):
        page.locator(f"#{name}").fill(text)
    page.get_by_label("vollständig durch uns", exact=True).check()
    _screenshot(page, "kunde-neu")
    page.get_by_role("button", name="PIN-Brief").click()
    page.locator(".letter img").wait_for()
    _screenshot(page, "pin-brief")


def _call(page):
    page.goto("/verwaltung/anruf")
    page.get_by_label("Kundennummer").fill("K1001")
    page.get_by_label("Störung", exact=True).check()
    page.locator("#fields legend").first.wait_for()
    _screenshot(page, "anruf")


def _forgotten_pin(page):
    page.goto("/verwaltung/kunden?text=Nordring")
    page.locator("main a", has_text="Autohaus Nordring").first.click()
    page.get_by_role("heading", name="PIN", exact=True).scroll_into_view_if_needed()
    _screenshot(page, "kunde")


def _departure(page):
    page.get_by_role("link", name="Kunden sperren").click()
    page.get_by_role("button", name="Kunden sperren").click()
    page.get_by_role("button", name="Sperre aufheben").wait_for()
    page.get_by_role("heading", name="Sperre").scroll_into_view_if_needed()
    _screenshot(page, "kunde-gesperrt")


def _unmatched(page):
    page.goto("/verwaltung/nicht-zugeordnet")
    _screenshot(page, "nicht-zugeordnet")


def _privacy(page):
    page.goto("/verwaltung/datenschutz")
    _screenshot(page, "datenschutz")


def _figures(page):
    page.goto("/verwaltung/zahlen")
    _screenshot(page, "zahlen")


def _sign_in(page, name, password):
    page.goto("/verwaltung/anmelden")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Kennwort").fill(password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Heute").wait_for()


def _screenshot(page, name):
    page.screenshot(path=TARGET / f"{name}.png")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextmanager
def demo():
    """Run the demo on a free port and yield its URL and what it prints."""
    port = free_port()
    environment = os.environ | {"TICKET_PORT": str(port), "PYTHONUTF8": "1"}
    command = [sys.executable, "app.py", "demo"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as process:
        greeting = ""
        for line in process.stdout:
            greeting += line
            if line.startswith(READY):
                break
        try:
            yield f"http://127.0.0.1:{port}", greeting
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
