"""Customer numbers, PINs and the proofs of PINs.

A PIN is shown once, to the member of staff who issues it. The database holds a slow hash of a keyed proof, and the key
lies in a file beside the database: neither alone is enough to try PINs.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from database import transaction
from enums import MAX_CUSTOMER_NUMBER_LENGTH, PIN_DIGITS, UnmatchedReason
from i18n.typed_text import clean_number, normalise_code
from models import Customer, FormerPin, WrongPin
from services.errors import UserError
from services.security import keys
from settings import settings

# Each costs one slow hash per submission, even without former PINs. Two, so that a PIN is still recognised after it was
# replaced twice (double click, lost letter).
FORMER_PINS_CHECKED = 2

# The hash releases the GIL, so a print run of letters uses several cores.
HASHING_THREADS = 4

_NUMBER = re.compile(rf"[A-Z0-9][A-Z0-9./-]{{0,{MAX_CUSTOMER_NUMBER_LENGTH - 1}}}")
_PIN = re.compile(rf"[0-9]{{{PIN_DIGITS}}}")


def normalise_number(text: str) -> str | None:
    """Return a customer number without spaces and in capitals, or None if it is not valid."""
    number = "".join(clean_number(text).split()).upper()
    return number if _NUMBER.fullmatch(number) else None


def normalise_pin(text: str) -> str | None:
    """Return a PIN without spaces and dashes, or None if it is not valid."""
    pin = normalise_code(text)
    return pin if _PIN.fullmatch(pin) else None


def spoken_pin(pin: str) -> str:
    """Return a PIN as people write and say it: in two groups of four."""
    return f"{pin[:4]} {pin[4:]}"


def pin_proof(number: str, pin: str) -> str:
    """Return a keyed hash of number and PIN: cheap to compute, useless without the secret key."""
    return hmac.new(keys.derived_key(b"pin proof"), f"{number}\0{pin}".encode(), hashlib.sha256).hexdigest()


def check_proof(number: str, proof: str, now: datetime) -> tuple[Customer | None, UnmatchedReason | None]:
    """Return the customer with this number, if any, and why the proof does not match, or None if it does.

    Slow on purpose, and it takes as long for an unknown number or a wrong PIN.
    """
    customer = Customer.get_or_none(Customer.number == number)
    hashes = [dummy_hash()] * (1 + FORMER_PINS_CHECKED)
    if customer:
        former_pins = customer.former_pins.where(FormerPin.replaced_at > _former_since(now))
        former_pins = former_pins.order_by(FormerPin.id.desc()).limit(FORMER_PINS_CHECKED)
        known = [customer.pin_hash or dummy_hash(), *(former.pin_hash for former in former_pins)]
        hashes[: len(known)] = known
    is_current, *are_former = [check_password_hash(pin_hash, proof) for pin_hash in hashes]
    if customer is None:
        return None, UnmatchedReason.UNKNOWN_NUMBER
    former_or_wrong = UnmatchedReason.FORMER_PIN if any(are_former) else UnmatchedReason.WRONG_PIN
    return customer, None if is_current else former_or_wrong


def issue_pin(customer: Customer, now: datetime) -> str:
    """Give a customer a new PIN and return it; raises UserError."""
    ((_, pin),) = issue_pins([customer], now)
    return pin


def issue_pins(customers: Sequence[Customer], now: datetime) -> list[tuple[Customer, str]]:
    """Give each customer a new PIN, all or none, and return pairs of customer and PIN; raises UserError."""
    pins = [f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}" for _ in customers]
    numbers = [customer.number for customer in customers]
    # Hashed before the transaction, which keeps others from writing.
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        hashes = list(pool.map(_hash, numbers, pins))
    with transaction():
        for customer, pin_hash in zip(customers, hashes, strict=True):
            _replace_pin(customer, pin_hash, now)
    return list(zip(customers, pins, strict=True))


def withdraw_pin(customer: Customer) -> None:
    """Delete a customer's PINs, within the transaction that changes its number."""
    Customer.update(pin_hash=None, pin_issued_at=None).where(Customer.id == customer.id).execute()
    FormerPin.delete().where(FormerPin.customer == customer).execute()
    WrongPin.delete().where(WrongPin.customer == customer).execute()


def withdraw_all_pins() -> int:
    """Delete all PINs, within the transaction that replaces the secret key; return how many customers had one."""
    FormerPin.delete().execute()
    WrongPin.delete().execute()
    return Customer.update(pin_hash=None, pin_issued_at=None).where(Customer.pin_hash.is_null(False)).execute()


def sweep(now: datetime) -> None:
    """Delete the former PINs that have expired."""
    with transaction():
        FormerPin.delete().where(FormerPin.replaced_at <= _former_since(now)).execute()


def _former_since(now: datetime) -> datetime:
    return now - timedelta(days=settings.former_pin_days)


def _replace_pin(customer: Customer, pin_hash: str, now: datetime) -> None:
    current = Customer.get_or_none(Customer.id == customer.id, Customer.number == customer.number)
    if current is None:
        raise UserError(f"Den Kunden {customer.number} gibt es unter dieser Nummer nicht mehr.")
    if current.pin_hash:
        FormerPin.create(customer=current, pin_hash=current.pin_hash, replaced_at=now)
    Customer.update(pin_hash=pin_hash, pin_issued_at=now).where(Customer.id == customer.id).execute()
    # They were guesses at the former PIN.
    WrongPin.delete().where(WrongPin.customer == customer).execute()


def _hash(number: str, pin: str) -> str:
    return generate_password_hash(pin_proof(number, pin))


@cache
def dummy_hash() -> str:
    """Return a hash that matches nothing: checked where there is none, so that it takes as long."""
    return generate_password_hash(secrets.token_hex(32))
