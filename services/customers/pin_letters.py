"""Letters with new PINs: for some minutes, the person who issued a PIN can print its letter again.

The digits are stored added to a keyed digest, a one-time pad: the database alone tells nothing about them.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from peewee import Expression

from database import transaction
from models import Customer, PinLetter, Staff
from services.customers import pins
from services.security import keys

KEPT_FOR = timedelta(minutes=10)


def issue(customers: Sequence[Customer], by: Staff, now: datetime) -> str:
    """Give each customer a new PIN, all or none, and return the name of the print run; raises UserError."""
    run = secrets.token_urlsafe(16)

    def keep(customer: Customer, pin: str) -> None:
        sealed = pins.digits(int(pin) + _pad(run, customer))
        PinLetter.create(customer=customer, staff=by, nonce=run, sealed=sealed, issued_at=now)

    pins.issue_pins(customers, now, keep)
    return run


def printable(condition: Expression, by: Staff, now: datetime) -> list[tuple[Customer, str]]:
    """Return pairs of customer and PIN of the kept letters that the same person issued."""
    letters = PinLetter.select(PinLetter, Customer).join(Customer).order_by(PinLetter.id)
    # An expired one may wait for the worker.
    letters = letters.where(condition, PinLetter.staff == by, PinLetter.issued_at > now - KEPT_FOR)
    return [
        (letter.customer, pins.digits(int(letter.sealed) - _pad(letter.nonce, letter.customer))) for letter in letters
    ]


def sweep(now: datetime) -> None:
    """Delete the letters whose minutes are over."""
    with transaction():
        PinLetter.delete().where(PinLetter.issued_at <= now - KEPT_FOR).execute()


def _pad(run: str, customer: Customer) -> int:
    return int(keys.keyed_digest(b"pin letter", f"{run}\0{customer.number}"), 16)
