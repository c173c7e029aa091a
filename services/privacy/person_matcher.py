"""Recognise a person in a text by names, phone numbers and mail addresses, however they are written there.

Lines and texts are folded alike and then compared. Since erasure replaces the exact place, a position in the folded
text leads back to the original one. What is found is a proposal: a member of staff confirms it.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from enums import DELETED_TEXT
from i18n.typed_text import clean_line, normalised, without_invisible
from services.errors import UserError

MIN_NAME_LETTERS = 3
MIN_PHONE_DIGITS = 5
EXCERPT_CHARS = 60

# A search with a pattern cannot be interrupted, so a long text is searched in pieces: other threads run in between.
# Each search looks beyond its piece, because a match may be several times as long as the line.
PIECE_CHARS = 32 * 1024
_REACH_FACTOR, _MIN_REACH = 8, 64

_DASHES = "‐-―−-"
_IS_PHONE = re.compile(rf"\(?[+0-9][0-9\s()/.{_DASHES}]*")
_BETWEEN_WORDS = rf"[\s.,;_'’>{_DASHES}]{{0,4}}"
_GAP = rf"[\s()/.{_DASHES}]{{0,3}}"
_GERMAN_PREFIX = rf"(?:(?:\+|00){_GAP}49{_GAP}(?:0{_GAP})?|0{_GAP})?"
_FOREIGN_PREFIX = rf"(?:\+|00)?{_GAP}"
# An opening bracket belongs to the number only if the bracket closes within it.
_BRACKET = rf"(?:\((?=[+\d\s]{{1,20}}\)[\s/{_DASHES}]{{0,4}}\d))?"

_NOT_ASCII = re.compile(r"[^\x00-\x7f]{1,1000}")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "ø": "oe", "œ": "oe"})


class _Folding(dict[int, str]):
    """A table for str.translate: lower case, umlauts as two letters, no accents and nothing invisible.

    Filled as characters turn up.
    """

    def __missing__(self, number: int) -> str:
        letters = normalised(without_invisible(chr(number)).casefold().translate(_UMLAUTS), "NFD")
        self[number] = "".join(letter for letter in letters if not unicodedata.combining(letter))
        return self[number]


_FOLDING = _Folding()


class Excerpt(NamedTuple):
    """A piece of a text with the match in it."""

    before: str
    found: str
    after: str


class PersonMatcher:
    """Everything a person is recognised by, given as lines: each a name, a phone number or a mail address.

    Raises UserError if there is no line or one is too short.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = [line for line in (" ".join(clean_line(line).split()) for line in lines) if line]
        if not self.lines:
            raise UserError("Bitte geben Sie einen Namen, eine Telefonnummer oder eine E-Mail-Adresse ein.")
        patterns = [_patterns_of(line) for line in self.lines]
        self._cores = [re.compile(core) for core, _ in patterns]
        self._pattern = re.compile("|".join(whole for _, whole in patterns))
        self._reach = _MIN_REACH + _REACH_FACTOR * max(map(len, self.lines))

    def is_found_in(self, text: str) -> bool:
        """Say whether the person is recognised in a text."""
        return next(self._matches(_folded(normalised(text))), None) is not None

    def excerpt(self, text: str) -> Excerpt | None:
        """Return the first place in a text where the person is recognised, or None."""
        text = normalised(text)
        for start, end in self._places(text):
            before, after = text[:start], text[end:]
            return Excerpt(
                ("…" if len(before) > EXCERPT_CHARS else "") + before[-EXCERPT_CHARS:],
                text[start:end],
                after[:EXCERPT_CHARS] + ("…" if len(after) > EXCERPT_CHARS else ""),
            )
        return None

    def redact(self, text: str) -> str:
        """Return a text with each match replaced by DELETED_TEXT; a text without any is returned unchanged."""
        pieces, last, composed = [], 0, normalised(text)
        for start, end in self._places(composed):
            pieces += [composed[last:start], DELETED_TEXT]
            last = end
        return "".join([*pieces, composed[last:]]) if pieces else text

    def with_terms(self, lines: Iterable[str]) -> "PersonMatcher":
        """Return a matcher that knows further lines, too, except those too short to recognise anybody by."""
        return PersonMatcher([*self.lines, *filter(_is_distinctive, lines)])

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of each match in a composed text."""
        folded = _folded(text)
        ends: list[int] = []
        for match in self._matches(folded):
            # How far the folded text reaches with each character of the original one.
            ends = ends or list(accumulate(len(_FOLDING[ord(character)]) for character in text))
            yield bisect_right(ends, match.start()), bisect_right(ends, match.end())

    def _matches(self, folded: str) -> Iterator[re.Match[str]]:
        last = 0
        for begin in range(0, len(folded), PIECE_CHARS):
            end = begin + PIECE_CHARS
            window = end + self._reach
            if not any(core.search(folded, begin, window) for core in self._cores):
                continue
            for match in self._pattern.finditer(folded, max(begin, last), window):
                if match.start() >= end:
                    break
                last = match.end()
                yield match


def _folded(text: str) -> str:
    return _NOT_ASCII.sub(lambda letters: letters[0].translate(_FOLDING), text).lower()


def _is_distinctive(line: str) -> bool:
    try:
        return line != DELETED_TEXT and bool(PersonMatcher([line]))
    except UserError:
        return False


def _patterns_of(line: str) -> tuple[str, str]:
    """Return two patterns for folded texts: a core, which is part of every match and found fast, and the whole.

    Raises UserError if the line is too short.
    """
    if "@" in line:
        email = re.escape(_folded(line))
        return email, rf"(?<![\w.+-]){email}(?![\w-])"
    return _phone_patterns(line) if _IS_PHONE.fullmatch(line) else _name_patterns(line)


def _phone_patterns(line: str) -> tuple[str, str]:
    """Return patterns for a number with and without the country code, with any separators between its digits."""
    digits = "".join(filter(str.isdigit, line.replace("(0)", "")))
    is_german = True
    if line.lstrip("(").startswith(("+", "00")):
        digits = digits.removeprefix("00")
        is_german = digits.startswith("49")
        digits = digits.removeprefix("49")
    digits = digits.removeprefix("0")
    if len(digits) < MIN_PHONE_DIGITS:
        raise UserError(
            f"„{line[:EXCERPT_CHARS]}“ ist zu kurz: Eine Telefonnummer braucht ohne die erste Null mindestens "
            f"{MIN_PHONE_DIGITS} Ziffern."
        )
    core = _GAP.join(digits)
    return core, rf"(?<!\d){_BRACKET}{_GERMAN_PREFIX if is_german else _FOREIGN_PREFIX}{core}(?!\d)"


def _name_patterns(line: str) -> tuple[str, str]:
    """Return patterns for a name with its last word at the end or in front, also in the genitive."""
    words = re.findall(r"[^\W_]+", line)
    if sum(map(len, words)) < MIN_NAME_LETTERS:
        raise UserError(
            f"„{line[:EXCERPT_CHARS]}“ ist zu kurz: Ein Name braucht mindestens {MIN_NAME_LETTERS} Buchstaben."
        )
    folded = [re.escape(_folded(word)) for word in words]
    either = "|".join(_BETWEEN_WORDS.join(order) for order in (folded, [folded[-1], *folded[:-1]]))
    return max(folded, key=len), rf"(?<![^\W_])(?:{either})s?(?![^\W_])"
