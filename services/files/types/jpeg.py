"""JPEG, and what phones append to it: padding, further pictures, a short film, and notes of their makers.

Each of these is followed to the file's last byte; anything else behind a picture is refused. Sources: ITU T.81, CIPA
DC-007 (MPO), Motion Photo format 1.0 (Google), and for the makers' notes what ExifTool knows of them.
"""

import json
import re
import struct

from services.files.types.isobmff import check_film
from services.files.types.reader import BrokenError, TrailingError, require

_START, _END, _SCAN, _FILL = 0xD8, 0xD9, 0xDA, 0xFF
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# In the compressed part, FF is followed by 00, by FF or by a restart marker; anything else is a marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_PADDING = re.compile(rb"\x00*")
# Notes and films leave room for it, but no phone writes it.
_PAGE = re.compile(rb"<(?:!doctype|html|script|body)\b", re.IGNORECASE)


def check_jpeg(reader):
    """Check the picture up to its end, and all that follows it."""
    _check_picture(reader)
    if _PAGE.search(reader.data, reader.position):
        raise TrailingError
    reader.end = _start_of_notes(reader.data, reader.position)
    while (start := _PADDING.match(reader.data, reader.position, reader.end).end()) < reader.end:
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


def _check_picture(reader):
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
            require(found)
            reader.position = found.start()


def _start_of_notes(data, picture_end):
    """Return where a phone's notes begin that stand at the end of the file; without any, the file's end."""
    for start_of in (_start_of_samsung, _start_of_huawei, _start_of_oneplus, _start_of_vivo):
        start = start_of(data, picture_end)
        if start is not None:
            require(picture_end <= start <= len(data))
            return start
    return len(data)


def _start_of_samsung(data, picture_end):
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


# In fields of twenty signs: version, what is played, and how long the film in front of it is.
_HUAWEI = re.compile(rb"(?:v\d_f\w{1,16} *)?(?:\d[\d:]{0,18} *)?LIVE_\d{1,15} *\Z")
_HUAWEI_LENGTH = 60


def _start_of_huawei(data, picture_end):
    found = _HUAWEI.search(data, max(picture_end, len(data) - _HUAWEI_LENGTH))
    return found and found.start()


_ONEPLUS_MOST = 65536


def _start_of_oneplus(data, picture_end):
    """Follow the list at the end of the file, which says how far in front of it the first note begins."""
    if data[-8:-4] != b"jxrs":
        return None
    length = int.from_bytes(data[-4:], "little")
    require(8 < length <= min(_ONEPLUS_MOST, len(data)))
    try:
        listed = json.loads(data[-length:-8].rstrip(b"\x00"))
        return len(data) - length - max(int(note["offset"]) for note in listed)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        raise BrokenError from None


_VIVO_END = b"\xff\xff\xff\xff\x1b*9HWfu\x84\x93\xa2\xb1"


def _start_of_vivo(data, picture_end):
    if data[-len(_VIVO_END) :] != _VIVO_END:
        return None
    start = _PADDING.match(data, picture_end).end()
    require(data[start : start + 6] == b'vivo{"' or data[start : start + 10] == b"streamdata")
    return start
