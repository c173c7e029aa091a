"""How German texts are written, as far as a machine can tell, and where the project's German texts are."""

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

# What stands in a text where the code fills something in, and where there is code or a tag, which nobody reads.
VALUE, CODE = "\N{OBJECT REPLACEMENT CHARACTER}", "\N{ZERO WIDTH SPACE}"

# Of code that a person may have to type, nothing but the quotation marks round it is German.
READ_BY_MACHINES = {"pre", "code", "script", "style"}

_NUMBER = rf"[\d{VALUE}]"

# How each mistake looks. Two blanks are a slip; three and more are a column.
MISTAKES = {
    "straight quotes": r"\"|(?<!\w)'|'(?!\w)",
    "English or reversed quotes": r"[”»«]|[“‘](?=\w)|(?<=\w)[„‚]",
    "quotes that do not pair": r"„[^“„]*(?:\Z|„)|(?:\A|“)[^„“]*“",
    "E-Mail": r"\b(?:E-mails?|e-[Mm]ails?|[Ee]Mails?|[Ee]mails?)\b(?![/_@.=-])",
    "two blanks": r"(?<=\S)  (?=\S)",
    "a blank before a sign": r"(?<=\S)\s+[.,;:!?](?=\s|\Z)",
    "no blank after a sign": r"[a-zäöüß“)][.!?][A-ZÄÖÜ„]|[a-zäöüß“)][,;][A-Za-zÄÖÜäöüß„]",
    "three dots": r"\.\.\.",
    "a breaking blank before a unit": rf"{_NUMBER}[ \n](?:[MKG]i?B|Uhr|%)(?!\w|\()",
    "a breaking blank in an abbreviation": r"\b(?:z\. ?B|d\. ?h|u\. ?a|i\. ?d)\.|\b(?:Art|Abs|Buchst|Nr)\. \w",
}

# How numbers and days look that are not written in German.
FOREIGN_NUMBERS = {
    "a day": r"\b\d{4}-\d\d-\d\d\b",
    "a point before decimals": r"(?<![\w.:/-])\d+\.\d{1,2}(?![\w.:/-])",
    "a half of the day": r"(?<![\w/-])\d+ ?(?:[ap]m\b|[ap]\.m\.)",
}

# No German word looks like one of these; "in", "an", "die", "was" and the like are left out.
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

# A pattern, and a row of a table, may hold German words, but are no text.
_IS_CODE = re.compile(r"\(\?:|;;")

# Nobody but developers reads what stands here.
NOT_READ = {"tests", "tools", ".venv", "migrations"}


class Text(NamedTuple):
    """Something that is read, and where it stands."""

    place: str
    words: str


def mistakes(words, rules=MISTAKES):
    """Return what is wrong with a text: the name of each broken rule with the words around."""
    return [
        (name, words[max(0, match.start() - 30) : match.end() + 30])
        for name, pattern in rules.items()
        for match in re.finditer(pattern, words)
    ]


def english(words):
    """Return what is no German of ours in a text: English words, and whole sentences of libraries."""
    patterns = [re.compile(ENGLISH_WORDS), *sentences_of_libraries()]
    return [("English", match.group()) for pattern in patterns for match in pattern.finditer(words)]


@cache
def sentences_of_libraries():
    """Return what WTForms, Flask-WTF and Werkzeug say when nobody tells them better, in English and German."""
    said = {error.description for error in default_exceptions.values() if error.description}
    said |= {error().name for error in default_exceptions.values()}
    for package in ("wtforms", "flask_wtf"):
        for path in resources.files(package).rglob("*.py"):
            said |= set(_marked(ast.parse(path.read_text("utf-8"))))
    said |= set(map(get_translations(["de"]).gettext, said))
    return [re.compile(_pattern(sentence)) for sentence in sorted(said) if " " in sentence]


def _marked(tree):
    """Yield what a library marks for its translators."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("gettext", "ngettext"):
            yield from (part.value for part in node.args if isinstance(getattr(part, "value", None), str))


def _pattern(sentence):
    return re.sub(r"%(?:\\\(\w+\\\))?[sd]", ".*", re.escape(sentence))


def from_python():
    """Yield every German literal of the code; docstrings and comments are English."""
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT)
        if place.parts[0] in NOT_READ:
            continue
        for number, words in literals(ast.parse(path.read_text("utf-8"))):
            if _IS_GERMAN.search(words) and not _IS_CODE.search(words):
                yield Text(f"{place}:{number}", words)


def literals(tree):
    """Yield every text in a Python file with its line, a formatted one as a whole."""
    nobodys = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            nobodys |= {id(part) for part in node.values}
            yield node.lineno, "".join(getattr(part, "value", "") if is_text(part) else VALUE for part in node.values)
        elif is_text(node) and id(node) not in nobodys:
            yield node.lineno, re.sub(r"%\(\w+\)[sd]|%[sd]", VALUE, node.value)


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def from_templates():
    """Yield what each template says: its text, its attributes that are read, and the sentences within its code."""
    for path in sorted((ROOT / "templates").rglob("*.*")):
        yield from (Text(str(path.relative_to(ROOT)), words) for words in template_texts(path.read_text("utf-8")))


def template_texts(source):
    """Yield the texts of a template; of tags and code, only what is read."""
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
    # A block may hold attributes only.
    yield html.unescape(re.sub(r"<[^>]*>|\s[\w-]+=\"[^\"]*\"", CODE, text))


def from_scripts():
    """Yield every German text within the scripts; most of theirs come from a template."""
    for path in sorted((ROOT / "static").glob("*.js")):
        for words in re.findall(r"\"([^\"\n]*)\"|`([^`]*)`", re.sub(r"(?m)//.*$", "", path.read_text("utf-8"))):
            if _IS_GERMAN.search("".join(words)) and " " in "".join(words):
                yield Text(str(path.relative_to(ROOT)), "".join(words))


def from_handbook():
    """Yield the handbook without what is typed or shown as code."""
    text = (ROOT / "docs" / "handbuch.md").read_text("utf-8")
    text = re.sub(r"(?ms)^```.*?^```|^(?: {4}|\t).*?$|`[^`]*`", CODE, text)
    yield from (Text("docs/handbuch.md", paragraph) for paragraph in text.split("\n\n"))
