"""Visitors with an English browser; every page they see is checked for German."""

import io
import re

import pytest

from tests.support.approvers import BERND
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES, OPTIONAL, Visitor
from tests.support.servers.mailbox import path_in
from tests.support.wording.page_text import tampered_forms

# What John types; all other text on a page comes from the portal.
TYPED = {
    "description": "The printer eats no paper.",
    "reference": "Front desk",
    "remarks": "With two monitors, please.",
}
ENGLISH = {
    category: {name: TYPED.get(name, text) for name, text in (EXAMPLES[category] | OPTIONAL[category]).items()}
    for category in EXAMPLES
}
PROPER_NAMES = re.compile("Bäckerei Sommer|Nordrhein-Westfalen")

# Words that exist in German only; "die", "was", "so", "in", "an" and the like are English, too.
GERMAN = re.compile(
    r"[äöüßÄÖÜ„‚]|\b(?:der|den|dem|des|das|und|oder|aber|nicht|keine?|ist|sind|wird|wurde|haben|mit|für|von|zu|zum|im|auf"
    r"|aus|bei|bis|nach|noch|schon|nur|bitte|Bitte|Sie|Ihr|Ihre[nmrs]?|[Ww]ir|[Uu]ns|[Ee]ine?[nmrs]?|Anfrage|Fehler"
    r"|Datei|Dateien|Hilfe|Uhr|Vorgang|Kunde|Stunden?|Tage?n?|Jahre?n?|Minuten?|Niedrig|Mittel|Hoch|Frau|Herr)\b"
)
READ = ("alt", "aria-label", "content", "data-thing", "data-too-large", "placeholder", "title")


def german_in(page):
    """Return what is German on an English page, except the link to the German page."""

    def words(element):
        if element.tag in ("script", "style") or (element.tag in ("a", "button") and element.get("lang")):
            return
        yield from filter(None, [element.text, *(element.get(name) for name in READ)])
        for child in element:
            yield from words(child)
            yield child.tail or ""

    said = " ".join(PROPER_NAMES.sub("", "\n".join(words(page.tree))).split())
    return [said[max(0, found.start() - 40) : found.end() + 40] for found in GERMAN.finditer(said)]


class EnglishVisitor(Visitor):
    """A visitor with an English browser; fails if a page contains German."""

    def __init__(self, app, known=()):
        super().__init__(app, dict(known))
        self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en-GB,en;q=0.9,de;q=0.5"
        self.seen = 0

    def get(self, path, **options):
        return self._read(super().get(path, **options))

    def post(self, path, data, **options):
        return self._read(super().post(path, data, **options))

    def filled(self, category, **changes):
        return super().filled(category, **ENGLISH[category] | changes)

    def walk(self, addresses):
        """Open pages and send each of their forms with invalid input."""
        for page in [self.get(address) for address in addresses]:
            for action, values in tampered_forms(page):
                self.post(action, values)

    def _read(self, page):
        assert german_in(page) == [], page.response.request.path
        assert page.tree.tag != "html" or page.tree.get("lang") == "en"
        self.seen += 1
        return page


@pytest.fixture
def john(app, anna):
    """John of Anna's company, who reads English only."""
    return EnglishVisitor(app, anna.known | {"name": "John Smith"})


@pytest.fixture
def approver(app, john, mailbox, run_worker, approvers):
    """Return a function that lets John ask for approval, and returns the approver's English visitor and link."""

    def asked(**changes):
        john.report("incident", **{"priority": "medium"} | changes)
        run_worker()
        return EnglishVisitor(app), path_in(mailbox.last_to(BERND), "/freigabe/")

    return asked


@pytest.fixture
def ticket_path(john, run_worker, mailbox):
    """The path of the customer's page of John's only ticket."""
    john.report("incident", files=[(io.BytesIO(SMALL_PNG), "photo.png")])
    run_worker()
    return path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")
