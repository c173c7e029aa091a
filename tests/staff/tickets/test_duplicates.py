"""A request that came twice: it is closed towards the other ticket, and both and the customer say where it goes on."""

import pytest

from enums import TicketStatus
from settings import settings
from tests.support.cast import signed_in
from tests.support.companies import Company
from tests.support.pages import all_text
from tests.support.servers.mailbox import path_in, text_of
from tests.support.staff import TicketPage

SLUG = "gehoert-zu"


@pytest.fixture
def two(anna, clara, run_worker, tickets):
    """Anna reported the same thing twice; return Clara's pages of the tickets."""
    for description in ("Drucker", "Drucker geht immer noch nicht"):
        anna.report("incident", description=description)
    run_worker()
    return [TicketPage(clara, ticket) for ticket in tickets()]


@pytest.fixture
def berta(app):
    """Berta in front of her browser, with the number and PIN of another company."""
    return Company(app, "K1002", "Praxis Winter", "winter.example").reporter


def close(work, other, page=None):
    values = work.form(SLUG, page) | {f"{SLUG}-other": other.path.rpartition("/")[2]}
    return work.visitor.post(f"{work.path}/{SLUG}", values)


def spoken(work):
    code = work.path.rpartition("/")[2]
    return f"{code[:4]}-{code[4:]}"


def test_both_histories_and_the_customer_say_where_it_goes_on(two, anna, tickets, mailbox, deliver_mails):
    first, second = two
    assert close(second, first).status == 303
    assert [ticket.status for ticket in tickets()] == [TicketStatus.NEW, TicketStatus.CANCELLED]
    assert f"Gehört zu {spoken(first)}. Dort geht es weiter." in second.look().text_of("ticket")
    assert "Dazu gehört auch" in first.look().text_of("ticket")
    assert f"{spoken(second)} Drucker geht immer noch nicht" in first.look().text_of("ticket")
    deliver_mails()
    mail = mailbox.last_to("post@sommer.example")
    assert mail["Subject"].startswith(f"Geht anderswo weiter [{spoken(second)}]")
    assert f"gehört zu der Anfrage {spoken(first)}." in text_of(mail)
    assert f"Gehört zu {spoken(first)}." in all_text(anna.get(path_in(mail, "/vorgang/")))


def test_other_ticket_names_no_new_employee(two, anna, clara, run_worker, tickets):
    anna.report("new_employee", last_name="Köhler")
    run_worker()
    work, first = TicketPage(clara, tickets()[2]), two[0]
    close(work, first)
    assert f"{spoken(work)} Neuer Mitarbeiter" in first.look().text_of("ticket")
    assert "Köhler" not in first.look().text_of("ticket")


def test_numbers_of_other_tickets_are_links(two):
    first, second = two
    close(second, first)
    for page, other in ((second.look(), first), (first.look(), second)):
        assert spoken(other) in [link.text for link in page.tree.iter("a") if link.get("href") == other.path]


def test_only_numbers_of_tickets_are_links_and_what_is_typed_stays_text(two):
    first, second = two
    text = f"Siehe {spoken(second)}, AAAA-AAAA und <b>{second.path.rpartition('/')[2]}</b>"
    first.visitor.post(f"{first.path}/notieren", first.form("notieren") | {"text": text})
    page = first.look()
    assert text in page.text_of("ticket")
    assert [link.text for link in page.tree.iter("a") if link.get("href") == second.path] == [
        spoken(second),
        second.path.rpartition("/")[2],
    ]
    assert not [link for link in page.tree.iter("a") if "AAAA" in (link.get("href") or "")]


@pytest.mark.parametrize("other", ["itself", "foreign", "closed", "AAAAAAAA", ""])
def test_what_it_cannot_belong_to(two, berta, clara, run_worker, tickets, other):
    first, second = two
    page = second.look()
    berta.report("incident", description="Anderer Kunde")
    run_worker()
    if other == "closed":
        first.act("erledigen")
    works = {"itself": second, "foreign": TicketPage(clara, tickets()[2]), "closed": first}
    values = second.form(SLUG, page) | {
        f"{SLUG}-other": works[other].path.rpartition("/")[2] if other in works else other
    }
    refused = second.visitor.post(f"{second.path}/{SLUG}", values)
    assert refused.status == 422
    assert "Bitte wählen Sie ein offenes Ticket desselben Kunden." in refused.text_of("ticket") or other == "closed"
    assert tickets()[1].status is TicketStatus.NEW


def test_offered_only_with_another_open_ticket(two):
    first, second = two
    assert SLUG in first.offered_actions()
    second.act("erledigen")
    assert SLUG not in first.offered_actions()


def test_two_people_at_once(app, two, tickets):
    first, second = two
    page = second.look()
    emil = signed_in(app, "Emil Ernst")
    TicketPage(emil, tickets()[1]).act("uebernehmen")
    assert close(second, first, page).status == 422
    assert tickets()[1].status is TicketStatus.NEW


def test_undone(two, tickets):
    settings.undo_seconds = 20
    first, second = two
    close(second, first)
    second.act("rueckgaengig")
    assert (tickets()[1].status, tickets()[1].duplicate_of) == (TicketStatus.NEW, None)
    assert "Dazu gehört auch" not in first.look().text_of("ticket")


def test_later_change_is_undone_alone(two, tickets):
    settings.undo_seconds = 20
    first, second = two
    close(second, first)
    second.visitor.post(
        f"{second.path}/prioritaet-aendern", second.form("prioritaet-aendern") | {"prioritaet-aendern-value": "0"}
    )
    second.act("rueckgaengig")
    assert tickets()[1].duplicate_of_id == tickets()[0].id
    assert "Dazu gehört auch" in first.look().text_of("ticket")


def test_reopened_it_stands_alone_again(two, tickets):
    first, second = two
    close(second, first)
    second.act("wieder-oeffnen", "Doch etwas anderes")
    assert tickets()[1].duplicate_of is None
