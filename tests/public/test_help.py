"""The help page uses the labels of the form, and the limits and file types that apply."""

import re

import pytest

from enums import Category, Priority
from forms import REQUEST_FORMS
from services.files.types import FILE_TYPES
from settings import FEDERAL_STATES, settings
from tests.support.pages import EXAMPLES


def forms_of_all_categories(visitor):
    return [visitor.post("/felder", visitor.filled(category)) for category in EXAMPLES]


def marked_words(page):
    """Return the terms that the help page explains."""
    marked = [element for tag in ("dt", "b", "h2", "h3") for element in page.tree.iter(tag)]
    return ["".join(element.itertext()) for element in marked]


def test_every_label_is_explained(anna):
    explained = ", ".join(marked_words(anna.get("/hilfe")))
    sections = {legend for form_class in REQUEST_FORMS.values() for legend in form_class.section_legends.values()}
    for form in forms_of_all_categories(anna):
        main = form.element("request-form")
        for tag in ("label", "legend"):
            for label in main.iter(tag):
                if label.get("class") == "choice" or label.get("for") in ("files", "camera"):
                    continue
                assert (label.text or "").strip() in explained or label.text in sections | {
                    "Ihr Zugang",
                    "So erreichen wir Sie",
                }


def test_every_choice_is_named(anna):
    page = anna.get("/hilfe").text_of("main")
    for word in (*Category, *Priority):
        assert word.label in page


def test_each_category_has_its_fields_in_the_order_of_the_form(anna):
    page = anna.get("/hilfe")
    main = list(page.element("main").iter())
    for form_class in REQUEST_FORMS.values():
        heading = page.element(form_class.slug)
        assert heading.text == form_class.for_category.label
        terms = next(element for element in main[main.index(heading) :] if element.tag == "dl")
        told = " ".join("".join(term.itertext()) for term in terms.iter("dt"))
        form = anna.post("/felder", anna.filled(form_class.for_category))
        labels = [
            label for label in form.element("fields").iter("label") if label.get("for") not in (None, "files", "camera")
        ]
        own = [label.text.strip() for label in labels if label.get("for") != "reference"]
        positions = [told.find(name) for name in own]
        assert -1 not in positions
        assert positions == sorted(positions)


def test_optional_fields_are_called_so(anna):
    page = anna.get("/hilfe")
    optional = set()
    for form in forms_of_all_categories(anna):
        for label in form.element("request-form").iter("label"):
            if label.find("span[@class='optional']") is not None:
                optional.add(label.text.strip())
    for term in page.tree.iter("dt"):
        names = re.split(", ", term.text.removesuffix(" (freiwillig)"))
        assert {name in optional for name in names} == {term.text.endswith(" (freiwillig)")}


def test_limits_and_formats(anna):
    page = anna.get("/hilfe")
    words = page.text_of("main")
    limits = ("8 Ziffern", "bis zu 5 Dateien", "10 MB", "5 Werktage", "100 Zeichen", "5000 Zeichen", "15.01.2027")
    assert [limit for limit in limits if limit not in words] == []
    rows = [[cell.text for cell in row.iter("td")] for row in page.tree.iter("tr")]
    assert [row for row in rows if row] == [
        [file_type.label, ", ".join(file_type.extensions)] for file_type in FILE_TYPES
    ]


def test_federal_state(anna, monkeypatch):
    assert "Nordrhein-Westfalen" in anna.get("/hilfe").text_of("main")
    monkeypatch.setattr(settings, "federal_state", "BY")
    assert FEDERAL_STATES["BY"] in anna.get("/hilfe").text_of("main")


def test_links_from_the_form_lead_somewhere(anna):
    page = anna.get("/hilfe")
    targets = set()
    for form in (anna.get("/"), *forms_of_all_categories(anna)):
        targets |= {link.get("href") for link in form.tree.iter("a") if link.get("href", "").startswith("/hilfe#")}
    assert {"/hilfe#zugang", "/hilfe#arten", "/hilfe#anhaenge"} <= targets
    for target in targets:
        assert page.element(target.removeprefix("/hilfe#")) is not None


def test_how_to_get_access(anna):
    for page in (anna.get("/"), anna.get("/hilfe")):
        words = page.text_of("main")
        assert "kostenlos" in words
        assert settings.office_email in words
        assert f"mailto:{settings.office_email}" in [link.get("href") for link in page.tree.iter("a")]


@pytest.mark.parametrize("phone", ["", "0211 55500"])
def test_how_to_reach_the_office(anna, monkeypatch, phone):
    monkeypatch.setattr(settings, "office_phone", phone)
    for page in (anna.get("/hilfe"), anna.report("incident")):
        words = page.text_of("main")
        assert ("rufen Sie uns bitte an" in words) == bool(phone)
        assert (phone or settings.office_email) in words
        assert "None" not in words


def test_pages_behind_mailed_links_are_explained(anna):
    marked = marked_words(anna.get("/hilfe"))
    names = ("Die Seite Ihres Vorgangs", "Ihre Nachricht", "Für Genehmiger", "Freigeben", "Ablehnen", "Grund")
    assert [name for name in names if name not in marked] == []


def test_retention_periods(anna):
    settings.closed_ticket_days, settings.attachments_days, settings.new_employee_days = 801, 802, 803
    settings.mail_days, settings.unmatched_days, settings.staged_hours = 804, 85, 86
    words = " ".join(anna.get("/hilfe").text_of("main").partition("Datenschutz Was Sie senden")[2].split())
    for kept in (
        "801 Tage nach dem Abschluss",
        "802 Tage",
        "803 Tage",
        "804 Tage nach dem Senden",
        "90 Tage nach der letzten",
        "85 Tage",
        "86 Stunden",
    ):
        assert kept in words
    assert "support@muster-it.example" in words
