"""Pictures: each function reads the header up to the image data, and returns width and height.

What follows is not read: viewers show what there is of it. Sources: PNG (W3C), ITU T.81 (JPEG), GIF89a, RFC 9649
(WebP), Windows GDI (BMP), TIFF 6.0, ISO/IEC 14496-12 and 23008-12 (HEIC).
"""

import re
import struct
from typing import NamedTuple

from services.files.types.reader import BrokenError, Reader, require


class Size(NamedTuple):
    """Width and height of a picture in pixels."""

    width: int
    height: int


def _covering(*sizes: Size) -> Size:
    return Size(max(size.width for size in sizes), max(size.height for size in sizes))


_PNG_DATA = re.compile(b"IDAT.", re.DOTALL)


def png_size(reader: Reader) -> Size:
    """Read the first chunk of a PNG, which gives the size."""
    reader.skip(8)
    length, name, width, height = reader.take("I4sII")
    require(name == b"IHDR" and length == 13)
    require(_PNG_DATA.search(reader.data, reader.position))
    return Size(width, height)


# Between two segments, some cameras leave stray bytes.
_MARKER = re.compile(rb"\xff([\x01-\xfe])")
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SCAN, _WITHOUT_LENGTH = 0xDA, {0x01, *range(0xD0, 0xDA)}


def jpeg_size(reader: Reader) -> Size:
    """Read the segments of a JPEG up to its image data."""
    size = None
    reader.skip(2)
    while found := _MARKER.search(reader.data, reader.position):
        marker = found[1][0]
        require(marker not in _WITHOUT_LENGTH)
        reader.position = begin = found.end()
        (length,) = reader.take("H")
        require(length >= 2)
        if marker in _FRAMES:
            _, height, width = reader.take("BHH")
            size = Size(width, height)
        reader.position = begin
        reader.skip(length)
        if marker == _SCAN and size:
            reader.skip(1)
            return size
    raise BrokenError


def gif_size(reader: Reader) -> Size:
    """Read the blocks of a GIF up to its image data."""
    reader.byte_order = "<"
    mark, width, height, flags, _ = reader.take("6sHHB2s")
    require(mark in (b"GIF87a", b"GIF89a"))
    _skip_colours(reader, flags)
    while (block := reader.take("B")[0]) == 0x21:
        reader.skip(1)
        while length := reader.take("B")[0]:
            reader.skip(length)
    require(block == 0x2C)
    _, frame_width, frame_height, flags = reader.take("4sHHB")
    _skip_colours(reader, flags)
    require(reader.take("BB")[1])
    return _covering(Size(width, height), Size(frame_width, frame_height))


def _skip_colours(reader: Reader, flags: int) -> None:
    if flags & 0x80:
        reader.skip(3 << (flags & 7) + 1)


_WEBP_DATA = re.compile(b"ANMF|VP8[ L]")


def webp_size(reader: Reader) -> Size:
    """Read the first chunk of a WebP, which gives the size."""
    reader.byte_order = "<"
    reader.skip(12)
    name, _ = reader.take("4sI")
    if name == b"VP8X":
        _, packed = reader.take("4s6s")
        require(_WEBP_DATA.search(reader.data, reader.position))
        return Size(*(int.from_bytes(packed[at : at + 3], "little") + 1 for at in (0, 3)))
    if name == b"VP8L":
        mark, bits = reader.take("BI")
        require(mark == 0x2F)
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    _, mark, width, height = reader.take("3s3sHH")
    require(name == b"VP8 " and mark == b"\x9d\x01\x2a")
    return Size(width & 0x3FFF, height & 0x3FFF)


_BMP_HEADERS, _BMP_DEPTHS = (12, 40, 52, 56, 64, 108, 124), (1, 2, 4, 8, 16, 24, 32)


def bmp_size(reader: Reader) -> Size:
    """Read the header of a BMP."""
    reader.byte_order = "<"
    _, data_at, header_size = reader.take("10sII")
    require(header_size in _BMP_HEADERS and data_at >= 14 + header_size)
    width, height, planes, depth = reader.take("HHHH" if header_size == 12 else "iiHH")
    require(planes == 1 and depth in _BMP_DEPTHS)
    reader.go_to(data_at)
    reader.skip(1)
    return Size(width, abs(height))


# StripOffsets, TileOffsets, JPEGInterchangeFormat
_TIFF_DATA = {0x111, 0x144, 0x201}
_TIFF_WIDTH, _TIFF_HEIGHT = 0x100, 0x101
_TIFF_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I"}


def tiff_size(reader: Reader) -> Size:
    """Read the first page of a TIFF, which must have a strip or a tile."""
    reader.byte_order = "<" if reader.take("2s")[0] == b"II" else ">"
    reader.skip(2)
    reader.go_to(*reader.take("I"))
    first: dict[int, int] = {}
    for _ in range(*reader.take("H")):
        tag, kind, number, value = reader.take("HHI4s")
        layout = reader.byte_order + _TIFF_NUMBERS.get(kind, "I")
        behind = reader.position
        if tag in _TIFF_DATA and number * struct.calcsize(layout) > 4:
            reader.go_to(*struct.unpack(reader.byte_order + "I", value))
            (value,) = reader.take("4s")
            reader.position = behind
        first[tag] = struct.unpack_from(layout, value)[0]
    data_tags = _TIFF_DATA & first.keys()
    require(data_tags)
    reader.go_to(first[min(data_tags)])
    reader.skip(1)
    return Size(first.get(_TIFF_WIDTH, 0), first.get(_TIFF_HEIGHT, 0))


# The brands of pictures and of sequences packed with HEVC; "mif1" and "msf1" say only that it is a HEIF, as AVIF is.
_HEIC_BRANDS, _HEIF_BRANDS = re.compile(b"hei[cmsx]|hev[cmsx]"), (b"mif1", b"msf1")
# Width and height of a picture among the properties ("ispe"), and of a sequence in the head of its track ("tkhd").
_HEIC_SIZE = re.compile(rb"ispe.{4}(.{4})(.{4})|tkhd(?:\x00.{75}|\x01.{87})(.{2})..(.{2})..", re.DOTALL)
# A photo has one size for each kind of picture in it: the photo, its tiles, its preview.
_MAX_DESCRIPTION, _MAX_SIZES = 1024 * 1024, 10_000


def is_heic(beginning: bytes) -> bool:
    """Say whether a file with these first bytes has a brand of HEIC, or of a HEIF that names no other packing."""
    length, name, major = int.from_bytes(beginning[:4], "big"), beginning[4:8], beginning[8:12]
    if name != b"ftyp":
        return False
    brands = {major, *(beginning[at : at + 4] for at in range(16, min(length, len(beginning)), 4))}
    return any(map(_HEIC_BRANDS.fullmatch, brands)) or (major in _HEIF_BRANDS and not {b"avif", b"avis"} & brands)


def heic_size(reader: Reader) -> Size:
    """Read the boxes of a HEIC up to its image data, and return a size that covers all its pictures."""
    sizes: list[Size] = []
    has_data = False
    while not (sizes and has_data):
        begin = reader.position
        length, name = reader.take("I4s")
        if length == 1:
            (length,) = reader.take("Q")
        end = begin + length if length else len(reader.data)
        require(end >= reader.position)
        described = b""
        if name in (b"meta", b"moov"):
            described = reader.data[reader.position : min(end, reader.position + _MAX_DESCRIPTION)]
            sizes += map(_heic_size, _HEIC_SIZE.finditer(described))
            require(len(sizes) <= _MAX_SIZES)
        has_data = has_data or name == b"mdat" or b"idat" in described
        reader.position = end
    return _covering(*sizes)


def _heic_size(found: re.Match[bytes]) -> Size:
    return Size(*(int.from_bytes(number, "big") for number in found.groups() if number))
