"""Boxes of the ISO base media file format: HEIC pictures, and the short films that phones append to a picture.

Sources: ISO/IEC 14496-12 (boxes), ISO/IEC 23008-12 (HEIC), Motion Photo format 1.0 (Google).
"""

from collections.abc import Iterator

from services.files.types.reader import Reader, require

# The brands of pictures packed with HEVC. Not "mif1" and "msf1", which AVIF has, too.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}


def boxes(reader: Reader, end: int) -> Iterator[tuple[bytes, int]]:
    """Yield the name and the end of each box up to an end; reading goes on after it."""
    while reader.position < end:
        start = reader.position
        length, name = reader.take("I4s")
        if length == 1:
            (length,) = reader.take("Q")
        box_end = start + length if length else end
        require(reader.position <= box_end <= end and name.isascii())
        yield name, box_end
        reader.go_to(box_end)


def is_heic(beginning: bytes) -> bool:
    """Say whether a file with these first bytes has a brand of HEIC."""
    length = int.from_bytes(beginning[:4], "big")
    brands = beginning[8:12] + beginning[16:length]
    return beginning[4:8] == b"ftyp" and any(brands[at : at + 4] in _HEIC_BRANDS for at in range(0, len(brands), 4))


def check_heic(reader: Reader) -> None:
    """Check the boxes up to the end, the sizes of all pictures, and that their data is in the file."""
    names: list[bytes] = []
    for name, end in boxes(reader, reader.end):
        require(names or name == b"ftyp")
        names.append(name)
        if name == b"meta":
            require(names.count(name) == 1)
            _check_description(reader, end)
        elif name == b"mpvd":
            check_film(reader, end)
    require({b"meta", b"mdat"} <= set(names))


def check_film(reader: Reader, end: int) -> None:
    """Check the boxes of a film up to an end."""
    names = [name for name, _ in boxes(reader, end)]
    require(names[:1] == [b"ftyp"] and {b"moov", b"mdat"} <= set(names))


def _check_description(reader: Reader, end: int) -> None:
    reader.skip(4)
    names, grids, places, own_data_at = set(), set(), {}, 0
    for name, box_end in boxes(reader, end):
        names.add(name)
        if name == b"hdlr":
            require(reader.take("8s4s")[1] == b"pict")
        elif name == b"iprp":
            _count_pictures(reader, box_end)
        elif name == b"iinf":
            grids = set(_grids(reader, box_end))
        elif name == b"iloc":
            places = dict(_places(reader))
        elif name == b"idat":
            own_data_at = reader.position
    require({b"hdlr", b"iprp", b"iloc"} <= names)
    for item, (method, extents) in places.items():
        if method > 1:
            continue
        require(method == 0 or own_data_at)
        for at, length in extents:
            reader.go_to(at if method == 0 else own_data_at + at)
            reader.skip(length)
        if item in grids and extents:
            reader.go_to(extents[0][0] if method == 0 else own_data_at + extents[0][0])
            _count_grid(reader)


def _count_pictures(reader: Reader, end: int) -> None:
    found = False
    for name, box_end in boxes(reader, end):
        if name != b"ipco":
            continue
        for inner, _ in boxes(reader, box_end):
            if inner == b"ispe":
                found = True
                _, width, height = reader.take("III")
                reader.count_picture(width, height)
    require(found)


def _grids(reader: Reader, end: int) -> Iterator[int]:
    """Yield the numbers of the pictures that are made of tiles."""
    version, _ = reader.take("B3s")
    reader.skip(4 if version else 2)
    for name, _ in boxes(reader, end):
        if name == b"infe":
            version, _ = reader.take("B3s")
            require(version in (2, 3))
            item, _, kind = reader.take("HH4s" if version == 2 else "IH4s")
            if kind == b"grid":
                yield item


def _count_grid(reader: Reader) -> None:
    _, flags, _, _ = reader.take("BBBB")
    reader.count_picture(*reader.take("II" if flags & 1 else "HH"))


_NUMBERS = {0: "", 4: "I", 8: "Q"}


def _places(reader: Reader) -> Iterator[tuple[int, tuple[int, list[tuple[int, int]]]]]:
    """Yield the number of each item with its construction method and its extents."""
    version, _, sizes, more_sizes = reader.take("B3sBB")
    require(version <= 2 and {sizes >> 4, sizes & 15, more_sizes >> 4, more_sizes & 15} <= set(_NUMBERS))
    at_layout, length_layout, base_layout = (_NUMBERS[size] for size in (sizes >> 4, sizes & 15, more_sizes >> 4))
    index_layout = _NUMBERS[more_sizes & 15] if version else ""
    (count,) = reader.take("I" if version == 2 else "H")
    for _ in range(count):
        (item,) = reader.take("I" if version == 2 else "H")
        method = reader.take("H")[0] & 15 if version else 0
        reader.skip(2)
        base = sum(reader.take(base_layout))
        (number,) = reader.take("H")
        extents = []
        for _ in range(number):
            reader.take(index_layout)
            extents.append((base + sum(reader.take(at_layout)), sum(reader.take(length_layout))))
        yield item, (method, extents)
