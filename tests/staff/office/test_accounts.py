"""The accounts in the browser: added, locked and changed by the role "Leitung" only."""

import re
import sqlite3
import zipfile
from threading import Barrier, Thread

import pytest

from database import database
from models import Message, Staff
from services.errors import UserError
from services.operations import key_replacement
from services.security import account_links
from services.staff import accounts
from settings import settings
from tests.support.cast import NOW, PASSWORD
from tests.support.commands import printed
from tests.support.pages import Visitor

PAGE = "/verwaltung/konten"


def account(name):
    with database.connection_context():
        return Staff.get(Staff.name == name)


def post(visitor, path, page=None, **values):
    return visitor.post(path, (page or visitor.get(PAGE)).fields(path).to_dict() | values)


def add(clara, name="Miriam Vogt", **values):
    return post(clara, PAGE, name=name, **{"role": "team", **values})


def link_in(text):
    return re.search(r"/verwaltung/konto-einrichten/[0-9a-f]{64}", text)[0]


def choose_password(app, path, password=PASSWORD):
    visitor = Visitor(app, {})
    values = visitor.get(path).fields(path).to_dict() | {"password": password, "repeated_password": password}
    return visitor, visitor.post(path, values)


def test_a_colleague_chooses_a_password_by_the_link(app, clara):
    path = link_in(add(clara).text)
    visitor, answer = choose_password(app, path)
    assert (answer.status, answer.response.location) == (303, "/verwaltung/")
    page = visitor.get("/verwaltung/")
    assert "Miriam Vogt" in page.text
    assert "Konten" not in visitor.get("/verwaltung/zahlen").text
    # The link works once.
    assert Visitor(app, {}).get(path).status == 404


def test_the_link_by_mail_is_nowhere_in_the_database(app, clara, deliver_mails, mailbox):
    page = add(clara, email="miriam@winter.example")
    assert "konto-einrichten" not in page.text
    with database.connection_context():
        assert re.search(r"konto-einrichten/konto-\d+$", Message.get().body, re.MULTILINE)
    deliver_mails()
    mail = mailbox.last_to("miriam@winter.example")
    _, answer = choose_password(app, link_in(mail.get_body(("plain",)).get_content()))
    assert answer.status == 303


def test_the_link_ends_after_a_week_and_with_a_new_one(app, clara, advance_clock):
    first = link_in(add(clara).text)
    path = f"{PAGE}/{account('Miriam Vogt').id}"
    advance_clock(minutes=1)
    second = link_in(post(clara, f"{path}/link", clara.get(path)).text)
    assert Visitor(app, {}).get(first).status == 404
    assert Visitor(app, {}).get(second).status == 200
    advance_clock(days=7, minutes=1)
    assert Visitor(app, {}).get(second).status == 404


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": ""}, "name", "Bitte geben Sie den Namen"),
        ({"name": "clara NEUMANN"}, "name", "gibt es schon"),
        ({"role": ""}, "role", "Bitte wählen Sie Leitung oder Team."),
        ({"email": "miriam"}, "email", "Eine E-Mail-Adresse sieht so aus"),
    ],
)
def test_account_refused(clara, values, field, words):
    page = add(clara, **{"name": "Miriam Vogt"} | values)
    assert page.status == 422
    assert words in page.errors()[field]


@pytest.mark.parametrize("password", ["kurz", "passwortpasswort"])
def test_weak_password_is_refused(app, clara, password):
    path = link_in(add(clara).text)
    _, page = choose_password(app, path, password)
    assert (page.status, list(page.errors())) == (422, ["password"])
    assert Visitor(app, {}).get(path).status == 200


def test_locking_hands_the_open_tickets_over(app, clara, anna, run_worker, tickets):
    add(clara)
    miriam = account("Miriam Vogt")
    for _ in range(2):
        anna.report("incident")
    run_worker()
    with database.connection_context():
        for ticket in tickets():
            ticket.assignee = miriam
            ticket.save()
    path = f"{PAGE}/{miriam.id}"
    page = clara.get(path)
    assert "2 offene Tickets" in page.text
    assert post(clara, f"{path}/sperren", page, assignee=str(account("Clara Neumann").id)).status == 303
    assert [ticket.assignee_id for ticket in tickets()] == [account("Clara Neumann").id] * 2
    assert account("Miriam Vogt").locked_at
    assert post(clara, f"{path}/entsperren", clara.get(path)).status == 303
    assert account("Miriam Vogt").locked_at is None


def test_somebody_always_leads(app, clara):
    path = f"{PAGE}/{account('Clara Neumann').id}"
    page = post(clara, f"{path}/rolle", clara.get(path), role="team")
    assert (page.status, list(page.errors())) == (422, ["role"])
    assert "braucht die Rolle Leitung" in page.errors()["role"]
    page = post(clara, f"{path}/sperren", clara.get(path))
    assert page.status == 422
    assert "braucht die Rolle Leitung" in page.text
    link = link_in(add(clara, role="lead").text)
    # Nobody could lead if the colleague let the link expire.
    assert post(clara, f"{path}/rolle", clara.get(path), role="team").status == 422
    choose_password(app, link)
    answer = post(clara, f"{path}/rolle", clara.get(path), role="team")
    assert clara.get(answer.response.location).status == 200
    assert clara.get(PAGE).status == 403


@pytest.mark.parametrize(
    "path", [PAGE, "/verwaltung/buero", "/verwaltung/datenschutz", "/verwaltung/datenschutz/person"]
)
def test_the_team_may_not(app, clara, path):
    miriam, _ = choose_password(app, link_in(add(clara).text))
    page = miriam.get(path)
    assert page.status == 403
    assert "Dafür ist bei Ihnen die Leitung zuständig." in page.text
    assert miriam.get("/verwaltung/kunden").status == 200


def test_two_who_lead_lock_one_another_at_once(app, clara):
    choose_password(app, link_in(add(clara, role="lead").text))
    start, refused = Barrier(2), []

    def lock(name, by):
        start.wait()
        with database.connection_context():
            try:
                accounts.lock_and_hand_over(account(name), None, account(by), NOW)
            except UserError:
                refused.append(name)

    names = ("Clara Neumann", "Miriam Vogt")
    people = [Thread(target=lock, args=pair) for pair in (names, names[::-1])]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert [name for name in names if account(name).locked_at is None] == refused
    assert len(refused) == 1


def test_nobody_is_locked_when_the_chosen_colleague_was_locked_meanwhile(clara, anna, run_worker, tickets):
    for name in ("Miriam Vogt", "Robin Roth"):
        add(clara, name=name)
    anna.report("incident")
    run_worker()
    miriam, robin = account("Miriam Vogt"), account("Robin Roth")
    with database.connection_context():
        (ticket,) = tickets()
        ticket.assignee = miriam
        ticket.save()
    path = f"{PAGE}/{miriam.id}"
    page = clara.get(path)
    with database.connection_context():
        accounts.lock(robin, NOW)
    page = post(clara, f"{path}/sperren", page, assignee=str(robin.id))
    assert (page.status, list(page.errors())) == (422, ["assignee"])
    assert account("Miriam Vogt").locked_at is None
    assert [ticket.assignee_id for ticket in tickets()] == [miriam.id]


def test_a_page_that_was_open_too_long_asks_again(app, clara):
    path = link_in(add(clara).text)
    visitor = Visitor(app, {})
    chosen = {"password": PASSWORD, "repeated_password": PASSWORD}
    values = visitor.get(path).fields(path).to_dict() | chosen
    visitor.client.delete_cookie("session")
    page = visitor.post(path, values)
    assert page.status == 422
    assert "zu lange offen" in page.text
    assert PASSWORD not in page.text
    assert visitor.post(path, page.fields(path).to_dict() | chosen).status == 303


def test_a_lock_ends_the_link(app, clara):
    link = link_in(add(clara).text)
    path = f"{PAGE}/{account('Miriam Vogt').id}"
    for slug in ("sperren", "entsperren"):
        post(clara, f"{path}/{slug}", clara.get(path))
        assert Visitor(app, {}).get(link).status == 404


def test_a_new_key_ends_the_links(app, clara):
    link = link_in(add(clara).text)
    settings.secret_key_path.unlink()
    with database.connection_context():
        key_replacement.replace_key(NOW)
    assert Visitor(app, {}).get(link).status == 404


def test_a_backup_with_the_key_opens_no_account(clara, run_command, tmp_path):
    add(clara)
    printed(run_command("sichern", "--mit-schluessel", "--ziel", str(tmp_path / "alles.zip")))
    with zipfile.ZipFile(tmp_path / "alles.zip") as archive:
        path = archive.extract("tickets.db", tmp_path)
    assert sqlite3.connect(path).execute("SELECT DISTINCT link_expires_at FROM staff").fetchall() == [(None,)]


def test_a_mail_server_that_quotes_the_link_leaves_it_nowhere(clara, deliver_mails, mailbox):
    add(clara, email="miriam@winter.example")
    with database.connection_context():
        token = account_links.url(account("Miriam Vogt")).rpartition("/")[2]
    mailbox.failure = {"DATA": f"550 spam: http://127.0.0.1:8400/verwaltung/konto-einrichten/{token}"}
    deliver_mails()
    with database.connection_context():
        error = Message.get().last_error
    assert "spam: http://127.0.0.1:8400/verwaltung/konto-einrichten/…" in error


def test_the_team_is_led_to_no_page_that_it_may_not_open(app, clara):
    miriam, _ = choose_password(app, link_in(add(clara).text))
    page = miriam.get("/verwaltung/")
    links = {link.get("href").partition("#")[0] for link in page.tree.iter("a")}
    assert {miriam.get(link).status for link in links if link.startswith("/verwaltung")} == {200}
    assert miriam.get("/verwaltung/zahlen").status == 200
