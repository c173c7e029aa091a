"""Recipients, subjects and facts of the mails, read from a real mail server."""

import io
import re

import pytest

from database import database
from models import Contact, Customer
from services.customers import customers
from settings import settings
from tests.support.files.samples import PNG
from tests.support.processes import ROOT
from tests.support.servers.mailbox import path_in, text_of
from tests.support.staff import CUSTOMERS, take_call

COMPANY, OFFICE, BERND = "post@sommer.example", "support@muster-it.example", "bernd@sommer.example"
FOREIGN = "anna@anderswo.example"


@pytest.fixture
def bernd(anna):
    """Bernd decides about the requests of Anna's company."""
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email=BERND)


def change_customer(**values):
    with database.connection_context():
        Customer.update(values).execute()


@pytest.mark.parametrize(
    ("pasted", "mailbox_of"),
    [
        ("bernd@som\u200bmer.example", BERND),
        ("ber\u00adnd@sommer.example\u2028", BERND),
        ("\ufeffbernd@sommer\uff0eexample\u00a0", BERND),
        ("bernd@ba\u0308ckerei\u2011sommer.example", "bernd@xn--bckerei-sommer-5hb.example"),
    ],
)
def test_address_of_an_approver_arrives_as_it_was_meant(anna, clara, run_worker, mailbox, pasted, mailbox_of):
    with database.connection_context():
        path = f"{CUSTOMERS}/{Customer.get().id}/personen/neu"
    values = clara.get(path).fields(path).to_dict() | {"name": "Bernd Brot", "email": pasted, "is_approver": "y"}
    assert clara.post(path, values).status == 303
    anna.report("incident")
    run_worker()
    mail = mailbox.last_to(mailbox_of)
    assert path_in(mail, "/freigabe/")
    assert mail["To"] == mailbox_of


def test_address_stored_with_an_invisible_character_arrives(anna, run_worker, mailbox):
    with database.connection_context():
        Contact.create(
            is_approver=True, customer=Customer.get(), name="Bernd Brot", email="ber\u00adnd@som\u200bmer.example"
        )
    anna.report("incident")
    run_worker()
    assert mailbox.last_to(BERND)["To"] == BERND


def test_header_holds_nothing_invisible_and_no_line_end(anna, run_worker, mailbox):
    settings.office_name = "Bü\u00adro\u2028Bcc: dora@boese.example"
    anna.report("incident", description="Druck\u00ader\u2028Bcc: dora@boese.example")
    run_worker()
    mail = mailbox.mails[0]
    assert mail["From"].addresses[0].display_name == "Büro Bcc: dora@boese.example"
    assert mail["Subject"].endswith("Drucker Bcc: dora@boese.example")
    assert mail["Bcc"] is None


def test_customer_gets_a_confirmation_and_the_office_a_ticket(anna, run_worker, mailbox):
    anna.report("incident")
    run_worker()
    assert [mail["To"] for mail in mailbox.mails] == [COMPANY, OFFICE]
    confirmation, ticket = mailbox.mails
    assert "Vorgangsnummer" in text_of(confirmation)
    assert path_in(confirmation, "/vorgang/")
    assert path_in(ticket, "/verwaltung/ticket/")


@pytest.mark.parametrize(
    ("category", "about"),
    [
        ("incident", "Störung, Priorität Niedrig: Der Drucker zieht kein Papier ein."),
        ("warranty", "Garantiefall, Priorität Mittel: ThinkPad E16: Der Akku lädt nicht."),
        ("new_employee", "Neuer Mitarbeiter, Eintritt 01.04.2027: Clara Neumann, Buchhaltung"),
    ],
)
def test_subjects(anna, run_worker, mailbox, tickets, category, about):
    anna.report(category)
    run_worker()
    code = tickets()[0].submission.spoken_code
    assert [mail["Subject"] for mail in mailbox.mails] == [f"Eingegangen [{code}] {about}", f"Neu [{code}] {about}"]


def test_confirmation_says_what_comes_next(anna, run_worker, mailbox):
    anna.report("incident")
    run_worker()
    assert "Wir sehen sie uns an und melden uns, so" in text_of(mailbox.last_to(COMPANY))


@pytest.mark.parametrize(
    ("priority", "sentence"),
    [("medium", "gebeten und schreiben Ihnen, sobald entschieden ist.\n"), ("high", "fangen wir schon vorher an")],
)
def test_confirmation_of_what_waits_for_an_approval(bernd, anna, run_worker, mailbox, priority, sentence):
    anna.report("incident", priority=priority)
    run_worker()
    assert sentence in text_of(mailbox.last_to(COMPANY))
    assert "Wir sehen sie uns an" not in text_of(mailbox.last_to(COMPANY))


def test_too_late_for_an_entry(anna, run_worker, mailbox):
    change_customer(fully_managed=False)
    anna.report("new_employee", entry_date="2026-11-26")
    run_worker()
    assert "können den Termin aber nicht zusagen" in text_of(mailbox.last_to(COMPANY))
    flags = "Vorlauf unterschritten, keine E-Mail-Adresse gewünscht, Kunde nicht voll betreut"
    assert f"Bitte beachten: {flags}." in text_of(mailbox.last_to(OFFICE))


def test_entry_in_time(anna, run_worker, mailbox):
    anna.report("new_employee", desired_email="clara@sommer.example")
    run_worker()
    assert "nicht zusagen" not in text_of(mailbox.last_to(COMPANY))
    assert "Bitte beachten" not in text_of(mailbox.last_to(OFFICE))


def test_office_gets_all_it_needs(anna, run_worker, mailbox):
    sent = {"email": FOREIGN, "reference": "Theke", "description": "Kein Papier.\nKein Stau.", "priority": "high"}
    anna.report("incident", **sent, files=[(io.BytesIO(PNG), "Foto.png")])
    run_worker()
    text = text_of(mailbox.last_to(OFFICE))
    for words in (
        "Neues Ticket von Bäckerei Sommer (K1001), eingegangen am 23.11.2026 um 10:30\N{NO-BREAK SPACE}Uhr.",
        "Name: Anna Sommer",
        "Kontaktnummer: 0211 555-0101",
        f"E-Mail: {FOREIGN}",
        "Art der Anfrage: Störung",
        "Referenz: Theke",
        "> Kein Papier.\n> Kein Stau.",
        "Priorität: Hoch",
        "Anhang: Foto.png (6\xa0KB)",
    ):
        assert words in text


def test_office_learns_that_a_high_priority_is_not_approved_yet(bernd, anna, run_worker, mailbox):
    anna.report("incident", priority="high")
    run_worker()
    mail = mailbox.last_to(OFFICE)
    assert mail["Subject"].startswith("Neu, noch nicht freigegeben [")
    assert "Noch nicht freigegeben." in text_of(mail)


def test_only_the_office_sees_an_address_outside_the_customers_domain(bernd, anna, run_worker, mailbox):
    change_customer(mail_domain="sommer.example")
    for email, is_theirs in ((FOREIGN, False), ("anna@sommer.example", True)):
        anna.report("incident", priority="high", email=email)
        run_worker()
        shown = [email in text_of(mailbox.last_to(recipient)) for recipient in (OFFICE, COMPANY, BERND)]
        assert shown == [True, is_theirs, is_theirs]
    assert [mail["To"] for mail in mailbox.mails if "anna@" in mail["To"]] == ["anna@sommer.example"]


OURS = "url |next_steps|settings\\.|heading |label |part\\(|ticket\\.submission\\.spoken_code |.* \\| quoted "


def test_every_line_begins_with_our_words_or_is_a_quotation():
    """The start of a line makes it a quotation or a link, so it must not be text that somebody typed."""
    lines = [line for path in (ROOT / "templates/mail").iterdir() for line in path.read_text("utf-8").splitlines()]
    assert [line for line in lines if re.match(rf"\{{\{{ (?!{OURS})", line)] == []


def test_a_name_is_no_quotation(bernd, anna, run_worker, mailbox):
    anna.report("incident", name="> Ihr IT-Service", priority="high")
    run_worker()
    mail = mailbox.last_to(BERND)
    assert "für eine Anfrage von > Ihr IT-Service brauchen wir Ihre Freigabe." in text_of(mail)
    assert "<blockquote" not in mail.get_body(("html",)).get_content()


def test_a_call(anna, clara, deliver_mails, mailbox):
    take_call(clara, "incident")
    deliver_mails()
    confirmation, ticket = text_of(mailbox.last_to(COMPANY)), text_of(mailbox.last_to(OFFICE))
    assert "am 23.11.2026 um 10:30\N{NO-BREAK SPACE}Uhr hat uns Anna Sommer angerufen. Die Anfrage hat" in confirmation
    assert "Das haben wir notiert:" in confirmation
    assert "Clara" not in confirmation
    assert "Clara Neumann: Am Telefon aufgenommen." in ticket


def test_request_that_the_office_matched_by_hand(anna, dora, clara, run_worker, deliver_mails, mailbox, submissions):
    """Only the office sees the typed number: it may be another customer's."""
    dora.report("incident", customer_number="K1002")
    run_worker()
    page = f"/verwaltung/nicht-zugeordnet/{submissions()[0].code}"
    values = clara.get(page).fields().to_dict() | {"customer_number": "K1001", "note": "Frau Sommer am Telefon"}
    assert clara.post(f"{page}/umwandeln", values).status == 303
    deliver_mails()
    confirmation, ticket = text_of(mailbox.last_to(COMPANY)), text_of(mailbox.last_to(OFFICE))
    assert "K1002" not in confirmation
    assert "Frau Sommer am Telefon" not in confirmation
    assert "Neues Ticket von Bäckerei Sommer (K1001)" in ticket
    assert "bestätigt: Frau Sommer am Telefon" in ticket
    assert "Kundennummer: K1002" in ticket


def test_office_with_an_umlaut_in_its_domain_gets_and_sends_mails(anna, run_worker, mailbox):
    settings.mail_from = "portal@büro.example"
    anna.report("incident")
    run_worker()
    confirmation, _ = mailbox.mails
    assert confirmation["Message-ID"].endswith("@xn--bro-hoa.example>")
    assert confirmation.envelope.mail_from == "portal@xn--bro-hoa.example"


def test_two_spellings_of_an_address_get_one_confirmation(anna, run_worker, mailbox):
    with database.connection_context():
        Customer.update(mail_domain="sommer.example").execute()
    anna.report("incident", email="Post@Sommer.example")
    run_worker()
    assert [mail["To"] for mail in mailbox.mails] == ["post@sommer.example", "support@muster-it.example"]


@pytest.mark.parametrize(
    "text",
    [
        "Größe prüfen für Büro, Jürgen Weiß, Geschäftsführung und noch viel mehr über Straßenbahnen",
        "ä" * 90,
        "Kein Umlaut, aber so lang, dass der Betreff in mehr als einer Zeile steht, und dann noch ein Wort",
        "Drucker 🖨 druckt 漢字 statt Umlauten, seit gestern früh um Viertel nach acht, Raum 0.12",
    ],
)
def test_subject_arrives_with_all_its_blanks(anna, run_worker, mailbox, text):
    anna.report("incident", description=text, priority="high")
    run_worker()
    subject = mailbox.mails[0]["Subject"]
    assert subject.endswith(f" Störung, Priorität Hoch: {text}")
    assert all(
        len(line) <= 78 for line in mailbox.mails[0].envelope.content.decode().split("\r\n\r\n")[0].split("\r\n")
    )


def test_replies_reach_the_office_whatever_the_sender(anna, run_worker, mailbox):
    settings.mail_from = "noreply@portal.example"
    anna.report("incident")
    run_worker()
    assert (mailbox.mails[0]["From"], mailbox.mails[0]["Reply-To"]) == ("IT-Service <noreply@portal.example>", OFFICE)


@pytest.mark.parametrize(
    "typed",
    [
        "evil+evil.example@sommer.example.evil.example",
        "anna@post.sommer.example",
        "'anna'@sommer.example",
        "änna@sommer.example",
        "anna/evil.example@sommer.example",
        "-anna@sommer.example",
        "anna@s\N{CYRILLIC SMALL LETTER O}mmer.example",
    ],
)
def test_no_mail_to_an_address_that_is_not_surely_the_customers(anna, run_worker, mailbox, typed):
    with database.connection_context():
        Customer.update(mail_domain="sommer.example").execute()
    anna.send("incident", email=typed)
    run_worker()
    assert {mail["To"] for mail in mailbox.mails} <= {COMPANY, OFFICE}


def test_two_spellings_of_a_domain_are_two_domains(anna, run_worker, mailbox):
    with database.connection_context():
        Customer.update(mail_domain=customers.checked_mail_domain("straße.example")).execute()
    for email in ("anna@strasse.example", "anna@straße.example"):
        anna.report("incident", email=email)
    run_worker()
    assert [mail.envelope.rcpt_tos for mail in mailbox.mails if mail["To"] not in (COMPANY, OFFICE)] == [
        ["anna@xn--strae-oqa.example"]
    ]
