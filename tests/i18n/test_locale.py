"""The language of a page, changing it without losing input, and the staff area, which is German only."""

import io
import re

import pytest
from playwright.sync_api import expect

from database import database
from enums import EventKind
from models import Event
from services.intake import intake
from services.tickets import approvals
from settings import settings
from tests.support.database import snapshot
from tests.support.files import corpus
from tests.support.files.samples import SMALL_PNG
from tests.support.pages import EXAMPLES, OPTIONAL, Visitor, fail
from tests.support.servers.mailbox import path_in, text_of
from tests.support.tickets import write_message
from tests.support.wording import german
from tests.support.wording.page_text import visible_text, wording_mistakes

# --- Which language ---


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "de"),
        ("", "de"),
        ("en", "en"),
        ("en-US", "en"),
        ("EN-gb,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0.4,en;q=0.6", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("en;q=0.4,de", "de"),
        ("en-GB,de;q=0.7", "en"),
        ("pl,en-US;q=0.8,de;q=0.4", "en"),
        ("de;q=0,en-GB;q=0.1", "en"),
        ("pl,de-CH;q=0.3,en;q=0.2", "de"),
        ("fr", "de"),
        ("fr,en;q=0.3", "en"),
        ("en;q=0", "de"),
        ("en;q=much,;;", "de"),
        ("*", "de"),
        # Longer than any browser's; parsing it would take too long.
        ("en" + ",fr" * 1000, "de"),
    ],
)
def test_language_of_the_browser(anna, accepted, language):
    headers = {} if accepted is None else {"Accept-Language": accepted}
    for path, headings in (
        ("/", ("Anfrage senden", "Send a request")),
        ("/nowhere", ("Diese Seite gibt es nicht", "There is no such page")),
    ):
        page = anna.get(path, headers=headers)
        assert page.tree.get("lang") == language
        assert page.tree.findtext(".//h1") == headings[language == "en"]


def test_language_of_a_link_is_remembered(anna, john):
    assert anna.get("/").tree.get("lang") == "de"
    assert anna.get("/?lang=en").tree.get("lang") == "en"
    assert anna.get("/hilfe").tree.get("lang") == "en"
    for other in ("fr", "EN", "", "de%00", "%3Cscript%3E"):
        page = anna.get(f"/?lang={other}")
        assert page.tree.get("lang") == "en"
        assert "%3Cscript" not in page.text
    assert anna.get("/hilfe?lang=de").tree.get("lang") == "de"
    assert anna.get("/", headers={"Accept-Language": "en"}).tree.get("lang") == "de"


@pytest.mark.parametrize("address", ["/?lang=en", "/hilfe?lang=en", "/sprache?lang=en", "/nowhere?lang=en"])
@pytest.mark.parametrize("origin", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}])
def test_form_of_another_site_does_not_end_the_session(anna, address, origin):
    # The browser sends no session cookie with it, so a new cookie would replace the session.
    assert "Set-Cookie" not in anna.client.post(address, headers=origin).headers


def test_link_of_another_site_chooses_a_language(anna):
    answer = anna.get("/?lang=en", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.tree.get("lang"), anna.get("/").tree.get("lang")) == ("en", "en")


def test_visitors_with_different_languages(anna, john):
    for _ in range(2):
        assert anna.get("/").title.startswith("Anfrage senden")
        assert john.get("/").title.startswith("Send a request")


def test_every_page_links_to_the_other_language(anna):
    for address in ("/hilfe", "/nowhere", "/vorgang/x", "/freigabe/x", anna.report("incident").response.request.path):
        page = anna.get(address)
        (link,) = [link for link in page.tree.iter("a") if link.get("hreflang")]
        assert (link.get("lang"), link.text) == ("en", "English")
        other = anna.get(address + link.get("href"))
        assert (other.status, other.tree.get("lang")) == (page.status, "en")
        assert anna.get(f"{address}?lang=de").tree.get("lang") == "de"


# --- Changing the language ---


def english_action(page):
    """Return the URL to which a form is sent to get it in English."""
    (button,) = [button for button in page.tree.iter("button") if button.get("lang") == "en"]
    return button.get("formaction")


@pytest.mark.parametrize("category", EXAMPLES)
def test_a_form_keeps_its_input(anna, submissions, category):
    form = anna.get("/")
    files = {} if category == "new_employee" else {"files": [(io.BytesIO(b"Hallo"), "Notiz.txt")]}
    typed = form.fields().to_dict() | anna.known | {"category": category} | EXAMPLES[category] | OPTIONAL[category]
    page = anna.post(english_action(form), typed | files)
    assert (page.status, page.tree.get("lang"), page.errors(), page.summary()) == (200, "en", {}, [])
    kept = page.fields("/").to_dict()
    assert bool(kept.pop("staged", None)) == bool(files)
    assert kept | {"csrf_token": ""} == typed | {"csrf_token": ""}
    assert submissions() == []
    receipt = anna.get(anna.post("/", page.fields("/").to_dict()).response.location)
    assert receipt.tree.findtext(".//h1") == "We have received your request"
    assert ("Notiz.txt" in receipt.text) == bool(files)


def test_url_of_the_language_change_redirects_to_the_page(anna, ticket_path, approver):
    _, link = approver()
    for page in ("/", ticket_path, link):
        for code in ("en", "de"):
            answer = anna.get(f"{page.rstrip('/')}/sprache?lang={code}")
            assert (answer.status, answer.response.location) == (303, page)
            assert anna.get(page).tree.get("lang") == code


def test_a_form_without_a_session_keeps_its_input(anna):
    typed = anna.filled("incident") | {"csrf_token": "bogus"}
    page = anna.post("/sprache?lang=en", typed, headers={"Sec-Fetch-Site": "same-origin"})
    assert (page.status, page.tree.get("lang"), anna.get("/").tree.get("lang")) == (422, "en", "en")
    assert (page.fields("/").to_dict() | {"csrf_token": "bogus"}).items() >= typed.items()


def test_a_message_and_a_reason_keep_their_input(app, john, ticket_path, approver):
    anna = Visitor(app, {})
    page = anna.get(ticket_path)
    files = {"files": [(io.BytesIO(b"Hallo"), "Notiz.txt")]}
    page = anna.post(english_action(page), page.fields(ticket_path).to_dict() | {"text": "Noch etwas"} | files)
    assert (page.status, page.tree.get("lang")) == (200, "en")
    assert page.fields(ticket_path)["text"] == "Noch etwas"
    assert "Notiz.txt" in page.text_of("attachment-list")
    _, link = approver()
    page = anna.get(f"{link}?lang=de")
    page = anna.post(english_action(page), page.fields(link).to_dict() | {"reason": "Zu teuer"})
    assert (page.status, page.tree.get("lang")) == (200, "en")
    assert page.fields(link)["reason"] == "Zu teuer"
    with database.connection_context():
        assert Event.select().where(Event.kind.in_(approvals.DECISION_EVENTS)).count() == 0
        assert Event.select().where(Event.kind == EventKind.REPLIED).count() == 0


# --- Staff area, mails and log are German ---


ENGLISH_DATE = re.compile(
    r"\d (?:January|February|March|April|May|June|July|August|September|October|November|December)"
)


def test_mails_and_stored_texts_are_german(approver, john, mailbox, run_worker, deliver_mails):
    settings.webhook_url = "http://127.0.0.1:9/"
    active = next(case for case in corpus.good() if case.active_content)
    for decision in ("approved", "declined"):
        files = [(io.BytesIO(SMALL_PNG), "photo.png"), (io.BytesIO(active.content), active.name)]
        bernd, link = approver(
            description="Der Drucker klemmt.", reference="", email="john@elsewhere.example", files=files
        )
        values = bernd.get(link).fields(link).to_dict()
        bernd.post(link, values | {"decision": decision, "reason": "Zu teuer."})
        run_worker()
        page = path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")
        assert write_message(john, page, "Danke.").status == (303 if decision == "approved" else 422)
    john.report("new_employee", entry_date="2026-11-26", position="Buchhaltung", remarks="", reference="")
    run_worker()
    mails = deliver_mails()
    assert len(mails) > 9
    for mail in mails:
        words = f"{mail['Subject']}\n\n{text_of(mail)}"
        assert wording_mistakes(words) == []
        assert not ENGLISH_DATE.search(words)
    assert "Sprechen Sie bitte mit Bernd Brot." in "\n".join(map(text_of, mails))
    lines, _ = snapshot()
    inserted = "\n".join(line for line in lines if line.startswith("INSERT"))
    assert german.english(inserted) == []
    assert not ENGLISH_DATE.search(inserted)


def test_staff_area_is_german(anna, clara, run_worker, ticket):
    anna.report("incident")
    run_worker()
    clara.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert clara.get("/?lang=en").tree.get("lang") == "en"
    addresses = ["/verwaltung/", "/verwaltung/tickets", f"/verwaltung/ticket/{ticket().submission.code}"]
    for address in (*addresses, "/verwaltung/anruf?lang=en", "/verwaltung/nowhere", "/verwaltung/einrichten/x"):
        page = clara.get(address)
        assert page.tree.get("lang") == "de", address
        assert wording_mistakes(visible_text(page)) == []
        assert [link for link in page.tree.iter("a") if link.get("hreflang")] == []


def test_log_is_german(app, john, monkeypatch, caplog):
    monkeypatch.setattr(intake, "receive", fail)
    for _ in range(2):
        john.post("/", john.filled("incident"))
    assert "wieder, zuerst 23.11.2026" in caplog.text


# --- In a browser with JavaScript ---


def test_a_half_filled_form_changes_its_language(tab, sent):
    tab.begin("incident")
    tab.add_files(("photo.png", SMALL_PNG))
    tab.sees_files("photo.png")
    tab.page.get_by_role("button", name="English").click()
    expect(tab.at("h1")).to_have_text("Send a request")
    tab.sees_values(tab.known | EXAMPLES["incident"])
    tab.sees_files("photo.png")
    expect(tab.page).to_have_url(f"{tab.portal.url}/")
    tab.at("input[name=category][value=new_employee]").check()
    expect(tab.at("#fields legend").first).to_have_text("New employee")
    tab.at("input[name=category][value=incident]").check()
    expect(tab.at("#fields legend").first).to_have_text("Fault")
    tab.fill({"name": ""})
    tab.send()
    expect(tab.at(".summary")).to_contain_text("Please enter your name.")
    expect(tab.page).to_have_title(re.compile("^Error: "))
    tab.fill({"name": "John Smith"})
    tab.send()
    expect(tab.at("h1")).to_have_text("We have received your request")
    assert sent()[0].category == "incident"
    tab.page.go_back()
    expect(tab.at("h1")).to_have_text("Send a request")
