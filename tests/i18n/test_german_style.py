"""Every German text follows the rules of writing, and nothing is English by mistake."""

import dataclasses
import re

import pytest

from database import database
from forms import REQUEST_FORMS
from models import Contact, Customer, Message, Staff, Submission, TextBlock, Ticket
from services.staff import accounts
from settings import Settings, StartError, settings
from tests.support.commands import command_paths
from tests.support.pages import TOO_LARGE, Visitor
from tests.support.servers.mailbox import path_in, text_of
from tests.support.staff import SIGN_IN, print_run, staff_urls
from tests.support.wording import german
from tests.support.wording.page_text import tampered_forms, visible_text, wording_mistakes

# The help page shows this as one way to type a date.
TYPED_DAY = "2027-01-15"

NBSP = "\N{NO-BREAK SPACE}"

INVALID_VALUES = ["", "quatsch", "-1"]


class Tour:
    """Opens pages, sends each of their forms with invalid input, and checks the text of every response."""

    def __init__(self):
        self.statuses, self.faults = [], []

    def walk(self, visitor, addresses):
        """Check the pages and the responses to their forms."""
        pages = [(address, visitor.get(address)) for address in addresses]
        for address, page in pages:
            self.read(address, page)
        for _, page in pages:
            for action, values in tampered_forms(page):
                self.read(action, visitor.post(action, values))

    def read(self, address, page):
        """Check one page."""
        self.statuses.append(page.status)
        # Browsers do not show the body of a redirect.
        if page.status != 303:
            self.faults += [
                (address, *fault) for fault in wording_mistakes(visible_text(page).replace(TYPED_DAY, german.CODE))
            ]


@pytest.fixture
def tour():
    """A tour without pages yet."""
    return Tour()


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        ("straight quotes", 'der Knopf "Senden"', "der Knopf „Senden“"),
        ("straight quotes", "der Knopf 'Senden'", "Clara's und Annas Knopf"),
        ("English or reversed quotes", "der Knopf „Senden”", "der Knopf „Senden“, und ‚Senden‘"),
        ("English or reversed quotes", "der Knopf “Senden„", "(„Senden“)"),
        ("quotes that do not pair", "der Knopf „Senden und mehr", "„eins“ und „zwei“"),
        ("quotes that do not pair", "der Knopf Senden“ und mehr", "„Senden“ und mehr"),
        ("E-Mail", "Ihre Email an uns", "Ihre E-Mail an uns, office_email"),
        ("E-Mail", "eine e-mail", "E-Mails und Testmail an email@firma.de"),
        ("two spaces", "Bitte  warten", "Nummer   PIN"),
        ("a space before punctuation", "Bitte warten !", "Bitte warten! 10 : 2 … also doch"),
        ("no space after punctuation", "Bitte warten.Danach geht es", "www.firma.de und config.toml"),
        ("no space after punctuation", "heute,morgen", "1,5 und „so“, aber (so); dann"),
        ("three dots", "Bitte warten ...", "Bitte warten …"),
        ("a breaking space before a unit", "höchstens 10 MB", f"höchstens 10{NBSP}MB, 3 MiBit"),
        ("a breaking space before a unit", f"um {german.VALUE} Uhr", "um die Uhr"),
        ("a breaking space before a unit", "50 % davon", f"50{NBSP}% davon, 50 %(name)s"),
        ("a breaking space in an abbreviation", "z. B. hier", f"z.{NBSP}B. hier"),
        ("a breaking space in an abbreviation", "Art. 6", f"Art.{NBSP}6"),
        ("a date", "am 2026-11-23", "am 23.11.2026"),
        ("a decimal point", "1.5 GB", "1,5 GB am 23.11. von 127.0.0.1, um 1.000"),
        ("am or pm", "5 p.m.", "5 Pfund am Montag"),
    ],
)
def test_rule_finds_its_mistake_only(rule, bad, good):
    rules = german.MISTAKES | german.FOREIGN_NUMBERS
    assert rule in {name for name, _ in german.mistakes(bad, rules)}
    if rule == "a space before punctuation":
        good = good.replace(" : ", ":")
    assert rule not in {name for name, _ in german.mistakes(good, rules)}


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("This field is required.", "Bitte füllen Sie das Feld aus."),
        ("Not a valid choice.", "Bitte wählen Sie etwas."),
        ("The CSRF token is missing.", "Das Token fehlt."),
        ("Not Found", "Not macht erfinderisch, und wir fanden nichts."),
        ("Am Monday", "Am Montag war die Kasse in Or an der Tür"),
        ("Please warten", "http://firma.de/the/of?is=the und pip-the-or"),
        ("Invalid email address.", "Die Adresse ist in der Liste."),
        ("Keine gültige Auswahl.", "Bitte wählen Sie eine gültige Auswahl aus."),
    ],
)
def test_english_is_detected(bad, good):
    assert german.english(bad)
    assert german.english(good) == []


@pytest.mark.parametrize(
    ("source", "least"),
    [
        (german.python_texts, 900),
        (german.texts_of_templates, 150),
        (german.handbook_texts, 100),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_german_text_follows_the_rules(source, least):
    texts = list(source())
    assert len(texts) >= least
    assert [(text.place, *fault) for text in texts for fault in german.mistakes(text.words)] == []


def test_scripts_contain_no_german():
    assert list(german.script_texts()) == []


def test_messages_of_libraries_are_known():
    """Default messages of WTForms and Werkzeug would be found on a page."""
    known = [sentence.pattern for sentence in german.library_messages()]
    assert len(known) > 40
    assert german.english("Field must be at least 3 characters long.")
    assert german.english("The requested URL was not found on the server.")


def test_mails_and_staff_pages_follow_the_rules(app, every_kind_of_mail, tour):
    for mail in every_kind_of_mail.mails:
        text = text_of(mail)
        assert "\n\n\n" not in text
        assert text == text.strip("\n") + "\n"
        # A random token may look like a mistake.
        assert wording_mistakes(re.sub(r"https?://\S+", german.CODE, f"{mail['Subject']}\n\n{text}")) == []
    stranger, company = Visitor(app, {}), every_kind_of_mail.companies[-1]
    own = [path_in(mail) for mail in every_kind_of_mail.mails if mail.envelope.rcpt_tos[0] in company.mailboxes]
    tour.walk(stranger, {path for path in own if path.startswith(("/freigabe/", "/vorgang/"))})
    run = print_run(every_kind_of_mail.clara, every_kind_of_mail.companies[0].customer.number)
    with database.connection_context():
        block = TextBlock.create(name="Rückruf", text="Wir rufen Sie an.")
        behind = {
            "contact_id": [Contact.get().id],
            "staff_id": [Staff.get().id],
            "attachment_id": [],
            "block_id": [block.id],
            "code": [ticket.submission.code for ticket in Ticket.newest_first().limit(12)],
            "customer_id": [Customer.get().id],
            "message_id": [message.id for message in Message.select().group_by(Message.kind)],
            "run": [run],
            "slug": [],
            "token": [],
        }
        behind["code"].append(Submission.unmatched().get().code)
    tour.walk(
        every_kind_of_mail.clara, [address for _, address in staff_urls(app, behind)["GET"] if "csv" not in address]
    )
    assert len(tour.statuses) > 200
    assert tour.faults == []


def test_pages_for_customers_follow_the_rules(anna, tour, monkeypatch):
    with database.connection_context():
        setup = accounts.setup_token()
    kinds = [f"/?art={form.slug}" for form in REQUEST_FORMS.values()]
    tour.walk(anna, ["/", "/hilfe", "/gibt-es-nicht", "/felder", "/vorgang/x", "/freigabe/x", *kinds])
    tour.walk(anna, [SIGN_IN, f"/verwaltung/einrichten/{setup}"])
    settings.submissions_per_hour = 1
    tour.read("too many", anna.post("/", anna.filled("incident")))
    tour.read("too many", anna.post("/", anna.filled("incident")))
    tour.read("too large", anna.post("/", {}, environ_overrides=TOO_LARGE))
    monkeypatch.setattr(Submission, "pending", None)
    tour.read("broken", anna.get("/healthz"))
    assert set(tour.statuses) >= {200, 404, 405, 413, 422, 429, 500}
    assert tour.faults == []


@pytest.mark.parametrize("path", command_paths(), ids=" ".join)
def test_commands_follow_the_rules(run_command, anna, dora, run_worker, path):
    """Its help, its lists and its error messages; two spaces separate columns."""
    anna.report("new_employee", email="fremd@gmx.de")
    dora.report("incident")
    run_worker()
    said = [run_command(*path, *rest).output for rest in (["--help"], ["--quatsch"], ["ABCD-2345", "x", "y"])]
    said += [run_command(*path).output] if path and path[-1] in ("liste", "pruefen", "sichern", "test") else []
    assert all(said)
    assert [(words, *fault) for words in said for fault in wording_mistakes(words, without=["two spaces"])] == []


def test_errors_of_settings_follow_the_rules(tmp_path):
    refusals = [
        refusal(tmp_path, field.name, value) for field in dataclasses.fields(Settings)[1:] for value in INVALID_VALUES
    ]
    assert len(list(filter(None, refusals))) > 60
    assert [(words, *fault) for words in refusals for fault in wording_mistakes(words)] == []


def refusal(data_dir, name, value):
    """Return the error message for a value of a setting, or "" if it is valid."""
    try:
        Settings().load({"TICKET_DATA_DIR": str(data_dir), f"TICKET_{name.upper()}": value})
    except StartError as error:
        return str(error).replace(str(data_dir), german.CODE)
    return ""
