"""The pages below "Büro" in a real browser: accessible, on a phone, by keyboard, and a colour checked while typing."""

import pytest
from playwright.sync_api import expect

from tests.support.browser.checks import looks_good

PAGES = ["buero", "konten", "konten/1", "zahlen", "zahlen?zeitraum=2026-11", "postausgang", "textbausteine"]


@pytest.mark.parametrize("path", PAGES)
def test_page_looks_good(staff_tab, path):
    tab = staff_tab()
    tab.open(f"/verwaltung/{path}")
    looks_good(tab)


def test_contrast_is_said_while_a_colour_is_chosen(staff_tab):
    tab = staff_tab()
    tab.open("/verwaltung/buero")
    tab.page.locator("#office_colour").fill("#ffee00")
    expect(tab.page.locator("#contrast")).to_contain_text("Zu hell")
    tab.page.locator("#office_colour").fill("#7a1f5c")
    expect(tab.page.locator("#contrast")).to_contain_text("Gut lesbar")
    tab.page.locator("#office_town").fill("Köln")
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("status").filter(has_text="Gespeichert")).to_be_visible()
    looks_good(tab)
