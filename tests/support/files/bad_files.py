"""Bad files of the corpus, all refused: nothing behind their first bytes, disguised, too large, or made to be slow."""

import gzip
import random
import struct

from enums import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENT_MIB
from tests.support.files.good_files import PAGE, PICTURES, WHOLE, jpeg_of, jpeg_with
from tests.support.files.samples import (
    BMP,
    HEIC,
    JPEG,
    PDF,
    PNG,
    TEXT,
    TIFF,
    WEBP,
    archive,
    box,
    exe,
    film,
    heic,
    large_archive,
    pdf,
    png_chunk,
    samsung_notes,
    tiff_entry,
    tiff_page,
)

DAMAGED = "beschädigt oder unvollständig"
NOT_TEXT = "kein einfacher Text. Bitte speichern Sie die Datei als Text mit der Kodierung UTF-8"
IS_TEXT = "Der Inhalt ist Text, und Text nehmen wir nur mit der Endung .txt oder .log an"
UNKNOWN = "Dieses Dateiformat nehmen wir nicht an. Bitte speichern Sie ein Dokument als PDF und ein Bild als JPEG"
TOO_LARGE = "mehr als 250 Megapixel"
HIDDEN = "steckt ein Archiv, ein Office-Dokument oder ein Programm"
TWO_KINDS = "ist zugleich ein PDF-Dokument"
EMPTY = "Die Datei ist leer"
OVERSIZED = f"größer als {MAX_ATTACHMENT_MIB}\xa0MB"

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
ZIP = archive("a.xml")
# The link of a shortcut is written in UTF-16.
SHORTCUT = (
    b"L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00F"
    + bytes(60)
    + 99 * "C:\\".encode("utf-16-le")
)
SIGNATURES = {
    "rar": b"Rar!\x1a\x07\x01\x00",
    "7z": b"7z\xbc\xaf'\x1c",
    "xz": b"\xfd7zXZ\x00",
    "bzip2": b"BZh91AY&SY",
    "gzip": gzip.compress(b"", mtime=0),
    "old-office-file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "shortcut": SHORTCUT,
    "mac-program": b"\xcf\xfa\xed\xfe\x07\x00\x00\x01",
    "universal-mac-program": b"\xca\xfe\xba\xbe\x00\x00\x00\x02",
    "java-program": b"\xca\xfe\xba\xbe\x00\x00\x00\x34",
    "web-assembly": b"\x00asm\x01\x00\x00\x00",
    "udf-image": b"\x00BEA01\x01",
    "windows-image": b"MSWIM\x00\x00\x00",
    "virtual-disc": b"vhdxfileQ\x00",
    "tar": b"ustar\x0000",
    "gnu-tar": b"ustar  \x00",
}
# Behind these bytes of each, the first points begin.
HEADERS = {"png": 40, "jpg": 300, "gif": 700, "webp": 25, "bmp": 54, "tif": 8, "heic": 200, "pdf": 15}


def _nothing_behind():
    for ending, length in HEADERS.items():
        for cut in (length, length // 2):
            yield f"{ending}-of-{cut}", (f"Foto.{ending}", WHOLE[ending][:cut], "")


def _with_more_behind():
    more = {"zip": ZIP, "large-zip": large_archive("a.xml"), "program": exe(), "zip-and-lines": ZIP + b"\n" * 100_000}
    more |= {"zip-without-end": ZIP[: ZIP.index(b"PK\x01\x02")]}
    more |= {key: signature + bytes(99) for key, signature in SIGNATURES.items()}
    for key, behind in more.items():
        for ending, content in WHOLE.items():
            yield f"{ending}-and-{key}", (f"Foto.{ending}", content + behind, HIDDEN)
        yield f"text-and-{key}", ("Notiz.txt", TEXT.encode() * 1000 + behind, HIDDEN)
    for key in ("jpeg-mpo", "jpeg-motion-photo", "jpeg-samsung", "jpeg-huawei", "jpeg-oneplus", "jpeg-vivo"):
        name, content = PICTURES[key]
        yield f"{key}-and-zip", (name, content + ZIP, HIDDEN)


HEADER_DAMAGED = {
    "png-without-points": ("Foto.png", PNG[:33] + png_chunk(b"IEND"), DAMAGED),
    "png-no-size": ("Foto.png", PNG[:8] + png_chunk(b"IHDR", bytes(8) + PNG[24:29]) + PNG[33:], DAMAGED),
    "png-of-apple-programs": ("Foto.png", PNG[:8] + png_chunk(b"CgBI", bytes(4)) + PNG[8:], DAMAGED),
    "png-four-bytes": ("Foto.png", b"\x89PNG", DAMAGED),
    "jpeg-broken-header": ("Foto.jpg", JPEG[:4] + b"\xff\xff" + JPEG[6:], DAMAGED),
    "jpeg-without-points": ("Foto.jpg", JPEG.replace(b"\xff\xda", b"\xff\xd9", 1), DAMAGED),
    "jpeg-without-size": ("Foto.jpg", JPEG.replace(b"\xff\xc0", b"\xff\xe5", 1), DAMAGED),
    "jpeg-only-a-film": ("Foto.jpg", b"\xff\xd8\xff\xd9" + film(), DAMAGED),
    "gif-sentence": ("Foto.gif", b"GIFtig ist das;", DAMAGED),
    "gif-without-points": ("Foto.gif", b"GIF89a" + bytes(7) + b";", DAMAGED),
    "gif-with-empty-points": ("Foto.gif", b"GIF89a" + bytes(7) + b"," + bytes(9) + b"\x02\x00;", DAMAGED),
    "webp-without-points": ("Foto.webp", b"RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00" + bytes(10), DAMAGED),
    "bmp-sentence": ("Foto.bmp", b"BMW i3 steht in der Einfahrt, bitte umparken, danke!", DAMAGED),
    "bmp-points-elsewhere": ("Foto.bmp", BMP[:10] + struct.pack("<I", len(BMP)) + BMP[14:], DAMAGED),
    "tiff-without-page": ("Scan.tif", TIFF[:4] + bytes(4) + TIFF[8:], DAMAGED),
    "tiff-page-behind-the-end": ("Scan.tif", TIFF[:4] + struct.pack("<I", len(TIFF)) + TIFF[8:], DAMAGED),
    "tiff-without-points": (
        "Scan.tif",
        b"II*\x00\x08\x00\x00\x00" + tiff_page(*(tiff_entry(tag, 1, 1) for tag in (0x100, 0x101))),
        DAMAGED,
    ),
    "heic-without-points": ("Foto.heic", HEIC[: HEIC.index(b"mdat") - 4], DAMAGED),
    "heic-without-size": ("Foto.heic", HEIC.replace(b"ispe", b"free"), DAMAGED),
    "heic-without-description": (
        "Foto.heic",
        HEIC[: HEIC.index(b"meta") - 4] + HEIC[HEIC.index(b"mdat") - 4 :],
        DAMAGED,
    ),
    "pdf-first-line": ("Scan.pdf", b"%PDF-1.7\n", DAMAGED),
    "pdf-without-page": ("Scan.pdf", b"%PDF-1.7\n1 0 obj\n<</Type/Font>>\nendobj\n", DAMAGED),
}

DISGUISED = {
    "program-as-png": ("Foto.png", exe(), UNKNOWN),
    "program-as-pdf": ("Rechnung.pdf", exe(), UNKNOWN),
    "program-without-ending": ("Rechnung", exe(), UNKNOWN),
    "linux-program-as-jpeg": ("Foto.jpg", b"\x7fELF\x02\x01\x01" + bytes(99), UNKNOWN),
    "mac-program-as-pdf": ("Rechnung.pdf", b"\xcf\xfa\xed\xfe\x07\x00\x00\x01" + bytes(99), UNKNOWN),
    "shortcut-as-pdf": ("Rechnung.pdf", SHORTCUT, UNKNOWN),
    "archive-as-jpeg": ("Foto.jpg", ZIP, UNKNOWN),
    "word-as-pdf": ("Brief.pdf", archive("word/document.xml"), UNKNOWN),
    "film-as-heic": ("Foto.heic", film(), UNKNOWN),
    "avif-as-heic": ("Foto.heic", box(b"ftyp", b"avif" + bytes(4) + b"mif1avif") + bytes(99), UNKNOWN),
    "heif-with-avif-as-heic": ("Foto.heic", box(b"ftyp", b"mif1" + bytes(4) + b"avif") + bytes(99), ""),
    "big-tiff": ("Foto.tif", b"II\x2b\x00\x08\x00\x00\x00" + bytes(range(99)), UNKNOWN),
    "sound-with-a-picture": ("Foto.jpg", b"ID3\x03\x00\x00\x00\x00\x0f\x76APIC\x00" + JPEG, UNKNOWN),
    "program-in-front-of-a-pdf": ("Scan.pdf", exe()[:128] + PDF, UNKNOWN),
    "script-in-front-of-a-jpeg": ("Foto.jpg", b"#!/bin/sh\nrm -rf /\nexit\n" + JPEG, UNKNOWN),
    "page-in-front-of-a-png": ("Foto.png", PAGE + PNG, UNKNOWN),
    "page-in-front-of-a-pdf": ("Scan.pdf", PAGE + PDF, IS_TEXT),
    "pdf-far-behind": ("Scan.pdf", b"x" * 1024 + PDF, IS_TEXT),
    "script-as-jpeg": ("Foto.jpg", b"#!/bin/sh\nrm -rf /\n", IS_TEXT),
    "page-as-png": ("Foto.png", PAGE, IS_TEXT),
    "page-as-pdf": ("Rechnung.pdf", PAGE, IS_TEXT),
    "svg-as-png": ("Foto.png", SVG, IS_TEXT),
    "text-as-png": ("Foto.png", TEXT.encode(), IS_TEXT),
    "text-as-pdf": ("Brief.pdf", TEXT.encode(), IS_TEXT),
}

# Polyglots: one file hides in the gaps of another.
POLYGLOTS = {
    "png-with-two-ends": ("Foto.png", PNG + ZIP + png_chunk(b"IEND"), HIDDEN),
    "png-with-archive-inside": ("Foto.png", PNG[:33] + png_chunk(b"prVt", ZIP) + PNG[33:], HIDDEN),
    "png-with-far-archive": (
        "Foto.png",
        PNG[:33] + png_chunk(b"prVt", ZIP) + png_chunk(b"prVt", bytes(70_000)) + PNG[33:],
        HIDDEN,
    ),
    "jpeg-with-archive-inside": ("Foto.jpg", jpeg_with((0xFE, ZIP)), HIDDEN),
    "jpeg-with-archive-in-notes": ("Foto.jpg", JPEG + samsung_notes(Image_UTC_Data=ZIP), HIDDEN),
    "jpeg-with-archive-in-film": ("Foto.jpg", JPEG + film() + box(b"free", ZIP), HIDDEN),
    "jpeg-with-odd-end-of-archive": (
        "Foto.jpg",
        JPEG + ZIP.replace(b"PK\x05\x06\x00\x00", b"PK\x05\x06\x01\x00"),
        HIDDEN,
    ),
    "heic-with-archive-inside": ("Foto.heic", HEIC + box(b"free", ZIP), HIDDEN),
    "pdf-with-archive-inside": ("Scan.pdf", pdf(objects=[b"<<>>\nstream\n" + ZIP + b"\nendstream"]), HIDDEN),
    "tiff-with-archive-inside": (
        "Scan.tif",
        TIFF[:4] + struct.pack("<I", struct.unpack("<I", TIFF[4:8])[0] + len(ZIP)) + ZIP + TIFF[8:],
        "",
    ),
    "png-with-large-archive-inside": (
        "Foto.png",
        PNG[:33] + png_chunk(b"prVt", large_archive("a.xml")) + PNG[33:],
        HIDDEN,
    ),
    "pdf-with-large-archive-inside": (
        "Scan.pdf",
        pdf(objects=[b"<<>>\nstream\n" + large_archive("a.xml", in_place_of_places=0) + b"\nendstream"]),
        HIDDEN,
    ),
    "png-with-7z-inside": (
        "Foto.png",
        PNG[:33] + png_chunk(b"prVt", b"7z\xbc\xaf'\x1c" + bytes(99)) + PNG[33:],
        HIDDEN,
    ),
    "jpeg-with-rar-inside": ("Foto.jpg", jpeg_with((0xFE, b"Rar!\x1a\x07\x01\x00" + bytes(99))), HIDDEN),
    "jpeg-with-old-rar-inside": ("Foto.jpg", jpeg_with((0xFE, b"Rar!\x1a\x07\x00" + bytes(99))), HIDDEN),
    "text-with-disc-image-inside": (
        "Notiz.txt",
        TEXT.encode() * 99 + bytes(32768) + b"\x01CD001\x01" + bytes(99),
        HIDDEN,
    ),
    "heic-with-cabinet-inside": ("Foto.heic", HEIC + box(b"free", b"MSCF" + bytes(99)), HIDDEN),
    "pdf-with-linux-program-inside": (
        "Scan.pdf",
        pdf(objects=[b"<<>>\nstream\n\x7fELF\x02\x01\x01" + bytes(99) + b"\nendstream"]),
        HIDDEN,
    ),
    "tiff-with-program-inside": (
        "Scan.tif",
        b"II*\x00"
        + struct.pack("<I", 8 + len(exe()))
        + exe()
        + tiff_page(*(tiff_entry(tag, 1, 1) for tag in (0x100, 0x101, 0x111, 0x117))),
        HIDDEN,
    ),
    "jpeg-with-document-inside": ("Foto.jpg", jpeg_with((0xFE, PDF)), TWO_KINDS),
}


def _png_of(width, height):
    return PNG[:8] + png_chunk(b"IHDR", struct.pack(">II", width, height) + PNG[24:29]) + PNG[33:]


def _tiff_of(width, height):
    entries = [
        tiff_entry(0x100, 1, width),
        tiff_entry(0x101, 1, height),
        *(tiff_entry(t, 1, 8) for t in (0x111, 0x117)),
    ]
    return b"II*\x00\x08\x00\x00\x00" + tiff_page(*entries)


def _gif_of(size, frame):
    points = b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02D\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0) + points + b";"


def _webp_of(width, height):
    bits = struct.pack("<BI", 0x2F, width - 1 | height - 1 << 14)
    return b"RIFF" + struct.pack("<I", 18) + b"WEBPVP8L" + struct.pack("<I", 5) + bits + b"\x00"


def _webp_canvas_of(width, height):
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00" + bytes(4) + size + WEBP[12:]


def _bmp_of(width, height):
    head = struct.pack("<IiiHHII", 40, width, height, 1, 8, 1, 2).ljust(40, b"\x00") + bytes(1024)
    return b"BM" + struct.pack("<IIi", 14 + len(head) + 2, 0, 14 + len(head)) + head + b"\x00\x01"


# Small files that would fill gigabytes when they are shown.
BOMBS = {
    "png": ("Foto.png", _png_of(50_000, 50_000), TOO_LARGE),
    "png-just-too-large": ("Foto.png", _png_of(25_001, 10_000), TOO_LARGE),
    "jpeg": ("Foto.jpg", jpeg_of(65_535, 65_535), TOO_LARGE),
    "jpeg-as-heic": ("Foto.heic", jpeg_of(65_535, 65_535), TOO_LARGE),
    "gif": ("Foto.gif", _gif_of((65_535, 65_535), (1, 1)), TOO_LARGE),
    "gif-frame": ("Foto.gif", _gif_of((1, 1), (65_535, 65_535)), TOO_LARGE),
    "webp": ("Foto.webp", _webp_of(16_384, 16_384), TOO_LARGE),
    "webp-canvas": ("Foto.webp", _webp_canvas_of(1 << 24, 100), TOO_LARGE),
    "bmp": ("Foto.bmp", _bmp_of(30_000, -30_000), TOO_LARGE),
    "tiff": ("Scan.tif", _tiff_of(100_000, 100_000), TOO_LARGE),
    "heic": ("Foto.heic", heic(size=(65_535, 65_535)), TOO_LARGE),
    "heic-tile": ("Foto.heic", heic(tile=(100_000, 100_000)), TOO_LARGE),
}

DANGEROUS_ENDINGS = {
    name: (name, content, f"Die Endung „.{name.rpartition('.')[2]}“ ist nicht erlaubt")
    for name, content in (
        ("Bild.svg", SVG),
        ("Seite.html", PAGE),
        ("skript.js", b"alert(1)"),
        ("start.bat", b"@echo off"),
        ("setup.exe", exe()),
        ("bild.png.exe", PNG),
        ("Foto.jpg.HTML", JPEG),
        ("Rechnung.pdf.lnk", SHORTCUT),
        ("Bildschirm.scr", JPEG),
        ("Einstellungen.reg", TEXT.encode("utf-16")),
        ("Liste.xlsm", archive("xl/workbook.xml")),
    )
}

OTHER_ENDINGS = {
    "word": ("Brief.docx", archive("word/document.xml"), UNKNOWN),
    "zip": ("Archiv.zip", ZIP, UNKNOWN),
    "avif": ("Foto.avif", box(b"ftyp", b"avif" + bytes(4) + b"mif1") + bytes(99), UNKNOWN),
    "table": ("Tabelle.csv", b"a;b", IS_TEXT),
    "settings": ("server.ini", b"[server]\nport=1\n", IS_TEXT),
    "mail": ("Nachricht.eml", b"From: anna@example.org\n\nHallo\n", IS_TEXT),
    "xml": ("daten.xml", b"<?xml version='1.0'?><a/>", IS_TEXT),
    "rich-text": ("Brief.rtf", b"{\\rtf1 Hallo}", UNKNOWN),
    "com-program": ("start.com", b"X5O!P%@AP[4", IS_TEXT),
}

NO_TEXTS = {
    "rich-text": b"{\\rtf1{\\object\\objocx{\\*\\objdata 0105}}}",
    "random": random.Random(3).randbytes(5000),
    "packed": gzip.compress(random.Random(4).randbytes(3000)),
    "control-bytes": b"Halle\x01\x02\x03\x04\x05\x06" * 50,
    "one-stray-byte-too-many": b"x" * 48 + b"\x02" * 16,
    "stray-byte-and-nul": b"x" * 8 + b"\x02\x00",
    "stray-byte-and-high-ones": "ä".encode() * 4 + b"\x02",
    "table-of-numbers": struct.pack("<200H", *range(200)),
    "program": exe(),
    "linux-program": b"\x7fELF\x02\x01\x01" + bytes(99),
    "shortcut": SHORTCUT,
    "zip": ZIP,
    "old-office-file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + TEXT.encode() * 500,
    "library-of-programs": b"!<arch>\n" + TEXT.encode() * 500 + bytes(8),
}


def _filled_up(start, *parts):
    """Return a file of the largest allowed size that repeats the given bytes."""
    part = b"".join(parts)
    return start + part * ((MAX_ATTACHMENT_BYTES - len(start)) // len(part))


def _tiff_full(page, start=b"II*\x00\x08\x00\x00\x00"):
    return start + page + bytes(MAX_ATTACHMENT_BYTES - len(start) - len(page))


def _tiff_overlapping_pages():
    """Return overlapping pages, so that each field of the last ones is listed a thousand times."""
    pages = 1000
    fields = pages + 2
    body = bytearray(12 * (pages + fields) + 6)
    struct.pack_into("<HHII", body, 12 * pages + 2, 0x111, 4, 1, 8)
    struct.pack_into("<HHII", body, 12 * pages + 14, 0x117, 4, 1, 1)
    for page in range(pages):
        struct.pack_into("<H", body, 12 * page, fields)
        if page:
            struct.pack_into("<I", body, 12 * (page - 1 + fields) + 2, 8 + 12 * page)
    return b"II*\x00\x08\x00\x00\x00" + bytes(body)


def denial_of_service_files():
    """Return files that are made to exhaust the server, most of the largest allowed size."""
    files = {
        "jpeg-segments": ("Foto.jpg", _filled_up(b"\xff\xd8", b"\xff\xda\x00\x02")),
        "jpeg-fill-bytes": ("Foto.jpg", _filled_up(b"\xff\xd8", b"\xff")),
        "jpeg-endless-points": ("Foto.jpg", _filled_up(b"\xff\xd8\xff\xda\x00\x02", b"\xff\x00")),
        "tiff-loop": ("Scan.tif", _tiff_full(tiff_page(tiff_entry(0x111, 1), tiff_entry(0x117, 1), next_at=8))),
        "tiff-huge-count": ("Scan.tif", _tiff_full(tiff_page(tiff_entry(0x111, 0xFFFFFFFF)))),
        "tiff-same-field-again": ("Scan.tif", _tiff_full(tiff_page(*[tiff_entry(0x111, 2_500_000)] * 200))),
        "tiff-overlapping-pages": ("Scan.tif", _tiff_overlapping_pages()),
        "heic-boxes": ("Foto.heic", _filled_up(HEIC[: HEIC.index(b"meta") - 4], box(b"free"))),
        "heic-sizes": (
            "Foto.heic",
            _filled_up(HEIC[: HEIC.index(b"meta") - 4], box(b"meta", (b"ispe" + bytes(12)) * 65_535)),
        ),
        "png-parts": ("Foto.png", _filled_up(PNG[:33], png_chunk(b"tEXt"))),
        "gif-blocks": ("Foto.gif", _filled_up(b"GIF89a" + bytes(7) + b"!\xfe", b"\x01;")),
        "pdf-words": ("Scan.pdf", _filled_up(b"%PDF-1.7\n", b"startxref\n")),
    }
    return {key: (name, content, DAMAGED) for key, (name, content) in files.items()}


def _bad():
    groups = {
        "nothing-behind": dict(_nothing_behind()),
        "behind": dict(_with_more_behind()),
        "header": HEADER_DAMAGED,
        "disguised": DISGUISED,
        "twofold": POLYGLOTS,
        "bomb": BOMBS,
        "ending": DANGEROUS_ENDINGS,
        "other-ending": OTHER_ENDINGS,
        "no-text": {
            key: (f"Notiz.{ending}", content, NOT_TEXT)
            for ending in ("txt", "log")
            for key, content in NO_TEXTS.items()
        },
        "empty": {ending: (f"leer.{ending}", b"", EMPTY) for ending in (*WHOLE, "txt", "log")},
        "blank": {ending: (f"leer.{ending}", b" \r\n" + bytes(1000), EMPTY) for ending in ("pdf", "txt")},
    }
    return {f"{group}-{key}": case for group, cases in groups.items() for key, case in cases.items()}


BAD = _bad()
