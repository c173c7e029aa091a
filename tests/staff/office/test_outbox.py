"""The outbox page, and the notice on every page while something cannot be delivered."""

import re

import pytest

from database import database
from enums import MessageKind, MessageState
from models import Message, Ticket, TicketLink
from services.mail import access_links, delivery, outbox
from settings import settings
from tests.support.cast import NOW
from tests.support.servers.live_server import free_port
from tests.support.servers.mailbox import text_of

OUTBOX = "/verwaltung/postausgang"
FAILING = f"{OUTBOX}?stand=nicht-zustellbar"
SOMMER, OFFICE = "post@sommer.example", "support@muster-it.example"


@pytest.fixture
def failing(anna, run_worker, mailbox):
    """A mail to the customer and one to the office, which the mail server refuses."""
    mailbox.failure = {"RCPT": "550 5.1.1 Kenne ich nicht"}
    anna.report("incident")
    run_worker()
    return mailbox


def words(page, id="main"):
    return page.text_of(id)


def banner(page):
    """Return what a page says about mails in its head, or ""."""
    found = [element for element in page.tree.iter("p") if "trouble" in element.get("class", "").split()]
    return " ".join("".join(found[0].itertext()).split()) if found else ""


def fact(page, label):
    """Return the value that a page shows for a label."""
    (row,) = [row for row in page.tree.iter("div") if row.findtext("dt") == label]
    return " ".join("".join(row.find("dd").itertext()).split())


def titles(page):
    return [link.text for link in page.tree.iter("a") if link.get("class") == "row-title"]


def ids():
    with database.connection_context():
        return [message.id for message in Message.select().order_by(Message.id)]


def states():
    with database.connection_context():
        return [message.state for message in Message.select().order_by(Message.id)]


def press(visitor, page, action):
    """Press the button of a page that sends to this URL."""
    return visitor.post(action, page.fields(action))


def test_all_messages_are_listed_newest_first(anna, clara, run_worker, mailbox):
    anna.report("incident", description="Drucker")
    run_worker()
    page = clara.get(OUTBOX)
    assert [title.partition(" [")[0] for title in titles(page)] == ["Neu", "Eingegangen"]
    assert f"an {SOMMER} · gesendet heute, 10:30" in words(page)
    assert "Bestätigung gesendet" in words(page)
    assert "Alle" in [link.text for link in page.tree.iter("a") if link.get("aria-current")]
    assert banner(page) == ""


def test_office_is_warned_about_links_that_only_work_locally(clara, mailbox):
    settings.base_url = ""
    assert "Die Links in den E-Mails öffnen sich nur an diesem Rechner" in banner(clara.get("/verwaltung/"))


def test_filters(failing, anna, clara, run_worker):
    failing.failure = {}
    anna.report("callback")
    run_worker()
    for shelf, number in (("alle", 4), ("nicht-zustellbar", 2), ("wartet", 2), ("gesendet", 2), ("verworfen", 0)):
        assert len(titles(clara.get(f"{OUTBOX}?stand={shelf}"))) == number, shelf


def test_pages_of_a_long_list(anna, clara, run_worker, monkeypatch):
    monkeypatch.setattr(outbox, "PAGE_SIZE", 3)
    for _ in range(2):
        anna.report("incident")
    run_worker()
    first = clara.get(f"{OUTBOX}?stand=wartet")
    (more,) = [link.get("href") for link in first.tree.iter("a") if link.get("rel") == "next"]
    second = clara.get(more)
    assert (len(titles(first)), len(titles(second))) == (3, 1)
    assert [link for link in second.tree.iter("a") if link.get("rel") == "next"] == []


@pytest.mark.parametrize("address", [f"{OUTBOX}?stand=xyz", f"{OUTBOX}?vor=0", f"{OUTBOX}?vor=abc&stand=wartet"])
def test_invalid_urls(clara, address):
    assert clara.get(address).status == 200


def test_page_of_a_message(failing, clara):
    page = clara.get(f"{OUTBOX}/{ids()[0]}")
    assert fact(page, "Stand") == "wartet nach Fehler"
    assert fact(page, "An") == SOMMER
    assert fact(page, "Versuche") == "1, der nächste am 23.11.2026 um 10:31 Uhr"
    assert fact(page, "Letzter Fehler") == ("Der Mailserver nimmt den Empfänger nicht an: „550 5.1.1 Kenne ich nicht“")


def state_of(clara, id):
    """Return the state that the page of a message shows, and whether the page refreshes itself."""
    page = clara.get(f"{OUTBOX}/{id}")
    return fact(page, "Stand"), page.element("live").get("data-hx-trigger") is not None


def test_a_message_given_up_is_not_shown_as_being_sent(failing, clara, advance_clock):
    with database.connection_context():
        Message.update(state=MessageState.FAILED).execute()
    advance_clock(minutes=2)
    assert state_of(clara, ids()[0]) == ("aufgegeben", False)


def test_a_message_waits_for_its_transport(anna, clara, run_worker, monkeypatch):
    monkeypatch.setattr(delivery, "deliver_webhooks", lambda *_, **__: 0)
    settings.webhook_url, settings.webhook_secret = "https://system.example/", "0123456789abcdef"
    anna.report("incident")
    run_worker()
    with database.connection_context():
        mail, webhook = (Message.get(kind=kind) for kind in (MessageKind.NEW_TICKET, MessageKind.WEBHOOK))
    on_its_way = "wartet wird gerade zugestellt; diese Seite schaut von selbst nach", True
    assert state_of(clara, webhook.id) == on_its_way
    assert state_of(clara, mail.id) == ("wartet bis ein Mailserver eingerichtet ist", False)
    settings.smtp_url = f"smtp://127.0.0.1:{free_port()}"
    assert state_of(clara, mail.id) == on_its_way


def test_the_page_shows_the_configured_mail_server(clara):
    settings.smtp_url = "smtps://post%40firma.example:ge%2Fheim@mail.firma.example"
    page = clara.get(OUTBOX)
    set_to = words(page, "server")
    assert set_to.startswith("Eingestellt ist mail.firma.example, Port 465, Anmeldung als post@firma.example.")
    assert f"tragen Sie in {settings.data_dir / 'config.toml'} eine andere smtp_url ein" in set_to
    assert set_to.endswith("und starten das Portal neu.")
    assert "heim" not in page.text
    settings.smtp_url = "smtp://localhost"
    assert "localhost, Port 587, ohne Anmeldung" in words(clara.get(OUTBOX), "server")


def test_after_a_retry_the_list_shows_the_result(failing, clara, deliver_mails):
    page = clara.get(FAILING)
    assert page.element("live").get("data-hx-trigger") is None
    assert "Danach klicken Sie auf „Alle noch einmal versuchen“." in words(page, "server")
    shown = clara.get(press(clara, page, f"{OUTBOX}/erneut").response.location)
    assert words(shown).count("wird gerade versucht") == 2
    live = shown.element("live")
    assert live.get("data-hx-trigger") == "every 2s"
    deliver_mails()
    asked = clara.get(live.get("data-hx-get"), headers={"HX-Request": "true", "HX-Trigger": "live"})
    assert "wird gerade versucht" not in asked.text
    assert asked.text.count("nächster am") == 2
    assert asked.element("live").get("data-hx-trigger") is None


def test_without_a_transport_no_retry_is_offered(failing, anna, clara, run_worker):
    assert f"{OUTBOX}/erneut" in clara.get(FAILING).text
    settings.smtp_url = ""
    assert "noch einmal versuchen" not in clara.get(FAILING).text
    assert "Noch einmal versuchen" not in clara.get(f"{OUTBOX}/{ids()[0]}").text


def test_the_ticket_shows_the_state_of_its_mails(failing, anna, clara, run_worker):
    with database.connection_context():
        ticket = Ticket.select().get()
        outbox.put(MessageKind.ANSWER, "", NOW, ticket=ticket, recipient=SOMMER, subject="Antwort eins")
        outbox.put(MessageKind.ANSWER, "", NOW, ticket=ticket, recipient=SOMMER, subject="Antwort zwei")
        outbox.put(MessageKind.WEBHOOK, "{}", NOW, ticket=ticket)
        outbox.discard(Message.get(kind=MessageKind.CONFIRMATION), NOW)
        code = ticket.submission.code
    failing.failure = {}
    settings.smtp_url = ""
    anna.report("callback")
    run_worker()
    page = clara.get(f"/verwaltung/ticket/{code}")
    assert fact(page, "E-Mails") == "1 nicht zustellbar, 2 warten, 1 verworfen"
    (link,) = [link.get("href") for link in page.tree.iter("a") if "vorgang=" in link.get("href")]
    about = clara.get(link)
    assert len(titles(about)) == 5
    assert f"/verwaltung/ticket/{code}" in [link.get("href") for link in about.tree.iter("a")]
    assert len(titles(clara.get(f"{link}&stand=wartet"))) == 4
    assert "bis=" not in clara.get(f"{link}&stand=wartet").text


def test_a_message_does_not_show_its_link(anna, clara, run_worker, mailbox):
    anna.report("incident")
    run_worker()
    page = clara.get(f"{OUTBOX}/{ids()[0]}")
    with database.connection_context():
        link = TicketLink.get()
    assert f"{settings.url}/vorgang/…" in page.text
    token = access_links.insert_token(link.nonce, link)
    assert token in text_of(mailbox.to(SOMMER)[0])
    assert token not in page.text
    assert link.nonce not in page.text


def test_retry_of_one_message(failing, clara, deliver_mails):
    failing.failure = {}
    address = f"{OUTBOX}/{ids()[0]}"
    answer = press(clara, clara.get(address), f"{address}/erneut")
    assert (answer.status, answer.response.location) == (303, address)
    assert [mail["To"] for mail in deliver_mails()] == [SOMMER]


def test_retry_of_all_messages_starts_the_period_again(failing, clara, deliver_mails, advance_clock):
    while MessageState.WAITING in states():
        advance_clock(hours=6)
        deliver_mails()
    failing.failure = {}
    with clara.client.session_transaction() as session:
        session["staff_seen"] = 10**12
    settings.staff_session_hours = 10**4
    page = clara.get(FAILING)
    assert "aufgegeben" in words(page)
    assert press(clara, page, f"{OUTBOX}/erneut").response.location == FAILING
    with database.connection_context():
        assert {message.attempts for message in Message.select()} == {0}
    assert sorted(mail["To"] for mail in deliver_mails()) == [SOMMER, OFFICE]
    assert banner(clara.get(OUTBOX)) == ""


def test_a_discarded_message_is_not_sent(failing, clara, deliver_mails, advance_clock):
    for id in ids():
        press(clara, clara.get(f"{OUTBOX}/{id}"), f"{OUTBOX}/{id}/verwerfen")
    assert set(states()) == {MessageState.DISCARDED}
    assert banner(clara.get(OUTBOX)) == ""
    failing.failure = {}
    advance_clock(days=1)
    assert deliver_mails() == []


def discard_all(clara, page):
    """Discard everything a page shows, and confirm it."""
    (action,) = {form.get("action") for form in page.tree.iter("form") if "bis=" in form.get("action")}
    return press(clara, page, action)


def test_old_mails_can_be_discarded_before_a_mail_server_is_set(anna, clara, run_worker, deliver_mails, mailbox):
    settings.smtp_url = ""
    for _ in range(3):
        anna.report("incident")
    run_worker()
    (setup,) = [part for part in clara.get(OUTBOX).tree.iter("section") if part.get("aria-labelledby") == "setup"]
    page = clara.get(setup.find(".//a").get("href"))
    assert "Alle 6 verwerfen" in words(page)
    anna.report("callback")
    run_worker()
    answer = discard_all(clara, page)
    assert (answer.status, answer.response.location) == (303, f"{OUTBOX}?stand=wartet")
    assert states() == [MessageState.DISCARDED] * 6 + [MessageState.WAITING] * 2
    settings.smtp_url = mailbox.url
    assert sorted(mail["To"] for mail in deliver_mails()) == [SOMMER, OFFICE]
    assert len(titles(clara.get(f"{OUTBOX}?stand=verworfen"))) == 6


def test_discarding_all_failing_messages_discards_nothing_else(failing, anna, clara, run_worker):
    failing.failure = {}
    with database.connection_context():
        Message.update(state=MessageState.FAILED).where(Message.recipient == SOMMER).execute()
    anna.report("incident")
    run_worker()
    settings.smtp_url = ""
    anna.report("incident")
    run_worker()
    page = clara.get(FAILING)
    assert "Alle 2 verwerfen" in words(page)
    discard_all(clara, page)
    assert states() == ([MessageState.DISCARDED] * 2 + [MessageState.SENT] * 2 + [MessageState.WAITING] * 2)


def test_discarding_all_spares_messages_being_sent(failing, clara):
    page = clara.get(FAILING)
    with database.connection_context():
        Message.update(leased_until=NOW + outbox.LEASE).where(Message.recipient == SOMMER).execute()
    discard_all(clara, page)
    assert states() == [MessageState.WAITING, MessageState.DISCARDED]


@pytest.mark.parametrize("shelf", ["alle", "gesendet", "verworfen"])
def test_only_waiting_filters_offer_to_discard_all(failing, clara, shelf):
    page = clara.get(f"{OUTBOX}?stand={shelf}")
    assert "bis=" not in page.text
    form = page.fields(f"{OUTBOX}/testmail")
    assert clara.post(f"{OUTBOX}/verwerfen?stand={shelf}&bis=99", form).status == 404
    assert set(states()) == {MessageState.WAITING}


def test_a_sent_message_is_neither_retried_nor_discarded(failing, clara, deliver_mails, advance_clock):
    page = clara.get(address := f"{OUTBOX}/{ids()[0]}")
    failing.failure = {}
    advance_clock(minutes=2)
    deliver_mails()
    press(clara, page, f"{address}/verwerfen")
    press(clara, page, f"{address}/erneut")
    assert set(states()) == {MessageState.SENT}
    assert len(deliver_mails()) == 2


@pytest.mark.parametrize(
    ("lease", "state"),
    [
        (outbox.LEASE, MessageState.WAITING),
        # No lease is that long; a clock was ahead.
        (1000 * outbox.LEASE, MessageState.DISCARDED),
    ],
)
def test_a_message_being_sent_is_not_discarded(failing, clara, lease, state):
    page = clara.get(address := f"{OUTBOX}/{ids()[0]}")
    with database.connection_context():
        Message.update(leased_until=NOW + lease).execute()
    press(clara, page, f"{address}/verwerfen")
    assert states()[0] is state


def test_test_mail(clara, deliver_mails):
    page = clara.get(OUTBOX)
    form = page.fields(f"{OUTBOX}/testmail")
    assert form["recipient"] == OFFICE
    answer = clara.post(f"{OUTBOX}/testmail", form.to_dict() | {"recipient": "clara@müller.example"})
    shown = clara.get(answer.response.location)
    assert "wird gerade zugestellt" in words(shown)
    assert shown.element("live").get("data-hx-trigger") == "every 2s"
    (mail,) = deliver_mails()
    assert mail.envelope.rcpt_tos == ["clara@xn--mller-kva.example"]
    assert "Clara Neumann hat sie am 23.11.2026 um 10:30\N{NO-BREAK SPACE}Uhr abgeschickt" in text_of(mail)
    later_on = clara.get(answer.response.location, headers={"HX-Request": "true", "HX-Trigger": "live"})
    assert fact(later_on, "Stand") == "gesendet"
    assert later_on.element("live").get("data-hx-trigger") is None


@pytest.mark.parametrize(
    ("recipient", "sentence"),
    [
        ("", "Bitte geben Sie die Adresse ein, an die die Testmail gehen soll."),
        ("clara", "Eine E-Mail-Adresse sieht so aus: name@firma.de"),
        ("clara@a.example, dora@b.example", "Eine E-Mail-Adresse sieht so aus: name@firma.de"),
        ("clara@a.example\r\nBcc: dora@b.example", "Eine E-Mail-Adresse sieht so aus: name@firma.de"),
    ],
)
def test_test_mail_to_no_address(clara, mailbox, recipient, sentence):
    form = clara.get(OUTBOX).fields(f"{OUTBOX}/testmail").to_dict() | {"recipient": recipient}
    page = clara.post(f"{OUTBOX}/testmail", form)
    assert page.status == 422
    assert sentence in page.errors()["recipient"]
    assert ids() == []


def test_without_a_mail_server_the_page_says_how_to_set_one(clara):
    page = clara.get(OUTBOX)
    assert "Es ist kein Mailserver eingerichtet" in words(page)
    assert "TICKET_SMTP_URL" in words(page)
    assert banner(page) == "Es ist kein Mailserver eingerichtet: Alle E-Mails warten. Zum Postausgang"


def test_every_page_says_that_something_cannot_be_delivered(failing, clara, staff_routes):
    looked_at = 0
    for endpoint, address in staff_routes["GET"]:
        answer = clara.client.get(address, buffered=True)
        if answer.mimetype == "text/html" and "Abmelden" in answer.text:
            assert "Nicht alles kommt an, was das Portal verschickt (seit heute, 10:30)." in answer.text, endpoint
            looked_at += 1
    assert looked_at > 15


def test_visitors_who_are_not_signed_in_see_no_notice(failing, signed_out):
    assert banner(signed_out.get("/verwaltung/anmelden")) == ""


def test_a_failing_webhook_shows_as_well(anna, clara, run_worker, mailbox):
    settings.webhook_url, settings.webhook_secret = f"http://127.0.0.1:{free_port()}/geheim", "0123456789abcdef"
    anna.report("incident")
    run_worker()
    page = clara.get(FAILING)
    assert banner(page) == "Nicht alles kommt an, was das Portal verschickt (seit heute, 10:30). Zum Postausgang"
    (title,) = titles(page)
    assert title == "Ticket angelegt"
    assert "Der Empfänger des Webhooks nimmt an diesem Port keine Verbindung an." in words(page)
    message = clara.get(f"{OUTBOX}/{ids()[0]}")
    assert '"customer"' in message.text_of("main")
    assert "geheim" not in page.text + message.text


def test_the_notice_on_every_page_needs_only_an_index(db):
    looks = []
    execute = db.execute_sql
    db.execute_sql = lambda sql, params=None: looks.append((sql, params)) or execute(sql, params)
    try:
        outbox.failing_since()
    finally:
        del db.execute_sql
    ((sql, params),) = looks
    plan = [row[3] for row in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()]
    assert len(plan) == 1
    assert re.search("COVERING INDEX message_failing$", plan[0])


def test_headers_of_a_mail_as_it_went_out(clara, anna, run_worker, deliver_mails, mailbox):
    anna.report("incident")
    run_worker()
    deliver_mails()
    mail = mailbox.last_to(SOMMER)
    with database.connection_context():
        message = Message.get(Message.recipient == SOMMER)
    shown = clara.get(f"/verwaltung/postausgang/{message.id}").text_of("main")
    for name in ("Subject", "Date", "Message-ID", "Auto-Submitted"):
        assert f"{name}{mail[name]}" in shown
