"""Work on tickets: each action, when it is possible, and two people at the same time."""

import io
from datetime import timedelta

import pytest

import clock
from database import database
from enums import Approval, EventKind, TicketStatus
from models import Contact, Customer, Staff, Submission
from tests.support.cast import NOW, signed_in
from tests.support.files.samples import JPEG, PDF, PNG
from tests.support.pages import EXAMPLES, HTMX, OPTIONAL
from tests.support.staff import TicketPage

CORRECTIONS = {"prioritaet-aendern", "art-aendern", "name-aendern", "kontaktnummer-aendern", "kunde-aendern"}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def ticket_page(anna, clara, run_worker, ticket):
    """Let Anna report something, and return Clara's page of the ticket."""

    def report(category="incident", **changes):
        anna.report(category, **changes)
        run_worker()
        return TicketPage(clara, ticket())

    return report


@pytest.fixture
def with_approver(anna):
    """Bernd decides about the requests of Anna's company."""
    with database.connection_context():
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd Brot", email="bernd@sommer.example")


def test_life_of_a_ticket(ticket_page, ticket, events):
    work = ticket_page()
    for slug, text, status in (
        ("uebernehmen", None, TicketStatus.NEW),
        ("beginnen", None, TicketStatus.IN_PROGRESS),
        ("warten", "Seriennummer fehlt", TicketStatus.WAITING),
        ("beginnen", None, TicketStatus.IN_PROGRESS),
        ("notieren", "Ersatzteil bestellt", TicketStatus.IN_PROGRESS),
        ("erledigen", "Walze getauscht", TicketStatus.DONE),
        ("wieder-oeffnen", "Geht schon wieder nicht", TicketStatus.NEW),
        ("stornieren", "Gerät wird ersetzt", TicketStatus.CANCELLED),
    ):
        answer = work.act(slug, text)
        assert (answer.status, answer.response.location) == (303, work.path)
        assert ticket().status is status
        assert text is None or text in work.look().text_of("ticket")
    assert [kind for kind, *_ in events()] == [
        EventKind.OPENED,
        EventKind.TAKEN_OVER,
        EventKind.STARTED,
        EventKind.WAITING,
        EventKind.STARTED,
        EventKind.NOTED,
        EventKind.DONE,
        EventKind.REOPENED,
        EventKind.CANCELLED,
    ]
    assert {actor for _, actor, _ in events()[1:]} == {"Clara Neumann"}


def test_what_each_state_offers(ticket_page, ticket):
    always = {"notieren", "link-sperren"} | CORRECTIONS
    opened = {"antworten", "stornieren", "wiedervorlage", "zuweisen"} | always
    work = ticket_page()
    assert work.offered_actions() == {"uebernehmen", "beginnen", "warten", "erledigen"} | opened
    work.act("beginnen")
    assert work.offered_actions() == {"warten", "erledigen"} | opened
    work.act("warten", "Rückruf")
    assert work.offered_actions() == {"beginnen", "erledigen"} | opened
    work.act("erledigen")
    assert work.offered_actions() == {"wieder-oeffnen"} | always


def test_times(ticket_page, ticket, monkeypatch):
    work = ticket_page()
    assert (ticket().first_action_at, ticket().closed_at) == (None, None)
    moments = [NOW + timedelta(minutes=minutes) for minutes in (5, 10, 20, 30)]
    for slug, moment in zip(("beginnen", "erledigen"), moments, strict=False):
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        work.act(slug)
    assert (ticket().first_action_at, ticket().closed_at) == (moments[0], moments[1])
    work.act("wieder-oeffnen", "doch nicht")
    assert (ticket().first_action_at, ticket().closed_at) == (moments[0], None)


def test_starting_assigns_only_an_unassigned_ticket(ticket_page, ticket, app):
    signed_in(app, "Emil Ernst")
    work = ticket_page()
    work.act("zuweisen", "emil ernst")
    assert ticket().assignee.name == "Emil Ernst"
    work.act("beginnen")
    assert ticket().assignee.name == "Emil Ernst"
    work.act("zuweisen", "niemand")
    assert ticket().assignee is None
    work.act("warten", "auf Teile")
    work.act("beginnen")
    assert ticket().assignee.name == "Clara Neumann"


def test_assigning_says_to_whom(ticket_page, app, events):
    signed_in(app, "Emil Ernst")
    work = ticket_page()
    work.act("zuweisen", "emil ernst")
    assert events()[-1] == (EventKind.ASSIGNED, "Clara Neumann", "an Emil Ernst")
    rows = ["".join(row.itertext()) for row in work.visitor.get("/verwaltung/tickets").element("live").iter("td")]
    assert "Emil Ernst" in rows


@pytest.mark.parametrize("to", ["gibt es nicht", ""])
def test_assigning_to_an_unknown_name(ticket_page, ticket, to):
    answer = ticket_page().act("zuweisen", to)
    assert answer.status == 422
    assert answer.errors()
    assert ticket().assignee is None


def test_locked_colleague_gets_no_ticket(ticket_page, app, ticket):
    signed_in(app, "Emil Ernst")
    work = ticket_page()
    page = work.look()
    with database.connection_context():
        Staff.update(locked_at=NOW).where(Staff.login == "emil ernst").execute()
    assert "Emil Ernst" not in work.look().text_of("ticket")
    assert work.act("zuweisen", "emil ernst", page).status == 422
    assert ticket().assignee is None


@pytest.mark.parametrize("slug", ["warten", "stornieren", "notieren"])
@pytest.mark.parametrize("typed", ["", "  \n "])
def test_reason_is_required(ticket_page, events, slug, typed):
    work = ticket_page()
    page = work.act(slug, typed)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    ((target, sentence),) = page.summary()
    assert sentence.startswith("Bitte schreiben Sie")
    assert page.errors() == {target.removeprefix("#"): sentence}
    assert len(events()) == 1


def test_too_long_a_text_comes_back(ticket_page, events):
    typed = "x" * 5001
    page = ticket_page().act("notieren", typed)
    assert page.status == 422
    assert page.fields()["text"] == typed
    assert len(events()) == 1


def test_unknown_action(ticket_page, events):
    work = ticket_page()
    assert work.visitor.post(f"{work.path}/loeschen", work.form("notieren")).status == 404
    assert work.visitor.get("/verwaltung/ticket/ZZZZZZZZ").status == 404
    assert work.visitor.post("/verwaltung/ticket/ZZZZZZZZ/notieren", work.form("notieren")).status == 404
    assert len(events()) == 1


@pytest.mark.parametrize("code", ["lower", "dashed"])
def test_code_as_people_type_it(ticket_page, ticket, code):
    work = ticket_page()
    submission = ticket().submission
    typed = {"lower": submission.code.lower(), "dashed": submission.spoken_code}[code]
    assert work.visitor.get(f"/verwaltung/ticket/{typed}").status == 200


@pytest.mark.parametrize("seen", ["", "x", "-1", "0", "9" * 30, "٣"])
def test_form_without_a_valid_seen_event(ticket_page, ticket, seen):
    work = ticket_page()
    values = work.form("beginnen") | {"beginnen-seen": seen}
    assert work.visitor.post(f"{work.path}/beginnen", values).status == 422
    assert ticket().status is TicketStatus.NEW


def test_second_person_sees_what_the_first_did(app, ticket_page, ticket, events):
    work = ticket_page()
    emil = TicketPage(signed_in(app, "Emil Ernst"), ticket())
    old_page = work.look()
    emil.act("beginnen")
    emil.act("warten", "Rückruf um 15 Uhr")
    answer = work.act("stornieren", "Hat sich erledigt", old_page)
    assert answer.status == 422
    assert ticket().status is TicketStatus.WAITING
    told = answer.text_of("ticket")
    assert "Inzwischen ist an diesem Ticket etwas geschehen" in told
    assert "Emil Ernst: Arbeit begonnen" in told
    assert "Rückruf um 15 Uhr" in told
    assert answer.fields(f"{work.path}/stornieren")["stornieren-reason"] == "Hat sich erledigt"
    assert work.act("stornieren", page=answer).status == 303
    assert ticket().status is TicketStatus.CANCELLED
    assert events()[-1][1:] == ("Clara Neumann", "Hat sich erledigt")


def test_second_person_wants_what_is_no_longer_possible(app, ticket_page, ticket):
    work = ticket_page()
    emil = TicketPage(signed_in(app, "Emil Ernst"), ticket())
    old_page = work.look()
    emil.act("erledigen", "war der Stecker")
    answer = work.act("warten", "auf Teile", old_page)
    assert answer.status == 422
    assert answer.fields(f"{work.path}/warten")["warten-text"] == "auf Teile"
    again = work.act("warten", page=answer)
    assert again.status == 422
    assert "schon geschlossen" in again.text_of("ticket")
    assert ticket().status is TicketStatus.DONE


@pytest.mark.parametrize(
    "slug",
    [
        "uebernehmen",
        "zuweisen",
        "beginnen",
        "vor-freigabe-beginnen",
        "warten",
        "erledigen",
        "stornieren",
        "antworten",
        "freigeben",
        "ablehnen",
        "freigabe-anfragen",
    ],
)
def test_a_closed_ticket_can_only_be_reopened(ticket_page, ticket, events, deliver_mails, slug):
    work = ticket_page()
    work.act("erledigen")
    before, mails = events(), len(deliver_mails())
    seen = work.form("wieder-oeffnen")
    values = {"csrf_token": seen["csrf_token"], f"{slug}-seen": seen["wieder-oeffnen-seen"]}
    typed = {f"{slug}-{name}": text for name, text in (("text", "x"), ("reason", "x"), ("to", "clara neumann"))}
    assert work.visitor.post(f"{work.path}/{slug}", values | typed).status == 422
    assert (events(), len(deliver_mails())) == (before, mails)
    assert ticket().status is TicketStatus.DONE


def test_an_open_ticket_cannot_be_reopened(ticket_page, events):
    work = ticket_page()
    seen = work.form("stornieren")
    values = {"csrf_token": seen["csrf_token"], "wieder-oeffnen-seen": seen["stornieren-seen"]}
    answer = work.visitor.post(f"{work.path}/wieder-oeffnen", values | {"wieder-oeffnen-reason": "x"})
    assert answer.status == 422
    assert "Dieses Ticket ist offen." in answer.text_of("ticket")
    assert len(events()) == 1


def test_note_never_conflicts(app, ticket_page, ticket, events):
    work = ticket_page()
    emil = TicketPage(signed_in(app, "Emil Ernst"), ticket())
    old_page = work.look()
    emil.act("beginnen")
    assert work.act("notieren", "Kunde rief an", old_page).status == 303
    assert [kind for kind, *_ in events()][-2:] == [EventKind.STARTED, EventKind.NOTED]
    assert ticket().status is TicketStatus.IN_PROGRESS


def test_note_is_a_first_action(ticket_page, ticket):
    ticket_page().act("notieren", "Kunde rief an")
    assert ticket().first_action_at == NOW


def test_double_click_is_one_event(ticket_page, events):
    work = ticket_page()
    page = work.look()
    assert work.act("beginnen", page=page).status == 303
    assert work.act("beginnen", page=page).status == 422
    assert [kind for kind, *_ in events()] == [EventKind.OPENED, EventKind.STARTED]


def test_htmx_gets_the_updated_ticket(ticket_page, ticket):
    work = ticket_page()
    answer = work.act("beginnen", headers=HTMX)
    assert answer.status == 200
    assert "Arbeit begonnen" in answer.text_of("ticket")
    assert work.act("stornieren", "", headers=HTMX).status == 422
    assert ticket().status is TicketStatus.IN_PROGRESS


def test_waiting_for_approval(with_approver, ticket_page, ticket):
    work = ticket_page(priority="medium")
    assert ticket().approval is Approval.PENDING
    assert (
        work.offered_actions()
        == {
            "antworten",
            "link-sperren",
            "uebernehmen",
            "zuweisen",
            "stornieren",
            "notieren",
            "freigeben",
            "ablehnen",
            "freigabe-anfragen",
            "wiedervorlage",
        }
        | CORRECTIONS
    )
    assert "noch nicht freigegeben" in work.look().text_of("ticket")
    assert "Bernd Brot, bernd@sommer.example" in work.look().text_of("ticket")
    work.act("freigeben", "Bernd Brot, am Telefon um 10 Uhr")
    assert ticket().approval is Approval.APPROVED
    assert work.act("beginnen").status == 303
    assert "freigeben" not in work.offered_actions()


@pytest.mark.parametrize("slug", ["beginnen", "erledigen", "warten", "vor-freigabe-beginnen"])
def test_no_work_before_approval(with_approver, anna, ticket_page, ticket, slug):
    work = ticket_page(priority="medium")
    values = {**work.form("stornieren"), f"{slug}-seen": work.form("stornieren")["stornieren-seen"]}
    answer = work.visitor.post(f"{work.path}/{slug}", values | {f"{slug}-text": "x", f"{slug}-reason": "x"})
    assert answer.status == 422
    assert "wartet noch auf die Freigabe" in answer.text_of("ticket")
    assert ticket().status is TicketStatus.NEW


def test_high_priority_may_start_before_approval(with_approver, ticket_page, ticket, events):
    work = ticket_page(priority="high")
    assert "vor-freigabe-beginnen" in work.offered_actions()
    assert work.act("vor-freigabe-beginnen", "").status == 422
    assert work.act("vor-freigabe-beginnen", "Die ganze Praxis steht").status == 303
    assert (ticket().status, ticket().approval) == (TicketStatus.IN_PROGRESS, Approval.PENDING)
    assert events()[-1] == (EventKind.STARTED_EARLY, "Clara Neumann", "Die ganze Praxis steht")
    work.act("warten", "auf den Router")
    assert work.act("beginnen").status == 303
    work.act("freigeben", "Bernd Brot, 11 Uhr")
    assert (ticket().status, ticket().approval) == (TicketStatus.IN_PROGRESS, Approval.APPROVED)


def test_declining_cancels_what_nobody_began(with_approver, ticket_page, ticket, events):
    work = ticket_page(priority="medium")
    work.act("ablehnen", "Bernd Brot: zu teuer")
    assert (ticket().status, ticket().approval) == (TicketStatus.CANCELLED, Approval.DECLINED)
    assert [kind for kind, *_ in events()][-2:] == [EventKind.DECLINED_ON_BEHALF, EventKind.CANCELLED]
    work.act("wieder-oeffnen", "Bernd hat es sich überlegt")
    assert (ticket().status, ticket().approval) == (TicketStatus.NEW, Approval.PENDING)


def test_declining_leaves_begun_work_to_the_office(with_approver, ticket_page, ticket):
    work = ticket_page(priority="high")
    work.act("vor-freigabe-beginnen", "alles steht")
    work.act("ablehnen", "Bernd Brot: machen wir selbst")
    assert (ticket().status, ticket().approval) == (TicketStatus.IN_PROGRESS, Approval.DECLINED)
    assert "nicht freigegeben" in work.look().text_of("ticket")
    assert {"erledigen", "stornieren"} <= work.offered_actions()


@pytest.mark.parametrize("category", EXAMPLES)
def test_all_that_was_sent_is_shown(ticket_page, category):
    page = ticket_page(category, **OPTIONAL[category]).look().text_of("ticket")
    typed = {**EXAMPLES[category], **OPTIONAL[category]}
    for name in ("priority", "salutation", "entry_date"):
        typed.pop(name, None)
    for text in typed.values():
        assert " ".join(text.split()) in page


def test_numbers_are_links(ticket_page):
    page = ticket_page("new_employee", **OPTIONAL["new_employee"]).look()
    links = [link.get("href") for link in page.tree.iter("a")]
    assert {"tel:02115550101", "tel:01725550166", "mailto:anna@sommer.example"} <= set(links)


@pytest.mark.parametrize(
    ("changes", "managed", "flags"),
    [
        ({"desired_email": "c@sommer.example"}, True, []),
        ({}, True, ["keine E-Mail-Adresse gewünscht"]),
        (
            {"entry_date": "2026-11-25", "desired_email": "c@sommer.example"},
            False,
            ["Vorlauf unterschritten", "Kunde nicht voll betreut"],
        ),
    ],
)
def test_flags(anna, ticket_page, changes, managed, flags):
    with database.connection_context():
        Customer.update(fully_managed=managed).execute()
    page = ticket_page("new_employee", **changes).look()
    for flag in ("Vorlauf unterschritten", "keine E-Mail-Adresse gewünscht", "Kunde nicht voll betreut"):
        assert (flag in page.text_of("ticket")) == (flag in flags)
    assert "Fällig am" in page.text_of("ticket")


def test_scripts_stay_text(ticket_page, app):
    work = ticket_page(name=f"Anna {SCRIPT}", reference=SCRIPT, description=f"{SCRIPT}\n<img src=x onerror=alert(1)>")
    assert SCRIPT in "".join(work.visitor.get("/verwaltung/").tree.itertext())
    work.act("notieren", SCRIPT)
    for path in (work.path, "/verwaltung/tickets"):
        page = work.visitor.get(path)
        assert SCRIPT in "".join(page.tree.itertext())
        assert all(script.get("src") for script in page.tree.iter("script"))
        assert not [image for image in page.tree.iter("img") if image.get("src") == "x"]


def test_attachments(ticket_page, ticket):
    files = [
        (io.BytesIO(PNG), "Foto.png"),
        (io.BytesIO(PDF), "Rechnung.pdf"),
        (io.BytesIO("Fehler 0x80 in Zeile ü\nzweite Zeile".encode("cp1252")), f"{SCRIPT}.log"),
    ]
    work = ticket_page(files=files)
    page = work.look()
    assert "Fehler 0x80 in Zeile ü" in page.text_of("ticket")
    (image,) = page.tree.iter("img")
    preview = work.visitor.client.get(image.get("src"))
    assert (preview.data, preview.mimetype) == (PNG, "image/png")
    for link, content in zip([a for a in page.tree.iter("a") if "/anhang/" in a.get("href")], (PNG, PDF), strict=False):
        kept = work.visitor.client.get(link.get("href"))
        assert kept.data == content
        assert kept.mimetype == "application/octet-stream"
        assert kept.headers["Content-Disposition"].startswith("attachment; filename=")
        kept.close()
    for answer in (preview, kept):
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
    preview.close()


def test_only_pictures_are_shown(ticket_page):
    work = ticket_page(files=[(io.BytesIO(PDF), "Rechnung.pdf")])
    page = work.look()
    (link,) = [a.get("href") for a in page.tree.iter("a") if "/anhang/" in a.get("href")]
    assert list(page.tree.iter("img")) == []
    assert work.visitor.get(f"{link}/vorschau").status == 404


def test_staged_files_cannot_be_opened(anna, clara):
    values = anna.filled("incident", files=[(io.BytesIO(JPEG), "Foto.jpg")], name="")
    assert anna.post("/", values).status == 422
    for path in ("/verwaltung/anhang/1", "/verwaltung/anhang/1/vorschau", "/verwaltung/anhang/2"):
        assert clara.get(path).status == 404


def test_submission_stays_as_it_was_sent(ticket_page, app):
    def row():
        with database.connection_context():
            return Submission.select().dicts().get()

    work = ticket_page()
    before = row()
    work.act("beginnen")
    work.act("erledigen", "fertig")
    assert row() == before
