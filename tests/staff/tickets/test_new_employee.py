"""A new employee: a short notice is said at once, the checklist is ticked off, and the entry is a calendar file."""

from datetime import date

import pytest

from database import database
from enums import Approval, EventKind
from models import Contact, Customer
from tests.support.cast import signed_in
from tests.support.servers.mailbox import text_of
from tests.support.staff import TicketPage

BERND, OFFICE = "bernd@sommer.example", "support@muster-it.example"


@pytest.fixture
def report(anna, clara, run_worker, ticket):
    """Let Anna report a new employee, and return Clara's page of the ticket."""

    def send(**changes):
        anna.report("new_employee", **{"first_name": "Jana", "last_name": "Köhler", "position": "Verkauf"} | changes)
        run_worker()
        return TicketPage(clara, ticket())

    return send


@pytest.fixture
def with_approver(anna):
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email=BERND)


def test_approver_and_office_hear_at_once_that_it_is_short(with_approver, report, deliver_mails, mailbox, ticket):
    report(entry_date="2026-11-25")
    assert ticket().approval is Approval.PENDING
    deliver_mails()
    asked, office = mailbox.last_to(BERND), mailbox.last_to(OFFICE)
    assert "Eintritt 25.11.2026, in 2 Tagen" in asked["Subject"]
    assert "Es eilt: Der Eintritt ist in 2 Tagen." in text_of(asked)
    assert office["Subject"].startswith("Neu, noch nicht freigegeben")
    assert "Vorlauf unterschritten" in text_of(office)


def test_in_time_the_office_hears_after_the_approval(with_approver, report, deliver_mails, mailbox):
    report(entry_date="2027-03-01")
    deliver_mails()
    assert "Es eilt" not in text_of(mailbox.last_to(BERND))
    assert OFFICE not in [mail["To"] for mail in mailbox.mails]


@pytest.mark.parametrize(
    ("entry", "first", "second"),
    [
        # The last day in time is the fifth working day before the entry.
        ("2027-03-01", "2026-11-24", "2026-11-26"),
        ("2026-12-02", "2026-11-24", "2026-11-25"),
        ("2026-11-25", "2026-11-24", "2026-11-25"),
    ],
)
def test_reminders_by_the_entry_date(with_approver, report, run_worker_at, ticket, entry, first, second):
    report(entry_date=entry)
    for day in (first, second):
        assert ticket().remind_at.date() == date.fromisoformat(day)
        run_worker_at(ticket().remind_at)
    assert ticket().remind_at is None


def tick(work, step, page=None):
    values = work.form("checkliste", page) | {"checkliste-step": step}
    return work.visitor.post(f"{work.path}/checkliste", values)


def offered(work):
    """Return what the buttons of the checklist send."""
    return [
        button.get("value") for button in work.look().tree.iter("button") if button.get("name") == "checkliste-step"
    ]


def test_checklist_is_made_of_the_fields_and_ticked_off(report, events):
    work = report(extension="27", desired_email="jana@sommer.example")
    assert offered(work) == ["account", "mail", "extension", "rights"]
    assert tick(work, "account").status == 303
    assert offered(work) == ["-account", "mail", "extension", "rights"]
    assert events()[-1][:1] + events()[-1][2:3] == (EventKind.CHECKED, "Benutzerkonto für Jana Köhler: erledigt")
    assert "Clara Neumann, 23.11.2026" in work.look().text_of("ticket")
    tick(work, "-account")
    assert offered(work)[0] == "account"
    assert events()[-1][2] == "Benutzerkonto für Jana Köhler: wieder offen"


def test_two_people_tick_the_same(app, report, events, ticket):
    work = report()
    page = work.look()
    tick(TicketPage(signed_in(app, "Emil Ernst"), ticket()), "account")
    assert tick(work, "account", page).status == 303
    assert [event[0] for event in events()].count(EventKind.CHECKED) == 1


@pytest.mark.parametrize("step", ["", "-", "mobile", "x" * 5000, []])
def test_step_that_does_not_exist(report, events, step):
    work = report()
    page = tick(work, step)
    assert page.status == 422
    assert "Diesen Schritt gibt es bei diesem Ticket nicht." in page.text_of("ticket")


def test_no_address_wanted_is_a_step_too(report):
    assert "keine E-Mail-Adresse, wie gewünscht" in report(desired_email="").look().text_of("ticket")


def test_calendar_file(report, clara, ticket):
    work = report(last_name="Köhler; geb. Müller, " + "a" * 60, entry_date="2026-12-14")
    response = clara.get(f"{work.path}/kalender/eintritt.ics").response
    assert response.mimetype == "text/calendar"
    lines = response.data.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    text = response.data.replace(b"\r\n ", b"").decode()
    assert "DTSTART;VALUE=DATE:20261214\r\nDTEND;VALUE=DATE:20261215\r\n" in text
    assert f"SUMMARY:Eintritt Jana Köhler\\; geb. Müller\\, {'a' * 60} (Bäckerei Sommer)\r\n" in text
    assert f"{work.path}/kalender/eintritt.ics" in work.look().text


def test_no_calendar_file_for_other_requests(anna, clara, run_worker, tickets):
    anna.report("incident")
    run_worker()
    assert clara.get(f"/verwaltung/ticket/{tickets()[0].submission.code}/kalender/eintritt.ics").status == 404
