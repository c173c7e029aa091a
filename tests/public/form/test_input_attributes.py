"""The attributes of every field for on-screen keyboards and autofill, and the sections of the form."""

import re

import pytest

from tests.support.pages import EXAMPLES
from tests.support.staff import CALL

NAME = {"autocapitalize": "words", "spellcheck": "false"}
SIGNS = {"autocapitalize": "characters", "spellcheck": "false"}
PLAIN = {"spellcheck": "false"}
AS_EMAIL = {"inputmode": "email"}

# Autofill is for the sender's own data; a new employee and a caller have autofill sections of their own.
AUTOFILL = {
    "name": ("name", NAME),
    "phone": ("tel", {}),
    "email": ("email", AS_EMAIL),
    "customer_number": ("on", SIGNS),
    "pin": ("off", {"inputmode": "numeric", "spellcheck": "false"}),
    "reference": ("off", PLAIN),
    "device": ("off", PLAIN),
    "serial_number": ("off", SIGNS),
    "order_reference": ("off", PLAIN),
    "first_name": ("section-employee given-name", NAME),
    "last_name": ("section-employee family-name", NAME),
    "position": ("section-employee organization-title", {}),
    "entry_date": ("off", {}),
    "extension": ("section-employee tel-extension", {}),
    "mobile": ("section-employee mobile tel", {}),
    "desired_email": ("section-employee work email", AS_EMAIL),
}
AT_THE_PHONE = AUTOFILL | {
    "name": ("section-caller name", NAME),
    "phone": ("section-caller tel", {}),
    "email": ("section-caller email", AS_EMAIL),
    "customer_number": ("off", {"autocapitalize": "off", "spellcheck": "false"}),
}
SECTIONS = {
    "incident": ["Störung", "Wie dringend ist es?"],
    "warranty": ["Garantiefall", "Was ist defekt?", "Wie dringend ist es?"],
    "new_employee": ["Neuer Mitarbeiter", "Arbeitsplatz", "Telefon und E-Mail", "Sonst noch etwas?"],
    "callback": ["Rückrufbitte", "Wie dringend ist es?"],
    "other": ["Sonstiges", "Wie dringend ist es?"],
}
LINES = ("text", "tel", "email", "date", "password", "search", "url", "number")


@pytest.mark.parametrize("category", EXAMPLES)
def test_every_input_has_its_attributes(anna, category):
    check_input_attributes(anna.post("/felder", anna.filled(category)), AUTOFILL, last_enter="send")


@pytest.mark.parametrize("category", EXAMPLES)
def test_every_input_of_a_call_has_its_attributes(clara, category):
    values = clara.get(CALL).fields().to_dict()
    check_input_attributes(
        clara.post(f"{CALL}/felder", values | {"category": category}), AT_THE_PHONE, last_enter="next"
    )


def check_input_attributes(page, autofill, last_enter):
    form = page.element("request-form")
    lines = {field.get("name"): field for field in form.iter("input") if field.get("type") in LINES}
    assert lines
    for name, field in lines.items():
        token, attributes = autofill[name]
        told = {key: field.get(key) for key in ("autocapitalize", "spellcheck", "inputmode") if key in field.attrib}
        assert (field.get("autocomplete"), told) == (token, attributes), name
    enters = [field.get("enterkeyhint") for field in lines.values()]
    assert enters == ["next"] * (len(lines) - 1) + [last_enter]


def test_textareas_have_no_enter_key_hint(anna, ticket_path, approver):
    bernd, link = approver()
    pages = [anna.post("/felder", anna.filled(category)) for category in EXAMPLES]
    pages += [anna.get(ticket_path), bernd.get(link)]
    texts = [list(page.tree.iter("textarea")) for page in pages]
    assert [[field.get("name") for field in found] for found in texts] == [
        ["description"],
        ["description"],
        ["remarks"],
        ["description"],
        ["description"],
        ["text"],
        ["reason"],
    ]
    told = {"autocomplete", "autocapitalize", "enterkeyhint", "inputmode", "maxlength", "spellcheck"}
    assert [told & field.attrib.keys() for found in texts for field in found] == [set()] * len(pages)


def test_pin_is_no_password_that_browsers_keep(anna):
    pin = anna.get("/").element("pin")
    assert (pin.get("type"), pin.get("autocomplete")) == ("text", "off")
    assert not any(re.match("on|data-hx-on", name) for name in pin.attrib)


@pytest.mark.parametrize("category", EXAMPLES)
def test_sections(anna, category):
    page = anna.post("/felder", anna.filled(category))
    sections = [part for part in page.element("fields") if part.tag == "fieldset" and part.get("id") != "attachments"]
    assert [section.findtext("legend") for section in sections] == SECTIONS[category]
    assert [section.get("data-category") for section in sections] == [category, *[None] * (len(sections) - 1)]
    # Errors are listed in the order of the page.
    wrong = anna.post("/", anna.filled(category) | dict.fromkeys(EXAMPLES[category], "") | {"name": ""})
    names = [field.get("name") for field in wrong.element("request-form").iter() if field.get("name")]
    faulty = [href.removeprefix("#").removesuffix("-0") for href, _ in wrong.summary()]
    assert faulty == sorted(faulty, key=names.index)
    assert faulty[-1] == "name"
