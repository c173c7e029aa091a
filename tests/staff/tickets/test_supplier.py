"""A warranty case is passed on to a supplier: what it needs to know, the chosen files, and no names unless wanted."""

import io

import pytest

from enums import EventKind
from services.mail import mime
from settings import settings
from tests.support.cast import signed_in
from tests.support.files.samples import PNG
from tests.support.servers.mailbox import text_of
from tests.support.staff import TicketPage

SUPPLIER = "rma@hersteller.example"


@pytest.fixture
def work(anna, clara, run_worker, ticket):
    """Anna reported a defective device with two photos; return Clara's page of the ticket."""
    details = {"device": "Brother HL-L5210DN", "serial_number": "E78123H1N4", "order_reference": "R-4711"}
    files = [(io.BytesIO(PNG + name.encode()), name) for name in ("Schild.png", "Chefin.png")]
    anna.report("warranty", description="Frau Sommer hört ein Brummen.", files=files, **details)
    run_worker()
    return TicketPage(clara, ticket())


def file_ids(work):
    boxes = [box for box in work.look().tree.iter("input") if box.get("name") == "weitergeben-files"]
    return [box.get("value") for box in boxes]


def test_supplier_gets_the_device_and_the_chosen_files(work, events, deliver_mails, mailbox):
    assert work.pass_on(SUPPLIER, files=file_ids(work)[:1]).status == 303
    assert events()[-1][0] is EventKind.PASSED_ON
    assert "an einen Lieferanten weitergegeben" in work.look().text_of("ticket")
    assert "Anhänge: Schild.png" in work.look().text_of("ticket")
    deliver_mails()
    mail = mailbox.last_to(SUPPLIER)
    for words in ("Bitte tauschen Sie das Gerät.", "Brother HL-L5210DN", "E78123H1N4", "R-4711"):
        assert words in text_of(mail)
    assert "Sommer" not in mail.as_string() + text_of(mail)
    assert [part.get_filename() for part in mail.iter_attachments()] == ["Schild.png"]


def test_names_only_if_ticked(work, deliver_mails, mailbox):
    work.pass_on(SUPPLIER, with_names="y")
    deliver_mails()
    mail = mailbox.last_to(SUPPLIER)
    assert "Das Gerät steht bei Bäckerei Sommer. Ansprechpartner: Anna Sommer, Telefon 0211 555-0101." in text_of(mail)
    assert list(mail.iter_attachments()) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"recipient": ""}, "Bitte geben Sie diese Adresse ein."),
        ({"recipient": "rma"}, "E-Mail-Adresse"),
        ({"text": ""}, "Bitte schreiben Sie, was der Lieferant tun soll."),
    ],
)
def test_what_is_missing(work, events, changes, sentence):
    before = len(events())
    page = work.pass_on(**{"recipient": SUPPLIER} | changes)
    assert page.status == 422
    assert sentence in page.text_of("ticket")
    assert len(events()) == before


def test_files_of_other_tickets_stay_here(work, anna, run_worker, deliver_mails, mailbox):
    anna.report("warranty", device="NAS", files=[(io.BytesIO(PNG + b"Vertrag"), "Vertrag.png")])
    run_worker()
    work.pass_on(SUPPLIER, files=["3", "x", "9" * 30])
    deliver_mails()
    assert list(mailbox.last_to(SUPPLIER).iter_attachments()) == []


def test_supplier_reads_of_files_that_are_too_large_and_of_no_link(work, deliver_mails, mailbox, monkeypatch):
    monkeypatch.setattr(mime, "MAX_ATTACHED_BYTES", 1)
    work.pass_on(SUPPLIER, files=file_ids(work))
    deliver_mails()
    mail = mailbox.last_to(SUPPLIER)
    assert list(mail.iter_attachments()) == []
    assert mime.TOO_MUCH_FOR_SUPPLIER in text_of(mail)
    assert "Link" not in text_of(mail)


def test_only_warranty_cases(anna, clara, run_worker, tickets):
    anna.report("incident")
    run_worker()
    assert "weitergeben" not in TicketPage(clara, tickets()[0]).offered_actions()


def test_two_people_at_once(app, work, ticket, events):
    page = work.look()
    TicketPage(signed_in(app, "Emil Ernst"), ticket()).pass_on(SUPPLIER)
    assert work.pass_on(SUPPLIER, page).status == 422
    assert [event[0] for event in events()].count(EventKind.PASSED_ON) == 1


def test_undone_mail_never_leaves(work, events, deliver_mails, mailbox):
    settings.undo_seconds = 20
    work.pass_on(SUPPLIER)
    work.act("rueckgaengig")
    settings.undo_seconds = 0
    assert SUPPLIER not in [mail["To"] for mail in deliver_mails()]
    assert events()[-1][0] is EventKind.UNDONE
