"""Files with active content are accepted, and only the office is told, wherever it can open the file."""

import io
import json

import pytest

from database import database
from enums import MAX_SHORT_LENGTH
from models import Attachment, Submission
from tests.support.approvers import COMPANY, OFFICE
from tests.support.files import corpus
from tests.support.files.samples import PDF
from tests.support.pages import Visitor
from tests.support.servers.mailbox import path_in, text_of

ACTIVE = {case.key: case for case in corpus.good() if case.active_content}
INVOICE = ACTIVE["pdf-e-invoice"]
CONTAINS = "enthält eingebettete Dateien"


def files(*pairs):
    return [(io.BytesIO(content), name) for name, content in pairs]


@pytest.fixture
def sent():
    """An invoice with an embedded file, and a document that only shows."""
    return files((INVOICE.name, INVOICE.content), ("Plan.pdf", PDF))


def test_all_words_together_find_room():
    words = ACTIVE["pdf-all-at-once"].active_content
    of_all = ", ".join(case.active_content for case in ACTIVE.values()).split(", ")
    assert {*words.split(", "), "Kennwortschutz"} == set(of_all)
    assert len(words) <= MAX_SHORT_LENGTH
    assert len("Kennwortschutz") < len("nicht Prüfbares"), "a PDF with a password is not called unreadable, too"


def test_at_the_ticket(anna, clara, run_worker, submissions, sent):
    anna.report("incident", files=sent)
    run_worker()
    (submission,) = submissions()
    page = clara.get(f"/verwaltung/ticket/{submission.code}")
    assert page.text.count(CONTAINS) == page.text.count("enthält ") == 1


def test_at_an_unmatched_request(dora, clara, run_worker, submissions, sent):
    dora.report("incident", files=sent)
    run_worker()
    (submission,) = submissions()
    assert clara.get(f"/verwaltung/nicht-zugeordnet/{submission.code}").text.count(CONTAINS) == 1


def test_in_the_mail_to_the_office_and_in_no_other(anna, run_worker, mailbox, sent):
    anna.report("incident", files=sent)
    run_worker()
    assert f"Vorsicht: „{INVOICE.name}“ {CONTAINS}." in text_of(mailbox.last_to(OFFICE))
    assert "Vorsicht" not in text_of(mailbox.last_to(COMPANY))


def test_at_a_later_message(anna, clara, run_worker, submissions, mailbox, app, sent, deliver_mails):
    anna.report("incident")
    run_worker()
    path, visitor = path_in(mailbox.last_to(COMPANY), "/vorgang/"), Visitor(app, {})
    values = visitor.get(path).fields().to_dict() | {"text": "Hier ist sie.", "files": sent}
    assert visitor.post(path, values).status == 303
    deliver_mails()
    assert f"Vorsicht: „{INVOICE.name}“ {CONTAINS}." in text_of(mailbox.last_to(OFFICE))
    (submission,) = submissions()
    assert clara.get(f"/verwaltung/ticket/{submission.code}").text.count(CONTAINS) == 1
    assert "enthält" not in visitor.get(path).text


def test_on_the_command_line(anna, run_worker, run_command, submissions, sent):
    anna.report("incident", files=sent)
    run_worker()
    (submission,) = submissions()
    printed = run_command("ticket", "zeigen", submission.code).output
    assert f"Anhang 1: {INVOICE.name} (1\xa0KB), {CONTAINS}\n" in printed
    assert "Anhang 2: Plan.pdf (1\xa0KB)\n" in printed
    listed = json.loads(run_command("ticket", "zeigen", submission.code, "--json").output)["anhaenge"]
    assert [file["enthaelt"] for file in listed] == ["eingebettete Dateien", ""]


@pytest.mark.parametrize(
    ("key", "warning"),
    [
        ("pdf-encrypted", "ist mit Kennwort geschützt"),
        ("pdf-invoice-with-password", "enthält eingebettete Dateien und ist mit Kennwort geschützt"),
    ],
)
def test_password_is_told_wherever_the_office_can_open_the_file(
    anna, clara, run_worker, run_command, submissions, mailbox, key, warning
):
    case = ACTIVE[key]
    anna.report("incident", files=files((case.name, case.content)))
    run_worker()
    (submission,) = submissions()
    assert warning in [span.text for span in clara.get(f"/verwaltung/ticket/{submission.code}").tree.iter("span")]
    assert f"Vorsicht: „{case.name}“ {warning}." in text_of(mailbox.last_to(OFFICE))
    assert f"KB), {warning}\n" in run_command("ticket", "zeigen", submission.code).output


def test_sender_is_not_told(anna, sent):
    page = anna.send("incident", name="", files=sent)
    assert INVOICE.name in page.text
    assert "enthält" not in page.text
    with database.connection_context():
        assert [file.active_content for file in Attachment.select()] == ["eingebettete Dateien", ""]
        assert Submission.select().count() == 0
