"""The house rules that a machine can check: who imports whom, lint, templates, translations, pinned versions."""

import ast
import gettext
import hashlib
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest

from tests import catalogue
from tests.conftest import ROOT

# Each room with the rooms it may use. The ground floor knows nobody; a view, a service or a command knows no other app.
ROOMS = {
    "faults": set(),
    "colours": set(),
    "settings": {"colours", "faults"},
    "words": set(),
    "language": set(),
    "database": set(),
    "models": {"database", "words"},
    "clock": {"settings"},
    "texts": {"language", "settings"},
    "damping": {"settings"},
    "logs": {"damping", "faults", "settings"},
    "migrations": {"database", "clock", "migrations", "settings"},
    "services.workdays": set(),
    "services.disk": {"settings"},
    "services.data_folder": {"faults", "services.disk", "settings"},
    "services.logo": {"faults", "settings"},
    "services.backup": {
        "database",
        "faults",
        "migrations",
        "models",
        "settings",
        "texts",
        "services.disk",
        "services.logo",
    },
    "services.checkup": {
        "faults",
        "migrations",
        "models",
        "words",
        "settings",
        "texts",
        "services.accounts",
        "services.backup",
        "services.data_folder",
        "services.disk",
        "services.links",
        "services.logo",
        "services.scanner",
    },
    "services.restore": {
        "faults",
        "migrations",
        "models",
        "words",
        "settings",
        "texts",
        "services.backup",
        "services.disk",
    },
    "services.file_names": {"words"},
    "services.file_types.reader": {"language"},
    "services.file_types.boxes": {"services.file_types.reader"},
    "services.file_types.jpeg": {"services.file_types.boxes", "services.file_types.reader"},
    "services.file_types.pdf": {"services.file_types.reader", "services.file_types.unpacker"},
    "services.file_types.pictures": {"services.file_types.reader"},
    "services.file_types.text": {"language", "services.file_types.reader"},
    "services.file_types.tiff": {"services.file_types.reader"},
    "services.file_types.unpacker": set(),
    "services.file_types": {
        "language",
        "settings",
        "services.file_types.boxes",
        "services.file_types.jpeg",
        "services.file_types.pdf",
        "services.file_types.pictures",
        "services.file_types.reader",
        "services.file_types.text",
        "services.file_types.tiff",
    },
    "services.scanner": {"faults", "language", "settings", "services.file_types", "services.security_log"},
    "services.attachments": {
        "database",
        "language",
        "models",
        "settings",
        "words",
        "services.disk",
        "services.file_names",
        "services.file_types",
        "services.file_types.reader",
        "services.file_types.text",
        "services.networks",
        "services.scanner",
    },
    "services.accounts": {"database", "models", "words", "settings", "services.disk"},
    "services.customer_import": {
        "database",
        "models",
        "words",
        "services.accounts",
        "services.customers",
        "services.search",
    },
    "services.customers": {
        "database",
        "models",
        "words",
        "services.accounts",
        "services.addresses",
        "services.outbox",
        "services.search",
    },
    "services.search": {"database", "models", "words"},
    "services.floods": {"settings", "services.networks", "services.security_log"},
    "services.guessing": {"database", "models", "settings", "services.networks"},
    "services.networks": set(),
    "services.security_log": {"logs", "services.networks"},
    "services.attempts": {"database", "models", "settings", "services.accounts", "services.networks"},
    "services.sessions": {"database", "models", "settings", "services.attempts"},
    "services.second_factor": {"database", "models", "words", "settings", "services.accounts"},
    "services.new_key": {
        "database",
        "settings",
        "services.accounts",
        "services.links",
        "services.second_factor",
        "services.sessions",
    },
    "services.staff": {
        "database",
        "models",
        "words",
        "settings",
        "services.accounts",
        "services.attempts",
        "services.second_factor",
        "services.sessions",
    },
    "services.addresses": set(),
    "services.outbox": {"database", "models", "words", "settings"},
    "services.links": {"models", "words", "settings", "services.accounts"},
    "services.history": {"models", "words", "services.webhook"},
    "services.mail": {
        "database",
        "language",
        "models",
        "settings",
        "texts",
        "words",
        "services.customers",
        "services.history",
        "services.links",
        "services.outbox",
        "services.workdays",
    },
    "services.mime": {
        "words",
        "settings",
        "services.addresses",
        "services.attachments",
        "services.links",
        "services.outbox",
    },
    "services.wire": set(),
    "services.smtp": {"settings", "services.addresses", "services.mime", "services.outbox", "services.wire"},
    "services.webhook": {"settings", "words", "services.outbox", "services.wire"},
    "services.delivery": {
        "database",
        "models",
        "words",
        "settings",
        "services.links",
        "services.outbox",
        "services.smtp",
        "services.webhook",
    },
    "services.overview": {
        "database",
        "models",
        "words",
        "settings",
        "services.approvals",
        "services.backup",
        "services.disk",
        "services.guessing",
        "services.nights",
        "services.outbox",
        "services.retention",
        "services.scanner",
        "services.unmatched",
        "services.workdays",
    },
    "services.queue": {"database", "models", "words", "services.approvals", "services.search"},
    "services.changes": {"database", "models", "services.history", "services.outbox", "services.search"},
    "services.approvals": {
        "database",
        "language",
        "models",
        "settings",
        "words",
        "services.changes",
        "services.history",
        "services.links",
        "services.mail",
        "services.workdays",
    },
    "services.tickets": {
        "words",
        "services.approvals",
        "services.changes",
        "services.history",
        "services.mail",
        "services.search",
    },
    "services.conversation": {
        "language",
        "models",
        "settings",
        "texts",
        "words",
        "services.approvals",
        "services.attachments",
        "services.changes",
        "services.history",
        "services.links",
        "services.mail",
        "services.outbox",
        "services.tickets",
    },
    "services.text_blocks": {"database"},
    "services.figures": {"database", "models", "words", "settings"},
    "services.csv_export": {"words", "settings", "services.tickets"},
    "services.intake": {
        "database",
        "models",
        "words",
        "settings",
        "services.accounts",
        "services.approvals",
        "services.attachments",
        "services.changes",
        "services.customers",
        "services.floods",
        "services.guessing",
        "services.history",
        "services.mail",
        "services.search",
        "services.security_log",
        "services.unmatched",
        "services.workdays",
    },
    "services.unmatched": {"database", "models", "words", "settings", "services.attachments", "services.networks"},
    "services.likeness": {"words"},
    "services.persons": {
        "models",
        "words",
        "settings",
        "services.approvals",
        "services.attachments",
        "services.file_types",
        "services.file_types.text",
        "services.likeness",
    },
    "services.erasure": {
        "database",
        "models",
        "words",
        "services.attachments",
        "services.customers",
        "services.history",
        "services.links",
        "services.outbox",
        "services.persons",
        "services.search",
        "services.unmatched",
    },
    "services.disclosure": {
        "models",
        "words",
        "settings",
        "services.attachments",
        "services.conversation",
        "services.outbox",
        "services.persons",
    },
    "services.retention": {
        "database",
        "migrations",
        "models",
        "texts",
        "words",
        "settings",
        "services.attachments",
        "services.erasure",
        "services.history",
        "services.outbox",
        "services.search",
        "services.unmatched",
    },
    "services.nights": {"settings", "services.backup", "services.disk", "services.workdays"},
    "services.summary": {
        "database",
        "models",
        "words",
        "settings",
        "services.mail",
        "services.overview",
        "services.workdays",
    },
    "services.loop": {"database", "clock", "settings"},
    "services.worker": {
        "database",
        "logs",
        "models",
        "settings",
        "services.accounts",
        "services.approvals",
        "services.attachments",
        "services.attempts",
        "services.backup",
        "services.delivery",
        "services.disk",
        "services.guessing",
        "services.intake",
        "services.loop",
        "services.nights",
        "services.outbox",
        "services.retention",
        "services.sessions",
        "services.summary",
        "services.unmatched",
    },
    "fields": {"clock", "language", "words", "services.accounts"},
    "forms": {"fields", "language", "texts", "words", "services.accounts", "services.workdays"},
    "approval_forms": {"fields", "language", "words"},
    "priority_helper": {"fields", "language", "words"},
    "intake_forms": {"database", "fields", "forms", "models", "words", "services"},
    "staff_forms": {"fields", "models", "words", "services", "texts"},
    "ticket_forms": {"fields", "models", "services", "staff_forms"},
    "customer_forms": {"fields", "models", "words", "services", "staff_forms"},
    "views": {
        "colours",
        "approval_forms",
        "clock",
        "customer_forms",
        "database",
        "fields",
        "forms",
        "intake_forms",
        "language",
        "models",
        "priority_helper",
        "services",
        "settings",
        "staff_forms",
        "texts",
        "ticket_forms",
        "views",
        "words",
    },
    "demo_words": set(),
    "demo_data": {"database", "demo_words", "models", "words", "settings", "services"},
    "demo": {"demo_data", "demo_words", "models", "words", "settings", "services"},
    "care_commands": {
        "database",
        "clock",
        "command_line",
        "faults",
        "logs",
        "migrations",
        "services",
        "settings",
        "texts",
    },
    "command_line": {"database", "logs", "texts", "services"},
    "commands": {
        "care_commands",
        "clock",
        "command_line",
        "faults",
        "forms",
        "models",
        "words",
        "texts",
        "services",
    },
    "app": {
        "clock",
        "commands",
        "damping",
        "database",
        "demo",
        "forms",
        "language",
        "logs",
        "migrations",
        "proxy",
        "services",
        "serving",
        "settings",
        "texts",
        "views",
        "words",
    },
    "serving": {"services", "settings", "views"},
    "proxy": {"services.networks"},
    "start": set(),
}

SOURCES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.py", "services/**/*.py", "views/**/*.py", "migrations/*.py")
    for path in ROOT.glob(pattern)
    if path.stat().st_size
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def module_of(path):
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def room_of(module):
    """Return the room of a module: itself, or the package it lies in."""
    return next((room for room in (module, module.partition(".")[0]) if room in ROOMS), None)


def imported_modules(path):
    """Return every module that a file imports, at its top or anywhere in it."""
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by dots"
            ours = {f"{node.module}.{alias.name}" for alias in node.names if is_ours(f"{node.module}.{alias.name}")}
            yield from ours or {node.module}


def is_ours(module):
    place = ROOT.joinpath(*module.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_run_one_way(path):
    module = module_of(path)
    room = room_of(module)
    assert room, f"{path} stands in no room; name it in ROOMS with what it may use"
    for imported in filter(is_ours, imported_modules(path)):
        assert as_allowed(imported) & ROOMS[room], f"{path} must not use {imported}"


def as_allowed(module):
    """Return the names under which a room may be allowed a module: its own, and that of its package."""
    return {module, module.partition(".")[0]}


def test_no_room_is_allowed_what_it_does_not_use():
    unused = {room: set(allowed) for room, allowed in ROOMS.items()}
    for path in SOURCES:
        for imported in filter(is_ours, imported_modules(path)):
            unused[room_of(module_of(path))] -= as_allowed(imported)
    assert {room: names for room, names in unused.items() if names} == {}


def test_no_room_uses_one_that_uses_it():
    looked_at = set()

    def look_at(room, path=()):
        assert room not in path, f"{room} leads back to itself"
        if room in looked_at:
            return
        looked_at.add(room)
        for used in ROOMS[room] - {room}:
            for name in ROOMS:
                if name == used or name.startswith(f"{used}."):
                    look_at(name, (*path, room))

    for room in ROOMS:
        look_at(room)


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] == "services"], ids=str)
def test_services_know_no_web(path):
    web = {"flask", "flask_wtf", "wtforms", "waitress", "click"}
    assert {module.partition(".")[0] for module in imported_modules(path)} & web == set()


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff(arguments):
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "--quiet"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_start_py_is_read_by_an_old_python():
    ast.parse((ROOT / "start.py").read_text("utf-8"), feature_version=(3, 4))


class InlineCode(HTMLParser):
    """Collects what a strict content security policy would not run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(f"<{tag}>")
        self.found += [name for name in names if re.fullmatch(r"style|on[a-z]+|(data-)?hx-on\W.*", name)]
        self.found += [value for value in names.values() if value and re.match(r"\s*(javascript|data):", value)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_inline_code(path):
    parser = InlineCode()
    parser.feed(path.read_text("utf-8"))
    # It leaves the house as a file of its own, to which no header belongs.
    assert parser.found == (["<style>"] if path.name == "disclosure.html" else [])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_escape_everything(path):
    text = path.read_text("utf-8")
    assert re.findall(r"\|\s*safe\b|autoescape|Markup", text) == []
    # What _() returns counts as safe HTML: a text that somebody typed must not go through it.
    assert re.findall(r"\b_\((?![\"']|[\w.]+\.label\))", text) == []


def test_htmx_is_the_one_that_was_checked():
    (vendored,) = (ROOT / "static" / "vendor").glob("htmx*.js")
    digest = hashlib.sha256(vendored.read_bytes()).hexdigest()
    assert digest == "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_every_version_is_pinned(name):
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines()]
    wanted = [line for line in lines if line and line != "-r requirements.txt"]
    assert wanted
    assert [
        line for line in wanted if not re.fullmatch(r"[A-Za-z0-9-]+==[\w.]+(; sys_platform == \"win32\")?", line)
    ] == []


@pytest.mark.parametrize(("code", "domain"), [("de", "messages"), ("en", "portal")])
def test_compiled_catalogue_is_the_readable_one(code, domain):
    folder = ROOT / "translations" / code / "LC_MESSAGES"
    with (folder / f"{domain}.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog
    readable = read_catalogue((folder / f"{domain}.po").read_text("utf-8"))
    assert {key: text for key, text in compiled.items() if key != ""} == readable
    assert all(readable.values())


def read_catalogue(text):
    """Return the entries of a .po file in the shape in which gettext keeps those of a .mo file."""
    entries = {}
    for block in re.split(r"\n\s*\n", text):
        fields = {}
        for keyword, strings in re.findall(r'^(msg\w+(?:\[\d\])?) ((?:".*"\s*)+)', block, re.MULTILINE):
            fields[keyword] = "".join(map(ast.literal_eval, re.findall(r'".*"', strings)))
        if not fields.get("msgid"):
            continue
        if "msgid_plural" in fields:
            entries |= {(fields["msgid"], number): fields[f"msgstr[{number}]"] for number in (0, 1)}
        else:
            entries[fields["msgid"]] = fields["msgstr"]
    return entries


def test_english_sentences_have_the_gaps_and_marks_of_the_german_ones():
    def gaps(text):
        return Counter(re.findall(r"%\(\w+\)\d*[sd]|\{\w+\}|<[^>]+>|\N{NO-BREAK SPACE}", text))

    for message in catalogue.known():
        pairs = zip(catalogue.texts_of(message.id), catalogue.texts_of(message.string), strict=True)
        for german, english in pairs if message.id else ():
            assert gaps(german) == gaps(english), german


@pytest.mark.parametrize("path", ["README.md", "docs/handbuch.md"])
def test_documents_show_only_pictures_that_are_there(path):
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (ROOT / path).read_text("utf-8"))
    assert pictures
    assert [name for name in pictures if not (ROOT / path).parent.joinpath(name).is_file()] == []
