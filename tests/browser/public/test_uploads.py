"""Attachments in Chromium: choosing, dropping, pasting, progress, removing, and sending during an upload."""

import re

import pytest
from playwright.sync_api import expect

from enums import MAX_ATTACHMENT_BYTES
from tests.support.browser.tab import names_of
from tests.support.files.samples import JPEG, SMALL_PNG
from tests.support.pages import EXAMPLES

# Keeps what the progress bar shows while it can be seen.
WATCH_PROGRESS = """() => {
    const bar = document.getElementById("upload-progress");
    bar.dataset.shown = "";
    new MutationObserver(() => { if (bar.checkVisibility()) bar.dataset.shown += ` ${bar.value}`; })
        .observe(bar, {attributeFilter: ["value"]});
}"""

MAKE_TRANSFER = """(files) => {
    const transfer = new DataTransfer();
    for (const [name, type, text] of files) transfer.items.add(new File([text], name, {type}));
    return transfer;
}"""


# A file that stays in the cloud: reading it fails, or never ends.
READING_CLOUD_FILES = """() => {
    const slice = Blob.prototype.slice;
    Blob.prototype.slice = function (...range) {
        const part = slice.apply(this, range);
        if (this.name?.startsWith("Cloud")) part.arrayBuffer = () => %s;
        return part;
    };
}"""
CLOUD_ENDS = ["Promise.reject(new DOMException('gone', 'NotFoundError'))", "new Promise(() => {})"]

CANNOT_READ = {
    "de": "Ihr Browser kann „{}“ nicht lesen. Bitte",
    "en": "Your browser cannot read “{}”. If it is a folder",
}


@pytest.fixture
def form(tab):
    """An incident, filled in and ready to be sent."""
    return tab.begin("incident")


def uploads(tab):
    return [request for request in tab.requests if request.url.endswith("/anhaenge")]


def test_upload_shows_its_progress(form, sent):
    bar = form.at("#upload-progress")
    form.page.evaluate(WATCH_PROGRESS)
    form.throttle_uploads()
    form.add_files(("Protokoll.log", b"Zeile des Protokolls\r\n" * 6_800))
    expect(bar).to_have_attribute("data-shown", re.compile(r"( [1-9][\d.]*){2}"))
    form.go_online()
    form.sees_files("Protokoll.log")
    expect(bar).to_be_hidden()
    shown = [float(value) for value in bar.get_attribute("data-shown").split()]
    assert shown == sorted(shown)
    expect(form.at(".files li")).to_contain_text("146\xa0KB")
    assert form.chosen_files() == []
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Protokoll.log"]


def test_several_at_once_and_one_removed(form, sent):
    form.add_files(("Eins.txt", b"1"), ("Zwei.png", SMALL_PNG), ("Drei.log", b"3"))
    form.sees_files("Eins.txt", "Zwei.png", "Drei.log")
    form.page.get_by_role("button", name="Zwei.png entfernen").click()
    form.sees_files("Eins.txt", "Drei.log")
    expect(form.at("#attachment-list :focus")).to_have_text("„Zwei.png“ ist entfernt.")
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Drei.log", "Eins.txt"]


def test_a_bad_file_gets_its_sentence_and_the_good_ones_stay(form, sent):
    form.add_files(
        ("Gut.txt", b"1"), ("Programm.exe", b"MZ"), ("Kaputt.png", SMALL_PNG[:20]), ("Auch gut.png", SMALL_PNG)
    )
    form.sees_files("Gut.txt", "Auch gut.png")
    sentences = form.at("#attachments [role=alert] li")
    expect(sentences).to_have_count(2)
    expect(sentences.first).to_contain_text("„Programm.exe“ konnten wir nicht annehmen")
    expect(form.at("#attachments [role=alert] p")).to_contain_text("Erlaubt sind Bilder")
    expect(sentences.last).to_contain_text("„Kaputt.png“ konnten wir nicht annehmen")
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Auch gut.png", "Gut.txt"]


def test_a_photo_with_a_wrong_ending_is_shown_under_its_true_name(form, sent):
    form.add_files(("Logo.png", JPEG))
    form.sees_files("Logo.png → heißt jetzt Logo.jpg")
    expect(form.at(".files img")).to_have_attribute("src", re.compile("^data:image/webp"))
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Logo.jpg"]


def test_a_sixth_file_is_refused(form, sent):
    form.add_files(*((f"{number}.txt", b"%d" % number) for number in range(4)))
    form.sees_files("0.txt", "1.txt", "2.txt", "3.txt")
    form.add_files(("4.txt", b"4"), ("5.txt", b"5"))
    form.sees_files("0.txt", "1.txt", "2.txt", "3.txt", "4.txt")
    expect(form.at("#attachments [role=alert] li")).to_contain_text("„5.txt“ konnten wir nicht annehmen")
    form.send()
    form.sees_receipt()
    assert len(names_of(*sent())) == 5


def test_a_file_that_is_too_large_is_refused_at_once(form, sent):
    large = ("Film.txt", b"x" * (MAX_ATTACHMENT_BYTES + 1))
    form.add_files(large)
    expect(form.at("#upload-message")).to_contain_text("„Film.txt“ konnten wir nicht annehmen")
    expect(form.at("#upload-message")).to_contain_text("10\xa0MB")
    assert (uploads(form), form.chosen_files()) == ([], [])
    form.add_files(large, ("Gut.txt", b"gut"))
    form.sees_files("Gut.txt")
    expect(form.at("#upload-message")).to_contain_text("„Film.txt“ konnten wir nicht annehmen")
    assert len(uploads(form)) == 1
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Gut.txt"]


@pytest.mark.parametrize("place", [".dropzone:has(#files)", "#description"], ids=["on the zone", "beside it"])
def test_drag_and_drop(form, sent, place):
    files = [["Eins.txt", "text/plain", "eins"], ["Zwei.log", "", "zwei"]]
    transfer = form.page.evaluate_handle(MAKE_TRANSFER, files)
    for event in ("dragenter", "dragover", "drop"):
        form.at(place).dispatch_event(event, {"dataTransfer": transfer})
    form.sees_files("Eins.txt", "Zwei.log")
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Eins.txt", "Zwei.log"]


def test_a_text_dragged_into_a_field_is_no_file(form):
    transfer = form.page.evaluate_handle("new DataTransfer()")
    transfer.evaluate("(transfer) => transfer.setData('text/plain', 'Papierstau')")
    prevented = form.at("#description").evaluate(
        """(field, dataTransfer) => !field.dispatchEvent(
            new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}))""",
        transfer,
    )
    assert not prevented
    assert uploads(form) == []


def test_screenshots_by_paste(form, sent):
    # Every screenshot in a clipboard has the same name.
    other = SMALL_PNG[:33] + SMALL_PNG[33:-12] + bytes.fromhex("00000000744558749642c585") + SMALL_PNG[-12:]
    form.at("#description").focus()
    form.paste("image.png", SMALL_PNG)
    form.sees_files("image.png")
    form.paste("image.png", other)
    form.sees_files("image.png", "image.png")
    form.sees_values({"description": "Der Drucker zieht kein Papier ein."})
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert {attachment.size for attachment in submission.files} == {len(SMALL_PNG), len(other)}


def test_paste_of_text_stays_text(form):
    prevented = form.at("#description").evaluate(
        """(field) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", "Papierstau");
            return !field.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
        }"""
    )
    assert not prevented


def test_the_same_file_twice_is_one(form, sent):
    form.add_files(("Foto.png", SMALL_PNG))
    form.sees_files("Foto.png")
    with form.page.expect_response("**/anhaenge"):
        form.add_files(("Foto.png", SMALL_PNG))
    form.sees_files("Foto.png")
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Foto.png"]


def test_choosing_more_while_an_upload_runs(form, sent):
    form.begin_upload(("Erste.log", b"1"))
    form.add_files(("Zweite.txt", b"2"))
    form.add_files(("Dritte.txt", b"3"), ("Programm.exe", b"MZ"))
    form.upload_goes_on()
    form.sees_files("Erste.log", "Zweite.txt", "Dritte.txt")
    expect(form.at("#attachments")).to_contain_text("„Programm.exe“ konnten wir nicht annehmen")
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Dritte.txt", "Erste.log", "Zweite.txt"]


def test_refusals_of_two_uploads_both_stay_readable(form):
    form.begin_upload(("Erste.log", b"1"), ("Kaputt.png", SMALL_PNG[:20]))
    form.add_files(("Zweite.txt", b"2"))
    form.upload_goes_on()
    form.sees_files("Erste.log", "Zweite.txt")
    expect(form.at("#attachments")).to_contain_text("„Kaputt.png“ konnten wir nicht annehmen")


def test_send_waits_for_the_upload(form, sent):
    form.begin_upload(("Erste.log", b"1"))
    form.add_files(("Zweite.txt", b"2"))
    form.send()
    expect(form.at("#form-message")).to_contain_text("sobald die Dateien hochgeladen sind")
    assert len(sent()) == 0
    form.upload_goes_on()
    form.sees_receipt()
    assert names_of(*sent()) == ["Erste.log", "Zweite.txt"]


def test_send_waits_and_a_bad_file_stops_nothing_good(form, sent):
    form.begin_upload(("Erste.log", b"1"), ("Programm.exe", b"MZ"))
    form.send()
    form.upload_goes_on()
    expect(form.at("#attachments")).to_contain_text("„Programm.exe“ konnten wir nicht annehmen")
    form.sees_files("Erste.log")
    # The sender has not yet read that a file is missing, so the form is not sent automatically.
    assert len(sent()) == 0
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Erste.log"]


def test_removing_one_file_while_another_is_uploaded(form, sent):
    form.add_files(("Falsch.txt", b"1"))
    form.sees_files("Falsch.txt")
    form.begin_upload(("Erste.log", b"1"))
    form.page.get_by_role("button", name="Falsch.txt entfernen").click()
    form.sees_files()
    form.upload_goes_on()
    form.sees_files("Erste.log")
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Erste.log"]


# --- Files that the browser cannot read ---


def cannot_read(tab, *names, language="de"):
    """Check that the message at the upload, which screen readers announce, names exactly these files."""
    complaints = tab.at("#attachments [role=alert] #upload-message li")
    expect(complaints).to_have_text([re.compile(f"^{CANNOT_READ[language].format(name)}") for name in names])


@pytest.mark.parametrize("language", CANNOT_READ)
def test_a_dropped_folder_is_named_and_the_rest_goes_on(tab, sent, language):
    tab.open(f"/?lang={language}")
    tab.fill(tab.known)
    tab.at("input[name=category][value=incident]").check()
    tab.fill(EXAMPLES["incident"])
    good, inside = tab.on_disk(("Gut.txt", b"gut"), ("Bild.png", SMALL_PNG))
    folder = inside.with_name("Bilder vom Drucker")
    folder.mkdir()
    tab.drop_files(".dropzone:has(#files)", folder, good)
    tab.sees_files("Gut.txt")
    cannot_read(tab, folder.name, language=language)
    tab.drop_files(".dropzone:has(#files)", folder)
    cannot_read(tab, folder.name, language=language)
    assert len(uploads(tab)) == 1
    tab.send()
    expect(tab.at(".code")).to_be_visible()
    assert names_of(*sent()) == ["Gut.txt"]


def test_a_file_that_vanishes_while_it_waits(form, sent):
    form.begin_upload(("Erste.log", b"1"))
    gone, _ = form.add_files(("Zweite.txt", b"2"), ("Dritte.txt", b"3"))
    form.send()
    gone.unlink()
    form.upload_goes_on()
    form.sees_files("Erste.log", "Dritte.txt")
    cannot_read(form, "Zweite.txt")
    # The sender has not yet read that a file is missing, so the form is not sent automatically.
    expect(form.at("#form-message")).to_contain_text("Nicht alle Dateien konnten wir annehmen.")
    assert len(sent()) == 0
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Dritte.txt", "Erste.log"]


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: path.write_bytes(b"neu und anders")])
def test_a_file_that_changes_during_its_upload(form, sent, change):
    changed, _ = form.begin_upload(("Tabelle.txt", b"1"), ("Gut.txt", b"2"))
    change(changed)
    form.upload_breaks()
    form.sees_files("Gut.txt")
    cannot_read(form, "Tabelle.txt")
    expect(form.at("#upload-progress")).to_be_hidden()
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Gut.txt"]


def test_a_file_that_vanishes_after_its_upload_broke(form, sent):
    gone, _ = form.begin_upload(("Stick.txt", b"1"), ("Gut.txt", b"2"))
    form.upload_breaks()
    expect(form.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    gone.unlink()
    form.send()
    expect(form.at("#form-message")).to_contain_text("Nicht alle Dateien konnten wir annehmen.")
    expect(form.at("#upload-message")).to_contain_text("Ihr Browser kann „Stick.txt“ nicht lesen.")
    assert form.chosen_files() == ["Gut.txt"]
    assert len(sent()) == 0
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Gut.txt"]


@pytest.mark.parametrize("reading", CLOUD_ENDS, ids=["fails", "hangs"])
def test_a_file_that_stays_in_the_cloud(form, sent, reading):
    form.page.evaluate(READING_CLOUD_FILES % reading)
    form.page.clock.install()
    form.add_files(("Cloud.pdf", b"%PDF-"), ("Gut.txt", b"2"))
    form.page.clock.fast_forward(60_000)
    form.sees_files("Gut.txt")
    cannot_read(form, "Cloud.pdf")
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Gut.txt"]


def test_changing_the_kind_while_files_are_read(form, sent):
    form.page.evaluate(READING_CLOUD_FILES % CLOUD_ENDS[1])
    form.page.clock.install()
    form.add_files(("Cloud.pdf", b"%PDF-"), ("Gut.txt", b"2"))
    form.choose("new_employee")
    form.page.clock.fast_forward(60_000)
    form.choose("incident")
    expect(form.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    assert form.chosen_files() == ["Gut.txt"]
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Gut.txt"]


@pytest.mark.parametrize("categories", [["warranty"], ["new_employee", "incident"]], ids=["direct", "detour"])
def test_changing_the_kind_while_an_upload_runs(form, sent, categories):
    form.begin_upload(("Erste.log", b"1"))
    for category in categories:
        form.choose(category)
    form.upload_goes_on()
    form.sees_files("Erste.log")
    form.add_files(("Zweite.txt", b"2"))
    form.sees_files("Erste.log", "Zweite.txt")
    form.fill({"description": "Nach dem Wechsel."})
    if categories[-1] == "warranty":
        form.fill({"device": "ThinkPad E16"})
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Erste.log", "Zweite.txt"]
