"""PDF: its beginning, its end and the table of objects, and active content. Source: ISO 32000.

Active content is reported to the office, not refused: electronic invoices embed a file, and forms calculate.
"""

import re
from collections.abc import Iterator
from mmap import mmap

from services.files.types.pdf_streams import DecompressionLimitExceeded, Unpacker
from services.files.types.reader import BrokenError, Reader, TrailingError, find_in_chunks, require

# Readers look for the end in the last kilobyte.
_MAX_TRAILING_BYTES = 1024
_START = re.compile(rb"%PDF-[12]\.[0-9]")
_END = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF")
_BLANK = re.compile(rb"[\x00\s]*")
_TABLE = re.compile(rb"[\x00\s]*(?:xref[\s\d]|\d{1,10}\s+\d{1,5}\s+obj\b)")

UNREADABLE = "nicht Prüfbares"

_DELIMITER = rb"(?:[\x00\s()<>\[\]{}/%]|\Z)"
_BLANK_SIGN = rb"[\x00\s]"


def _name(name: bytes, then: bytes = b"") -> bytes:
    """Return a pattern for a name whose letters may be escaped, and for what must follow it.

    What follows tells a short name from random bytes of a picture; many spaces in between are a sign of hiding.
    """
    letters = b"".join(rb"(?:%c|#(?i:%02x))" % (letter, letter) for letter in name)
    behind = rb"(?:%s{200}|%s*(?:%s))" % (_BLANK_SIGN, _BLANK_SIGN, then)
    return letters + rb"(?=%s)(?=%s)" % (_DELIMITER, behind)


_WORDS = {
    "JavaScript": [_name(b"JavaScript"), _name(b"Rendition"), _name(b"XFA", rb"[\[\d<%]")],
    "Programmstart": [_name(b"Launch")],
    # A destination in the document is not an action.
    "Aktion beim Öffnen": [_name(b"OpenAction", rb"[^\x00\s\[]")],
    "eingebettete Dateien": [
        *map(_name, (b"EmbeddedFile", b"EmbeddedFiles", b"FileAttachment", b"RichMedia")),
        _name(b"EF", rb"<<|%|\d{1,10}\s|\d{11}"),
    ],
    "Datenversand": [_name(b"SubmitForm"), _name(b"ImportData")],
}
_NAMES = re.compile(b"/(?=[A-Z]|#[45])(?:%s)" % b"|".join(b"(%s)" % b"|".join(names) for names in _WORDS.values()))

# The marks of packed objects; an outline has "First", too, but as a reference.
_MARK = rb"/(?:%b|%b(?!\s{1,9}\d{1,10}\s{1,9}\d{1,5}\s{1,9}R))" % (_name(b"ObjStm"), _name(b"First"))
# Where objects and streams begin and end, and the marks of packed objects.
_PART = re.compile(rb"\bobj\b|endobj|endstream|stream[ \t]*\r?\n?|(%b)" % _MARK)
# A string or a comment between mark and stream could look like the end of the object, or like another stream.
_HIDING = re.compile(rb"[(%]")
# Packed objects begin with their numbers and offsets, also hidden ones: readers need them.
_GAP = rb"(?:%b|%%[^\r\n]*(?:[\r\n]|\Z))" % _BLANK_SIGN
_PACKED_OBJECTS = re.compile(rb"%b*(?:[+-]?\d+(?:%b+(?:[+-]?\d|\Z)|\Z)|\Z)" % (_GAP, _GAP))
_SAYS_FIRST, _SAYS_NUMBER, _SAYS_FILTER = (re.compile(b"/" + _name(name)) for name in (b"First", b"N", b"Filter"))

# How many parts and streams of one file are checked.
_MAX_PARTS, _MAX_STREAMS = 500_000, 20_000


def check_pdf(reader: Reader) -> None:
    """Check that the end leads to the table of objects, and that nothing follows it."""
    data = reader.data
    require(_START.match(data))
    end_at = data.rfind(b"%%EOF")
    require(end_at >= 0)
    behind = end_at + len(b"%%EOF")
    if not _BLANK.fullmatch(data, behind) or len(data) - behind > _MAX_TRAILING_BYTES:
        raise TrailingError
    found = _END.search(data, max(0, data.rfind(b"startxref", 0, end_at)))
    if not found:
        raise BrokenError
    require(found.end() == behind and int(found[1]) < end_at and _TABLE.match(data, int(found[1])))


def active_content(data: mmap) -> str:
    """Return in words the active content of a PDF, and whether a part of it could not be read."""
    words = set(_found(data))
    try:
        for part in _packed_objects(data):
            words.update({UNREADABLE} if part is None else _found(part))
    except DecompressionLimitExceeded:
        words.add(UNREADABLE)
    return ", ".join(word for word in (*_WORDS, UNREADABLE) if word in words)


def _found(data: bytes | mmap) -> set[str]:
    """Return a word for each kind of active content in the data."""
    words = tuple(_WORDS)
    return {words[(found.lastindex or 1) - 1] for found in find_in_chunks(_NAMES, data)}


def _packed_objects(data: mmap) -> Iterator[bytes | None]:
    """Yield the objects packed in each stream, or None if they cannot be read."""
    unpacker, begun, streams, marked_at = Unpacker(data), 0, 0, None
    for number, found in enumerate(find_in_chunks(_PART, data)):
        if streams > _MAX_STREAMS or number > _MAX_PARTS:
            raise DecompressionLimitExceeded
        if found.start() < begun:
            continue
        if found[1]:
            marked_at = found.start() if marked_at is None else marked_at
            continue
        before, begun = begun, found.end()
        if not found[0].startswith(b"stream"):
            continue
        streams += 1
        beginning = unpacker.beginning(found.end())
        is_packed = bool(beginning and _PACKED_OBJECTS.match(beginning))
        if is_packed:
            yield unpacker.whole(found.end())
        if marked_at is None:
            is_hidden = not is_packed and _says_packed_objects(data[before : found.start()])
        else:
            is_hidden = not is_packed or bool(_HIDING.search(data, marked_at, found.start()))
        if is_hidden:
            yield None
        marked_at = None


def _says_packed_objects(description: bytes) -> bool:
    return all(says.search(description) for says in (_SAYS_FIRST, _SAYS_NUMBER, _SAYS_FILTER))
