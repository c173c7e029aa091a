"""A change of category, with and without scripts: typed text stays; and links that fill in the form."""

import io

import pytest

from tests.support.pages import EXAMPLES, HTMX, OPTIONAL


def test_without_scripts(anna, submissions):
    typed = anna.filled("incident", **OPTIONAL["incident"])
    page = anna.post("/felder", typed | {"category": "warranty"})
    assert page.status == 200
    assert not page.title.startswith("Fehler")
    assert page.errors() == {}
    assert page.element("device") is not None
    assert page.fields().to_dict() == typed | {
        "csrf_token": page.fields()["csrf_token"],
        "category": "warranty",
        "device": "",
        "serial_number": "",
        "order_reference": "",
    }
    assert submissions() == []


def change_to(visitor, category, values, headers):
    """Change the category; return the answer and the form's values after it. A fragment replaces only the fields."""
    page = visitor.post("/felder", values | {"category": category}, headers=headers)
    general = {name: values[name] for name in ("csrf_token", "draft", "email", *visitor.known)}
    return page, general | {"category": category} | page.fields().to_dict()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_detour(anna, submissions, headers):
    incident = EXAMPLES["incident"] | {"priority": "high", "reference": "Drucker Theke"}
    new_employee = EXAMPLES["new_employee"] | {"extension": "42", "remarks": "Bitte mit\nzwei Monitoren."}
    values = anna.filled("incident", **incident | OPTIONAL["incident"], files=(io.BytesIO(b"Hallo"), "Notiz.txt"))

    page, values = change_to(anna, "new_employee", values, headers)
    assert page.element("description") is None
    values |= new_employee
    for category in ("warranty", "callback", "new_employee"):
        page, values = change_to(anna, category, values, headers)
    assert page.element("remarks") is not None
    assert {name: page.fields()[name] for name in new_employee} == new_employee

    page, values = change_to(anna, "incident", values, headers)
    assert page.element("description") is not None
    assert {name: page.fields()[name] for name in incident} == incident
    assert "Notiz.txt" in page.text_of("attachment-list")

    assert anna.post("/", values).status == 303
    (submission,) = submissions()
    assert {name: getattr(submission, name) for name in incident} == incident
    assert (submission.first_name, submission.salutation, submission.entry_date) == ("", None, None)


@pytest.mark.parametrize("category", EXAMPLES)
def test_with_htmx_only_the_fields_come(anna, category):
    values = anna.filled("incident")
    del values["pin"]
    page = anna.post("/felder", values | {"category": category}, headers=HTMX)
    assert page.status == 200
    assert "<html" not in page.text
    assert page.element("request-form") is None
    assert not {"csrf_token", "draft", "pin", "category"} & set(page.fields())
    assert {name for name in EXAMPLES[category] if name != "salutation"} <= set(page.fields())
    assert page.response.headers["Vary"] == "HX-Request, Cookie"


def test_the_change_is_announced(anna):
    form = anna.get("/")
    assert form.element("announcement").get("role") == "status"
    assert form.text_of("announcement") == ""
    page = anna.post("/felder", anna.filled("incident") | {"category": "warranty"}, headers=HTMX)
    announcement = page.element("announcement")
    assert announcement.get("data-hx-swap-oob") == "innerHTML"
    assert page.text_of("announcement") == "Die Felder für „Garantiefall“ werden angezeigt."


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_no_category(anna, headers):
    typed = {"category": "bogus", "description": "Der Drucker streikt."}
    page = anna.post("/felder", anna.filled("incident") | typed, headers=headers)
    assert page.status == 200
    assert page.fields().getlist("description") == ["Der Drucker streikt."]
    assert page.element("description") is None


def test_sticker_link(anna, submissions):
    page = anna.get("/?art=garantie&geraet=ThinkPad+E16&seriennummer=PF4X7Q2M")
    assert page.status == 200
    assert page.errors() == {}
    filled = {"category": "warranty", "device": "ThinkPad E16", "serial_number": "PF4X7Q2M", "priority": "low"}
    assert page.fields().to_dict() | filled == page.fields().to_dict()
    rest = anna.known | {"description": "Der Akku lädt nicht."}
    assert anna.post("/", page.fields().to_dict() | rest).status == 303
    assert (submissions()[0].device, submissions()[0].serial_number) == ("ThinkPad E16", "PF4X7Q2M")


@pytest.mark.parametrize(
    ("slug", "category"),
    [
        ("stoerung", "incident"),
        ("garantie", "warranty"),
        ("neuer-mitarbeiter", "new_employee"),
        ("rueckruf", "callback"),
        ("sonstiges", "other"),
    ],
)
def test_link_to_a_category(anna, slug, category):
    page = anna.get(f"/?art={slug}&geraet=ThinkPad")
    assert page.fields()["category"] == category
    assert page.fields().get("device") == ("ThinkPad" if category == "warranty" else None)


@pytest.mark.parametrize("query", ["art=bogus&geraet=X", "art=", "art=warranty", "geraet=X", "seite=2", "art"])
def test_links_with_unknown_parameters(anna, query):
    page = anna.get(f"/?{query}")
    assert page.status == 200
    assert set(page.fields()) == set(anna.get("/").fields())


@pytest.mark.parametrize(("name", "key"), [("device", "geraet"), ("serial_number", "seriennummer")])
@pytest.mark.parametrize("value", ["X" * 101, "a%00b", "%1B"])
def test_values_in_a_link_that_do_not_fit(anna, name, key, value):
    page = anna.get(f"/?art=garantie&{key}={value}")
    assert page.status == 200
    assert page.fields()[name] == ""
    assert page.errors() == {}


def test_a_link_fills_in_nothing_else(anna):
    names = [*anna.known, "email", "description", "reference", "order_reference", "draft", "priority"]
    page = anna.get("/?art=garantie&" + "&".join(f"{name}=high" for name in names))
    assert "high" not in [page.fields()[name] for name in names]
