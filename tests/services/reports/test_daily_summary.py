"""The daily summary: it comes at its time, once a day, and says what the start page says."""

from datetime import UTC, datetime, timedelta

import pytest

from database import database
from enums import TicketStatus
from models import Contact, Customer, Message, Ticket
from services.background import worker
from services.privacy import retention
from settings import settings
from tests.support.pages import all_text
from tests.support.servers.mailbox import text_of

OFFICE = "support@muster-it.example"
MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
TUESDAY = MONDAY.replace(day=24)


@pytest.fixture
def at_seven(app):
    """The office wants its summary at seven."""
    settings.summary_time = "07:00"


@pytest.fixture
def summaries(app, mailbox):
    """Run all jobs at a moment, and return the summaries sent so far."""

    def run_at(moment):
        with app.app_context(), database.connection_context():
            worker.run_once(moment)
        return [mail for mail in mailbox.to(OFFICE) if mail["Subject"].startswith("Heute, ")]

    return run_at


def test_once_every_working_day(at_seven, summaries):
    assert len(summaries(MONDAY.replace(hour=5, minute=59))) == 0
    assert len(summaries(MONDAY)) == 1
    assert len(summaries(MONDAY.replace(hour=9))) == 1
    # Still Monday in the office.
    assert len(summaries(MONDAY.replace(hour=22, minute=59))) == 1
    assert len(summaries(MONDAY.replace(hour=23))) == 1
    assert len(mails := summaries(TUESDAY.replace(hour=15))) == 2
    assert mails[-1]["Subject"] == "Heute, Dienstag, 24.11.2026: nichts zu tun"


def test_a_quarter_past_midnight_is_the_next_day(summaries):
    """In UTC it is still the day before."""
    settings.summary_time = "00:15"
    assert len(summaries(MONDAY.replace(hour=22, minute=59))) == 1
    assert len(summaries(MONDAY.replace(hour=23, minute=14, second=59))) == 1
    mails = summaries(MONDAY.replace(hour=23, minute=15))
    assert [mail["Subject"].partition(":")[0] for mail in mails] == [
        "Heute, Montag, 23.11.2026",
        "Heute, Dienstag, 24.11.2026",
    ]


@pytest.mark.parametrize(
    "day",
    [datetime(2026, 11, 28), datetime(2026, 11, 29), datetime(2026, 12, 25), datetime(2027, 3, 29)],
    ids=["Saturday", "Sunday", "Christmas", "Easter Monday"],
)
def test_not_when_nobody_works(at_seven, summaries, day):
    assert summaries(day.replace(hour=12, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        (datetime(2028, 3, 24), 6),
        (datetime(2028, 3, 27), 5),
        (datetime(2028, 10, 27), 5),
        (datetime(2028, 10, 30), 6),
    ],
    ids=["winter", "since yesterday summer", "summer", "since yesterday winter"],
)
def test_at_the_hour_of_the_office(at_seven, summaries, day, hour):
    assert summaries(day.replace(hour=hour - 1, minute=59, tzinfo=UTC)) == []
    assert len(summaries(day.replace(hour=hour, tzinfo=UTC))) == 1


def test_not_unless_it_is_wanted(summaries):
    assert summaries(MONDAY) == []


def test_none_is_written_without_a_mail_server(at_seven, summaries):
    settings.smtp_url = ""
    summaries(MONDAY)
    with database.connection_context():
        assert not Message.select().exists()


def test_quiet_day(at_seven, summaries):
    (mail,) = summaries(MONDAY)
    assert "Heute, Montag, 23.11.2026, ist nichts zu tun" in text_of(mail)
    assert f"{settings.url}/verwaltung/\n" in text_of(mail)
    assert mail["Auto-Submitted"] == "auto-generated"


def test_what_waits(at_seven, anna, clara, run_worker, summaries, tickets):
    anna.report("incident", description="Kein Internet", priority="high")
    anna.report("new_employee", entry_date="2026-11-26")
    run_worker()
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")
    anna.report("callback", description="Bitte um Rückruf", priority="high")
    mail = summaries(TUESDAY)[-1]
    assert mail["Subject"] == (
        "Heute, Dienstag, 24.11.2026: 2 neu, 1 hoch und noch nicht freigegeben, 1 neuer Mitarbeiter"
    )
    heute, text = clara.get("/verwaltung/"), text_of(mail)
    for heading in ("Neue Tickets", "Hohe Priorität, noch nicht freigegeben", "Neue Mitarbeiter bis"):
        assert heading in heute.text
        assert heading in text
    for ticket in tickets():
        assert f"{settings.url}/verwaltung/ticket/{ticket.submission.code}\n" in text
    assert "Vorlauf unterschritten" in text
    assert "Es gibt noch keine Sicherung" in text


def test_first_deletion(at_seven, anna, run_worker, summaries):
    anna.report("incident")
    run_worker()
    with database.connection_context():
        number = Message.update(sent_at=MONDAY - timedelta(days=1000)).execute()
    text = text_of(summaries(TUESDAY)[-1])
    assert (
        "Am 25.11.2026 um 02:00\N{NO-BREAK SPACE}Uhr löscht das Portal, was seine Frist hinter sich hat, wenn" in text
    )
    assert f"\nE-Mails: {number}\n\n{settings.url}/verwaltung/datenschutz\n" in text


@pytest.mark.parametrize(("most", "shown"), [(3, "3"), (2, "über 2")])
def test_what_the_first_deletion_takes_is_counted_up_to_a_limit(
    at_seven, anna, clara, run_worker, summaries, monkeypatch, most, shown
):
    monkeypatch.setattr(retention, "MAX_COUNTED", most)
    for _ in range(3):
        anna.report("incident")
    run_worker()
    with database.connection_context():
        Message.delete().execute()
        closed_at = MONDAY - timedelta(days=settings.closed_ticket_days + 10)
        Ticket.update(status=TicketStatus.DONE, closed_at=closed_at).execute()
    assert f"Tickets: {shown}\n" in text_of(summaries(TUESDAY)[-1])
    assert f"Tickets: {shown}." in all_text(clara.get("/verwaltung/"))


def test_what_a_customer_typed_is_no_link(at_seven, anna, run_worker, summaries):
    anna.report("incident", description=f"{settings.url}/falsch")
    run_worker()
    mail = summaries(TUESDAY)[-1]
    assert f"\n„{settings.url}/falsch“\n{settings.url}/verwaltung/ticket/" in text_of(mail)
    assert f'href="{settings.url}/falsch' not in mail.get_body(("html",)).get_content()


def test_long_lists_are_cut(at_seven, anna, run_worker, summaries, tickets):
    for _ in range(7):
        anna.report("incident")
    run_worker()
    mail = summaries(TUESDAY)[-1]
    assert "Neue Tickets: 7\n" in text_of(mail)
    assert text_of(mail).count("/verwaltung/ticket/") == 5
    assert "Dazu kommen noch 2." in text_of(mail)


def test_what_cannot_be_delivered(at_seven, clara, deliver_mails, mailbox, summaries):
    mailbox.failure = {"RCPT": "550 5.1.1 Kenne ich nicht"}
    page = clara.get("/verwaltung/postausgang")
    clara.post("/verwaltung/postausgang/testmail", page.fields("/verwaltung/postausgang/testmail"))
    deliver_mails()
    mailbox.failure = {}
    mail = summaries(TUESDAY)[-1]
    assert mail["Subject"] == "Heute, Dienstag, 24.11.2026: 1 nicht zustellbar"
    assert "Nicht zustellbar: 1\n" in text_of(mail)
    assert f"{settings.url}/verwaltung/postausgang\n" in text_of(mail)
    assert "ist nichts zu tun" not in text_of(mail)


def test_no_text_of_unmatched_requests(at_seven, dora, run_worker, summaries):
    dora.report("incident", name="Gewinnen Sie jetzt", description="https://boese.example")
    run_worker()
    mail = summaries(TUESDAY)[-1]
    assert mail["Subject"] == "Heute, Dienstag, 24.11.2026: 1 nicht zugeordnet"
    assert f"{settings.url}/verwaltung/nicht-zugeordnet\n" in text_of(mail)
    assert "Gewinnen" not in mail.as_string()
    assert "boese" not in mail.as_string()
