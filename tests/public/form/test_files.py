"""Files without scripts: they are sent with the form, survive its errors, and are stored with the request."""

import io

import pytest

from database import database
from enums import MAX_ATTACHMENT_BYTES
from models import Attachment
from services.files import attachments
from settings import settings
from tests.support.files.samples import PNG
from tests.support.pages import HTMX


def file(name, content=b"Hallo"):
    return io.BytesIO(content), name


def listed(page):
    """Return the names of the staged files that a page lists."""
    return [span.text for span in page.element("attachment-list").iter("span") if span.get("class") == "file-name"]


def remove_buttons(page):
    """Return the value of each staged file's button, by the file's name."""
    buttons = page.element("attachment-list").iter("button")
    return {button.get("aria-label").removesuffix(" entfernen"): button.get("value") for button in buttons}


def stored():
    """Return name and bytes of every stored file with its submission, in the order of arrival."""
    with database.connection_context():
        rows = []
        for row in Attachment.select().order_by(Attachment.id):
            with attachments.open_stored(row) as content:
                rows.append((row.name, content.read(), row.submission_id))
        return rows


def test_files_are_stored_as_they_came(anna, submissions, run_worker, tickets):
    text, more = "Umlaute: äöü\r\n".encode("cp1252"), b"\xef\xbb\xbfBOM\n" * 1000
    receipt = anna.report("incident", files=[file("Notiz.txt", text), file("Protokoll.log", more)])
    assert "Notiz.txt (1 KB)" in receipt.text_of("main")
    assert "Protokoll.log (7 KB)" in receipt.text_of("main")
    (submission,) = submissions()
    assert stored() == [("Notiz.txt", text, submission.id), ("Protokoll.log", more, submission.id)]
    run_worker()
    with database.connection_context():
        assert len(tickets()[0].submission.attachments) == 2


def test_stored_names_are_random_and_files_are_served_nowhere(anna):
    anna.report("incident", files=[file("../../Notiz.txt")])
    (path,) = settings.files_dir.iterdir()
    assert len(path.name) == 32
    for address in (f"/files/{path.name}", f"/static/{path.name}", f"/anhaenge/{path.name}", "/files/Notiz.txt"):
        assert anna.get(address).status == 404


def test_files_survive_errors(anna, submissions):
    page = anna.send("incident", name="", files=[file("Notiz.txt")])
    assert page.status == 422
    assert listed(page) == ["Notiz.txt"]
    page = anna.post("/", page.fields().to_dict() | {"files": [file("Protokoll.log", b"Zeile")]})
    assert page.status == 422
    assert listed(page) == ["Notiz.txt", "Protokoll.log"]
    assert anna.post("/", page.fields().to_dict() | {"name": "Anna"}).status == 303
    (submission,) = submissions()
    assert stored() == [("Notiz.txt", b"Hallo", submission.id), ("Protokoll.log", b"Zeile", submission.id)]


def test_the_same_file_again_is_one_file(anna):
    page = anna.send("incident", name="", files=[file("Notiz.txt"), file("Notiz.txt"), file("Notiz.txt", b"anders")])
    page = anna.post("/", page.fields().to_dict() | {"files": [file("Notiz.txt")]})
    assert listed(page) == ["Notiz.txt", "Notiz.txt"]
    assert [content for _, content, _ in stored()] == [b"Hallo", b"anders"]
    assert len(list(settings.files_dir.iterdir())) == 2


def test_remove(anna, submissions):
    page = anna.send("incident", name="", files=[file("Gut.txt"), file("Falsch.txt", b"falsch")])
    typed = page.fields().to_dict()
    remove = {"attachment": remove_buttons(page)["Falsch.txt"], "files": [file("Neu.txt", b"neu")]}
    page = anna.post("/anhaenge/entfernen", typed | remove)
    assert page.status == 200
    assert not page.title.startswith("Fehler")
    assert listed(page) == ["Gut.txt", "Neu.txt"]
    assert {name: page.fields()[name] for name in typed if name != "csrf_token"} == {
        name: value for name, value in typed.items() if name != "csrf_token"
    }
    assert len(list(settings.files_dir.iterdir())) == 2
    assert anna.post("/", page.fields().to_dict() | {"name": "Anna"}).status == 303
    assert [name for name, _, _ in stored()] == ["Gut.txt", "Neu.txt"]


def test_only_staged_files_of_the_own_form_can_be_removed(anna, dora):
    staged = remove_buttons(anna.send("incident", name="", files=[file("Notiz.txt")]))["Notiz.txt"]
    anna.report("incident", files=[file("Gesendet.txt", b"gesendet")])
    with database.connection_context():
        sent = Attachment.get(Attachment.name == "Gesendet.txt")
    others = {"attachment": sent.stored_name, "draft": sent.draft}
    for visitor, values in ((dora, {"attachment": staged}), (anna, others)):
        page = visitor.post("/anhaenge/entfernen", visitor.filled("incident") | values)
        assert page.status == 200
    assert [name for name, _, _ in stored()] == ["Notiz.txt", "Gesendet.txt"]


def test_good_files_stay_beside_a_refused_one(anna, submissions):
    page = anna.send("incident", files=[file("Gut.txt"), file("Programm.exe", b"MZ"), file("leer.txt", b"")])
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert listed(page) == ["Gut.txt"]
    sentences = [sentence for target, sentence in page.summary() if target == "#files"]
    assert ["Programm.exe" in sentences[0], "leer.txt" in sentences[1], len(sentences)] == [True, True, 2]
    assert page.text.count("Erlaubt sind Bilder") == 1
    assert "Erlaubt sind Bilder" in page.text_of("attachment-list")
    assert submissions() == []
    assert anna.post("/", page.fields().to_dict()).status == 303
    assert [(name, content) for name, content, _ in stored()] == [("Gut.txt", b"Hallo")]
    assert len(list(settings.files_dir.iterdir())) == 1


@pytest.mark.parametrize(("name", "content"), [("leer.txt", b""), ("halb.png", PNG[:30])])
def test_allowed_types_are_not_listed_for_an_allowed_type(anna, name, content):
    page = anna.send("incident", files=[file(name, content)])
    assert f"„{name}“ konnten wir nicht annehmen" in page.text_of("attachment-list")
    assert "Erlaubt sind" not in page.text


def test_no_more_than_five(anna, submissions):
    page = anna.send("incident", files=[file(f"{number}.txt", b"%d" % number) for number in range(7)])
    assert page.status == 422
    assert listed(page) == [f"{number}.txt" for number in range(5)]
    ((_, sentence),) = page.summary()
    assert sentence.startswith("„5.txt“ und „6.txt“ konnten wir nicht annehmen: Mehr als 5 Anhänge")
    assert anna.post("/", page.fields().to_dict()).status == 303
    assert len(stored()) == len(list(settings.files_dir.iterdir())) == 5


def test_no_more_than_ten_mebibytes(anna):
    largest, larger = b"x" * MAX_ATTACHMENT_BYTES, b"x" * (MAX_ATTACHMENT_BYTES + 1)
    page = anna.send("incident", files=[file("zu-gross.txt", larger), file("gerade-noch.txt", largest)])
    assert page.status == 422
    assert listed(page) == ["gerade-noch.txt"]
    ((_, sentence),) = page.summary()
    assert "zu-gross.txt" in sentence
    assert "größer als 10 MB" in sentence
    assert [(name, len(content)) for name, content, _ in stored()] == [("gerade-noch.txt", MAX_ATTACHMENT_BYTES)]


def test_a_new_employee_has_no_attachments(anna, submissions):
    page = anna.send("incident", name="", files=[file("Notiz.txt")])
    values = anna.filled("new_employee", draft=page.fields()["draft"], files=[file("Vertrag.txt", b"geheim")])
    assert anna.post("/", values).status == 303
    assert [submission_id for _, _, submission_id in stored()] == [None, None]
    receipt = anna.get(f"/eingegangen/{submissions()[0].code}")
    assert "Notiz.txt" not in receipt.text
    assert "Vertrag.txt" not in receipt.text


def test_files_of_another_form_are_not_adopted(anna, dora, submissions):
    dora.send("incident", name="", files=[file("Doras.txt")])
    anna.report("incident", files=[file("Annas.txt", b"Anna")])
    assert [(name, owner) for name, _, owner in stored()] == [("Doras.txt", None), ("Annas.txt", submissions()[0].id)]


@pytest.mark.parametrize("draft", [None, "", "kurz", "x" * 23, "../../../etc/passwd...", "ü" * 22])
def test_without_a_valid_submission_key_nothing_is_lost(anna, submissions, draft):
    page = anna.send("incident", draft=draft, name="", files=[file("Notiz.txt")])
    assert page.status == 422
    assert listed(page) == ["Notiz.txt"]
    assert anna.post("/", page.fields().to_dict() | {"name": "Anna"}).status == 303
    assert stored() == [("Notiz.txt", b"Hallo", submissions()[0].id)]


def test_upload_when_chosen(anna, submissions):
    form = anna.get("/").fields()
    tokens = {"csrf_token": form["csrf_token"], "draft": form["draft"]}
    page = anna.post("/anhaenge", tokens | {"files": [file("Notiz.txt")]}, headers=HTMX)
    assert page.status == 200
    assert "Notiz.txt" in page.text
    page = anna.post("/anhaenge", tokens | {"files": [file("Boese.html"), file("Gut.log")]}, headers=HTMX)
    assert page.status == 422
    assert [name in page.text for name in ("Notiz.txt", "Boese.html", "Gut.log")] == [True, True, True]
    stored_name = next(button for button in page.tree.iter("button")).get("value")
    page = anna.post("/anhaenge/entfernen", tokens | {"attachment": stored_name}, headers=HTMX)
    assert page.status == 200
    assert "„Notiz.txt“ ist entfernt." in page.text
    assert anna.post("/", anna.filled("incident") | tokens).status == 303
    assert [(name, owner) for name, _, owner in stored()] == [("Gut.log", submissions()[0].id)]
