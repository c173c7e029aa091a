"""English pages contain no German, in any state."""

import io
import re
import shlex
import sys
from itertools import product

import pytest

from database import database
from enums import Channel, EventKind
from forms import REQUEST_FORMS
from models import Submission
from services import disk
from services.intake import intake
from services.mail import access_links
from settings import settings
from tests.support.contacts import set_contact
from tests.support.files import corpus
from tests.support.pages import EXAMPLES, HTMX, TOO_LARGE, Page, fail
from tests.support.servers.raw_http import END, raw_request
from tests.support.staff import TicketPage
from tests.support.tickets import STATES, add_event, set_ticket, write_message
from tests.support.wording.english_visitors import ENGLISH, german_in
from tests.support.wording.page_text import BAD_VALUES
from tools import catalogue
from views.shared.priority_helper import Affected, Workable


def test_english_catalogue_is_complete_and_has_nothing_else():
    known, said = (
        {message.id for message in found} for found in (catalogue.load_catalogue(), catalogue.extract_messages())
    )
    assert said - known == set(), "run python -m tools.catalogue and translate what it prints"
    assert known - said == set(), "run python -m tools.catalogue"


def test_translating_twice_changes_nothing():
    """A validator's message is translated by the validator or by the form, and possibly by both."""
    english = {
        german: text
        for message in catalogue.load_catalogue()
        for german, text in zip(catalogue.plural_forms(message.id), catalogue.plural_forms(message.string), strict=True)
    }
    assert {text: english[text] for text in english.values() if english.get(text, text) != text} == {}


def test_german_is_detected(anna):
    assert german_in(anna.get("/"))
    assert german_in(anna.get("/hilfe"))


@pytest.mark.parametrize("phone", ["", "0211 55500"])
def test_form_and_help(john, monkeypatch, phone):
    monkeypatch.setattr(settings, "office_phone", phone)
    kinds = [f"/?art={form.slug}" for form in REQUEST_FORMS.values()]
    john.walk(["/", *kinds, "/hilfe"])
    monkeypatch.setattr(settings, "backup_time", "")
    assert "until newer ones have replaced them" in john.get("/hilfe").text_of("main")
    assert john.seen > len(kinds) * len(BAD_VALUES)


@pytest.mark.parametrize("category", EXAMPLES)
def test_fields_receipt_and_errors_of_each_kind(john, category):
    filled = john.filled(category)
    for headers in ({}, HTMX):
        john.post("/felder", filled, headers=headers)
        john.post("/", filled | dict.fromkeys(ENGLISH[category] | john.known, ""), headers=headers)
    is_late = category == "new_employee"
    receipt = john.report(category, **({"entry_date": "2026-11-26"} if is_late else {}))
    words = receipt.text_of("main")
    assert "23 November 2026 at 10:30" in words
    assert ("26 November 2026" in words) == ("promise the date" in words) == is_late


@pytest.mark.parametrize(
    ("entry_date", "said"),
    [
        ("2027-04-01", "until Tuesday, 23 March 2027"),
        ("2026-11-26", "was Thursday, 19 November 2026. Send the request all the same"),
        ("2026-11-20", "has already passed"),
        ("32.1.2027", "15.01.2027"),
        ("1.1.2099", "check the year: 2099"),
    ],
)
def test_dates(john, entry_date, said):
    values = john.filled("new_employee", entry_date=entry_date, name="")
    assert said in john.post("/", values).text_of("request-form")
    john.post("/vorlauf", values, headers=HTMX)
    # The format in the message is accepted.
    assert john.report("new_employee", entry_date="15.01.2027").status == 200


@pytest.mark.parametrize(("affected", "workable"), list(product(Affected, Workable)))
def test_suggestion_of_a_priority(john, affected, workable):
    page = john.post("/prioritaet", john.filled("incident", affected=affected, workable=workable))
    assert page.text_of("suggestion").startswith("Suggestion: ")


def one_file_of_each_refusal():
    """Return the smallest file of the corpus for each reason to refuse it."""
    cases = {}
    for case in sorted(corpus.bad(), key=lambda case: len(case.content)):
        cases.setdefault(re.sub(r"„.*?“", "", case.reason), case)
    return cases.values()


def test_refusals_of_files(john, monkeypatch):
    fields = {key: value for key, value in john.get("/").fields().items() if key in ("csrf_token", "draft")}

    def refused(name, content, headers=HTMX):
        answer = john.post("/anhaenge", fields | {"files": (io.BytesIO(content), name)}, headers=headers)
        assert answer.status == 422
        assert "We could not accept" in answer.text
        return answer.text

    for case in one_file_of_each_refusal():
        refused(case.name, case.content)
    assert "Allowed are pictures" in refused("setup.exe", b"MZ")
    for code, said in ((1, "harmful"), (2, "not responding")):
        monkeypatch.setattr(settings, "scanner", f"{shlex.quote(sys.executable)} -c 'raise SystemExit({code})'")
        assert said in refused("note.txt", b"Hello")
    monkeypatch.setattr(settings, "scanner", f"{shlex.quote(sys.executable)} -c pass")
    accepted = john.post("/anhaenge", fields | {"files": (io.BytesIO(b"Hello"), "scanned.txt")}, headers=HTMX)
    assert accepted.status == 200  # A scan that succeeds ends the failure.
    monkeypatch.setattr(settings, "scanner", "")
    with monkeypatch.context() as full:
        full.setattr(disk, "is_below_reserve", lambda: True)
        several = [(io.BytesIO(b"Hello"), name) for name in ("a.txt", "b.txt", "c.txt")]
        page = john.post("/", john.filled("incident", files=several))
        assert "“a.txt”, “b.txt” and “c.txt”" in page.text_of("attachment-list")
    many = [(io.BytesIO(bytes([number])), f"{number}.txt") for number in range(65, 72)]
    page = john.post("/", john.filled("incident", files=many, name=""))
    assert "More than 5 attachments are not possible" in page.text_of("attachment-list")
    page = john.post("/anhaenge/entfernen", page.fields("/").to_dict() | {"attachment": page.fields("/")["staged"]})
    assert "has been removed" in page.text_of("attachment-list")


def test_expired_files(john):
    assert "Please choose it again" in john.send("incident", staged="gone").text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_too_much_at_once(john, monkeypatch, headers):
    settings.submissions_per_hour = settings.uploads_per_hour = 1
    note = {"files": [(io.BytesIO(b"Hello"), "note.txt")]}
    john.report("incident", **note)
    assert john.post("/", john.filled("incident"), headers=headers).status == 429
    page = john.post("/", john.filled("incident", files=[(io.BytesIO(b"Hello"), "other.txt")]), headers=headers)
    assert page.status == 429
    assert "in 60 minutes" in page.text
    settings.max_pending = 0
    assert john.post("/", john.filled("other"), headers=headers).status == 503


def test_sent_before_expired_and_broken(john, monkeypatch):
    values = john.filled("incident")
    assert john.post("/", values).status == 303
    assert "has already reached us" in john.post("/", values | {"description": "Another one"}).text
    assert "open for too long" in john.post("/", values | {"csrf_token": ""}).text
    monkeypatch.setattr(intake, "receive", fail)
    page = john.post("/", values)
    assert page.status == 500
    assert f"tell us the error number {page.response.headers['Error-Number']}" in page.text
    monkeypatch.setattr("views.public.request.REQUEST_FORMS", None)
    assert "reload the page" in john.get("/hilfe").text_of("main")


def test_errors_of_http(john):
    for method, address, options, status in (
        ("get", "/nowhere", {}, 404),
        ("get", "/eingegangen/ABCDEFGH", {}, 404),
        ("get", "/felder", {}, 405),
        ("post", "/hilfe", {"data": {}}, 405),
        ("post", "/", {"data": {}, "environ_overrides": TOO_LARGE}, 413),
        ("get", "/", {"headers": {"Host": "a" * 70}}, 400),
    ):
        assert getattr(john, method)(address, **options).status == status


@pytest.mark.parametrize(
    ("path", "languages", "heading"),
    [
        ("/", "Accept-Language: en\r\n", "That is too much at once"),
        ("/", "", "Das ist zu viel auf einmal"),
        ("/verwaltung/kunden", "Accept-Language: en\r\n", "Das ist zu viel auf einmal"),
    ],
)
def test_requests_that_never_reach_the_app(portal, path, languages, heading):
    answer = raw_request(portal, f"POST {path} HTTP/1.1\r\nHost: x\r\n{languages}Content-Length: {10**9}{END}")
    assert Page(answer).tree.findtext(".//h1") == heading


# --- Pages behind a mailed link ---


@pytest.mark.parametrize("state", STATES, ids="-".join)
def test_customers_page_in_each_state(john, ticket_path, state):
    status, approval = state
    set_ticket(status=status, approval=approval)
    kind = EventKind.DECLINED if approval == "declined" else EventKind.CANCELLED
    add_event(kind, "We have enough of these.", "Bernd")
    page = john.get(ticket_path)
    assert page.text_of("state") == "Current status"
    assert ("on 23 November 2026" in page.text_of("main")) == (status in ("done", "cancelled"))


def test_conversation(john, ticket_path, monkeypatch):
    add_event(EventKind.ANSWERED, "Which printer is it?")
    assert john.get(ticket_path).text_of("messages-heading") == "Messages"
    page = john.get(ticket_path)
    assert write_message(john, ticket_path, "", page).status == 422
    assert (
        write_message(john, ticket_path, "The left one.", page, headers=HTMX).text.count("Your message has reached us.")
        == 1
    )
    assert "Another message" in write_message(john, ticket_path, "The right one.", page).text
    assert "open for too long" in john.post(ticket_path, {"text": "x", "csrf_token": ""}).text
    settings.replies_per_day = 1
    assert "last 24 hours" in write_message(john, ticket_path, "And one more.").text
    with database.connection_context():
        Submission.update(channel=Channel.PHONE).execute()
    assert john.get(ticket_path).text_of("sent") == "What you told us on the phone"
    page = john.get(ticket_path)
    set_ticket(status="cancelled", approval="not_required")
    assert "is closed" in write_message(john, ticket_path, "Too late.", page).text
    monkeypatch.setattr(settings, "office_phone", "")
    assert "send us an email" in john.get(ticket_path).text_of("main")
    monkeypatch.setattr(access_links, "find", lambda *_: None)
    assert john.get(ticket_path).status == 404


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("decision", ["approved", "declined"])
def test_approvers_page(approver, clara, ticket, decision, begun, is_told):
    visitor, path = approver(priority="high")
    ticket_page = TicketPage(clara, ticket())
    if begun:
        ticket_page.act("vor-freigabe-beginnen", "The till is down.")
    if not is_told:
        with database.connection_context():
            set_contact(email="")
    values = visitor.get(path).fields(path).to_dict()
    assert visitor.post(path, values | {"decision": "declined", "reason": ""}).status == 422
    assert visitor.post(path, values).status == 422
    assert visitor.post(path, values | {"csrf_token": "", "decision": decision}).status == 422
    assert visitor.post(path, values | {"decision": decision, "reason": "Too dear."}).status == 303
    assert visitor.post(path, values | {"decision": decision, "reason": "Too dear."}).status == 409
    assert "on 23 November 2026" in visitor.get(path).text_of("decided")
    assert visitor.get(path).text_of("follows").startswith("Thank you. We")
    ticket_page.act("stornieren" if begun or decision == "approved" else "wieder-oeffnen", "Not needed after all.")
    visitor.get(path)


def test_approvers_page_without_a_decision_of_theirs(approver, clara, ticket):
    visitor, path = approver()
    ticket_page = TicketPage(clara, ticket())
    ticket_page.act("stornieren", "Asked twice.")
    assert "Status: Cancelled." in visitor.get(path).text_of("decided")
    ticket_page.act("wieder-oeffnen", "Not twice.")
    assert "cancelled once before" in visitor.get(path).text_of("reopened")
    ticket_page.act("ablehnen", "Petra said so on the phone.")
    assert "entered this after a phone call" in visitor.get(path).text_of("decided")
    with database.connection_context():
        Submission.update(channel=Channel.PHONE).execute()
    ticket_page.act("wieder-oeffnen", "She thought again.")
    assert "called us on" in visitor.get(path).text_of("main")
