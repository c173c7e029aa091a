"""PDF: what makes it one, and its active content. Source: ISO 32000.

Active content is reported to the office, not refused: electronic invoices embed a file, and forms calculate.
"""

import re
from collections.abc import Iterator

from enums import ENCRYPTED
from services.files.types.pdf_streams import LimitExceeded, Unpacker

# Programs for PDF skip what is in front of the mark.
PDF_START_WITHIN = 1024
PDF_START = re.compile(rb"%PDF-[1-9]\.")
_OBJECT = re.compile(rb"obj(?<=[0-9][\s\x00]obj)\b")
_PAGES = re.compile(rb"/(?:Pages?|ObjStm)\b")

UNREADABLE = "nicht Prüfbares"

_BLANK = rb"[\x00\s]"
_DELIMITER = rb"(?:[\x00\s()<>\[\]{}/%]|\Z)"


def _letters(name: bytes) -> bytes:
    """Return a pattern for the beginning of a name whose letters may be escaped."""
    return b"".join(rb"(?:%c|#(?i:%02x))" % (letter, letter) for letter in name)


def _name(name: bytes, then: bytes = b"") -> bytes:
    """Return a pattern for a name, and for what must follow it.

    What follows tells a short name from random bytes of a picture; many spaces in between are a sign of hiding.
    """
    behind = rb"(?=%s{0,199}+(?:%s|%s))" % (_BLANK, then, _BLANK) if then else b""
    return rb"%s(?=%s)%s" % (_letters(name), _DELIMITER, behind)


_ACTIVE = {
    "JavaScript": [_name(b"JavaScript"), _name(b"Rendition"), _name(b"XFA", rb"[\[\d<%]")],
    "Programmstart": [_name(b"Launch")],
    # A destination in the document is not an action.
    "Aktion beim Öffnen": [_name(b"OpenAction", rb"[^\x00\s\[]")],
    "eingebettete Dateien": [
        *(_letters(b"EmbeddedFile"), _name(b"FileAttachment"), _name(b"RichMedia")),
        _name(b"EF", rb"<<|%|\d{1,10}\s|\d{11}"),
    ],
    "Datenversand": [_name(b"SubmitForm"), _name(b"ImportData")],
    ENCRYPTED: [_name(b"Encrypt", rb"\d|<<|%")],
}
# An outline has "First", too, but as a reference.
_PACKED = [_name(b"ObjStm"), _name(b"First") + rb"(?!\s{1,9}\d{1,10}\s{1,9}\d{1,5}\s{1,9}R)"]
_WORDS = (*_ACTIVE, UNREADABLE)
_NAMES = re.compile(
    b"/(?=[A-Z]|#[45])(?:%s)" % b"|".join(b"(%s)" % b"|".join(names) for names in (*_ACTIVE.values(), _PACKED))
)
_PACKED_GROUP = _NAMES.groups

_STREAM = re.compile(rb"stream(?<!endstream)[ \t]{0,9}\r?\n?")
# A string or a comment between mark and stream could look like another stream.
_HIDING = re.compile(rb"[(%]")
# Packed objects begin with their numbers and offsets, also hidden ones: readers need them.
_GAP = rb"(?:%b|%%[^\r\n]*(?:[\r\n]|\Z))" % _BLANK
_PACKED_OBJECTS = re.compile(rb"%b*(?:[+-]?\d+(?:%b+(?:[+-]?\d|\Z)|\Z)|\Z)" % (_GAP, _GAP))

# Of one file so many slashes, names of interest and streams are looked at; the rest is reported as unreadable.
_MAX_SLASHES, _MAX_NAMES, _MAX_STREAMS = 750_000, 50_000, 10_000

# A search holds the GIL; searching piece by piece lets other threads in between.
_PIECE, _OVERLAP = 256 * 1024, 512


class _Scan:
    """What was found in the parts of one file, and how much may still be looked at."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self._slashes_left = _MAX_SLASHES
        self._names_left = _MAX_NAMES

    def names(self, data: bytes) -> list[int]:
        """Add a word for each kind of active content, and return the places of marks of packed objects."""
        self._slashes_left -= data.count(b"/")
        if self._slashes_left < 0:
            raise LimitExceeded
        marks = []
        for found in _find_in_pieces(_NAMES, data):
            self._names_left -= 1
            if self._names_left < 0:
                raise LimitExceeded
            if found.lastindex == _PACKED_GROUP:
                marks.append(found.start())
            else:
                self.words.add(_WORDS[(found.lastindex or 1) - 1])
        return marks


def is_pdf(data: bytes) -> bool:
    """Say whether there are an object and a page behind the mark of a PDF."""
    return bool(_OBJECT.search(data) and _PAGES.search(data))


def active_content(data: bytes) -> str:
    """Return in words the active content of a PDF, and whether a password or the packing hides a part of it."""
    scan = _Scan()
    try:
        for part in _packed_objects(data, scan.names(data)):
            if part is None:
                scan.words.add(UNREADABLE)
            else:
                scan.names(part)
    except LimitExceeded:
        scan.words.add(UNREADABLE)
    if ENCRYPTED in scan.words:
        scan.words.discard(UNREADABLE)
    return ", ".join(word for word in _WORDS if word in scan.words)


def _find_in_pieces(pattern: re.Pattern[bytes], data: bytes) -> Iterator[re.Match[bytes]]:
    for start in range(0, len(data), _PIECE):
        for found in pattern.finditer(data, start, start + _PIECE + _OVERLAP):
            if found.start() < start + _PIECE:
                yield found


def _packed_objects(data: bytes, marks: list[int]) -> Iterator[bytes | None]:
    """Yield the objects packed in each stream, or None if a stream is marked as such and cannot be read."""
    unpacker = Unpacker(data)
    marks.reverse()
    for number, found in enumerate(_find_in_pieces(_STREAM, data)):
        if number >= _MAX_STREAMS:
            raise LimitExceeded
        beginning = unpacker.beginning(found.end())
        is_packed = bool(beginning and _PACKED_OBJECTS.match(beginning))
        if is_packed:
            yield unpacker.whole(found.end())
        marked_at = None
        while marks and marks[-1] < found.start():
            marked_at = marked_at or marks[-1]
            marks.pop()
        if marked_at and (not is_packed or _HIDING.search(data, marked_at, found.start())):
            yield None
