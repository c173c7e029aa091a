"""Rules for written German that a machine can check, and functions that find the German texts of the project."""

import ast
import html
import re
from functools import cache
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment
from werkzeug.exceptions import default_exceptions
from wtforms.i18n import get_translations

from tests.support.processes import ROOT

# Placeholders in a text: for a value that the code fills in, and for code or tags.
VALUE, CODE = "\N{OBJECT REPLACEMENT CHARACTER}", "\N{ZERO WIDTH SPACE}"

# Elements whose content is not prose.
READ_BY_MACHINES = {"pre", "code", "script", "style"}

_NUMBER = rf"[\d{VALUE}]"

# Pattern of each mistake. Two spaces are a mistake; three or more separate columns.
MISTAKES = {
    "straight quotes": r"\"|(?<!\w)'|'(?!\w)",
    "English or reversed quotes": r"[”»«]|[“‘](?=\w)|(?<=\w)[„‚]",
    "quotes that do not pair": r"„[^“„]*(?:\Z|„)|(?:\A|“)[^„“]*“",
    "E-Mail": r"\b(?:E-mails?|e-[Mm]ails?|[Ee]Mails?|[Ee]mails?)\b(?![/_@.=-])",
    "two spaces": r"(?<=\S)  (?=\S)",
    "a space before punctuation": r"(?<=\S)\s+[.,;:!?](?=\s|\Z)",
    "no space after punctuation": r"[a-zäöüß“)][.!?][A-ZÄÖÜ„]|[a-zäöüß“)][,;][A-Za-zÄÖÜäöüß„]",
    "three dots": r"\.\.\.",
    "a breaking space before a unit": rf"{_NUMBER}[ \n](?:[MKG]i?B|Uhr|%)(?!\w|\()",
    "a breaking space in an abbreviation": r"\b(?:z\. ?B|d\. ?h|u\. ?a|i\. ?d)\.|\b(?:Art|Abs|Buchst|Nr)\. \w",
}

# Numbers and dates that are not in German format.
FOREIGN_NUMBERS = {
    "a date": r"\b\d{4}-\d\d-\d\d\b",
    "a decimal point": r"(?<![\w.:/-])\d+\.\d{1,2}(?![\w.:/-])",
    "am or pm": r"(?<![\w/-])\d+ ?(?:[ap]m\b|[ap]\.m\.)",
}

# Words that exist in English only; "in", "an", "die", "was" and the like are German, too.
ENGLISH_WORDS = (
    r"(?<![\w/.@<&?=-])(?:the|this|that|these|is|are|been|has|have|does|of|and|or|you|your|for|from|with|without|not"
    r"|cannot|please|required|usage|options|show|default|arguments|exit|invalid|valid|missing|unknown|found|allowed|field|choice|must|try|[Yy]our"
    r"|Usage|Options|Show|Error|Default|Please|The|This|Invalid|Missing|Unknown|January|February|March|May|June|July|October|December|Monday"
    r"|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)(?![\w/.@=-])"
)

_IS_GERMAN = re.compile(
    r"[äöüßÄÖÜ„“…]|\b(?:der|die|das|den|dem|des|ein|eine|einen|und|oder|nicht|kein|keine|ist|sind|wird|hat|mit|für|von"
    r"|zu|im|auf|aus|am|an|bitte|Bitte|Sie|Ihre?|es|Es)\b|\A[A-Z][a-z]+(?:[ -][A-Za-z]+)*[.?!]?\Z"
)

# Regular expressions and table rows may contain German words.
_IS_CODE = re.compile(r"\(\?:|;;")

# Only developers read these.
NOT_READ = {"tests", "tools", ".venv", "migrations"}


class Text(NamedTuple):
    """A text that people read, and where it is."""

    place: str
    words: str


def mistakes(words, rules=MISTAKES):
    """Return the name of each broken rule with the words around the mistake."""
    return [
        (name, words[max(0, match.start() - 30) : match.end() + 30])
        for name, pattern in rules.items()
        for match in re.finditer(pattern, words)
    ]


def english(words):
    """Return English words and default messages of libraries in a text."""
    patterns = [re.compile(ENGLISH_WORDS), *library_messages()]
    return [("English", match.group()) for pattern in patterns for match in pattern.finditer(words)]


@cache
def library_messages():
    """Return patterns of the default messages of WTForms, Flask-WTF and Werkzeug, in English and German."""
    messages = {error.description for error in default_exceptions.values() if error.description}
    messages |= {error().name for error in default_exceptions.values()}
    for package in ("wtforms", "flask_wtf"):
        for path in resources.files(package).rglob("*.py"):
            messages |= set(_marked(ast.parse(path.read_text("utf-8"))))
    messages |= set(map(get_translations(["de"]).gettext, messages))
    return [re.compile(_pattern(sentence)) for sentence in sorted(messages) if " " in sentence]


def _marked(tree):
    """Yield the texts that a library marks for translation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("gettext", "ngettext"):
            yield from (part.value for part in node.args if isinstance(getattr(part, "value", None), str))


def _pattern(sentence):
    return re.sub(r"%(?:\\\(\w+\\\))?[sd]", ".*", re.escape(sentence))


def python_texts():
    """Yield every German string literal of the code, without docstrings."""
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT)
        if place.parts[0] in NOT_READ:
            continue
        for number, words in literals(ast.parse(path.read_text("utf-8"))):
            if _IS_GERMAN.search(words) and not _IS_CODE.search(words):
                yield Text(f"{place}:{number}", words)


def literals(tree):
    """Yield every string literal of a module with its line, an f-string as a whole."""
    not_read = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            not_read |= {id(part) for part in node.values}
            yield node.lineno, "".join(getattr(part, "value", "") if is_text(part) else VALUE for part in node.values)
        elif is_text(node) and id(node) not in not_read:
            yield node.lineno, re.sub(r"%\(\w+\)[sd]|%[sd]", VALUE, node.value)


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def texts_of_templates():
    """Yield the texts of all templates."""
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.parent.name == "__pycache__":
            continue
        yield from (Text(str(path.relative_to(ROOT)), words) for words in template_texts(path.read_text("utf-8")))


def template_texts(source):
    """Yield the text of a template, its attributes that people read, and the German strings in its code."""
    text, depth = [], 0
    for _, kind, value in Environment(extensions=["jinja2.ext.i18n"]).lex(source):
        if kind in ("variable_begin", "block_begin"):
            depth, mark = 1, VALUE if kind == "variable_begin" else CODE
            text.append(mark)
        elif kind in ("variable_end", "block_end"):
            depth = 0
        elif kind == "data" and not depth:
            text.append(value)
        elif kind == "string" and _IS_GERMAN.search(ast.literal_eval(value)):
            yield re.sub(r"%\(\w+\)[sd]|%[sd]", VALUE, ast.literal_eval(value))
    text = "".join(text)
    yield from (html.unescape(words) for words in re.findall(r"\b(?:aria-label|alt|title|placeholder)=\"(.*?)\"", text))
    text = re.sub(rf"<({'|'.join(READ_BY_MACHINES)})\b.*?</\1>", CODE, text, flags=re.DOTALL)
    # A block may consist of attributes only.
    yield html.unescape(re.sub(r"<[^>]*>|\s[\w-]+=\"[^\"]*\"", CODE, text))


def script_texts():
    """Yield every German text in the scripts; their messages come from a template."""
    for path in sorted((ROOT / "static").glob("*.js")):
        for words in re.findall(r"\"([^\"\n]*)\"|`([^`]*)`", re.sub(r"(?m)//.*$", "", path.read_text("utf-8"))):
            if _IS_GERMAN.search("".join(words)) and " " in "".join(words):
                yield Text(str(path.relative_to(ROOT)), "".join(words))


def handbook_texts():
    """Yield the paragraphs of the handbook and of its part about web servers, without code."""
    for name in ("docs/handbuch.md", "docs/betrieb.md"):
        text = re.sub(r"(?ms)^```.*?^```|^(?: {4}|\t).*?$|`[^`]*`", CODE, (ROOT / name).read_text("utf-8"))
        yield from (Text(name, paragraph) for paragraph in text.split("\n\n"))
