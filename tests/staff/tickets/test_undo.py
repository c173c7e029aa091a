"""What staff did last can be undone for 20 seconds; until then no mail about it leaves."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from database import database
from enums import EventKind, MessageKind, MessageState, TicketStatus
from models import Attachment, Contact, Event, Message, Staff, Ticket, TicketLink, TicketWords
from services.customers import customers
from services.errors import UserError
from services.mail import delivery, outbox, webhook
from services.tickets import undo
from settings import settings
from tests.support.approvers import BERND, COMPANY
from tests.support.cast import NOW, signed_in
from tests.support.files.samples import PNG
from tests.support.pages import HTMX
from tests.support.servers.mailbox import path_in
from tests.support.staff import TicketPage

UNDO = "rueckgaengig"


@pytest.fixture
def reported(anna, clara, run_worker, ticket):
    """Let Anna report something, and return Clara's page of the ticket."""
    settings.undo_seconds = 20

    def report(**changes):
        anna.report("incident", **changes)
        run_worker()
        return TicketPage(clara, ticket())

    return report


def stored():
    """Return what is stored about the only ticket, except its history, the webhooks and when a mail is due."""
    mails = Message.select(Message.id, Message.state, Message.body, Message.link).where(outbox.IS_MAIL)
    words = TicketWords.select(TicketWords.rowid, TicketWords.words, TicketWords.state)
    with database.connection_context():
        return [list(query.tuples()) for query in (Ticket.select(), TicketLink.select(), words, mails)]


def offers_undo(page):
    return page.element("undo") is not None


BEFORE = {"wieder-oeffnen": [("erledigen", "Walze getauscht")], "beginnen": [("warten", "auf Teile")]}


@pytest.mark.parametrize(
    ("slug", "text", "mails"),
    [
        ("antworten", "Wir kommen morgen.", 1),
        ("erledigen", "Walze getauscht", 1),
        ("stornieren", "Doppelt gemeldet", 1),
        ("wieder-oeffnen", "Klemmt wieder", 1),
        ("link-sperren", "An Fremde geschickt", 0),
        ("warten", "auf Teile", 0),
        ("beginnen", None, 0),
        ("uebernehmen", None, 0),
        ("zuweisen", "clara neumann", 0),
    ],
)
def test_ticket_is_as_it_was(reported, advance_clock, events, slug, text, mails):
    work = reported()
    for step in BEFORE.get(slug, []):
        work.act(*step)
        advance_clock(minutes=1)
    before, history = stored(), events()
    assert work.act(slug, text).status == 303
    assert len(stored()[-1]) == len(before[-1]) + mails
    advance_clock(seconds=19)
    assert work.act(UNDO).status == 303
    assert stored() == before
    *rest, (kind, actor, told) = events()
    assert (rest, kind, actor) == (history, EventKind.UNDONE, "Clara Neumann")
    assert text is None or text in told or slug == "zuweisen"
    assert not offers_undo(work.look())


@pytest.mark.parametrize(
    ("slug", "text"),
    [
        ("freigeben", "Bernd Brot, 10 Uhr"),
        ("ablehnen", "Bernd Brot: zu teuer"),
        ("freigabe-anfragen", None),
        ("vor-freigabe-beginnen", "Die Kasse steht."),
        ("stornieren", "Doppelt gemeldet"),
    ],
)
def test_approval_is_as_it_was(approvers, reported, advance_clock, slug, text):
    work = reported(priority="high")
    before = stored()
    advance_clock(minutes=5)
    work.act(slug, text)
    assert stored() != before
    work.act(UNDO)
    assert stored() == before


def test_early_start_that_was_undone_counts_as_none(approvers, reported, ticket):
    work = reported(priority="high")
    work.act("vor-freigabe-beginnen", "Die Kasse steht.")
    work.act(UNDO)
    work.act("ablehnen", "Bernd Brot: zu teuer")
    assert ticket().status is TicketStatus.CANCELLED


def test_request_to_an_approver_who_was_removed_meanwhile_is_not_put_back(
    approvers, reported, deliver_mails, mailbox, advance_clock
):
    smtp_url, settings.smtp_url = settings.smtp_url, ""
    work = reported(priority="medium")
    work.act("freigeben", "Petra Mehl, 10 Uhr")
    with database.connection_context():
        customers.remove_contact(Contact.get(Contact.email == BERND))
    work.act(UNDO)
    advance_clock(minutes=1)
    settings.smtp_url = smtp_url
    deliver_mails()
    assert mailbox.to(BERND) == []
    assert len(mailbox.to("petra@sommer.example")) == 1


def test_mail_that_was_discarded_by_hand_is_not_put_back(reported):
    work = reported()
    work.act("uebernehmen")
    with database.connection_context():
        mail = Message.get(Message.kind == MessageKind.CONFIRMATION)
        outbox.discard(mail, NOW)
    work.act(UNDO)
    with database.connection_context():
        assert Message.get_by_id(mail.id).state is MessageState.DISCARDED


def test_mails_leave_when_it_is_too_late_to_undo(reported, deliver_mails, mailbox, advance_clock, ticket, clara):
    work = reported()
    work.act("erledigen", "Walze getauscht")
    page = work.look()
    advance_clock(seconds=19)
    deliver_mails()
    assert [mail["Subject"].partition(" [")[0] for mail in mailbox.to(COMPANY)] == ["Eingegangen"]
    assert "erledigt" in work.look().text_of("undo")
    advance_clock(seconds=1)
    assert not offers_undo(work.look())
    deliver_mails()
    assert mailbox.last_to(COMPANY)["Subject"].startswith("Erledigt")
    answer = work.act(UNDO, page=page)
    assert (answer.status, ticket().status) == (422, TicketStatus.DONE)
    assert undo.TOO_LATE in answer.text_of("ticket")
    assert not offers_undo(answer)


def test_mail_that_was_sent_at_once_cannot_be_undone(reported, deliver_mails, ticket):
    work = reported()
    work.act("erledigen", "Walze getauscht")
    page = work.look()
    with database.connection_context():
        outbox.retry(NOW, Message.get(Message.kind == MessageKind.DONE))
    deliver_mails()
    assert not offers_undo(work.look())
    assert work.act(UNDO, page=page).status == 422
    assert ticket().status is TicketStatus.DONE


def test_undone_mail_never_arrives(reported, deliver_mails, mailbox, advance_clock):
    work = reported()
    deliver_mails()
    work.act("antworten", "An den falschen Kunden")
    assert work.act(UNDO, headers=HTMX).status == 200
    advance_clock(minutes=5)
    deliver_mails()
    assert len(mailbox.to(COMPANY)) == 1


def test_files_of_what_was_undone_stay_with_the_office(reported):
    work = reported(files=[(io.BytesIO(PNG), "Foto.png")])
    work.act("antworten", "Siehe Bild")
    with database.connection_context():
        Attachment.update(event=Event.get(Event.kind == EventKind.ANSWERED)).execute()
    work.act(UNDO)
    (line,) = [line for line in work.look().tree.iter("li") if "rückgängig gemacht" in "".join(line.itertext())]
    assert [link.text for link in line.iter("a")] == ["Foto.png"]


def test_customer_sees_an_answer_only_when_it_is_certain(reported, anna, deliver_mails, mailbox, advance_clock):
    work = reported()
    deliver_mails()
    path = path_in(mailbox.last_to(COMPANY), "/vorgang/")
    work.act("antworten", "An den falschen Kunden")
    assert "An den falschen Kunden" not in anna.get(path).text
    work.act(UNDO)
    work.act("antworten", "An den richtigen Kunden")
    advance_clock(seconds=20)
    assert "An den falschen Kunden" not in anna.get(path).text
    assert "An den richtigen Kunden" in anna.get(path).text


def test_customer_sees_why_it_was_cancelled_only_when_that_is_certain(
    reported, anna, deliver_mails, mailbox, advance_clock
):
    work = reported()
    deliver_mails()
    path = path_in(mailbox.last_to(COMPANY), "/vorgang/")
    work.act("stornieren", "Doppelt gemeldet")
    assert "Doppelt gemeldet" not in anna.get(path).text
    advance_clock(seconds=20)
    assert "Doppelt gemeldet" in anna.get(path).text


def test_link_that_was_locked_by_mistake_opens_again(reported, anna, deliver_mails, mailbox):
    work = reported()
    deliver_mails()
    path = path_in(mailbox.last_to(COMPANY), "/vorgang/")
    work.act("link-sperren", "Verklickt")
    assert anna.get(path).status == 404
    work.act(UNDO)
    assert anna.get(path).status == 200


def test_what_followed_is_not_undone(app, reported, ticket, events):
    work = reported()
    work.act("erledigen", "Walze getauscht")
    page = work.look()
    emil = TicketPage(signed_in(app, "Emil Ernst"), ticket())
    emil.act("wieder-oeffnen", "Klemmt noch")
    before = events()
    assert work.act(UNDO, page=page).status == 422
    assert (events(), ticket().status) == (before, TicketStatus.NEW)


def test_a_note_makes_what_was_done_final(reported, ticket):
    work = reported()
    work.act("beginnen")
    page = work.look()
    work.act("notieren", "Teil bestellt")
    assert not offers_undo(work.look())
    assert work.act(UNDO, page=page).status == 422
    assert ticket().status is TicketStatus.IN_PROGRESS


def test_second_click_undoes_no_more(reported, events):
    work = reported()
    work.act("uebernehmen")
    work.act("beginnen")
    page = work.look()
    assert work.act(UNDO, page=page).status == 303
    assert work.act(UNDO, page=page).status == 422
    assert [kind for kind, *_ in events()] == [EventKind.OPENED, EventKind.TAKEN_OVER, EventKind.UNDONE]


def test_other_systems_learn_of_the_undoing(reported, monkeypatch):
    monkeypatch.setattr(settings, "webhook_url", "https://system.firma.example/")
    monkeypatch.setattr(webhook, "deliver", lambda message, now: None)
    work = reported()
    work.act("erledigen", "Walze getauscht")
    with database.connection_context():
        assert delivery.deliver_webhooks(NOW) == 1
    work.act(UNDO)
    with database.connection_context():
        told = [message.subject for message in Message.select().where(~outbox.IS_MAIL).order_by(Message.id)]
    assert told == ["Ticket angelegt", "erledigt", "rückgängig gemacht"]


@pytest.mark.parametrize("attempt", range(3))
def test_sender_and_undo_at_once(reported, ticket, attempt):
    work = reported()
    work.act("antworten", "Wir kommen morgen.")
    seen, both_ready = int(work.form(UNDO)["rueckgaengig-seen"]), Barrier(2)
    is_answer = Message.kind == MessageKind.ANSWER

    def lease():
        with database.connection_context():
            both_ready.wait()
            message = delivery._next_due(is_answer, NOW + timedelta(seconds=20))
            return message is not None and delivery._write(*delivery._lease(message, NOW + timedelta(seconds=20))) > 0

    def take_back():
        with database.connection_context():
            both_ready.wait()
            try:
                undo.undo(ticket(), Staff.get(), seen, NOW)
            except UserError:
                return False
            return True

    with ThreadPoolExecutor() as threads:
        is_leased, is_undone = (run.result() for run in [threads.submit(lease), threads.submit(take_back)])
    assert is_leased is not is_undone
    with database.connection_context():
        assert Message.select().where(is_answer).exists() is is_leased
