"""Sample files as programs and phones write them, and as they look when something went wrong; all made in memory."""

import io
import random
import struct
import zipfile
import zlib

from PIL import Image

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


def box(name, data=b""):
    """Return one box of the ISO media format (HEIC, MP4)."""
    return struct.pack(">I4s", 8 + len(data), name) + data


def heic(brand=b"heic", large=False):
    """Return the boxes of a phone's HEIC picture; large ones carry their length in 64 bits."""
    kind = box(b"ftyp", brand + bytes(4) + b"mif1MiHEmiafheic")
    about = box(b"meta", bytes(4) + box(b"hdlr", bytes(8) + b"pict" + bytes(13)) + box(b"pitm", bytes(6)))
    points = random.Random(2).randbytes(400)
    media = struct.pack(">I4sQ", 1, b"mdat", 16 + len(points)) + points if large else box(b"mdat", points)
    return kind + about + media


def pdf(version="1.4", xref_stream=False, after=b"\n"):
    """Return a PDF of one empty page, with a table of its objects as old programs write it or as newer ones do."""
    content = f"%PDF-{version}\n%".encode() + b"\xe2\xe3\xcf\xd3\n"
    for number, body in enumerate(
        (
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        ),
        start=1,
    ):
        content += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table_at = len(content)
    if xref_stream:
        rows = zlib.compress(bytes(15))
        content += b"4 0 obj\n<</Type/XRef/Size 5/Root 1 0 R/W[1 1 1]/Filter/FlateDecode/Length %d>>" % len(rows)
        content += b"\nstream\n" + rows + b"\nendstream\nendobj\n"
    else:
        content += b"xref\n0 4\n" + b"0000000000 65535 f \n" * 4 + b"trailer\n<</Size 4/Root 1 0 R>>\n"
    return content + b"startxref\n%d\n%%%%EOF" % table_at + after


def exe():
    """Return the beginning of a Windows program."""
    return b"MZ\x90\x00\x03\x00\x00\x00" + bytes(52) + b"\x80\x00\x00\x00" + bytes(64) + b"PE\x00\x00" + bytes(200)


def archive(member):
    """Return a ZIP archive with one member; a Word document is one, too."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(member, "<xml/>")
    return buffer.getvalue()


def _with_exif():
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Fairphone", 6
    return exif


def _several():
    # Pillow leaves notes in a picture that it writes, so each format gets pictures of its own.
    return {"save_all": True, "append_images": [picture(seed=2), picture(seed=3)]}


PNG = saved(picture(), "PNG")
JPEG = saved(picture(), "JPEG")
GIF = saved(picture(), "GIF")
WEBP = saved(picture(), "WEBP")
BMP = saved(picture(), "BMP")
TIFF = saved(picture(), "TIFF")
HEIC = heic()
PDF = pdf()

# Each as (file name, content, media type); the key is the case's name in the test report.
GOOD = {
    "png": ("Foto.png", PNG, "image/png"),
    "png-alpha": ("Foto.png", saved(picture("RGBA"), "PNG"), "image/png"),
    "png-palette": ("Foto.png", saved(picture("P"), "PNG"), "image/png"),
    "png-1-bit": ("Foto.png", saved(picture("1"), "PNG"), "image/png"),
    "png-16-bit": ("Foto.png", saved(Image.new("I;16", (9, 9), 40000), "PNG"), "image/png"),
    "png-interlaced": ("Foto.png", interlaced_png(), "image/png"),
    "png-animated": ("Foto.png", saved(picture(), "PNG", **_several()), "image/png"),
    "jpeg-baseline": ("Foto.jpg", JPEG, "image/jpeg"),
    "jpeg-long-ending": ("Foto.JPEG", JPEG, "image/jpeg"),
    "jpeg-jfif-ending": ("Foto.jfif", JPEG, "image/jpeg"),
    "jpeg-progressive": ("Foto.jpg", saved(picture(), "JPEG", progressive=True), "image/jpeg"),
    "jpeg-exif": ("Foto.jpg", saved(picture(), "JPEG", exif=_with_exif()), "image/jpeg"),
    "jpeg-restart-markers": ("Foto.jpg", saved(picture(), "JPEG", restart_marker_blocks=1), "image/jpeg"),
    "jpeg-cmyk": ("Foto.jpg", saved(picture("CMYK"), "JPEG"), "image/jpeg"),
    "jpeg-grey": ("Foto.jpg", saved(picture("L"), "JPEG"), "image/jpeg"),
    "jpeg-fill-bytes": ("Foto.jpg", JPEG[:-2] + b"\xff\xff" + JPEG[-2:], "image/jpeg"),
    "jpeg-mpo": ("Foto.jpg", saved(picture(), "MPO", **_several()), "image/jpeg"),
    "jpeg-zero-padding": ("Foto.jpg", JPEG + bytes(5000), "image/jpeg"),
    "jpeg-motion-photo": ("Foto.jpg", JPEG + box(b"ftyp", b"isomiso2mp41") + box(b"mdat", bytes(99)), "image/jpeg"),
    "jpeg-samsung": ("Foto.jpg", JPEG + b"\x00\x00\x01\x0a\x0e\x00Image_UTC_Data17000000SEFHk\x00SEFT", "image/jpeg"),
    "gif": ("Bild.gif", GIF, "image/gif"),
    "gif-animated": ("Bild.gif", saved(picture(), "GIF", duration=100, loop=0, **_several()), "image/gif"),
    "gif-87a": ("Bild.gif", saved(picture("L"), "GIF").replace(b"GIF89a", b"GIF87a", 1), "image/gif"),
    "gif-comment": ("Bild.gif", saved(picture(), "GIF", comment=b"Halle 3; Tor 2" * 30), "image/gif"),
    "webp-lossy": ("Bild.webp", WEBP, "image/webp"),
    "webp-lossless": ("Bild.webp", saved(picture(), "WEBP", lossless=True), "image/webp"),
    "webp-alpha": ("Bild.webp", saved(picture("RGBA"), "WEBP"), "image/webp"),
    "webp-animated": ("Bild.webp", saved(picture(), "WEBP", **_several()), "image/webp"),
    "bmp-1-bit": ("Bild.bmp", saved(picture("1"), "BMP"), "image/bmp"),
    "bmp-8-bit": ("Bild.bmp", saved(picture("L"), "BMP"), "image/bmp"),
    "bmp-24-bit": ("Bild.bmp", BMP, "image/bmp"),
    "bmp-32-bit": ("Bild.BMP", saved(picture("RGBA"), "BMP"), "image/bmp"),
    "tiff": ("Scan.tif", TIFF, "image/tiff"),
    "tiff-strips": ("Scan.tiff", saved(picture(), "TIFF", strip_size=480), "image/tiff"),
    "tiff-several-pages": ("Scan.tif", saved(picture(), "TIFF", **_several()), "image/tiff"),
    "tiff-big-endian": ("Scan.tif", tiff(">"), "image/tiff"),
    "tiff-little-endian": ("Scan.tif", tiff("<"), "image/tiff"),
    "tiff-tiled": ("Scan.tif", tiff(tiled=True), "image/tiff"),
    "tiff-lzw": ("Scan.tif", saved(picture(), "TIFF", compression="tiff_lzw"), "image/tiff"),
    "tiff-fax": ("Scan.tif", saved(picture("1"), "TIFF", compression="group4"), "image/tiff"),
    "tiff-jpeg": ("Scan.tif", saved(picture(), "TIFF", compression="jpeg"), "image/tiff"),
    "heic-iphone": ("IMG_0001.HEIC", HEIC, "image/heic"),
    "heic-other-brand": ("IMG_0001.heic", heic(b"mif1"), "image/heic"),
    "heic-long-box": ("IMG_0001.heif", heic(large=True), "image/heic"),
    "pdf": ("Rechnung.pdf", PDF, "application/pdf"),
    "pdf-no-line-end": ("Rechnung.PDF", pdf(after=b""), "application/pdf"),
    "pdf-xref-stream": ("Rechnung.pdf", pdf("1.5", xref_stream=True), "application/pdf"),
    "pdf-padded": ("Rechnung.pdf", pdf(after=b"\r\n" + bytes(600)), "application/pdf"),
    "pdf-updated": ("Rechnung.pdf", PDF + PDF.partition(b"%PDF-1.4\n")[2], "application/pdf"),
    "text-ascii": ("Notiz.txt", b"Drucker 7 meldet Fehler 0x61\n", "text/plain"),
    "text-one-sign": ("Notiz.txt", b"1", "text/plain"),
    "text-utf-8": ("Notiz.txt", TEXT.encode(), "text/plain"),
    "text-utf-8-bom": ("Notiz.txt", TEXT.encode("utf-8-sig"), "text/plain"),
    "text-utf-16-le": ("Notiz.txt", b"\xff\xfe" + TEXT.encode("utf-16-le"), "text/plain"),
    "text-utf-16-be": ("Notiz.txt", b"\xfe\xff" + TEXT.encode("utf-16-be"), "text/plain"),
    "text-windows-1252": ("Notiz.txt", TEXT.encode("cp1252"), "text/plain"),
    "text-crlf-and-tabs": ("Notiz.txt", b"Zeit\tMeldung\r\n08:10\tkein Netz\r\n", "text/plain"),
    "text-form-feed": ("Notiz.txt", b"Seite 1\x0cSeite 2\n", "text/plain"),
    "text-sign-across-blocks": ("lang.txt", b"x" * 65535 + "ü€".encode(), "text/plain"),
    "text-utf-16-across-blocks": ("lang.txt", b"\xff\xfe" + ("x" * 32766 + "😀").encode("utf-16-le"), "text/plain"),
    "text-emoji": ("Notiz.txt", "Läuft 😀\n".encode(), "text/plain"),
    "text-like-bmp": ("Notiz.txt", b"BMW i3 steht in der Einfahrt\n", "text/plain"),
    "text-like-exe": ("Notiz.txt", b"MZ Halle 4: Licht aus\n", "text/plain"),
    "log": ("server.log", b"2026-11-23 08:10:01 ERROR disk full\n", "text/plain"),
}

WHOLE = {"png": PNG, "jpg": JPEG, "gif": GIF, "webp": WEBP, "bmp": BMP, "tif": TIFF, "heic": HEIC, "pdf": PDF}

# Of the others, TIFF has no end that could be overrun, and readers of PDF look for its end in the last kilobyte.
ENDED = {ending: content for ending, content in WHOLE.items() if ending not in ("tif", "pdf")}
