"""Files of a request in the mail about the new ticket, if the office has set mail_attachments."""

import io

import pytest

from database import database
from enums import MessageState
from models import Message
from services.mail import mime
from settings import settings
from tests.support.approvers import COMPANY, OFFICE
from tests.support.files.samples import PNG, pdf
from tests.support.servers.mailbox import mail_server_running, path_in, text_of

PHOTO, PLAN, LOG = ("Foto vom Gerät.png", PNG), ("Plan.pdf", pdf()), ("Protokoll.log", "Öl\r\n.\r\n".encode())


@pytest.fixture
def mail_attachments(app):
    """The office has set that it gets the files by mail."""
    settings.mail_attachments = "on"


def files(*pairs):
    return [(io.BytesIO(content), name) for name, content in pairs]


def attached(mail):
    return [
        (file.get_filename(), file.get_content_type(), file.get_payload(decode=True))
        for file in mail.iter_attachments()
    ]


def test_only_the_office_gets_the_files(mail_attachments, anna, run_worker, mailbox):
    anna.report("incident", files=files(PHOTO, PLAN, LOG))
    run_worker()
    assert attached(mailbox.last_to(OFFICE)) == [
        ("Foto vom Gerät.png", "image/png", PNG),
        ("Plan.pdf", "application/pdf", pdf()),
        ("Protokoll.log", "text/plain", LOG[1]),
    ]
    assert attached(mailbox.last_to(COMPANY)) == []


def test_no_file_is_attached_by_default(anna, run_worker, mailbox):
    anna.report("incident", files=files(PHOTO))
    run_worker()
    mail = mailbox.last_to(OFFICE)
    assert attached(mail) == []
    assert PHOTO[0] in text_of(mail)


def test_later_files_are_not_attached(mail_attachments, ask_approvers, anna, deliver_mails, mailbox):
    bernd, _ = ask_approvers(files=files(PHOTO))
    page = path_in(mailbox.last_to(COMPANY), "/vorgang/")
    later_file = {"text": "Noch ein Plan", "files": files(PLAN)}
    assert anna.post(page, anna.get(page).fields().to_dict() | later_file).status == 303
    assert bernd.press("approved").status == 303
    deliver_mails()
    (new_ticket,) = [mail for mail in mailbox.to(OFFICE) if mail["Subject"].startswith("Neu ")]
    assert [name for name, *_ in attached(new_ticket)] == [PHOTO[0]]
    others = [mail for mail in mailbox.mails if mail is not new_ticket]
    assert [attached(mail) for mail in others] == [[]] * len(others)


TOO_LARGE = "Die Anhänge sind zu groß für eine E-Mail und deshalb nicht dabei. Der Link oben führt zu ihnen."


@pytest.mark.parametrize(("too_much", "names"), [(0, [PHOTO[0], PLAN[0]]), (1, [])])
def test_files_too_large_for_a_usual_server(mail_attachments, anna, run_worker, mailbox, monkeypatch, too_much, names):
    monkeypatch.setattr(mime, "MAX_ATTACHED_BYTES", len(PNG) + len(pdf()) - too_much)
    anna.report("incident", files=files(PHOTO, PLAN))
    run_worker()
    mail = mailbox.last_to(OFFICE)
    assert [name for name, *_ in attached(mail)] == names
    assert (TOO_LARGE in text_of(mail)) == (not names)
    assert (TOO_LARGE in mail.get_body(("html",)).get_content()) == (not names)


@pytest.mark.parametrize(("size", "names"), [(100_000, []), (200_000, ["Protokoll.log"]), (None, ["Protokoll.log"])])
def test_files_too_large_for_this_server(mail_attachments, anna, run_worker, size, names):
    with mail_server_running(data_size_limit=size) as server:
        settings.smtp_url = server.url
        anna.report("incident", files=files(("Protokoll.log", b"Papierstau\n" * 10_000)))
        run_worker()
        mail = server.last_to(OFFICE)
    assert [name for name, *_ in attached(mail)] == names
    assert (TOO_LARGE in text_of(mail)) == (not names)


def test_unreadable_file_delays_no_other_mail(
    mail_attachments, anna, clara, run_worker, deliver_mails, advance_clock, mailbox
):
    anna.report("incident", files=files(PHOTO))
    anna.report("callback")
    (path,) = settings.files_dir.iterdir()
    elsewhere = path.rename(settings.data_dir / "woanders")
    run_worker()
    assert [len(mailbox.to(address)) for address in (COMPANY, OFFICE)] == [2, 1]
    with database.connection_context():
        waiting = Message.get(Message.state == MessageState.WAITING)
    assert (waiting.recipient, waiting.attempts) == (OFFICE, 1)
    assert waiting.last_error == "Ein Anhang lässt sich nicht lesen."
    assert waiting.last_error in clara.get("/verwaltung/postausgang").text
    elsewhere.rename(path)
    advance_clock(minutes=2)
    deliver_mails()
    assert attached(mailbox.last_to(OFFICE)) == [(PHOTO[0], "image/png", PNG)]
