"""PDF: its beginning, its end and the table that its end leads to; and what in it could act by itself.

Source: ISO 32000. Active content is not refused, because good documents have it, too: invoices carry their figures as
an embedded file, forms calculate. The office is told, and decides.
"""

import re
import zlib

from services.file_types.reader import TrailingError, require

# Readers look for the end in the last kilobyte.
_MOST_BEHIND_THE_END = 1024
_START = re.compile(rb"%PDF-[12]\.[0-9]")
_END = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF")
_BLANK = re.compile(rb"[\x00\s]*")
_TABLE = re.compile(rb"[\x00\s]*(?:xref[\s\d]|\d{1,10}\s+\d{1,5}\s+obj\b)")

UNREADABLE = "nicht Prüfbares"
_WORDS = {
    "JavaScript": (b"JavaScript", b"XFA", b"Rendition"),
    "Programmstart": (b"Launch",),
    "Aktion beim Öffnen": (b"OpenAction",),
    "eingebettete Dateien": (b"EmbeddedFile", b"EmbeddedFiles", b"FileAttachment", b"EF", b"RichMedia"),
    "Datenversand": (b"SubmitForm", b"ImportData"),
}
_WORD_OF = {name: word for word, names in _WORDS.items() for name in names}

# What a name is followed by tells it from the chance bytes of a picture; a place to open the document at is no action.
_NAMES = re.compile(
    rb"/(JavaScript|Rendition|Launch|EmbeddedFiles?|FileAttachment|RichMedia|SubmitForm|ImportData"
    rb"|XFA(?=\s*[\[\d<])|EF(?=\s*(?:<<|\d+\s+\d+\s+R))|OpenAction(?=\s*[^\s\[]))(?=[\x00\s()<>\[\]{}/%])"
)
_ESCAPED_NAME = re.compile(rb"/[^\x00\s()<>\[\]{}/%#]{0,40}#[0-9A-Fa-f]{2}[^\x00\s()<>\[\]{}/%]{0,120}")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")

# Where objects begin and end, and where a stream of bytes follows.
_PART = re.compile(rb"\bobj\b|endobj|endstream|stream[ \t]*\r?\n?")
# Packed objects begin with their numbers and places. Readers look for nothing else, so neither does who hides them.
_PACKED_OBJECTS = re.compile(rb"\s*\d{1,10}\s+\d{1,10}\s")
_TELLING_NAME = re.compile(rb"/(ObjStm|First|N|Filter)\b")

# So much is unpacked of one file, and so many streams are looked at.
_MOST_UNPACKED = 32 * 1024 * 1024
_MOST_STREAMS = 20_000
_BEGINNING = 256
_CHUNK = 65536


def check_pdf(reader):
    """Check that the end leads to the table of objects, and that nothing follows it."""
    data = reader.data
    require(_START.match(data))
    end_at = data.rfind(b"%%EOF")
    require(end_at >= 0)
    behind = end_at + len(b"%%EOF")
    if _BLANK.match(data, behind).end() < len(data) or len(data) - behind > _MOST_BEHIND_THE_END:
        raise TrailingError
    found = _END.search(data, max(0, data.rfind(b"startxref", 0, end_at)))
    require(found and found.end() == behind and int(found[1]) < end_at and _TABLE.match(data, int(found[1])))


def active_content(data):
    """Return in words what in a PDF could act by itself, and whether a part of it could not be looked into."""
    words = set(_found(data))
    for part in _packed_objects(data):
        if part is None:
            words.add(UNREADABLE)
        else:
            words.update(_found(part))
    return ", ".join(word for word in (*_WORDS, UNREADABLE) if word in words)


def _found(data):
    """Yield a word for each name that stands for something active; a name may be written with escapes."""
    for found in _NAMES.finditer(data):
        yield _WORD_OF[found[1]]
    for found in _ESCAPED_NAME.finditer(data):
        name = _unescaped(found[0])[1:]
        if name in _WORD_OF:
            yield _WORD_OF[name]


def _unescaped(data):
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), data)


def _packed_objects(data):
    """Yield the objects that are packed in each stream, or None where they cannot be unpacked within bounds."""
    begun, left, streams = 0, _MOST_UNPACKED, 0
    for found in _PART.finditer(data):
        before, begun = begun, found.end()
        if not found[0].startswith(b"stream"):
            continue
        streams += 1
        if streams > _MOST_STREAMS:
            yield None
            return
        beginning = _unpacked(data, found.end(), _BEGINNING)
        if _PACKED_OBJECTS.match(beginning):
            part = _unpacked(data, found.end(), left + 1)
            if len(part) > left:
                yield None
                return
            left -= len(part)
            yield part
        elif _says_packed_objects(data[before : found.start()]):
            yield None


def _says_packed_objects(description):
    names = set(_TELLING_NAME.findall(_unescaped(description)))
    return b"Filter" in names and (b"ObjStm" in names or {b"First", b"N"} <= names)


def _unpacked(data, start, most):
    """Return the beginning of what is packed here, as far as it can be unpacked."""
    unpacker = zlib.decompressobj()
    unpacked = bytearray()
    try:
        while not unpacker.eof and len(unpacked) < most and start < len(data):
            length = min(_CHUNK, 2 * most)
            unpacked += unpacker.decompress(data[start : start + length], most - len(unpacked))
            start += length
    except zlib.error:
        pass
    return bytes(unpacked)
