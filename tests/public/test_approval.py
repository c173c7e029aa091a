"""The approver's page: it shows the whole request, only a POST decides, and all invalid links get the same answer."""

import io

import pytest

import clock
from database import database
from enums import Approval
from models import Contact, Customer, TicketLink
from services.customers import customers
from services.tickets import approvals
from tests.support.approvers import BERND, COMPANY
from tests.support.cast import NOW
from tests.support.database import snapshot
from tests.support.files.samples import PNG
from tests.support.pages import EXAMPLES, HTMX, OPTIONAL, Visitor
from tests.support.servers.mailbox import path_in

TOO_LONG = "x" * 5001


def nothing_changes(do):
    """Check that an action changes neither the database nor the files; return its result."""
    before = snapshot()
    outcome = do()
    assert snapshot() == before
    return outcome


@pytest.mark.parametrize("category", EXAMPLES)
def test_page_shows_the_whole_request(ask_approvers, category):
    with database.connection_context():
        Customer.update(mail_domain="sommer.example").execute()
    bernd, _ = ask_approvers(category, **OPTIONAL[category])
    page = bernd.look()
    words = page.text_of("main")
    typed = {**EXAMPLES[category], **OPTIONAL[category]}
    for name in ("priority", "salutation", "entry_date"):
        typed.pop(name, None)
    for text in typed.values():
        assert " ".join(text.split()) in words
    assert "Anfrage von Anna Sommer vom 23.11.2026 um 10:30 Uhr: " in words
    assert ("Priorität Mittel" in words) == (category != "new_employee")
    buttons = [(button.get("value"), button.text) for button in page.tree.iter("button")]
    assert buttons == [(None, "English"), ("approved", "Freigeben"), ("declined", "Ablehnen")]
    # In a new tab, so that a typed reason stays.
    assert [link.get("target") for link in page.tree.iter("a") if link.get("href") == "/hilfe"] == ["_blank"]


def test_attachments_are_listed_and_not_handed_out(ask_approvers):
    bernd, _ = ask_approvers(files=[(io.BytesIO(PNG), "Foto.png")])
    page = bernd.look()
    assert "Foto.png (6 KB)" in page.text_of("main")
    assert [link for link in page.tree.iter("a") if "anhang" in link.get("href")] == []


def test_page_says_nothing_of_others(ask_approvers, clara, ticket_page):
    bernd, _ = ask_approvers(priority="high", email="w@winter.example")
    # The note takes the ticket over.
    ticket_page().act("notieren", "Kunde zahlt schlecht")
    with database.connection_context():
        Customer.create(number="K1002", name="Metzgerei Winter", created_at=NOW)
    page = bernd.look()
    for words in ("Clara", "schlecht", "winter", "Winter", BERND, "petra@", "/verwaltung"):
        assert words not in page.text


def test_scripts_stay_text(ask_approvers):
    script = "<script>alert(1)</script>"
    bernd, petra = ask_approvers(name=script, description=script)
    bernd.press("declined", script)
    for page in (bernd.look(), petra.look()):
        assert script in "".join(page.tree.itertext())
        assert list(page.tree.iter("script")) == []


def test_opening_the_page_decides_nothing(ask_approvers):
    approvers = ask_approvers()
    before = snapshot()
    for approver in approvers:
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            for query in ("", "?decision=approved", "?decision=declined&reason=x"):
                approver.visitor.client.open(approver.path + query, method=method)
    assert snapshot() == before


@pytest.mark.parametrize("sent", [{"decision": "approved"}, {"decision": "declined", "reason": "Zu teuer"}, {}])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_decision_without_a_token_is_shown_again(app, ask_approvers, sent, headers):
    bernd, _ = ask_approvers()
    scanner = Visitor(app, {})
    page = nothing_changes(lambda: scanner.post(bernd.path, sent, headers=headers))
    assert page.status == 422
    assert "noch nicht angekommen" in page.text_of("main")
    assert page.fields(bernd.path)["reason"] == sent.get("reason", "")
    again = scanner.post(bernd.path, page.fields(bernd.path).to_dict() | {"decision": "declined", "reason": "Doch"})
    assert again.status == 303


def test_decision_from_another_site_leads_to_our_page(app, ask_approvers):
    bernd, _ = ask_approvers()
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    sent = {"decision": "declined", "reason": "Nicht von Bernd"}
    answer = nothing_changes(lambda: Visitor(app, {}).post(bernd.path, sent, headers=elsewhere))
    assert (answer.status, answer.response.location) == (303, bernd.path)


@pytest.mark.parametrize(
    ("decision", "reason", "errors"),
    [
        ("declined", "", {"reason": "Bitte schreiben Sie, warum Sie ablehnen."}),
        ("declined", " \n\t ", {"reason": "Bitte schreiben Sie, warum Sie ablehnen."}),
        ("declined", TOO_LONG, {"reason": "Bitte kürzen Sie „Grund“ auf höchstens 5000 Zeichen."}),
        ("approved", TOO_LONG, {"reason": "Bitte kürzen Sie „Grund“ auf höchstens 5000 Zeichen."}),
        ("", "Zu teuer", {"decision": "Bitte wählen Sie „Freigeben“ oder „Ablehnen“."}),
        ("pending", "Zu teuer", {"decision": "Bitte wählen Sie „Freigeben“ oder „Ablehnen“."}),
    ],
)
def test_errors_are_shown_at_their_field(ask_approvers, decision, reason, errors):
    bernd, _ = ask_approvers()
    page = nothing_changes(lambda: bernd.press(decision, reason))
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert page.errors() == errors
    assert page.summary() == [(f"#{field}", sentence) for field, sentence in errors.items()]
    assert page.fields(bernd.path)["reason"].strip() == reason.strip()
    assert bernd.press("declined", "Zu teuer", page=page).status == 303


def test_declining_shows_the_reason_to_both(ask_approvers):
    approvers = ask_approvers()
    approvers[0].press("declined", "Zu teuer.\nErst 2027.")
    for approver in approvers:
        page = approver.look()
        assert page.tree.findtext(".//h1") == "Nicht freigegeben"
        assert page.text_of("decided") == "Bernd Brot hat am 23.11.2026 um 10:30 Uhr entschieden."
        assert "Zu teuer.\nErst 2027." in page.text
        assert list(page.tree.iter("form")) == []
        assert "Der Drucker zieht kein Papier ein." in page.text_of("main")


@pytest.mark.parametrize(("slug", "status"), [("stornieren", "Storniert"), ("erledigen", "Erledigt")])
def test_closed_ticket_needs_no_decision(ask_approvers, ticket_page, ticket, slug, status):
    bernd, _ = ask_approvers(priority="high")
    page = bernd.look()
    ticket_page().act("vor-freigabe-beginnen", "Die Kasse steht.")
    ticket_page().act(slug, "Doppelt gemeldet")
    closed = bernd.look()
    assert closed.tree.findtext(".//h1") == "Hier ist nichts mehr zu entscheiden"
    assert f"Stand: {status}." in closed.text_of("decided")
    assert list(closed.tree.iter("form")) == []
    assert nothing_changes(lambda: bernd.press("approved", page=page)).status == 409
    assert (ticket().remind_at, ticket().approval) == (None, Approval.PENDING)


def test_absent_approver_may_decide(ask_approvers, ticket):
    bernd, _ = ask_approvers()
    with database.connection_context():
        Contact.update(absent_from=NOW.date()).execute()
    assert bernd.press("approved").status == 303
    assert ticket().approval is Approval.APPROVED


def test_headers_keep_the_address_secret(ask_approvers):
    bernd, _ = ask_approvers()
    dead = f"{bernd.path[:-1]}{'A' if bernd.path[-1] != 'A' else 'B'}"
    for answer in (bernd.look(), bernd.press(""), bernd.press("approved"), bernd.visitor.get(dead)):
        assert answer.response.headers["Referrer-Policy"] == "no-referrer"
        assert answer.response.headers["X-Robots-Tag"] == "noindex"
        if answer.status != 303:
            assert answer.response.headers["Cache-Control"] == "no-store"


def test_failure_logs_no_token_and_says_what_to_do(ask_approvers, monkeypatch, caplog):
    bernd, _ = ask_approvers()

    def fail(*_):
        raise RuntimeError("brought about by the test")

    monkeypatch.setattr(approvals, "decide", fail)
    page = nothing_changes(lambda: bernd.press("approved"))
    monkeypatch.setattr(approvals, "decision", fail)
    assert (page.status, bernd.visitor.get(bernd.path).status) == (500, 500)
    assert "Gehen Sie zurück" in page.text_of("main")
    token = bernd.path.rpartition("/")[2]
    assert "brought about" in caplog.text
    assert token not in caplog.text
    assert token not in page.text


def expire(link):
    TicketLink.update(expires_at=clock.now()).where(TicketLink.id == link.id).execute()


def revoke(link):
    TicketLink.update(revoked_at=clock.now()).where(TicketLink.id == link.id).execute()


def lock(link):
    customers.lock(link.ticket.customer, clock.now())


def remove(link):
    customers.remove_contact(link.approver)


KILLED_BY = {"expired": expire, "revoked": revoke, "customer locked": lock, "approver removed": remove}
MISTYPED_AS = {
    "one character changed": lambda path: path[:-2] + ("A" if path[-2] != "A" else "B") + path[-1],
    "cut off": lambda path: path[:-1],
    "too long": lambda path: path + "x" * 3000,
    "made up": lambda path: "/freigabe/ä%00<script>",
    "wrong purpose": None,
}


@pytest.mark.parametrize("how", [*KILLED_BY, *MISTYPED_AS])
def test_invalid_links_get_the_same_answer(app, ask_approvers, mailbox, queries, how):
    bernd, _ = ask_approvers()
    form = bernd.look().fields(bernd.path).to_dict() | {"decision": "approved"}
    path = bernd.path
    if how == "wrong purpose":
        path = path_in(mailbox.last_to(COMPANY), "/vorgang/").replace("vorgang", "freigabe")
    elif how in MISTYPED_AS:
        path = MISTYPED_AS[how](path)
    else:
        with database.connection_context():
            KILLED_BY[how](TicketLink.get(TicketLink.approver == Contact.get(Contact.email == BERND)))

    def answers_to(path):
        """Return all that is visible of each answer, with the number of database queries."""
        answers = []
        for visitor, method, sent in (
            (bernd.visitor, "GET", None),
            (bernd.visitor, "HEAD", None),
            (bernd.visitor, "POST", form),
            (Visitor(app, {}), "POST", form),
        ):
            queries.clear()
            answer = visitor.client.open(path, method=method, data=sent)
            answers.append((answer.status_code, answer.text, dict(answer.headers), len(queries)))
        return answers

    of_nobody = answers_to(f"/freigabe/{'A' * 43}")
    assert nothing_changes(lambda: answers_to(path)) == of_nobody
    assert {status for status, *_ in of_nobody} == {404}
    assert "Dieser Link ist nicht mehr gültig" in of_nobody[0][1]


def test_unlocked_customers_links_open_again(ask_approvers):
    bernd, _ = ask_approvers()
    with database.connection_context():
        customers.lock(Customer.get(), NOW)
    assert bernd.look().status == 404
    with database.connection_context():
        customers.unlock(Customer.get())
    assert bernd.press("approved").status == 303


def test_link_becomes_invalid_before_the_decision(ask_approvers, ticket, monkeypatch):
    bernd, _ = ask_approvers()
    page, decide = bernd.look(), approvals.decide

    def decide_late(*arguments):
        customers.remove_contact(Contact.get(Contact.email == BERND))
        decide(*arguments)

    monkeypatch.setattr(approvals, "decide", decide_late)
    assert bernd.press("approved", page=page).status == 404
    assert ticket().approval is Approval.PENDING
