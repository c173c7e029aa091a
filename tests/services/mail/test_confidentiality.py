"""No mail reaches the wrong person, shows another customer's data, decides something or starts a loop of replies."""

import io
import re
import secrets

import pytest

from database import database
from enums import MessageKind
from models import Attachment, Contact, Customer, Message, Submission
from services.customers import customers, pins
from settings import settings
from tests.support.cast import NOW
from tests.support.companies import COLLEAGUE, FOREIGN, OFFICE, SUPPLIER
from tests.support.database import snapshot
from tests.support.files.samples import PNG
from tests.support.pages import EXAMPLES, OPTIONAL, Visitor
from tests.support.servers.mailbox import text_of

HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "Auto-Submitted",
    "Precedence",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
}

ATTACHED = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version"}

# Texts that try to add a header.
INJECTED = [
    "Sommer\r\nBcc: dora@boese.example",
    "Sommer\nBcc: dora@boese.example\n\nKauft!",
    "Sommer\u2028Bcc: dora@boese.example",
    "Sommer\x85Bcc: dora@boese.example\x0b\x0c",
    "=?utf-8?q?Sommer=0D=0ABcc:_dora@boese.example?=",
    '"Sommer" <dora@boese.example>, ',
]

# Encoded words that cannot be decoded; they could spoil a mail or keep it from being written.
UNREADABLE = ["x=?utf-8?b?faq\\?=y €", " =?utf-8?q?=ed=a0=80?= €"]

# Every field for free text, with a category that has it.
CATEGORY_WITH = {name: category for category in EXAMPLES for name in EXAMPLES[category] | OPTIONAL[category]}
CATEGORY_WITH |= {"name": "incident", "phone": "incident"}
TYPED = CATEGORY_WITH.keys() - {"salutation", "priority", "entry_date"}


def body_of(mail):
    """Return all readable parts of a mail, decoded."""
    return "\n".join([mail["Subject"], text_of(mail), mail.get_body(("html",)).get_content()])


def kinds():
    with database.connection_context():
        return {message.kind for message in Message.select()}


# --- Recipients ---


def wrong(pin):
    return pin[:-1] + str((int(pin[-1]) + 1) % 10)


def test_no_mail_for_unmatched_requests(companies, clara, run_worker, deliver_mails, submissions):
    """Whatever was typed, and whatever the office does with it short of making a ticket."""
    sommer, winter = companies
    with database.connection_context():
        former, sommer.pin = sommer.pin, pins.issue_pin(sommer.customer, NOW)
        customers.lock(winter.customer, NOW)
    sommer.appoint()
    for number, pin in (("K1001", wrong(sommer.pin)), ("K9999", sommer.pin), ("K1001", former), ("K1002", winter.pin)):
        for category in EXAMPLES:
            sommer.reporter.report(category, customer_number=number, pin=pin, email=sommer.anna, priority="high")
        for name in TYPED:
            # One form, sent again and again with a fresh submission key.
            values = sommer.reporter.filled(CATEGORY_WITH[name], customer_number=number, pin=pin)
            for payload in INJECTED:
                fresh = {"draft": secrets.token_urlsafe(16), name: payload}
                assert sommer.reporter.client.post("/", data=values | fresh).status_code in (303, 422)
    run_worker()
    assert len(submissions()) > 100
    assert {submission.state for submission in submissions()} == {"unmatched"}
    page = f"/verwaltung/nicht-zugeordnet/{submissions()[0].code}/verwerfen"
    token = clara.get("/verwaltung/anruf").fields()["csrf_token"]
    assert clara.post(page, {"csrf_token": token}).status == 303
    # The address on file is told about the wrong PINs, without anything that was typed.
    notice, *urgent = sorted(deliver_mails(), key=lambda mail: mail["To"] == OFFICE)
    assert notice.envelope.rcpt_tos == [sommer.post]
    # The office hears of the urgent ones, briefly.
    assert {mail["To"] for mail in urgent} == {OFFICE}
    assert kinds() == {MessageKind.GUESSING, MessageKind.URGENT_UNMATCHED}
    for words in (
        *INJECTED,
        "Anna",
        "anna@",
        "0211 555-0101",
        *(example["description"] for example in EXAMPLES.values() if "description" in example),
    ):
        assert not [mail for mail in (notice, *urgent) if words in body_of(mail)]


# --- Contents ---


def test_no_pin_and_no_foreign_address(every_kind_of_mail):
    assert kinds() == set(MessageKind) - {MessageKind.WEBHOOK}
    sommer, winter = every_kind_of_mail.companies
    theirs = {address: company for company in (sommer, winter) for address in company.mailboxes}
    everybody = {*theirs, FOREIGN}
    assert {mail["To"] for mail in every_kind_of_mail.mails} == {*theirs, OFFICE, SUPPLIER, COLLEAGUE}
    for mail in every_kind_of_mail.mails:
        seen = f"{mail.as_string()}\n{body_of(mail)}\n{mail.envelope.mail_from} {mail.envelope.rcpt_tos}"
        assert not [pin for company in (sommer, winter) for pin in spellings(company.pin) if pin in seen]
        assert "clara neumann" not in seen
        if mail["To"] in (OFFICE, COLLEAGUE):
            continue
        if mail["To"] == SUPPLIER:
            names = [words for company in (sommer, winter) for words in (company.name, company.number)]
            assert not [words for words in (*names, *everybody) if words in seen]
            continue
        company = theirs[mail["To"]]
        # The requester's address is part of the request; no approver sees another one's address.
        allowed = {mail["To"], company.anna}
        assert not [address for address in everybody - allowed if address in seen]
        (stranger,) = {sommer, winter} - {company}
        assert not [words for words in (stranger.name, stranger.number) if words in seen]


def spellings(pin):
    return pin, f"{pin[:4]} {pin[4:]}", f"{pin[:4]}-{pin[4:]}"


# --- Headers ---


def has_only_its_own_headers(mail, recipient):
    names = [name for name, _ in mail.items()]
    assert len(names) == len(set(names))
    assert set(names) <= HEADERS
    assert mail.envelope.rcpt_tos == [recipient]
    assert [address.addr_spec for address in mail["To"].addresses] == [recipient]
    assert [address.addr_spec for address in mail["From"].addresses] == [settings.sender]
    assert not mail.defects
    assert not [part.defects for part in mail.walk() if part.defects]


def test_every_mail_has_headers_against_automatic_replies(every_kind_of_mail):
    for mail in every_kind_of_mail.mails:
        has_only_its_own_headers(mail, mail["To"])
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Precedence"] == "bulk"
        assert mail["X-Auto-Response-Suppress"] == "All"
    ids = [mail["Message-ID"] for mail in every_kind_of_mail.mails]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("payload", INJECTED + UNREADABLE)
def test_stored_text_never_becomes_a_header(companies, mailbox, run_worker, payload):
    """Neither a field nor the name of a file, a customer, an approver or the office, however it got there."""
    company, _ = companies
    company.appoint()
    settings.office_name, settings.mail_attachments = payload, "on"
    for category in ("incident", "warranty"):
        files = [(io.BytesIO(PNG), "Foto.png")]
        company.reporter.report(category, priority="high", email=company.anna, files=files)
    company.reporter.report("new_employee", email=company.anna)
    with database.connection_context():
        Submission.update(dict.fromkeys(TYPED - {"email"}, payload)).execute()
        for named in (Attachment, Customer, Contact):
            named.update(name=payload).execute()
    run_worker()
    recipients = [company.post, company.anna, company.bernd, company.petra]
    assert [mail.envelope.rcpt_tos for mail in mailbox.mails] == [
        [recipient] for recipient in [*recipients, OFFICE] * 2 + recipients
    ]
    for mail in mailbox.mails:
        has_only_its_own_headers(mail, mail.envelope.rcpt_tos[0])
        assert not re.search("[\n\ufffd]", mail["Subject"])
        for file in mail.iter_attachments():
            assert {name for name, _ in file.items()} <= ATTACHED


@pytest.mark.parametrize(
    "typed",
    [
        "anna@sommer.example\r\nBcc: dora@boese.example",
        "dora@boese.example, anna@sommer.example",
        "dora@boese.example\u2028anna@sommer.example",
        "<dora@boese.example>anna@sommer.example",
        '"dora@boese.example"@sommer.example',
    ],
)
def test_typed_address_is_never_two_addresses(companies, submissions, typed):
    answer = companies[0].reporter.send("incident", email=typed)
    assert answer.status == 422
    assert "email" in answer.errors()
    assert submissions() == []


# --- Links ---


def test_following_every_link_changes_nothing(every_kind_of_mail, app, advance_clock):
    """Mail scanners open links with GET and HEAD, more than once, and also after they have expired."""
    addresses = {url for mail in every_kind_of_mail.mails for url in re.findall(r'https?://[^\s"<>]+', body_of(mail))}
    assert all(url.startswith(f"{settings.url}/") for url in addresses)
    paths = sorted(url.removeprefix(settings.url) for url in addresses)
    assert {path.split("/")[1] for path in paths} == {"freigabe", "vorgang", "verwaltung"}
    before = snapshot()
    for wait, found in (({}, {200, 303}), ({"days": 400}, {200, 303, 404})):
        advance_clock(**wait)
        visitors = Visitor(app, {}), every_kind_of_mail.clara
        looks = [
            getattr(visitor.client, method)(path)
            for visitor in visitors
            for path in paths
            for method in ("get", "head")
        ]
        assert {look.status_code for look in looks} == found
    assert snapshot() == before
