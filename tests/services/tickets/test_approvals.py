"""Approvals: who is asked, the first decision counts, and who is told."""

import threading
from datetime import date, datetime, timedelta

import pytest

import clock
from database import database
from enums import Approval, EventKind, MessageKind, MessageState, TicketStatus
from models import Contact, Customer, Message, TicketLink
from services.customers import customers
from services.tickets import approvals
from settings import settings
from tests.support.approvers import BERND, COMPANY, OFFICE, PETRA, ApprovalPage
from tests.support.cast import NOW
from tests.support.contacts import set_contact
from tests.support.pages import EXAMPLES
from tests.support.servers.mailbox import path_in, text_of

REASON = "Das Gerät wird ohnehin ersetzt."


def receivers(mails):
    return [mail["To"] for mail in mails]


@pytest.fixture
def new_mails(deliver_mails):
    """Deliver due mails and return those that arrived since the last call."""
    seen = 0

    def load():
        nonlocal seen
        mails = deliver_mails()[seen:]
        seen += len(mails)
        return mails

    return load


@pytest.mark.parametrize("category", EXAMPLES)
def test_every_category_waits_for_approval(ask_approvers, new_mails, ticket, events, category):
    ask_approvers(category)
    assert receivers(new_mails()) == [COMPANY, BERND, PETRA]
    assert (ticket().approval, ticket().reminders) == (Approval.PENDING, 0)
    assert ticket().remind_at == NOW + timedelta(days=1)
    assert events()[1:] == [(EventKind.ASKED, "Portal", "Bernd Brot, Petra Mehl")]


def test_mail_tells_all_that_is_needed_to_decide(ask_approvers, mailbox):
    ask_approvers("warranty", priority="high")
    mail = mailbox.last_to(BERND)
    assert mail["Subject"].startswith("Bitte um Freigabe [")
    for words in ("Guten Tag Bernd Brot", "Anna Sommer", "ThinkPad E16", "Der Akku lädt nicht.", "23.12.2026"):
        assert words in text_of(mail)
    assert "schon vor Ihrer Entscheidung" in text_of(mail)


def test_each_approver_has_a_link_of_their_own(ask_approvers):
    bernd, petra = ask_approvers()
    assert bernd.path != petra.path
    bernd.press("approved")
    assert "Bernd Brot" in petra.look().text_of("decided")


@pytest.mark.parametrize(
    ("absent", "asked"), [(["Bernd Brot"], [PETRA]), (["Bernd Brot", "Petra Mehl"], [BERND, PETRA])]
)
def test_absent_approvers_are_asked_only_if_all_are_absent(approvers, anna, run_worker, mailbox, absent, asked):
    with database.connection_context():
        Contact.update(absent_from=NOW.date(), absent_until=NOW.date()).where(Contact.name.in_(absent)).execute()
    anna.report("incident", priority="medium")
    run_worker()
    assert receivers(mailbox.mails) == [COMPANY, *asked]


@pytest.mark.parametrize(
    ("local_time", "asked"),
    [
        ("2026-11-30 23:30", [BERND, PETRA]),
        # In UTC it is still the day before.
        ("2026-12-01 00:30", [PETRA]),
        ("2026-12-01 23:30", [PETRA]),
        ("2026-12-02 00:30", [BERND, PETRA]),
    ],
)
def test_absence_lasts_from_midnight_to_midnight_in_germany(
    approvers, anna, run_worker_at, mailbox, monkeypatch, local_time, asked
):
    day, moment = date(2026, 12, 1), datetime.fromisoformat(local_time).replace(tzinfo=clock.TIME_ZONE)
    with database.connection_context():
        Contact.update(absent_from=day, absent_until=day).where(Contact.email == BERND).execute()
    monkeypatch.setattr(clock, "now", lambda: moment)
    anna.report("incident", priority="medium")
    run_worker_at(moment)
    assert receivers(mailbox.mails) == [COMPANY, *asked]


def test_call_and_conversion_ask_too(approvers, dora, clara, run_worker, mailbox, events):
    dora.report("incident", priority="medium")
    run_worker()
    assert mailbox.mails == []
    (code,) = [
        link.get("href").rpartition("/")[2]
        for link in clara.get("/verwaltung/nicht-zugeordnet").tree.iter("a")
        if link.get("class") == "row-title"
    ]
    path = f"/verwaltung/nicht-zugeordnet/{code}"
    form = clara.get(path).fields(f"{path}/umwandeln").to_dict()
    assert clara.post(f"{path}/umwandeln", form | {"customer_number": "K1001", "note": "Anna am Telefon"}).status == 303
    known = {"customer_number": "K1001", "name": "Anna Sommer", "phone": "0211 555-0101", "category": "incident"}
    call = clara.get("/verwaltung/anruf").fields("/verwaltung/anruf").to_dict()
    assert clara.post("/verwaltung/anruf", call | known | EXAMPLES["incident"]).status == 303
    run_worker()
    assert receivers(mailbox.mails) == [COMPANY, BERND, PETRA] * 2


def test_approved_ticket_is_in_the_queue_and_everybody_is_told(ask_approvers, new_mails, ticket, events, clara):
    bernd, _ = ask_approvers()
    new_mails()
    assert "Der Drucker" not in clara.get("/verwaltung/tickets").text
    assert bernd.press("approved", "Gern.").status == 303
    assert (ticket().approval, ticket().status) == (Approval.APPROVED, TicketStatus.NEW)
    assert (ticket().remind_at, ticket().first_action_at) == (None, None)
    assert events()[-1] == (EventKind.APPROVED, "Bernd Brot", "Gern.")
    assert "Der Drucker" in clara.get("/verwaltung/tickets").text
    requester, office = new_mails()
    assert (requester["To"], office["To"]) == (COMPANY, OFFICE)
    assert requester["Subject"].startswith("Freigegeben [")
    assert "hat Bernd Brot freigegeben." in text_of(requester)
    assert "> Gern." in text_of(requester)
    assert path_in(requester, "/vorgang/")
    assert office["Subject"].startswith("Neu [")
    assert "Freigegeben von Bernd Brot" in text_of(office)


def test_declined_is_cancelled_and_the_requester_hears_why(ask_approvers, new_mails, ticket, events):
    bernd, _ = ask_approvers()
    new_mails()
    bernd.press("declined", REASON)
    assert (ticket().approval, ticket().status) == (Approval.DECLINED, TicketStatus.CANCELLED)
    assert events()[-2:] == [
        (EventKind.DECLINED, "Bernd Brot", REASON),
        (EventKind.CANCELLED, "Bernd Brot", "Freigabe abgelehnt"),
    ]
    (mail,) = new_mails()
    assert (mail["To"], mail["Subject"].partition(" [")[0]) == (COMPANY, "Nicht freigegeben")
    assert f"> {REASON}" in text_of(mail)
    assert "nicht mit der Arbeit begonnen" in text_of(mail)


def test_high_priority_is_told_at_once_and_again_when_decided(ask_approvers, new_mails, clara):
    bernd, _ = ask_approvers(priority="high")
    assert "Der Drucker" in clara.get("/verwaltung/tickets").text
    office = new_mails()[-1]
    assert office["To"] == OFFICE
    assert office["Subject"].startswith("Neu, noch nicht freigegeben [")
    assert "Noch nicht freigegeben." in text_of(office)
    bernd.press("approved")
    requester, office = new_mails()
    assert (requester["To"], office["To"]) == (COMPANY, OFFICE)
    assert office["Subject"].startswith("Freigegeben [")
    assert path_in(office, "/verwaltung/ticket/")


def test_start_before_approval_is_told_to_the_approvers_who_can_still_approve(
    ask_approvers, new_mails, ticket_page, ticket
):
    bernd, petra = ask_approvers(priority="high")
    new_mails()
    ticket_page().act("vor-freigabe-beginnen", "Die Kasse steht.")
    told = new_mails()
    assert receivers(told) == [BERND, PETRA]
    assert [path_in(mail, "/freigabe/") for mail in told] == [bernd.path, petra.path]
    assert "> Die Kasse steht." in text_of(told[0])
    assert "Die Kasse steht." in petra.look().text_of("begun")
    petra.press("approved")
    assert (ticket().approval, ticket().status) == (Approval.APPROVED, TicketStatus.IN_PROGRESS)
    assert all("schon begonnen" in text_of(mail) for mail in new_mails()[:1])


def test_decline_after_a_start_leaves_the_ticket_open_and_tells_both(ask_approvers, new_mails, ticket_page, ticket):
    bernd, petra = ask_approvers(priority="high")
    ticket_page().act("vor-freigabe-beginnen", "Die Kasse steht.")
    new_mails()
    bernd.press("declined", REASON)
    assert (ticket().approval, ticket().status) == (Approval.DECLINED, TicketStatus.IN_PROGRESS)
    mails = new_mails()
    assert receivers(mails) == [COMPANY, OFFICE]
    for mail in mails:
        assert "schon begonnen" in text_of(mail)
        assert f"> {REASON}" in text_of(mail)
    for page in (bernd.look(), petra.look()):
        assert "Mit der Arbeit haben wir" in page.text_of("begun")
        assert "Bernd Brot" in page.text_of("decided")


@pytest.mark.parametrize(
    ("slug", "approval", "heading", "also_told"),
    [
        # The office is told that work can begin.
        ("freigeben", Approval.APPROVED, "Freigegeben", [OFFICE]),
        ("ablehnen", Approval.DECLINED, "Nicht freigegeben", []),
    ],
)
def test_office_decides_on_behalf_after_a_call(
    ask_approvers, new_mails, ticket_page, ticket, slug, approval, heading, also_told
):
    approvers = ask_approvers()
    new_mails()
    ticket_page().act(slug, "Bernd Brot, am Telefon um 10 Uhr")
    assert (ticket().approval, ticket().remind_at) == (approval, None)
    mail, *others = new_mails()
    assert (mail["To"], receivers(others)) == (COMPANY, also_told)
    assert "> Bernd Brot, am Telefon um 10 Uhr" in text_of(mail)
    for approver in approvers:
        page = approver.look()
        assert page.tree.findtext(".//h1") == heading
        assert "IT-Service hat das am 23.11.2026 um 10:30 Uhr nach einem Anruf eingetragen" in page.text_of("decided")
        assert "Bernd Brot, am Telefon um 10 Uhr" in page.text
        assert "Clara" not in page.text + text_of(mail)


@pytest.mark.parametrize("decisions", [("approved", "declined"), ("declined", "approved"), ("approved", "approved")])
def test_two_approvers_at_the_same_moment_make_one_decision(ask_approvers, new_mails, events, monkeypatch, decisions):
    approvers = ask_approvers()
    new_mails()
    together, decide = threading.Barrier(2), approvals.decide

    def decide_together(*arguments):
        together.wait(10)
        decide(*arguments)

    monkeypatch.setattr(approvals, "decide", decide_together)
    answers = {}

    def press(approver, decision):
        answers[approver] = approver.press(decision, REASON)

    threads = [threading.Thread(target=press, args=pair) for pair in zip(approvers, decisions, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [event for event in events() if event[0] in approvals.DECISION_EVENTS]
    assert len(made) == 1
    assert sorted(answer.status for answer in answers.values()) == [303, 409]
    (loser,) = [answer for answer in answers.values() if answer.status == 409]
    assert made[0][1] in loser.text_of("decided")
    assert "hat nichts mehr geändert" in loser.text
    assert receivers(new_mails()).count(COMPANY) == 1
    assert all(made[0][1] in approver.look().text_of("decided") for approver in approvers)


def test_second_decision_changes_nothing(ask_approvers, events):
    bernd, petra = ask_approvers()
    pages = bernd.look(), petra.look()
    bernd.press("approved")
    before = events()
    answer = petra.press("declined", REASON, page=pages[1])
    assert answer.status == 409
    assert "Bernd Brot hat am" in answer.text_of("decided")
    assert bernd.press("declined", REASON, page=pages[0]).status == 409
    assert events() == before


def test_asking_again_renews_links_and_reminders(ask_approvers, new_mails, ticket_page, ticket, events, run_worker_at):
    bernd, petra = ask_approvers()
    new_mails()
    run_worker_at(NOW + timedelta(days=1))
    assert (len(new_mails()), ticket().reminders) == (2, 1)
    assert "Einmal erinnert, zuletzt am" in ticket_page().look().text_of("ticket")
    ticket_page().act("freigabe-anfragen")
    assert events()[-1] == (EventKind.ASKED, "Clara Neumann", "Bernd Brot, Petra Mehl")
    assert (ticket().reminders, ticket().remind_at) == (0, NOW + timedelta(days=2))
    mails = new_mails()
    assert [path_in(mail, "/freigabe/") for mail in mails] == [bernd.path, petra.path]
    with database.connection_context():
        assert {link.expires_at for link in TicketLink.select().where(TicketLink.approver.is_null(False))} == {
            NOW + timedelta(days=31)
        }


@pytest.mark.parametrize("slug", ["freigabe-anfragen", "freigeben", "ablehnen"])
def test_office_cannot_ask_or_decide_twice(ask_approvers, ticket_page, events, slug):
    bernd, _ = ask_approvers()
    work = ticket_page()
    form = work.form(slug)
    bernd.press("approved")
    before = events()
    seen = {name: "999999" for name in form if name.endswith("-seen")}
    answer = work.visitor.post(f"{work.path}/{slug}", form | seen | {f"{slug}-text": "x", f"{slug}-reason": "x"})
    assert answer.status == 422
    assert "keine Freigabe mehr zu entscheiden" in answer.text_of("ticket")
    assert events() == before


def test_ticket_page_tells_who_was_asked_and_when(ask_approvers, ticket_page):
    ask_approvers()
    page = ticket_page().look().text_of("ticket")
    assert "Gefragt am 23.11.2026 um 10:30 Uhr: Bernd Brot, Petra Mehl." in page
    assert "Nächste Erinnerung: 24.11.2026 um 10:30 Uhr." in page


def test_reopening_what_was_declined_asks_for_a_new_decision(ask_approvers, new_mails, ticket_page, ticket):
    bernd, petra = ask_approvers()
    bernd.press("declined", REASON)
    new_mails()
    ticket_page().act("wieder-oeffnen", "Bernd hat es sich überlegt")
    assert ticket().approval is Approval.PENDING
    asked, _, told = mails = new_mails()
    assert receivers(mails) == [BERND, PETRA, COMPANY]
    for words in (text_of(asked), petra.look().text_of("reopened")):
        assert "war schon einmal abgelehnt, am 23.11.2026 um 10:30" in words
        assert "Bitte entscheiden Sie neu." in words
        assert words.index(REASON) < words.index("wieder geöffnet") < words.index("Bernd hat es sich überlegt")
    assert told["Subject"].startswith("Wieder geöffnet [")
    assert "Sie braucht noch eine Freigabe." in text_of(told)
    # Their old links lead to the new decision.
    assert bernd.press("approved").status == 303
    assert "Bernd Brot hat am" in petra.look().text_of("decided")
    assert (ticket().approval, ticket().status) == (Approval.APPROVED, TicketStatus.NEW)


def test_after_reopening_the_newer_decision_is_shown(ask_approvers, ticket_page):
    bernd, petra = ask_approvers()
    bernd.press("declined", REASON)
    ticket_page().act("wieder-oeffnen", "Bernd hat es sich überlegt")
    assert petra.press("approved").status == 303
    assert "Petra Mehl hat am" in bernd.look().text_of("decided")


def test_reopening_what_was_cancelled_before_a_decision(ask_approvers, new_mails, ticket_page):
    bernd, _ = ask_approvers()
    assert "Bitte entscheiden Sie neu." not in text_of(new_mails()[1]) + bernd.look().text
    ticket_page().act("stornieren", "Doppelt gemeldet")
    ticket_page().act("wieder-oeffnen", "Doch nicht doppelt")
    for words in (text_of(new_mails()[-2]), bernd.look().text_of("reopened")):
        assert "war schon einmal storniert, am 23.11.2026 um 10:30" in words
        assert words.index("Doppelt gemeldet") < words.index("Doch nicht doppelt")


def test_reopening_forgets_the_early_start(ask_approvers, ticket_page, deliver_mails):
    bernd, _ = ask_approvers(priority="high")
    ticket_page().act("vor-freigabe-beginnen", "Die Kasse steht.")
    ticket_page().act("stornieren", "Doppelt gemeldet")
    ticket_page().act("wieder-oeffnen", "Doch nicht")
    assert bernd.look().element("begun") is None
    bernd.press("declined", REASON)
    assert "nicht mit der Arbeit begonnen" in text_of(deliver_mails()[-2])


def test_removed_approver_gets_no_more_mail_and_decides_no_more(
    ask_approvers, run_worker_at, mailbox, mail_server, anna, ticket
):
    bernd, petra = ask_approvers()
    settings.smtp_url = ""
    anna.report("other")
    run_worker_at(NOW)
    with database.connection_context():
        customers.remove_contact(Contact.get(Contact.email == BERND))
        asked = Message.select().where(Message.kind == MessageKind.APPROVAL_WANTED, Message.sent_at.is_null())
        states = {message.recipient: message.state for message in asked}
    assert states == {BERND: MessageState.DISCARDED, PETRA: MessageState.WAITING}
    settings.smtp_url = mail_server.url
    before = len(mailbox.to(BERND))
    run_worker_at(NOW + timedelta(days=1))
    assert len(mailbox.to(BERND)) == before
    assert len(mailbox.to(PETRA)) == 4
    assert bernd.look().status == 404
    assert petra.press("approved").status == 303


def test_approver_with_another_address_needs_a_new_link(ask_approvers, ticket_page, mailbox, deliver_mails, clara, app):
    bernd, _ = ask_approvers()
    with database.connection_context():
        approver = Contact.get(Contact.email == BERND)
    path = f"/verwaltung/kunden/1/personen/{approver.id}"
    assert clara.post(path, clara.get(path).fields(path).to_dict() | {"name": "Bernd Brotmann"}).status == 303
    assert bernd.look().status == 200
    assert clara.post(path, clara.get(path).fields(path).to_dict() | {"email": "bb@sommer.example"}).status == 303
    assert bernd.look().status == 404
    ticket_page().act("freigabe-anfragen")
    deliver_mails()
    new = ApprovalPage(app, path_in(mailbox.last_to("bb@sommer.example"), "/freigabe/"))
    assert new.path != bernd.path
    assert new.press("approved").status == 303


def test_office_is_told_of_a_decline_if_the_requester_gets_no_mail(ask_approvers, new_mails):
    bernd, _ = ask_approvers()
    with database.connection_context():
        set_contact(email="")
    new_mails()
    bernd.press("declined", REASON)
    (mail,) = new_mails()
    assert mail["To"] == OFFICE
    assert "Bitte rufen Sie an: 0211 555-0101" in text_of(mail)


def test_unsent_approval_mail_is_discarded_after_the_decision(ask_approvers, new_mails, ticket_page, mailbox):
    ask_approvers()
    new_mails()
    settings.smtp_url = ""
    ticket_page().act("freigabe-anfragen")
    ticket_page().act("freigeben", "Bernd Brot, am Telefon um 10 Uhr")
    settings.smtp_url = mailbox.url
    assert receivers(new_mails()) == [COMPANY, OFFICE]


def test_locked_customer_gets_no_link_and_staff_follow_up(ask_approvers, new_mails, ticket_page, clara):
    ask_approvers()
    new_mails()
    with database.connection_context():
        Customer.update(locked_at=NOW).execute()
    assert "Freigabe überfällig" in clara.get("/verwaltung/").text
    rows = clara.get("/verwaltung/tickets?stand=freigabe-ueberfaellig").text
    assert "Der Drucker zieht kein Papier ein." in rows
    ticket_page().act("ablehnen", "Bernd Brot, am Telefon um 10 Uhr")
    ticket_page().act("wieder-oeffnen", "Doch")
    ticket_page().act("freigeben", "Petra Mehl, am Telefon um 11 Uhr")
    mails = new_mails()
    assert receivers(mails) == [COMPANY, COMPANY, COMPANY, OFFICE]
    assert not any("/vorgang/" in text_of(mail) for mail in mails)


def test_decision_from_an_old_page_is_rejected_after_a_new_request(ask_approvers, ticket_page, ticket):
    bernd, petra = ask_approvers()
    page = bernd.look()
    petra.press("declined", REASON)
    ticket_page().act("wieder-oeffnen", "Mit anderem Umfang")
    assert bernd.press("approved", page=page).status == 409
    assert ticket().approval is Approval.PENDING
    assert bernd.press("approved").status == 303
