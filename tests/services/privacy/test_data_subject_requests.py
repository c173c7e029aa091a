"""One person in everything that is stored: found, exported as an archive, and erased."""

import io
import json
import zipfile
from contextlib import closing
from types import SimpleNamespace

import html5lib
import pytest
from peewee import CharField, TextField, sqlite3
from playhouse.fields import EnumField

import clock
from database import database
from i18n.typed_text import PIECE_CHARS, normalise_code
from models import Attachment, Contact, Customer, Event, Message, Staff, Submission, TextBlock, Ticket
from services.background import worker
from services.mail import messages
from services.privacy import erasure, person_search
from services.privacy.person_matcher import PersonMatcher
from services.reports.overview import Overview
from settings import settings
from tests.support.cast import NOW
from tests.support.contacts import set_contact
from tests.support.database import database_bytes, files_on_disk
from tests.support.files.samples import PNG
from tests.support.pages import EXAMPLES
from tests.support.pasted import MARKS
from tests.support.staff import TicketPage

PAGE = "/verwaltung/datenschutz/person"
LOG = "08:10 Benutzer Jana Koehler: kein Netz\n".encode("utf-16")
LINES = "Jana Köhler\n+49 (0)172 5550133\njana@sommer.example"

# None of these spellings may be left.
WRITTEN = ["Jana Köhler", "Jana Koehler", "JANA KÖHLER", "Köhler, Jana", "jana@sommer.example"]
WRITTEN += ["0172 5550133", "0172/5550133"]


@pytest.fixture
def jana(anna, dora, clara, run_worker, tickets):
    """Put Jana Köhler everywhere; return the pages of her own ticket, one about her, and one of somebody else."""
    settings.webhook_url, settings.webhook_secret = "http://127.0.0.1:9/", "sechzehn Zeichen!"
    with database.connection_context():
        customer = Customer.get()
        Customer.update(note="Jana Köhler anrufen", mail_domain="sommer.example").execute()
        set_contact(name="Jana Köhler")
        TextBlock.create(name="Rechner", text="Fragen Sie Jana Köhler.")
        Contact.create(is_approver=True, customer=customer, name="Köhler, Jana", email="jana@sommer.example")
        Contact.create(is_approver=True, customer=customer, name="Bernd Brot", email="bernd@sommer.example")
    sender = {"name": "Jana Koehler", "phone": "0172/5550133", "email": "jana@sommer.example"}
    anna.report("incident", files=[(io.BytesIO(PNG), "Foto.png"), (io.BytesIO(LOG), "server.log")], **sender)
    anna.report("warranty", description="Das Gerät von JANA KÖHLER (0172 555 01 33) ist defekt.", phone="0211 555-0102")
    anna.report("callback", phone="0211 555-0103")
    dora.report("other", description="Rufen Sie jana@sommer.example an.", files=[(io.BytesIO(PNG), "jana-köhler.heic")])
    run_worker()
    pages = [TicketPage(clara, ticket) for ticket in tickets()]
    assert pages[0].act("notieren", "Erreicht:\nJana Köhler, 0172 5550133").status == 303
    return pages


def search(clara, lines=LINES):
    return clara.post(PAGE, clara.get(PAGE).fields(PAGE).to_dict() | {"lines": lines})


def choose(page, everything=True):
    """Return the values of the page with the matches: all of them, or only those already checked."""
    values = page.fields(f"{PAGE}/loeschen")
    if everything:
        boxes = [box for box in page.tree.iter("input") if box.get("type") == "checkbox"]
        for name in ("fund", "datei"):
            values.setlist(name, [box.get("value") for box in boxes if box.get("name") == name])
    return values


def erase(clara, values):
    page = clara.post(f"{PAGE}/loeschen", values)
    assert page.status == 200, page.text_of("main")
    return clara.post(f"{PAGE}/loeschen/ausfuehren", page.fields(f"{PAGE}/loeschen/ausfuehren"))


def left_over(texts=WRITTEN):
    content = database_bytes()
    return [text for text in texts if text.encode() in content]


def test_is_found_in_every_place(jana, clara):
    page = search(clara)
    assert page.status == 200
    assert page.response.headers["Cache-Control"] == "no-store"
    shown = page.text_of("main")
    for words in (
        "Name: Jana Koehler",
        "Kontaktnummer: 0172/5550133",
        "E-Mail: jana@sommer.example",
        "Inhalt von server.log: 08:10 Benutzer Jana Koehler",
        "Beschreibung: Das Gerät von JANA KÖHLER",
        "Verlauf: interne Notiz: Erreicht: Jana Köhler",
        "Verlauf: um Freigabe gebeten:",
        "E-Mail „Bestätigung“: Empfänger: jana@sommer.example",
        "Notiz: Jana Köhler anrufen",
        "Person bei Bäckerei Sommer",
        "Name einer Datei: jana-köhler.png",
        "Name einer Datei: jana-köhler.heic",
        "Textbaustein: Fragen Sie Jana Köhler",
        "Nicht zugeordnet",
    ):
        assert words in shown
    assert len(page.tree.findall(".//mark")) > 10


# Columns that are not searched, and why.
NOT_SEARCHED = {
    # Made by the portal.
    *("submission.draft", "submission.code", "submission.pin_proof", "event.draft", "message.message_id"),
    *("attachment.draft", "attachment.stored_name", "attachment.media_type", "attachment.active_content"),
    *("attachment.digest", "customer.pin_hash", "message.file_ids"),
    # Emptied by every later event, also that of an erasure; what it repeats is searched at its own place.
    "event.before",
    # About the company, or the network of the request.
    *("submission.customer_number", "submission.address", "attachment.address", "customer.number"),
    "customer.mail_domain",
    # The office's own.
    "text_block.name",
}
# The name of a company stays, even if it is a person's; the page says so.
NOT_ERASED = {"customer.name"}


def test_every_text_is_searched_and_erased_or_has_a_reason_not_to_be(app, anna, run_worker):
    anna.report("other", files=[(io.BytesIO(PNG), "Foto.png")])
    run_worker()
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")
        TextBlock.create(name="Rechner", text="Gut.")
        Event.update(kind=person_search.APPROVER_EVENTS[0]).execute()
    tables = (Submission, Event, Message, Customer, Contact, Attachment, TextBlock)
    columns = {
        f"{table._meta.table_name}.{column.name}": column
        for table in tables
        for column in table._meta.sorted_fields
        if isinstance(column, CharField | TextField) and not isinstance(column, EnumField)
    }
    assert columns.keys() >= NOT_SEARCHED | NOT_ERASED
    matcher, clara = PersonMatcher(["Jana Köhler"]), SimpleNamespace(name="Clara Neumann")
    for place in columns.keys() - NOT_SEARCHED:
        with app.app_context(), database.connection_context(), database.atomic() as attempt:
            table, column = columns[place].model, columns[place]
            table.update({column: "Jana Köhler"}).where(table.id == 1).execute()
            matches, _ = person_search.find(matcher)
            assert matches, place
            erasure.erase(matches, matcher, [], clara, NOW)
            assert table.select().where(column == "Jana Köhler").exists() == (place in NOT_ERASED), place
            attempt.rollback()


def test_erasure_leaves_nothing_to_undo(jana, clara):
    jana[0].act("zuweisen", "niemand")
    with database.connection_context():
        assert Event.select().where(Event.before.is_null(False)).exists()
    erase(clara, choose(search(clara)))
    with database.connection_context():
        assert not Event.select().where(Event.before.is_null(False)).exists()


@pytest.mark.parametrize("lines", LINES.splitlines())
def test_is_found_by_each_line(jana, clara, lines):
    assert jana[0].path in search(clara, lines).text


def test_somebody_else_is_not_found(jana, clara):
    page = search(clara, "Jan Köhler\n0172 5550134")
    assert "Nichts davon ist gespeichert" in page.text_of("main")


def test_search_and_confirmation_page_change_nothing(jana, clara):
    before = database_bytes()
    page = clara.post(f"{PAGE}/loeschen", choose(search(clara)))
    assert "Das können Sie nicht rückgängig machen" in page.text_of("main")
    assert "server.log verschwindet" in page.text_of("main")
    for copy in ("die letzten 7 Sicherungen", "vor-umstellung", "anderen Datenträgern", "instance-alt"):
        assert copy in page.text_of("main")
    assert database_bytes() == before


def test_nothing_is_left_in_the_database_file(jana, clara, tickets):
    assert set(left_over()) == set(WRITTEN)
    page = search(clara)
    answer = erase(clara, choose(page))
    assert answer.status == 303
    done = clara.get(answer.response.location).text_of("main")
    went = ["Angaben in 3 Tickets", "eine Anfrage ohne Ticket", "3 Dateien", "Angaben bei einem Kunden"]
    assert ", ".join([*went, "2 Personen bei Kunden", "Stellen in einem Textbaustein"]) in done
    assert "vor-umstellung" in done
    assert left_over() == []
    assert "koe" not in database_bytes().decode("latin-1")
    assert "Nichts davon ist gespeichert" in search(clara).text_of("main")
    assert files_on_disk() == []
    own, about, stranger = (page.look().text_of("ticket") for page in jana)
    assert EXAMPLES["incident"]["description"] in own
    assert "Erreicht: [gelöscht], [gelöscht]" in own
    assert "Das Gerät von [gelöscht] ([gelöscht]) ist defekt." in about
    for page in (own, about):
        assert "Clara Neumann: Angaben zu einer Person gelöschtauf Antrag der Person" in page
    assert "Anna Sommer" in about
    assert "0211 555-0102" in about
    assert "Anna Sommer" in stranger
    with database.connection_context():
        customer = Customer.get()
        assert (customer.name, customer.note, customer.email) == ("Bäckerei Sommer", "[gelöscht] anrufen", "")
        assert [approver.name for approver in Contact.select()] == ["Bernd Brot"]
        assert Attachment.select().count() == 0
        unmatched = Submission.get(Submission.state == "discarded")
        assert (unmatched.description, unmatched.name, unmatched.phone) == ("", "", "")
        to_her = Message.select().where(Message.recipient == "[gelöscht]")
        assert {message.state for message in to_her} == {"discarded"}
        to_bernd = list(Message.select().where(Message.recipient == "bernd@sommer.example"))
        assert {message.state for message in to_bernd} == {"waiting"}
        assert any("[gelöscht]" in message.body for message in to_bernd)


def test_her_link_is_revoked_and_the_customers_mail_gets_a_new_one(jana, clara):
    def waiting():
        with database.connection_context():
            mail = Message.select().where(Message.recipient == "post@sommer.example").order_by(Message.id).get()
            return mail.link.nonce, mail.link.revoked_at, mail.body

    nonce, _, _ = waiting()
    erase(clara, choose(search(clara)))
    fresh, revoked_at, body = waiting()
    assert fresh != nonce
    assert revoked_at is None
    assert nonce not in body
    assert fresh in body


def test_only_chosen_records_are_erased(jana, clara):
    page = search(clara)
    values = choose(page, everything=False)
    # Certain matches are checked already, with her files; the unmatched request and the tickets of others are not.
    assert len(values.getlist("datei")) == 2
    kinds = [key.partition("-")[0] for key in values.getlist("fund")]
    assert sorted(kinds) == ["kunde", "person", "person", "vorgang"]
    values.setlist("fund", [key for key in values.getlist("fund") if key.startswith("vorgang")])
    values.setlist("datei", values.getlist("datei")[:1])
    erase(clara, values)
    assert "server.log" in jana[0].look().text
    assert "Foto.png" not in jana[0].look().text
    assert "JANA KÖHLER" in jana[1].look().text
    with database.connection_context():
        assert Customer.get().contact_name == "Jana Köhler"
        assert Submission.unmatched().count() == 1


def test_an_unmatched_request_is_not_checked_in_advance(anna, dora, clara, run_worker):
    dora.report("incident", name="Anna Sommer", files=[(io.BytesIO(PNG), "Foto.png")])
    anna.report("callback")
    run_worker()
    page = search(clara, "Anna Sommer")
    values = choose(page, everything=False)
    with database.connection_context():
        ticket = Ticket.get()
    assert values.getlist("fund") == [f"vorgang-{ticket.submission_id}"]
    assert values.getlist("datei") == []
    assert "Ohne richtige PIN kann jeder diesen Namen eingetippt haben" in page.text_of("main")
    exported = json.loads(exported_archive(clara, values).read("auskunft.json"))
    assert EXAMPLES["incident"]["description"] not in json.dumps(exported, ensure_ascii=False)


def test_other_text_blocks_and_mails_stay_as_they_are(jana, clara):
    with database.connection_context():
        block = TextBlock.create(name="Drucker", text="Bitte neu starten.")
        message, hers = (
            messages.test_mail(recipient, Staff.get(), NOW)
            for recipient in ("support@muster-it.example", "jana@sommer.example")
        )
    assert erase(clara, choose(search(clara))).status == 303
    with database.connection_context():
        assert TextBlock.get_by_id(block.id).text == "Bitte neu starten."
        assert Message.get_by_id(message.id).body == message.body
        assert Message.get_or_none(Message.id == hers.id) is None
        assert "Jana" not in TextBlock.get(TextBlock.name == "Rechner").text


def test_a_new_employee_is_erased_with_all_that_was_ordered(anna, clara, run_worker, tickets):
    anna.report("new_employee", mobile="0172 555-0166", remarks="Linkshänderin", desired_email="c.n@sommer.example")
    run_worker()
    page = search(clara, "Clara Neumann")
    assert "Vor- und Nachname: Clara Neumann" in page.text_of("main")
    erase(clara, choose(page))
    assert left_over(["Clara Neumann,", "Linkshänderin", "0172 555-0166", "c.n@sommer.example", "Buchhaltung"]) == []
    shown = TicketPage(clara, tickets()[0]).look().text_of("ticket")
    assert "Anna Sommer" in shown
    assert "keine E-Mail-Adresse gewünscht" not in shown


def test_each_number_of_the_sender_is_erased(anna, clara, run_worker):
    description = "Bitte +49 172 5550133 anrufen, nicht 0211 5550102."
    anna.report("incident", name="Jana Koehler", phone="0211 555-0102 oder 0172 5550133", description=description)
    run_worker()
    erase(clara, choose(search(clara, "Jana Köhler")))
    assert left_over(["Jana", "5550133", "5550102", "555-0102"]) == []


def test_an_error_changes_nothing_of_that_ticket(jana, clara, monkeypatch, app):
    values = choose(search(clara))
    with monkeypatch.context() as patch:
        patch.setattr(erasure.events, "record", lambda *_: 1 / 0)
        assert erase(clara, values).status == 500
    for ticket_page, words in zip(jana, ("Jana Köhler, 0172", "JANA KÖHLER"), strict=False):
        assert words in ticket_page.look().text
    # The unmatched request was found first, so it is erased already.
    assert len(files_on_disk()) == 2
    assert erase(clara, values).status == 303
    assert left_over() == []


@pytest.mark.parametrize(
    ("lines", "said"), [("", "Bitte geben Sie"), ("Al", "zu kurz"), ("a b\n" * 21, "höchstens 20")]
)
def test_too_few_or_too_many_search_terms(clara, lines, said):
    page = search(clara, lines)
    assert page.status == 422
    assert said in page.errors()["lines"]


@pytest.mark.parametrize("rest", ["/auskunft", "/loeschen"])
def test_nothing_chosen(jana, clara, rest):
    values = choose(search(clara))
    del values["fund"]
    page = clara.post(PAGE + rest, values)
    assert page.status == 422
    assert "Bitte kreuzen Sie an" in page.text_of("main")
    assert jana[0].path in page.text


def exported_archive(clara, values):
    response = clara.client.post(f"{PAGE}/auskunft", data=values, buffered=True)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Disposition"] == f"attachment; filename=auskunft-{clock.today()}.zip"
    return zipfile.ZipFile(io.BytesIO(response.data))


def entry_of(page, exported):
    return next(entry for entry in exported["Vorgänge"] if page.path.endswith(normalise_code(entry["Vorgangsnummer"])))


def test_export_holds_everything(jana, clara):
    archive = exported_archive(clara, choose(search(clara)))
    exported = json.loads(archive.read("auskunft.json"))
    own = entry_of(jana[0], exported)
    assert own["Angaben"]["Beschreibung"] == EXAMPLES["incident"]["description"]
    assert own["Angaben"]["Kontaktnummer"] == "0172/5550133"
    assert "Erreicht:\nJana Köhler, 0172 5550133" in [event["Text"] for event in own["Verlauf"]]
    assert "jana@sommer.example" in [mail["an"] for mail in own["E-Mails"]]
    assert [archive.read(name) for name in own["Dateien"]] == [PNG, LOG]
    (names,) = [entry["Gesendete Namen"] for entry in exported["Vorgänge"] if "Gesendete Namen" in entry]
    assert names == {"jana-köhler.png": "jana-köhler.heic"}
    assert exported["Kunden"][0]["Notiz"] == "Jana Köhler anrufen"
    assert [one["Name"] for one in exported["Personen bei Kunden"]] == ["Jana Köhler", "Köhler, Jana"]
    assert exported["Textbausteine"] == [{"Text": "Fragen Sie Jana Köhler."}]


def test_export_holds_no_mails_to_the_office(anna, clara, run_worker):
    anna.report("incident")
    run_worker()
    with database.connection_context():
        subject = Message.get(Message.kind == "new_ticket").subject
    archive = exported_archive(clara, choose(search(clara, "Anna Sommer")))
    for name in archive.namelist():
        content = archive.read(name).decode()
        assert EXAMPLES["incident"]["description"] in content
        assert subject not in content
        assert "/verwaltung/" not in content


def test_export_holds_only_their_lines_of_a_summary(jana, clara, app):
    with app.app_context(), database.connection_context():
        messages.summary(Overview(NOW), NOW.date(), NOW)
        body = Message.get(Message.kind == "summary").body
        Message.update(body=f"{body}\nKöhler, Jana: „Drucker“\n").where(Message.kind == "summary").execute()
    exported = json.loads(exported_archive(clara, choose(search(clara))).read("auskunft.json"))
    (summary,) = exported["weitere E-Mails"]
    assert summary["Text"].splitlines()[-1] == "Köhler, Jana: „Drucker“"
    assert "Das wartet heute" not in summary["Text"]


def test_export_holds_nothing_that_others_wrote_about_themselves(jana, clara):
    archive = exported_archive(clara, choose(search(clara)))
    exported = json.loads(archive.read("auskunft.json"))
    typed = entry_of(jana[1], exported)["Angaben"]
    assert typed == {"Beschreibung": "Das Gerät von JANA KÖHLER (0172 555 01 33) ist defekt."}


def test_html_page_of_the_export_holds_the_same(jana, clara):
    archive = exported_archive(clara, choose(search(clara)))
    page = archive.read("auskunft.html").decode()
    html5lib.HTMLParser(strict=True).parse(page)
    for words in ("Jana Koehler", "0172/5550133", "Erreicht:\nJana Köhler, 0172 5550133", "Datenschutzbehörde"):
        assert words in page


def test_a_lost_file_is_named_and_the_rest_is_exported(jana, clara):
    with database.connection_context():
        lost = Attachment.get(Attachment.name == "server.log")
    (settings.files_dir / lost.stored_name).unlink()
    archive = exported_archive(clara, choose(search(clara)))
    exported = json.loads(archive.read("auskunft.json"))
    named = [name for ticket in exported["Vorgänge"] for name in ticket.get("Dateien", [])]
    assert "server.log (im Portal nicht mehr vorhanden)" in named
    packed = [name for name in archive.namelist() if name.startswith("dateien/")]
    assert packed == [name for name in named if "/" in name]


def test_somebody_can_write_while_files_are_searched(jana, clara, monkeypatch):
    written = []

    def content_of(file):
        with closing(sqlite3.connect(settings.database_path, timeout=0)) as other, other:
            written.append(other.execute("UPDATE customer SET name = name").rowcount)
        return ""

    monkeypatch.setattr(person_search, "content_of", content_of)
    assert search(clara).status == 200
    assert written
    assert set(written) == {1}


def test_export_holds_no_link_tokens(jana, clara):
    archive = exported_archive(clara, choose(search(clara)))
    with database.connection_context():
        nonces = [message.link.nonce for message in Message.select() if message.link]
    assert nonces
    content = archive.read("auskunft.json").decode()
    assert [nonce for nonce in nonces if nonce in content] == []


def test_search_terms_are_in_no_url_and_no_log(jana, clara, caplog):
    caplog.set_level("INFO")
    values = choose(search(clara))
    exported_archive(clara, values)
    location = erase(clara, values).response.location
    assert location.startswith(f"{PAGE}?geloescht=ja&")
    assert "hler" not in location + caplog.text
    assert "Auskunft über eine Person erteilt | Quelle=127.0.0.1 | von=Clara Neumann" in caplog.text
    assert "Angaben einer Person gelöscht | Quelle=127.0.0.1 | von=Clara Neumann" in caplog.text


def test_more_matches_than_one_page_shows(anna, clara, monkeypatch, run_worker):
    monkeypatch.setattr("services.privacy.person_search.MAX_MATCHES", 2)
    monkeypatch.setattr("services.privacy.person_search.ROWS_AT_A_TIME", 2)
    for _ in range(3):
        anna.report("incident")
    run_worker()
    page = search(clara, "Anna Sommer")
    assert "mehr als 2 Vorgänge" in page.text_of("main")
    assert len(choose(page).getlist("fund")) == 2
    erase(clara, choose(page))
    page = search(clara, "Anna Sommer")
    assert len(choose(page).getlist("fund")) == 1
    with database.connection_context():
        assert Ticket.select().where(Ticket.created_at == NOW).count() == 3


def test_a_strangers_file_of_combining_marks_is_normalised_in_pieces(anna, dora, clara, run_worker, pieces_normalised):
    content = f"{MARKS * 40_000} Jana Köhler".encode()
    dora.report("incident", files=[(io.BytesIO(content), "laut.txt")])
    run_worker()
    page = search(clara)
    assert "Inhalt von laut.txt" in page.text_of("main")
    assert max(pieces_normalised) <= PIECE_CHARS


def test_a_customer_with_the_name_of_a_person_is_shown_and_stays(anna, clara):
    with database.connection_context():
        Customer.update(name="Jana Köhler EDV").execute()
    page = search(clara, "Jana Köhler")
    assert "Name des Kunden: Jana Köhler EDV" in page.text_of("main")
    asked = clara.post(f"{PAGE}/loeschen", choose(page))
    assert "Nummer und Name des Kunden bleiben" in asked.text_of("main")
    erase(clara, choose(page))
    with database.connection_context():
        assert (Customer.get().name, Customer.get().email) == ("Jana Köhler EDV", "post@sommer.example")


def test_records_erased_in_the_meantime_are_skipped(jana, clara):
    page = search(clara)
    ask, values = clara.post(f"{PAGE}/loeschen", choose(page)), choose(page)
    assert erase(clara, values).status == 303
    again = clara.post(f"{PAGE}/loeschen/ausfuehren", ask.fields(f"{PAGE}/loeschen/ausfuehren"))
    assert again.status == 422
    assert "Bitte kreuzen Sie an" in again.text_of("main")


@pytest.mark.parametrize("keys", [["vorgang-99999", "kunde-x", "x", ""], ["vorgang-"], ["vorgang-1e9", "vorgang--1"]])
def test_invalid_keys(jana, clara, keys):
    values = choose(search(clara))
    values.setlist("fund", keys)
    values.setlist("datei", ["x", "9" * 30, "-1"])
    assert clara.post(f"{PAGE}/loeschen", values).status == 422


def test_of_a_long_text_file_only_the_beginning_is_searched(anna, clara, run_worker, monkeypatch):
    monkeypatch.setattr("services.privacy.person_search.MAX_SEARCHED_BYTES", 100)
    long = b"Jana Koehler kam.\n" + b"nichts\n" * 20 + b"Zora Zander ging.\n"
    anna.report("incident", files=[(io.BytesIO(long), "server.log")])
    run_worker()
    page = search(clara)
    assert "Inhalt von server.log" in page.text_of("main")
    assert (
        "Von Textdateien über 2 MB hat das Portal nur den Anfang durchsucht. So große sind gespeichert: 1."
        in page.text_of("main")
    )
    assert "Gefunden: 0" in search(clara, "Zora Zander").text_of("main")
    assert clara.post(f"{PAGE}/loeschen", choose(page)).status == 200


def test_a_namesake_in_the_office_stays_in_the_history(anna, clara, run_worker, tickets):
    anna.report("incident", name="Clara Neumann")
    run_worker()
    assert TicketPage(clara, tickets()[0]).act("notieren", "Erreicht: Clara Neumann").status == 303
    erase(clara, choose(search(clara, "Clara Neumann")))
    with database.connection_context():
        noted = Event.get(Event.kind == "noted")
        assert (noted.actor, noted.text) == ("Clara Neumann", "Erreicht: [gelöscht]")
        assert Submission.get().name == "[gelöscht]"


def test_a_ticket_created_while_events_are_searched_is_found(anna, run_worker, monkeypatch):
    monkeypatch.setattr(person_search, "ROWS_AT_A_TIME", 1)
    anna.report("incident")
    run_worker()
    anna.report("callback")
    event_texts = person_search.event_texts

    def admit_meanwhile(event):
        if Ticket.select().count() == 1:
            worker.Worker().decide(NOW)
            Event.update(text="Jana Köhler").where(Event.ticket == Ticket.get(Ticket.category == "callback")).execute()
        return event_texts(event)

    monkeypatch.setattr(person_search, "event_texts", admit_meanwhile)
    with database.connection_context():
        (match,), _ = person_search.find(PersonMatcher(["Jana Köhler"]))
    assert match.ticket.category == "callback"
