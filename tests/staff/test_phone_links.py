"""Numbers to tap: what a tel: link dials, whatever stands beside the number."""

import pytest

from settings import settings
from tests.support.staff import TicketPage
from tests.support.unmatched import UNMATCHED

DIALLED = {
    "0211 555-0101": "02115550101",
    "+49 (0)211 123456": "+49211123456",
    "+49(0)211-123456": "+49211123456",
    "0049 211 123456": "+49211123456",
    "0049 (0) 211/123-456": "+49211123456",
    "+49 0211 123456": "+49211123456",
    "(+49 211) 123456": "+49211123456",
    "(+49)(0)211 123456": "+49211123456",
    "(0211) 123 456": "0211123456",
    "+43 (0)1 234567": "+431234567",
    "0172-555.0199": "01725550199",
    "0211 / 12 34-5 oder 0172 5550199": "021112345",
    "0211/1234-0 od. mobil 0172 1234567": "021112340",
    "0211/123456 / 0172 1234567": "0211123456",
    "0172 1234567/0211 123456": "01721234567",
    "+49/0211/123456": "+49211123456",
    "0(211)123456": "0211123456",
    "oder 0172 5550199": "01725550199",
    "Zimmer 12, 0211 123456": "0211123456",
    "am 30.11.2026 unter 0211 123456": "0211123456",
    "40213 Düsseldorf, +49 211 123456": "+49211123456",
    "123456 oder 654321": "123456",
    "0211 1234-0 (Zentrale), DW 12": "021112340",
    "0172 5550199 (8-17 Uhr)": "01725550199",
    "2 3 4 5 6": "23456",
    "Raum 211, Platz 345": "211",
    "٠٢١١١٢٣٤": "02111234",
}


def dialled(page):
    """Return the numbers of a page's tel: links, by their texts, without the office's own."""
    links = [link for link in page.tree.iter("a") if link.get("href", "").startswith("tel:")]
    return {link.text: link.get("href").removeprefix("tel:") for link in links if link.text != settings.office_phone}


@pytest.mark.parametrize(("typed", "number"), DIALLED.items())
def test_number_of_a_ticket(anna, clara, run_worker, tickets, typed, number):
    anna.report("new_employee", phone="0211 555000", mobile=typed)
    run_worker()
    assert dialled(TicketPage(clara, tickets()[0]).look()) == {"0211 555000": "0211555000", typed: number}


def test_number_of_an_unmatched_request(dora, clara, run_worker, submissions):
    dora.report("incident", phone="oder +49 (0)172 5550199")
    run_worker()
    for path in (UNMATCHED, f"{UNMATCHED}/{submissions()[0].code}"):
        assert dialled(clara.get(path)) == {"oder +49 (0)172 5550199": "+491725550199"}


@pytest.mark.parametrize(
    ("phone", "number"),
    [("+49 (0)211 55500", "+4921155500"), ("0211 555-0 oder 0172 5550199", "02115550"), ("auf Anfrage", None)],
)
def test_number_of_the_office(anna, monkeypatch, phone, number):
    monkeypatch.setattr(settings, "office_phone", phone)
    for page in (anna.get("/hilfe"), anna.send("incident", name=""), anna.report("incident")):
        links = [link.get("href") for link in page.tree.iter("a") if link.get("href", "").startswith("tel:")]
        assert set(links) == ({f"tel:{number}"} if number else set())
        assert phone in page.text
