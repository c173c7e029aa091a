"""The customer's page of a ticket, opened by the link in a mail."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product

import pytest

import clock
from database import database
from enums import Approval, Channel, EventKind, MessageKind, TicketStatus
from models import Attachment, Customer, Message, Submission, Ticket, TicketLink
from services.tickets import conversation
from settings import settings
from tests.support.cast import NOW
from tests.support.database import snapshot
from tests.support.files.samples import PNG
from tests.support.pages import HTMX, Visitor
from tests.support.servers.mailbox import path_in, text_of
from tests.support.tickets import STATES, add_event, set_ticket, write_message

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def path(anna, run_worker, mailbox):
    """The URL of the page of Anna's only ticket, from the confirmation."""
    anna.report("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    run_worker()
    return path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")


@pytest.fixture
def carla(app):
    """Carla, a colleague of Anna's, with a browser of her own."""
    return Visitor(app, {})


def file(name, content=b"Hallo"):
    return io.BytesIO(content), name


def messages_on(page):
    """Return the messages of a page, each as one line."""
    return [
        " ".join("".join(item.itertext()).split())
        for item in page.tree.iter("li")
        if "message" in item.get("class", "")
    ]


def test_what_was_sent_and_how_it_stands(carla, path):
    page = carla.get(path)
    assert page.status == 200
    assert page.text_of("state") == "Aktueller Stand"
    shown = page.text_of("main")
    assert "Wir haben Ihre Anfrage und sehen sie uns an." in shown
    heading = page.title.partition(" – ")[0]
    assert re.fullmatch("Ihr Vorgang [2-9A-Z]{4}-[2-9A-Z]{4}", heading)
    assert shown.startswith(f"{heading} Der Drucker zieht kein Papier ein.")
    assert "Foto.png" in shown
    assert "bis 30 Tage nach seinem Abschluss" in shown
    assert messages_on(page) == []


def test_page_of_a_call(carla, path):
    assert carla.get(path).text_of("sent") == "Das haben Sie gesendet"
    with database.connection_context():
        Submission.update(channel=Channel.PHONE).execute()
    assert carla.get(path).text_of("sent") == "Das haben Sie uns am Telefon gesagt"


def test_what_may_be_somebody_elses_is_not_shown(anna, carla, run_worker, mailbox):
    anna.report("incident", email="dora@anderswo.example")
    run_worker()
    shown = carla.get(path_in(mailbox.last_to("post@sommer.example"), "/vorgang/")).text
    assert "Anna Sommer" in shown
    assert "anderswo.example" not in shown
    assert "K1001" not in shown


def test_message_with_files(carla, path, ticket, events, mailbox, deliver_mails):
    answer = write_message(carla, path, "Jetzt raucht er auch.", files=[file("Rauch.png", PNG), file("Notiz.txt")])
    assert (answer.status, answer.response.location) == (303, f"{path}#messages")
    (message,) = messages_on(carla.get(path))
    assert message.startswith("Bäckerei Sommer, 23.11.2026 um 10:30 Uhr Jetzt raucht er auch.")
    assert "Rauch.png" in message
    assert "Notiz.txt 1 KB" in message
    assert events()[1:] == [(EventKind.REPLIED, "Bäckerei Sommer", "Jetzt raucht er auch.")]
    assert ticket().status is TicketStatus.NEW
    deliver_mails()
    mail = mailbox.last_to("support@muster-it.example")
    assert mail["Subject"].startswith("Nachricht vom Kunden [")
    assert "> Jetzt raucht er auch." in text_of(mail)
    assert "Rauch.png" in text_of(mail)
    assert path_in(mail) == f"/verwaltung/ticket/{ticket().submission.code}"
    assert "/vorgang/" not in text_of(mail)


def test_more_messages_need_no_more_queries(carla, path, monkeypatch):
    asked, execute = [], database.execute_sql
    monkeypatch.setattr(database, "execute_sql", lambda *query: asked.append(query[0]) or execute(*query))
    numbers = []
    for name in ("Rauch.png", "Noch mehr.png", "Feuer.png"):
        write_message(carla, path, name, files=[file(name, PNG)])
        asked.clear()
        page = carla.get(path)
        numbers.append(len(asked))
        assert name in messages_on(page)[-1]
    assert len(set(numbers)) == 1


def test_files_of_a_message_are_not_what_was_sent_at_first(carla, path, submissions):
    write_message(carla, path, "Noch ein Bild", files=[file("Rauch.png", PNG)])
    with database.connection_context():
        (submission,) = submissions()
        assert [file.name for file in submission.attachments] == ["Foto.png"]
        assert [file.name for file in submission.files] == ["Foto.png", "Rauch.png"]


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (TicketStatus.NEW, TicketStatus.NEW, [EventKind.REPLIED]),
        (TicketStatus.IN_PROGRESS, TicketStatus.IN_PROGRESS, [EventKind.REPLIED]),
        (TicketStatus.WAITING, TicketStatus.IN_PROGRESS, [EventKind.REPLIED]),
        (TicketStatus.DONE, TicketStatus.NEW, [EventKind.REPLIED, EventKind.REOPENED]),
    ],
)
def test_what_a_message_does_with_the_ticket(carla, path, ticket, events, before, after, kinds):
    set_ticket(status=before)
    assert write_message(carla, path, "Hier ist die Nummer: 4711").status == 303
    assert (ticket().status, ticket().closed_at) == (after, None)
    assert [kind for kind, *_ in events()][1:] == kinds


@pytest.mark.parametrize(
    "closed",
    [
        {"status": TicketStatus.CANCELLED},
        {"status": TicketStatus.CANCELLED, "approval": Approval.DECLINED},
        {"status": TicketStatus.DONE, "approval": Approval.DECLINED},
    ],
)
def test_no_messages_to_a_cancelled_or_declined_ticket(carla, path, ticket, events, closed):
    old_page = carla.get(path)
    set_ticket(**closed)
    page = carla.get(path)
    assert page.element("reply-form") is None
    assert "Rufen Sie uns bitte an: 0211 55500" in page.text_of("main")
    answer = write_message(carla, path, "Schade!", old_page)
    assert answer.status == 422
    assert "nicht bei uns angekommen" in answer.text_of("main")
    assert answer.fields()["text"] == "Schade!"
    assert len(events()) == 1


def test_state_in_plain_words(carla, path):
    assert set(STATES) == set(product(TicketStatus, Approval))
    for (status, approval), words in STATES.items():
        set_ticket(status=TicketStatus(status), approval=Approval(approval))
        page = carla.get(path)
        (shown,) = [section for section in page.tree.iter("section") if section.get("aria-labelledby") == "state"]
        assert shown.findtext("p") == words, (status, approval)


@pytest.mark.parametrize(
    ("approval", "kind", "actor", "text"),
    [
        (Approval.NOT_REQUIRED, EventKind.CANCELLED, "Clara Neumann", "Das Gerät wird ersetzt."),
        (Approval.DECLINED, EventKind.DECLINED, "Bernd Brot", "Zu teuer."),
    ],
)
def test_reason_is_told(carla, path, approval, kind, actor, text):
    add_event(kind, text, actor)
    set_ticket(status=TicketStatus.CANCELLED, approval=approval)
    assert f"{text} {actor}, 23.11.2026 um 10:30 Uhr" in carla.get(path).text_of("main")


def test_conversation_and_nothing_else(carla, path):
    for kind in EventKind:
        add_event(kind, f"Text zu {kind}")
    assert messages_on(carla.get(path)) == [
        "Clara Neumann, 23.11.2026 um 10:30 Uhr Erledigt. Text zu done",
        "Clara Neumann, 23.11.2026 um 10:30 Uhr Text zu answered",
        "Clara Neumann, 23.11.2026 um 10:30 Uhr Text zu replied",
    ]
    hidden = [f"Text zu {kind}" for kind in EventKind if kind not in conversation.CUSTOMER_VISIBLE]
    assert not [text for text in hidden if text in carla.get(path).text]


def test_typed_texts_are_escaped(carla, path):
    write_message(carla, path, SCRIPT)
    page = carla.get(path)
    assert SCRIPT in messages_on(page)[0]
    assert SCRIPT not in page.text


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("typed", ["", " \n ", "x" * 5001, "a\x00b"])
def test_bad_message_comes_back_with_its_files(carla, path, events, typed, headers):
    page = write_message(carla, path, typed, files=[file("Notiz.txt"), file("Programm.exe", b"MZ\0")], headers=headers)
    assert page.status == 422
    assert page.title.startswith("Fehler: ")
    assert set(page.errors()) == {"text"}
    assert [target for target, _ in page.summary()] == ["#text", "#files"]
    assert "Notiz.txt" in page.text_of("attachment-list")
    if "\x00" not in typed:
        assert page.fields()["text"].strip() == typed.strip()
    assert len(events()) == 1
    assert write_message(carla, path, "Jetzt aber", page).status == 303
    assert "Notiz.txt" in messages_on(carla.get(path))[0]


def test_double_click_is_one_message(carla, path, events):
    page = carla.get(path)
    for _ in range(3):
        files = [file("Notiz.txt")]
        assert write_message(carla, path, "Es raucht.", page, files).status == 303
    assert len(events()) == 2
    with database.connection_context():
        assert Message.select().where(Message.kind == MessageKind.REPLY).count() == 1
        assert Attachment.select().where(Attachment.name == "Notiz.txt").count() == 1


def test_clicks_at_the_same_moment_are_one_message(app, carla, path, events):
    values = carla.get(path).fields().to_dict() | {"text": "Es raucht."}
    cookie = carla.client.get_cookie("session").value

    def click(_):
        visitor = Visitor(app, {})
        visitor.client.set_cookie("session", cookie)
        return visitor.post(path, values | {"files": [file("Notiz.txt")]}).status

    with ThreadPoolExecutor(4) as clicks:
        assert set(clicks.map(click, range(6))) == {303}
    assert len(events()) == 2
    assert [message.count("Notiz.txt") for message in messages_on(carla.get(path))] == [1]


@pytest.mark.parametrize(("text", "files"), [("Und es stinkt.", []), ("Es raucht.", [file("Notiz.txt")])])
def test_another_message_from_an_old_page_is_another_one(carla, path, events, text, files):
    page = carla.get(path)
    write_message(carla, path, "Es raucht.", page)
    again = write_message(carla, path, text, page, files)
    assert again.status == 422
    assert "schon eine andere Nachricht" in again.text_of("reply-form")
    assert again.fields()["draft"] != page.fields()["draft"]
    assert write_message(carla, path, text, again).status == 303
    assert [text for _, _, text in events()][1:] == ["Es raucht.", text]
    assert [("Notiz.txt" in message) for message in messages_on(carla.get(path))] == [False, bool(files)]


def test_upload_when_chosen(carla, path):
    form = carla.get(path).fields().to_dict()
    tokens = {name: form[name] for name in ("csrf_token", "draft")}
    page = carla.post(f"{path}/anhaenge", tokens | {"files": [file("Notiz.txt"), file("Gut.log")]}, headers=HTMX)
    assert page.status == 200
    (first, _) = page.tree.iter("button")
    assert first.get("formaction") == f"{path}/anhaenge/entfernen"
    removed = carla.post(f"{path}/anhaenge/entfernen", tokens | {"attachment": first.get("value")}, headers=HTMX)
    assert "„Notiz.txt“ ist entfernt." in removed.text
    sent = carla.post(path, form | {"text": "Anbei"}, headers=HTMX)
    assert sent.status == 200
    assert "Ihre Nachricht ist bei uns angekommen." in sent.text
    assert sent.fields()["text"] == ""
    assert sent.fields()["draft"] != form["draft"]
    (message,) = messages_on(sent)
    assert "Gut.log" in message
    assert "Notiz.txt" not in message


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_file_that_gives_way_while_the_message_is_sent_is_asked_for(carla, path, events, monkeypatch, headers):
    set_ticket(status=TicketStatus.WAITING, approval=Approval.NOT_REQUIRED)
    values = carla.get(path).fields().to_dict() | {"text": "Jetzt raucht er auch.", "files": file("Rauch.png", PNG)}
    check_allowed = conversation._check_reply_allowed

    def give_way(*arguments):
        Attachment.delete().where(Attachment.submission.is_null()).execute()
        check_allowed(*arguments)

    monkeypatch.setattr(conversation, "_check_reply_allowed", give_way)
    page = carla.post(path, values, headers=headers)
    assert page.status == 422
    assert "Bitte wählen Sie sie noch einmal aus." in page.text_of("attachment-list")
    assert "Jetzt raucht er auch." in page.text
    assert "Wir warten auf Ihre Antwort." in page.text
    assert len(events()) == 1


def test_remove_without_scripts_keeps_the_text(carla, path):
    page = write_message(carla, path, "", files=[file("Notiz.txt")])
    (button,) = [button for button in page.tree.iter("button") if button.get("name") == "attachment"]
    values = page.fields().to_dict() | {"text": "Halb fertig", "attachment": button.get("value")}
    page = carla.post(button.get("formaction"), values)
    assert page.status == 200
    assert page.fields()["text"] == "Halb fertig"
    assert "„Notiz.txt“ ist entfernt." in page.text_of("attachment-list")


@pytest.mark.parametrize("headers", [{}, HTMX, {"Origin": "null"}])
def test_without_a_valid_token_nothing_is_lost(carla, path, events, headers):
    values = carla.get(path).fields().to_dict() | {"text": "Es raucht.", "files": [file("Notiz.txt")]}
    carla.client.delete_cookie("session")
    page = carla.post(path, values, headers=headers)
    assert page.status == 422
    assert page.fields()["text"] == "Es raucht."
    assert "Die Seite war zu lange offen" in page.text_of("reply-form")
    assert len(events()) == 1
    assert carla.post(path, page.fields()).status == 303
    assert "Notiz.txt" in messages_on(carla.get(path))[0]


@pytest.mark.parametrize("fragment", ["anhaenge", "anhaenge/entfernen"])
def test_fragment_without_a_valid_token(carla, path, fragment):
    values = carla.get(path).fields().to_dict()
    carla.client.delete_cookie("session")
    page = carla.post(f"{path}/{fragment}", values, headers=HTMX)
    assert page.response.headers["HX-Trigger"] == "session-renewed"
    assert carla.post(path, values | page.fields().to_dict() | {"text": "Hallo"}).status == 303


def fail(*_, **__):
    raise RuntimeError("brought about by the test")


@pytest.mark.parametrize("broken", [(conversation, "reply"), (database, "connect")])
def test_server_error_loses_nothing_typed(carla, path, events, monkeypatch, broken):
    values = carla.get(path).fields().to_dict() | {"text": "Es raucht."}
    with monkeypatch.context() as patch:
        patch.setattr(*broken, fail)
        page = carla.post(path, values)
    assert page.status == 500
    assert "Ihre Nachricht ist noch nicht eingegangen" in page.text_of("reply-form")
    assert page.fields()["text"] == "Es raucht."
    assert carla.post(path, page.fields()).status == 303
    assert len(events()) == 2


def test_opening_changes_nothing(carla, path):
    before = snapshot()
    for address in (path, f"{path}/anhaenge", f"{path}/anhaenge/entfernen"):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            carla.client.open(f"{address}?text=Hallo&draft={'x' * 22}", method=method)
    assert snapshot() == before


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_headers_keep_the_url_secret(carla, path, headers):
    form = carla.get(path).fields()
    answers = [
        carla.client.get(path, headers=headers),
        carla.client.post(path, headers=headers),
        carla.client.post(path, data=form, headers=headers),
        carla.client.post(path, data=form | {"text": "Hallo"}, headers=headers),
        carla.client.post(f"{path}/anhaenge", data=form, headers=headers),
    ]
    for answer in answers:
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        if answer.status_code != 303:
            assert answer.headers["Cache-Control"] == "no-store"


def dead(path, how):
    """Make a link invalid in one way, and return its URL."""
    with database.connection_context():
        if how == "changed":
            return path[:-1] + ("A" if path[-1] != "A" else "B")
        if how == "revoked":
            TicketLink.update(revoked_at=NOW).execute()
        elif how == "locked":
            Customer.update(locked_at=NOW).execute()
        elif how == "expired":
            Ticket.update(status=TicketStatus.DONE, closed_at=NOW - timedelta(days=30)).execute()
    return path


@pytest.mark.parametrize("how", ["changed", "revoked", "locked", "expired"])
@pytest.mark.parametrize("has_token", [True, False])
def test_invalid_links_get_the_same_answer(carla, path, queries, how, has_token):
    values = carla.get(path).fields().to_dict() | {"text": "Hallo"}
    path = dead(path, how)
    if not has_token:
        carla.client.delete_cookie("session")

    def answers_to(path):
        """Return all that is visible of each answer, with the number of database queries."""
        answers = []
        for part in (None, "", "/anhaenge", "/anhaenge/entfernen"):
            queries.clear()
            sent = values | {"files": [file("Notiz.txt")]}
            page = carla.get(path) if part is None else carla.post(path + part, sent)
            answers.append((page.status, page.text, dict(page.response.headers), len(queries)))
        return answers

    before = snapshot()
    of_nobody = answers_to(f"/vorgang/{'A' * 43}")
    assert answers_to(path) == of_nobody
    assert snapshot() == before
    for status, text, headers, _ in of_nobody:
        assert status == 404
        assert "Dieser Link ist nicht mehr gültig" in text
        assert headers["Referrer-Policy"] == "no-referrer"


def test_page_of_a_closed_ticket_says_until_when_it_opens(carla, path, monkeypatch):
    set_ticket(status=TicketStatus.DONE)
    assert "noch bis zum 23.12.2026" in carla.get(path).text_of("main")
    for age, status in ((timedelta(days=30, seconds=-1), 200), (timedelta(days=30), 404)):
        monkeypatch.setattr(clock, "now", lambda age=age: NOW + age)
        assert carla.get(path).status == status


def test_messages_by_a_leaked_link_are_limited(carla, path, events, advance_clock):
    settings.replies_per_day = 3
    for number in range(3):
        assert write_message(carla, path, f"Nachricht {number}").status == 303
    page = write_message(carla, path, "Noch eine", files=[file("Notiz.txt")])
    assert page.status == 422
    assert "schon 3 Nachrichten" in page.text_of("reply-form")
    assert page.fields()["text"] == "Noch eine"
    assert len(events()) == 4
    advance_clock(days=1, seconds=1)
    assert write_message(carla, path, "Noch eine", page).status == 303
    assert "Notiz.txt" in messages_on(carla.get(path))[-1]


def test_a_flood_of_files_without_a_token(anna, path):
    settings.uploads_per_hour = 1
    anna.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    values = {"csrf_token": "x", "draft": "a" * 22, "text": "Noch ein Bild."}
    answers = [anna.post(path, values | {"files": (io.BytesIO(PNG), name)}) for name in ("Eins.png", "Zwei.png")]
    assert [answer.status for answer in answers] == [422, 429]
    assert answers[1].fields()["text"] == "Noch ein Bild."
    assert "Die neu gewählten sind nicht angekommen" in answers[1].text
