"""Which files may come in, decided by name and content together.

A file is what its ending says, or it is refused: its first bytes, its structure and its end must be those of that type.
Sources: PNG (W3C), JPEG (ITU T.81), GIF89a, WebP (RFC 9649), BMP (Windows GDI), TIFF 6.0, ISO/IEC 14496-12 (HEIC),
ISO 32000 (PDF).
"""

import codecs
import mmap
import re
import struct
from typing import NamedTuple

import filetype

ALLOWED_WORDS = "Bilder (PNG, JPEG, GIF, WebP, BMP, TIFF, HEIC), PDF-Dateien und einfache Textdateien (.txt, .log)"

_TEXT = "text/plain"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_CHUNK = 65536


class Refused(ValueError):
    """A file that does not come in; its text is the reason, a German sentence without the file's name."""


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
    FileType(_TEXT, "Textdatei", (".txt", ".log")),
)
ALLOWED_EXTENSIONS = tuple(extension for file_type in FILE_TYPES for extension in file_type.extensions)

_BY_EXTENSION = {extension: file_type for file_type in FILE_TYPES for extension in file_type.extensions}
_BY_MEDIA_TYPE = {file_type.media_type: file_type for file_type in FILE_TYPES}
_GUESSED_AS = {"image/heif": "image/heic", "image/x-ms-bmp": "image/bmp"}


def judge(name, file):
    """Return the media type of an open file on disk with this name; raises Refused."""
    extension = "." + name.rpartition(".")[2].lower() if "." in name else ""
    claimed = _BY_EXTENSION.get(extension)
    if claimed is None:
        if not extension:
            raise Refused("Dem Namen fehlt die Endung.")
        raise Refused(f"Dateien mit der Endung „{extension}“ nehmen wir nicht an.")
    if claimed.media_type == _TEXT:
        _check_text(file)
        return _TEXT
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        guess = filetype.guess_mime(data[:8192])
        found = _GUESSED_AS.get(guess, guess)
        if found != claimed.media_type:
            known = _BY_MEDIA_TYPE.get(found)
            content = f"ein {known.label}" if known else f"kein {claimed.label}"
            raise Refused(f"Die Endung „{extension}“ passt nicht, der Inhalt ist {content}.")
        try:
            whole = _STRUCTURE[found](data)
        except (IndexError, struct.error):
            whole = False
        if not whole:
            raise Refused(f"Als {claimed.label} ist die Datei beschädigt oder unvollständig.")
    return found


def _check_text(file):
    file.seek(0)
    is_utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ["utf-16"] if is_utf16 else ["utf-8-sig", "cp1252"]:
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


def _png_is_whole(data):
    return data[12:16] == b"IHDR" and data[-12:] == b"\x00\x00\x00\x00IEND\xaeB`\x82"


# In the compressed part of a JPEG, FF is followed by 00, by FF or by a restart marker; anything else is a marker.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_PADDING = re.compile(rb"\x00*")


def _jpeg_is_whole(data):
    position = 2
    while True:
        if data[position] != 0xFF:
            return False
        marker = data[position + 1]
        if marker == 0xD9:
            return _may_follow_a_jpeg(data, position + 2)
        if marker == 0xFF:
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        position += 2 + length
        if marker == 0xDA:
            found = _JPEG_MARKER.search(data, position)
            if found is None:
                return False
            position = found.start()


def _may_follow_a_jpeg(data, position):
    """Phones write more behind the picture: padding, a second picture (MPO), or a short film (motion photo)."""
    position = _PADDING.match(data, position).end()
    rest = data[position : position + 16]
    return rest == b"" or rest.startswith(b"\xff\xd8\xff") or rest[4:8] == b"ftyp" or data[-4:] == b"SEFT"


def _gif_is_whole(data):
    return data[-1] == 0x3B


def _webp_is_whole(data):
    (length,) = struct.unpack_from("<I", data, 4)
    return len(data) in (length + 8, length + 8 + length % 2)


def _bmp_is_whole(data):
    file_size, _, pixels_at, header_size = struct.unpack_from("<IIII", data, 2)
    return header_size in (12, 40, 52, 56, 64, 108, 124) and file_size == len(data) and 14 < pixels_at < len(data)


def _tiff_is_whole(data):
    """Follow the list of pages: each must lie in the file with all that it points to."""
    order = "<" if data[:2] == b"II" else ">"
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
    (page_at,) = struct.unpack_from(order + "I", data, 4)
    pages = set()
    while page_at:
        if page_at in pages:
            return False
        pages.add(page_at)
        (count,) = struct.unpack_from(order + "H", data, page_at)
        fields = {}
        for entry_at in range(page_at + 2, page_at + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from(order + "HHI", data, entry_at)
            length = sizes.get(kind, 1) * number
            value_at = entry_at + 8 if length <= 4 else struct.unpack_from(order + "I", data, entry_at + 8)[0]
            if value_at + length > len(data):
                return False
            if kind in (3, 4) and tag in _TIFF_DATA_TAGS:
                fields[tag] = struct.unpack_from(f"{order}{number}{'H' if kind == 3 else 'I'}", data, value_at)
        starts = fields.get(0x111, ()) + fields.get(0x144, ())
        lengths = fields.get(0x117, ()) + fields.get(0x145, ())
        if not starts or len(starts) != len(lengths):
            return False
        if any(start + length > len(data) for start, length in zip(starts, lengths, strict=True)):
            return False
        (page_at,) = struct.unpack_from(order + "I", data, page_at + 2 + 12 * count)
    return bool(pages)


# StripOffsets, StripByteCounts, TileOffsets, TileByteCounts
_TIFF_DATA_TAGS = (0x111, 0x117, 0x144, 0x145)


def _heic_is_whole(data):
    boxes = []
    position = 0
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, position + 8)
        elif length == 0:
            length = len(data) - position
        if length < 8:
            return False
        boxes.append(name)
        position += length
    return position == len(data) and boxes[0] == b"ftyp" and b"meta" in boxes


def _pdf_is_whole(data):
    ending = data[-1024:]
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
