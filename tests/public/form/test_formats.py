"""Accepted spellings: spaces, line ends, letters, PINs, dates, phone numbers and e-mail addresses."""

from datetime import date, timedelta

import pytest

import clock
from database import database
from forms import MAX_TYPED_PIN_LENGTH
from services.customers import customers, pins
from tests.support.cast import NOW

# Entry dates must be near today, also when these tests run in later years.
YEAR = NOW.date().year + 1


def test_texts_are_trimmed_and_written_in_one_way(anna, submissions):
    anna.report(
        "warranty",
        customer_number=" k 1001 ",
        name="\N{NO-BREAK SPACE} Anna Mu\N{COMBINING DIAERESIS}ller\t",
        device="  ThinkPad  E16 ",
        description="\r\n  Erste Zeile\r\nzweite\rdritte\n\n",
    )
    (submission,) = submissions()
    assert submission.customer_number == "K1001"
    assert submission.name == "Anna Müller"
    assert submission.device == "ThinkPad  E16"
    assert submission.description == "Erste Zeile\nzweite\ndritte"


@pytest.mark.parametrize(
    "text", ["<b>fett</b> & \"Gänsefüßchen\" 'x'", "</textarea><script>alert(1)</script>", "😀 {{ 7 }}"]
)
def test_signs_with_a_meaning_in_html_are_only_text(anna, submissions, text):
    page = anna.send("warranty", device=text, description=text, name=None)
    assert page.status == 422
    assert page.fields()["device"] == page.fields()["description"] == text
    receipt = anna.report("warranty", device=text, description=text)
    assert text in receipt.text_of("main")
    assert submissions()[0].device == submissions()[0].description == text


def test_customer_number_as_it_is_typed(anna, run_worker, tickets):
    for number in ("K1001", "k1001", "K 1001"):
        anna.report("incident", customer_number=number)
    run_worker()
    assert [ticket.submission.customer_number for ticket in tickets()] == ["K1001"] * 3


@pytest.mark.parametrize("number", ["Kü1001", "K1001; DROP", "-1", "K_1001"])
def test_no_customer_number(anna, submissions, number):
    page = anna.send("incident", customer_number=number)
    assert page.status == 422
    assert page.errors() == {
        "customer_number": "Bitte prüfen Sie die Kundennummer. Sie besteht aus Ziffern und Buchstaben ohne Umlaute."
    }
    assert page.fields()["customer_number"] == number
    assert submissions() == []


def test_pin_with_blanks_and_dashes(anna, run_worker, tickets):
    digits = anna.known["pin"].replace(" ", "")
    groups = [digits[:4], digits[4:]]
    pairs = [digits[at : at + 2] for at in range(0, 8, 2)]
    typed = [digits, " ".join(groups), "-".join(groups), "–".join(groups), " - ".join(pairs), f" {digits} "]
    typed.append(groups[0] + "-" * (MAX_TYPED_PIN_LENGTH - len(digits)) + groups[1])
    for pin in typed:
        anna.report("incident", pin=pin)
    run_worker()
    assert len(tickets()) == len(typed)


@pytest.mark.parametrize("pin", ["1234567", "123456789", "1234 567a", "geheim", "١٢٣٤٥٦٧٨", "1234.5678"])
def test_no_pin(anna, submissions, pin):
    page = anna.send("incident", pin=pin)
    assert page.status == 422
    assert page.errors() == {"pin": "Bitte prüfen Sie die PIN. Sie besteht aus 8 Ziffern."}
    assert page.fields()["pin"] == pin
    assert submissions() == []


def test_issued_pin_can_be_typed_as_it_is_printed(anna, run_worker, tickets):
    with database.connection_context():
        pin = pins.issue_pin(customers.find("K1001"), NOW)
    anna.report("incident", pin=pins.spoken_pin(pin))
    run_worker()
    assert len(tickets()) == 1


@pytest.mark.parametrize(
    "typed",
    [f"{YEAR}-01-15", f"15.01.{YEAR}", f"15.1.{YEAR}", f"15.1.{YEAR % 100}", f"15.01.{YEAR % 100}", f" 15.01.{YEAR} "],
)
def test_entry_date(anna, submissions, typed):
    page = anna.send("new_employee", entry_date=typed, name=None)
    assert page.fields()["entry_date"] == f"{YEAR}-01-15"
    assert page.element("entry_date").get("type") == "date"
    anna.report("new_employee", entry_date=typed)
    assert submissions()[0].entry_date == date(YEAR, 1, 15)


@pytest.mark.parametrize(
    "typed", [f"31.02.{YEAR}", "morgen", "1.4.", f"{YEAR}-13-01", f"01/15/{YEAR}", "<1.1.>", "0000-01-01"]
)
def test_no_entry_date(anna, submissions, typed):
    page = anna.send("new_employee", entry_date=typed)
    assert page.status == 422
    assert page.errors() == {
        "entry_date": "Dieses Datum gibt es nicht. Bitte schreiben Sie es so: 15.01.2027",
    }
    assert page.fields()["entry_date"] == typed
    assert page.element("entry_date").get("type") == "text"
    assert submissions() == []


@pytest.mark.parametrize("typed", ["0202-01-15", "0001-01-01", "2009-01-15", "2099-01-15", "9999-12-31"])
def test_entry_date_of_a_mistyped_year(anna, submissions, typed):
    page = anna.send("new_employee", entry_date=typed)
    assert page.status == 422
    assert page.errors()["entry_date"].startswith("Bitte prüfen Sie das Jahr")
    assert page.fields()["entry_date"] == typed
    assert submissions() == []


@pytest.mark.parametrize("hours", [13, 14])
def test_first_and_last_entry_date(anna, submissions, advance_clock, hours):
    # Half an hour before and after midnight in Germany; in UTC it is the same day.
    advance_clock(hours=hours)
    for days in (-366, 5 * 366):
        edge, beyond = (clock.today() + timedelta(days=count) for count in (days, days + (1 if days > 0 else -1)))
        anna.report("new_employee", entry_date=edge.isoformat())
        page = anna.send("new_employee", entry_date=beyond.isoformat())
        assert (
            page.errors()["entry_date"] == f"Bitte prüfen Sie das Jahr: {beyond.year} liegt zu weit von heute entfernt."
        )
    assert len(submissions()) == 2


@pytest.mark.parametrize(
    "phone",
    [
        *("0211 123456", "+49 (0)211/123-456", "0172-555.0199", "12345", "(030)  1 2 3 4 5"),
        *("oder 0172 5550199", "0211 1234-0 (Zentrale)", "Tel.: 0211/1234 DW 12", "0211/1234-0 od. mobil 0172 1234567"),
        *("0211 123456, ab 17 Uhr", "Büro 0211 12x456", "٠٢١١١٢٣٤"),
    ],
)
def test_phone_numbers_with_words_beside_them(anna, submissions, phone):
    anna.report("new_employee", phone=phone, mobile=phone)
    assert (submissions()[0].phone, submissions()[0].mobile) == (phone, phone)


@pytest.mark.parametrize("phone", ["1234", "keine", "DW 12", "+++++", "0211 oder", "anna@sommer.example"])
def test_too_few_digits_for_a_phone_number(anna, submissions, phone):
    page = anna.send("new_employee", phone=phone, mobile=phone)
    assert page.status == 422
    sentence = "Bitte prüfen Sie „{}“. Eine Telefonnummer hat mindestens 5 Ziffern, zum Beispiel 0211 123456."
    assert page.errors() == {
        "phone": sentence.format("Kontaktnummer"),
        "mobile": sentence.format("Firmenmobiltelefon"),
    }
    assert (page.fields()["phone"], page.fields()["mobile"]) == (phone, phone)
    assert submissions() == []


@pytest.mark.parametrize("extension", ["-7", "DW 12", "12 (Empfang)"])
def test_extension(anna, submissions, extension):
    anna.report("new_employee", extension=extension)
    assert submissions()[0].extension == extension


@pytest.mark.parametrize("extension", ["Zentrale", "-"])
def test_extension_without_a_digit(anna, submissions, extension):
    page = anna.send("new_employee", extension=extension)
    sentence = "Bitte prüfen Sie „Telefondurchwahl“. Eine Durchwahl hat Ziffern, zum Beispiel 42."
    assert page.errors() == {"extension": sentence}
    assert page.fields()["extension"] == extension
    assert submissions() == []


@pytest.mark.parametrize("email", ["anna@sommer.example", "a.b+c@mail.sommer.example", "anna@bäckerei-sommer.de"])
def test_email(anna, submissions, email):
    anna.report("new_employee", email=email, desired_email=email)
    assert (submissions()[0].email, submissions()[0].desired_email) == (email, email)


@pytest.mark.parametrize(
    "email", ["anna", "anna@", "@sommer.example", "anna@sommer", "an na@sommer.example", "a@b.de, c@d.de"]
)
def test_no_email(anna, submissions, email):
    page = anna.send("new_employee", email=email, desired_email=email)
    assert page.status == 422
    sentence = "Bitte prüfen Sie „{}“. Eine E-Mail-Adresse sieht so aus: name@firma.de"
    assert page.errors() == {
        "email": sentence.format("E-Mail"),
        "desired_email": sentence.format("Gewünschte E-Mail-Adresse"),
    }
    assert (page.fields()["email"], page.fields()["desired_email"]) == (email, email)
    assert submissions() == []
