"""What the browser stores on the customer's device: sender details if wanted, and drafts."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.browser.tab import PHONE
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES

REFUSALS = {
    "blocked": "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException(); }})",
    "full": "Storage.prototype.setItem = () => { throw new DOMException(); }",
}
# Firefox fills typed values in again before any script runs.
FILL_FIRST = """document.addEventListener("readystatechange", () => {
    for (const [name, value] of Object.entries(%s)) document.forms["request-form"][name].value = value;
}, {once: true})"""
REMEMBER = "(who) => localStorage.setItem('meldeportal.person', JSON.stringify(who))"
KEYS = ("meldeportal.person", "meldeportal.draft")
BROKEN = {"toString": 1, "valueOf": 1}
FOREIGN = dict.fromkeys(("pin", "csrf_token", "draft", "files", "staged", "submit", "length", "send", "0"), "x") | {
    "name": BROKEN,
    "phone": ["x"],
    "customer_number": None,
    "category": BROKEN,
    "description": BROKEN,
    "at": BROKEN,
}
NOBODY = {"name": "", "phone": "", "customer_number": "", "pin": "", "email": ""}


def kept(tab):
    """Return what the device keeps, by its key."""
    stored = tab.page.evaluate("Object.fromEntries(Object.entries(localStorage))")
    return {key.removeprefix("meldeportal."): json.loads(text) for key, text in stored.items()}


def values_of(tab):
    """Return all values of the form; of the two tokens only their length."""
    controls = tab.page.evaluate("""[...document.querySelectorAll("#request-form :is(input, textarea, button)")]
        .map(({id, name, type, value, checked}) => ({id, name, type, value, checked}))""")
    for control in controls:
        if control["name"] in ("csrf_token", "draft"):
            control["value"] = len(control["value"])
    return controls


def close_and_come_back(tab, path="/"):
    """Close the tab and open the portal in another one of the same browser."""
    context = tab.page.context
    tab.page.close()
    tab.page = context.new_page()
    tab.open(path)


def report(tab, who=()):
    """Fill in the form that is open, and send it."""
    tab.choose("incident")
    tab.fill(tab.known | EXAMPLES["incident"] | dict(who))
    tab.send()
    tab.sees_receipt()


def test_the_device_remembers_who_asks_only_when_asked_to(tab):
    who = {name: tab.known[name] for name in ("name", "phone", "customer_number")}
    tab.begin("incident")
    expect(tab.at("#remember")).not_to_be_checked()
    tab.at("#remember").check()
    tab.fill({"email": "anna@sommer.example", "phone": "keine"})
    assert kept(tab)["person"] == {}
    tab.send()
    tab.focus_is_on(".summary")
    expect(tab.at("#remember")).to_be_checked()
    tab.fill({"phone": who["phone"]})
    tab.send()
    tab.sees_receipt()
    assert kept(tab) == {"person": who}

    close_and_come_back(tab)
    tab.sees_values(NOBODY | who)
    expect(tab.at("#known")).to_be_visible()
    moved = who | {"phone": "0211 55599"}
    report(tab, moved)
    assert kept(tab) == {"person": moved}
    tab.open()
    tab.at("#remember").uncheck()
    tab.sees_values(moved)
    expect(tab.at("#known")).to_be_hidden()
    assert kept(tab) == {}


def test_who_uses_the_same_device_is_not_remembered_unasked(tab):
    anna, dora = ({"name": name, "phone": "0211 55500", "customer_number": "K1001"} for name in ("Anna", "Dora"))
    tab.open()
    tab.page.evaluate(REMEMBER, anna)
    tab.open()
    report(tab, dora)
    assert kept(tab) == {"person": anna}
    tab.open()
    tab.at("#remember").uncheck()
    report(tab, anna)
    assert kept(tab) == {}


def test_what_the_device_remembers_can_be_forgotten(tab):
    tab.open()
    tab.at("#remember").check()
    tab.page.reload()
    # Nothing is stored yet, and the next visitor may be another person.
    expect(tab.at("#remember")).not_to_be_checked()
    expect(tab.at("#known")).to_be_hidden()
    who = {name: tab.known[name] for name in ("name", "phone", "customer_number")}
    tab.page.evaluate(REMEMBER, who)
    tab.open("/?kunde=K2002")
    tab.sees_values(NOBODY | who | {"customer_number": "K2002"})
    tab.at("button", has_text="Vergessen und Felder leeren").click()
    tab.sees_values(NOBODY | {"customer_number": "K2002"})
    tab.focus_is_on("#remember")
    expect(tab.at("#remember")).not_to_be_checked()
    expect(tab.at("#known")).to_be_hidden()
    assert kept(tab) == {}


def test_what_was_begun_is_there_again_until_it_is_sent(tab, sent):
    typed = EXAMPLES["warranty"] | {
        "priority": "high",
        "reference": "„K-77“ <b>&amp;",
        "description": "Zeile 1\nZeile 2",
    }
    tab.open()
    tab.fill(tab.known)
    tab.choose("new_employee")
    tab.fill({"salutation": "unstated", "entry_date": "2027-04-01"})
    tab.choose("warranty")
    tab.fill(typed)
    tab.add_files(("Foto.png", SMALL_PNG))
    tab.sees_files("Foto.png")
    written = json.dumps(kept(tab))
    for secret in (tab.known["pin"], tab.at("[name=csrf_token]").first.input_value(), "Foto"):
        assert secret not in written

    close_and_come_back(tab)
    tab.sees_fields_of("warranty")
    tab.sees_values(tab.known | typed | {"pin": ""})
    tab.sees_files()
    notice = tab.page.get_by_role("status").locator("#restored")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("Ihre Angaben sind wieder da, außer PIN und Dateien.")
    tab.choose("new_employee")
    tab.sees_values({"salutation": "unstated", "entry_date": "2027-04-01", "reference": typed["reference"]})
    expect(tab.at("#lead-time")).to_contain_text("Diesen Eintritt können Sie bis")
    tab.choose("warranty")
    tab.fill({"pin": tab.known["pin"], "serial_number": "PF4X7Q2M"})
    tab.send()
    tab.sees_receipt()
    (submission,) = sent()
    assert (submission.description, submission.reference) == (typed["description"], typed["reference"])
    assert (submission.priority, submission.serial_number) == ("high", "PF4X7Q2M")
    assert kept(tab) == {}

    close_and_come_back(tab)
    expect(tab.at("#category :checked")).to_have_count(0)
    expect(tab.at("#restored")).to_be_hidden()


def test_what_was_begun_can_be_discarded(tab):
    tab.begin("incident")
    tab.fill({"priority": "high"})
    close_and_come_back(tab, "/?art=garantie&geraet=ThinkPad+E16")
    tab.sees_values({"device": "ThinkPad E16", "description": EXAMPLES["incident"]["description"], "priority": "low"})
    tab.add_files(("Foto.png", SMALL_PNG))
    tab.sees_files("Foto.png")
    tab.at("button", has_text="Verwerfen").click()
    tab.sees_files("Foto.png")
    tab.sees_values({"device": "ThinkPad E16", "description": ""})
    assert kept(tab) == {}

    tab.begin("incident")
    tab.fill({"email": "anna@sommer.example"})
    close_and_come_back(tab)
    tab.sees_values(EXAMPLES["incident"] | {"name": "Anna Sommer", "email": "anna@sommer.example"})
    tab.at("button", has_text="Verwerfen").click()
    tab.focus_is_on("#category-0")
    expect(tab.at("#restored")).to_be_hidden()
    expect(tab.at("#fields fieldset")).to_have_count(0)
    expect(tab.at("#category :checked")).to_have_count(0)
    tab.sees_values(NOBODY)
    close_and_come_back(tab)
    tab.sees_values(NOBODY)
    expect(tab.at("#category :checked")).to_have_count(0)

    tab.choose("other")
    tab.fill({"description": "Bitte"})
    assert "draft" in kept(tab)
    tab.fill({"description": ""})
    assert kept(tab) == {}


@pytest.mark.parametrize("place", ["h1", "#description", "#phone", "#send"])
def test_reload_on_a_phone_keeps_everything_typed_and_says_so_in_view(open_tab, place):
    tab = open_tab(**PHONE)
    tab.begin("incident")
    typed = tab.known | EXAMPLES["incident"] | {"priority": "high", "reference": "PO-4711", "email": "a@sommer.example"}
    tab.fill(typed)
    tab.at(place).scroll_into_view_if_needed()
    tab.page.reload()
    tab.sees_fields_of("incident")
    tab.sees_values(typed | {"pin": ""})
    notice = tab.at("#restored")
    expect(notice).to_be_in_viewport(ratio=1)
    assert notice.bounding_box()["height"] < PHONE["viewport"]["height"] / 4
    notice.get_by_role("button", name="Behalten").click()
    expect(notice).to_be_hidden()
    tab.sees_values(typed | {"pin": ""})
    assert "draft" in kept(tab)


def test_the_notice_is_in_view_on_a_phone_held_sideways(open_tab):
    tab = open_tab(**PHONE | {"viewport": {"width": 740, "height": 360}})
    tab.begin("incident")
    tab.at("#send").scroll_into_view_if_needed()
    tab.page.reload()
    expect(tab.at("#restored")).to_be_in_viewport(ratio=1)
    assert tab.at("#restored").bounding_box()["height"] < 360 / 2


def test_reload_keeps_choices_and_shows_what_follows_from_them(tab):
    tab.begin("new_employee")
    typed = EXAMPLES["new_employee"] | {"remarks": "Zeile 1\nZeile 2", "mobile": "0172 555-0166"}
    tab.fill(typed)
    tab.choose("incident")
    tab.fill({"description": "Der Drucker klemmt."})
    tab.choose("new_employee")
    tab.page.reload()
    tab.sees_fields_of("new_employee")
    tab.sees_values(typed)
    expect(tab.at("#lead-time")).to_contain_text("Diesen Eintritt können Sie bis")
    tab.choose("incident")
    tab.sees_values({"description": "Der Drucker klemmt."})


def test_what_was_typed_without_a_category_is_kept_and_a_mere_choice_is_not(tab):
    tab.open()
    tab.choose("incident")
    tab.at("input[name=priority][value=high]").check()
    tab.fill({"pin": tab.known["pin"]})
    assert kept(tab) == {}
    tab.page.reload()
    tab.sees_fields_of("incident")
    tab.sees_values({"priority": "low"})
    expect(tab.at("#restored")).to_be_hidden()
    tab.open()
    tab.fill({"phone": "0211 55500"})
    tab.page.reload()
    tab.sees_values(NOBODY | {"phone": "0211 55500"})
    expect(tab.at("#category :checked")).to_have_count(0)
    expect(tab.at("#restored")).to_be_visible()
    tab.fill({"phone": ""})
    assert kept(tab) == {}


def test_typed_details_win_over_remembered_ones(tab):
    who = {"name": "Anna Sommer", "phone": "0211 55500", "customer_number": "K1001"}
    tab.open()
    tab.page.evaluate(REMEMBER, who)
    tab.page.reload()
    tab.choose("other")
    # What the device remembers anyway is no draft.
    assert kept(tab) == {"person": who}
    typed = {"name": "", "phone": "0172 55500", "customer_number": "K1001", "email": "anna@sommer.example"}
    tab.fill(typed)
    tab.page.reload()
    tab.sees_values(typed)
    tab.at("button", has_text="Verwerfen").click()
    tab.sees_values(NOBODY | who)
    assert kept(tab) == {"person": who}
    tab.fill({"email": "anna@sommer.example"})
    tab.page.reload()
    tab.at("button", has_text="Vergessen und Felder leeren").click()
    tab.sees_values(NOBODY | {"email": "anna@sommer.example"})
    assert "Anna Sommer" not in json.dumps(kept(tab))
    tab.at("button", has_text="Verwerfen").click()
    tab.sees_values(NOBODY)
    assert kept(tab) == {}


def test_a_link_fills_in_its_own_values_but_not_over_what_was_typed_there(tab):
    tab.open("/?art=garantie&geraet=ThinkPad+E16&kunde=K2002")
    tab.fill({"device": "ThinkPad T14", "customer_number": ""})
    tab.at("input[name=category][value=incident]").check()
    tab.sees_fields_of("incident")
    tab.page.reload()
    tab.sees_fields_of("incident")
    tab.sees_values({"customer_number": ""})
    tab.choose("warranty")
    tab.sees_values({"device": "ThinkPad T14"})
    tab.open("/?art=garantie&geraet=Drucker&kunde=K3003")
    tab.sees_values({"device": "Drucker", "customer_number": "K3003"})


def test_a_change_of_language_restores_nothing(tab):
    tab.begin("incident")
    tab.at("button", has_text="English").click()
    tab.sees_values(tab.known | EXAMPLES["incident"])
    expect(tab.at("#restored")).to_be_hidden()
    tab.fill({"email": "a"})
    tab.fill({"email": ""})
    tab.page.reload()
    expect(tab.at("#restored")).to_contain_text("Your details are back, except PIN and files.")
    tab.sees_values(tab.known | {"pin": ""})
    tab.at("button", has_text="Discard").click()
    tab.sees_values(NOBODY)


def test_a_browser_that_fills_in_first_changes_nothing(tab):
    tab.begin("incident")
    typed = {name: value for name, value in (tab.known | EXAMPLES["incident"]).items() if name != "pin"}
    tab.page.add_init_script(FILL_FIRST % json.dumps(typed))
    tab.page.reload()
    expect(tab.at("#restored")).to_be_visible()
    tab.fill({"email": "a"})
    tab.fill({"email": ""})
    assert kept(tab)["draft"]["name"] == typed["name"]
    tab.at("button", has_text="Verwerfen").click()
    tab.sees_values(NOBODY | {"description": ""})
    assert kept(tab) == {}


def test_what_was_begun_is_forgotten_after_a_day(tab):
    tab.begin("incident")
    clock = tab.page.context.clock
    clock.set_system_time(datetime.now(UTC) + timedelta(hours=23))
    tab.open()
    tab.sees_values(EXAMPLES["incident"])
    clock.set_system_time(datetime.now(UTC) + timedelta(hours=25))
    tab.open()
    expect(tab.at("#category :checked")).to_have_count(0)
    assert kept(tab) == {}
    tab.begin("incident")
    clock.set_system_time(datetime.now(UTC) - timedelta(hours=1))
    tab.open()
    expect(tab.at("#category :checked")).to_have_count(0)
    assert kept(tab) == {}


@pytest.mark.parametrize("path", ["/", "/?art=garantie"])
def test_what_is_damaged_or_not_ours_fills_nothing_and_ends_nothing(tab, path):
    dated = FOREIGN | {"at": round(datetime.now(UTC).timestamp() * 1000)}
    tab.open(path)
    before = values_of(tab)
    for text in (
        "",
        "{",
        "5",
        '"text"',
        "null",
        "[[]]",
        '{"description": "x"}',
        json.dumps(FOREIGN),
        json.dumps(dated),
    ):
        tab.page.evaluate("(text) => Object.assign(localStorage, text)", dict.fromkeys(KEYS, text))
        tab.open(path)
        assert values_of(tab) == before, text
        tab.choose("warranty")
        tab.fill({"description": "Hallo"})
        assert kept(tab)["draft"]["description"] == "Hallo"
        assert tab.console == []


def test_at_the_staff_desk_nothing_is_kept(staff_tab):
    tab = staff_tab()
    tab.begin("incident")
    tab.at("#remember").check()
    tab.send()
    tab.sees_receipt()
    before = kept(tab)
    assert before["person"]["name"] == tab.known["name"]
    tab.open("/verwaltung/anruf")
    tab.sees_values({"name": "", "phone": "", "customer_number": ""})
    expect(tab.at("#remember")).to_have_count(0)
    tab.choose("incident")
    tab.fill(EXAMPLES["incident"])
    assert kept(tab) == before


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_device_that_keeps_nothing_still_reports(tab, sent, refusal):
    tab.page.context.add_init_script(REFUSALS[refusal])
    tab.begin("incident")
    if refusal == "blocked":
        expect(tab.at("#memory")).to_be_hidden()
    else:
        tab.at("#remember").click()
        expect(tab.at("#remember")).not_to_be_checked()
    tab.send()
    tab.sees_receipt()
    assert len(sent()) == 1
