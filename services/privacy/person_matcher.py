"""How somebody is recognised in a text: by a name, a phone number or a mail address, however it is written there."""

import re
import time
import unicodedata
from collections import defaultdict
from typing import NamedTuple

from enums import DELETED_TEXT
from services.errors import UserError

MIN_NAME_LETTERS = 3
MIN_PHONE_DIGITS = 5
EXCERPT_SIGNS = 60

_IS_PHONE = re.compile(r"[+0-9][0-9\s()/.\-–]*")

# While a pattern is searched for, nobody else is served; so it is searched for piece by piece. What is found is never
# longer than a few times the line.
_PIECE, _REACH, _LEAST_REACH = 32 * 1024, 8, 64

# What stands between the words of a name, in a text, an address or a quotation, and between the digits of a number.
_BETWEEN_WORDS = r"[\s.,;_'’>\-–]{0,4}"
_BETWEEN_DIGITS = r"[\s()/.\-–]{0,3}"

_DIGRAPHS = {"ae": "(?:ae|[äæ])", "oe": "(?:oe|[öøœ])", "ue": "(?:ue|ü)", "ss": "(?:ss|[ßẞ])"}
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "œ": "oe"})


class Excerpt(NamedTuple):
    """A piece of a text with what was recognised in it."""

    before: str
    found: str
    after: str


class PersonMatcher:
    """All that somebody is recognised by, given as lines: each a name, a phone number or a mail address."""

    def __init__(self, lines):
        self.lines = [line for line in map(_one_blank, lines) if line]
        if not self.lines:
            raise UserError("Bitte geben Sie einen Namen, eine Telefonnummer oder eine E-Mail-Adresse ein.")
        self._pattern = re.compile("|".join(f"(?:{_pattern_of(line)})" for line in self.lines), re.IGNORECASE)
        self._hints = [re.compile(_hint_of(line), re.IGNORECASE) for line in self.lines]
        self._reach = _LEAST_REACH + _REACH * max(map(len, self.lines))

    def is_found_in(self, text):
        """Say whether the person is to be recognised in a text."""
        return next(self._found(unicodedata.normalize("NFC", text)), None) is not None

    def excerpt(self, text):
        """Return the first place of a text where the person is recognised, or None."""
        text = unicodedata.normalize("NFC", text)
        match = next(self._found(text), None)
        if match is None:
            return None
        before, after = text[: match.start()], text[match.end() :]
        return Excerpt(
            ("…" if len(before) > EXCERPT_SIGNS else "") + before[-EXCERPT_SIGNS:],
            match[0],
            after[:EXCERPT_SIGNS] + ("…" if len(after) > EXCERPT_SIGNS else ""),
        )

    def redact(self, text):
        """Return a text that says at each such place that something is deleted; any other text stays as it is."""
        pieces, last, normal = [], 0, unicodedata.normalize("NFC", text)
        for match in self._found(normal):
            pieces += [normal[last : match.start()], DELETED_TEXT]
            last = match.end()
        return "".join([*pieces, normal[last:]]) if pieces else text

    def with_terms(self, lines):
        """Return a likeness that knows further lines, too, as far as somebody can be told by them."""
        return PersonMatcher(
            self.lines + [line for line in lines if line and line != DELETED_TEXT and _is_telling(line)]
        )

    def _found(self, text):
        """Yield all places of a text where the person is recognised, and give others a moment now and then."""
        last = 0
        for begin in range(0, len(text), _PIECE):
            end = begin + _PIECE
            window = end + self._reach
            if any(hint.search(text, begin, window) for hint in self._hints):
                for match in self._pattern.finditer(text, max(begin, last), window):
                    if match.start() >= end:
                        break
                    last = match.end()
                    yield match
            if end < len(text):
                time.sleep(0)


def _is_telling(line):
    try:
        return bool(_pattern_of(line))
    except UserError:
        return False


def _one_blank(line):
    return " ".join(unicodedata.normalize("NFC", line).split())


def _pattern_of(line):
    if "@" in line:
        return rf"(?<![\w.+-]){re.escape(line)}(?![\w-])"
    if _IS_PHONE.fullmatch(line):
        return _pattern_of_phone(line)
    return _pattern_of_name(line)


def _pattern_of_phone(line):
    """Return what finds a number with and without the country, and whatever stands between its digits."""
    national, is_german = _national(line)
    if len(national) < MIN_PHONE_DIGITS:
        raise UserError(
            f"„{line}“ ist zu kurz: Eine Telefonnummer braucht ohne die erste Null mindestens "
            f"{MIN_PHONE_DIGITS} Ziffern."
        )
    gap = _BETWEEN_DIGITS
    country = rf"(?:(?:\+|00){gap}49{gap}(?:0{gap})?|0{gap})?" if is_german else rf"(?:\+|00)?{gap}"
    # A bracket belongs to the number if it holds only its beginning.
    bracket = r"(?:\((?=[+\d\s]{1,20}\)[\s/\-–]{0,4}\d))?"
    return rf"(?<!\d){bracket}{country}{gap.join(national)}(?!\d)"


def _hint_of(line):
    """Return what is part of all that a line finds, and itself found ten times as fast."""
    if "@" in line:
        return re.escape(line)
    if _IS_PHONE.fullmatch(line):
        return _BETWEEN_DIGITS.join(_national(line)[0])
    return _pattern_of_word(max(_words(line), key=len))


def _national(line):
    """Return the digits of a number behind country and first zero, and whether it is a German one."""
    digits = "".join(filter(str.isdigit, line.replace("(0)", "")))
    is_abroad = line.startswith(("+", "00"))
    if is_abroad:
        digits = digits.removeprefix("00")
    is_german = not is_abroad or digits.startswith("49")
    national = digits.removeprefix("49") if is_abroad and is_german else digits
    return national.removeprefix("0"), is_german


def _words(name):
    # An underscore parts words, too.
    return [word for word in re.split(r"[^\w]+|_", name) if word]


def _pattern_of_name(line):
    """Return what finds a name in either order, with or without umlauts and accents, and in the genitive."""
    words = _words(line)
    if sum(map(len, words)) < MIN_NAME_LETTERS:
        raise UserError(f"„{line}“ ist zu kurz: Ein Name braucht mindestens {MIN_NAME_LETTERS} Buchstaben.")
    patterns = [_pattern_of_word(word) for word in words]
    orders = [patterns, [patterns[-1], *patterns[:-1]]] if len(patterns) > 1 else [patterns]
    either = "|".join(_BETWEEN_WORDS.join(order) for order in orders)
    return rf"(?<![^\W_])(?:{either})s?(?![^\W_])"


def _pattern_of_word(word):
    spelt_out = word.casefold().translate(_SPELT_OUT)
    plain = "".join(sign for sign in unicodedata.normalize("NFD", spelt_out) if not unicodedata.combining(sign))
    pieces = re.findall("|".join(_DIGRAPHS) + "|.", plain)
    return "".join(_DIGRAPHS.get(piece) or _letter(piece) for piece in pieces)


def _letter(letter):
    return f"[{letter}{''.join(_ACCENTED[letter])}]" if letter in _ACCENTED else re.escape(letter)


def _accented():
    """Return the letters with an accent by the plain one; umlauts are letters of their own."""
    found = defaultdict(list)
    for number in range(0xC0, 0x250):
        plain, *marks = unicodedata.normalize("NFD", chr(number))
        if marks and plain.islower() and chr(number) not in "äöü":
            found[plain].append(chr(number))
    return found


_ACCENTED = _accented()
