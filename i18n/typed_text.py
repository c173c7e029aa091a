"""Typed and pasted text in one form: invisible characters, line ends, blanks, dashes and composed letters.

Every text that a person sends goes through one of the `clean_` functions, so that what looks alike is alike.
"""

import re
import unicodedata
from typing import Literal

# Unicode's "default ignorable" characters (zero width, writing direction, BOM, soft hyphen, fillers, variation
# selectors, tags), and two more that nobody sees: interlinear annotations and the empty Braille pattern.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_DASH = re.compile("[\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]")
_AROUND_EMAIL = re.compile(
    r"(?:[^<>]*<)?(?:mailto:)?(?P<email>[^\s<>;,]+@[^\s<>;,]*[^\s<>;,.])[\s<>;,.]*", re.IGNORECASE
)
# With lone surrogates, which no file and no page can hold.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")

# Normalising sorts runs of combining marks in quadratic time, so it is done in pieces of at most this many characters.
# A piece ends before a character that combines with none before it, if there is one: ASCII, or a letter but the Korean.
PIECE_CHARS = 256
_PIECE = re.compile(rf"(?s:.{{1,{PIECE_CHARS}}}(?=[\x00-\x7f]|(?![\u1160-\u11ff])\w|\Z)|.{{1,{PIECE_CHARS}}})")


def clean_text(text: str) -> str:
    """Return a text of several lines without invisible characters, with "\\n" as line end and with composed letters."""
    text = _BLANK.sub(" ", _LINE_END.sub("\n", without_invisible(text)))
    return normalised(text).strip()


def clean_line(text: str) -> str:
    """Return a text of one line: as clean_text, with a blank for each line end and tab."""
    return re.sub(r"[\n\t]", " ", clean_text(text))


def clean_number(text: str) -> str:
    """Return a number or date: as clean_line, with plain letters, digits, dashes and dots."""
    return _DASH.sub("-", clean_line(normalised(text, "NFKC"))).replace("\N{IDEOGRAPHIC FULL STOP}", ".")


def clean_email(text: str) -> str:
    """Return a mail address: as clean_number, without what is often copied with it ("Anna <mailto:anna@firma.de>;")."""
    address = clean_number(text)
    found = _AROUND_EMAIL.fullmatch(address)
    return found["email"] if found else address


def normalise_code(code: str) -> str:
    """Return a typed Vorgangsnummer or one-time code as it is stored: in capitals, without blanks and dashes."""
    return re.sub(r"[\s-]", "", mark_control_characters(clean_number(code))).upper()


def without_invisible(text: str) -> str:
    """Return a text without the characters that nobody sees."""
    return _INVISIBLE.sub("", text)


def has_control_characters(text: str) -> bool:
    """Say whether a cleaned text holds control characters, which mean nothing in a text."""
    return _CONTROL.search(text) is not None


def mark_control_characters(text: str) -> str:
    """Return a text with "\N{REPLACEMENT CHARACTER}" in place of each control character, to show where they are."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def normalised(text: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"] = "NFC") -> str:
    """Return a text in a Unicode normal form, in linear time."""
    if text.isascii():
        return text
    return "".join(unicodedata.normalize(form, piece) for piece in _PIECE.findall(text))
