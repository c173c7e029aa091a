"""Every field of every category: shown, stored, required, limited, and never taken from another category."""

from datetime import date

import pytest
from werkzeug.test import encode_multipart

from tests.support.pages import EXAMPLES, OPTIONAL

FIELDS = {
    "incident": {
        "description": "Fehlerbeschreibung",
        "reference": "Referenz (freiwillig)",
        "priority": "Priorität",
    },
    "warranty": {
        "device": "Bezeichnung des Geräts",
        "serial_number": "Seriennummer (freiwillig)",
        "order_reference": "Auftragsbezug (freiwillig)",
        "description": "Beschreibung der Störung",
        "reference": "Referenz (freiwillig)",
        "priority": "Priorität",
    },
    "new_employee": {
        "salutation": "Anrede",
        "first_name": "Vorname",
        "last_name": "Nachname",
        "position": "Positionsbeschreibung",
        "entry_date": "Eintrittsdatum",
        "extension": "Telefondurchwahl (freiwillig)",
        "mobile": "Firmenmobiltelefon (freiwillig)",
        "desired_email": "Gewünschte E-Mail-Adresse (freiwillig)",
        "remarks": "Sonstige Anmerkungen (freiwillig)",
        "reference": "Referenz (freiwillig)",
    },
    "callback": {
        "description": "Anliegen",
        "reference": "Referenz (freiwillig)",
        "priority": "Priorität",
    },
    "other": {
        "description": "Anliegen",
        "reference": "Referenz (freiwillig)",
        "priority": "Priorität",
    },
}

REQUIRED_ALWAYS = ["customer_number", "pin", "name", "phone"]

# Not the priority: without a choice it is low.
REQUIRED = [
    *(("incident", name) for name in REQUIRED_ALWAYS),
    *(
        (category, name)
        for category, fields in FIELDS.items()
        for name, label in fields.items()
        if name != "priority" and not label.endswith("(freiwillig)")
    ),
]

EMPTY = {
    "email": "",
    "priority": "low",
    "reference": "",
    "description": "",
    "device": "",
    "serial_number": "",
    "order_reference": "",
    "salutation": None,
    "first_name": "",
    "last_name": "",
    "extension": "",
    "mobile": "",
    "desired_email": "",
    "position": "",
    "entry_date": None,
    "remarks": "",
}

SMUGGLED = {
    name: value for examples in (EXAMPLES, OPTIONAL) for values in examples.values() for name, value in values.items()
}

LIMITS = {
    "customer_number": 20,
    "name": 100,
    "phone": 80,
    "email": 254,
    "reference": 100,
    "description": 5000,
    "device": 100,
    "serial_number": 100,
    "order_reference": 100,
    "first_name": 100,
    "last_name": 100,
    "extension": 80,
    "mobile": 80,
    "desired_email": 254,
    "position": 100,
    "remarks": 5000,
}


def text_fields(category):
    names = [*FIELDS[category], "name", "phone", "email", "customer_number", "pin"]
    return [name for name in names if name in LIMITS]


def of_length(name, length):
    if name in ("email", "desired_email"):
        return "clara@sommer.example".rjust(length, "x")
    if name in ("phone", "extension", "mobile"):
        return "0211".ljust(length, "5")
    return "Z" * length


def stored(submission):
    """Return the stored values by name."""
    names = ["customer_number", "name", "phone", "category", *EMPTY]
    return {name: getattr(submission, name) for name in names}


def expected(visitor, category, values):
    """Return the values that must be stored when these are typed."""
    known = {name: value for name, value in visitor.known.items() if name != "pin"}
    typed = known | {"category": category} | values
    if "entry_date" in typed:
        typed["entry_date"] = date.fromisoformat(typed["entry_date"])
    return EMPTY | typed


@pytest.mark.parametrize("category", FIELDS)
def test_fields_of_a_category(anna, category):
    page = anna.post("/felder", anna.get("/").fields().to_dict() | {"category": category})
    helper = page.element("priority-helper")
    assert (helper is None) == ("priority" not in FIELDS[category])
    helping = set() if helper is None else set(helper.iter())
    boxes = [box for box in page.element("fields").iter() if box.get("class") == "field" and box not in helping]
    shown = {}
    for box in boxes:
        label = next(element for element in box.iter() if element.tag in ("label", "legend"))
        control = next(element for element in box.iter() if element.tag in ("input", "textarea"))
        shown[control.get("name")] = " ".join("".join(label.itertext()).split())
    assert list(shown.items()) == list(FIELDS[category].items())
    assert (page.element("files") is None) == (category == "new_employee")


def test_categories_to_choose_from(anna):
    page = anna.get("/")
    cards = [card for card in page.tree.iter("div") if card.get("class") == "card"]
    assert [card.findtext("label") for card in cards] == [
        "Störung",
        "Garantiefall",
        "Neuer Mitarbeiter",
        "Rückrufbitte",
        "Sonstiges",
    ]
    assert all(card.findtext("p").endswith(".") for card in cards)
    assert "category" not in page.fields()


@pytest.mark.parametrize("category", FIELDS)
def test_every_field_is_stored(anna, submissions, category):
    anna.report(category, **OPTIONAL[category])
    (submission,) = submissions()
    assert stored(submission) == expected(anna, category, EXAMPLES[category] | OPTIONAL[category])


@pytest.mark.parametrize("category", FIELDS)
def test_optional_fields_may_be_empty(anna, submissions, category):
    for blank in (None, "", "  "):
        anna.report(category, **dict.fromkeys(OPTIONAL[category], blank))
    assert len(submissions()) == 3
    for submission in submissions():
        assert stored(submission) == expected(anna, category, EXAMPLES[category])


@pytest.mark.parametrize(("category", "name"), REQUIRED)
def test_required_fields(anna, submissions, category, name):
    for blank in (None, "", " \t "):
        page = anna.send(category, **{name: blank})
        assert page.status == 422
        assert list(page.errors()) == [name]
        assert page.errors()[name].startswith("Bitte ")
    assert submissions() == []


def test_category_is_one_of_five(anna, submissions):
    values = anna.filled("incident")
    del values["category"]
    for unknown in ({}, {"category": ""}, {"category": "bogus"}, {"category": "Störung"}):
        page = anna.post("/", values | unknown)
        assert page.status == 422
        assert page.errors() == {"category": "Bitte wählen Sie, worum es geht."}
    assert submissions() == []


@pytest.mark.parametrize(
    ("category", "name", "sentence"),
    [
        ("incident", "priority", "Bitte wählen Sie Niedrig, Mittel oder Hoch."),
        ("new_employee", "salutation", "Bitte wählen Sie Frau, Herr oder keine Angabe."),
    ],
)
def test_unknown_choice(anna, submissions, category, name, sentence):
    page = anna.send(category, **{name: "bogus"})
    assert page.status == 422
    assert page.errors() == {name: sentence}
    assert submissions() == []


@pytest.mark.parametrize("category", [category for category in FIELDS if category != "new_employee"])
def test_priority(anna, submissions, category):
    assert anna.get("/").fields().get("priority") is None
    page = anna.post("/felder", anna.get("/").fields().to_dict() | {"category": category})
    assert page.fields()["priority"] == "low"
    for priority in (None, "low", "medium", "high"):
        anna.report(category, priority=priority)
    assert [submission.priority for submission in submissions()] == ["low", "low", "medium", "high"]


def test_salutation(anna, submissions):
    for salutation in ("ms", "mr", "unstated"):
        anna.report("new_employee", salutation=salutation)
    assert [submission.salutation for submission in submissions()] == ["ms", "mr", "unstated"]


@pytest.mark.parametrize("category", FIELDS)
def test_fields_of_another_category_are_not_stored(anna, submissions, category):
    own = {name: (SMUGGLED | {"priority": "high"})[name] for name in ("email", *FIELDS[category])}
    anna.report(category, **SMUGGLED | {"priority": "high"})
    (submission,) = submissions()
    assert set(SMUGGLED) == set(EMPTY)
    assert stored(submission) == expected(anna, category, own)


def test_what_the_office_decides_is_not_taken_from_the_form(anna, submissions):
    columns = ("state", "unmatched_reason", "pin_proof", "code", "received_at", "id")
    anna.report("incident", **dict.fromkeys(columns, "admitted"))
    (submission,) = submissions()
    assert "admitted" not in [getattr(submission, column) for column in columns]
    assert submission.state == "pending"


@pytest.mark.parametrize("category", FIELDS)
def test_longest_texts(anna, submissions, category):
    longest = {name: of_length(name, LIMITS[name]) for name in text_fields(category)}
    anna.report(category, **longest)
    (submission,) = submissions()
    assert stored(submission) == expected(anna, category, EXAMPLES[category] | longest)


@pytest.mark.parametrize("category", FIELDS)
def test_too_long_texts(anna, submissions, category):
    too_long = {name: of_length(name, LIMITS[name] + 1) for name in text_fields(category)}
    page = anna.send(category, **too_long)
    assert page.status == 422
    errors = page.errors()
    assert set(errors) == set(too_long)
    for name, sentence in errors.items():
        (label,) = [label for label in page.tree.iter("label") if label.get("for") == name]
        assert sentence == f"Bitte kürzen Sie „{label.text.strip()}“ auf höchstens {LIMITS[name]} Zeichen."
    assert {name: page.fields()[name] for name in too_long} == too_long
    assert submissions() == []


@pytest.mark.parametrize("category", FIELDS)
def test_control_characters(anna, submissions, category):
    for character in ("\0", "\a", "\x1b", "\x7f"):
        page = anna.send(category, **dict.fromkeys(text_fields(category), f"1{character}2"))
        assert page.status == 422
        assert list(page.errors()) == text_fields(category)
        assert all("Wir haben sie mit „�“ markiert." in sentence for sentence in page.errors().values())
        assert {page.fields()[name] for name in text_fields(category)} == {"1�2"}
    assert submissions() == []


# Each end of each range of control characters; below, the characters beside them.
@pytest.mark.parametrize("code", [0x00, 0x08, 0x0E, 0x1F, 0x7F, 0x84, 0x86, 0x9F])
def test_refused_characters(anna, submissions, code):
    text = f"vorn{chr(code)}hinten"
    page = anna.send("incident", name=text, description=text)
    assert page.status == 422
    assert page.errors() == {
        name: f"„{label}“ enthielt Zeichen, die sich nicht anzeigen lassen. Wir haben sie mit „�“ markiert. Bitte "
        "löschen Sie diese Markierungen; der übrige Text ist unverändert."
        for name, label in (("description", "Fehlerbeschreibung"), ("name", "Ihr Name"))
    }
    assert submissions() == []
    shown = page.fields().to_dict()
    assert (shown["name"], shown["description"]) == ("vorn�hinten", "vorn�hinten")
    mended = {name: shown[name].replace("�", "") for name in ("name", "description")}
    assert anna.post("/", shown | anna.known | mended).status == 303
    assert (submissions()[0].name, submissions()[0].description) == ("vornhinten", "vornhinten")


@pytest.mark.parametrize("code", [0x20, 0x7E, 0xA1, 0x2027, 0x2030, 0x2070, 0xE000])
def test_characters_beside_the_refused_ones(anna, submissions, code):
    text = f"vorn{chr(code)}hinten"
    anna.report("incident", name=text, description=text)
    (submission,) = submissions()
    assert (submission.name, submission.description) == (text, text)


def test_limit_counts_letters_as_they_are_stored(anna, submissions):
    # One letter with its accents, typed as four characters.
    typed = "α\N{COMBINING COMMA ABOVE}\N{COMBINING GRAVE ACCENT}\N{COMBINING GREEK YPOGEGRAMMENI}"
    anna.report("incident", name=typed * LIMITS["name"])
    assert submissions()[0].name == "ᾂ" * LIMITS["name"]
    page = anna.send("incident", name=typed * LIMITS["name"] + "Z")
    assert list(page.errors()) == ["name"]


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_line_ends_and_tabs_only_in_long_texts(anna, submissions, character):
    anna.report("warranty", device=f"ThinkPad{character}E16", description=f"Akku{character}leer")
    (submission,) = submissions()
    assert submission.device == "ThinkPad E16"
    assert submission.description == ("Akku\tleer" if character == "\t" else "Akku\nleer")


def test_bytes_that_are_no_text(anna, submissions):
    boundary, body = encode_multipart(anna.filled("incident", name="Anna +"))
    answer = anna.client.post(
        "/", data=body.replace(b"Anna +", b"Anna \xff"), content_type=f"multipart/form-data; boundary={boundary}"
    )
    assert answer.status_code == 303
    assert submissions()[0].name == "Anna \N{REPLACEMENT CHARACTER}"
