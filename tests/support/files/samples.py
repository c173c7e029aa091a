"""Sample files as programs and phones write them, and damaged ones; all made in memory."""

import io
import random
import struct
import zipfile
import zlib

from PIL import Image

# One pixel.
SMALL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da63fcff1f0003030200efa2a75b0000000049454e44ae426082"
)

TEXT = "Grüße aus Köln: 5 €\nZeile zwei\n"


def picture(mode="RGB", size=(48, 40), seed=1):
    """Return a picture of noise, so that every format has something to pack."""
    noise = random.Random(seed).randbytes(size[0] * size[1] * 3)
    return Image.frombytes("RGB", size, noise).convert(mode)


def saved(image, kind, **options):
    """Return what Pillow writes for a picture."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(name, data=b""):
    """Return one part of a PNG with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def interlaced_png():
    """Return a PNG of one point that says it is interlaced (Adam7)."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 1)
    parts = [png_chunk(b"IHDR", header), png_chunk(b"IDAT", zlib.compress(b"\x00\x80")), png_chunk(b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(order="<", tiled=False):
    """Return a grey TIFF of 16 by 16 points in two strips, or in one tile, in either byte order."""
    points = bytes(range(256))
    blocks = [points] if tiled else [points[:128], points[128:]]
    places = [(322, 16), (323, 16)] if tiled else [(278, 8)]
    offsets_tag, counts_tag = (324, 325) if tiled else (273, 279)
    starts = [8 + sum(map(len, blocks[:index])) for index in range(len(blocks))]
    lists_at = 8 + len(points)
    offsets = struct.pack(f"{order}{len(blocks)}I", *starts)
    counts = struct.pack(f"{order}{len(blocks)}I", *map(len, blocks))
    shorts = [(256, 16), (257, 16), (258, 8), (259, 1), (262, 1), *places]
    entries = {tag: struct.pack(order + "HHIHH", tag, 3, 1, value, 0) for tag, value in shorts}
    for tag, values, at in ((offsets_tag, offsets, lists_at), (counts_tag, counts, lists_at + len(offsets))):
        value = values if len(values) == 4 else struct.pack(order + "I", at)
        entries[tag] = struct.pack(order + "HHI", tag, 4, len(blocks)) + value
    page_at = lists_at + len(offsets) + len(counts)
    start = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, page_at)
    page = struct.pack(order + "H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    return start + points + offsets + counts + page


def tiff_entry(tag, number, at=8):
    """Return an entry of a page of a TIFF: so many numbers, and where they are, or the only one itself."""
    return struct.pack("<HHII", tag, 4, number, at)


def tiff_page(*entries, next_at=0):
    """Return a page of a TIFF with its entries and the place of the next one."""
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", next_at)


def box(name, data=b""):
    """Return one box of the ISO media format (HEIC, MP4)."""
    return struct.pack(">I4s", 8 + len(data), name) + data


def film():
    """Return the boxes of a short film, as phones put it behind a picture."""
    return box(b"ftyp", b"isom" + bytes(4) + b"isomiso2mp41") + box(b"moov", bytes(108)) + box(b"mdat", bytes(99))


def heic_sequence():
    """Return the boxes of a sequence of HEIC pictures: a track like that of a film."""
    head = box(b"tkhd", bytes(76) + struct.pack(">II", 64 << 16, 48 << 16))
    kind = box(b"ftyp", b"msf1" + bytes(4) + b"msf1hevc")
    return kind + box(b"moov", box(b"mvhd", bytes(100)) + box(b"trak", head)) + box(b"mdat", bytes(99))


def heic(
    brand=b"heic", size=(4032, 3024), tile=(512, 512), large=False, grid_inside=False, long_places=False, others=None
):
    """Return the boxes of a phone's HEIC picture: a grid of tiles whose data lies behind or, for the grid, inside."""
    kind = box(b"ftyp", brand + bytes(4) + (others or b"mif1MiHEmiafheic"))
    grid = struct.pack(">BBBBHH", 0, 0, 5, 7, *size)
    points = grid + random.Random(2).randbytes(400)
    media_head = struct.pack(">I4s", 8 + len(points), b"mdat")
    if large:
        media_head = struct.pack(">I4sQ", 1, b"mdat", 16 + len(points))

    def places(media_at):
        grid_at = 0 if grid_inside else media_at
        items = ((1, int(grid_inside), grid_at, len(grid)), (2, 0, media_at + len(grid), 400))
        if long_places:
            packed = [struct.pack(">IHHHQQ", item, way, 0, 1, at, length) for item, way, at, length in items]
            return box(b"iloc", struct.pack(">B3sBBI", 2, b"", 0x88, 0, 2) + b"".join(packed))
        packed = [struct.pack(">HHHHII", item, way, 0, 1, at, length) for item, way, at, length in items]
        return box(b"iloc", struct.pack(">B3sBBH", 1, b"", 0x44, 0, 2) + b"".join(packed))

    def about(media_at):
        kinds = ((1, b"grid"), (2, b"hvc1"))
        infos = [box(b"infe", struct.pack(">B3sHH4sB", 2, b"", item, 0, kind, 0)) for item, kind in kinds]
        sizes = [box(b"ispe", struct.pack(">III", 0, *pair)) for pair in (size, tile)]
        return box(
            b"meta",
            bytes(4)
            + box(b"hdlr", bytes(8) + b"pict" + bytes(13))
            + box(b"pitm", bytes(6))
            + box(b"iinf", struct.pack(">IH", 0, 2) + b"".join(infos))
            + box(b"iprp", box(b"ipco", b"".join(sizes)) + box(b"ipma", bytes(8)))
            + (box(b"idat", grid) if grid_inside else b"")
            + places(media_at),
        )

    media_at = len(kind) + len(about(0)) + len(media_head)
    return kind + about(media_at) + media_head + points


def samsung_notes(**blocks):
    """Return what a Samsung phone writes behind a picture: blocks, and a directory of them from the end."""
    kinds = {"Image_UTC_Data": 0x0A01, "MotionPhoto_Data": 0x0A30}
    packed = [struct.pack("<HHI", 0, kinds[name], len(name)) + name.encode() + data for name, data in blocks.items()]
    starts = [sum(map(len, packed[index:])) for index in range(len(packed))]
    entries = [
        struct.pack("<HHII", 0, kinds[name], back, len(block))
        for name, back, block in zip(blocks, starts, packed, strict=True)
    ]
    directory = b"SEFH" + struct.pack("<II", 107, len(entries)) + b"".join(entries)
    return b"".join(packed) + directory + struct.pack("<I", len(directory)) + b"SEFT"


def oneplus_notes():
    """Return what a OnePlus phone writes behind a picture: notes, and a list of them from the end."""
    device = b"\x01\x02\x03\x04\x05CPH2581\x00"
    listed = b'[{"name":"watermark.device","offset":%d,"length":%d,"version":1}]\x00' % (len(device), len(device))
    return device + listed + b"jxrs" + struct.pack("<I", 8 + len(listed))


HUAWEI_NOTES = b"v3_f31_c".ljust(20) + b"0:0".ljust(20) + b"LIVE_215".ljust(20)
VIVO_NOTES = b'vivo{"cameraalbum":"rear"}\x00' + b"\xff" * 4 + b"\x1b*9HWfu\x84\x93\xa2\xb1"


def pdf(version="1.4", xref_stream=False, after=b"\n", root=b"", objects=(), trailer=b""):
    """Return a PDF of one empty page, with an old-style or a stream cross-reference table.

    root: more entries of the catalog; objects: further objects; trailer: more entries of the trailer.
    """
    content = f"%PDF-{version}\n%".encode() + b"\xe2\xe3\xcf\xd3\n"
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R" + root + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        *objects,
    ]
    rows = [b"0000000000 65535 f "]
    for number, body in enumerate(bodies, start=1):
        rows.append(b"%010d 00000 n " % len(content))
        content += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table_at, count = len(content), len(rows)
    if xref_stream:
        head = b"/Type/XRef/Size %d/Root 1 0 R/W[1 1 1]" % (count + 1) + trailer
        content += b"%d 0 obj\n" % count + packed_stream(head, bytes(3 * count + 3)) + b"\nendobj\n"
    else:
        content += b"xref\n0 %d\n" % count + b"\n".join(rows) + b"\n"
        content += b"trailer\n<</Size %d/Root 1 0 R" % count + trailer + b">>\n"
    return content + b"startxref\n%d\n%%%%EOF" % table_at + after


def packed_stream(head, data):
    """Return the body of a PDF's object whose bytes are packed."""
    packed = zlib.compress(data)
    return b"<<" + head + b"/Filter/FlateDecode/Length %d>>\nstream\n" % len(packed) + packed + b"\nendstream"


def packed_objects(*bodies, head=b"/Type/ObjStm"):
    """Return the body of a PDF's object in which others are packed."""
    places = [sum(len(body) + 1 for body in bodies[:index]) for index in range(len(bodies))]
    numbers = b" ".join(b"%d %d" % (10 + index, place) for index, place in enumerate(places)) + b" "
    return packed_stream(head + b"/N %d/First %d" % (len(bodies), len(numbers)), numbers + b" ".join(bodies))


def overlapping_streams():
    """Return a PDF with streams that each go on to the end of the file and repeat the ones after them."""

    def block(data):
        return b"\x00" + struct.pack("<HH", len(data), 65535 - len(data)) + data

    return pdf("1.5", objects=[(block(b"1 0 ") + block(b"") * 20 + block(b"stream\n\x78\x01")) * 1000])


def silent_streams():
    """Return a PDF of streams that each reach to the end of the file and decompress to nothing after their first bytes.

    Each consists of a block of Deflate that gives nothing out, and whose table of codes spells the next one's start.
    """
    codes = bytes.fromhex("0210f4074092244992240973747265616d78010091006eff1a593d7b") + bytes(110)
    return pdf("1.5", objects=[(codes + b"\x20" + bytes(15) + b"\x0b" + b"\x00\x00\xff\xff\x00" * 3)[:-1] * 2000])


def exe():
    """Return the beginning of a Windows program."""
    return (
        b"MZ\x90\x00\x03\x00\x00\x00" + bytes(52) + b"\x80\x00\x00\x00" + bytes(64) + b"PE\x00\x00\x64\x86" + bytes(200)
    )


def large_archive(member, in_place_of_places=0xFFFFFFFF):
    """Return a ZIP archive that ends like a large one (ZIP64), with the positions in a record of their own."""
    *_, length, start, _ = struct.unpack("<4s4HIIH", archive(member)[-22:])
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, length, start)
    place = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + length, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, in_place_of_places, in_place_of_places, 0)
    return archive(member)[:-22] + record + place + end


def archive(member):
    """Return a ZIP archive with one member, like a Word document."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(member, "<xml/>")
    return buffer.getvalue()


PNG = saved(picture(), "PNG")
JPEG = saved(picture(), "JPEG")
GIF = saved(picture(), "GIF")
WEBP = saved(picture(), "WEBP")
BMP = saved(picture(), "BMP")
TIFF = saved(picture(), "TIFF")
HEIC = heic()
PDF = pdf()
