"""A visitor who looks at every page: headers, valid HTML5, a title, no id twice, labels, links."""

import copy
import gzip
import itertools
import re
from functools import lru_cache
from typing import NamedTuple

import html5lib
from werkzeug.datastructures import MultiDict

# Marks a request as htmx's, which gets only a fragment.
HTMX = {"HX-Request": "true"}

EXAMPLES = {
    "incident": {"description": "Der Drucker zieht kein Papier ein.", "priority": "low"},
    "warranty": {"device": "ThinkPad E16", "description": "Der Akku lädt nicht.", "priority": "medium"},
    "new_employee": {
        "salutation": "ms",
        "first_name": "Clara",
        "last_name": "Neumann",
        "position": "Buchhaltung",
        "entry_date": "2027-04-01",
    },
    "callback": {"description": "Bitte um Rückruf wegen WLAN im Lager.", "priority": "low"},
    "other": {"description": "Bitte zwei Lizenzen bestellen.", "priority": "low"},
}

OPTIONAL = {
    "incident": {"email": "anna@sommer.example", "reference": "Drucker Theke"},
    "warranty": {
        "email": "anna@sommer.example",
        "reference": "PO-4711",
        "serial_number": "PF4X7Q2M",
        "order_reference": "RE-2026-0815",
    },
    "new_employee": {
        "email": "anna@sommer.example",
        "reference": "Neu im Büro",
        "extension": "42",
        "mobile": "0172 555-0166",
        "desired_email": "clara.neumann@sommer.example",
        "remarks": "Bitte mit zwei Monitoren.\nUnd einer Tastatur für Linkshänder.",
    },
    "callback": {"email": "anna@sommer.example", "reference": "WLAN"},
    "other": {"email": "anna@sommer.example", "reference": "Lizenzen"},
}


# What a first visit may cost.
BUDGET_BYTES, BUDGET_REQUESTS = 30_000, 4

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

# URLs with a token from a mail or letter, which must not leak as a referrer.
OPENED_BY_TOKEN = ("/freigabe/", "/vorgang/", "/verwaltung/einrichten/", "/verwaltung/konto-einrichten/")

# Pages without personal data may be cached.
CACHED = dict.fromkeys(("/", "/hilfe"), "no-cache, private")
STATIC = "public, max-age=31536000, immutable"


class RequestLine(NamedTuple):
    """The request of a response that came over the network and does not carry it."""

    method: str
    path: str


def check_headers(answer, asked=None):
    """Check the headers that every response must have."""
    asked = asked or answer.request
    path, differing = asked.path, {}
    if path.startswith(OPENED_BY_TOKEN):
        differing["Referrer-Policy"] = "no-referrer"
    if asked.method in ("GET", "HEAD") and answer.status_code == 200:
        if path in CACHED:
            differing["Cache-Control"] = CACHED[path]
        if path.startswith("/static/"):
            differing["Cache-Control"] = STATIC
        if "/anhang/" in path:
            differing["Content-Security-Policy"] = "default-src 'none'; sandbox"
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS | differing, path


# What differs from one answer of the same page to the next: tokens, submission keys, Vorgangsnummern.
RANDOM = re.compile(
    r"\bI[\w-]{55}\.[\w-]{6}\.[\w-]{27}"  # CSRF token
    r'|(?<=name="draft" value=")[\w-]{22}|(?<=/vorgang/)[\w-]{22}|(?<=/freigabe/)[\w-]{22}'
    r"|\b[2-9A-HJKMNP-Z]{4}-?[2-9A-HJKMNP-Z]{4}\b"
)


def parse_strictly(text, is_whole):
    """Parse HTML5 and fail at the first error; pages that differ by random values only are parsed once.

    Strict parsing takes a quarter of the tests' time, and most answers are pages that other tests have seen.
    """
    values = RANDOM.findall(text)
    marks = (f"\ue000{n}\ue001" for n in itertools.count())
    tree = copy.deepcopy(_parsed(RANDOM.sub(lambda _: next(marks), text), is_whole))

    def filled_in(text):
        return (
            re.sub("\ue000(\\d+)\ue001", lambda mark: values[int(mark[1])], text) if text and "\ue000" in text else text
        )

    for element in tree.iter() if values else ():
        element.text, element.tail = filled_in(element.text), filled_in(element.tail)
        for name, value in element.attrib.items():
            element.set(name, filled_in(value))
    return tree


@lru_cache(maxsize=300)
def _parsed(text, is_whole):
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(text) if is_whole else parser.parseFragment(text)


def row_titles(page):
    """Return the titles of the rows that a page lists."""
    return ["".join(link.itertext()) for link in page.tree.iter("a") if link.get("class") == "row-title"]


def actions_of(form):
    """Return where a form and its buttons send to."""
    return {form.get("action"), *(button.get("formaction") for button in form.iter("button"))} - {None}


def href(page, text):
    """Return the target of the link with this text."""
    (link,) = [link for link in page.tree.iter("a") if "".join(link.itertext()) == text]
    return link.get("href")


class Page:
    """A response, parsed like a browser does."""

    def __init__(self, response, asked=None):
        check_headers(response, asked)
        self.response = response
        self.status = response.status_code
        body = response.get_data()
        self.text = (gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body).decode()
        is_whole = self.text.lstrip().lower().startswith("<!doctype")
        self.tree = parse_strictly(self.text, is_whole)
        self._check(is_whole)

    @property
    def title(self):
        return (self.tree.findtext(".//title") or "").strip()

    def element(self, id):
        """Return the element with this id, or None."""
        return next((element for element in self.tree.iter() if element.get("id") == id), None)

    def text_of(self, id):
        """Return the words inside the element with this id, or "" if there is none."""
        element = self.element(id)
        return "" if element is None else " ".join("".join(element.itertext()).split())

    def fields(self, action=None):
        """Return what a browser would submit for the page's form, without a button.

        action: where the form, or one of its buttons, sends to, if the page has several.

        The search in the header of the office's pages is no part of the page's form.
        """
        forms = [form for form in self.tree.iter("form") if action in actions_of(form)]
        assert action is None or len(forms) == 1, f"no single form sends to {action}"
        search = self.element("search-form") if action is None else None
        left_out = [] if search is None else list(search)
        pairs = MultiDict()
        for element in (forms[0] if action else self.tree).iter():
            if element in left_out:
                continue
            if element.tag == "select":
                options = list(element.iter("option"))
                chosen = [option for option in options if "selected" in option.attrib] or options[:1]
                pairs.update({element.get("name"): [option.get("value") for option in chosen]})
            if element.tag not in ("input", "textarea"):
                continue
            kind = element.get("type", "text")
            if kind == "file" or (kind in ("radio", "checkbox") and "checked" not in element.attrib):
                continue
            # A browser drops the line end right after <textarea>.
            value = "".join(element.itertext()) if element.tag == "textarea" else element.get("value", "")
            pairs.add(element.get("name"), value)
        return pairs

    def errors(self):
        """Return the sentence at each faulty field, by the field's id."""
        ids = [element.get("id", "") for element in self.tree.iter() if element.get("id", "").endswith("-error")]
        return {id.removesuffix("-error"): self.text_of(id) for id in ids}

    def summary(self):
        """Return the error summary as pairs of link target and sentence."""
        for box in self.tree.iter("div"):
            if "summary" in box.get("class", "").split():
                return [(link.get("href"), " ".join("".join(link.itertext()).split())) for link in box.iter("a")]
        return []

    def _check(self, is_whole):
        ids = [element.get("id") for element in self.tree.iter() if element.get("id")]
        assert len(ids) == len(set(ids)), f"duplicate id: {sorted(ids)}"
        for field in self.tree.iter("input"):
            assert field.get("type") != "hidden" or "autocomplete" not in field.attrib
        if not is_whole:
            return
        assert self.title
        assert len(list(self.tree.iter("h1"))) == 1
        for label in self.tree.iter("label"):
            assert label.get("for") in ids or label.find("input") is not None
        for element in self.tree.iter():
            for reference in element.get("aria-describedby", "").split():
                assert reference in ids, f"aria-describedby points nowhere: {reference}"
        for link in self.tree.iter("a"):
            if link.get("href", "").startswith("#"):
                assert link.get("href")[1:] in ids, f"a link points nowhere: {link.get('href')}"
        for form in self.tree.iter("form"):
            assert form.get("action")
            has_token = any(field.get("name") == "csrf_token" for field in form.iter("input"))
            # A search form has no token: its values are in the URL.
            assert (form.get("method"), form.get("role"), has_token) in (("post", None, True), ("get", "search", False))


class Visitor:
    """A person with a browser without JavaScript, who fills in the form."""

    def __init__(self, app, known):
        self.client = app.test_client()
        self.known = known

    def get(self, path, **options):
        return Page(self.client.get(path, **options))

    def post(self, path, data, **options):
        response = self.client.post(path, data=data, content_type="multipart/form-data", **options)
        # The client keeps a large body in a file and leaves closing it to the garbage collector, which complains.
        response.request.environ["wsgi.input"].close()
        return Page(response)

    def filled(self, category, **changes):
        """Return a fresh form's values, filled in for a category; a change to None leaves that field out."""
        values = self.get("/").fields().to_dict() | self.known | {"category": category} | EXAMPLES[category] | changes
        return {name: value for name, value in values.items() if value is not None}

    def send(self, category, **changes):
        """Fill in a fresh form, send it and return the answer, not following a redirect."""
        return self.post("/", self.filled(category, **changes))

    def report(self, category, **changes):
        """Fill in and send a form that must be accepted, and return the receipt page."""
        answer = self.send(category, **changes)
        assert answer.status == 303, answer.errors() or answer.summary()
        return self.get(answer.response.location)


def without_random(text):
    """Return a page with the random values that no two answers share replaced."""
    text = re.sub(r'(name="csrf_token"[^>]*value=)"[^"]*"', r'\1"…"', text)
    text = re.sub(r'(name="draft" value=)"[^"]*"', r'\1"…"', text)
    text = re.sub(r"\b[2-9A-HJKMNP-Z]{4}-?[2-9A-HJKMNP-Z]{4}\b", "VORGANG", text)
    return re.sub(r"\d\d\.\d\d\.\d{4} um \d\d:\d\d\sUhr", "WANN", text)


def visible_answer(visitor, page):
    """Return all that a visitor can see of a response, with random and typed values replaced."""
    headers = []
    for name, value in page.response.headers:
        if name == "Set-Cookie":
            cookie, _, attributes = value.partition("; ")
            value = (cookie.partition("=")[0], attributes)
        elif name in ("Location", "HX-Redirect"):
            value = without_random(value)
        headers.append((name, value))
    body = page.text.replace(visitor.known["customer_number"], "…").replace(visitor.known["pin"], "…")
    return page.status, headers, without_random(body)


TOO_LARGE = {"CONTENT_LENGTH": str(1024**3)}


def fail(*_, **__):
    raise RuntimeError("brought about by the test")


def static_urls(page):
    """Return the URLs that a browser loads for a page."""
    loaded = [element.get("href") for element in page.tree.iter("link")]
    loaded += [element.get("src") for tag in ("script", "img") for element in page.tree.iter(tag)]
    return [url for url in loaded if not url.startswith("data:image/svg+xml,")]


def all_text(page):
    return " ".join("".join(page.tree.itertext()).split())
