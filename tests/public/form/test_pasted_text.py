"""What people paste into the customer's form comes in at the first try, without what nobody sees."""

from datetime import date

import pytest

from i18n.typed_text import PIECE_CHARS
from tests.support.cast import NOW, PIN
from tests.support.pages import EXAMPLES
from tests.support.pasted import BLANKS, DASHES, INVISIBLE, MARKS, wide, with_invisible

# Entry dates must be near today, also when these tests run in later years.
YEAR = NOW.date().year + 1


@pytest.mark.parametrize(
    ("category", "field", "pasted", "stored"),
    [
        ("incident", "name", with_invisible("Anna Sommer"), "Anna Sommer"),
        ("incident", "name", "Anna\u2028Sommer\u00a0", "Anna Sommer"),
        ("incident", "name", "\N{FIRST STRONG ISOLATE}Anna\tSommer\N{POP DIRECTIONAL ISOLATE}", "Anna Sommer"),
        ("incident", "reference", "Druck\u00ader\x0b2", "Drucker 2"),
        ("warranty", "device", "\ufeffThinkPad\r\nE16", "ThinkPad E16"),
        ("warranty", "serial_number", "PF\u200b2\u2011X", "PF2\u2011X"),
        ("warranty", "order_reference", "RE\u00a02026\x85\u00a017", "RE 2026  17"),
        (
            "warranty",
            "description",
            "eins\u2028zwei\x85drei\x0bvier\x0cfünf\u2029sechs",
            "eins\nzwei\ndrei\nvier\nfünf\nsechs",
        ),
        ("other", "description", "Spalte\tSpalte\r\n\u200b", "Spalte\tSpalte"),
        # The phone number of a contact, as iPhones and Windows copy it.
        ("incident", "phone", "\u202a+49\u00a0211\u00a05550101\u202c", "+49 211 5550101"),
        ("incident", "phone", "0211\u2011555\u22120101", "0211-555-0101"),
        ("new_employee", "mobile", wide("0172/5550101"), "0172/5550101"),
        ("new_employee", "extension", "\u221242\u200e", "-42"),
        ("incident", "email", "an\u200bna@som\u00admer.example\u2028", "anna@sommer.example"),
        ("incident", "email", "mailto\u200b@sommer\u2011nord.example", "mailto@sommer-nord.example"),
        ("incident", "email", "Anna Sommer <anna@sommer.example>; ", "anna@sommer.example"),
        ("incident", "email", "mailto:anna@sommer.example.", "anna@sommer.example"),
        ("incident", "email", wide("anna@sommer.example"), "anna@sommer.example"),
        ("new_employee", "desired_email", "jana@ba\u0308ckerei。example", "jana@bäckerei.example"),
        ("new_employee", "first_name", "Ja\u200cna", "Jana"),
        ("new_employee", "remarks", "\u200e\u2028Danke\u00ad.", "Danke."),
        ("new_employee", "entry_date", f"15.\u00a001.\u202f{YEAR}\u200e", date(YEAR, 1, 15)),
        ("new_employee", "entry_date", f"{YEAR}\u201101\u201115", date(YEAR, 1, 15)),
        ("new_employee", "entry_date", f"15. 1. {YEAR}", date(YEAR, 1, 15)),
    ],
)
def test_what_was_pasted_and_what_is_stored(anna, submissions, category, field, pasted, stored):
    anna.report(category, **{field: pasted})
    assert getattr(submissions()[0], field) == stored


@pytest.mark.parametrize(
    ("number", "pin"),
    [
        (with_invisible("K1001"), with_invisible("47110815")),
        ("k\u00a010\u200901", "4711\u00a00815"),
        (wide("K1001"), wide("47110815")),
        ("\tK1001\r\n", "4711\t0815"),
        *[("K1001", f"4711{blank}0815") for blank in BLANKS],
        *[("K1001", f"4711{dash}0815") for dash in DASHES],
    ],
)
def test_number_and_pin_as_they_are_pasted(anna, run_worker, tickets, number, pin):
    anna.report("incident", customer_number=number, pin=pin)
    run_worker()
    assert [ticket.submission.customer_number for ticket in tickets()] == ["K1001"]


@pytest.mark.parametrize("name", ["name", "description", "customer_number", "pin", "phone"])
def test_a_field_with_nothing_visible_is_empty(anna, submissions, name):
    page = anna.send("incident", **{name: "".join(INVISIBLE + BLANKS)})
    assert list(page.errors()) == [name]
    assert page.errors()[name].startswith("Bitte ")
    assert "geben Sie" in page.errors()[name] or "beschreiben Sie" in page.errors()[name]
    assert submissions() == []


def test_a_domain_with_what_no_domain_has(anna, submissions):
    for domain in ("so☃mmer.example", "sommer😀.example", "som\u0378mer.example", "sommer..example", "som¨mer.example"):
        page = anna.send("incident", email=f"anna@{domain}")
        assert list(page.errors()) == ["email"], domain
    assert submissions() == []


def test_only_what_cannot_be_displayed_is_named_in_english(anna):
    page = anna.get("/?lang=en")
    page = anna.post(
        "/", page.fields().to_dict() | anna.known | EXAMPLES["incident"] | {"category": "incident", "name": "An\ana"}
    )
    assert page.errors() == {
        "name": "“Your name” contained characters that cannot be displayed. We marked them with “�”. Please delete "
        "these marks; the rest of your text is unchanged."
    }
    assert page.fields()["name"] == "An�na"
    assert page.fields()["pin"] == PIN


@pytest.mark.parametrize("category", EXAMPLES)
def test_twenty_thousand_combining_marks_are_normalised_in_pieces(anna, submissions, pieces_normalised, category):
    names = set(anna.filled(category)) - {"csrf_token", "draft", "category", "priority", "salutation"}
    page = anna.send(category, **dict.fromkeys(names, MARKS * 10_000))
    assert set(page.errors()) == names
    assert max(pieces_normalised) <= PIECE_CHARS
    assert submissions() == []
