"""Wording of the mails and of the pages behind their links: the facts for this reader, and what comes next."""

import pytest

from database import database
from enums import TicketStatus
from models import Customer
from tests.support.approvers import BERND, COMPANY, OFFICE, ApprovalPage
from tests.support.contacts import set_contact
from tests.support.servers.mailbox import path_in, text_of
from tests.support.staff import take_call
from tests.support.tickets import set_ticket, write_message

ANNA = "anna@sommer.example"


def change_customer(**values):
    with database.connection_context():
        Customer.update(values).execute()


def test_no_mail_has_stray_blank_lines(every_kind_of_mail):
    for mail in every_kind_of_mail.mails:
        assert "\n\n\n" not in text_of(mail)
        assert text_of(mail) == text_of(mail).strip("\n") + "\n"


def test_call_was_taken_and_not_sent(app, approvers, clara, deliver_mails, mailbox):
    take_call(clara, "incident")
    deliver_mails()
    mail = text_of(mailbox.last_to(BERND))
    assert "uns hat Anna Sommer angerufen. Dafür brauchen wir Ihre Freigabe." in mail
    assert "Das haben wir am 23.11.2026 um 10:30\N{NO-BREAK SPACE}Uhr notiert (" in mail
    page = ApprovalPage(app, path_in(mailbox.last_to(BERND), "/freigabe/")).look()
    assert "Anna Sommer hat uns am 23.11.2026 um 10:30 Uhr angerufen: Störung" in page.text_of("main")
    assert "gesendet" not in mail + page.text_of("main")


def test_approvers_are_told_where_to_decide(ask_approvers, mailbox):
    ask_approvers()
    assert "eine Antwort auf diese E-Mail gibt nichts frei." in text_of(mailbox.last_to(BERND))
    assert "für eine Anfrage von Anna Sommer brauchen wir Ihre Freigabe." in text_of(mailbox.last_to(BERND))


def test_condition_of_an_approver_reaches_the_office(ask_approvers, deliver_mails):
    bernd, _ = ask_approvers()
    bernd.press("approved", "Nur bis 500 Euro.")
    assert "Freigegeben von Bernd Brot:\n\n> Nur bis 500 Euro.\n" in text_of(deliver_mails()[-1])


def test_approval_on_behalf_is_not_attributed_to_the_office(ask_approvers, ticket_page, deliver_mails):
    ask_approvers()
    ticket_page().act("freigeben", "Bernd Brot, am Telefon")
    mail = text_of(deliver_mails()[-1])
    assert "Freigegeben; das hat Clara Neumann nach einem Anruf eingetragen:\n\n> Bernd Brot, am Telefon\n" in mail


@pytest.mark.parametrize(
    ("decision", "email", "words"),
    [
        ("approved", COMPANY, "Wir haben Anna Sommer Bescheid gegeben und fangen an."),
        ("declined", COMPANY, "Wir haben Anna Sommer Bescheid gegeben; mehr ist nicht zu tun."),
        ("approved", "", "Wir geben Anna Sommer Bescheid und fangen an."),
        ("declined", "", "Wir geben Anna Sommer Bescheid; mehr ist nicht zu tun."),
    ],
)
def test_approvers_read_what_follows(ask_approvers, decision, email, words):
    bernd, petra = ask_approvers()
    with database.connection_context():
        set_contact(email=email)
    bernd.press(decision, "Zu teuer")
    assert bernd.look().text_of("follows") == f"Danke. {words}"
    assert petra.look().text_of("follows") == words


def test_approvers_read_that_work_goes_on_until_it_is_done(ask_approvers, ticket_page):
    bernd, _ = ask_approvers(priority="high")
    ticket_page().act("vor-freigabe-beginnen", "Die Kasse steht.")
    bernd.press("approved")
    assert bernd.look().text_of("follows") == "Danke. Wir haben Anna Sommer Bescheid gegeben und arbeiten daran."
    ticket_page().act("erledigen", "Walze getauscht")
    assert bernd.look().element("follows") is None


def test_request_for_approval_after_a_start_says_that_work_has_begun(
    ask_approvers, ticket_page, deliver_mails, mailbox
):
    ask_approvers(priority="high")
    ticket_page().act("vor-freigabe-beginnen", "Die Kasse steht.")
    ticket_page().act("freigabe-anfragen")
    deliver_mails()
    assert "Mit der Arbeit haben wir schon begonnen" in text_of(mailbox.last_to(BERND))
    assert "Wenn es nicht warten kann" not in text_of(mailbox.last_to(BERND))


@pytest.mark.parametrize(("on_behalf", "whom"), [(False, "Bernd Brot"), (True, "Ihrem Genehmiger")])
def test_requester_learns_what_follows_a_decline(
    ask_approvers, ticket_page, deliver_mails, mailbox, anna, on_behalf, whom
):
    bernd, _ = ask_approvers()
    if on_behalf:
        ticket_page().act("ablehnen", "Bernd Brot, am Telefon")
    else:
        bernd.press("declined", "Zu teuer")
    deliver_mails()
    mail = mailbox.last_to(COMPANY)
    advice = f"Sprechen Sie bitte mit {whom}. Soll es doch gemacht werden, senden Sie eine neue Anfrage oder rufen Sie"
    assert advice in text_of(mail)
    assert "„Der Drucker zieht kein Papier ein.“" in text_of(mail)
    assert advice in anna.get(path_in(mail, "/vorgang/")).text_of("main")


def test_decline_after_a_start_gives_no_such_advice(ask_approvers, ticket_page, deliver_mails, mailbox, anna):
    bernd, _ = ask_approvers(priority="high")
    ticket_page().act("vor-freigabe-beginnen", "Die Kasse steht.")
    bernd.press("declined", "Zu teuer")
    deliver_mails()
    mail = mailbox.last_to(COMPANY)
    page = anna.get(path_in(mail, "/vorgang/"))
    assert "Sprechen Sie bitte mit" not in text_of(mail) + page.text_of("main")


def test_answer_names_the_request_and_greets_only_once(ask_approvers, ticket_page, deliver_mails, mailbox):
    ask_approvers()
    ticket_page().act("antworten", "Guten Tag Frau Sommer,\nwir kommen morgen.")
    deliver_mails()
    mail = text_of(mailbox.last_to(COMPANY))
    assert mail.startswith("Auf Ihre Anfrage ")
    assert "„Der Drucker zieht kein Papier ein.“ antwortet Clara Neumann:\n\n> Guten Tag Frau Sommer," in mail
    assert mail.count("Guten Tag") == 1


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (TicketStatus.DONE, "Das Ticket war erledigt und ist jetzt wieder offen."),
        (TicketStatus.WAITING, "Darauf hat das Ticket gewartet; es ist jetzt wieder in Bearbeitung."),
        (TicketStatus.IN_PROGRESS, None),
    ],
)
def test_office_learns_what_a_reply_changes(anna, run_worker, deliver_mails, mailbox, status, sentence):
    anna.report("incident")
    run_worker()
    set_ticket(status=status)
    write_message(anna, path_in(mailbox.last_to(COMPANY), "/vorgang/"), "Es brummt wieder.")
    deliver_mails()
    mail = text_of(mailbox.last_to(OFFICE))
    assert "Die Anfrage ist von Anna Sommer, Telefon 0211 555-0101." in mail
    assert sentence in mail if sentence else "Ticket" not in mail


def test_address_on_file_is_not_addressed_as_the_requester(anna, run_worker, mailbox):
    change_customer(mail_domain="sommer.example")
    anna.report("incident", email=ANNA)
    run_worker()
    theirs, others = text_of(mailbox.last_to(ANNA)), text_of(mailbox.last_to(COMPANY))
    assert "Ihre Anfrage ist am 23.11.2026 um 10:30\N{NO-BREAK SPACE}Uhr bei uns angekommen." in theirs
    assert "Das haben Sie gesendet:" in theirs
    assert "am 23.11.2026 um 10:30\N{NO-BREAK SPACE}Uhr hat uns Anna Sommer eine Anfrage gesendet." in others
    assert "Das hat Anna Sommer gesendet:" in others
    assert "Ihre Anfrage" not in others


@pytest.mark.parametrize("email", ["", COMPANY])
def test_office_learns_that_nobody_gets_a_confirmation(anna, run_worker, mailbox, email):
    with database.connection_context():
        set_contact(email=email)
    anna.report("incident", email="fremd@gmx.de")
    run_worker()
    sentence = "Der Kunde bekommt keine Bestätigung: Es ist keine E-Mail-Adresse hinterlegt."
    assert (sentence in text_of(mailbox.last_to(OFFICE))) == (not email)
