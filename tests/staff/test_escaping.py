"""Text typed by strangers and customers is escaped on every page of the staff area and in every file."""

import csv
import io
import re

import pytest

from database import database
from forms import REQUEST_FORMS
from models import Attachment, Contact, Customer, Message, Staff, Submission, TextBlock
from tests.support.contacts import set_contact
from tests.support.files.samples import PNG
from tests.support.pages import EXAMPLES, OPTIONAL, Page
from tests.support.staff import print_run, staff_urls

SCRIPT = "<script>alert(1)</script>"
HANDLER = "\" autofocus onfocus='alert(1)'><img src=x onerror=alert(1)>"
TEMPLATE = "{{ 7191 * 7 }}{% raw %}${7191*7}"
FORMULA = '=HYPERLINK("http://evil.example")'
PAYLOADS = [SCRIPT, HANDLER, TEMPLATE, FORMULA]

# Fields that hold no free text.
CHECKED = {"email", "desired_email", "phone", "mobile", "extension", "entry_date", "priority", "salutation", "category"}


@pytest.fixture
def hostile(app, anna, dora, clara, run_worker, tickets):
    """Every kind of request with a payload in every text, one of them unmatched; also in the texts of the office."""

    def fill(payload):
        for visitor, category in [*((anna, category) for category in REQUEST_FORMS), (dora, "incident")]:
            typed = {**EXAMPLES[category], **OPTIONAL[category]}
            texts = dict.fromkeys({"name", *typed} - CHECKED, payload)
            # Unlike browsers, the test client does not escape quotes in a file name.
            name = payload.replace('"', "'") + ".png"
            files = {"files": [(io.BytesIO(PNG), name)]} if category != "new_employee" else {}
            visitor.report(category, **{**typed, **texts, **files})
        run_worker()
        with database.connection_context():
            customer = Customer.get()
            Customer.update(name=payload, note=payload).execute()
            set_contact(name=payload)
            approver = Contact.create(is_approver=True, customer=customer, name=payload, email="bernd@sommer.example")
            block = TextBlock.create(name=payload, text=payload)
            member = Staff.get()
            codes = [submission.code for submission in Submission.select()]
            files = [attachment.id for attachment in Attachment.select()]
            messages = [message.id for message in Message.select()]
        path = f"/verwaltung/ticket/{tickets()[0].submission.code}"
        for slug, name in (("notieren", "text"), ("warten", "warten-text"), ("stornieren", "stornieren-reason")):
            values = clara.get(path).fields(f"{path}/{slug}").to_dict() | {name: payload}
            assert clara.post(f"{path}/{slug}", values).status == 303
        run = print_run(clara, customer.number)
        return staff_urls(
            app,
            {
                "contact_id": [approver.id],
                "staff_id": [member.id],
                "block_id": [block.id],
                "attachment_id": files,
                "code": codes,
                "customer_id": [customer.id],
                "message_id": messages,
                "run": [run],
                "slug": ["notieren"],
                "token": ["none"],
            },
        )["GET"]

    return fill


def is_harmless(page):
    """Check that a page contains no active content but our own files."""
    for element in page.tree.iter():
        assert not [name for name in element.keys() if name.startswith("on")]  # noqa: SIM118 (it is no dict)
        assert element.tag != "script" or element.get("src").startswith("/static/")
        assert element.tag != "img" or element.get("src").startswith(("/verwaltung/anhang/", "data:image/svg+xml"))
        # The icon is the only data: URL, and contains no text of the office.
        assert element.get("rel") == "icon" or not re.match(r"\s*(javascript|data):", element.get("href", ""))
    assert "50337" not in page.text


@pytest.mark.parametrize("payload", PAYLOADS, ids=["script", "handler", "template", "formula"])
def test_what_is_typed_stays_text(clara, hostile, payload):
    shown = set()
    for endpoint, address in [*hostile(payload), ("search", f"/verwaltung/tickets?stand=alle&text={payload}")]:
        answer = clara.client.get(address, buffered=True)
        if answer.mimetype == "text/html":
            page = Page(answer)
            is_harmless(page)
            # A name may be shortened or repeated; its beginning identifies it.
            if payload[:20] in "".join(page.tree.itertext()):
                shown.add(endpoint)
        elif answer.mimetype == "text/csv":
            for row in csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"):
                assert not [cell for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))], endpoint
    expected = {"today.show", "queue.show", "ticket.show", "unmatched.show_all", "unmatched.show", "customers.show"}
    expected |= {"outbox.show_all", "outbox.show", "pin_letters.show", "pin_letters.show_run"}
    assert {f"staff.{name}" for name in expected} <= shown
