"""Good files of the corpus, as programs and phones write them; all are accepted."""

import struct

from PIL import Image

from tests.support.files.good_documents import DOCUMENTS
from tests.support.files.samples import (
    BMP,
    GIF,
    HEIC,
    HUAWEI_NOTES,
    JPEG,
    PDF,
    PNG,
    TEXT,
    TIFF,
    VIVO_NOTES,
    WEBP,
    box,
    film,
    heic,
    heic_sequence,
    interlaced_png,
    oneplus_notes,
    picture,
    png_chunk,
    samsung_notes,
    saved,
    tiff,
    tiff_entry,
    tiff_page,
)


def _with_exif():
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Fairphone", 6
    return exif


def _several():
    # Pillow changes the image object that it saves, so each format gets pictures of its own.
    return {"save_all": True, "append_images": [picture(seed=2), picture(seed=3)]}


def jpeg_with(*segments):
    """Return a JPEG with more segments, given as pairs of marker and data, in front of its own."""
    packed = [struct.pack(">BBH", 0xFF, marker, 2 + len(data)) + data for marker, data in segments]
    return JPEG[:2] + b"".join(packed) + JPEG[2:]


def jpeg_of(width, height):
    """Return a JPEG that says it is of this size."""
    at = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:at] + struct.pack(">HH", height, width) + JPEG[at + 4 :]


def _iphone():
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08" + bytes(6)
    xmp = b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"
    profile = b"ICC_PROFILE\x00\x01\x01" + bytes(300)
    return jpeg_with((0xE1, exif + JPEG), (0xE1, xmp), (0xE2, b"MPF\x00MM\x00*" + bytes(40)), (0xE2, profile))


def _bmp(depth=24, height=2, packing=0, points=None, profile=b"", colours=b""):
    points = bytes((2 * depth + 31) // 32 * 4 * abs(height)) if points is None else points
    head = struct.pack("<IiiHHII", 124 if profile else 40, 2, height, 1, depth, packing, len(points))
    head = head.ljust(124 if profile else 40, b"\x00")
    start = 14 + len(head) + len(colours)
    if profile:
        head = head[:112] + struct.pack("<II", start + len(points) - 14, len(profile)) + head[120:]
    size = start + len(points) + len(profile)
    return b"BM" + struct.pack("<IIi", size, 0, start) + head + colours + points + profile


def _webp_with(*chunks):
    size = b"\x2f\x00\x00\x27\x00\x00"
    whole = ((b"VP8X", b"\x0c\x00\x00\x00" + size), (b"VP8 ", WEBP[20:]), *chunks)
    packed = b"".join(name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in whole)
    return b"RIFF" + struct.pack("<I", 4 + len(packed)) + b"WEBP" + packed


def _old_tiff():
    entries = [tiff_entry(tag, 1, value) for tag, value in ((0x100, 48), (0x101, 40), (0x201, 8))]
    return b"II*\x00" + struct.pack("<I", 8 + len(JPEG)) + JPEG + tiff_page(*entries)


def _png_with(*chunks):
    return PNG[:33] + b"".join(chunks) + PNG[33:]


# The key is the case's name in a report.
PICTURES = {
    "png": ("Foto.png", PNG),
    "png-alpha": ("Foto.png", saved(Image.new("RGBA", (48, 40), (9, 99, 200, 120)), "PNG")),
    "png-palette": ("Foto.png", saved(picture("P"), "PNG")),
    "png-1-bit": ("Foto.png", saved(picture("1"), "PNG")),
    "png-grey-alpha": ("Foto.png", saved(picture("LA"), "PNG")),
    "png-16-bit": ("Foto.png", saved(Image.new("I;16", (9, 9), 40000), "PNG")),
    "png-interlaced": ("Foto.png", interlaced_png()),
    "png-animated": ("Foto.png", saved(picture(), "PNG", **_several())),
    "png-exif": ("Foto.png", saved(picture(), "PNG", exif=_with_exif())),
    "png-words": ("Foto.png", _png_with(png_chunk(b"tEXt", b"Title\x00Drucker"), png_chunk(b"tIME", bytes(7)))),
    "png-private-chunk": ("Bildschirmfoto.png", _png_with(png_chunk(b"prVt", bytes(50)))),
    "jpeg-baseline": ("Foto.jpg", JPEG),
    "jpeg-long-ending": ("Foto.JPEG", JPEG),
    "jpeg-old-ending": ("Foto.jpe", JPEG),
    "jpeg-jfif-ending": ("Foto.jfif", JPEG),
    "jpeg-progressive": ("Foto.jpg", saved(picture(), "JPEG", progressive=True)),
    "jpeg-progressive-exif": ("Foto.jpg", saved(picture(), "JPEG", progressive=True, exif=_with_exif())),
    "jpeg-exif": ("Foto.jpg", saved(picture(), "JPEG", exif=_with_exif())),
    "jpeg-comment": ("Foto.jpg", saved(picture(), "JPEG", comment="Halle 3; Tor 2")),
    "jpeg-restart-markers": ("Foto.jpg", saved(picture(), "JPEG", restart_marker_blocks=1)),
    "jpeg-cmyk": ("Foto.jpg", saved(picture("CMYK"), "JPEG")),
    "jpeg-grey": ("Foto.jpg", saved(picture("L"), "JPEG")),
    "jpeg-fine": ("Foto.jpg", saved(picture(), "JPEG", quality=100, subsampling=0)),
    "jpeg-fill-bytes": ("Foto.jpg", JPEG[:-2] + b"\xff\xff" + JPEG[-2:]),
    "jpeg-iphone": ("IMG_0001.JPG", _iphone()),
    "jpeg-iphone-gain-map": ("IMG_0002.JPG", _iphone() + saved(picture("L"), "JPEG")),
    "jpeg-mpo": ("Foto.jpg", saved(picture(), "MPO", **_several())),
    "jpeg-padding-and-picture": ("Foto.jpg", JPEG + bytes(300) + JPEG),
    "jpeg-zero-padding": ("Foto.jpg", JPEG + bytes(5000)),
    "jpeg-motion-photo": ("PXL_20261124.MP.jpg", JPEG + film()),
    "jpeg-padded-motion-photo": ("PXL_20261124.MP.jpg", JPEG + bytes(7) + film()),
    "jpeg-ultra-hdr-motion-photo": ("PXL_20261124.MP.jpg", JPEG + saved(picture("L"), "JPEG") + film()),
    "jpeg-samsung": ("20261124_093000.jpg", JPEG + samsung_notes(Image_UTC_Data=b"1764000000000")),
    "jpeg-samsung-motion-photo": (
        "20261124_093000.jpg",
        JPEG + samsung_notes(MotionPhoto_Data=film(), Image_UTC_Data=b"1764000000000"),
    ),
    "jpeg-samsung-film-and-notes": ("20261124_093000.jpg", JPEG + film() + samsung_notes(Image_UTC_Data=b"17640")),
    "jpeg-huawei": ("IMG_20261124.jpg", JPEG + film() + HUAWEI_NOTES),
    "jpeg-honor-short": ("IMG_20261124.jpg", JPEG + film() + b"LIVE_1500000".ljust(20)),
    "jpeg-oneplus": ("IMG20261124093000.jpg", JPEG + oneplus_notes()),
    "jpeg-vivo": ("IMG_20261124.jpg", JPEG + VIVO_NOTES),
    "gif": ("Bild.gif", GIF),
    "gif-animated": ("Bild.gif", saved(picture(), "GIF", duration=100, loop=0, **_several())),
    "gif-transparent": ("Bild.gif", saved(picture("P"), "GIF", transparency=0)),
    "gif-line-by-line": ("Bild.gif", saved(picture("L"), "GIF", interlace=0)),
    "gif-87a": ("Bild.gif", saved(picture("L"), "GIF")),
    "gif-comment": ("Bild.gif", saved(picture(), "GIF", comment=b"Halle 3; Tor 2" * 30)),
    "webp-lossy": ("Bild.webp", WEBP),
    "webp-lossless": ("Bild.webp", saved(picture(), "WEBP", lossless=True)),
    "webp-alpha": ("Bild.webp", saved(Image.new("RGBA", (48, 40), (9, 99, 200, 120)), "WEBP")),
    "webp-animated": ("Bild.webp", saved(picture(), "WEBP", **_several())),
    "webp-animated-lossless": ("Bild.webp", saved(picture(), "WEBP", lossless=True, **_several())),
    "webp-exif": ("Bild.webp", saved(picture(), "WEBP", exif=_with_exif())),
    "webp-odd-notes": ("Bild.webp", _webp_with((b"EXIF", b"MM\x00*x"), (b"XMP ", b"<x/>"))),
    "webp-unpadded-end": ("Bild.webp", _webp_with((b"XMP ", b"<x/> "))[:-1]),
    "bmp-1-bit": ("Bild.bmp", saved(picture("1"), "BMP")),
    "bmp-8-bit": ("Bild.bmp", saved(picture("L"), "BMP")),
    "bmp-24-bit": ("Bild.bmp", BMP),
    "bmp-32-bit": ("Bild.BMP", saved(picture("RGBA"), "BMP")),
    "bmp-top-down": ("Bild.bmp", _bmp(height=-2)),
    "bmp-run-lengths": (
        "Bild.bmp",
        _bmp(8, packing=1, points=b"\x02\x01\x00\x00\x02\x01\x00\x01", colours=bytes(1024)),
    ),
    "bmp-masks": ("Bild.bmp", _bmp(16, packing=3, colours=struct.pack("<III", 0x7C00, 0x3E0, 0x1F))),
    "bmp-colour-profile": ("Bild.bmp", _bmp(profile=bytes(200))),
    "tiff": ("Scan.tif", TIFF),
    "tiff-strips": ("Scan.tiff", saved(picture(), "TIFF", strip_size=480)),
    "tiff-several-pages": ("Scan.tif", saved(picture(), "TIFF", **_several())),
    "tiff-big-endian": ("Scan.tif", tiff(">")),
    "tiff-little-endian": ("Scan.tif", tiff("<")),
    "tiff-tiled": ("Scan.tif", tiff(tiled=True)),
    "tiff-lzw": ("Scan.tif", saved(picture(), "TIFF", compression="tiff_lzw")),
    "tiff-deflate": ("Scan.tif", saved(picture(), "TIFF", compression="tiff_deflate")),
    "tiff-fax": ("Scan.tif", saved(picture("1"), "TIFF", compression="group4")),
    "tiff-jpeg": ("Scan.tif", saved(picture(), "TIFF", compression="jpeg")),
    "tiff-cmyk": ("Scan.tif", saved(picture("CMYK"), "TIFF")),
    "tiff-jpeg-of-old": ("Fax.tif", _old_tiff()),
    "tiff-padded": ("Scan.tif", TIFF + bytes(11)),
    "heic-iphone": ("IMG_0001.HEIC", HEIC),
    "heic-ten-bit": ("IMG_0001.HEIC", heic(b"heix")),
    "heic-other-brand": ("IMG_0001.heic", heic(b"mif1")),
    "heic-sequence-brand": ("IMG_0001.heic", heic(b"msf1")),
    "heic-long-box": ("IMG_0001.heif", heic(large=True)),
    "heic-grid-inside": ("IMG_0001.heic", heic(grid_inside=True)),
    "heic-long-places": ("IMG_0001.heic", heic(long_places=True)),
    "heic-motion-photo": ("20261124_093000.heic", HEIC + box(b"mpvd", film())),
    "heic-samsung": ("20261124_093000.heic", HEIC + box(b"sefd", samsung_notes(Image_UTC_Data=b"1764"))),
    "heic-free-space": ("IMG_0001.heic", HEIC + box(b"free", bytes(16))),
    "heic-general-brand-only": ("IMG_0001.heic", heic(b"mif1", others=b"mif1")),
    "heic-sequence": ("IMG_0001.heic", heic_sequence()),
    "heic-open-end": (
        "IMG_0001.heic",
        HEIC.replace(struct.pack(">I4s", 416, b"mdat"), struct.pack(">I4s", 0, b"mdat")),
    ),
}

# Whole pictures and documents; of a part of each, viewers show what there is.
WHOLE = {"png": PNG, "jpg": JPEG, "gif": GIF, "webp": WEBP, "bmp": BMP, "tif": TIFF, "heic": HEIC, "pdf": PDF.rstrip()}
PAGE = b"<!doctype html><title>Hallo</title><script>alert(1)</script>"


def _imperfect():
    """Yield files with other bytes behind or in front, and files that are cut off or damaged behind their header."""
    behind = {"byte": b"x", "line-end": b"\r\n", "page": PAGE * 20, "lines": b"\n" * 2000 + b"x", "nul": bytes(80_000)}
    for ending, content in WHOLE.items():
        for key, more in behind.items():
            yield f"{ending}-and-{key}", (f"Foto.{ending}", content + more)
        if ending != "tif":
            yield f"{ending}-cut-off", (f"Foto.{ending}", content[: int(len(content) * 0.9)])
    for ending in ("png", "jpg", "gif", "webp", "heic", "pdf"):
        for key, front in {"bom": b"\xef\xbb\xbf", "line": b"\r\n", "words": b"Content-Type: image\n\n"}.items():
            yield f"{ending}-behind-{key}", (f"Foto.{ending}", front + WHOLE[ending])
    for key in ("jpeg-iphone-gain-map", "jpeg-motion-photo", "jpeg-samsung-motion-photo", "heic-motion-photo"):
        name, content = PICTURES[key]
        yield f"{key}-cut-off", (name, content[:-60])


DAMAGED_BEHIND_THE_HEADER = {
    "png-old-picture-behind": ("bildschirm.png", PNG + PNG[300:]),
    "png-with-a-hole": ("Foto.png", PNG[:400] + PNG[1000:]),
    "png-wrong-checksum": ("Foto.png", PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:]),
    "jpeg-without-end": ("Foto.jpg", JPEG[:-2]),
    "jpeg-stray-bytes-between-segments": ("Foto.jpg", JPEG[:20] + b"\x00\x17" + JPEG[20:]),
    "jpeg-page-in-notes": ("20261124_093000.jpg", JPEG + samsung_notes(Image_UTC_Data=PAGE)),
    "jpeg-large-second-picture": ("Foto.jpg", JPEG + jpeg_of(65_535, 65_535)),
    "jpeg-200-megapixels": ("Foto.jpg", jpeg_of(16_320, 12_240)),
    "gif-with-a-hole": ("Foto.gif", GIF[:900] + GIF[1000:]),
    "bmp-other-size": ("Foto.bmp", BMP[:2] + struct.pack("<I", len(BMP) - 100) + BMP[6:]),
    "tiff-page-missing": ("Scan.tif", tiff("<")[:-4] + b"\xff\xff\xff\x00"),
    "pdf-without-eof": ("Scan.pdf", PDF.replace(b"%%EOF", b"")),
    "pdf-without-startxref": ("Scan.pdf", PDF.replace(b"startxref", b"")),
    "pdf-table-elsewhere": ("Scan.pdf", PDF.replace(b"startxref\n", b"startxref\n1")),
    "pdf-second-end": ("Scan.pdf", PDF + b"%%EOF\n"),
    "pdf-newer-version": ("Scan.pdf", PDF.replace(b"%PDF-1.4", b"%PDF-3.0")),
    "pdf-behind-printer-commands": (
        "Scan.pdf",
        b'\x1b%-12345X@PJL SET JOBNAME="Scan"\r\n@PJL ENTER LANGUAGE=PDF\r\n' + PDF + b"\x1b%-12345X",
    ),
    "pdf-behind-a-warning": ("Rechnung.pdf", b"<br />\n<b>Warning</b>: date() in print.php\n" + PDF),
}

IPCONFIG = "\r\nWindows-IP-Konfiguration\r\n   Primäres DNS-Suffix : \r\n   NetBIOS über TCP/IP : Aktiviert\r\n"

TEXTS = {
    "ascii": ("Notiz.txt", b"Drucker 7 meldet Fehler 0x61\n"),
    "one-sign": ("Notiz.txt", b"1"),
    "utf-8": ("Notiz.txt", TEXT.encode()),
    "utf-8-bom": ("Notiz.txt", TEXT.encode("utf-8-sig")),
    "utf-16-le": ("Notiz.txt", b"\xff\xfe" + TEXT.encode("utf-16-le")),
    "utf-16-be": ("Notiz.txt", b"\xfe\xff" + TEXT.encode("utf-16-be")),
    "utf-16-le-without-bom": ("sfc.txt", TEXT.encode("utf-16-le")),
    "utf-16-be-without-bom": ("sfc.txt", TEXT.encode("utf-16-be")),
    "utf-16-odd-length": ("Notiz.txt", b"\xff\xfe" + TEXT.encode("utf-16-le") + b"\x00"),
    "utf-16-half-a-pair": ("Notiz.txt", b"\xff\xfe\x00\xd8a\x00"),
    "utf-16-behind-windows-1252": ("dism.log", TEXT.encode("cp1252") + TEXT.encode("utf-16-le")),
    "utf-32": ("Notiz.txt", TEXT.encode("utf-32")),
    "windows-1252": ("Notiz.txt", TEXT.encode("cp1252")),
    "cp850": ("ipconfig.txt", IPCONFIG.encode("cp850")),
    "undefined-sign": ("Notiz.txt", b"kein Zeichen in Windows-1252: \x81"),
    "crlf-and-tabs": ("Notiz.txt", b"Zeit\tMeldung\r\n08:10\tkein Netz\r\n"),
    "form-feed": ("Notiz.txt", b"Seite 1\x0cSeite 2\n"),
    "sign-across-blocks": ("lang.txt", b"x" * 65535 + "ü€".encode()),
    "emoji": ("Notiz.txt", "Läuft 😀\n".encode()),
    "like-bmp": ("Notiz.txt", b"BMW i3 steht in der Einfahrt\n"),
    "like-exe": ("Notiz.txt", b"MZ Halle 4: Licht aus\n"),
    "like-virtual-disc": ("Notiz.txt", b"C:\\vhdxfile\\server.vhdx is in use\n"),
    "like-gif": ("Notiz.txt", b"GIFtig ist das"),
    "like-pdf": ("Notiz.txt", b"%PDF-1.4 steht am Anfang, und sonst nichts"),
    "log": ("server.log", b"2026-11-23 08:10:01 ERROR disk full\n"),
    "nul-at-end": ("dienst.log", b"2026-11-30 08:10:01 Dienst gestartet\r\n" * 20 + bytes(4000)),
    "nul-at-start": ("dienst.log", bytes(100_000) + b"2026-11-30 08:10:01 Dienst gestartet\r\n"),
    "nul": ("Notiz.txt", b"Zeile\x00Zeile"),
    "colours": ("linux.log", b"\x1b[32mOK\x1b[0m   Dienst gestartet\n"),
    "bell": ("Notiz.txt", b"Klingel\x07"),
    "ctrl-z": ("strg-z.txt", b"Zeile 1\r\nZeile 2\r\n\x1a"),
    "delete": ("Notiz.txt", b"weg\x7f"),
    "next-line": ("Notiz.txt", "Steuerzeichen \x85 dahinter".encode()),
    "stray-bytes": ("geraet.log", b"Messwert 17\x02\x03 in Ordnung\n" * 3),
    "stray-bytes-just-few": ("geraet.log", b"x" * 49 + b"\x02" * 16),
    "stray-byte-and-nul": ("geraet.log", b"x" * 9 + b"\x02\x00"),
    # Scripts and HTML are accepted as text, and only served as text.
    "page": ("Fehlerseite.txt", b"<!doctype html><script>alert(1)</script>"),
    "script": ("Skript.txt", b"#!/bin/sh\nrm -rf /\n"),
    "document-in-a-log": ("antwort.log", b"HTTP/1.1 200 OK\r\n\r\n" + PDF),
}

NAMES = {
    "dots": ("Rechnung.2026.11.pdf", PDF),
    "company": ("Rechnung von example.com.pdf", PDF),
    "two-endings-of-texts": ("server.log.txt", b"Zeile\n"),
    "blank-before-ending": ("Foto .png", PNG),
    "program-in-the-middle": ("setup.exe stürzt ab.png", PNG),
    "program-and-log": ("setup.exe.log", b"Setup fehlgeschlagen\n"),
    "page-and-pdf": ("seite.html.pdf", PDF),
    "program-and-picture": ("Foto.exe.jpg", JPEG),
    "program-in-a-table-and-pdf": ("Liste.xlsm.pdf", PDF),
    "emoji": ("Drucker 😀.jpg", JPEG),
    "umlauts": ("Prüfstück Größe 3.tif", TIFF),
}

# The name as sent, and the name with the ending of its content.
RENAMED = {
    f"renamed-{name}": (name, shown, content)
    for name, shown, content in (
        ("IMG_3564.HEIC", "IMG_3564.jpg", JPEG),
        ("IMG_0001.jpg", "IMG_0001.heic", HEIC),
        ("bild-aus-browser.jpg", "bild-aus-browser.webp", WEBP),
        ("logo.png", "logo.jpg", JPEG),
        ("Foto.GIF", "Foto.png", PNG),
        ("Scan.pdf", "Scan.jpg", JPEG),
        ("Scan.tif", "Scan.pdf", PDF),
        ("Fax.pdf", "Fax.tif", TIFF),
        ("Bild.webp", "Bild.bmp", BMP),
        ("Bild.bmp", "Bild.gif", GIF),
        ("Foto", "Foto.jpg", JPEG),
        ("Notiz", "Notiz.txt", b"Drucker 7"),
        ("Notiz.txt", "Notiz.png", PNG),
        ("server.log.1", "server.log.1.txt", b"disk full\n"),
        ("server.log.2026-11-30", "server.log.2026-11-30.txt", b"disk full\n"),
        ("Screenshot 30.11.2026", "Screenshot 30.11.2026.png", PNG),
        ("Angebot 12.5", "Angebot 12.5.pdf", PDF),
        ("Foto.jpg_large", "Foto.jpg_large.jpg", JPEG),
        ("Rechnung.pdf.part", "Rechnung.pdf.part.pdf", PDF),
        ("Foto.png ~", "Foto.png ~.png", PNG),
        ("Foto.ｐｎｇ", "Foto.ｐｎｇ.png", PNG),
        ("Brief.docx", "Brief.docx.jpg", JPEG),
        ("Rechnung von example.com", "Rechnung von example.com.pdf", PDF),
        ("Bericht.log", "Bericht.pdf", PDF),
        ("x" * 116 + ".jpe", "x" * 115 + ".heic", HEIC),
    )
}

GOOD = (
    PICTURES
    | DOCUMENTS
    | {f"imperfect-{key}": case for key, case in _imperfect()}
    | DAMAGED_BEHIND_THE_HEADER
    | {f"text-{key}": case for key, case in TEXTS.items()}
    | {f"name-{key}": case for key, case in NAMES.items()}
)
