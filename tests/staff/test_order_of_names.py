"""Names are listed as in a German phone book, whatever the order in which they were added."""

import csv
import io
import json

import pytest

from database import database
from models import Customer, Staff, TextBlock
from services.customers import customers
from tests.support.cast import NOW
from tests.support.commands import printed
from tests.support.pages import row_titles
from tests.support.staff import CALL, CUSTOMERS, PIN_LETTERS, TicketPage

NAMES = [
    *("Ärztehaus Süd", "Ahrens", "autohaus Nord", "Müller-Lüdenscheid", "Mueller Paul", "Müllerin", "Muff", "Öztürk"),
    *("Otto", "Strasse", "Straße Nord", "Żak", "Zorn"),
]


@pytest.fixture
def companies(app):
    with database.connection_context():
        for position, name in enumerate(reversed(NAMES)):
            customers.add({"number": f"N{position:02}", "name": name}, NOW)


def labels(page, id):
    return [option.text for option in page.element(id).iter("option")]


def test_customers(clara, companies, run_command):
    assert row_titles(clara.get(CUSTOMERS)) == NAMES
    assert row_titles(clara.get(f"{CUSTOMERS}?stand=ohne-pin&text=N")) == NAMES
    file = io.StringIO(clara.client.get(f"{CUSTOMERS}.csv").data.decode("utf-8-sig"), newline="")
    assert [row["Name"] for row in csv.DictReader(file, delimiter=";")] == NAMES
    assert [row["name"] for row in json.loads(printed(run_command("kunde", "liste", "--json")))] == NAMES
    assert labels(clara.get(CALL), "customers") == NAMES
    boxes = [
        " ".join("".join(label.itertext()).split())
        for label in clara.get(PIN_LETTERS).element("customers").iter("label")
    ]
    assert [box.partition(" ")[2] for box in boxes] == NAMES


def test_pages_of_customers_go_on_by_name(clara, companies, monkeypatch):
    monkeypatch.setattr(customers.page, "__defaults__", ("", None, "", 5))
    path, shown = CUSTOMERS, []
    while path:
        page = clara.get(path)
        shown.append(row_titles(page))
        path = next((link.get("href") for link in page.tree.iter("a") if link.text == "Weitere Kunden"), None)
    assert shown == [NAMES[:5], NAMES[5:10], NAMES[10:]]


def test_approvers(clara, anna, run_worker, tickets):
    with database.connection_context():
        company = Customer.get()
        for position, name in enumerate(reversed(NAMES)):
            customers.add_contact(company, {"is_approver": True, "name": name, "email": f"a{position}@sommer.example"})
    anna.report("incident")
    run_worker()
    links = [link.text for link in clara.get(f"{CUSTOMERS}/{company.id}").tree.iter("a")]
    assert [text for text in links if text in NAMES] == NAMES
    shown = TicketPage(clara, tickets()[0]).look().text_of("ticket")
    assert sorted(NAMES, key=shown.index) == NAMES


def test_staff(clara, anna, run_worker, tickets, run_command):
    with database.connection_context():
        Staff.update(name="Zz").execute()
        for name in reversed(NAMES):
            Staff.create(login=name.casefold(), name=name, password_hash="!", created_at=NOW)
    names = [*NAMES, "Zz"]
    assert labels(clara.get("/verwaltung/tickets"), "bearbeitet-von")[3:] == names
    assert [row["name"] for row in json.loads(printed(run_command("verwaltung", "liste", "--json")))] == names
    anna.report("incident")
    run_worker()
    page = TicketPage(clara, tickets()[0]).look()
    assert labels(page, "zuweisen-to")[:-1] == names


def test_text_blocks(clara, anna, run_worker, tickets):
    with database.connection_context():
        for name in reversed(NAMES):
            TextBlock.create(name=name, text="Guten Tag")
    assert row_titles(clara.get("/verwaltung/textbausteine")) == NAMES
    anna.report("incident")
    run_worker()
    buttons = TicketPage(clara, tickets()[0]).look().tree.iter("button")
    assert [button.text for button in buttons if button.get("name") == "block"] == NAMES
