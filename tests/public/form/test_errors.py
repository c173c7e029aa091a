"""A form with errors: it says what to do, links to the fields, and keeps everything typed."""

import io

import pytest

from database import database
from tests.support.pages import EXAMPLES, HTMX, OPTIONAL

FAULTY = [
    ("incident", "customer_number"),
    ("incident", "pin"),
    ("incident", "name"),
    ("incident", "phone"),
    ("incident", "email"),
    ("incident", "description"),
    ("warranty", "device"),
    ("new_employee", "salutation"),
    ("new_employee", "position"),
    ("new_employee", "entry_date"),
    ("callback", "priority"),
    ("other", "category"),
]


CHOICES = ("category", "priority", "salutation")

# Invalid values; all other fields are left empty.
WRONG = {"email": "x@", "entry_date": "bald"} | dict.fromkeys(CHOICES, "bogus")


@pytest.mark.parametrize(("category", "name"), FAULTY)
def test_the_error_leads_to_its_field(anna, category, name):
    page = anna.post("/", anna.filled(category) | {name: WRONG.get(name, "")})
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    ((target, sentence),) = page.summary()
    assert page.errors() == {name: sentence}
    field = page.element(target.removeprefix("#"))
    assert field.get("name") == name
    assert field.get("aria-invalid") == "true"
    groups = [group for group in page.tree.iter("fieldset") if field in list(group.iter())]
    described_by = " ".join(element.get("aria-describedby", "") for element in (field, *groups))
    assert f"{name}-error" in described_by.split()


def test_the_summary_takes_the_focus(anna):
    page = anna.send("incident", name="")
    (summary,) = [box for box in page.tree.iter("div") if box.get("class") == "summary"]
    assert summary.get("role") == "alert"
    assert (summary.get("tabindex"), "autofocus" in summary.attrib) == ("-1", True)
    form = page.element("request-form")
    positions = {element: at for at, element in enumerate(form.iter())}
    visible = [field for field in form.iter("input") if field.get("type") != "hidden"]
    assert positions[summary] < positions[visible[0]]


def test_a_form_without_errors(anna):
    page = anna.get("/")
    assert not page.title.startswith("Fehler")
    assert page.summary() == []
    assert page.errors() == {}
    assert "aria-invalid" not in page.text


def test_hints_stand_beside_errors(anna):
    page = anna.send("incident", phone="", description="")
    for name in ("phone", "description"):
        assert page.element(name).get("aria-describedby") == f"{name}-error {name}-hint"


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(("category", "name"), FAULTY)
def test_nothing_typed_is_lost(anna, submissions, category, name, headers):
    correct = anna.filled(category, **OPTIONAL[category])
    typed = correct | {name: WRONG.get(name, "")}
    page = anna.post("/", typed | {"files": (io.BytesIO(b"Hallo"), "Notiz.txt")}, headers=headers)
    assert page.status == 422
    kept = page.fields().to_dict()
    # A choice that does not exist cannot be shown; the token is renewed.
    shown = [key for key in typed if key != "csrf_token" and not (key == name and key in CHOICES)]
    assert {key: kept.get(key) for key in shown} == {key: typed[key] for key in shown}

    assert anna.post("/", kept | {name: correct[name]}).status == 303
    (submission,) = submissions()
    assert {key: str(getattr(submission, key)) for key in EXAMPLES[category]} == EXAMPLES[category]
    with database.connection_context():
        names = [attachment.name for attachment in submission.attachments]
    assert names == ([] if category == "new_employee" else ["Notiz.txt"])


def test_all_errors_at_once(anna):
    page = anna.post("/", anna.get("/").fields().to_dict() | {"category": "new_employee"})
    names = [
        "salutation",
        "first_name",
        "last_name",
        "position",
        "entry_date",
        "name",
        "phone",
        "customer_number",
        "pin",
    ]
    assert list(page.errors()) == names
    assert [target.removeprefix("#").removesuffix("-0") for target, _ in page.summary()] == names
    assert [sentence for _, sentence in page.summary()] == list(page.errors().values())


def test_with_htmx_only_the_form_comes_back(anna):
    page = anna.post("/", anna.filled("incident", name=""), headers=HTMX)
    assert page.status == 422
    assert "<html" not in page.text
    assert page.title.startswith("Fehler: ")
    assert page.element("request-form") is not None
    assert page.response.headers["Vary"] == "HX-Request, Cookie"
