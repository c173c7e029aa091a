"""What people paste: the same text with characters that nobody sees or that only look alike."""

import unicodedata

import pytest

# As copied from an e-mail program, from WhatsApp, from a PDF file, from a word processor and from a contact on a phone.
INVISIBLE = [
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u200e",
    "\u202a",
    "\u202c",
    "\u2066",
    "\u2069",
    "\u061c",
]
BLANKS = [
    "\t",
    "\n",
    "\r\n",
    "\x0b",
    "\x0c",
    "\x85",
    "\u00a0",
    "\u2007",
    "\u2009",
    "\u2028",
    "\u2029",
    "\u202f",
    "\u3000",
]
DASHES = ["\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\uff0d"]

MARKS = "\N{COMBINING GRAVE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}"


def with_invisible(text):
    """Return a text with each invisible character before, in and behind it."""
    middle = len(text) // 2
    every = "".join(INVISIBLE)
    return f"{every}{text[:middle]}{every}{text[middle:]}{every}"


def wide(text):
    """Return the full-width forms of a text of printable ASCII characters."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@pytest.fixture
def pieces_normalised(monkeypatch):
    """Record the length of each piece that is normalised."""
    lengths, normalize = [], unicodedata.normalize

    def recorded(form, piece):
        lengths.append(len(piece))
        return normalize(form, piece)

    monkeypatch.setattr(unicodedata, "normalize", recorded)
    return lengths
