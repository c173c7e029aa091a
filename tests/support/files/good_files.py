"""Good files of the corpus, as programs and phones write them; all are accepted."""

import struct

from PIL import Image

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
    archive,
    box,
    film,
    heic,
    interlaced_png,
    oneplus_notes,
    overlapping_streams,
    packed_objects,
    packed_stream,
    pdf,
    picture,
    png_chunk,
    samsung_notes,
    saved,
    silent_streams,
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


JAVASCRIPT = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"

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
    # No ZIP program looks this far from the end for an archive.
    "png-far-archive": ("Foto.png", _png_with(png_chunk(b"prVt", archive("a.xml")), png_chunk(b"prVt", bytes(70_000)))),
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
    "heic-open-end": (
        "IMG_0001.heic",
        HEIC.replace(struct.pack(">I4s", 416, b"mdat"), struct.pack(">I4s", 0, b"mdat")),
    ),
}

DOCUMENTS = {
    "pdf": ("Rechnung.pdf", PDF),
    "pdf-no-line-end": ("Rechnung.PDF", pdf(after=b"")),
    "pdf-old-line-ends": ("Rechnung.pdf", PDF.replace(b"\n", b"\r")),
    "pdf-xref-stream": ("Rechnung.pdf", pdf("1.5", xref_stream=True)),
    "pdf-newest": ("Rechnung.pdf", pdf("2.0", xref_stream=True)),
    "pdf-padded": ("Rechnung.pdf", pdf(after=b"\r\n" + bytes(600))),
    "pdf-updated": ("Rechnung.pdf", PDF + b"xref\n0 0\ntrailer\n<<>>\nstartxref\n%d\n%%%%EOF\n" % len(PDF)),
    "pdf-packed-objects": ("Rechnung.pdf", pdf("1.5", objects=[packed_objects(b"<</Type/Font>>", b"[1 2]")])),
    "pdf-picture": ("Scan.pdf", pdf(objects=[b"<</Filter/DCTDecode>>\nstream\n" + JPEG + b"\nendstream"])),
    "pdf-outline": (
        "Handbuch.pdf",
        pdf("1.5", objects=[b"<</First 5 0 R/Last 6 0 R>>", b"<</N 3>>\nstream\n\xff\xd8\nendstream"]),
    ),
    "pdf-opens-at-a-page": ("Angebot.pdf", pdf(root=b"/OpenAction [3 0 R /Fit]")),
    "pdf-link": ("Angebot.pdf", pdf(objects=[b"<</S/URI/URI(https://example.org)>>"])),
}

# Files with active content are accepted, and the office is told.
ACTIVE = {
    "pdf-javascript": ("Formular.pdf", pdf(objects=[JAVASCRIPT]), "JavaScript"),
    "pdf-javascript-escaped": ("Formular.pdf", pdf(objects=[b"<</S/J#61va#53cript/JS(x)>>"]), "JavaScript"),
    "pdf-javascript-packed": ("Formular.pdf", pdf("1.5", objects=[packed_objects(JAVASCRIPT)]), "JavaScript"),
    "pdf-javascript-packed-unnamed": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_objects(JAVASCRIPT, head=b"/X(1 0 obj)")]),
        "JavaScript",
    ),
    "pdf-javascript-packed-and-escaped": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_objects(JAVASCRIPT.replace(b"/JavaScript", b"/#4aavaScript"))]),
        "JavaScript",
    ),
    "pdf-javascript-packed-behind-blanks": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_stream(b"/N 1/First 999", b" " * 900 + b"5 0 " + JAVASCRIPT)]),
        "JavaScript",
    ),
    "pdf-javascript-packed-behind-a-remark": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_stream(b"/N 1/First 9", b"%x\n5 %x\n0 " + JAVASCRIPT)]),
        "JavaScript",
    ),
    "pdf-javascript-packed-at-the-very-end": (
        "Formular.pdf",
        pdf("1.5", objects=[packed_objects(b"<</S 11 0 R/JS(x)>>", b"/JavaScript")]),
        "JavaScript",
    ),
    "pdf-packed-otherwise-behind-a-false-end": (
        "Formular.pdf",
        pdf("1.5", objects=[b"<</Type/ObjStm/Filter/AHx/X(endobj)>>\nstream\n31>\nendstream"]),
        "nicht Prüfbares",
    ),
    "pdf-packed-otherwise-behind-a-false-stream": (
        "Formular.pdf",
        pdf("1.5", objects=[b"<</First 9/Filter/AHx/X(" + packed_objects(b"[]") + b")>>\nstream\n31>\nendstream"]),
        "nicht Prüfbares",
    ),
    "pdf-javascript-behind-blanks": ("Formular.pdf", pdf(root=b"/XFA" + b" " * 900 + b"[4 0 R]"), "JavaScript"),
    "pdf-dynamic-form": ("Antrag.pdf", pdf(root=b"/AcroForm<</XFA[(a)4 0 R]>>"), "JavaScript"),
    "pdf-launch": ("Brief.pdf", pdf(objects=[b"<</S/Launch/F(cmd.exe)>>"]), "Programmstart"),
    "pdf-open-action": ("Brief.pdf", pdf(root=b"/OpenAction 4 0 R"), "Aktion beim Öffnen"),
    "pdf-e-invoice": (
        "Rechnung.pdf",
        pdf("1.7", root=b"/Names<</EmbeddedFiles 4 0 R>>", objects=[packed_stream(b"/Type/EmbeddedFile", b"<xml/>")]),
        "eingebettete Dateien",
    ),
    "pdf-file-at-a-note": ("Plan.pdf", pdf(objects=[b"<</Type/Filespec/EF <</F 5 0 R>>>>"]), "eingebettete Dateien"),
    "pdf-sends-data": ("Formular.pdf", pdf(objects=[b"<</S/SubmitForm/F(https://x.example)>>"]), "Datenversand"),
    "pdf-encrypted": (
        "Vertrag.pdf",
        pdf(
            "1.5",
            objects=[b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>\nstream\n\x01\x02\nendstream"],
            trailer=b"/Encrypt 5 0 R",
        ),
        "nicht Prüfbares",
    ),
    "pdf-overlapping-streams": ("Scan.pdf", overlapping_streams(), "nicht Prüfbares"),
    "pdf-silent-streams": ("Scan.pdf", silent_streams(), "nicht Prüfbares"),
    "pdf-all-at-once": (
        "Alles.pdf",
        pdf(
            root=b"/OpenAction<</S/Launch>>/Names<</EmbeddedFiles 4 0 R>>",
            objects=[
                packed_objects(JAVASCRIPT, b"<</S/SubmitForm>>"),
                b"<</Type/ObjStm/Filter/ASCIIHexDecode>>\nstream\n31>\nendstream",
            ],
        ),
        "JavaScript, Programmstart, Aktion beim Öffnen, eingebettete Dateien, Datenversand, nicht Prüfbares",
    ),
}

TEXTS = {
    "ascii": ("Notiz.txt", b"Drucker 7 meldet Fehler 0x61\n"),
    "one-sign": ("Notiz.txt", b"1"),
    "utf-8": ("Notiz.txt", TEXT.encode()),
    "utf-8-bom": ("Notiz.txt", TEXT.encode("utf-8-sig")),
    "utf-16-le": ("Notiz.txt", b"\xff\xfe" + TEXT.encode("utf-16-le")),
    "utf-16-be": ("Notiz.txt", b"\xfe\xff" + TEXT.encode("utf-16-be")),
    "windows-1252": ("Notiz.txt", TEXT.encode("cp1252")),
    "crlf-and-tabs": ("Notiz.txt", b"Zeit\tMeldung\r\n08:10\tkein Netz\r\n"),
    "form-feed": ("Notiz.txt", b"Seite 1\x0cSeite 2\n"),
    "sign-across-blocks": ("lang.txt", b"x" * 65535 + "ü€".encode()),
    "utf-16-across-blocks": ("lang.txt", b"\xff\xfe" + ("x" * 32766 + "😀").encode("utf-16-le")),
    "emoji": ("Notiz.txt", "Läuft 😀\n".encode()),
    "like-bmp": ("Notiz.txt", b"BMW i3 steht in der Einfahrt\n"),
    "like-exe": ("Notiz.txt", b"MZ Halle 4: Licht aus\n"),
    "log": ("server.log", b"2026-11-23 08:10:01 ERROR disk full\n"),
    # Scripts and HTML are accepted as text, and only served as text.
    "page": ("Fehlerseite.txt", b"<!doctype html><script>alert(1)</script>"),
    "script": ("Skript.txt", b"#!/bin/sh\nrm -rf /\n"),
}

NAMES = {
    "dots": ("Rechnung.2026.11.pdf", PDF),
    "company": ("Rechnung von example.com.pdf", PDF),
    "two-endings-of-texts": ("server.log.txt", b"Zeile\n"),
    "blank-before-ending": ("Foto .png", PNG),
    "program-in-the-middle": ("setup.exe stürzt ab.png", PNG),
    "emoji": ("Drucker 😀.jpg", JPEG),
    "umlauts": ("Prüfstück Größe 3.tif", TIFF),
}

GOOD = (
    PICTURES
    | DOCUMENTS
    | {f"text-{key}": case for key, case in TEXTS.items()}
    | {f"name-{key}": case for key, case in NAMES.items()}
)
