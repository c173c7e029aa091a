"""The start page: what needs attention, and a quiet day."""

import shutil
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from werkzeug.test import Client

import clock
from database import database
from enums import Approval, TicketStatus
from models import Contact, Customer, Event, Staff, Ticket
from server.proxy import ProxyHeadersMiddleware
from services.customers import customers
from services.reports import overview
from services.security import proxy_check
from settings import Settings, settings
from tests.support.cast import NOW, signed_in
from tests.support.pages import HTMX, all_text, row_titles
from tests.support.staff import HOME

TICKETS = "/verwaltung/tickets?stand=alle-offenen"

FIRST_STEPS = [
    "E-Mail-Adresse des Büros",
    "Telefonnummer des Büros",
    "Anschrift des Büros für die PIN-Briefe",
    "Adresse des Portals im Netz",
    "Mailserver mit Testmail",
    "Eine Probemeldung",
]

PARTS = {
    "urgent-unmatched": "Dringend, aber nicht zugeordnet",
    "stuck": "Hängt",
    "new": "Neue Tickets",
    "unapproved": "Hohe Priorität, noch nicht freigegeben",
    "unmatched": "Nicht zugeordnet seit",
    "entries": "Neue Mitarbeiter bis",
    "undelivered": "Nicht zustellbar",
}


@pytest.fixture
def set_clock(monkeypatch):
    """Set the clock to a moment in UTC."""

    def go(*moment):
        monkeypatch.setattr(clock, "now", lambda: datetime(*moment, tzinfo=UTC))

    return go


@pytest.fixture
def with_approver(anna):
    """Bernd decides about the requests of Anna's company."""
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")


def parts(page):
    """Return the headings of the sections on the page, by id."""
    return {name: page.text_of(name) for name in PARTS if page.element(name) is not None}


def reasons(page):
    """Return the first reason why a ticket is stuck, by its title."""
    sections = [part for part in page.tree.iter("section") if part.get("aria-labelledby") == "stuck"]
    rows = [row for part in sections for row in part.iter("tr") if row.find(".//a") is not None]
    badges = {row.findtext(".//a").strip(): row.find(".//span[@class='badge warning']") for row in rows}
    return {title: " ".join(badge.text.split()) for title, badge in badges.items()}


def close(clara):
    """Close the only open ticket as done."""
    path = ticket_path(clara)
    clara.post(f"{path}/erledigen", clara.get(path).fields(f"{path}/erledigen"))


def ticket_path(clara):
    (link,) = [link for link in clara.get(TICKETS).tree.iter("a") if link.get("class") == "row-title"]
    return link.get("href")


def test_quiet_day(anna, clara, run_worker):
    anna.report("incident")
    run_worker()
    close(clara)
    page = clara.get(HOME)
    assert "Nichts zu tun" in all_text(page)
    assert parts(page) == {}
    assert "Heute, Montag, 23.11.2026" in all_text(page)
    assert "Letzte Sicherungnoch keine" in all_text(page)


def test_a_portal_open_to_other_machines(clara):
    assert "ohne Webserver" not in all_text(clara.get(HOME))
    settings.host = "0.0.0.0"
    assert "können das Portal ohne Webserver öffnen (host = 0.0.0.0)" in all_text(clara.get(HOME))


def test_new_tickets_by_priority(anna, clara, run_worker):
    for priority in ("low", "high", "medium", "high"):
        anna.report("incident", description=f"Meldung {priority}", priority=priority)
    run_worker()
    page = clara.get(HOME)
    assert parts(page) == {"new": "Neue Tickets"}
    assert "Nichts zu tun" not in all_text(page)
    assert page.title.startswith("(4) Heute")
    assert row_titles(page) == ["Meldung high", "Meldung high", "Meldung medium", "Meldung low"]


def test_only_the_first_few_are_shown(anna, clara, run_worker):
    number = overview.MANY_SHOWN + 1
    for _ in range(number):
        anna.report("incident")
    run_worker()
    page = clara.get(HOME)
    assert len(row_titles(page)) == overview.MANY_SHOWN
    (link,) = [link for link in page.tree.iter("a") if link.text == f"Alle {number} zeigen"]
    assert len(row_titles(clara.get(link.get("href")))) == number


def test_what_waits_for_approval_is_not_new(with_approver, anna, clara, run_worker):
    anna.report("incident", priority="medium")
    anna.report("incident", priority="high")
    run_worker()
    page = clara.get(HOME)
    assert parts(page) == {name: PARTS[name] for name in ("unapproved",)}
    assert "Nichts zu tun" not in all_text(page)


@pytest.mark.parametrize(("reminders", "is_overdue"), [(0, False), (1, False), (2, True)])
def test_approval_is_overdue_after_the_last_reminder(with_approver, anna, clara, run_worker, reminders, is_overdue):
    anna.report("incident", priority="medium")
    run_worker()
    with database.connection_context():
        Ticket.update(reminders=reminders).execute()
    page = clara.get(HOME)
    assert ("stuck" in parts(page)) == is_overdue
    assert ("Nichts zu tun" in all_text(page)) != is_overdue


def test_approval_is_overdue_when_nobody_can_decide(with_approver, anna, clara, run_worker):
    anna.report("incident", priority="medium")
    run_worker()
    assert parts(clara.get(HOME)) == {}
    with database.connection_context():
        customers.remove_contact(Contact.get(Contact.is_approver))
    assert list(parts(clara.get(HOME))) == ["stuck"]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"follow_up_on": date(2026, 11, 23), "follow_up_note": "Ersatzteil da?"}, "Wiedervorlage: Ersatzteil da?"),
        ({"due_on": date(2026, 11, 22)}, "Eintritt vorbei"),
        ({"approval": Approval.DECLINED, "status": TicketStatus.IN_PROGRESS}, "begonnen, aber nicht freigegeben"),
        ({"approval": Approval.PENDING, "reminders": 2}, "Freigabe überfällig"),
    ],
)
def test_what_is_stuck(anna, clara, run_worker, columns, reason):
    anna.report("incident", description="Drucker")
    run_worker()
    assert list(parts(clara.get(HOME))) == ["new"]
    with database.connection_context():
        Ticket.update(columns).execute()
    page = clara.get(HOME)
    assert list(parts(page)) == ["stuck"]
    assert reasons(page) == {"Drucker": reason}
    assert page.title.startswith("(1) Heute")


def test_ticket_of_a_locked_colleague_is_stuck(app, anna, clara, run_worker):
    emil = signed_in(app, "Emil Ernst")
    anna.report("incident", description="Drucker")
    run_worker()
    path = ticket_path(clara)
    emil.post(f"{path}/beginnen", emil.get(path).fields(f"{path}/beginnen"))
    assert parts(clara.get(HOME)) == {}
    with database.connection_context():
        Staff.update(locked_at=NOW).where(Staff.name == "Emil Ernst").execute()
    assert reasons(clara.get(HOME)) == {"Drucker": "Konto des Bearbeiters gesperrt"}


def test_approval_that_nobody_present_can_give_is_stuck(with_approver, anna, clara, run_worker):
    anna.report("incident", description="Drucker", priority="medium")
    run_worker()
    for absence, shown in (
        ({"absent_from": date(2026, 11, 24)}, {}),
        ({"absent_from": None, "absent_until": date(2026, 11, 22)}, {}),
        ({"absent_from": date(2026, 11, 23)}, {"Drucker": "kein Genehmiger da"}),
        ({"absent_until": date(2026, 11, 23)}, {"Drucker": "kein Genehmiger da"}),
    ):
        with database.connection_context():
            Contact.update({"absent_from": None, "absent_until": None} | absence).execute()
        assert reasons(clara.get(HOME)) == shown


def test_ticket_that_waits_too_long_for_the_customer_is_stuck(anna, clara, run_worker):
    anna.report("incident", description="Drucker")
    run_worker()
    path = ticket_path(clara)
    clara.post(f"{path}/warten", clara.get(path).fields(f"{path}/warten").to_dict() | {"warten-text": "Rückruf"})
    for days, shown in ((7, {}), (8, {"Drucker": "wartet über 7 Tage auf den Kunden"})):
        with database.connection_context():
            Event.update(at=NOW - timedelta(days=days)).execute()
        assert reasons(clara.get(HOME)) == shown


def test_page_renews_itself(anna, clara, run_worker):
    anna.report("incident", description="Drucker")
    run_worker()
    live = clara.get(HOME).element("live")
    polling = HTMX | {"HX-Trigger": "live"}
    assert clara.client.get(live.get("data-hx-get"), headers=polling).headers["HX-Reswap"] == "none"
    anna.report("incident", description="Kasse")
    run_worker()
    renewed = clara.get(live.get("data-hx-get"), headers=polling)
    assert renewed.title == "(2) Heute – IT-Service"
    assert row_titles(renewed) == ["Drucker", "Kasse"]


def test_first_steps_until_the_first_ticket(clara, anna, run_worker):
    settings.office_phone, settings.office_email = "", Settings.office_email
    steps = [link.text for link in clara.get(HOME).tree.iter("a") if link.text in FIRST_STEPS]
    assert steps == FIRST_STEPS
    settings.office_phone, settings.office_email = "0221 555 0100", "hilfe@muster.example"
    steps = [link.text for link in clara.get(HOME).tree.iter("a") if link.text in FIRST_STEPS]
    assert steps == FIRST_STEPS[2:]
    anna.report("incident")
    run_worker()
    assert clara.get(HOME).element("first-steps") is None


def test_urgent_requests_without_a_customer_come_first(dora, anna, clara, run_worker):
    dora.report("incident", description="Eilt", priority="high")
    dora.report("incident", description="Eilt nicht", priority="low")
    anna.report("incident", description="Drucker")
    run_worker()
    page = clara.get(HOME)
    assert list(parts(page)) == ["urgent-unmatched", "new", "unmatched"]
    assert row_titles(page) == ["Eilt", "Drucker", "Eilt nicht"]
    assert "Hoch" in all_text(page)


def test_unmatched_since_the_last_working_day(dora, anna, clara, run_worker, set_clock):
    set_clock(2026, 11, 19, 22)  # Thursday
    dora.report("incident", description="Donnerstag")
    set_clock(2026, 11, 20, 9)
    dora.report("incident", description="Freitag")
    set_clock(2026, 11, 22, 9)
    dora.report("incident", description="Sonntag")
    run_worker()
    set_clock(2026, 11, 23, 9, 30)
    page = clara.get(HOME)
    assert parts(page) == {"unmatched": "Nicht zugeordnet seit Freitag, 20.11.2026"}
    assert [text for text in ("Donnerstag", "Freitag,", "Sonntag") if text in all_text(page)] == ["Freitag,", "Sonntag"]
    assert "PIN falsch" in all_text(page)
    assert "0172 5550199" in all_text(page)


def test_entries_of_the_next_working_days(anna, clara, run_worker):
    for last_name, day in (
        ("Gestern", "2026-11-22"),
        ("Bald", "2026-11-25"),
        ("Gerade noch", "2026-12-07"),
        ("Zu spät", "2026-12-08"),
    ):
        anna.report("new_employee", last_name=last_name, entry_date=day)
    run_worker()
    page = clara.get(HOME)
    assert parts(page)["entries"] == "Neue Mitarbeiter bis Montag, 07.12.2026"
    (section,) = [part for part in page.tree.iter("section") if part.get("aria-labelledby") == "entries"]
    shown = ["".join(row.itertext()) for row in section.iter("tr")][1:]
    assert [name for row in shown for name in ("Gestern", "Bald", "Gerade noch", "Zu spät") if name in row] == [
        "Bald",
        "Gerade noch",
    ]
    assert ["Vorlauf unterschritten" in row for row in shown] == [True, False]
    assert list(reasons(page).values()) == ["Eintritt vorbei"]


def test_what_is_closed_waits_no_more(anna, clara, run_worker):
    anna.report("new_employee", entry_date="2026-11-25")
    run_worker()
    close(clara)
    assert parts(clara.get(HOME)) == {}


@pytest.mark.parametrize(("age", "shown", "warned"), [(3, "23.11.2026 um 07:30 Uhr", False), (72, "20.11.2026", True)])
def test_age_of_the_last_backup(clara, run_command, advance_clock, age, shown, warned):
    advance_clock(hours=-age)
    assert run_command("sichern").exit_code == 0
    advance_clock(hours=age)
    page = all_text(clara.get(HOME))
    assert f"Letzte Sicherung{shown}" in page
    assert ("bitte sichern" in page) == warned


@pytest.mark.parametrize(
    ("free", "shown", "warning"),
    [
        (50, "50,0 GB", ""),
        (1.5, "1,5 GB", "wird knapp"),
        (0.9, "921,6 MB", "zu knapp: Das Portal nimmt keine Anhänge mehr an"),
    ],
)
def test_free_disk(clara, monkeypatch, free, shown, warning):
    usage = SimpleNamespace(free=int(free * 1024**3))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    page = all_text(clara.get(HOME))
    assert shown in page
    assert "knapp" in page if warning else "knapp" not in page
    assert warning in page


def mails(page):
    """Return what the page says about mails."""
    (row,) = [row for row in page.tree.iter("div") if row.findtext("dt") == "E-Mails"]
    return " ".join("".join(row.find("dd").itertext()).split())


def test_mails_without_a_server(anna, clara, run_worker):
    assert mails(clara.get(HOME)) == "kein Mailserver eingerichtet · Zum Postausgang"
    anna.report("incident")
    run_worker()
    assert mails(clara.get(HOME)) == "kein Mailserver eingerichtet, 2 warten · Zum Postausgang"


def test_mails_with_a_server(anna, clara, run_worker, mailbox):
    assert mails(clara.get(HOME)) == "noch keine gesendet · Zum Postausgang"
    anna.report("incident")
    run_worker()
    assert mails(clara.get(HOME)) == "zuletzt gesendet: 23.11.2026 um 10:30 Uhr · Zum Postausgang"


def test_what_cannot_be_delivered_is_something_to_do(clara, deliver_mails, mailbox):
    mailbox.failure = {"RCPT": "550 5.1.1 Kenne ich nicht"}
    outbox = clara.get("/verwaltung/postausgang")
    action = "/verwaltung/postausgang/testmail"
    shown = clara.post(action, outbox.fields(action)).response.location
    assert parts(clara.get(HOME)) == {}
    deliver_mails()
    page = clara.get(HOME)
    assert parts(page) == {"undelivered": "Nicht zustellbar"}
    assert "1 nicht zustellbar" in all_text(page)
    assert "Nichts zu tun" not in all_text(page)
    assert "Kenne ich nicht" in all_text(page)
    assert mails(page) == "noch keine gesendet, 1 wartet · Zum Postausgang"
    clara.post(f"{shown}/verwerfen", clara.get(shown).fields(f"{shown}/verwerfen"))
    page = clara.get(HOME)
    assert parts(page) == {}
    assert "nicht zustellbar" not in all_text(page)


@pytest.mark.parametrize(
    ("peer", "trusted", "headers", "is_told"),
    [
        ("127.0.0.1", "", {"X-Forwarded-For": "198.51.100.7"}, True),
        ("172.18.0.2", "127.0.0.1", {"X-Forwarded-For": "198.51.100.7"}, True),
        ("fd00::2", "", {"X-Forwarded-For": "198.51.100.7"}, True),
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "198.51.100.7"}, False),
        ("127.0.0.1", "", {}, False),
        ("9.9.9.9", "", {"X-Forwarded-For": "198.51.100.7"}, False),
    ],
)
def test_a_web_server_that_trusted_proxy_lacks(app, clara, monkeypatch, peer, trusted, headers, is_told):
    """The line to enter keeps the web servers that are named already."""
    monkeypatch.setattr(proxy_check, "unknown_proxy", "")
    settings.trusted_proxy = trusted
    Client(ProxyHeadersMiddleware(app, trusted)).get("/", headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    line = f'trusted_proxy = "{", ".join(filter(None, (trusted, peer)))}"'
    assert (line in all_text(clara.get(HOME))) == is_told
