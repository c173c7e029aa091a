"""The priority helper, for customers and on the phone: two questions suggest a priority but do not choose it."""

import pytest

from tests.support.pages import EXAMPLES, HTMX

SUGGESTED = [
    ("one", "yes", "Niedrig, weil eine Person betroffen ist und die Arbeit weitergeht"),
    ("one", "barely", "Niedrig, weil eine Person betroffen ist und die Arbeit stockt"),
    ("one", "no", "Mittel, weil eine Person betroffen ist und Arbeiten nicht mehr möglich ist"),
    ("several", "yes", "Niedrig, weil mehrere betroffen sind und die Arbeit weitergeht"),
    ("several", "barely", "Mittel, weil mehrere betroffen sind und die Arbeit stockt"),
    ("several", "no", "Hoch, weil mehrere betroffen sind und Arbeiten nicht mehr möglich ist"),
    ("all", "yes", "Mittel, weil alle betroffen sind und die Arbeit weitergeht"),
    ("all", "barely", "Hoch, weil alle betroffen sind und die Arbeit stockt"),
    ("all", "no", "Hoch, weil alle betroffen sind und Arbeiten nicht mehr möglich ist"),
]


@pytest.mark.parametrize(("affected", "workable", "words"), SUGGESTED)
def test_every_pair_of_answers(anna, affected, workable, words):
    answers = {"affected": affected, "workable": workable}
    fragment = anna.post("/prioritaet", anna.filled("incident") | answers, headers=HTMX)
    assert fragment.status == 200
    said = f"Vorschlag: {words}. Die Wahl treffen Sie selbst: zur Priorität."
    still_low = "" if words.startswith("Niedrig") else " Gewählt ist noch Niedrig."
    assert " ".join("".join(fragment.tree.itertext()).split()) == said + still_low
    assert fragment.element("request-form") is None

    page = anna.post("/prioritaet", anna.filled("incident", description="Der Drucker streikt.") | answers)
    assert page.status == 200
    assert page.text_of("suggestion").startswith(f"Vorschlag: {words}.")
    assert page.element("suggestion").get("role") == "status"
    assert "open" in page.element("priority-helper").attrib
    assert page.fields().to_dict().items() >= (answers | {"description": "Der Drucker streikt."}).items()
    # The suggestion does not change the choice.
    assert page.fields()["priority"] == "low"


@pytest.mark.parametrize(
    "answers", [{}, {"affected": "all"}, {"workable": "no"}, {"affected": "bogus", "workable": "no"}, {"affected": ""}]
)
def test_no_suggestion_without_both_answers(anna, answers):
    values = anna.filled("incident") | answers
    assert anna.post("/prioritaet", values, headers=HTMX).text.strip() == ""
    assert anna.post("/prioritaet", values).text_of("suggestion") == ""


def test_the_helper_is_closed_until_it_is_asked(anna):
    page = anna.post("/felder", anna.filled("incident"))
    helper = page.element("priority-helper")
    assert "open" not in helper.attrib
    assert {question.get("name") for question in helper.iter("input")} == {"affected", "workable"}
    assert not any("required" in question.attrib for question in helper.iter("input"))


def test_answers_survive_a_detour_and_an_error_and_are_not_stored(anna, submissions):
    answers = {"affected": "all", "workable": "no"}
    page = anna.post("/felder", anna.filled("incident") | answers | {"category": "new_employee"})
    assert page.element("priority-helper") is None
    page = anna.post("/felder", page.fields().to_dict() | {"category": "other"})
    assert "Vorschlag: Hoch" in page.text_of("suggestion")
    page = anna.post("/", page.fields().to_dict() | EXAMPLES["other"] | {"name": "", "priority": "low"})
    assert page.status == 422
    assert list(page.errors()) == ["name"]
    assert "Vorschlag: Hoch" in page.text_of("suggestion")
    assert anna.post("/", page.fields().to_dict() | anna.known).status == 303
    assert submissions()[0].priority == "low"


def test_at_the_phone(clara):
    values = clara.get("/verwaltung/anruf").fields().to_dict() | {"category": "incident"} | EXAMPLES["incident"]
    answers = {"affected": "several", "workable": "barely"}
    fragment = clara.post("/verwaltung/anruf/prioritaet", values | answers, headers=HTMX)
    assert "Vorschlag: Mittel" in fragment.text
    page = clara.post("/verwaltung/anruf/prioritaet", values | answers)
    assert "Vorschlag: Mittel" in page.text_of("suggestion")
    assert page.fields()["description"] == EXAMPLES["incident"]["description"]


def test_each_priority_says_when_it_fits(anna):
    page = anna.post("/felder", anna.filled("incident"))
    said = ["".join(label.itertext()).split(maxsplit=1) for label in page.tree.iter("label") if label.get("class")]
    assert [words for words in said if words[0] in ("Niedrig", "Mittel", "Hoch")] == [
        ["Niedrig", "Es stört, aber die Arbeit geht weiter."],
        ["Mittel", "Es bremst die Arbeit."],
        ["Hoch", "Arbeiten ist nicht mehr möglich."],
    ]
