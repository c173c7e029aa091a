"""The box below the conversation: one text as an answer or a note, with files, sent once."""

import io

import pytest

from database import database
from models import Attachment, Customer, TextBlock
from settings import settings
from tests.support.cast import NOW
from tests.support.contacts import set_contact
from tests.support.files.samples import PDF, PNG
from tests.support.pages import HTMX, all_text, href
from tests.support.servers.mailbox import path_in, text_of
from tests.support.staff import TicketPage

ANNA = "post@sommer.example"


@pytest.fixture
def work(anna, clara, run_worker, ticket):
    """Clara's page of what Anna reported."""
    anna.report("incident")
    run_worker()
    return TicketPage(clara, ticket())


@pytest.fixture
def customer_page(deliver_mails, mailbox):
    """Return the address that the newest mail to Anna leads to."""

    def path():
        deliver_mails()
        return path_in(mailbox.last_to(ANNA), "/vorgang/")

    return path


def send(work, slug, page=None, headers=(), **changes):
    """Fill in the box and press one of its buttons."""
    values = work.form("antworten", page) | changes
    return work.visitor.post(f"{work.path}/{slug}", values, headers=dict(headers))


def photo(name="Anleitung.png"):
    return io.BytesIO(PNG), name


def test_files_of_an_answer_reach_the_customer(work, customer_page, anna, mailbox):
    answer = send(work, "antworten", text="So geht es:", files=[photo(), (io.BytesIO(b"Hallo"), "Notiz.txt")])
    assert answer.status == 303
    path = customer_page()
    mail = mailbox.last_to(ANNA)
    assert "- Anleitung.png" in text_of(mail)
    assert list(mail.iter_attachments()) == []
    page = anna.get(path)
    assert "So geht es:" in page.text_of("messages")
    file = anna.client.get(href(page, "Anleitung.png"), buffered=True)
    assert file.data == PNG
    assert file.mimetype == "application/octet-stream"
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    assert file.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Anleitung.png" in work.look().text_of("ticket")


def test_files_of_an_answer_are_attached_if_wanted(work, customer_page, mailbox):
    settings.mail_attachments = "on"
    send(work, "antworten", text="So geht es:", files=[photo()])
    customer_page()
    assert [part.get_filename() for part in mailbox.last_to(ANNA).iter_attachments()] == ["Anleitung.png"]
    send(work, "antworten", text="Nachtrag")
    customer_page()
    assert list(mailbox.last_to(ANNA).iter_attachments()) == []


def test_customer_gets_no_other_file(work, customer_page, anna, clara, run_worker, tickets):
    send(work, "notieren", text="Vertrag", files=[photo("Vertrag.png")])
    anna.report("other", description="Noch etwas")
    run_worker()
    foreign = TicketPage(clara, tickets()[1])
    send(foreign, "antworten", text="Liste", files=[photo("Liste.png")])
    send(work, "antworten", text="Danke")
    path = customer_page()
    assert "Vertrag" not in all_text(anna.get(path))
    assert (
        anna.post(path, anna.get(path).fields().to_dict() | {"text": "Bild", "files": [photo("Eigenes.png")]}).status
        == 303
    )
    staged = send(work, "antworten", text="", files=[photo("Entwurf.png")])
    assert "Entwurf.png" in staged.text_of("reply-form")
    with database.connection_context():
        files = {file.name: file.id for file in Attachment.select()}
    assert files.keys() == {"Vertrag.png", "Liste.png", "Eigenes.png", "Entwurf.png"}
    for id in [*files.values(), 9999]:
        assert anna.get(f"{path}/anhang/{id}").status == 404
    link = href(work.look(), "Vertrag.png")
    assert clara.client.get(link, buffered=True).data == PNG


def test_file_that_is_refused_and_one_that_waits(work, events):
    page = send(work, "notieren", text="Siehe Bild", files=[photo(), (io.BytesIO(b"MZ"), "setup.exe")])
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert "setup.exe" in page.text_of("ticket")
    assert "Anleitung.png" in page.text_of("attachment-list")
    assert page.fields(f"{work.path}/notieren")["text"] == "Siehe Bild"
    values = work.form("notieren", page)
    kept = work.visitor.post(f"{work.path}/anhaenge/entfernen", values | {"attachment": values["staged"]})
    assert "„Anleitung.png“ ist entfernt." in kept.text_of("attachment-list")
    assert send(work, "notieren", kept, files=[(io.BytesIO(PDF), "Plan.pdf")]).status == 303
    assert events()[-1][2] == "Siehe Bild"
    assert "Plan.pdf" in work.look().text_of("ticket")
    assert "Anleitung.png" not in work.look().text_of("ticket")


def test_script_uploads_before_it_sends(work, clara):
    values = {name: work.form("antworten")[name] for name in ("csrf_token", "draft")}
    listed = clara.post(f"{work.path}/anhaenge", values | {"files": [photo()]}, headers=HTMX)
    assert "Anleitung.png" in "".join(listed.tree.itertext())
    answer = send(work, "antworten", text="Bild", draft=values["draft"], headers=HTMX)
    assert answer.status == 200
    assert "Anleitung.png" in answer.text_of("ticket")
    assert answer.fields(f"{work.path}/antworten")["text"] == ""
    assert answer.fields(f"{work.path}/antworten")["draft"] != values["draft"]


def test_script_gets_a_new_token_for_an_upload(work, clara):
    values = {"csrf_token": "abgelaufen", "draft": work.form("antworten")["draft"]}
    answer = clara.post(f"{work.path}/anhaenge", values | {"files": [photo()]}, headers=HTMX)
    assert answer.response.headers["HX-Trigger"] == "session-renewed"
    assert answer.fields()["csrf_token"]
    clara.client.delete_cookie("session")
    assert clara.post(f"{work.path}/anhaenge", values | {"files": [photo()]}, headers=HTMX).status == 401
    with database.connection_context():
        assert Attachment.select().count() == 0


@pytest.mark.parametrize("slug", ["antworten", "notieren"])
def test_text_that_is_sent_twice_is_stored_once(work, events, deliver_mails, slug):
    page = work.look()
    for _ in range(2):
        assert send(work, slug, page, text="Wir kommen.", files=[photo()]).status == 303
    assert [text for _, _, text in events()[1:]] == ["Wir kommen."]
    mails = [mail for mail in deliver_mails() if mail["Subject"].startswith("Antwort")]
    assert len(mails) == (slug == "antworten")
    with database.connection_context():
        assert Attachment.select().count() == 1


@pytest.mark.parametrize("slug", ["antworten", "notieren"])
def test_another_text_from_the_same_page_is_asked_about(work, events, slug):
    page = work.look()
    send(work, slug, page, text="Wir kommen.")
    again = send(work, slug, page, text="Doch erst morgen.", files=[photo()])
    assert again.status == 422
    assert "Sie haben hier schon einen anderen Text gesendet" in again.text_of("ticket")
    assert "Anleitung.png" in again.text_of("attachment-list")
    assert send(work, slug, again).status == 303
    assert [text for _, _, text in events()[1:]] == ["Wir kommen.", "Doch erst morgen."]


def test_other_actions_leave_the_box_as_it_is(work, ticket):
    values = work.form("antworten") | {"text": "Halb fertig", "files": [photo()]}
    draft = {name: values[name] for name in ("csrf_token", "draft", "files")}
    work.visitor.post(f"{work.path}/anhaenge", draft, headers=HTMX)
    values = {name: text for name, text in values.items() if name != "files"}
    page = work.visitor.post(f"{work.path}/uebernehmen", values | work.form("uebernehmen"), headers=HTMX)
    assert ticket().assignee.name == "Clara Neumann"
    assert page.fields(f"{work.path}/antworten")["text"] == "Halb fertig"
    assert "Anleitung.png" in page.text_of("attachment-list")
    assert send(work, "antworten", page).status == 303


def test_both_see_that_the_customer_has_written(work, customer_page, anna):
    send(work, "antworten", text="Welche Nummer hat er?", then_wait="y")
    path = customer_page()
    assert "Wir warten auf Ihre Antwort." in all_text(anna.get(path))
    anna.post(path, anna.get(path).fields().to_dict() | {"text": "4711"})
    assert "Wir haben Ihre Nachricht vom 23.11.2026 und antworten darauf." in all_text(anna.get(path))
    assert "Kunde hat geschrieben" in work.look().text_of("ticket")
    send(work, "antworten", text="Danke")
    assert "Wir haben Ihre Nachricht vom" not in all_text(anna.get(path))


def test_text_block_for_the_solution(work, events):
    with database.connection_context():
        block = TextBlock.create(name="Fertig", text="{Name}, es läuft wieder.")
    values = work.form("erledigen") | {"erledigen-text": "Hallo", "erledigen-block": str(block.id)}
    page = work.visitor.post(f"{work.path}/erledigen/textbaustein", values)
    assert work.act("erledigen", page=page).status == 303
    assert events()[-1][2] == "Hallo\n\nAnna Sommer, es läuft wieder."
    for slug in ("uebernehmen", "gibt-es-nicht"):
        assert work.visitor.post(f"{work.path}/{slug}/textbaustein", values).status == 404


def test_too_many_uploads(work):
    settings.uploads_per_hour = 1
    assert send(work, "notieren", text="Siehe Bild", files=[photo()]).status == 303
    page = send(work, "notieren", text="Siehe Bilder", files=[photo("Zweites.png")])
    assert page.status == 429
    assert "sehr viele Dateien" in page.text_of("ticket")
    assert page.fields(f"{work.path}/notieren")["text"] == "Siehe Bilder"


@pytest.mark.parametrize("is_locked", [False, True])
def test_a_note_is_left_when_nobody_can_be_answered(work, events, is_locked):
    with database.connection_context():
        Customer.update(locked_at=NOW).execute() if is_locked else set_contact(email="")
    page = work.look()
    assert "antworten" not in work.offered_actions()
    assert work.act("notieren", "angerufen", page).status == 303
    assert events()[-1][2] == "angerufen"
