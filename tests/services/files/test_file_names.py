"""File names: safe to show and to store, and the same for the check and for people."""

import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header
from werkzeug.utils import send_file

from database import database
from enums import MAX_FILE_NAME_LENGTH
from models import Attachment
from services.files import attachments
from services.files.file_names import safe_name
from services.files.incoming import received
from settings import settings
from tests.support.cast import NOW
from tests.support.files.samples import PNG
from tests.support.property_tests import deterministic


def stage_note(name):
    with received(b"Notiz") as file:
        return attachments.stage("d" * 22, [(name, file)], "127.0.0.1", NOW)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\anna\\Notiz.txt", "Notiz.txt"),
        ("/tmp/Notiz.txt", "Notiz.txt"),
        ("Ordner/..\\Notiz.txt", "Notiz.txt"),
        ("Ordner/.txt", "ohne Namen.txt"),
        ("No\x00ti\x1bz\r\n.txt", "Notiz.txt"),
        ("No\u200bti\u200dz\ufeff.txt", "Notiz.txt"),
        ("No\u3164ti\u034fz\ufe0f.txt", "Notiz.txt"),
        ("Notiz\u202etxt.eml\u202c.txt", "Notiztxt.eml.txt"),
        ("Notiz\u202etxt.exe\u202c.txt", "Notiztxt.exe.txt"),
        ("  Notiz \u2028 vom   Montag .txt ", "Notiz vom Montag .txt"),
        ("Gru\u0308ße.txt", "Grüße.txt"),
        ("Gru\u200b\u0308ße.txt", "Grüße.txt"),
        ("x" * 300 + ".txt", "x" * (MAX_FILE_NAME_LENGTH - 4) + ".txt"),
        ("x" * (MAX_FILE_NAME_LENGTH - 4) + ".txt", "x" * (MAX_FILE_NAME_LENGTH - 4) + ".txt"),
        ("x" * (MAX_FILE_NAME_LENGTH - 3) + ".txt", "x" * (MAX_FILE_NAME_LENGTH - 4) + ".txt"),
        ("a.b" * 100 + ".txt", ("a.b" * 100)[: MAX_FILE_NAME_LENGTH - 4] + ".txt"),
        ("日本語 – Prüfung (1).txt", "日本語 – Prüfung (1).txt"),
        ("R&D 'neu' #1 100%.txt", "R&D 'neu' #1 100%.txt"),
        ('<b onclick="x">&.txt', "_b onclick=_x__&.txt"),
        ("08:10 Uhr?.txt", "08_10 Uhr_.txt"),
        ("Notiz.txt. . ", "Notiz.txt"),
        ("Notiz．txt", "Notiz.txt"),
        ("Notiz﹒txt", "Notiz.txt"),
        ("Notiz․txt", "Notiz.txt"),
        ("CON.txt", "_CON.txt"),
        ("nul .2026.txt", "_nul .2026.txt"),
        ("Com1.txt", "_Com1.txt"),
        ("LPT³.log", "_LPT³.log"),
        ("com0.txt", "_com0.txt"),
        ("lpt9.txt", "_lpt9.txt"),
        ("PRN.txt", "_PRN.txt"),
        ("ConIn$.txt", "_ConIn$.txt"),
        ("CONOUT$.txt", "_CONOUT$.txt"),
        ("Konto.txt", "Konto.txt"),
        ("", "ohne Namen.txt"),
        ("\u200b\x07", "ohne Namen.txt"),
        ("Ordner/", "ohne Namen.txt"),
        ("...", "ohne Namen.txt"),
        ("aux", "_aux.txt"),
        ("Com10.txt", "Com10.txt"),
    ],
)
def test_shown_name(db, sent, shown):
    assert stage_note(sent) == []
    (attachment,) = Attachment.staged("d" * 22)
    assert attachment.name == shown


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("x." + "e" * 300, "x." + "e" * (MAX_FILE_NAME_LENGTH - 2)),
        ("Notiz\u202etxt.exe", "Notiztxt.exe"),
        ("Notiz.txt．exe", "Notiz.txt.exe"),
        ("Notiz.exe. .", "Notiz.exe"),
        ("Notiz.txt:heimlich.exe", "Notiz.txt_heimlich.exe"),
        ("heimlich.exe:Notiz.txt\x00.exe", "heimlich.exe_Notiz.txt.exe"),
    ],
)
def test_name_that_a_refusal_shows(db, sent, shown):
    (refusal,) = stage_note(sent)
    assert refusal.sentence.startswith(f"„{shown}“ konnten wir nicht annehmen:")


@pytest.mark.parametrize(
    "invisible", "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180f\u2800\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"
)
def test_invisible_letters_are_removed(invisible):
    assert safe_name(f"No{invisible}tiz.txt") == "Notiz.txt"


@pytest.mark.parametrize("visible", "\u1161\u17b3\u17b6\u180a\u1810\u2801\u3165\ufe10")
def test_their_visible_neighbours_stay(visible):
    assert safe_name(f"No{visible}tiz.txt") == f"No{visible}tiz.txt"


# Characters with a meaning in a name, beside those that hypothesis finds.
SPECIAL = st.sampled_from([*"./\\: ~\u202e\u200b．\x00\r\n", "CON", "NUL.", ".exe", ".txt", "..", "\u0301", "x" * 130])
NAMES = st.lists(st.one_of(st.text(max_size=8), SPECIAL), max_size=12).map("".join)


@deterministic
@given(NAMES)
@example("CON")
@example("\u202e.txt")
def test_any_name_becomes_a_safe_one(name):
    shown = safe_name(name)
    assert 0 < len(shown) <= MAX_FILE_NAME_LENGTH
    assert not set(shown) & set('/\\<>:"|?*')
    assert not [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert shown == shown.strip(" .") or shown.startswith(".")
    assert shown == unicodedata.normalize("NFC", shown)
    assert shown.partition(".")[0].strip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    assert safe_name(shown) == shown


@deterministic
@given(NAMES, st.sampled_from([".txt", ".pdf", ".exe", ".JPG"]))
def test_the_ending_is_kept(name, ending):
    assert safe_name(name + ending).endswith(ending)


@deterministic
@given(NAMES)
def test_a_name_is_kept_when_the_file_is_downloaded(name):
    shown = safe_name(name)
    environ = {"REQUEST_METHOD": "GET"}
    with send_file(io.BytesIO(b"x"), environ, as_attachment=True, download_name=shown) as response:
        header = response.headers["Content-Disposition"]
    assert header.isascii()
    assert parse_options_header(header) == ("attachment", {"filename": shown})


HEADERS = {
    "Foto.png": "attachment; filename=Foto.png",
    "Foto vom Drucker.png": 'attachment; filename="Foto vom Drucker.png"',
    "Grüße 5 €.png": "attachment; filename=\"Grue 5 .png\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%205%20%E2%82%AC.png",
    "a';=%0d%0ab.png": 'attachment; filename="a\';=%0d%0ab.png"',
}


def test_headers_of_downloads(anna, clara, run_worker, app):
    anna.report("incident", files=[(io.BytesIO(PNG), name) for name in HEADERS])
    run_worker()
    with app.app_context(), database.connection_context():
        files = list(Attachment.select())
    assert {file.name for file in files} == set(HEADERS)
    for file in files:
        with clara.client.get(f"/verwaltung/anhang/{file.id}") as response:
            assert response.headers["Content-Disposition"] == HEADERS[file.name]
            assert response.headers["Content-Type"] == "application/octet-stream"
            assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_name_is_text_on_the_page(anna):
    page = anna.send("incident", name="", files=(io.BytesIO(b"Notiz"), "R&D &lt;b&gt;.txt"))
    assert "R&amp;D &amp;lt;b&amp;gt;.txt" in page.text


@pytest.mark.parametrize(
    "planted", ["../secret.key", "/etc/passwd", "..", "", "discarded-/..", "A" * 32, "a" * 32 + "\n"]
)
def test_a_planted_name_leads_to_no_file(app, planted):
    """A database from elsewhere names a file that the portal did not store."""
    with database.connection_context():
        stage_note("Notiz.txt")
        Attachment.update(stored_name=planted).execute()
        file = Attachment.get()
        with pytest.raises(FileNotFoundError):
            attachments.open_stored(file)
        assert not attachments.is_stored(file)
        attachments.delete_files([planted])
    assert settings.secret_key_path.exists()
