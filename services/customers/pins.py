"""Who is it: customer numbers, PINs and their proofs.

A PIN exists in clear only in the answer to the staff member who issues it. The database holds a slow hash of a keyed
proof, and the key lies in a file beside the database, so that neither of the two alone lets anybody try PINs.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import Enum, auto
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from database import transaction
from enums import MAX_CUSTOMER_NUMBER_LENGTH, PIN_DIGITS
from models import Customer, FormerPin, WrongPin
from services.errors import UserError
from services.security import keys
from settings import settings

# Each former PIN costs one slow hash for every submission, also for one that has no former PIN to compare with. Two, so
# that a PIN issued twice in a row, by a double click or a lost letter, does not make the one before it a wrong one.
FORMER_PINS_CHECKED = 2

# A hash takes its time without holding up other threads; a few at once use the whole processor for a print run.
HASHING_THREADS = 4


_NUMBER = re.compile(rf"[A-Z0-9][A-Z0-9./-]{{0,{MAX_CUSTOMER_NUMBER_LENGTH - 1}}}")
_PIN = re.compile(rf"[0-9]{{{PIN_DIGITS}}}")


class PinMatch(Enum):
    CURRENT = auto()
    FORMER = auto()
    WRONG = auto()


def normalise_number(text):
    """Return a customer number without blanks and in capitals, or None if it cannot be one."""
    if len(text) > 4 * MAX_CUSTOMER_NUMBER_LENGTH:
        return None
    number = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    return number if _NUMBER.fullmatch(number) else None


def normalise_pin(text):
    """Return the digits of a PIN without the blanks and dashes typed with it, or None if it cannot be one."""
    pin = re.sub(r"[\s\-‐-―]", "", text)
    return pin if _PIN.fullmatch(pin) else None


def spoken_pin(pin):
    """Return a PIN as people write and say it: in two groups of four."""
    return f"{pin[:4]} {pin[4:]}"


def pin_proof(number, pin):
    """Return what proves knowledge of a PIN without containing it: cheap to compute, useless without the secret key."""
    return hmac.new(keys.derived_key(b"pin proof"), f"{number}\0{pin}".encode(), hashlib.sha256).hexdigest()


def check_proof(number, proof, now):
    """Return the customer with this number (None if there is none) and how the proof fits; slow on purpose.

    A known number and an unknown one, a right PIN and a wrong one all cost the same.
    """
    customer = Customer.get_or_none(Customer.number == number)
    hashes = [dummy_hash()] * (1 + FORMER_PINS_CHECKED)
    if customer:
        former_pins = customer.former_pins.where(FormerPin.replaced_at > _forgotten_at(now))
        former_pins = former_pins.order_by(FormerPin.id.desc()).limit(FORMER_PINS_CHECKED)
        known = [customer.pin_hash or dummy_hash(), *(former.pin_hash for former in former_pins)]
        hashes[: len(known)] = known
    fits = [check_password_hash(pin_hash, proof) for pin_hash in hashes]
    if fits[0]:
        return customer, PinMatch.CURRENT
    return customer, PinMatch.FORMER if any(fits) else PinMatch.WRONG


def issue_pin(customer, now):
    """Give a customer a new PIN in place of the one in force, and return it; raises UserError."""
    ((_, pin),) = issue_pins([customer], now)
    return pin


def issue_pins(customers, now):
    """Give each customer a new PIN, all or none, and return pairs of customer and PIN; raises UserError."""
    pins = [_new_pin() for _ in customers]
    numbers = [customer.number for customer in customers]
    # The slow hashes come first: nobody else can write while a transaction is open.
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        hashes = list(pool.map(_hash, numbers, pins))
    with transaction():
        for customer, pin_hash in zip(customers, hashes, strict=True):
            _replace_pin(customer, pin_hash, now)
    return list(zip(customers, pins, strict=True))


def withdraw_pin(customer):
    """Take a customer's PINs away, within the transaction that changes the number on which they hang."""
    customer.pin_hash = customer.pin_issued_at = None
    customer.save(only=[Customer.pin_hash, Customer.pin_issued_at])
    FormerPin.delete().where(FormerPin.customer == customer).execute()
    WrongPin.delete().where(WrongPin.customer == customer).execute()


def withdraw_all_pins():
    """Take all PINs away, within the transaction that changes the key on which they hang; return how many customers."""
    FormerPin.delete().execute()
    WrongPin.delete().execute()
    return Customer.update(pin_hash=None, pin_issued_at=None).where(Customer.pin_hash.is_null(False)).execute()


def sweep(now):
    """Delete former PINs that are recognised no longer."""
    with transaction():
        FormerPin.delete().where(FormerPin.replaced_at <= _forgotten_at(now)).execute()


def _forgotten_at(now):
    return now - timedelta(days=settings.former_pin_days)


def _replace_pin(customer, pin_hash, now):
    current = Customer.get_or_none(Customer.id == customer.id, Customer.number == customer.number)
    if current is None:
        raise UserError(f"Den Kunden {customer.number} gibt es unter dieser Nummer nicht mehr.")
    if current.pin_hash:
        FormerPin.create(customer=current, pin_hash=current.pin_hash, replaced_at=now)
    customer.pin_hash, customer.pin_issued_at = pin_hash, now
    customer.save(only=[Customer.pin_hash, Customer.pin_issued_at])
    # They were guesses at the one before.
    WrongPin.delete().where(WrongPin.customer == customer).execute()


def _new_pin():
    return "".join(secrets.choice("0123456789") for _ in range(PIN_DIGITS))


def _hash(number, pin):
    return generate_password_hash(pin_proof(number, pin))


@cache
def dummy_hash():
    """Return a hash that fits nothing, to be checked where there is none, so that this takes as long."""
    return generate_password_hash(secrets.token_hex(32))
