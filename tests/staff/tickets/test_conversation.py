"""Staff answer a customer and tell them the outcome; messages from the customer wait for a reaction."""

import io

import pytest

from database import database
from enums import EventKind, MessageKind, TicketStatus
from models import Contact, Customer, Message, TextBlock, TicketLink
from tests.support.cast import NOW, signed_in
from tests.support.contacts import set_contact
from tests.support.files.samples import PNG
from tests.support.pages import HTMX, actions_of
from tests.support.servers.mailbox import path_in, text_of

ANNA = "post@sommer.example"


class ConversationPage:
    """Clara's page of Anna's only ticket."""

    def __init__(self, clara, anna, code):
        self.clara, self.anna = clara, anna
        self.path = f"/verwaltung/ticket/{code}"

    def look(self):
        return self.clara.get(self.path)

    def act(self, slug, page=None, **typed):
        """Fill in and send the form of an action."""
        return self.send(slug, f"{self.path}/{slug}", page, **typed)

    def insert(self, name, page=None, headers=(), **typed):
        """Choose a text block by its name and have it put into the answer."""
        with database.connection_context():
            typed["block"] = str(TextBlock.get(TextBlock.name == name).id)
        return self.send("antworten", f"{self.path}/antworten/textbaustein", page, headers, **typed)

    def send(self, slug, address, page=None, headers=(), **typed):
        values = (page or self.look()).fields(f"{self.path}/{slug}").to_dict()
        prefix = "" if slug in ("antworten", "notieren") else f"{slug}-"
        values |= {f"{prefix}{name}": value for name, value in typed.items()}
        return self.clara.post(address, values, headers=dict(headers))

    def offers(self, slug):
        """Say whether the page has the form of an action."""
        return any(f"{self.path}/{slug}" in actions_of(form) for form in self.look().tree.iter("form"))


@pytest.fixture
def ticket_page(anna, clara, run_worker, ticket):
    """Let Anna report something, and return Clara's page of the ticket."""

    def report(**changes):
        anna.report("incident", **changes)
        run_worker()
        return ConversationPage(clara, anna, ticket().submission.code)

    return report


@pytest.fixture
def write(anna, deliver_mails, mailbox):
    """Let Anna open the page that the newest mail leads to, and write a message."""

    def send(text, **more):
        deliver_mails()
        path = path_in(mailbox.last_to(ANNA), "/vorgang/")
        answer = anna.post(path, anna.get(path).fields().to_dict() | {"text": text} | more)
        assert answer.status == 303
        return path

    return send


def text_blocks(**texts):
    with database.connection_context():
        for name, text in texts.items():
            TextBlock.create(name=name, text=text)


def waiting_messages():
    with database.connection_context():
        return [message.kind for message in Message.select().order_by(Message.id)]


def test_answer_reply_done(ticket_page, write, ticket, events, deliver_mails, mailbox, anna):
    work = ticket_page()
    assert work.act("antworten", text="Welche Seriennummer hat er?", then_wait="y").status == 303
    assert (ticket().status, ticket().first_action_at) == (TicketStatus.WAITING, NOW)
    deliver_mails()
    mail = mailbox.last_to(ANNA)
    assert mail["Subject"].startswith("Antwort [")
    assert "antwortet Clara Neumann:" in text_of(mail)
    assert "> Welche Seriennummer hat er?" in text_of(mail)
    path = write("Es ist die 4711.")
    assert "Welche Seriennummer hat er?" in anna.get(path).text_of("messages")
    assert ticket().status is TicketStatus.IN_PROGRESS
    assert work.act("erledigen", text="Walze getauscht").status == 303
    deliver_mails()
    mail = mailbox.last_to(ANNA)
    assert mail["Subject"].startswith("Erledigt [")
    assert "> Walze getauscht" in text_of(mail)
    assert path_in(mail, "/vorgang/") == path
    assert [kind for kind, *_ in events()] == [
        EventKind.OPENED,
        EventKind.ANSWERED,
        EventKind.WAITING,
        EventKind.REPLIED,
        EventKind.DONE,
    ]
    write("Leider zieht er wieder nichts ein.")
    assert ticket().status is TicketStatus.NEW


@pytest.mark.parametrize(("slug", "kind"), [("antworten", EventKind.ANSWERED), ("notieren", EventKind.NOTED)])
def test_answer_or_note_takes_over_and_begins(ticket_page, ticket, events, slug, kind):
    work = ticket_page()
    work.act(slug, text="Wir melden uns morgen.")
    assert (ticket().status, ticket().assignee.name) == (TicketStatus.IN_PROGRESS, "Clara Neumann")
    assert events()[1:] == [(kind, "Clara Neumann", "Wir melden uns morgen.")]
    work.act("zuweisen", to="niemand")
    work.act("warten", text="auf Teile")
    work.act(slug, text="Sie kommen morgen.")
    assert (ticket().status, ticket().assignee.name) == (TicketStatus.WAITING, "Clara Neumann")


def test_answer_or_note_leaves_a_colleagues_or_closed_ticket_alone(app, ticket_page, ticket):
    signed_in(app, "Emil Ernst")
    work = ticket_page()
    work.act("zuweisen", to="emil ernst")
    work.act("antworten", text="Emil meldet sich.")
    assert ticket().assignee.name == "Emil Ernst"
    work.act("zuweisen", to="niemand")
    work.act("erledigen")
    work.act("notieren", text="Rechnung geschrieben")
    assert (ticket().status, ticket().assignee) == (TicketStatus.DONE, None)


def test_answer_goes_to_the_requester_at_the_customer(ticket_page, deliver_mails, mailbox):
    with database.connection_context():
        Customer.update(mail_domain="sommer.example").execute()
    work = ticket_page(email="anna@sommer.example")
    assert "Die E-Mail geht an anna@sommer.example." in work.look().text_of("ticket")
    work.act("antworten", text="Wir kommen gleich.")
    deliver_mails()
    assert mailbox.mails[-1]["To"] == "anna@sommer.example"


@pytest.mark.parametrize(
    ("is_locked", "sentence"),
    [(False, "keine E-Mail-Adresse hinterlegt. Bitte rufen Sie an."), (True, "Der Kunde ist gesperrt")],
)
def test_customer_who_cannot_be_answered(ticket_page, events, is_locked, sentence):
    work = ticket_page(email="anna@anderswo.example")
    old_page = work.look()
    with database.connection_context():
        Customer.update(locked_at=NOW).execute() if is_locked else set_contact(email="")
    assert not work.offers("antworten")
    assert sentence in work.look().text_of("ticket")
    answer = work.act("antworten", old_page, text="Hallo")
    assert answer.status == 422
    assert sentence in answer.text_of("ticket")
    assert answer.fields(f"{work.path}/notieren")["text"] == "Hallo"
    assert len(events()) == 1


def test_closed_ticket_is_opened_before_it_is_answered(ticket_page, events):
    work = ticket_page()
    old_page = work.look()
    work.act("erledigen")
    assert not work.offers("antworten")
    answer = work.act("antworten", old_page, text="Noch etwas")
    assert (answer.status, len(events())) == (422, 2)


def test_no_waiting_before_approval(ticket_page, ticket, events):
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")
    work = ticket_page()
    page = work.look()
    assert "then_wait" not in page.text
    assert work.act("antworten", page, text="Moment", then_wait="y").status == 422
    assert ticket().status is TicketStatus.NEW
    assert work.act("antworten", page, text="Moment").status == 303
    assert events()[-1][0] is EventKind.ANSWERED
    assert (ticket().status, ticket().assignee.name) == (TicketStatus.NEW, "Clara Neumann")


def test_message_that_came_meanwhile_is_read_first(ticket_page, write, events):
    work = ticket_page()
    old_page = work.look()
    write("Hat sich erledigt!")
    answer = work.act("antworten", old_page, text="Wir kommen morgen.")
    assert answer.status == 422
    assert "Hat sich erledigt!" in answer.text_of("ticket")
    assert events()[-1][0] is EventKind.REPLIED


def test_message_waits_for_a_reaction_of_staff(ticket_page, write, clara):
    work = ticket_page()

    def is_waiting():
        queue = clara.get("/verwaltung/tickets?stand=kunde-hat-geschrieben")
        seen = [
            "Kunde hat geschrieben" in clara.get("/verwaltung/").text_of("replies"),
            "Kunde hat geschrieben" in work.look().text_of("ticket"),
            "Der Drucker zieht" in queue.text_of("live"),
        ]
        assert len(set(seen)) == 1, seen
        return seen[0]

    assert not is_waiting()
    for slug, typed in (
        ("antworten", {"text": "Danke"}),
        ("notieren", {"text": "angerufen"}),
        ("warten", {"text": "auf Teile"}),
        ("stornieren", {"reason": "Doppelt"}),
    ):
        write("Und jetzt?")
        assert is_waiting()
        work.act("zuweisen", to="clara neumann" if slug == "antworten" else "niemand")
        assert is_waiting()
        assert work.act(slug, **typed).status == 303
        assert not is_waiting()


def test_files_of_a_message_are_shown_with_it(ticket_page, write, clara):
    work = ticket_page(files=[(io.BytesIO(PNG), "Foto.png")])
    write("Siehe Bild", files=[(io.BytesIO(PNG), "Rauch.png"), (io.BytesIO(b"Hallo"), "Notiz.txt")])
    page = work.look()
    (section,) = [section for section in page.tree.iter("section") if section.get("aria-labelledby") == "sent-files"]
    assert [link.text for link in section.iter("a")] == ["Foto.png"]
    (message,) = [line for line in page.tree.iter("li") if "Siehe Bild" in "".join(line.itertext())]
    links = {link.text: link.get("href") for link in message.iter("a")}
    assert set(links) == {"Rauch.png", "Notiz.txt"}
    assert "Hallo" in "".join(message.itertext())
    assert clara.client.get(links["Rauch.png"], buffered=True).data == PNG
    (preview,) = message.iter("img")
    assert clara.client.get(preview.get("src"), buffered=True).data == PNG


def test_commands_know_the_files_of_a_message(ticket_page, write, run_command, ticket, tmp_path):
    ticket_page(files=[(io.BytesIO(PNG), "Foto.png")])
    write("Siehe Notiz", files=[(io.BytesIO(b"Hallo"), "Notiz.txt")])
    code, target = ticket().submission.code, tmp_path / "Notiz.txt"
    assert "Anhang 2: Notiz.txt" in run_command("ticket", "zeigen", code).output
    assert run_command("ticket", "anhang", code, "2", "--ziel", str(target)).exit_code == 0
    assert target.read_bytes() == b"Hallo"


def test_cancelling_tells_why(ticket_page, deliver_mails, mailbox):
    ticket_page().act("stornieren", reason="Das Gerät wird ersetzt.")
    deliver_mails()
    mail = mailbox.last_to(ANNA)
    assert mail["Subject"].startswith("Storniert [")
    assert "> Das Gerät wird ersetzt." in text_of(mail)
    assert path_in(mail, "/vorgang/")


@pytest.mark.parametrize(("slug", "typed"), [("erledigen", {"text": "Fertig"}), ("stornieren", {"reason": "Fertig"})])
def test_mail_to_a_locked_customer_has_no_link(ticket_page, deliver_mails, mailbox, slug, typed):
    work = ticket_page()
    with database.connection_context():
        Customer.update(locked_at=NOW).execute()
    work.act(slug, **typed)
    deliver_mails()
    mail = text_of(mailbox.last_to(ANNA))
    assert "> Fertig" in mail
    assert "/vorgang/" not in mail


def test_reopening_by_the_office_is_told_and_one_by_the_customer_is_not(ticket_page, write, deliver_mails, mailbox):
    work = ticket_page()
    work.act("erledigen")
    write("Leider nein.")
    work.act("erledigen")
    deliver_mails()
    assert [mail["Subject"].partition(" [")[0] for mail in mailbox.to(ANNA)][1:] == ["Erledigt", "Erledigt"]
    work.act("wieder-oeffnen", reason="Sie haben angerufen.")
    deliver_mails()
    mail = mailbox.last_to(ANNA)
    assert mail["Subject"].startswith("Wieder geöffnet [")
    assert "> Sie haben angerufen." in text_of(mail)
    assert "Wir kümmern uns jetzt darum." in text_of(mail)
    assert path_in(mail, "/vorgang/")


def test_hint_says_whether_the_customer_gets_a_mail(ticket_page):
    work = ticket_page()
    assert "Der Kunde bekommt davon keine E-Mail." in work.look().text_of("warten-text-hint")
    work.act("erledigen")
    assert "Der Kunde bekommt eine E-Mail." in work.look().text_of("wieder-oeffnen-reason-hint")


def test_hint_says_what_the_customer_reads(ticket_page):
    page = ticket_page().look()
    for field in ("erledigen-text", "stornieren-reason"):
        assert "Der Kunde liest das" in page.text_of(f"{field}-hint")
    assert "Eine interne Notiz sieht der Kunde nicht." in page.text_of("reply-form")


@pytest.mark.parametrize(
    ("is_locked", "words"), [(False, "Der Kunde erfährt davon nichts"), (True, "Seine Seite ist gesperrt")]
)
def test_hint_says_what_the_customer_does_not_read(ticket_page, is_locked, words):
    work = ticket_page()
    with database.connection_context():
        Customer.update(locked_at=NOW).execute() if is_locked else set_contact(email="")
    for field in ("erledigen-text", "stornieren-reason"):
        assert words in work.look().text_of(f"{field}-hint")
    work.act("erledigen")
    assert words in work.look().text_of("wieder-oeffnen-reason-hint")


def test_declining_is_told_once_and_asks_for_no_reply(ticket_page, deliver_mails, mailbox):
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")
    ticket_page().act("ablehnen", reason="Bernd Brot: zu teuer")
    assert MessageKind.CANCELLED not in waiting_messages()
    deliver_mails()
    assert mailbox.last_to(ANNA)["Subject"].startswith("Nicht freigegeben [")
    assert "auf dieser Seite" in text_of(mailbox.last_to(ANNA))
    assert "können Sie uns auch schreiben" not in text_of(mailbox.last_to(ANNA))


def test_revoked_link_is_invalid_and_the_next_mail_has_a_new_one(
    ticket_page, write, anna, events, deliver_mails, mailbox
):
    work = ticket_page()
    path = write("Hallo")
    assert "Der Kunde hat einen Link" in work.look().text_of("ticket")
    assert work.act("link-sperren", text="An Fremde geschickt").status == 303
    assert events()[-1] == (EventKind.LINK_REVOKED, "Clara Neumann", "An Fremde geschickt")
    assert anna.get(path).status == 404
    assert "Ihre nächste Antwort bringt dem Kunden einen neuen" in work.look().text_of("ticket")
    assert not work.offers("link-sperren")
    work.act("antworten", text="Hier ist ein neuer Link.")
    deliver_mails()
    fresh = path_in(mailbox.last_to(ANNA), "/vorgang/")
    assert fresh != path
    assert anna.get(fresh).status == 200
    assert anna.get(path).status == 404


def test_unsent_mail_gets_the_new_link(ticket_page, write, anna, deliver_mails, mailbox):
    work = ticket_page()
    path = write("Hallo")
    work.act("antworten", text="Wir kommen morgen.")
    work.act("link-sperren")
    deliver_mails()
    fresh = path_in(mailbox.last_to(ANNA), "/vorgang/")
    assert (anna.get(fresh).status, anna.get(path).status) == (200, 404)
    assert "Wir kommen morgen." in text_of(mailbox.last_to(ANNA))


def test_customer_reads_why_it_was_declined_and_why_it_was_cancelled(ticket_page, write, anna):
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")
    work = ticket_page(priority="high")
    path = write("Hallo")
    work.act("vor-freigabe-beginnen", reason="Die Kasse steht.")
    work.act("ablehnen", reason="Bernd Brot: zu teuer")
    work.act("stornieren", reason="Der Techniker ist umgekehrt.")
    page = anna.get(path).text
    assert "Bernd Brot: zu teuer" in page
    assert "Der Techniker ist umgekehrt." in page


def test_revoking_twice(ticket_page, deliver_mails):
    work = ticket_page()
    deliver_mails()
    page = work.look()
    work.act("link-sperren")
    with database.connection_context():
        assert TicketLink.select().where(TicketLink.revoked_at.is_null()).count() == 0
    assert work.act("link-sperren", page).status == 422


def test_no_page_of_the_office_holds_the_link(ticket_page, write):
    work = ticket_page()
    path = write("Hallo")
    assert path not in work.look().text
    assert path.rpartition("/")[2] not in work.look().text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_text_block_is_put_below_what_is_typed(ticket_page, events, headers):
    text_blocks(Rückruf="Guten Tag {Name},\nwir rufen Sie zu {Vorgangsnummer} an.\n\n{Bearbeiter}")
    work = ticket_page()
    page = work.insert("Rückruf", headers=headers, text="Danke für das Bild!")
    assert page.status == 200
    assert not page.title.startswith("Fehler")
    filled = page.fields()["text"]
    code = work.look().text_of("facts").removeprefix("Vorgang ")
    assert filled == f"Danke für das Bild!\n\nGuten Tag Anna Sommer,\nwir rufen Sie zu {code} an.\n\nClara Neumann"
    assert len(events()) == 1
    if not headers:
        assert work.act("antworten", page).status == 303
        assert events()[-1][2] == filled


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("block", ["", "x", "99999", "9" * 30])
def test_invalid_text_block(ticket_page, block, headers):
    text_blocks(Gruß="Viele Grüße")
    work = ticket_page()
    address = f"{work.path}/antworten/textbaustein"
    page = work.send("antworten", address, headers=headers, block=block, text="Hallo")
    assert page.status == 422
    assert page.errors() == {"block": "Bitte wählen Sie einen Textbaustein."}
    assert page.fields()["text"] == "Hallo"


def test_what_customers_typed_is_no_placeholder(ticket_page):
    text_blocks(Gruß="Guten Tag {Name}")
    page = ticket_page(name="{Bearbeiter} {0.__class__}").insert("Gruß")
    assert page.fields()["text"] == "Guten Tag {Bearbeiter} {0.__class__}"


def test_placeholders(ticket_page):
    text_blocks(Alle="{Kunde}, {Art}: {Kurztext}")
    page = ticket_page().insert("Alle")
    assert page.fields()["text"] == "Bäckerei Sommer, Störung: Der Drucker zieht kein Papier ein."
