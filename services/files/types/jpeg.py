"""JPEG, and what phones append to it: padding, further pictures, a short film, and makers' notes.

All of it is followed to the last byte of the file; anything else is refused. Sources: ITU T.81, CIPA
DC-007 (MPO), Motion Photo format 1.0 (Google), and for the makers' notes what ExifTool knows of them.
"""

import json
import re
import struct
from mmap import mmap

from services.files.types.isobmff import check_film
from services.files.types.reader import BrokenError, Reader, TrailingError, require

_START, _END, _SCAN, _FILL = 0xD8, 0xD9, 0xDA, 0xFF
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# In the compressed part, FF is followed by 00, by FF or by a restart marker; anything else is a marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_PADDING = re.compile(rb"\x00*")
# HTML hidden in notes or films; no phone writes it.
_PAGE = re.compile(rb"<(?:!doctype|html|script|body)\b", re.IGNORECASE)


def check_jpeg(reader: Reader) -> None:
    """Check the picture and all that follows it."""
    _check_picture(reader)
    if _PAGE.search(reader.data, reader.position):
        raise TrailingError
    reader.end = _start_of_notes(reader.data, reader.position)
    while (start := _skip_padding(reader.data, reader.position, reader.end)) < reader.end:
        # A film begins with the length of its first box, whose leading zeros look like padding.
        film_at = reader.data.find(b"ftyp", start, start + 8) - 4
        if film_at >= reader.position:
            reader.go_to(film_at)
            check_film(reader, reader.end)
        elif reader.data[start : start + 3] == b"\xff\xd8\xff":
            reader.go_to(start)
            _check_picture(reader)
        else:
            raise TrailingError


def _skip_padding(data: mmap, start: int, end: int) -> int:
    found = _PADDING.match(data, start, end)
    return found.end() if found else start


def _check_picture(reader: Reader) -> None:
    require(reader.take("BB") == (0xFF, _START))
    has_frame = has_scan = False
    while True:
        lead, marker = reader.take("BB")
        require(lead == 0xFF and marker != _START)
        if marker == _END:
            require(has_scan)
            return
        if marker == _FILL:
            reader.position -= 1
            continue
        start = reader.position
        (length,) = reader.take("H")
        require(length >= 2)
        if marker in _FRAMES:
            has_frame = True
            _, height, width = reader.take("BHH")
            reader.count_picture(width, height)
        reader.go_to(start + length)
        if marker == _SCAN:
            require(has_frame)
            has_scan = True
            found = _MARKER.search(reader.data, reader.position)
            if not found:
                raise BrokenError
            reader.position = found.start()


def _start_of_notes(data: mmap, picture_end: int) -> int:
    """Return where a maker's notes at the end of the file begin; without any, the file's end."""
    for start_of in (_start_of_samsung, _start_of_huawei, _start_of_oneplus, _start_of_vivo):
        start = start_of(data, picture_end)
        if start is not None:
            require(picture_end <= start <= len(data))
            return start
    return len(data)


def _start_of_samsung(data: mmap, picture_end: int) -> int | None:
    """Follow the directory at the end of the file to the first of its blocks."""
    if data[-4:] != b"SEFT":
        return None
    try:
        (length,) = struct.unpack_from("<I", data, len(data) - 8)
        head = len(data) - 8 - length
        require(head >= picture_end and data[head : head + 4] == b"SEFH")
        (count,) = struct.unpack_from("<I", data, head + 8)
        require(0 < count <= (length - 12) // 12)
        starts = []
        for entry in range(count):
            _, kind, back, size = struct.unpack_from("<HHII", data, head + 12 + 12 * entry)
            zeros, block_kind, name_length = struct.unpack_from("<HHI", data, head - back)
            require(8 + name_length <= size <= back and (zeros, block_kind) == (0, kind))
            starts.append(head - back)
    except struct.error:
        raise BrokenError from None
    return min(starts)


# In fields of twenty characters: version, what is played, and the length of the film before it.
_HUAWEI = re.compile(rb"(?:v\d_f\w{1,16} *)?(?:\d[\d:]{0,18} *)?LIVE_\d{1,15} *\Z")
_HUAWEI_LENGTH = 60


def _start_of_huawei(data: mmap, picture_end: int) -> int | None:
    found = _HUAWEI.search(data, max(picture_end, len(data) - _HUAWEI_LENGTH))
    return found.start() if found else None


_ONEPLUS_MAX_BYTES = 65536


def _start_of_oneplus(data: mmap, picture_end: int) -> int | None:
    """Follow the list at the end of the file, which says how far before it the notes begin."""
    if data[-8:-4] != b"jxrs":
        return None
    length = int.from_bytes(data[-4:], "little")
    require(8 < length <= min(_ONEPLUS_MAX_BYTES, len(data)))
    try:
        listed = json.loads(data[-length:-8].rstrip(b"\x00"))
        return len(data) - length - max(int(note["offset"]) for note in listed)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        raise BrokenError from None


_VIVO_END = b"\xff\xff\xff\xff\x1b*9HWfu\x84\x93\xa2\xb1"


def _start_of_vivo(data: mmap, picture_end: int) -> int | None:
    if data[-len(_VIVO_END) :] != _VIVO_END:
        return None
    start = _skip_padding(data, picture_end, len(data))
    require(data[start : start + 6] == b'vivo{"' or data[start : start + 10] == b"streamdata")
    return start
