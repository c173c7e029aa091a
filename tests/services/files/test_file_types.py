"""Which files the form accepts: sizes at the limits, the office's settings, and what the help page says."""

import io
import zlib

import pytest

from database import database
from enums import MAX_ATTACHMENT_BYTES
from models import Attachment
from services.files.types import ALLOWED_EXTENSIONS, pdf_streams
from settings import settings
from tests.support.files.bad_files import HTML, OVERSIZED
from tests.support.files.samples import JPEG, PDF, PNG, overlapping_streams, pdf, silent_streams
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


@pytest.mark.parametrize("ending", ["png", "pdf", "txt"])
def test_empty_file_without_scripts(anna, ending):
    page = anna.send("incident", files=[(io.BytesIO(b""), f"leer.{ending}")])
    assert page.status == 422
    assert f"„leer.{ending}“ konnten wir nicht annehmen: Die Datei ist leer" in page.text


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("Foto.png", PNG, "neu oder schicken Sie ein Bildschirmfoto davon."),
        ("Scan.pdf", PDF, "Bitte speichern Sie die Datei neu."),
    ],
)
def test_advice_about_trailing_bytes(upload, name, content, advice):
    answer, staged = upload(name, content + HTML)
    assert staged == []
    assert advice in answer.text


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
    assert CountingUnpacker.given < 4 * len(content)


def test_limit_of_pixels_is_the_office_s(upload, monkeypatch):
    monkeypatch.setattr(settings, "max_megapixels", 0.001)
    answer, staged = upload("Foto.png", PNG)
    assert staged == []
    assert "Das Bild hat mehr als 0.001 Megapixel." in answer.text
    monkeypatch.setattr(settings, "max_megapixels", 0.002)
    assert upload("Foto.png", PNG)[0].status == 200


def test_a_page_as_text_is_shown_and_given_as_text(anna, clara, run_worker, submissions):
    anna.report("incident", files=(io.BytesIO(HTML), "Fehlerseite.txt"))
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
