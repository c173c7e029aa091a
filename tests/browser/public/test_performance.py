"""The cost of a visit in Chromium: transferred bytes, repeated requests, layout shifts."""

from playwright.sync_api import expect

from enums import Category
from tests.support.pages import BUDGET_BYTES, BUDGET_REQUESTS, EXAMPLES, OPTIONAL

OBSERVE_SHIFTS = """window.shifts = []
new PerformanceObserver((list) => window.shifts.push(
    ...list.getEntries().filter((entry) => !entry.hadRecentInput).map((entry) => entry.value)
)).observe({type: "layout-shift", buffered: true})"""


class Meter:
    """Measures the bytes that a tab transfers."""

    def __init__(self, tab):
        self._addresses, self._loaded = {}, {}
        network = tab.page.context.new_cdp_session(tab.page)
        network.send("Network.enable")
        network.on("Network.requestWillBeSent", self._ask)
        network.on("Network.loadingFinished", self._finish)

    def _ask(self, event):
        self._addresses[event["requestId"]] = event["request"]["url"]

    def _finish(self, event):
        # Responses from the browser's cache transfer no bytes.
        if event["encodedDataLength"]:
            self._loaded[self._addresses[event["requestId"]]] = event["encodedDataLength"]

    def read(self):
        """Return the transferred bytes of each response since the last call, by URL."""
        loaded, self._loaded = self._loaded, {}
        return loaded


def settle(tab):
    tab.page.wait_for_load_state("networkidle")


def test_first_visit_is_light_and_the_next_fetch_only_their_pages(tab):
    meter = Meter(tab)
    settle(tab.open())
    first = meter.read()
    assert len(first) <= BUDGET_REQUESTS
    assert sum(first.values()) < BUDGET_BYTES
    for path in ("/", "/hilfe"):
        settle(tab.open(path))
        assert list(meter.read()) == [tab.portal.url + path]


def test_nothing_moves_by_itself(open_tab):
    tab = open_tab(viewport={"width": 360, "height": 740})
    tab.page.add_init_script(OBSERVE_SHIFTS)
    tab.throttle_to_slow_4g()
    settle(tab.open())
    assert tab.page.evaluate("window.shifts") == []
    for category in ("incident", "new_employee", "other"):
        tab.at("label", has_text=Category(category).label).click()
        tab.sees_fields_of(category)
    # The clicks caused the changes up to here; a slow machine answers too late for the browser to see that.
    tab.page.evaluate("window.shifts.length = 0")
    tab.fill(tab.known | EXAMPLES[category] | OPTIONAL[category])
    assert tab.page.evaluate("window.shifts") == []
    # A draft is restored a moment after the page has loaded, and the browser scrolls to where the person was.
    for place in ("h1", "#description", "#phone", "#send"):
        tab.at(place).scroll_into_view_if_needed()
        tab.page.reload()
        settle(tab)
        tab.sees_fields_of(category)
        tab.sees_values(tab.known | EXAMPLES[category] | OPTIONAL[category] | {"pin": ""})
        expect(tab.at("#restored")).to_be_in_viewport()
        assert tab.page.evaluate("window.shifts") == [], place
