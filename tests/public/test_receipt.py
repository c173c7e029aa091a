"""The receipt: what was sent and what happens next, only for the browser that sent it."""

import io
import re

import pytest

from tests.support.pages import EXAMPLES, OPTIONAL

SENT = {
    "incident": [
        ("Art der Anfrage", "Störung"),
        ("Fehlerbeschreibung", "Der Drucker zieht kein Papier ein."),
        ("Referenz", "Drucker Theke"),
        ("Priorität", "Niedrig"),
    ],
    "warranty": [
        ("Art der Anfrage", "Garantiefall"),
        ("Bezeichnung des Geräts", "ThinkPad E16"),
        ("Seriennummer", "PF4X7Q2M"),
        ("Auftragsbezug", "RE-2026-0815"),
        ("Beschreibung der Störung", "Der Akku lädt nicht."),
        ("Referenz", "PO-4711"),
        ("Priorität", "Mittel"),
    ],
    "new_employee": [
        ("Art der Anfrage", "Neuer Mitarbeiter"),
        ("Anrede", "Frau"),
        ("Vorname", "Clara"),
        ("Nachname", "Neumann"),
        ("Positionsbeschreibung", "Buchhaltung"),
        ("Eintrittsdatum", "01.04.2027"),
        ("Telefondurchwahl", "42"),
        ("Firmenmobiltelefon", "0172 555-0166"),
        ("Gewünschte E-Mail-Adresse", "clara.neumann@sommer.example"),
        ("Sonstige Anmerkungen", "Bitte mit zwei Monitoren.\nUnd einer Tastatur für Linkshänder."),
        ("Referenz", "Neu im Büro"),
    ],
    "callback": [
        ("Art der Anfrage", "Rückrufbitte"),
        ("Anliegen", "Bitte um Rückruf wegen WLAN im Lager."),
        ("Referenz", "WLAN"),
        ("Priorität", "Niedrig"),
    ],
    "other": [
        ("Art der Anfrage", "Sonstiges"),
        ("Anliegen", "Bitte zwei Lizenzen bestellen."),
        ("Referenz", "Lizenzen"),
        ("Priorität", "Niedrig"),
    ],
}


def shown(page):
    return [(row.findtext("dt"), row.findtext("dd")) for row in page.tree.iter("div") if row.find("dt") is not None]


@pytest.mark.parametrize("category", EXAMPLES)
def test_everything_that_was_sent(anna, submissions, category):
    page = anna.report(category, **OPTIONAL[category])
    general = [
        ("Name", "Anna Sommer"),
        ("Kontaktnummer", "0211 555-0101"),
        ("E-Mail", "anna@sommer.example"),
        ("Kundennummer", "K1001"),
    ]
    assert shown(page) == SENT[category] + general
    (submission,) = submissions()
    assert submission.spoken_code in page.title
    assert submission.spoken_code in page.text_of("main")
    assert re.search(r"\d\d\.\d\d\.\d{4} um \d\d:\d\d Uhr", page.text_of("main"))


def test_the_pin_is_not_shown(anna):
    for pin in (anna.known["pin"], f"{anna.known['pin'][:4]} {anna.known['pin'][4:]}"):
        page = anna.report("incident", pin=pin)
        assert pin not in page.text
        assert anna.known["pin"] not in page.text


def test_what_was_left_empty(anna):
    labels = dict(shown(anna.report("new_employee")))
    assert labels["Gewünschte E-Mail-Adresse"] == "keine, wir legen keine an"
    assert not {"E-Mail", "Referenz", "Telefondurchwahl", "Firmenmobiltelefon", "Sonstige Anmerkungen"} & set(labels)


def test_attachments(anna):
    files = [(io.BytesIO(b"Hallo"), "Notiz.txt"), (io.BytesIO(b"Zeile\n" * 1000), "R&amp;D.log")]
    page = anna.report("incident", files=files)
    (row,) = [row for row in page.tree.iter("div") if row.findtext("dt") == "Anhänge"]
    assert list(row.find("dd").itertext()) == ["Notiz.txt (1\xa0KB)", "R&amp;D.log (6\xa0KB)"]


def test_what_happens_next(anna):
    page = anna.report("incident")
    words = page.text_of("main")
    for word in ("Ticket", "Bestätigung", "E-Mail-Adresse", "Freigaben vereinbart", "rufen Sie uns bitte an"):
        assert word in words
    links = {link.text: link.get("href") for link in page.tree.iter("a")}
    assert links["0211 55500"] == "tel:021155500"
    assert links["Weitere Anfrage"] == "/"
    assert [button.text for button in page.tree.iter("button")] == ["Drucken"]


def test_reload(anna, run_worker):
    page = anna.report("incident")
    address = page.response.request.path
    assert anna.get(address).text == page.text
    run_worker()
    assert anna.get(address).text == page.text


def test_several_receipts(anna, submissions):
    for _ in range(3):
        anna.report("incident")
    for submission in submissions():
        assert submission.spoken_code in anna.get(f"/eingegangen/{submission.code}").title


@pytest.mark.parametrize("has_own_receipt", [False, True])
def test_nobody_else_can_open_it(anna, dora, has_own_receipt):
    address = anna.report("incident").response.request.path
    if has_own_receipt:
        dora.report("incident")
    page, unknown = dora.get(address), dora.get("/eingegangen/ABCDEFGH")
    assert page.status == 404
    assert "Diese Seite gibt es nicht" in page.text_of("main")
    assert "Anna" not in page.text
    assert (page.status, page.text) == (unknown.status, unknown.text)
    assert page.response.headers == unknown.response.headers


@pytest.mark.parametrize("code", ["", "ABCD-EFGH", "abcdefgh", "%00", "..", "X" * 500])
def test_addresses_of_no_receipt(anna, code):
    anna.report("incident")
    assert anna.get(f"/eingegangen/{code}").status == 404
