"""A tab of a real browser."""

import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from peewee import prefetch
from playwright.sync_api import expect, sync_playwright

import enums
from models import Attachment, Staff, Submission
from services.staff import sessions
from tests.support.pages import EXAMPLES

TIMEOUT_MS = 10_000

expect.set_options(timeout=TIMEOUT_MS)


PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


# Console messages that a test provokes; all others are faults.
LOADING_FAILED = re.compile(
    "^(Failed to load resource|Response Status Error Code|htmx:(sendError|sendAbort|afterRequest))"
)


REPORT_CSP_VIOLATIONS = """document.addEventListener("securitypolicyviolation",
    (event) => console.error(`violates ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`))"""


PASTE = """([name, hex]) => {
    const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], name, {type: "image/png"}));
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
}"""


class Tab:
    """A browser tab in front of the portal, a person who knows number and PIN, and the network between."""

    def __init__(self, context, portal, known, disk):
        self.portal, self.known = portal, known
        self._disk = disk
        self.console, self.requests = [], []
        context.add_init_script(REPORT_CSP_VIOLATIONS)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.console.append(str(error.error)))
        context.on("request", lambda request: self.requests.append(request))
        self.page = context.new_page()
        self._network = context.new_cdp_session(self.page)

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self.console.append(message.text)

    def open(self, path="/"):
        self.page.goto(path)
        return self

    def at(self, selector, **options):
        return self.page.locator(selector, **options)

    def fill(self, values):
        """Fill in fields by their names; radio buttons are checked."""
        for name, value in values.items():
            if name in ("salutation", "priority"):
                self.at(f"input[name={name}][value={value}]").check()
            else:
                self.at(f"#{name}").fill(value)

    def choose(self, category):
        """Choose a category and wait for its fields."""
        self.at(f"input[name=category][value={category}]").check()
        self.sees_fields_of(category)

    def begin(self, category):
        """Open the form and fill in everything that a category requires."""
        self.open()
        self.fill(self.known)
        self.choose(category)
        self.fill(EXAMPLES[category])
        return self

    def add_files(self, *files):
        """Choose files, given as pairs of name and content, in the file dialog; return their paths."""
        paths = self.on_disk(*files)
        self.at("#files").set_input_files(paths)
        return paths

    def on_disk(self, *files):
        """Write files, given as pairs of name and content, to the person's own disk and return their paths."""
        folder = Path(tempfile.mkdtemp(dir=self._disk))
        for name, content in files:
            (folder / name).write_bytes(content)
        return [folder / name for name, _ in files]

    def drop_files(self, selector, *paths):
        """Drop files and folders of the person's own disk on an element, as a file manager does."""
        self.at(selector).scroll_into_view_if_needed()
        box = self.at(selector).bounding_box()
        event = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self._network.send("Input.dispatchDragEvent", event | {"type": kind, "data": data})

    def paste(self, name, content):
        """Paste a picture from the clipboard into the field with the focus."""
        self.page.evaluate(PASTE, [name, content.hex()])

    def send(self):
        self.at("#send").click()

    def settles(self):
        """Wait until htmx has settled what it has swapped in: before, it ignores input and moves the focus."""
        expect(self.at(".htmx-added")).to_have_count(0)

    def sees_fields_of(self, category):
        expect(self.at("#fields legend").first).to_have_text(enums.Category(category).label)
        self.settles()

    def sees_files(self, *names):
        expect(self.at(".file-name")).to_have_text(list(names))
        self.settles()

    def begin_upload(self, *files):
        """Choose files and hold their upload until upload_goes_on or upload_breaks; return their paths."""
        held = []
        self.page.route("**/anhaenge", lambda route: held.append(route), times=1)
        with self.page.expect_request("**/anhaenge"):
            paths = self.add_files(*files)
        expect(self.at("#upload-progress")).to_be_visible()
        (self._upload,) = held
        return paths

    def upload_goes_on(self):
        self._upload.continue_()

    def upload_breaks(self):
        self._upload.abort("connectionreset")

    def sees_receipt(self):
        expect(self.page).to_have_url(re.compile(r"/eingegangen/[2-9A-Z]{8}$"))
        expect(self.at("h1")).to_have_text("Ihre Anfrage ist eingegangen")

    def sees_values(self, values):
        """Check that fields show these values, or have these choices."""
        for name, value in values.items():
            if name in ("salutation", "priority"):
                expect(self.at(f"input[name={name}][value={value}]")).to_be_checked()
            else:
                expect(self.at(f"#{name}")).to_have_value(value)

    def focus_is_on(self, selector):
        expect(self.at(selector)).to_be_focused()
        self.settles()
        expect(self.at(selector)).to_be_focused()

    def chosen_files(self):
        """Return the names of the files that the file field holds."""
        return self.at("#files").evaluate("(input) => [...input.files].map((file) => file.name)")

    def throttle_uploads(self):
        """Limit uploads to 20 kB/s."""
        self._connect(upload=20_000)

    def throttle_to_slow_4g(self):
        """Emulate the "Slow 4G" of developer tools: 1.6 Mbit/s down, 750 kbit/s up, half a second to answer."""
        self._connect(download=180_000, upload=84_000, latency=562)

    def go_offline(self):
        self._connect(offline=True)

    def go_online(self):
        self._connect()

    def _connect(self, download=-1, upload=-1, latency=0, offline=False):
        conditions = {
            "offline": offline,
            "latency": latency,
            "downloadThroughput": download,
            "uploadThroughput": upload,
        }
        self._network.send("Network.emulateNetworkConditions", conditions)

    def check(self):
        """Check what must hold after every test: no script error, no CSP violation, no foreign host."""
        assert [text for text in self.console if not LOADING_FAILED.search(text)] == []
        assert {request.url for request in self.requests if not request.url.startswith(self.portal.url)} == set()


@pytest.fixture(scope="session")
def launch():
    """Return a function that starts a browser by the name of Debian's package."""
    with sync_playwright() as playwright:

        def start(name):
            path = shutil.which(name)
            if path is None:
                pytest.fail(f"The browser tests need Debian's package {name}: sudo apt install {name}")
            return playwright.chromium.launch(
                executable_path=path,
                args=["--no-sandbox", "--disable-background-networking"],
                # Going back restores a page as it was left, as in every desktop browser.
                ignore_default_args=["--disable-back-forward-cache"],
            )

        yield start


@pytest.fixture(scope="session")
def headless_browser(launch):
    """Chromium without a window, for most tests: it takes half the CPU time."""
    chromium = launch("chromium-headless-shell" if shutil.which("chromium-headless-shell") else "chromium")
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def desktop_browser(launch):
    """The whole of Chromium, for tests marked so: only it has the back/forward cache."""
    chromium = launch("chromium")
    yield chromium
    chromium.close()


@pytest.fixture
def browser(request):
    is_marked = request.node.get_closest_marker("desktop_browser")
    return request.getfixturevalue("desktop_browser" if is_marked else "headless_browser")


@pytest.fixture(scope="session")
def known(portal):
    """What Anna types: the number and PIN of her company, her name and her phone."""
    return portal.add_customer("K1001", "Bäckerei Sommer")


@pytest.fixture
def open_tab(browser, portal, known, tmp_path):
    """Open a tab in a browser of its own; its console is checked at the end."""
    tabs = []

    def new(**options):
        context = browser.new_context(base_url=portal.url, locale="de-DE", timezone_id="Europe/Berlin", **options)
        context.set_default_timeout(TIMEOUT_MS)
        tabs.append(Tab(context, portal, known, tmp_path))
        return tabs[-1]

    yield new
    for tab in tabs:
        tab.page.context.close()
        tab.check()


@pytest.fixture
def staff_tab(open_tab, portal):
    """Open a tab in which Clara, who leads the office, is signed in; no password was ever set."""

    def new(**options):
        now = datetime.now(UTC)
        with portal.database():
            known = {"name": "Clara Neumann", "role": "lead", "password_hash": "none", "created_at": now}
            member, _ = Staff.get_or_create(login="clara", defaults=known)
            token = sessions.begin(member, "127.0.0.1", now)
        signer = Flask("signer")
        signer.secret_key = (portal.data_dir / "secret.key").read_bytes()
        session = {"staff": token, "staff_seen": int(now.timestamp())}
        cookie = SecureCookieSessionInterface().get_signing_serializer(signer).dumps(session)
        tab = open_tab(**options)
        tab.page.context.add_cookies([{"name": "session", "value": cookie, "url": portal.url}])
        return tab

    return new


@pytest.fixture
def tab(open_tab):
    return open_tab()


@pytest.fixture
def sent(portal):
    """Return what has been sent since the test began, oldest first, each submission with its attachments."""
    with portal.database():
        before = Submission.select().count()

    def load():
        with portal.database():
            return prefetch(Submission.select().where(Submission.id > before).order_by(Submission.id), Attachment)

    return load


def names_of(submission):
    return sorted(attachment.name for attachment in submission.files)
