"""Which files the form accepts: sizes at the limits, the office's settings, and what the help page says."""

import io
import zlib

import pytest

from database import database
from enums import MAX_ATTACHMENT_BYTES
from models import Attachment
from services.files.types import ALLOWED_EXTENSIONS, hidden, pdf_streams
from settings import settings
from tests.support.files.bad_files import OVERSIZED
from tests.support.files.good_files import PAGE
from tests.support.files.samples import JPEG, PNG, overlapping_streams, pdf, silent_streams
from tests.support.pages import HTMX, Visitor


@pytest.fixture
def upload(app):
    """Upload a file as the form does when it is chosen, and return the answer and what is now staged."""
    visitor = Visitor(app, {})
    fields = visitor.get("/").fields()

    def send(name, content):
        data = {key: fields[key] for key in ("csrf_token", "draft")} | {"files": (io.BytesIO(content), name)}
        answer = visitor.post("/anhaenge", data, headers=HTMX)
        with app.app_context(), database.connection_context():
            return answer, list(Attachment.staged(fields["draft"]))

    return send


def test_help_page_lists_every_allowed_extension(app):
    text = Visitor(app, {}).get("/hilfe").text
    assert [ending for ending in ALLOWED_EXTENSIONS if ending not in text] == []


def test_exactly_as_large_as_allowed(upload):
    answer, (attachment,) = upload("lang.txt", b"x" * MAX_ATTACHMENT_BYTES)
    assert answer.status == 200
    assert attachment.size == MAX_ATTACHMENT_BYTES


def test_one_byte_too_large(upload):
    answer, staged = upload("lang.txt", b"x" * (MAX_ATTACHMENT_BYTES + 1))
    assert answer.status == 422
    assert staged == []
    assert "„lang.txt“" in answer.text
    assert OVERSIZED in answer.text


def test_marks_are_found_by_the_places_of_their_bytes():
    assert {mark.translate(hidden._PLACES) for mark in hidden._SIGNATURES} == {b"\x01\x02\x03"}


def test_archive_behind_very_many_places_that_look_like_a_mark(upload):
    answer, staged = upload("Notiz.txt", b"tar" * 20_000 + b"7z\xbc\xaf\x27\x1c")
    assert (answer.status, staged) == (422, [])
    assert "steckt ein Archiv" in answer.text


@pytest.mark.parametrize("ending", ["png", "pdf", "txt"])
def test_empty_file_without_scripts(anna, ending):
    page = anna.send("incident", files=[(io.BytesIO(b""), f"leer.{ending}")])
    assert page.status == 422
    assert f"„leer.{ending}“ konnten wir nicht annehmen: Die Datei ist leer" in page.text


def test_padding_of_full_size_behind_a_jpeg(upload):
    answer, (attachment,) = upload("Foto.jpg", JPEG + bytes(MAX_ATTACHMENT_BYTES - len(JPEG)))
    assert answer.status == 200
    assert attachment.media_type == "image/jpeg"


def test_pdf_of_full_size(upload):
    points = (bytes(range(256)) * 40960)[: MAX_ATTACHMENT_BYTES - 1000]
    answer, (attachment,) = upload("Scan.pdf", pdf(objects=[b"<<>>\nstream\n" + points + b"\nendstream"]))
    assert answer.status == 200
    assert attachment.active_content == ""


REAL_UNPACKER = zlib.decompressobj


class CountingUnpacker:
    """Unpacks as zlib does, and counts what it is given."""

    given = 0

    def __init__(self):
        self._unpacker = REAL_UNPACKER()

    def __getattr__(self, name):
        return getattr(self._unpacker, name)

    def decompress(self, packed, most):
        CountingUnpacker.given += len(packed)
        return self._unpacker.decompress(packed, most)


@pytest.mark.parametrize("made", [overlapping_streams, silent_streams])
def test_no_pdf_is_unpacked_again_and_again(upload, monkeypatch, made):
    monkeypatch.setattr(pdf_streams.zlib, "decompressobj", CountingUnpacker)
    monkeypatch.setattr(CountingUnpacker, "given", 0)
    content = made()
    _, (attachment,) = upload("Scan.pdf", content)
    assert attachment.active_content == "nicht Prüfbares"
    assert CountingUnpacker.given < 2 * MAX_ATTACHMENT_BYTES


def test_limit_of_pixels_is_the_office_s(upload, monkeypatch):
    monkeypatch.setattr(settings, "max_megapixels", 0.001)
    answer, staged = upload("Foto.png", PNG)
    assert staged == []
    assert "Das Bild hat mehr als 0.001 Megapixel." in answer.text
    monkeypatch.setattr(settings, "max_megapixels", 0.002)
    assert upload("Foto.png", PNG)[0].status == 200


def test_a_page_as_text_is_shown_and_given_as_text(anna, clara, run_worker, submissions):
    anna.report("incident", files=(io.BytesIO(PAGE), "Fehlerseite.txt"))
    run_worker()
    (submission,) = submissions()
    page = clara.get(f"/verwaltung/ticket/{submission.code}")
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text
    (link,) = [a.get("href") for a in page.tree.iter("a") if a.text == "Fehlerseite.txt"]
    with clara.client.get(link) as kept:
        assert kept.mimetype == "application/octet-stream"
        assert kept.headers["Content-Disposition"] == "attachment; filename=Fehlerseite.txt"
        assert "sandbox" in kept.headers["Content-Security-Policy"]


# What the office sees of a text, and the bytes of it.
SHOWN_TEXTS = {
    "Datenträger in Laufwerk C: ist System": "Datenträger in Laufwerk C: ist System\r\n".encode("cp850"),
    "NetBIOS über TCP/IP: Überprüfung": "NetBIOS über TCP/IP: Überprüfung".encode("cp850"),
    "Straße": "Straße".encode("cp850"),
    "PRÜFUNG": "PRÜFUNG".encode("cp850"),
    "├──── Ordner": "├──── Ordner".encode("cp850"),
    "Grüße aus Köln: 5 €": "Grüße aus Köln: 5 €".encode("cp1252"),
    "„wenn“ er „geht“": "„wenn“ er „geht“".encode("cp1252"),
    "Prüfung nach 5 µs, größer": "Prüfung nach 5 µs, größer".encode("cp1252"),
    "Prüfung": "Prüfung".encode("mac_roman"),
    "Größe: ═════": "Größe: ═════".encode("cp850"),
    "Señor Juárez Peña": "Señor Juarez Peña".encode("cp1252").replace(b"Juarez", b"Ju\xe1rez"),
    "Größe — falsch �, richtig ü": "Größe — falsch ".encode() + b"\xfc" + ", richtig ü".encode(),
    "Systemsuche läuft": "\r\nSystemsuche läuft".encode("utf-16-le"),
    "Systemsuche hält": "Systemsuche hält".encode("utf-16-be"),
    "Systemsuche endet": b"\xff\xfe" + "Systemsuche endet".encode("utf-16-le") + b"\x00",
    "Dienst gestartet": b"Dienst gestartet\r\n" + bytes(500),
    "OK   Dienst läuft": "\x1b[32mOK\x1b[0m\x1b]0;Fenster\x07   Dienst \x1b(Bläuft".encode(),
    "Zeile 2": b"Zeile 1\r\nZeile 2\r\n\x1a",
    "Klingel� und �": b"Klingel\x07 und \x1b\n",
    "Foto exe.jpg": "Foto \u202eexe.jpg".encode(),
}


@pytest.mark.parametrize("shown", SHOWN_TEXTS)
def test_the_office_reads_the_beginning_of_a_text(anna, clara, run_worker, submissions, shown):
    anna.report("incident", files=(io.BytesIO(SHOWN_TEXTS[shown]), "server.log"))
    run_worker()
    (submission,) = submissions()
    (excerpt,) = clara.get(f"/verwaltung/ticket/{submission.code}").tree.iter("pre")
    assert shown.strip() in excerpt.text
    assert not set(excerpt.text) & set(map(chr, {*range(32), 127} - {10}))
