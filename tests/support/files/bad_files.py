"""Bad files of the corpus, all refused: damaged, disguised, too large to be shown, or made to exhaust the server."""

import struct

from enums import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENT_MIB
from tests.support.files.good_files import PICTURES, jpeg_with
from tests.support.files.samples import (
    BMP,
    GIF,
    HEIC,
    JPEG,
    PDF,
    PNG,
    TEXT,
    TIFF,
    VIVO_NOTES,
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
TRAILING = "Hinter dem Ende steht etwas"
NOT_TEXT = "kein einfacher Text"
TOO_LARGE = "mehr als 100 Megapixel"
TOO_MANY = "zu viele große Bilder"
IS_ARCHIVE = "zugleich ein ZIP-Archiv"
EMBEDDED_FILE = "steckt ein Archiv oder ein Programm"
DOUBLE = "ist doppelt"
EMPTY = "Die Datei ist leer"
OVERSIZED = f"größer als {MAX_ATTACHMENT_MIB}\xa0MiB"

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><title>Hallo</title><script>alert(1)</script>"
ZIP = archive("a.xml")
SHORTCUT = b"L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00F" + bytes(60)

WHOLE = {"png": PNG, "jpg": JPEG, "gif": GIF, "webp": WEBP, "bmp": BMP, "tif": TIFF, "heic": HEIC, "pdf": PDF.rstrip()}


def _truncated():
    for ending, content in WHOLE.items():
        for part in (0.02, 0.3, 0.6, 0.9, 0.99):
            yield f"{ending}-at-{part}", (f"Foto.{ending}", content[: int(len(content) * part)], "")
        yield f"{ending}-last-byte", (f"Foto.{ending}", content[:-1], DAMAGED)
    for key in ("jpeg-iphone-gain-map", "jpeg-motion-photo", "jpeg-samsung-motion-photo", "heic-motion-photo"):
        name, content = PICTURES[key]
        yield f"{key}-last-byte", (name, content[:-1], "")
        yield f"{key}-last-part", (name, content[:-60], "")


def _with_more_behind():
    more = {"byte": b"x", "zip": ZIP, "html": HTML * 20, "program": exe(), "lines": b"\n" * 2000 + b"x"}
    for ending, content in WHOLE.items():
        for key, behind in more.items():
            yield f"{ending}-and-{key}", (f"Foto.{ending}", content + behind, "")
    for key in ("jpeg-mpo", "jpeg-motion-photo", "jpeg-samsung", "jpeg-huawei", "jpeg-oneplus", "jpeg-vivo"):
        name, content = PICTURES[key]
        yield f"{key}-and-zip", (name, content + ZIP, "")
        yield f"{key}-and-html", (name, content + HTML, "")


DAMAGED_FILES = {
    "png-with-two-ends": ("Foto.png", PNG + ZIP + png_chunk(b"IEND"), TRAILING),
    "png-with-a-hole": ("Foto.png", PNG[:400] + PNG[1000:], DAMAGED),
    "png-wrong-checksum": ("Foto.png", PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:], DAMAGED),
    "png-without-points": ("Foto.png", PNG[:33] + png_chunk(b"IEND"), DAMAGED),
    "png-two-headers": ("Foto.png", PNG[:33] + PNG[8:], DAMAGED),
    "png-unknown-critical-chunk": ("Foto.png", PNG[:33] + png_chunk(b"CgBI", bytes(4)) + PNG[33:], DAMAGED),
    "png-no-size": ("Foto.png", PNG[:8] + png_chunk(b"IHDR", bytes(8) + PNG[24:29]) + PNG[33:], DAMAGED),
    "jpeg-text-behind-padding": ("Foto.jpg", JPEG + bytes(20) + b"behind the padding", TRAILING),
    "jpeg-broken-header": ("Foto.jpg", JPEG[:4] + b"\xff\xff" + JPEG[6:], DAMAGED),
    "jpeg-without-points": ("Foto.jpg", JPEG.replace(b"\xff\xda", b"\xff\xd9", 1), DAMAGED),
    "jpeg-only-a-film": ("Foto.jpg", b"\xff\xd8\xff\xd9" + film(), DAMAGED),
    "jpeg-cut-film": ("Foto.jpg", JPEG + film()[:-50], DAMAGED),
    "jpeg-film-and-text": ("Foto.jpg", JPEG + film() + HTML, TRAILING),
    "jpeg-half-a-film": ("Foto.jpg", JPEG + box(b"ftyp", b"isom" + bytes(8)), DAMAGED),
    "jpeg-notes-of-nobody": ("Foto.jpg", JPEG + HTML + b"\x08\x00\x00\x00SEFT", TRAILING),
    "jpeg-notes-from-beyond": ("Foto.jpg", JPEG + b'[{"offset":-9999999}]jxrs' + struct.pack("<I", 29), DAMAGED),
    "jpeg-notes-with-more": ("Foto.jpg", JPEG + HTML + samsung_notes(Image_UTC_Data=b"17"), TRAILING),
    "gif-with-two-ends": ("Foto.gif", GIF + ZIP + b";", TRAILING),
    "gif-with-a-hole": ("Foto.gif", GIF[:500] + GIF[900:], DAMAGED),
    "gif-sentence": ("Foto.gif", b"GIFtig ist das;", DAMAGED),
    "gif-without-points": ("Foto.gif", b"GIF89a;", DAMAGED),
    "webp-with-a-hole": ("Foto.webp", WEBP[:400] + WEBP[600:], DAMAGED),
    "bmp-sentence": ("Foto.bmp", b"BMW i3 steht in der Einfahrt, bitte umparken, danke!", DAMAGED),
    "bmp-other-size": ("Foto.bmp", BMP[:2] + struct.pack("<I", len(BMP) - 100) + BMP[6:], TRAILING),
    "bmp-hidden-behind-points": (
        "Foto.bmp",
        BMP[:2] + struct.pack("<I", len(BMP) + 999) + BMP[6:] + b"x" * 999,
        TRAILING,
    ),
    "bmp-no-room-for-points": ("Foto.bmp", BMP[:22] + struct.pack("<i", 400) + BMP[26:], DAMAGED),
    "tiff-without-page": ("Scan.tif", TIFF[:4] + bytes(4) + TIFF[8:], DAMAGED),
    "tiff-page-behind-the-end": ("Scan.tif", TIFF[:4] + struct.pack("<I", len(TIFF)) + TIFF[8:], DAMAGED),
    "heic-without-points": ("Foto.heic", HEIC[: HEIC.index(b"mdat") - 4], DAMAGED),
    "heic-points-cut": ("Foto.heic", HEIC[: HEIC.index(b"mdat") - 4] + box(b"mdat", bytes(100)), DAMAGED),
    "heic-without-description": (
        "Foto.heic",
        HEIC[: HEIC.index(b"meta") - 4] + HEIC[HEIC.index(b"mdat") - 4 :],
        DAMAGED,
    ),
    "heic-overlong-box": ("Foto.heic", HEIC + struct.pack(">I4s", 9, b"free"), DAMAGED),
    "pdf-without-eof": ("Scan.pdf", PDF.replace(b"%%EOF", b""), DAMAGED),
    "pdf-without-startxref": ("Scan.pdf", PDF.replace(b"startxref", b""), DAMAGED),
    "pdf-first-line": ("Scan.pdf", b"%PDF-1.7\n", DAMAGED),
    "pdf-table-elsewhere": ("Scan.pdf", PDF.replace(b"startxref\n", b"startxref\n1"), DAMAGED),
    "pdf-table-is-none": ("Scan.pdf", PDF.replace(b"xref\n0", b"sref\n0"), DAMAGED),
    "pdf-unknown-version": ("Scan.pdf", PDF.replace(b"%PDF-1.4", b"%PDF-9.9"), DAMAGED),
    "pdf-page-behind-the-end": ("Scan.pdf", PDF + HTML, TRAILING),
}

DISGUISED = {
    "png-as-jpeg": ("Foto.jpg", PNG, "ein PNG-Bild"),
    "jpeg-as-png": ("Foto.png", JPEG, "ein JPEG-Bild"),
    "webp-as-gif": ("Foto.gif", WEBP, "ein WebP-Bild"),
    "pdf-as-tiff": ("Foto.tif", PDF, "ein PDF-Dokument"),
    "tiff-as-pdf": ("Scan.pdf", TIFF, "ein TIFF-Bild"),
    "heic-as-jpeg": ("Foto.jpg", HEIC, "ein HEIC-Bild"),
    "ten-bit-heic-as-jpeg": ("Foto.jpg", heic(b"heix"), "ein HEIC-Bild"),
    "program-as-png": ("Foto.png", exe(), "kein PNG-Bild"),
    "program-as-pdf": ("Rechnung.pdf", exe(), "kein PDF-Dokument"),
    "linux-program-as-jpeg": ("Foto.jpg", b"\x7fELF\x02\x01\x01" + bytes(99), "kein JPEG-Bild"),
    "mac-program-as-pdf": ("Rechnung.pdf", b"\xcf\xfa\xed\xfe\x07\x00\x00\x01" + bytes(99), "kein PDF-Dokument"),
    "shortcut-as-pdf": ("Rechnung.pdf", SHORTCUT, "kein PDF-Dokument"),
    "script-as-jpeg": ("Foto.jpg", b"#!/bin/sh\nrm -rf /\n", "kein JPEG-Bild"),
    "page-as-png": ("Foto.png", HTML, "kein PNG-Bild"),
    "page-as-pdf": ("Rechnung.pdf", HTML, "kein PDF-Dokument"),
    "svg-as-png": ("Foto.png", SVG, "kein PNG-Bild"),
    "text-as-png": ("Foto.png", TEXT.encode(), "kein PNG-Bild"),
    "archive-as-jpeg": ("Foto.jpg", ZIP, "kein JPEG-Bild"),
    "word-as-pdf": ("Brief.pdf", archive("word/document.xml"), "kein PDF-Dokument"),
    "pdf-behind-lines": ("Brief.pdf", b"\n\n" + PDF, "kein PDF-Dokument"),
    "film-as-heic": ("Foto.heic", film(), "kein HEIC-Bild"),
    "avif-as-heic": ("Foto.heic", box(b"ftyp", b"avif" + bytes(4) + b"mif1avif") + bytes(99), "kein HEIC-Bild"),
    "big-tiff": ("Foto.tif", b"II\x2b\x00\x08\x00\x00\x00" + bytes(20), "kein TIFF-Bild"),
    "png-four-bytes": ("Foto.png", b"\x89PNG", "PNG-Bild"),
}

# Polyglots: one file hides in the gaps of another.
POLYGLOTS = {
    "png-with-archive-inside": ("Foto.png", PNG[:33] + png_chunk(b"prVt", ZIP) + PNG[33:], IS_ARCHIVE),
    "jpeg-with-archive-inside": ("Foto.jpg", jpeg_with((0xFE, ZIP)), IS_ARCHIVE),
    "jpeg-with-archive-in-notes": ("Foto.jpg", JPEG + samsung_notes(Image_UTC_Data=ZIP), IS_ARCHIVE),
    "jpeg-with-page-in-notes": ("Foto.jpg", JPEG + samsung_notes(Image_UTC_Data=HTML.upper()), TRAILING),
    "jpeg-with-page-in-other-notes": ("Foto.jpg", JPEG + VIVO_NOTES[:26] + HTML + VIVO_NOTES[26:], TRAILING),
    "jpeg-with-page-in-film": ("Foto.jpg", JPEG + film() + box(b"free", HTML), TRAILING),
    "jpeg-with-archive-in-film": ("Foto.jpg", JPEG + film() + box(b"free", ZIP), IS_ARCHIVE),
    "heic-with-archive-inside": ("Foto.heic", HEIC + box(b"free", ZIP), IS_ARCHIVE),
    "pdf-with-archive-inside": ("Scan.pdf", pdf(objects=[b"<<>>\nstream\n" + ZIP + b"\nendstream"]), IS_ARCHIVE),
    "tiff-with-archive-inside": (
        "Scan.tif",
        TIFF[:4] + struct.pack("<I", struct.unpack("<I", TIFF[4:8])[0] + len(ZIP)) + ZIP + TIFF[8:],
        "",
    ),
    "png-with-large-archive-inside": (
        "Foto.png",
        PNG[:33] + png_chunk(b"prVt", large_archive("a.xml")) + PNG[33:],
        IS_ARCHIVE,
    ),
    "pdf-with-large-archive-inside": (
        "Scan.pdf",
        pdf(objects=[b"<<>>\nstream\n" + large_archive("a.xml", in_place_of_places=0) + b"\nendstream"]),
        IS_ARCHIVE,
    ),
    "png-with-7z-inside": (
        "Foto.png",
        PNG[:33] + png_chunk(b"prVt", b"7z\xbc\xaf'\x1c" + bytes(99)) + PNG[33:],
        EMBEDDED_FILE,
    ),
    "jpeg-with-rar-inside": ("Foto.jpg", jpeg_with((0xFE, b"Rar!\x1a\x07\x01\x00" + bytes(99))), EMBEDDED_FILE),
    "heic-with-cabinet-inside": ("Foto.heic", HEIC + box(b"free", b"MSCF" + bytes(99)), EMBEDDED_FILE),
    "pdf-with-linux-program-inside": (
        "Scan.pdf",
        pdf(objects=[b"<<>>\nstream\n\x7fELF\x02\x01\x01" + bytes(99) + b"\nendstream"]),
        EMBEDDED_FILE,
    ),
    "tiff-with-program-inside": (
        "Scan.tif",
        b"II*\x00"
        + struct.pack("<I", 8 + len(exe()))
        + exe()
        + tiff_page(*(tiff_entry(tag, 1, 1) for tag in (0x100, 0x101, 0x111, 0x117))),
        EMBEDDED_FILE,
    ),
    "jpeg-with-document-inside": ("Foto.jpg", jpeg_with((0xFE, PDF)), "zugleich ein PDF-Dokument"),
}


def _png_of(width, height):
    return PNG[:8] + png_chunk(b"IHDR", struct.pack(">II", width, height) + PNG[24:29]) + PNG[33:]


def _jpeg_of(width, height):
    at = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:at] + struct.pack(">HH", height, width) + JPEG[at + 4 :]


def _tiff_of(*sizes):
    """Return a TIFF of pages that all show the same points."""
    pages = []
    for number, (width, height) in enumerate(sizes, start=1):
        entries = (
            tiff_entry(0x100, 1, width),
            tiff_entry(0x101, 1, height),
            *(tiff_entry(t, 1, 8) for t in (0x111, 0x117)),
        )
        next_at = 8 + 54 * number if number < len(sizes) else 0
        pages.append(tiff_page(*entries, next_at=next_at))
    return b"II*\x00\x08\x00\x00\x00" + b"".join(pages)


def _gif_of(size, frames=()):
    frame = b"".join(b"," + struct.pack("<HHHHB", 0, 0, *pair, 0) + b"\x02\x02D\x01\x00" for pair in frames)
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0) + frame + b";"


def _webp_of(width, height):
    bits = struct.pack("<BI", 0x2F, width - 1 | height - 1 << 14)
    return b"RIFF" + struct.pack("<I", 18) + b"WEBPVP8L" + struct.pack("<I", 5) + bits + b"\x00"


def _bmp_of(width, height):
    head = struct.pack("<IiiHHII", 40, width, height, 1, 8, 1, 2).ljust(40, b"\x00") + bytes(1024)
    return b"BM" + struct.pack("<IIi", 14 + len(head) + 2, 0, 14 + len(head)) + head + b"\x00\x01"


# Small files that would fill gigabytes when they are shown.
BOMBS = {
    "png": ("Foto.png", _png_of(50_000, 50_000), TOO_LARGE),
    "png-just-too-large": ("Foto.png", _png_of(10_001, 10_000), TOO_LARGE),
    "png-frame": (
        "Foto.png",
        PNG[:33] + png_chunk(b"fcTL", struct.pack(">III", 0, 60_000, 60_000) + bytes(14)) + PNG[33:],
        TOO_LARGE,
    ),
    "jpeg": ("Foto.jpg", _jpeg_of(65_535, 65_535), TOO_LARGE),
    "jpeg-second-picture": ("Foto.jpg", JPEG + _jpeg_of(65_535, 65_535), TOO_LARGE),
    "jpeg-many-pictures": ("Foto.jpg", _jpeg_of(10_000, 9_999) * 25, TOO_MANY),
    "gif": ("Foto.gif", _gif_of((65_535, 65_535), [(1, 1)]), TOO_LARGE),
    "gif-frame": ("Foto.gif", _gif_of((1, 1), [(65_535, 65_535)]), TOO_LARGE),
    "gif-many-frames": ("Foto.gif", _gif_of((1, 1), [(10_000, 9_999)] * 30), TOO_MANY),
    "webp": ("Foto.webp", _webp_of(16_384, 16_384), TOO_LARGE),
    "bmp": ("Foto.bmp", _bmp_of(30_000, 30_000), TOO_LARGE),
    "tiff": ("Scan.tif", _tiff_of((100_000, 100_000)), TOO_LARGE),
    "tiff-last-page": ("Scan.tif", _tiff_of((1, 1), (1, 1), (100_000, 100_000)), TOO_LARGE),
    "tiff-many-pages": ("Scan.tif", _tiff_of(*[(10_000, 9_999)] * 25), TOO_MANY),
    "heic": ("Foto.heic", heic(tile=(100_000, 100_000)), TOO_LARGE),
    "heic-grid": (
        "Foto.heic",
        heic(size=(65_535, 65_535)).replace(
            struct.pack(">II", 65_535, 65_535), bytes(3) + b"\x01" + bytes(3) + b"\x01"
        ),
        TOO_LARGE,
    ),
}

WRONG_EXTENSIONS = {
    name: (name, content, f"Endung „.{name.rpartition('.')[2].lower()}“ ist nicht erlaubt")
    for name, content in (
        ("Bild.svg", SVG),
        ("Brief.docx", archive("word/document.xml")),
        ("Archiv.zip", ZIP),
        ("Seite.html", HTML),
        ("skript.js", b"alert(1)"),
        ("start.bat", b"@echo off"),
        ("setup.exe", exe()),
        ("Rechnung.pdf.exe", exe()),
        ("Foto.jpg.html", HTML),
        ("Rechnung.pdf.lnk", SHORTCUT),
        ("Bildschirm.scr", exe()),
        ("Tabelle.csv", b"a;b"),
        ("Foto.avif", box(b"ftyp", b"avif")),
        ("Foto.ｐｎｇ", PNG),
        ("Foto.png ~", PNG),
    )
} | {
    "without": ("Foto", PNG, "fehlt die Endung"),
    "only": ("png", PNG, "fehlt die Endung"),
    "program-and-picture": ("Foto.exe.jpg", JPEG, DOUBLE),
    "page-and-text": ("Seite.HTML.txt", HTML, DOUBLE),
    "script-and-pdf": ("Rechnung.js.pdf", PDF, DOUBLE),
    "disk-and-picture": ("Foto.iso.png", PNG, DOUBLE),
    "program-in-a-table-and-pdf": ("Liste.xlsm.pdf", PDF, DOUBLE),
    "link-and-text": ("Seite.URL.txt", b"Text", DOUBLE),
    "program-and-blanks": ("Rechnung.scr .pdf", PDF, DOUBLE),
}

NO_TEXTS = {
    "nul": b"Zeile\x00Zeile",
    "escape": b"\x1b[31mrot\x1b[0m",
    "bell": b"Klingel\x07",
    "substitute": b"Ende\x1a",
    "delete": b"weg\x7f",
    "next-line": "Steuerzeichen \x85 dahinter".encode(),
    "utf-16-le-without-bom": TEXT.encode("utf-16-le"),
    "utf-16-be-without-bom": TEXT.encode("utf-16-be"),
    "utf-32": TEXT.encode("utf-32"),
    "utf-16-odd-length": b"\xff\xfe" + TEXT.encode("utf-16-le") + b"\x00",
    "utf-16-half-a-pair": b"\xff\xfe\x00\xd8a\x00",
    "utf-16-nul": b"\xff\xfea\x00\x00\x00",
    "undefined-sign": b"kein Zeichen in Windows-1252: \x81",
    "nul-in-second-block": b"x" * 65536 + b"\x00",
    "png": PNG,
    "jpeg": JPEG,
    "pdf": pdf("1.5", xref_stream=True),
    "program": exe(),
    "linux-program": b"\x7fELF\x02\x01\x01" + bytes(99),
    "shortcut": SHORTCUT,
    "zip": ZIP,
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


def _webp_frames_in_frames():
    frames = 50_000
    heads = (b"ANMF" + struct.pack("<I16x", 16 + 24 * inner) for inner in range(frames - 1, -1, -1))
    whole = b"VP8X" + struct.pack("<I10x", 10) + b"".join(heads)
    return b"RIFF" + struct.pack("<I", 4 + len(whole)) + b"WEBP" + whole


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
        "webp-frames-in-frames": ("Foto.webp", _webp_frames_in_frames()),
        "png-parts": ("Foto.png", _filled_up(PNG[:33], png_chunk(b"tEXt"))),
        "gif-blocks": ("Foto.gif", _filled_up(b"GIF89a" + bytes(7) + b"!\xfe", b"\x01;")),
        "pdf-words": ("Scan.pdf", _filled_up(b"%PDF-1.7\n", b"startxref\n")),
    }
    padding = {"jpeg-padding-and-more": ("Foto.jpg", _filled_up(JPEG, b"\x00")[:-1] + b"x", TRAILING)}
    return padding | {key: (name, content, DAMAGED) for key, (name, content) in files.items()}


def _bad():
    groups = {
        "cut": dict(_truncated()),
        "behind": dict(_with_more_behind()),
        "damaged": DAMAGED_FILES,
        "disguised": DISGUISED,
        "twofold": POLYGLOTS,
        "bomb": BOMBS,
        "ending": WRONG_EXTENSIONS,
        "no-text": {
            key: (f"Notiz.{ending}", content, NOT_TEXT)
            for ending in ("txt", "log")
            for key, content in NO_TEXTS.items()
        },
        "empty": {ending: (f"leer.{ending}", b"", EMPTY) for ending in (*WHOLE, "txt", "log")},
    }
    return {f"{group}-{key}": case for group, cases in groups.items() for key, case in cases.items()}


BAD = _bad()
