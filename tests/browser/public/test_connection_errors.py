"""Failing network, server or session in Chromium: a message is shown, nothing is lost, and the next try works."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser.tab import PHONE, Tab, names_of
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES

ERROR_PAGE = "<!doctype html><title>Fehler</title><h1>Fehler</h1>"
SECURE = "https://melden.sommer.example"
WAIT = "Von Ihrem Anschluss kamen sehr viele Anfragen. Bitte warten Sie 30 Minuten."

# Answers of the portal, and of a web server in front of it.
TOO_LARGE = [
    ({"Portal-Error": "yes"}, "Die Dateien sind zusammen zu groß. Bitte wählen Sie weniger oder kleinere aus."),
    ({}, "Ein Server auf dem Weg zu uns nimmt so große Dateien nicht an, wir selbst bis zu 10\xa0MB je Datei."),
]


@pytest.fixture
def form(tab):
    """An incident, filled in and ready to be sent."""
    return tab.begin("incident")


def answers_once(tab, path, status, body=ERROR_PAGE, **headers):
    """Answer the next request to a path with an error page, as a proxy would, or with the given body."""
    answer = {"status": status, "headers": {"Content-Type": "text/html"} | headers, "body": body}
    tab.page.route(f"**{path}", lambda route: route.fulfill(**answer), times=1)


def is_unharmed(tab):
    """Check that the form and everything typed are still there."""
    assert tab.page.url.partition("?")[0] == tab.portal.url + "/"
    expect(tab.at("h1")).to_have_text("Anfrage senden")
    tab.sees_values(tab.known | EXAMPLES["incident"])


# --- The network ---


def test_line_cut_during_an_upload(form, sent):
    form.begin_upload(("Protokoll.log", b"Zeile"))
    form.add_files(("Foto.png", SMALL_PNG))
    form.upload_breaks()
    expect(form.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    expect(form.at("#upload-progress")).to_be_hidden()
    assert form.chosen_files() == ["Protokoll.log", "Foto.png"]
    is_unharmed(form)
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Foto.png", "Protokoll.log"]


def test_files_of_a_failed_upload_go_along_with_whatever_is_next(form, sent):
    form.begin_upload(("Eins.txt", b"1"))
    form.upload_breaks()
    form.add_files(("Zwei.txt", b"2"))
    form.sees_files("Eins.txt", "Zwei.txt")
    form.begin_upload(("Drei.txt", b"3"))
    form.upload_breaks()
    form.choose("new_employee")
    form.choose("incident")
    expect(form.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    form.fill({"phone": ""})
    form.send()
    form.focus_is_on(".summary")
    form.sees_files("Eins.txt", "Zwei.txt", "Drei.txt")
    form.fill({"phone": form.known["phone"]})
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Drei.txt", "Eins.txt", "Zwei.txt"]


def test_a_broken_upload_goes_on_by_itself_or_with_a_button(form, sent):
    again = form.at("button", has_text="Noch einmal hochladen")
    form.go_offline()
    form.add_files(("Eins.txt", b"1"))
    expect(form.at("#upload-message")).to_have_text(
        re.compile("^Keine Verbindung. Das Hochladen geht von selbst weiter")
    )
    again.click()
    expect(again).to_be_visible()
    form.go_online()
    form.sees_files("Eins.txt")
    expect(again).to_be_hidden()
    expect(form.at("#upload-message")).to_be_empty()
    form.begin_upload(("Zwei.txt", b"2"))
    expect(again).to_be_hidden()
    form.upload_breaks()
    again.press("Enter")
    form.sees_files("Eins.txt", "Zwei.txt")
    form.focus_is_on("#files")
    expect(again).to_be_hidden()
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Eins.txt", "Zwei.txt"]


def test_line_cut_while_sending_waits_for_an_upload(form, sent):
    form.begin_upload(("Protokoll.log", b"Zeile"))
    form.send()
    form.upload_breaks()
    expect(form.at("#form-message")).to_contain_text("noch nicht eingegangen")
    assert len(sent()) == 0
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Protokoll.log"]


def test_line_cut_while_sending(form, sent):
    form.go_offline()
    form.send()
    expect(form.at("#form-message")).to_contain_text("Keine Verbindung: Ihre Anfrage ist noch nicht eingegangen.")
    is_unharmed(form)
    assert len(sent()) == 0
    form.go_online()
    expect(form.at("#form-message")).to_contain_text("Die Verbindung ist wieder da.")
    form.send()
    form.sees_receipt()
    assert len(sent()) == 1


def test_line_cut_before_the_answer(form, sent):
    def lose_answer(route):
        route.fetch()
        route.abort("connectionreset")

    form.page.route(form.portal.url + "/", lose_answer, times=1)
    form.send()
    expect(form.at("#form-message")).to_contain_text("Keine Verbindung")
    is_unharmed(form)
    assert len(sent()) == 1
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    expect(form.at(".code")).to_have_text(submission.spoken_code)


def test_a_line_that_hangs_is_given_up(form, sent):
    form.page.clock.install()
    form.begin_upload(("Eins.txt", b"1"))
    form.page.clock.fast_forward(120_000)
    expect(form.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    form.page.route(form.portal.url + "/", lambda route: None, times=1)
    form.send()
    expect(form.at("#send")).to_be_disabled()
    form.page.clock.fast_forward(120_000)
    expect(form.at("#form-message")).to_contain_text("Keine Verbindung")
    is_unharmed(form)
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Eins.txt"]


def test_line_cut_when_the_page_asks_by_itself(tab):
    # The browser does not notice that the connection broke.
    def lose_next(path):
        tab.page.route(f"**{path}", lambda route: route.abort("connectionreset"), times=1)

    goes_on = re.compile("^Keine Verbindung. Hier geht es von selbst weiter")
    tab.page.clock.install()
    tab.open()
    tab.fill(tab.known)
    lose_next("/felder")
    tab.at("input[value=new_employee]").check()
    expect(tab.at("#category-message")).to_have_text(goes_on)
    tab.page.clock.fast_forward(3000)
    tab.sees_fields_of("new_employee")
    expect(tab.at("#category-message")).to_be_empty()
    lose_next("/vorlauf")
    tab.fill({"entry_date": "2027-04-01"})
    expect(tab.at("#lead-time")).to_have_text(goes_on)
    tab.page.clock.fast_forward(3000)
    expect(tab.at("#lead-time")).to_contain_text("Diesen Eintritt können Sie bis")
    tab.choose("incident")
    tab.at("summary").click()
    tab.at("#affected-1").check()
    lose_next("/prioritaet")
    tab.at("#workable-1").check()
    expect(tab.at("#suggestion")).to_have_text(goes_on)
    tab.page.clock.fast_forward(3000)
    expect(tab.at("#suggestion")).to_contain_text("Gewählt ist noch Niedrig.")
    tab.fill({"priority": "medium"})
    expect(tab.at("#suggestion")).to_contain_text("Die Wahl treffen Sie selbst: zur Priorität.")
    expect(tab.at("#suggestion")).not_to_contain_text("Gewählt ist")
    tab.choose("new_employee")
    tab.sees_values(tab.known | {"entry_date": "2027-04-01"})


def test_line_cut_when_a_file_is_removed(form, sent):
    form.add_files(("Foto.png", SMALL_PNG), ("Falsch.txt", b"1"))
    form.sees_files("Foto.png", "Falsch.txt")
    remove = form.page.get_by_role("button", name="Falsch.txt entfernen")
    notice = form.at("#attachment-list .error")
    form.go_offline()
    remove.click()
    remove.click()
    expect(notice).to_have_text(re.compile("^Keine Verbindung. Bitte entfernen Sie die Datei noch einmal"))
    form.sees_files("Foto.png", "Falsch.txt")
    form.go_online()
    remove.click()
    form.sees_files("Foto.png")
    expect(notice).to_have_count(0)
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Foto.png"]


# --- The server ---


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (500, "Das hat nicht geklappt"),
        (502, "Das hat nicht geklappt"),
        (413, "Ein Server auf dem Weg zu uns nimmt so große Dateien nicht an, wir selbst bis zu 10\xa0MB je Datei."),
        (429, "Das hat nicht geklappt: Ihre Anfrage ist noch nicht eingegangen."),
        (503, "Das hat nicht geklappt: Ihre Anfrage ist noch nicht eingegangen."),
    ],
)
def test_server_fails_at_sending(form, sent, status, sentence):
    form.add_files(("Foto.png", SMALL_PNG))
    form.sees_files("Foto.png")
    answers_once(form, "/", status)
    form.send()
    expect(form.at("#form-message")).to_contain_text(sentence)
    is_unharmed(form)
    form.sees_files("Foto.png")
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Foto.png"]


def test_server_fails_at_an_upload(form, sent):
    answers_once(form, "/anhaenge", 500)
    form.add_files(("Foto.png", SMALL_PNG))
    expect(form.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    is_unharmed(form)
    assert form.chosen_files() == ["Foto.png"]
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Foto.png"]


@pytest.mark.parametrize("status", [429, 503])
def test_server_asks_to_wait(form, sent, status):
    answers_once(form, "/", status, WAIT, **{"Portal-Notice": "yes"})
    form.send()
    expect(form.at("#form-message")).to_have_text(WAIT)
    is_unharmed(form)
    form.send()
    form.sees_receipt()
    assert len(sent()) == 1


def test_server_has_had_too_many_files(form, sent):
    answers_once(form, "/anhaenge", 429, WAIT, **{"Portal-Notice": "yes"})
    form.add_files(("Foto.png", SMALL_PNG))
    expect(form.at("#upload-message")).to_have_text(WAIT)
    is_unharmed(form)
    assert form.chosen_files() == ["Foto.png"]
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Foto.png"]


def test_files_are_uploaded_again_when_the_server_says_so(form, sent):
    form.page.clock.install()
    answers_once(form, "/anhaenge", 429, WAIT, **{"Portal-Notice": "yes", "Retry-After": "10"})
    form.add_files(("Foto.png", SMALL_PNG))
    expect(form.at("#upload-message")).to_have_text(WAIT)
    form.page.clock.fast_forward(10_000)
    form.sees_files("Foto.png")
    expect(form.at("#upload-message")).to_be_empty()
    assert form.chosen_files() == []
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["Foto.png"]


@pytest.mark.parametrize(("wait", "uploads"), [("10", 6), ("9999999", 1), ("0", 1), ("soon", 1)])
def test_a_server_that_always_asks_to_wait_does_not_get_the_files_for_ever(form, wait, uploads):
    form.page.clock.install()
    answers = {"status": 503, "headers": {"Retry-After": wait}, "body": ERROR_PAGE}
    form.page.route("**/anhaenge", lambda route: route.fulfill(**answers))
    form.add_files(("Foto.png", SMALL_PNG))
    again = form.at("button", has_text="Noch einmal hochladen")
    for _ in range(8):
        expect(again).to_be_visible()
        form.page.clock.run_for(10_000)
    expect(again).to_be_visible()
    asked = [request for request in form.requests if request.url.endswith("/anhaenge")]
    assert len(asked) == uploads
    assert form.chosen_files() == ["Foto.png"]


@pytest.mark.parametrize(("headers", "sentence"), TOO_LARGE)
def test_an_upload_is_too_large(form, sent, headers, sentence):
    answers_once(form, "/anhaenge", 413, **headers)
    form.add_files(("Foto.png", SMALL_PNG))
    expect(form.at("#upload-message")).to_contain_text(sentence)
    is_unharmed(form)
    assert form.chosen_files() == []
    form.add_files(("Kleiner.png", SMALL_PNG))
    form.sees_files("Kleiner.png")
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Kleiner.png"]


def test_files_that_are_too_large_only_together_are_uploaded_one_by_one(form, sent):
    names = [f"{number}.txt" for number in range(4)]

    def refuse(route):
        body = route.request.post_data_buffer
        is_small = body.count(b'filename="') == 1 and b"2.txt" not in body
        route.continue_() if is_small else route.fulfill(status=413, body="too large")

    form.page.route("**/anhaenge", refuse)
    form.add_files(*((name, name.encode()) for name in names))
    form.sees_files("0.txt", "1.txt", "3.txt")
    expect(form.at("#upload-message li")).to_have_text(
        [re.compile("^„2.txt“ konnten wir nicht annehmen: Ein Server auf dem Weg")]
    )
    assert form.chosen_files() == []
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == ["0.txt", "1.txt", "3.txt"]


@pytest.mark.parametrize(("headers", "sentence"), TOO_LARGE)
def test_files_that_are_sent_with_the_form_are_too_large(form, sent, headers, sentence):
    form.begin_upload(("Foto.png", SMALL_PNG))
    form.upload_breaks()
    expect(form.at("#upload-message")).to_contain_text("Das Hochladen ist abgebrochen")
    answers_once(form, "/", 413, **headers)
    form.send()
    expect(form.at("#form-message")).to_contain_text(sentence)
    expect(form.at("#upload-message")).to_be_empty()
    expect(form.at("#upload-again")).to_be_hidden()
    is_unharmed(form)
    form.send()
    form.sees_receipt()
    assert names_of(*sent()) == []


def test_server_fails_at_a_change_of_kind(form):
    answers_once(form, "/felder", 500)
    form.at("input[value=callback]").check()
    expect(form.at("#form-message")).to_contain_text("Das hat nicht geklappt")
    is_unharmed(form)
    form.send()
    form.sees_receipt()


# --- The session ---


def test_session_expired_at_a_change_of_kind(form, sent):
    form.page.context.clear_cookies()
    form.choose("callback")
    form.sees_values(form.known | EXAMPLES["incident"])
    form.focus_is_on("input[value=callback]")
    form.send()
    form.sees_receipt()
    assert len(sent()) == 1


def test_session_expired_at_an_upload(form, sent):
    form.page.context.clear_cookies()
    form.add_files(("Foto.png", SMALL_PNG), ("Programm.exe", b"MZ"))
    form.sees_files("Foto.png")
    expect(form.at("#attachments")).to_contain_text("„Programm.exe“ konnten wir nicht annehmen")
    is_unharmed(form)
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Foto.png"]


def test_session_expired_at_removing(form, sent):
    form.add_files(("Foto.png", SMALL_PNG), ("Falsch.txt", b"1"))
    form.sees_files("Foto.png", "Falsch.txt")
    form.page.context.clear_cookies()
    form.page.get_by_role("button", name="Falsch.txt entfernen").click()
    form.sees_files("Foto.png")
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Foto.png"]


def test_session_expired_at_sending(form, sent):
    form.add_files(("Foto.png", SMALL_PNG))
    form.sees_files("Foto.png")
    form.page.context.clear_cookies()
    form.send()
    form.focus_is_on(".summary")
    expect(form.at(".summary")).to_contain_text("Die Seite war zu lange offen")
    is_unharmed(form)
    form.sees_files("Foto.png")
    assert len(sent()) == 0
    form.send()
    form.sees_receipt()
    (submission,) = sent()
    assert names_of(submission) == ["Foto.png"]


def test_session_expired_at_choosing_a_date(tab):
    tab.open()
    tab.choose("new_employee")
    tab.page.context.clear_cookies()
    tab.fill({"entry_date": "2027-04-01"})
    expect(tab.at("#lead-time")).to_contain_text("Diesen Eintritt können Sie bis")
    tab.sees_values({"entry_date": "2027-04-01"})


def test_session_expires_again(form):
    for category in ("callback", "other", "incident"):
        form.page.context.clear_cookies()
        form.choose(category)
    for number in range(3):
        form.page.context.clear_cookies()
        form.add_files((f"{number}.txt", b"%d" % number))
        form.sees_files(*(f"{earlier}.txt" for earlier in range(number + 1)))
    is_unharmed(form)


def test_without_cookies_the_page_says_so(form):
    def forget(route):
        form.page.context.clear_cookies()
        route.continue_()

    form.page.route("**/felder", forget)
    form.at("input[value=callback]").check()
    expect(form.at("#form-message")).to_contain_text("Bitte erlauben Sie Cookies")
    is_unharmed(form)
    assert len([request for request in form.requests if request.url.endswith("/felder")]) == 3


def test_a_page_opened_by_http_names_the_right_address_at_the_first_choice(browser, own_portal, tmp_path):
    own_portal.start(base_url=SECURE)
    server, own_portal.url = own_portal.url, SECURE.replace("https", "http")

    # As a browser asks by http: it has kept no Secure cookie.
    def without_cookies(route):
        headers = route.request.headers | {"origin": own_portal.url, "cookie": "other=1"}
        route.fulfill(response=route.fetch(url=route.request.url.replace(own_portal.url, server), headers=headers))

    context = browser.new_context(base_url=own_portal.url, locale="de-DE", **PHONE)
    tab = Tab(context, own_portal, {}, tmp_path)
    tab.page.route("**/*", without_cookies)
    tab.open("/?art=garantie")
    tab.fill(EXAMPLES["warranty"])
    tab.at("input[value=callback]").check()
    message = tab.at("#category-message")
    expect(message).to_contain_text("Diese Seite ist nicht unter ihrer richtigen Adresse geöffnet")
    expect(message.get_by_role("link", name=SECURE)).to_have_attribute("href", f"{SECURE}/")
    expect(message.get_by_role("link")).to_be_in_viewport()
    tab.sees_values(EXAMPLES["warranty"])
    tab.send()
    tab.focus_is_on(".summary")
    expect(tab.at(".summary").get_by_role("link", name=SECURE)).to_be_visible()
    context.close()
