"""TIFF: every page and all that it points to is in the file, and nothing follows. Source: TIFF 6.0.

Unused bytes in between are usual: programs leave them when they change a page.
"""

from collections.abc import Iterator
from operator import add

from services.files.types.reader import MAX_PARTS, Reader, TrailingError, require

_WIDTH, _HEIGHT = 0x100, 0x101
# Old-style JPEG, sometimes without its length
_OLD_JPEG = 0x201
# StripOffsets with StripByteCounts, TileOffsets with TileByteCounts
_DATA_TAGS = {0x111: 0x117, 0x144: 0x145, _OLD_JPEG: 0x202}
# SubIFDs, Exif, GPS, Interoperability: lists of their own
_LIST_TAGS = (0x14A, 0x8769, 0x8825, 0xA005)
_TAGS = {_WIDTH, _HEIGHT, *_DATA_TAGS, *_DATA_TAGS.values(), *_LIST_TAGS}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_NUMBERS = {3: "H", 4: "I", 13: "I"}


def check_tiff(reader: Reader) -> None:
    """Follow the lists of pages and all that they point to."""
    reader.byte_order = "<" if reader.data[:2] == b"II" else ">"
    reader.skip(4)
    (page_at,) = reader.take("I")
    require(page_at)
    seen: set[int] = set()
    while page_at:
        inner, page_at = _check_list(reader, page_at, seen, is_page=True)
        while inner:
            more, _ = _check_list(reader, inner.pop(), seen, is_page=False)
            inner += more
    if reader.data[reader.furthest :].strip(b"\x00"):
        raise TrailingError


def _check_list(reader: Reader, at: int, seen: set[int], is_page: bool) -> tuple[list[int], int]:
    """Count the picture of a list, and return the positions of its inner lists and of the next list."""
    require(at not in seen)
    seen.add(at)
    reader.go_to(at)
    fields = dict(_fields(reader))
    (next_at,) = reader.take("I")
    has_data = any(starts in fields for starts in _DATA_TAGS)
    require(has_data or not is_page)
    sizes = [fields[tag] for tag in (_WIDTH, _HEIGHT) if tag in fields]
    if is_page or len(sizes) == 2:
        require([len(size) for size in sizes] == [1, 1])
        reader.count_picture(*sizes[0], *sizes[1])
    for tag, length_tag in _DATA_TAGS.items():
        starts, lengths = fields.get(tag, ()), fields.get(length_tag, ())
        require(len(starts) == len(lengths) or (tag == _OLD_JPEG and not lengths))
        reader.go_to(max(map(add, starts, lengths), default=0))
    return [place for tag in _LIST_TAGS for place in fields.get(tag, ())], next_at


def _fields(reader: Reader) -> Iterator[tuple[int, tuple[int, ...]]]:
    (count,) = reader.take("H")
    for _ in range(count):
        tag, kind, number, value = reader.take("HHII")
        require(number <= MAX_PARTS or tag not in _TAGS)
        behind = reader.position
        length = _SIZES.get(kind, 1) * number
        reader.go_to(behind - 4 if length <= 4 else value)
        start = reader.position
        reader.skip(length)
        if kind in _NUMBERS and tag in _TAGS:
            reader.go_to(start)
            yield tag, reader.take(f"{number}{_NUMBERS[kind]}")
        reader.go_to(behind)
