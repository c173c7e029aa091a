"""What people see of a file: its true name and the sent one, what to know before opening it, its first lines."""

import io

import pytest

from database import database
from enums import MAX_ATTACHMENTS
from models import Attachment
from tests.support.approvers import COMPANY, OFFICE
from tests.support.files.samples import HEIC, JPEG, PDF, PNG
from tests.support.pages import HTMX, Visitor
from tests.support.servers.mailbox import text_of

SENT, TRUE = "IMG_1.HEIC", "IMG_1.jpg"
PROTECTED = PDF.replace(b"/Root", b"/Encrypt 9 0 R /Root")
SCRIPTED_TOO = PROTECTED.replace(b"/Root", b"/OpenAction << /S /JavaScript >> /Root")


def files(*pairs):
    return [(io.BytesIO(content), name) for name, content in pairs]


def listed(page):
    """Return the names in the list of staged files."""
    spans = [span for span in page.tree.iter("span") if span.get("class") == "file-name"]
    return [" ".join("".join(span.itertext()).split()) for span in spans]


def stored():
    with database.connection_context():
        return [(file.name, file.sent_name) for file in Attachment.select().order_by(Attachment.id)]


@pytest.fixture
def upload(anna):
    """Upload files as the form does when they are chosen, and return the answer."""
    values = {name: value for name, value in anna.get("/").fields().items() if name in ("csrf_token", "draft")}
    return lambda *pairs, **options: anna.post("/anhaenge", values | {"files": files(*pairs)}, headers=HTMX, **options)


@pytest.fixture
def ticket_page(anna, clara, run_worker, submissions):
    """Send files with a request, and return the page of its ticket in the office."""

    def show(*pairs):
        anna.report("incident", files=files(*pairs))
        run_worker()
        return clara.get(f"/verwaltung/ticket/{submissions()[-1].code}")

    return show


@pytest.mark.parametrize(
    ("content", "sent", "true"),
    [
        (JPEG, SENT, TRUE),
        (HEIC, "IMG_2.jpg", "IMG_2.heic"),
        (PNG, "Scan.PDF", "Scan.png"),
        (PDF, "Rechnung.jpg", "Rechnung.pdf"),
        (JPEG, "Foto", "Foto.jpg"),
        (JPEG, "Foto vom 3. Mai", "Foto vom 3. Mai.jpg"),
        (JPEG, "x" * 120, "x" * 116 + ".jpg"),
    ],
)
def test_list_says_that_the_name_changed(anna, upload, content, sent, true):
    line = f"{sent} → heißt jetzt {true}"
    assert listed(upload((sent, content))) == [line]
    assert listed(anna.send("incident", name="", files=files((sent, content)))) == [line]
    assert stored() == [(true, sent)] * 2


def test_list_says_it_in_english(app, anna):
    visitor = Visitor(app, anna.known)
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert listed(visitor.send("incident", name="", files=files((SENT, JPEG)))) == [f"{SENT} → is now called {TRUE}"]


@pytest.mark.parametrize(("name", "content"), [("Foto.jpeg", JPEG), ("Foto.JPG", JPEG), ("Notiz.log", b"Hallo")])
def test_right_name_is_said_once(upload, name, content):
    assert listed(upload((name, content))) == [name]
    assert stored() == [(name, "")]


def test_screen_reader_hears_words_for_the_arrow(upload):
    (arrow,) = [span for span in upload((SENT, JPEG)).tree.iter("span") if span.text == "→"]
    assert arrow.get("aria-hidden") == "true"


def test_file_can_be_removed_by_its_true_name(upload, anna):
    page = upload((SENT, JPEG))
    (button,) = page.tree.iter("button")
    assert button.get("aria-label") == f"{TRUE} entfernen"
    values = anna.get("/").fields().to_dict() | {"attachment": button.get("value")}
    with database.connection_context():
        values["draft"] = Attachment.get().draft
    assert f"„{TRUE}“ ist entfernt." in anna.post("/anhaenge/entfernen", values, headers=HTMX).text


def test_same_file_under_both_names_is_one(upload):
    page = upload((SENT, JPEG), (TRUE, JPEG))
    assert page.status == 200
    assert listed(page) == [f"{SENT} → heißt jetzt {TRUE}"]


def test_refusal_names_the_file_as_it_was_sent(upload):
    upload(*((f"{number}.txt", b"%d" % number) for number in range(MAX_ATTACHMENTS)))
    assert f"„{SENT}“ konnten wir nicht annehmen" in upload((SENT, JPEG)).text


def test_office_sees_both_names_and_saves_the_true_one(ticket_page, clara):
    page = ticket_page((SENT, JPEG), ("Plan.pdf", PDF))
    text = page.text_of("main")
    assert f"gesendet als {SENT}" in text
    assert text.count("gesendet als") == 1
    link = next(link for link in page.tree.iter("a") if link.text == TRUE)
    answer = clara.client.get(link.get("href"))
    assert answer.headers["Content-Disposition"] == f"attachment; filename={TRUE}"
    answer.close()


def test_mails_and_receipt_name_the_true_one(anna, run_worker, mailbox):
    receipt = anna.report("incident", files=files((SENT, JPEG)))
    run_worker()
    assert TRUE in receipt.text_of("main")
    for person in (OFFICE, COMPANY):
        assert TRUE in text_of(mailbox.last_to(person))


@pytest.mark.parametrize(
    ("content", "caution"),
    [
        (PDF, ""),
        (PROTECTED, "ist mit Kennwort geschützt"),
        (SCRIPTED_TOO, "enthält JavaScript, Aktion beim Öffnen und ist mit Kennwort geschützt"),
    ],
    ids=["plain", "protected", "active"],
)
def test_office_is_told_of_a_password(ticket_page, mailbox, content, caution):
    page = ticket_page(("Vertrag.pdf", content))
    warnings = [span.text for span in page.element("main").iter("span") if span.get("class") == "warning"]
    mail = text_of(mailbox.last_to(OFFICE))
    assert warnings == ([caution] if caution else [])
    assert (f"Vorsicht: „Vertrag.pdf“ {caution}." in mail) == bool(caution)
    assert "Kennwort" not in text_of(mailbox.last_to(COMPANY))


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"\x1b[31mFehler\x1b[0m in Zeile 3\n", "Fehler in Zeile 3"),
        ("Verfügbar: 3\r\nDatenträger: 2".encode("cp850"), "Verfügbar: 3\nDatenträger: 2"),
        ("Größe: 3".encode("utf-16-le"), "Größe: 3"),
        (b"Dienst beendet\0\0\0", "Dienst beendet"),
        (b"alt\x1a", "alt"),
        ("a\u202etxt.exe".encode(), "atxt.exe"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
    ids=["colours", "cp850", "utf-16", "nul", "ctrl-z", "direction", "page"],
)
def test_office_sees_first_lines_without_harm(ticket_page, content, shown):
    page = ticket_page(("Protokoll.log", content))
    assert [pre.text for pre in page.tree.iter("pre")] == [shown]
