"""Text blocks for answers: add, change, remove."""

import pytest

from database import database
from models import TextBlock
from tests.support.pages import Page

PATH = "/verwaltung/textbausteine"
ALLOWED = "{Vorgangsnummer}, {Name}, {Kunde}, {Bearbeiter}, {Art}, {Kurztext}"


def save(clara, path, **values) -> Page:
    return clara.post(path, clara.get(path).fields(path).to_dict() | values)


def stored():
    with database.connection_context():
        return {block.name: block.text for block in TextBlock.by_name()}


def shown(clara):
    return [link.text for link in clara.get(PATH).tree.iter("a") if link.get("class") == "row-title"]


def path_of(name):
    with database.connection_context():
        return f"{PATH}/{TextBlock.get(TextBlock.name == name).id}"


def test_add_change_remove(clara):
    assert "Noch gibt es keine." in clara.get(PATH).text_of("main")
    for name in ("Rückruf", "Abschluss"):
        assert save(clara, f"{PATH}/neu", name=name, text="Guten Tag {Name},").response.location == PATH
    assert shown(clara) == ["Abschluss", "Rückruf"]
    path = path_of("Rückruf")
    assert clara.get(path).fields(path)["text"] == "Guten Tag {Name},"
    save(clara, path, name="Anruf", text="Hallo {Name},")
    assert stored() == {"Abschluss": "Guten Tag {Name},", "Anruf": "Hallo {Name},"}
    remove = f"{path}/entfernen"
    assert clara.post(remove, clara.get(path).fields(remove)).response.location == PATH
    assert shown(clara) == ["Abschluss"]
    assert clara.get(path).status == 404


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": ""}, "name", "Bitte geben Sie dem Textbaustein einen Namen."),
        ({"name": "x" * 101}, "name", "höchstens 100 Zeichen"),
        ({"name": "Gruß"}, "name", "mit diesem Namen gibt es schon"),
        ({"text": " "}, "text", "Bitte schreiben Sie den Text."),
        ({"text": "x" * 5001}, "text", "höchstens 5000 Zeichen"),
        ({"text": "Hallo {Firma}"}, "text", f"„{{Firma}}“ gibt es nicht. Ausfüllen kann das Portal {ALLOWED}."),
        ({"text": "{Name.__class__}"}, "text", "„{Name.__class__}“ gibt es nicht."),
        ({"text": "{name}"}, "text", "„{name}“ gibt es nicht."),
        ({"text": "{}"}, "text", "„{}“ gibt es nicht."),
    ],
)
@pytest.mark.parametrize("path", ["neu", "change"])
def test_invalid_input_is_shown_again(clara, path, changes, field, sentence):
    save(clara, f"{PATH}/neu", name="Gruß", text="Viele Grüße")
    save(clara, f"{PATH}/neu", name="Rückruf", text="Wir rufen an.")
    before = stored()
    values = {"name": "Termin", "text": "Wir kommen."} | changes
    page = save(clara, path_of("Rückruf") if path == "change" else f"{PATH}/neu", **values)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert set(page.errors()) == {field}
    assert sentence in page.errors()[field]
    assert page.fields()["name"] == values["name"].strip()
    assert page.fields()["text"].strip() == values["text"].strip()
    assert stored() == before


def test_a_single_brace_is_plain_text(clara):
    save(clara, f"{PATH}/neu", name="Code", text="if (x) { tu() ")
    assert stored() == {"Code": "if (x) { tu()"}


def test_the_placeholders_are_named(clara):
    assert ALLOWED in clara.get(f"{PATH}/neu").text_of("text-hint")


def test_the_account_page_links_to_the_text_blocks(clara):
    hrefs = [link.get("href") for link in clara.get("/verwaltung/konto").tree.iter("a")]
    assert PATH in hrefs
