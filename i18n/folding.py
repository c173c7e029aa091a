"""Letters folded as in a German phone book (DIN 5007-2), for searching and sorting: "Müller" is "mueller"."""

import re
from collections.abc import Iterable
from typing import Any

from i18n.typed_text import normalised

_DIAERESIS = "\N{COMBINING DIAERESIS}"
_UMLAUT = re.compile(f"(?<=[aou]){_DIAERESIS}")
_NOT_DECOMPOSED = str.maketrans({"æ": "ae", "œ": "oe", "ø": f"o{_DIAERESIS}", "ł": "l", "đ": "d", "ı": "i"})
_LEFT_OUT = re.compile(r"[^\w\s]|_")
_BETWEEN_WORDS = re.compile(r"[-\u2010-\u2015/]")


def folded(text: str) -> str:
    """Return a text without case, accents and punctuation, its umlauts as two letters."""
    return _words_of(_UMLAUT.sub("e", _decomposed(text)))


def spellings(text: str) -> list[tuple[str, ...]]:
    """Return the folded words of a text, each followed by its spelling without the "e" of umlauts, if it has any."""
    decomposed = _decomposed(text)
    with_e, without_e = _words_of(_UMLAUT.sub("e", decomposed)), _words_of(decomposed)
    pairs = zip(with_e.split(), without_e.split(), strict=True)
    return [pair[:1] if pair[0] == pair[1] else pair for pair in pairs]


def sorted_by_name(rows: Iterable[Any]) -> list[Any]:
    """Return rows that have a name in the order of a German phone book."""
    return sorted(rows, key=lambda row: sort_key(row.name))


def sort_key(name: str) -> tuple[str, str]:
    """Return what a name is sorted by; names that differ only in case or accents stay in a fixed order."""
    return folded(_BETWEEN_WORDS.sub(" ", name)), name


def _decomposed(text: str) -> str:
    return normalised(text, "NFKD").casefold().translate(_NOT_DECOMPOSED)


def _words_of(decomposed: str) -> str:
    return " ".join(_LEFT_OUT.sub("", decomposed).split())
