"""The form in Chromium: kinds, errors and sending, with the mouse and with keys only."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import TimeoutError, expect

from enums import Category
from tests.support.browser.tab import names_of
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES

WITH_FILES = [category for category in EXAMPLES if category != "new_employee"]


@pytest.mark.parametrize("category", EXAMPLES)
def test_report(tab, sent, category):
    tab.begin(category)
    if category in WITH_FILES:
        tab.add_files(("Bildschirmfoto.png", SMALL_PNG))
        tab.sees_files("Bildschirmfoto.png")
    tab.send()
    tab.sees_receipt()
    (submission,) = sent()
    assert submission.category == category
    assert submission.name == tab.known["name"]
    for name, value in EXAMPLES[category].items():
        assert str(getattr(submission, name)) == value
    assert names_of(submission) == (["Bildschirmfoto.png"] if category in WITH_FILES else [])
    expect(tab.at(".code")).to_have_text(submission.spoken_code)
    # URLs appear in logs and on screens, so they contain nothing typed.
    assert [request.url for request in tab.requests if "?" in request.url] == []
    assert tab.console == []


# --- Kinds ---


def test_choosing_a_kind_swaps_only_its_fields(tab):
    tab.open()
    tab.page.evaluate("window.untouched = true")
    tab.fill({"name": "Anna Sommer"})
    tab.at("label", has_text="Neuer Mitarbeiter").click()
    tab.sees_fields_of("new_employee")
    expect(tab.page.get_by_role("status").filter(has_text="Neuer Mitarbeiter")).to_have_count(1)
    tab.focus_is_on("input[name=category][value=new_employee]")
    assert tab.page.evaluate("window.untouched")
    # A reload comes back with these fields.
    assert tab.page.url == tab.portal.url + "/?art=neuer-mitarbeiter"
    tab.sees_values({"name": "Anna Sommer"})
    tab.choose("other")
    expect(tab.page.get_by_role("status").filter(has_text="Sonstiges")).to_have_count(1)
    ids = tab.page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))


def test_what_kinds_share_survives_a_detour(tab):
    typed = {"reference": "K-77", "description": "Zeile 1\nZeile „2“ <b>&amp;", "priority": "high"}
    tab.open()
    tab.fill({"pin": "1234 5678"})
    tab.choose("incident")
    tab.fill(typed)
    tab.add_files(("Meldung.png", SMALL_PNG))
    tab.sees_files("Meldung.png")
    tab.choose("new_employee")
    expect(tab.at("textarea#description")).to_have_count(0)
    tab.fill({"first_name": "Clara", "salutation": "unstated"})
    tab.choose("warranty")
    tab.sees_values(typed)
    tab.sees_files("Meldung.png")
    tab.choose("new_employee")
    tab.sees_values({"reference": "K-77", "first_name": "Clara", "salutation": "unstated", "pin": "1234 5678"})
    fetches = [request.post_data for request in tab.requests if request.url.endswith("/felder")]
    assert [("K-77" in sent, "1234" in sent) for sent in fetches] == [(False, False)] + [(True, False)] * 3


def test_arrow_keys_move_through_the_kinds(tab):
    tab.open()
    tab.at("#category-0").press("Space")
    tab.sees_fields_of("incident")
    for position, category in enumerate(list(Category)[1:], start=1):
        tab.page.keyboard.press("ArrowDown")
        tab.sees_fields_of(category)
        tab.focus_is_on(f"#category-{position}")


def test_the_last_of_quick_choices_counts(tab):
    tab.open()
    tab.at("#category-0").press("Space")
    for _ in range(4):
        tab.page.keyboard.press("ArrowDown")
    tab.sees_fields_of("other")
    tab.focus_is_on("#category-4")
    expect(tab.at("#announcement")).to_contain_text("Sonstiges")


@pytest.mark.parametrize(
    ("days", "sentence"),
    [(60, "Rechtzeitig: Diesen Eintritt"), (1, "Das sind weniger als 5 Werktage")],
    ids=["far", "soon"],
)
def test_choosing_a_date_shows_the_lead_time(tab, days, sentence):
    tab.open()
    tab.choose("new_employee")
    expect(tab.at("#lead-time")).to_have_text("")
    tab.at("#entry_date").fill((date.today() + timedelta(days=days)).isoformat())
    notice = tab.page.get_by_role("status").filter(has_text=sentence)
    expect(notice).to_have_text(re.compile(r"((Mon|Diens|Donners|Frei)tag|Mittwoch), \d\d\.\d\d\.\d{4}"))


# --- Errors ---


@pytest.mark.parametrize("category", EXAMPLES)
def test_errors_take_the_focus_and_lead_to_their_fields(tab, sent, category):
    tab.open()
    tab.choose(category)
    tab.fill({"reference": "K-77"})
    tab.send()
    tab.focus_is_on(".summary")
    expect(tab.page).to_have_title(re.compile("^Fehler: "))
    expect(tab.at(".summary")).to_be_in_viewport()
    links = tab.at(".summary li a")
    asked_first = next(iter(EXAMPLES[category]))
    expect(links.first).to_have_attribute("href", re.compile(f"^#{asked_first}(-0)?$"))
    expect(links.last).to_have_text("Bitte geben Sie Ihre PIN ein.")
    assert links.count() >= 5
    for link in links.all():
        target = link.get_attribute("href")
        link.click()
        tab.focus_is_on(target)
        expect(tab.at(target)).to_have_attribute("aria-invalid", "true")
        described = tab.at(target).evaluate(
            """(field) => field.closest("[aria-describedby]").getAttribute("aria-describedby").trim().split(" ")
                .map((id) => document.getElementById(id).textContent).join(" ")"""
        )
        assert link.inner_text() in described
    tab.sees_values({"reference": "K-77"})
    assert len(sent()) == 0


def test_a_form_without_a_kind_leads_to_the_kinds(tab):
    tab.open()
    tab.fill(tab.known)
    tab.send()
    tab.focus_is_on(".summary")
    tab.at(".summary a").click()
    tab.focus_is_on("#category-0")


def test_an_error_loses_nothing(tab, sent):
    tab.begin("warranty")
    tab.fill({"phone": "keine", "priority": "high", "serial_number": "PF4X7Q2M"})
    tab.add_files(("Foto.png", SMALL_PNG), ("Protokoll.log", b"ok"))
    tab.sees_files("Foto.png", "Protokoll.log")
    tab.send()
    tab.focus_is_on(".summary")
    tab.sees_values(tab.known | EXAMPLES["warranty"] | {"phone": "keine", "priority": "high"})
    tab.sees_files("Foto.png", "Protokoll.log")
    expect(tab.at("#phone")).to_have_attribute("aria-invalid", "true")
    tab.fill({"phone": "0211 5550101"})
    expect(tab.at("#phone[aria-invalid]")).to_have_count(0)
    expect(tab.at("#phone-error")).to_be_visible()
    tab.send()
    tab.sees_receipt()
    (submission,) = sent()
    assert (submission.phone, submission.serial_number) == ("0211 5550101", "PF4X7Q2M")
    assert names_of(submission) == ["Foto.png", "Protokoll.log"]


# --- Sending ---


def test_double_click_sends_once(tab, sent):
    tab.begin("callback")
    tab.at("#send").dblclick()
    tab.sees_receipt()
    assert len(sent()) == 1


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_enter_in_a_text_field_sends(open_tab, sent, scripts):
    tab = open_tab(java_script_enabled=scripts)
    tab.open("/?art=stoerung")
    tab.fill(tab.known | EXAMPLES["incident"])
    tab.add_files(("Foto.png", SMALL_PNG))
    if not scripts:
        tab.at("#phone").fill("")
        tab.send()
        tab.at("#phone").fill("0211 5550101")
    tab.sees_files("Foto.png")
    tab.at("#name").press("Enter")
    tab.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Foto.png"]


def test_reload_of_the_receipt_sends_nothing(tab, sent):
    tab.begin("other")
    tab.send()
    tab.sees_receipt()
    code = tab.at(".code").inner_text()
    tab.page.reload()
    expect(tab.at(".code")).to_have_text(code)
    assert len(sent()) == 1


@pytest.mark.desktop_browser
@pytest.mark.parametrize("restored", [True, False], ids=["page restored", "page loaded anew"])
def test_back_from_the_receipt_to_another_request(tab, sent, restored):
    tab.begin("incident")
    if not restored:
        tab.page.evaluate("addEventListener('unload', () => {})")
    tab.send()
    tab.sees_receipt()
    tab.page.go_back(wait_until="commit")
    tab.sees_values({"name": tab.known["name"], "customer_number": tab.known["customer_number"]})
    expect(tab.at("#category-0")).to_be_checked()
    tab.sees_fields_of("incident")
    tab.fill(EXAMPLES["incident"] | {"description": "Noch etwas.", "pin": tab.known["pin"]})
    tab.send()
    if restored:
        tab.focus_is_on(".summary")
        expect(tab.at(".summary")).to_contain_text(sent()[0].spoken_code)
        tab.sees_values(tab.known | {"description": "Noch etwas."})
        tab.send()
    tab.sees_receipt()
    assert [submission.description for submission in sent()] == [EXAMPLES["incident"]["description"], "Noch etwas."]


@pytest.mark.desktop_browser
def test_back_from_the_receipt_and_the_same_once_more(tab, sent):
    tab.begin("incident")
    tab.send()
    tab.sees_receipt()
    code = tab.at(".code").inner_text()
    tab.page.go_back(wait_until="commit")
    tab.send()
    tab.sees_receipt()
    expect(tab.at(".code")).to_have_text(code)
    assert len(sent()) == 1


def test_a_look_at_the_help_page(tab):
    tab.begin("warranty")
    tab.add_files(("Foto.png", SMALL_PNG))
    tab.sees_files("Foto.png")
    with tab.page.expect_popup() as help_tab:
        tab.at("a", has_text="Mehr zu Anhängen").click()
    expect(help_tab.value.locator("h1")).to_have_text("Hilfe")
    help_tab.value.close()
    tab.sees_values(tab.known | EXAMPLES["warranty"])
    tab.sees_files("Foto.png")


def test_another_request_starts_empty(tab, sent):
    tab.begin("incident")
    tab.add_files(("Foto.png", SMALL_PNG))
    tab.sees_files("Foto.png")
    tab.send()
    tab.sees_receipt()
    tab.at("a", has_text="Weitere Anfrage").click()
    tab.sees_values({"customer_number": "", "pin": ""})
    tab.begin("incident")
    tab.sees_files()
    tab.send()
    tab.sees_receipt()
    assert [names_of(submission) for submission in sent()] == [["Foto.png"], []]


def test_the_receipt_can_be_printed(tab):
    tab.begin("other")
    tab.send()
    tab.sees_receipt()
    tab.page.evaluate("window.print = () => { document.title = 'printed' }")
    tab.at("button", has_text="Drucken").click()
    expect(tab.page).to_have_title("printed")


# --- Keys only ---


def test_a_whole_report_with_keys_only(tab, sent):
    keys = tab.page.keyboard
    # Chromium needs a moment before it intercepts its file dialog.
    tab.page.on("filechooser", lambda chooser: None)

    def tab_to(selector):
        for _ in range(60):
            if tab.page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
            keys.press("Tab")
        pytest.fail(f"Sixty times Tab do not lead to {selector}")

    def ask_for_files(**patience):
        with tab.page.expect_file_chooser(**patience) as chooser:
            keys.press("Enter")
        return chooser.value

    def choose_file(name):
        try:
            chooser = ask_for_files(timeout=2000)
        except TimeoutError:
            # Chromium sometimes drops the key press that opens the dialog; press it again.
            chooser = ask_for_files()
        chooser.set_files(tab.on_disk((name, SMALL_PNG)))

    tab.open()
    keys.press("Tab")
    expect(tab.at(".skip")).to_be_in_viewport()
    for name, value in tab.known.items():
        tab_to(f"#{name}")
        keys.type(value)
    tab_to("[name=category]")
    keys.press("Space")
    keys.press("ArrowDown")
    tab.sees_fields_of("warranty")
    for name in ("device", "description"):
        tab_to(f"#{name}")
        keys.type(EXAMPLES["warranty"][name])
    tab_to("[name=priority]")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    tab_to("#files")
    choose_file("Falsch.png")
    tab.sees_files("Falsch.png")
    tab_to(".files button")
    keys.press("Space")
    tab.sees_files()
    expect(tab.at("#attachment-list :focus")).to_have_text("„Falsch.png“ ist entfernt.")
    tab_to("#files")
    choose_file("Richtig.png")
    tab.sees_files("Richtig.png")
    tab_to("#send")
    keys.press("Enter")
    tab.sees_receipt()
    (submission,) = sent()
    assert (submission.category, submission.device, submission.priority) == ("warranty", "ThinkPad E16", "high")
    assert names_of(submission) == ["Richtig.png"]
