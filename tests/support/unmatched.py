"""Unmatched requests."""

from database import database
from models import Submission
from tests.support.cast import NOW

UNMATCHED = "/verwaltung/nicht-zugeordnet"


def add_unmatched(
    number, count, description="Flut", address="203.0.113.{}", customer_number="K1001", reason="wrong_pin"
):
    """Insert unmatched submissions into the database."""
    rows = [
        {
            "draft": f"{description[:12]}{number + index:010}",
            "code": "".join("23456789AB"[int(digit)] for digit in f"{number + index:08}"),
            "received_at": NOW,
            "address": address.format(index),
            "customer_number": customer_number.format(index),
            "name": "Dora Dreist",
            "phone": "0172 5550199",
            "category": "incident",
            "description": f"{description} {index}",
            "state": "unmatched",
            "unmatched_reason": reason,
        }
        for index in range(count)
    ]
    with database.connection_context():
        Submission.insert_many(rows).execute()


def unmatched_descriptions():
    """Return the descriptions of what is still unmatched, oldest first."""
    with database.connection_context():
        return [row.description for row in Submission.unmatched().order_by(Submission.id)]


def unmatched_path(submission, rest=""):
    return f"{UNMATCHED}/{submission.code}{rest}"


def convert(visitor, submission, **changes):
    """Fill in the form that makes a ticket of it, send it, and return the answer."""
    values = visitor.get(unmatched_path(submission)).fields().to_dict() | {"note": "Anna Sommer, am Telefon"} | changes
    return visitor.post(unmatched_path(submission, "/umwandeln"), values)
