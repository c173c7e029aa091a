"""Which files come in by the form: every kind as programs and phones write it, and none that is not what it says."""

import io
import struct

import pytest

from models import Attachment, database
from services import attachments
from services.file_types import ALLOWED_EXTENSIONS, ALLOWED_WORDS
from tests.conftest import NOW
from tests.pages import Visitor
from tests.samples import (
    BMP,
    ENDED,
    GIF,
    GOOD,
    HEIC,
    JPEG,
    PDF,
    PNG,
    TEXT,
    TIFF,
    WEBP,
    WHOLE,
    archive,
    box,
    exe,
    pdf,
    png_chunk,
)
from words import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENT_MIB, MAX_FILE_NAME_LENGTH

DAMAGED = "beschädigt oder unvollständig"
NOT_TEXT = "kein einfacher Text"

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><title>Hallo</title><script>alert(1)</script>"


@pytest.fixture
def upload(app):
    """Upload a file as the form does when it is chosen, and return the answer and what is now staged."""
    visitor = Visitor(app, {})
    fields = visitor.get("/").fields()

    def send(name, content):
        data = {key: fields[key] for key in ("csrf_token", "draft")} | {"files": (io.BytesIO(content), name)}
        answer = visitor.post("/anhaenge", data, headers={"HX-Request": "true"})
        with app.app_context(), database.connection_context():
            return answer, list(Attachment.staged(fields["draft"]))

    return send


def assert_refused(upload, name, content, reason):
    """Assert that one sentence names the file, the reason and what is allowed, and that nothing is kept."""
    answer, staged = upload(name, content)
    (refusal,) = [item.text for item in answer.tree.iter("li")]
    assert answer.status == 422
    assert staged == []
    assert f"„{name}“" in refusal
    assert reason in refusal
    assert ALLOWED_WORDS in refusal


@pytest.mark.parametrize("case", GOOD)
def test_accepted(upload, case):
    name, content, media_type = GOOD[case]
    answer, (attachment,) = upload(name, content)
    assert answer.status == 200
    assert (attachment.name, attachment.media_type, attachment.size) == (name, media_type, len(content))
    with attachments.open_stored(attachment) as stored:
        assert stored.read() == content


def test_every_allowed_ending_has_a_sample():
    sampled = {"." + name.rpartition(".")[2].lower() for name, _, _ in GOOD.values()}
    assert sampled | {".jpe"} == set(ALLOWED_EXTENSIONS)


def test_every_allowed_ending_stands_on_the_help_page(app):
    text = Visitor(app, {}).get("/hilfe").text
    assert [ending for ending in ALLOWED_EXTENSIONS if ending not in text] == []


@pytest.mark.parametrize("ending", WHOLE)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_truncated(upload, ending, part):
    content = WHOLE[ending]
    assert_refused(upload, f"Foto.{ending}", content[: int(len(content) * part)], "Foto")


@pytest.mark.parametrize("ending", WHOLE)
def test_last_byte_missing(upload, ending):
    # The last byte of this PDF is a line end, which it may lack.
    content = WHOLE[ending].rstrip(b"\n")
    assert_refused(upload, f"Foto.{ending}", content[:-1], DAMAGED)


@pytest.mark.parametrize("ending", ENDED)
@pytest.mark.parametrize("behind", [b"x", b"PK\x03\x04 and more" * 100, HTML * 20], ids=["byte", "zip", "html"])
def test_something_behind_the_end(upload, ending, behind):
    assert_refused(upload, f"Foto.{ending}", ENDED[ending] + behind, DAMAGED)


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        ("png", PNG + archive("a.xml") + png_chunk(b"IEND")),
        ("png", PNG[:400] + PNG[1000:]),
        ("png", PNG[:8] + png_chunk(b"IHDR", PNG[16:29]) + png_chunk(b"IEND")),
        ("jpg", JPEG + bytes(20) + b"behind the padding"),
        ("jpg", JPEG[:4] + b"\xff\xff" + JPEG[6:]),
        ("jpg", JPEG.replace(b"\xff\xda", b"\xff\xd9", 1)),
        ("gif", GIF + archive("a.xml") + b";"),
        ("gif", GIF[:500] + GIF[900:]),
        ("gif", b"GIFtig ist das;"),
        ("gif", b"GIF89a;"),
        ("webp", WEBP[:400] + WEBP[600:]),
        ("bmp", b"BMW i3 steht in der Einfahrt, bitte umparken, danke!"),
        ("bmp", BMP[:2] + struct.pack("<I", len(BMP) - 100) + BMP[6:]),
        ("tif", TIFF[:4] + bytes(4) + TIFF[8:]),
        ("tif", TIFF[:4] + struct.pack("<I", len(TIFF)) + TIFF[8:]),
        ("heic", HEIC[: HEIC.index(b"mdat") - 4]),
        ("heic", HEIC[: HEIC.index(b"meta") - 4] + HEIC[HEIC.index(b"mdat") - 4 :]),
        ("heic", HEIC + struct.pack(">I4s", 9, b"free")),
        ("pdf", PDF.replace(b"%%EOF", b"")),
        ("pdf", PDF.replace(b"startxref", b"")),
        ("pdf", b"%PDF-1.7\n"),
        ("pdf", PDF + HTML * 20),
    ],
    ids=[
        "png-with-two-ends",
        "png-with-a-hole",
        "png-without-points",
        "jpeg-text-behind-padding",
        "jpeg-broken-header",
        "jpeg-without-points",
        "gif-with-two-ends",
        "gif-with-a-hole",
        "gif-sentence",
        "gif-without-points",
        "webp-with-a-hole",
        "bmp-sentence",
        "bmp-other-size",
        "tiff-without-page",
        "tiff-page-behind-the-end",
        "heic-without-points",
        "heic-without-description",
        "heic-overlong-box",
        "pdf-without-eof",
        "pdf-without-startxref",
        "pdf-first-line",
        "pdf-much-behind-the-end",
    ],
)
def test_damaged(upload, ending, content):
    assert_refused(upload, f"Foto.{ending}", content, DAMAGED)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("Foto.jpg", PNG, "ein PNG-Bild"),
        ("Foto.png", JPEG, "ein JPEG-Bild"),
        ("Foto.gif", WEBP, "ein WebP-Bild"),
        ("Foto.tif", PDF, "ein PDF-Dokument"),
        ("Scan.pdf", TIFF, "ein TIFF-Bild"),
        ("Foto.jpg", HEIC, "ein HEIC-Bild"),
        ("Foto.png", exe(), "kein PNG-Bild"),
        ("Foto.png", HTML, "kein PNG-Bild"),
        ("Foto.png", SVG, "kein PNG-Bild"),
        ("Foto.png", TEXT.encode(), "kein PNG-Bild"),
        ("Foto.jpg", archive("a.xml"), "kein JPEG-Bild"),
        ("Brief.pdf", archive("word/document.xml"), "kein PDF-Dokument"),
        ("Brief.pdf", b"\n\n" + PDF, "kein PDF-Dokument"),
        ("Foto.heic", box(b"ftyp", b"isomiso2mp41") + box(b"mdat"), "kein HEIC-Bild"),
        ("Foto.tif", b"II\x2b\x00\x08\x00\x00\x00" + bytes(20), "kein TIFF-Bild"),
        ("Foto.png", b"\x89PNG", "PNG-Bild"),
    ],
)
def test_ending_does_not_fit(upload, name, content, found):
    assert_refused(upload, name, content, found)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Bild.svg", SVG),
        ("Brief.docx", archive("word/document.xml")),
        ("Archiv.zip", archive("a.xml")),
        ("Seite.html", HTML),
        ("skript.js", b"alert(1)"),
        ("start.bat", b"@echo off"),
        ("setup.exe", exe()),
        ("Tabelle.csv", b"a;b"),
        ("Foto.avif", box(b"ftyp", b"avif")),
        ("Foto.png.exe", exe()),
        ("Foto.png.", PNG),
        ("Foto.png ~", PNG),
        ("Foto.ｐｎｇ", PNG),
    ],
)
def test_ending_is_not_allowed(upload, name, content):
    assert_refused(upload, name, content, f"Endung „.{name.rpartition('.')[2].lower()}“ nehmen wir nicht an")


@pytest.mark.parametrize("name", ["Foto", "png"])
def test_ending_is_missing(upload, name):
    assert_refused(upload, name, PNG, "fehlt die Endung")


@pytest.mark.parametrize("ending", ["png", "pdf", "txt"])
def test_empty(upload, ending):
    answer, staged = upload(f"leer.{ending}", b"")
    assert answer.status == 422
    assert staged == []
    assert f"„leer.{ending}“" in answer.text
    assert "Die Datei ist leer" in answer.text


@pytest.mark.parametrize(
    "content",
    [
        b"Zeile\x00Zeile",
        b"\x1b[31mrot\x1b[0m",
        b"Klingel\x07",
        b"Ende\x1a",
        b"weg\x7f",
        "Steuerzeichen \x85 dahinter".encode(),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        b"\xff\xfe" + TEXT.encode("utf-16-le") + b"\x00",
        b"\xff\xfe\x00\xd8a\x00",
        b"\xff\xfea\x00\x00\x00",
        b"kein Zeichen in Windows-1252: \x81",
        b"x" * 65536 + b"\x00",
        PNG,
        JPEG,
        pdf("1.5", xref_stream=True),
        exe(),
        archive("a.xml"),
    ],
    ids=[
        "nul",
        "escape",
        "bell",
        "substitute",
        "delete",
        "next-line",
        "utf-16-le-without-bom",
        "utf-16-be-without-bom",
        "utf-32",
        "utf-16-odd-length",
        "utf-16-half-a-pair",
        "utf-16-nul",
        "undefined-sign",
        "nul-in-second-block",
        "png",
        "jpeg",
        "pdf",
        "exe",
        "zip",
    ],
)
@pytest.mark.parametrize("ending", ["txt", "log"])
def test_no_plain_text(upload, ending, content):
    assert_refused(upload, f"Notiz.{ending}", content, NOT_TEXT)


def test_exactly_as_large_as_allowed(upload):
    answer, (attachment,) = upload("lang.txt", b"x" * MAX_ATTACHMENT_BYTES)
    assert answer.status == 200
    assert attachment.size == MAX_ATTACHMENT_BYTES


def test_one_byte_too_large(upload):
    answer, staged = upload("lang.txt", b"x" * (MAX_ATTACHMENT_BYTES + 1))
    assert answer.status == 422
    assert staged == []
    assert "„lang.txt“" in answer.text
    assert f"größer als {MAX_ATTACHMENT_MIB} MiB" in answer.text


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\anna\\Notiz.txt", "Notiz.txt"),
        ("/tmp/Notiz.txt", "Notiz.txt"),
        ("Ordner/..\\Notiz.txt", "Notiz.txt"),
        ("No\x00ti\x1bz\r\n.txt", "Notiz.txt"),
        ("No\u200bti\u200dz\ufeff.txt", "Notiz.txt"),
        ("Notiz\u202etxt.exe\u202c.txt", "Notiztxt.exe.txt"),
        ("  Notiz \u2028 vom   Montag .txt ", "Notiz vom Montag .txt"),
        ("Gru\u0308ße.txt", "Grüße.txt"),
        ("x" * 300 + ".txt", "x" * (MAX_FILE_NAME_LENGTH - 4) + ".txt"),
        ("a.b" * 100 + ".txt", ("a.b" * 100)[: MAX_FILE_NAME_LENGTH - 4] + ".txt"),
        ("日本語 – Prüfung (1).txt", "日本語 – Prüfung (1).txt"),
        ('<b onclick="x">&.txt', '<b onclick="x">&.txt'),
    ],
)
def test_shown_name(db, sent, shown):
    assert attachments.stage("d" * 22, [(sent, io.BytesIO(b"Notiz"))], "127.0.0.1", NOW) == []
    (attachment,) = Attachment.staged("d" * 22)
    assert attachment.name == shown


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("", "ohne Namen"),
        ("\u200b\x07", "ohne Namen"),
        ("Ordner/", "ohne Namen"),
        ("x." + "e" * 300, "." + "e" * (MAX_FILE_NAME_LENGTH - 1)),
        ("Notiz\u202etxt.exe", "Notiztxt.exe"),
    ],
)
def test_refused_name(db, sent, shown):
    (refusal,) = attachments.stage("d" * 22, [(sent, io.BytesIO(b"Notiz"))], "127.0.0.1", NOW)
    assert refusal.startswith(f"„{shown}“ wurde nicht angenommen:")


def test_name_is_text_on_the_page(upload):
    answer, _ = upload("<b>fett</b> & mehr.txt".replace("/", "⁄"), b"Notiz")
    assert "&lt;b&gt;fett" in answer.text
    assert "<b>" not in answer.text


def _filled_up(start, *parts):
    """Return a file of full size that goes on with the given bytes again and again."""
    part = b"".join(parts)
    return start + part * ((MAX_ATTACHMENT_BYTES - len(start)) // len(part))


def _tiff_entry(tag, number, at=8):
    return struct.pack("<HHII", tag, 4, number, at)


def _tiff_page(*entries, next_at=0):
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", next_at)


def _tiff_full(page, start=b"II*\x00\x08\x00\x00\x00"):
    return start + page + bytes(MAX_ATTACHMENT_BYTES - len(start) - len(page))


def _tiff_overlapping_pages():
    """Return pages that lie upon each other, so that each field of the last ones is listed a thousand times."""
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


HOSTILE = {
    "jpeg-segments": ("Foto.jpg", _filled_up(b"\xff\xd8", b"\xff\xda\x00\x02")),
    "jpeg-fill-bytes": ("Foto.jpg", _filled_up(b"\xff\xd8", b"\xff")),
    "jpeg-endless-points": ("Foto.jpg", _filled_up(b"\xff\xd8\xff\xda\x00\x02", b"\xff\x00")),
    "jpeg-padding-and-more": ("Foto.jpg", _filled_up(JPEG, b"\x00")[:-1] + b"x"),
    "tiff-loop": ("Scan.tif", _tiff_full(_tiff_page(_tiff_entry(0x111, 1), _tiff_entry(0x117, 1), next_at=8))),
    "tiff-huge-count": ("Scan.tif", _tiff_full(_tiff_page(_tiff_entry(0x111, 0xFFFFFFFF)))),
    "tiff-same-field-again": ("Scan.tif", _tiff_full(_tiff_page(*[_tiff_entry(0x111, 2_500_000)] * 200))),
    "tiff-overlapping-pages": ("Scan.tif", _tiff_overlapping_pages()),
    "heic-boxes": ("Foto.heic", _filled_up(HEIC[: HEIC.index(b"meta") - 4], box(b"free"))),
    "png-parts": ("Foto.png", _filled_up(PNG[:33], png_chunk(b"tEXt"))),
    "gif-blocks": ("Foto.gif", _filled_up(b"GIF89a" + bytes(7) + b"!\xfe", b"\x01;")),
    "pdf-words": ("Scan.pdf", _filled_up(b"%PDF-1.7\n", b"startxref\n")),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_made_to_keep_the_server_busy(upload, case):
    name, content = HOSTILE[case]
    assert_refused(upload, name, content, DAMAGED)


def test_padding_of_full_size_behind_a_jpeg(upload):
    answer, (attachment,) = upload("Foto.jpg", JPEG + bytes(MAX_ATTACHMENT_BYTES - len(JPEG)))
    assert answer.status == 200
    assert attachment.media_type == "image/jpeg"
