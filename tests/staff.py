"""Clara of the office: what she types in front of the closed door, what becomes of her account, and her desk."""

from datetime import timedelta

import pyotp

import clock
from database import database
from models import Staff
from services.staff import two_factor
from tests.conftest import NOW

SIGN_IN = "/verwaltung/anmelden"
HOME = "/verwaltung/"
ELSEWHERE = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.7"}}
WRONG = "Name, Kennwort oder Code stimmt nicht."


def sign_in(visitor, onward="", code="", **changes):
    """Fill in the sign-in form and send it."""
    options = {key: changes.pop(key) for key in ("environ_overrides", "headers") if key in changes}
    form = visitor.get(SIGN_IN, query_string={"weiter": onward} if onward else {}).fields().to_dict()
    return visitor.post(SIGN_IN, form | visitor.known | {"one_time_code": code} | changes, **options)


def is_signed_in(visitor):
    """Say whether a visitor gets to see the staff area."""
    return visitor.get(HOME).status == 200


def with_second_factor():
    """Give Clara's account a second factor; return her app and the recovery codes."""
    with database.connection_context():
        two_factor.begin(member := Staff.get(Staff.login == "clara neumann"))
        member = Staff.get_by_id(member.id)
        app = pyotp.TOTP(two_factor.key_of(member).replace(" ", ""))
        codes = two_factor.confirm(member, app.at(NOW - timedelta(seconds=30)), NOW)
    return app, codes


def act(change):
    """Change Clara's account, as somebody else does while she sits at her browser."""
    with database.connection_context():
        change(Staff.get(Staff.login == "clara neumann"), clock.now())


class Desk:
    """One ticket on somebody's desk."""

    def __init__(self, visitor, ticket):
        self.visitor = visitor
        self.path = f"/verwaltung/ticket/{ticket.submission.code}"

    def look(self):
        return self.visitor.get(self.path)

    def form(self, slug, page=None):
        """Return the values of a verb's form as the page shows it."""
        return (page or self.look()).fields(f"{self.path}/{slug}").to_dict()

    def act(self, slug, text=None, page=None, **options):
        """Fill in and send the form of one verb; a text goes into its one field."""
        values = self.form(slug, page)
        if text is not None:
            (name,) = [name for name in values if name.rpartition("-")[2] in ("text", "reason", "to")]
            values[name] = text
        return self.visitor.post(f"{self.path}/{slug}", values, **options)

    def verbs(self):
        """Return what the page offers, by address."""
        actions = [form.get("action") for form in self.look().tree.iter("form")]
        return {action.rpartition("/")[2] for action in actions if action.startswith(self.path)}
