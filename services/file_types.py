"""Which files may come in, decided by name and content together.

A file is what its ending says, or it is refused: its first bytes, its structure and its end must be those of that type.
Sources: PNG (W3C), JPEG (ITU T.81), GIF89a, WebP (RFC 9649), BMP (Windows GDI), TIFF 6.0, ISO/IEC 14496-12 (HEIC),
ISO 32000 (PDF).
"""

import codecs
import mmap
import re
import struct
import zlib
from typing import NamedTuple

import filetype

ALLOWED_WORDS = "Bilder (PNG, JPEG, GIF, WebP, BMP, TIFF, HEIC), PDF-Dateien und einfache Textdateien (.txt, .log)"

TEXT = "text/plain"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_CHUNK = 65536

# A real file has a few thousand parts, and each is read about once. One that is made of millions, or that leads to the
# same bytes again and again, would keep the server busy.
_MAX_PARTS = 100_000
_MAX_READINGS = 2


class Refused(ValueError):
    """A file that does not come in; its text is the reason, a German sentence without the file's name."""


class _BrokenError(Exception):
    """The structure of a file leads out of it or nowhere."""


class _Reader:
    """Walks through an open file part by part; raises _BrokenError at its end and after too many parts."""

    def __init__(self, data, byte_order=">"):
        self.data = data
        self.byte_order = byte_order
        self.position = 0
        self._parts = 0
        self._bytes = 0

    def take(self, layout):
        """Return what stands here by a struct layout, and stand behind it."""
        length = struct.calcsize(self.byte_order + layout)
        start = self.position
        self.skip(length)
        self._parts += 1
        self._bytes += length
        if self._parts > _MAX_PARTS or self._bytes > _MAX_READINGS * len(self.data):
            raise _BrokenError
        return struct.unpack_from(self.byte_order + layout, self.data, start)

    def skip(self, length):
        if length > len(self.data) - self.position:
            raise _BrokenError
        self.position += length

    def go_to(self, position):
        self.position = 0
        self.skip(position)

    @property
    def at_end(self):
        return self.position == len(self.data)


class FileType(NamedTuple):
    media_type: str
    label: str
    extensions: tuple[str, ...]


FILE_TYPES = (
    FileType("image/png", "PNG-Bild", (".png",)),
    FileType("image/jpeg", "JPEG-Bild", (".jpg", ".jpeg", ".jpe", ".jfif")),
    FileType("image/gif", "GIF-Bild", (".gif",)),
    FileType("image/webp", "WebP-Bild", (".webp",)),
    FileType("image/bmp", "BMP-Bild", (".bmp",)),
    FileType("image/tiff", "TIFF-Bild", (".tif", ".tiff")),
    FileType("image/heic", "HEIC-Bild", (".heic", ".heif")),
    FileType("application/pdf", "PDF-Dokument", (".pdf",)),
    FileType(TEXT, "Textdatei", (".txt", ".log")),
)
ALLOWED_EXTENSIONS = tuple(extension for file_type in FILE_TYPES for extension in file_type.extensions)

_BY_EXTENSION = {extension: file_type for file_type in FILE_TYPES for extension in file_type.extensions}
_BY_MEDIA_TYPE = {file_type.media_type: file_type for file_type in FILE_TYPES}
_GUESSED_AS = {"image/apng": "image/png", "image/heif": "image/heic", "image/x-ms-bmp": "image/bmp"}


def judge(name, file):
    """Return the media type of an open file on disk with this name; raises Refused."""
    extension = "." + name.rpartition(".")[2].lower() if "." in name else ""
    claimed = _BY_EXTENSION.get(extension)
    if claimed is None:
        if not extension:
            raise Refused("Dem Namen fehlt die Endung.")
        raise Refused(f"Dateien mit der Endung „{extension}“ nehmen wir nicht an.")
    if claimed.media_type == TEXT:
        _check_text(file)
        return TEXT
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        guess = filetype.guess_mime(data[:8192])
        found = _GUESSED_AS.get(guess, guess)
        if found != claimed.media_type:
            known = _BY_MEDIA_TYPE.get(found)
            content = f"ein {known.label}" if known else f"kein {claimed.label}"
            raise Refused(f"Die Endung „{extension}“ passt nicht, der Inhalt ist {content}.")
        try:
            whole = _STRUCTURE[found](_Reader(data))
        except _BrokenError:
            whole = False
        if not whole:
            raise Refused(f"Als {claimed.label} ist die Datei beschädigt oder unvollständig.")
    return found


def decoded(beginning):
    """Return the beginning of a text file that was let in, without a letter that is cut at its end."""
    for encoding in _encodings(beginning):
        try:
            return codecs.getincrementaldecoder(encoding)().decode(beginning)
        except UnicodeDecodeError:
            continue
    return ""


def _encodings(beginning):
    """Return the encodings that a text beginning with these bytes may have, the likelier one first."""
    return ["utf-16"] if beginning[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ["utf-8-sig", "cp1252"]


def _check_text(file):
    file.seek(0)
    for encoding in _encodings(file.read(2)):
        try:
            if _has_control_characters(file, encoding):
                break
            return
        except UnicodeDecodeError:
            continue
    raise Refused("Der Inhalt ist kein einfacher Text.")


def _has_control_characters(file, encoding):
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    while block := file.read(_CHUNK):
        if _CONTROL.search(decoder.decode(block)):
            return True
    return bool(_CONTROL.search(decoder.decode(b"", final=True)))


def _png_is_whole(reader):
    reader.skip(8)
    names = []
    while not names or names[-1] != b"IEND":
        length, name = reader.take("I4s")
        start = reader.position
        reader.skip(length)
        if reader.take("I") != (zlib.crc32(reader.data[start - 4 : start + length]),):
            return False
        names.append(name)
    return reader.at_end and names[0] == b"IHDR" and b"IDAT" in names


# In the compressed part of a JPEG, FF is followed by 00, by FF or by a restart marker; anything else is a marker.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_JPEG_START, _JPEG_END, _JPEG_SCAN, _FILL = 0xD8, 0xD9, 0xDA, 0xFF


def _jpeg_is_whole(reader):
    has_scan = False
    while True:
        lead, marker = reader.take("BB")
        if lead != 0xFF:
            return False
        if marker == _JPEG_END:
            return has_scan and _may_follow_a_jpeg(reader)
        if marker == _FILL:
            reader.position -= 1
        elif marker != _JPEG_START:
            (length,) = reader.take("H")
            if length < 2:
                return False
            reader.skip(length - 2)
        if marker == _JPEG_SCAN:
            has_scan = True
            found = _JPEG_MARKER.search(reader.data, reader.position)
            if found is None:
                return False
            reader.position = found.start()


_PADDING = re.compile(rb"\x00*")


def _may_follow_a_jpeg(reader):
    """Phones write more behind the picture: padding, a second picture (MPO), or a short film (motion photo)."""
    data, position = reader.data, _PADDING.match(reader.data, reader.position).end()
    # The film begins with the length of its first box, whose leading zeros look like padding.
    rest = data[position : position + 8]
    return rest == b"" or rest.startswith(b"\xff\xd8\xff") or b"ftyp" in rest or data[-4:] == b"SEFT"


def _gif_is_whole(reader):
    reader.skip(10)
    flags, _, _ = reader.take("BBB")
    _skip_colours(reader, flags)
    has_picture = False
    while True:
        (block,) = reader.take("B")
        if block == 0x3B:
            return has_picture and reader.at_end
        if block == 0x21:
            reader.skip(1)
        elif block == 0x2C:
            has_picture = True
            *_, flags = reader.take("HHHHB")
            _skip_colours(reader, flags)
            reader.skip(1)
        else:
            return False
        while length := reader.take("B")[0]:
            reader.skip(length)


def _skip_colours(reader, flags):
    if flags & 0x80:
        reader.skip(3 << (flags & 7) + 1)


def _webp_is_whole(reader):
    reader.byte_order = "<"
    _, length, _ = reader.take("4sI4s")
    if length + length % 2 + 8 != len(reader.data) + len(reader.data) % 2:
        return False
    names = []
    while not reader.at_end:
        name, length = reader.take("4sI")
        names.append(name)
        reader.skip(length)
        if not reader.at_end:
            reader.skip(length % 2)
    return bool({b"VP8 ", b"VP8L", b"ANMF"} & set(names))


def _bmp_is_whole(reader):
    reader.byte_order = "<"
    _, file_size, _, pixels_at, header_size = reader.take("2sIIII")
    size_fits = file_size == len(reader.data)
    return size_fits and header_size in (12, 40, 52, 56, 64, 108, 124) and 14 < pixels_at < file_size


# StripOffsets with StripByteCounts, TileOffsets with TileByteCounts
_TIFF_DATA_TAGS = {0x111: 0x117, 0x144: 0x145}
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def _tiff_is_whole(reader):
    """Follow the list of pages: each must lie in the file with all that it points to."""
    reader.byte_order = "<" if reader.data[:2] == b"II" else ">"
    reader.skip(4)
    (page_at,) = reader.take("I")
    pages = set()
    while page_at:
        if page_at in pages:
            return False
        pages.add(page_at)
        reader.go_to(page_at)
        fields = dict(_tiff_fields(reader))
        (page_at,) = reader.take("I")
        if not any(starts in fields for starts in _TIFF_DATA_TAGS):
            return False
        for starts, lengths in _TIFF_DATA_TAGS.items():
            if not _tiff_data_is_inside(reader, fields.get(starts, ()), fields.get(lengths, ())):
                return False
    return bool(pages)


def _tiff_fields(reader):
    (count,) = reader.take("H")
    for _ in range(count):
        tag, kind, number, value = reader.take("HHII")
        if number > _MAX_PARTS:
            raise _BrokenError
        behind = reader.position
        length = _TIFF_SIZES.get(kind, 1) * number
        reader.go_to(behind - 4 if length <= 4 else value)
        start = reader.position
        reader.skip(length)
        if kind in (3, 4) and (tag in _TIFF_DATA_TAGS or tag in _TIFF_DATA_TAGS.values()):
            reader.go_to(start)
            yield tag, reader.take(f"{number}{'H' if kind == 3 else 'I'}")
        reader.go_to(behind)


def _tiff_data_is_inside(reader, starts, lengths):
    ends = (start + length for start, length in zip(starts, lengths, strict=False))
    return len(starts) == len(lengths) and all(end <= len(reader.data) for end in ends)


def _heic_is_whole(reader):
    names = []
    while not reader.at_end:
        start = reader.position
        length, name = reader.take("I4s")
        if length == 1:
            (length,) = reader.take("Q")
        elif length == 0:
            length = len(reader.data) - start
        if length < reader.position - start:
            return False
        reader.skip(start + length - reader.position)
        names.append(name)
    return names[0] == b"ftyp" and {b"meta", b"mdat"} <= set(names)


def _pdf_is_whole(reader):
    ending = reader.data[-1024:]
    return b"startxref" in ending and b"%%EOF" in ending


_STRUCTURE = {
    "image/png": _png_is_whole,
    "image/jpeg": _jpeg_is_whole,
    "image/gif": _gif_is_whole,
    "image/webp": _webp_is_whole,
    "image/bmp": _bmp_is_whole,
    "image/tiff": _tiff_is_whole,
    "image/heic": _heic_is_whole,
    "application/pdf": _pdf_is_whole,
}
