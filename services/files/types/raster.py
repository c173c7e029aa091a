"""PNG, GIF, WebP and BMP: complete from the first byte to the last, and not too large to be shown.

Sources: PNG (W3C), GIF89a, WebP (RFC 9649), BMP (Windows GDI).
"""

import struct
import zlib
from collections.abc import Iterator

from services.files.types.reader import Reader, TrailingError, require

# Viewers refuse a picture with another critical chunk (its name begins with a capital letter).
_PNG_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")


def check_png(reader: Reader) -> None:
    """Check the chunks and their checksums up to the end."""
    reader.skip(8)
    name = b""
    seen: set[bytes] = set()
    while name != b"IEND":
        previous = name
        length, name = reader.take("I4s")
        start = reader.position
        reader.skip(length)
        require(reader.take("I") == (zlib.crc32(reader.data[start - 4 : start + length]),))
        require(name.isalpha() and (name[:1].islower() or name in _PNG_CRITICAL))
        require((name == b"IHDR") == (not seen))
        require(name != b"IDAT" or previous == b"IDAT" or name not in seen)
        if name == b"IHDR":
            require(length == 13)
            reader.count_picture(*struct.unpack_from(">II", reader.data, start))
        elif name == b"fcTL":
            require(length == 26)
            reader.count_picture(*struct.unpack_from(">II", reader.data, start + 4))
        seen.add(name)
    require(b"IDAT" in seen and length == 0)
    reader.finish()


def check_gif(reader: Reader) -> None:
    """Check the blocks up to the end."""
    reader.byte_order = "<"
    require(reader.take("6s")[0] in (b"GIF87a", b"GIF89a"))
    width, height, flags, _, _ = reader.take("HHBBB")
    reader.count_picture(width, height)
    _skip_colours(reader, flags)
    has_picture = False
    while True:
        (block,) = reader.take("B")
        if block == 0x3B:
            break
        require(block in (0x21, 0x2C))
        if block == 0x21:
            reader.skip(1)
        else:
            has_picture = True
            _, _, width, height, flags = reader.take("HHHHB")
            reader.count_picture(width, height)
            _skip_colours(reader, flags)
            reader.skip(1)
        while length := reader.take("B")[0]:
            reader.skip(length)
    require(has_picture)
    reader.finish()


def _skip_colours(reader: Reader, flags: int) -> None:
    if flags & 0x80:
        reader.skip(3 << (flags & 7) + 1)


def check_webp(reader: Reader) -> None:
    """Check the chunks up to the length in the header."""
    reader.byte_order = "<"
    _, length, _ = reader.take("4sI4s")
    end = 8 + length + length % 2
    # Some programs forget the padding of an odd length.
    require(end <= len(reader.data) + len(reader.data) % 2)
    if end < len(reader.data):
        raise TrailingError
    require(list(_webp_pictures(reader, reader.end)))


def _webp_pictures(reader: Reader, end: int, in_frame: bool = False) -> Iterator[tuple[int, int]]:
    """Yield the size of each picture among the chunks up to an end; a frame holds one of its size and no frames."""
    while reader.position < end:
        name, length = reader.take("4sI")
        chunk_end = reader.position + length
        require(chunk_end <= end)
        if name == b"ANMF":
            require(not in_frame)
            _, size, _ = reader.take("6s6s4s")
            width, height = (int.from_bytes(size[at : at + 3], "little") + 1 for at in (0, 3))
            reader.count_picture(width, height)
            require(set(_webp_pictures(reader, chunk_end, in_frame=True)) == {(width, height)})
            yield width, height
        elif name in (b"VP8 ", b"VP8L"):
            size = _webp_size(reader, name)
            if not in_frame:
                reader.count_picture(*size)
            yield size
        elif name == b"VP8X":
            _, size = reader.take("4s6s")
            reader.count_picture(*(int.from_bytes(size[at : at + 3], "little") + 1 for at in (0, 3)))
        require(reader.position <= chunk_end)
        reader.go_to(min(chunk_end + length % 2, end))


def _webp_size(reader: Reader, name: bytes) -> tuple[int, int]:
    if name == b"VP8 ":
        _, mark, width, height = reader.take("3s3sHH")
        require(mark == b"\x9d\x01\x2a")
        return width & 0x3FFF, height & 0x3FFF
    mark, bits = reader.take("BI")
    require(mark == 0x2F)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
# The header is followed by masks and colours.
_BMP_MAX_HEADER_BYTES = 14 + 124 + 16 + 4 * 256 + 64
_BMP_PLAIN, _BMP_RUN_LENGTHS, _BMP_MASKS = (0,), (1, 2), (3, 6)


def check_bmp(reader: Reader) -> None:
    """Check that the pixels fill the file after the header, except for a colour profile in newer files."""
    reader.byte_order = "<"
    _, file_size, _, pixels_at, header_size = reader.take("2sIIII")
    require(header_size in _BMP_HEADERS and file_size <= len(reader.data))
    if file_size < len(reader.data):
        raise TrailingError
    if header_size == 12:
        width, height, _, depth = reader.take("HHHH")
        packing, packed_size = 0, 0
    else:
        width, height, _, depth, packing, packed_size = reader.take("iiHHII")
    require(width > 0 and depth in (1, 4, 8, 16, 24, 32) and pixels_at <= _BMP_MAX_HEADER_BYTES)
    reader.count_picture(width, abs(height))
    require(packing in _BMP_PLAIN + _BMP_RUN_LENGTHS + _BMP_MASKS)
    size = packed_size if packing in _BMP_RUN_LENGTHS else (width * depth + 31) // 32 * 4 * abs(height)
    reader.go_to(pixels_at)
    reader.skip(size)
    if header_size == 124:
        profile_at, profile_size = struct.unpack_from("<II", reader.data, 14 + 112)
        if profile_size and 14 + profile_at >= reader.position:
            reader.go_to(14 + profile_at)
            reader.skip(profile_size)
    # Some programs fill up to a round number.
    if reader.data[reader.position :].strip(b"\x00") or len(reader.data) - reader.position > 3:
        raise TrailingError
