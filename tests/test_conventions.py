"""Conventions that a machine can check: imports, types, style, templates, translations, pinned versions, documents."""

import ast
import gettext
import hashlib
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest

from settings import VERSION
from tests.support.processes import ROOT
from tools import catalogue, layers

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def test_imports_keep_to_the_layers():
    result = layers.check()
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("tool", ["mypy", "ruff check --quiet", "ruff format --check --quiet"])
def test_types_and_style(tool):
    result = subprocess.run([sys.executable, "-m", *tool.split()], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_only_one_place_normalises_text():
    # In pieces: a long run of combining marks would hold the interpreter. Migrations stay as they were released.
    callers = [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if not path.relative_to(ROOT).parts[0].startswith((".", "tests", "migrations"))
        and "unicodedata.normalize" in path.read_text("utf-8")
    ]
    assert callers == ["i18n/typed_text.py"]


def test_an_old_python_can_parse_start_py():
    ast.parse((ROOT / "start.py").read_text("utf-8"), feature_version=(3, 4))


class InlineCode(HTMLParser):
    """Collects what a strict Content-Security-Policy blocks."""

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
    # The data export is a file of its own, to which no header applies.
    assert parser.found == (["<style>"] if path.name == "data_export.html" else [])


def test_templates_have_short_lines():
    templates = [path for path in (ROOT / "templates").rglob("*.*") if path.is_file() and path.suffix != ".cache"]
    long_lines = [
        f"{path.name}:{number}"
        for path in templates
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > 200
    ]
    # A line ending in "{# -#}" continues on the next one: nothing between the two lines is sent.
    assert long_lines == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_escape_everything(path):
    text = path.read_text("utf-8")
    assert re.findall(r"\|\s*safe\b|autoescape|Markup", text) == []
    # What _() returns is not escaped, so no typed text may go through it.
    assert re.findall(r"\b_\((?![\"']|[\w.]+\.label\))", text) == []


def test_htmx_is_the_one_that_was_checked():
    (vendored,) = (ROOT / "static" / "vendor").glob("htmx*.js")
    digest = hashlib.sha256(vendored.read_bytes()).hexdigest()
    assert digest == "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_every_version_is_pinned_with_its_hashes(name):
    text = (ROOT / name).read_text("utf-8").replace("\\\n", "")
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    pinned = r"([a-z0-9-]+)==[\w.]+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+"
    names = [re.fullmatch(pinned, line)[1] for line in lines if line]
    chosen = (ROOT / name).with_suffix(".in").read_text("utf-8")
    assert {wanted.lower() for wanted in re.findall(r"^[\w-]+", chosen, re.MULTILINE)} - {"-r", "-c"} <= set(names)


@pytest.mark.parametrize(("code", "domain"), [("de", "messages"), ("en", "portal")])
def test_compiled_catalogue_is_the_readable_one(code, domain):
    folder = ROOT / "translations" / code / "LC_MESSAGES"
    with (folder / f"{domain}.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog
    readable = read_catalogue((folder / f"{domain}.po").read_text("utf-8"))
    assert {key: text for key, text in compiled.items() if key != ""} == readable
    assert all(readable.values())


def read_catalogue(text):
    """Return the entries of a .po file as gettext keeps those of a .mo file."""
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

    for message in catalogue.load_catalogue():
        pairs = zip(catalogue.plural_forms(message.id), catalogue.plural_forms(message.string), strict=True)
        for german, english in pairs if message.id else ():
            assert gaps(german) == gaps(english), german


@pytest.mark.parametrize("path", ["README.md", "docs/handbuch.md"])
def test_documents_show_only_pictures_that_are_there(path):
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (ROOT / path).read_text("utf-8"))
    assert pictures
    assert [name for name in pictures if not (ROOT / path).parent.joinpath(name).is_file()] == []


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_documents_name_only_paths_that_exist(path):
    text = (ROOT / path).read_text("utf-8")
    named = re.findall(r"`([\w./-]+(?:/|\.(?:py|md|css|html)))`|\]\(([\w./-]+)\)|(?<= )(tests/[\w/]+)", text)
    paths = {name for names in named for name in names if name and not name.startswith(("/", "instance/"))}
    assert paths
    assert [name for name in paths if not (ROOT / name).exists()] == []


def test_readme_fits_two_screens():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 110


def test_version_has_an_entry_in_the_changelog():
    assert f"## [{VERSION}] - " in (ROOT / "CHANGELOG.md").read_text("utf-8")
