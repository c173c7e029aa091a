"""What the browser stores on the customer's device: sender details if wanted, and drafts."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES

REFUSALS = {
    "blocked": "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException(); }})",
    "full": "Storage.prototype.setItem = () => { throw new DOMException(); }",
}
REMEMBER = "(who) => localStorage.setItem('meldeportal.person', JSON.stringify(who))"
KEYS = ("meldeportal.person", "meldeportal.draft")
BROKEN = {"toString": 1, "valueOf": 1}
FOREIGN = dict.fromkeys(
    ("pin", "csrf_token", "draft", "email", "files", "staged", "submit", "length", "send", "0"), "x"
) | {
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
    for secret in (*tab.known.values(), "Foto"):
        assert secret not in written

    close_and_come_back(tab)
    tab.sees_fields_of("warranty")
    tab.sees_values(NOBODY | typed)
    tab.sees_files()
    expect(tab.page.get_by_role("status").filter(has_text="Ihr angefangener Text steht wieder hier.")).to_be_visible()
    tab.choose("new_employee")
    tab.sees_values({"salutation": "unstated", "entry_date": "2027-04-01", "reference": typed["reference"]})
    expect(tab.at("#lead-time")).to_contain_text("Diesen Eintritt können Sie bis")
    tab.choose("warranty")
    tab.fill(tab.known | {"serial_number": "PF4X7Q2M"})
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
    close_and_come_back(tab)
    tab.sees_values(EXAMPLES["incident"])
    tab.fill({"name": "Anna Sommer"})
    tab.at("button", has_text="Verwerfen").click()
    tab.focus_is_on("#category-0")
    expect(tab.at("#restored")).to_be_hidden()
    expect(tab.at("#fields fieldset")).to_have_count(0)
    expect(tab.at("#category :checked")).to_have_count(0)
    tab.sees_values({"name": "Anna Sommer"})
    close_and_come_back(tab)
    expect(tab.at("#category :checked")).to_have_count(0)

    tab.choose("other")
    tab.fill({"description": "Bitte"})
    assert "draft" in kept(tab)
    tab.fill({"description": ""})
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
