"""Clara of the office: signing in, her account, and the pages she works on."""

import io
import re
from datetime import timedelta
from itertools import product

import pyotp
import pytest

import clock
from database import database
from models import Attachment, Contact, Customer, Message, Staff, Submission, TextBlock
from services.staff import accounts, two_factor
from tests.support.cast import NOW
from tests.support.files.samples import PNG
from tests.support.pages import EXAMPLES, actions_of

SIGN_IN = "/verwaltung/anmelden"
HOME = "/verwaltung/"
CALL = "/verwaltung/anruf"
ELSEWHERE = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.7"}}
WRONG = "Name, Kennwort oder Code stimmt nicht."


def sign_in(visitor, next_url="", code="", **changes):
    """Fill in the sign-in form and send it."""
    options = {key: changes.pop(key) for key in ("environ_overrides", "headers") if key in changes}
    form = visitor.get(SIGN_IN, query_string={"weiter": next_url} if next_url else {}).fields().to_dict()
    return visitor.post(SIGN_IN, form | visitor.known | {"one_time_code": code} | changes, **options)


def is_signed_in(visitor):
    """Return whether a visitor is signed in to the staff area."""
    return visitor.get(HOME).status == 200


def with_two_factor():
    """Give Clara's account a second factor; return her app and the recovery codes."""
    with database.connection_context():
        two_factor.begin_setup(member := Staff.get(Staff.login == "clara neumann"))
        member = Staff.get_by_id(member.id)
        app = pyotp.TOTP(two_factor.setup_key(member).replace(" ", ""))
        codes = two_factor.confirm_setup(member, app.at(NOW - timedelta(seconds=30)), NOW)
    return app, codes


def change_account(change):
    """Change Clara's account while her browser is open."""
    with database.connection_context():
        change(Staff.get(Staff.login == "clara neumann"), clock.now())


class TicketPage:
    """The staff page of one ticket."""

    def __init__(self, visitor, ticket):
        self.visitor = visitor
        self.path = f"/verwaltung/ticket/{ticket.submission.code}"

    def look(self):
        return self.visitor.get(self.path)

    def form(self, slug, page=None):
        """Return the values of the form of an action as the page shows it."""
        return (page or self.look()).fields(f"{self.path}/{slug}").to_dict()

    def act(self, slug, text=None, page=None, **options):
        """Fill in and send the form of an action; the text goes into its only text field."""
        values = self.form(slug, page)
        if text is not None:
            (name,) = [name for name in values if name.rpartition("-")[2] in ("text", "reason", "to")]
            values[name] = text
        return self.visitor.post(f"{self.path}/{slug}", values, **options)

    def pass_on(self, recipient, page=None, **changes):
        """Pass a warranty case on to a supplier."""
        values = {"recipient": recipient, "text": "Bitte tauschen Sie das Gerät.", **changes}
        sent = self.form("weitergeben", page) | {f"weitergeben-{name}": value for name, value in values.items()}
        return self.visitor.post(f"{self.path}/weitergeben", sent)

    def offered_actions(self):
        """Return the actions that the page offers, by slug."""
        actions = [action for form in self.look().tree.iter("form") for action in actions_of(form)]
        return {slug for action in actions if "/" not in (slug := action.removeprefix(f"{self.path}/"))}


def take_call(clara, category, **changes):
    """Let Clara take a call of Anna's."""
    caller = {"customer_number": "K1001", "name": "Anna Sommer", "phone": "0211 555-0101", "category": category}
    page = clara.get(CALL)
    answer = clara.post(CALL, page.fields().to_dict() | caller | EXAMPLES[category] | changes)
    assert answer.status == 303, answer.errors()


# Pages that need a query string.
QUERIES = {"staff.figures.export": "?tabelle=wochen", "staff.outbox.discard_all": "?stand=wartet&bis=99"}


@pytest.fixture
def staff_routes(app, anna, dora, clara, run_worker, tickets):
    """Every URL of the staff area, with ids that exist, as pairs of endpoint and URL by method."""
    anna.report("incident", files=[(io.BytesIO(PNG), "Foto.png")])
    anna.report("new_employee")
    dora.report("incident")
    run_worker()
    run = print_run(clara, "K1001")
    with database.connection_context():
        customer = Customer.get()
        approver = Contact.create(
            is_approver=True, customer=customer, name="Bernd Sommer", email="bernd@sommer.example"
        )
        unmatched = Submission.unmatched().get()
        block = TextBlock.create(name="Rückruf", text="Wir rufen Sie an.")
        behind = {
            "contact_id": [approver.id],
            "staff_id": [Staff.get().id],
            "block_id": [block.id],
            "attachment_id": [Attachment.get().id],
            "code": [*(ticket.submission.code for ticket in tickets()), unmatched.code],
            "customer_id": [customer.id],
            "message_id": [Message.get().id],
            "run": [run],
            "slug": ["uebernehmen"],
            "token": [accounts.setup_token()],
        }
    found = staff_urls(app, behind)
    assert len(found["GET"]) > 5
    assert len(found["POST"]) > 5
    return found


def staff_urls(app, behind):
    """Return every URL of the staff area, with the given values for its arguments."""
    found = {"GET": [], "POST": []}
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("staff."):
            missing = rule.arguments - set(behind)
            assert not missing, f"Name in this fixture what {missing} stands for in {rule.rule}."
            names = sorted(rule.arguments)
            for values in product(*(behind[name] for name in names)):
                for method in rule.methods & {"GET", "POST"}:
                    url = adapter.build(rule.endpoint, dict(zip(names, values, strict=True)), method)
                    url += QUERIES.get(rule.endpoint, "")
                    found[method].append((rule.endpoint, url))
    return found


CUSTOMERS = "/verwaltung/kunden"


NEW_CUSTOMER = "/verwaltung/kunden/neu"


PIN_LETTERS = "/verwaltung/kunden/pin-briefe"


SPOKEN_PIN = re.compile(r"PIN(\d{4} \d{4})")


def press(visitor, path, page):
    return visitor.post(path, page.fields(path))


def print_letters(visitor, path, values):
    """Send a form that issues PINs, and return the page with the letters to which it leads."""
    return visitor.get(visitor.post(path, values).response.location)


def print_run(visitor, number):
    """Issue a customer's PIN in a print run, and return the name of the run."""
    chosen = visitor.get(PIN_LETTERS).fields(PIN_LETTERS).to_dict() | {"customers": number}
    return visitor.post(PIN_LETTERS, chosen).response.location.rpartition("/")[2]


def letters(page):
    """Return the letters on a page, each as its words."""
    return [" ".join("".join(letter.itertext()).split()) for letter in page.tree.iter("article")]


def printed_pins(page):
    return [SPOKEN_PIN.search(letter)[1] for letter in letters(page)]


IMPORT = "/verwaltung/kunden/einlesen"


RUN_IMPORT = "/verwaltung/kunden/einlesen/ausfuehren"
