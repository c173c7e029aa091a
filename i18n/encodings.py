"""The encoding of a text file that does not name it: UTF-8, UTF-16, or that in which its letters make German words."""

import codecs
import re
from collections.abc import Iterator
from itertools import islice
from string import punctuation

UTF_8 = "utf-8"

# The encodings that somebody can choose, with their names for people. All write ASCII alike.
NAMES = {UTF_8: "UTF-8", "cp1252": "Windows (1252)", "cp850": "MS-DOS (850)", "mac_roman": "Mac (Mac OS Roman)"}

# If two fit equally well, the first wins; Windows-1252 is by far the most frequent.
_SINGLE_BYTE = ("cp1252", "cp850", "mac_roman")

_UTF_16 = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

# So many characters show which encoding fits; a large file may hold millions.
MAX_JUDGED = 5000

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_QUOTATION = re.compile(r"(?<!\w)„(?=[^„“”\n]{1,200}(?:“|”)(?!\w))")

_UMLAUTS = frozenset("äöüßÄÖÜ")
_FOREIGN_LETTERS = frozenset("áàâãåæçéèêëíîïñóôøœšúžÁÀÂÃÅÆÇÉÈÊËÍÎÏÑÓÔØŒŠÚŽµ")
# In German no umlaut stands there, but in the same byte another encoding may have a letter that does, or a line.
_BESIDE_VOWEL = re.compile("[aioäöü][äöü]|[äöü][aio]", re.IGNORECASE)
_LINES = frozenset("─═")
_WITHIN_WORDS = frozenset("’‘´–—·…\N{NO-BREAK SPACE}\N{SOFT HYPHEN}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{MINUS SIGN}")
_NOT_BEHIND_LETTERS = re.compile("(?:„|‚|§|€)")

_LIKELY, _POSSIBLE, _UNLIKELY, _WRONG = 3, 1, -1, -3


def decode_german(content: bytes) -> tuple[str, str]:
    """Return the text of a file and its encoding."""
    encoding = utf_16(content)
    if not encoding:
        try:
            content.decode(encoding := UTF_8)
        except UnicodeDecodeError:
            encoding = single_byte_encoding(content)
    return decode(content, encoding), encoding


def decode(content: bytes, encoding: str) -> str:
    """Return the text of a file in this encoding; bytes that mean nothing in it become U+FFFD."""
    return content.decode(encoding, errors="replace").lstrip(_BYTE_ORDER_MARK)


def single_byte_encoding(content: bytes) -> str:
    """Return the encoding in which a content has the most letters where German has them."""
    return max(_SINGLE_BYTE, key=lambda encoding: _fit(content.decode(encoding, errors="replace")))


def utf_16(content: bytes) -> str:
    """Return the kind of UTF-16, which has a byte order mark or, in a Latin text, NUL as every other byte; else ""."""
    first, second = content[::2].count(0), content[1::2].count(0)
    for encoding, nuls, others in (("utf-16-le", second, first), ("utf-16-be", first, second)):
        if content.startswith(_UTF_16[encoding]) or nuls > others + len(content) // 6:
            return encoding
    return ""


def unlikely_words(text: str) -> list[str]:
    """Return the words with a sign or a capital letter in a wrong place, as a wrong encoding makes them."""
    words = (word.strip(punctuation) for word in text.split() if not word.isascii())
    return [word for word in words if _WRONG in _plausibilities(word)]


def _fit(text: str) -> int:
    quotations = sum(1 for _ in islice(_QUOTATION.finditer(text), MAX_JUDGED))
    return sum(islice(_plausibilities(text), MAX_JUDGED)) + quotations * (_LIKELY + _POSSIBLE)


def _plausibilities(text: str) -> Iterator[int]:
    """Yield for each character outside of ASCII how plausible it is beside its neighbours."""
    for match in _NOT_ASCII.finditer(text):
        place = match.start()
        yield _plausibility(text[place - 1 : place], match[0], text[place + 1 : place + 2])


def _plausibility(before: str, sign: str, after: str) -> int:
    if not sign.isalpha():
        return _plausibility_of_symbol(before, sign, after)
    if sign == "ß" and before in ("", " ", "ß"):
        return _UNLIKELY
    if not (before.isalpha() or after.isalpha()):
        # An initial, as in "Ö. Müller" or "Ü-Wagen".
        return 0 if sign in _UMLAUTS else _UNLIKELY
    if _breaks_case(before, sign, after):
        return _WRONG
    if sign in _UMLAUTS and not _BESIDE_VOWEL.search(before + sign + after):
        return _LIKELY
    return _POSSIBLE if sign in _FOREIGN_LETTERS else 0


def _plausibility_of_symbol(before: str, sign: str, after: str) -> int:
    if sign in _LINES and sign == before:
        return _LIKELY
    if not before.isalpha():
        return 0
    if sign in _WITHIN_WORDS:
        return _POSSIBLE
    return _WRONG if after.isalpha() or _NOT_BEHIND_LETTERS.match(sign) else 0


def _breaks_case(before: str, sign: str, after: str) -> bool:
    """Say whether a capital letter stands within a word in small letters, or a small one before a capital."""
    if sign == "ß":
        return False
    if sign.isupper():
        return before.isalpha() and any(letter.islower() and letter != "ß" for letter in before + after)
    return sign.islower() and after.isupper()
