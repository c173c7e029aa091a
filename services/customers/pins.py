"""Customer numbers, PINs and the proofs of PINs.

A PIN is shown to nobody but the member of staff who issues it. The database holds a hash of a keyed proof, and the key
lies in a file beside the database: neither alone is enough to try PINs.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from werkzeug.security import check_password_hash, generate_password_hash

from database import transaction
from enums import MAX_CUSTOMER_NUMBER_LENGTH, PIN_DIGITS, UnmatchedReason
from i18n.typed_text import clean_number, normalise_code
from models import Customer, FormerPin, KnownSender, PinLetter, WrongPin
from services.errors import UserError
from services.security import keys
from settings import settings

# Two, so that a PIN is still recognised after it was replaced twice (double click, lost letter).
FORMER_PINS_CHECKED = 2

# The parameter n of scrypt; about 10 ms. More would not protect eight digits from somebody who also has the key.
SCRYPT_COST = 2**12

# The beginning of the hashes that releases until 0.12 stored, which have random salts and cost ten times as much.
_OLD_HASH = "scrypt:"

_NUMBER = re.compile(rf"[A-Z0-9][A-Z0-9./-]{{0,{MAX_CUSTOMER_NUMBER_LENGTH - 1}}}")
_PIN = re.compile(rf"[0-9]{{{PIN_DIGITS}}}")


class PinCheck(NamedTuple):
    """Whose number it is, why the proof does not match, or None if it does, and the hash of the proof."""

    customer: Customer | None
    reason: UnmatchedReason | None
    pin_hash: str


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


def digits(number: int) -> str:
    """Return the last digits of a number, as many as a PIN has."""
    return f"{number % 10**PIN_DIGITS:0{PIN_DIGITS}}"


def pin_proof(number: str, pin: str) -> str:
    """Return a keyed hash of number and PIN: cheap to compute, useless without the secret key."""
    return keys.keyed_digest(b"pin proof", f"{number}\0{pin}")


def hash_proof(number: str, proof: str) -> str:
    """Return the hash of a proof that is stored: slow on purpose."""
    # With the number as the salt, one hash is compared to all PINs of a customer; the key makes it unique elsewhere.
    return hashlib.scrypt(proof.encode(), salt=number.encode(), n=SCRYPT_COST, r=8, p=1).hex()


def check_proof(number: str, proof: str, now: datetime) -> PinCheck:
    """Check a proof; it takes as long for an unknown number or a wrong PIN."""
    # Looked up first, so that a hash which is renewed meanwhile is still checked.
    has_old = _old_hashes_exist()
    customer = Customer.get_or_none(Customer.number == number)
    stored = [""] * (1 + FORMER_PINS_CHECKED)
    if customer:
        former_pins = customer.former_pins.where(FormerPin.replaced_at > _former_since(now))
        former_pins = former_pins.order_by(FormerPin.id.desc()).limit(FORMER_PINS_CHECKED)
        known = [customer.pin_hash or "", *(former.pin_hash for former in former_pins)]
        stored[: len(known)] = known
    pin_hash = hash_proof(number, proof)
    is_current, *are_former = [
        _matches(one, pin_hash, proof, among_old) for one, among_old in zip(stored, has_old, strict=True)
    ]
    if customer is None:
        return PinCheck(None, UnmatchedReason.UNKNOWN_NUMBER, pin_hash)
    former_or_wrong = UnmatchedReason.FORMER_PIN if any(are_former) else UnmatchedReason.WRONG_PIN
    return PinCheck(customer, None if is_current else former_or_wrong, pin_hash)


def renew_hash(customer: Customer, pin_hash: str) -> None:
    """Replace the old hash of a PIN that was right just now, within the transaction that decides about it."""
    if customer.pin_hash and customer.pin_hash.startswith(_OLD_HASH):
        Customer.update(pin_hash=pin_hash).where(Customer.id == customer.id).execute()


def issue_pin(customer: Customer, now: datetime) -> str:
    """Give a customer a new PIN and return it; raises UserError."""
    ((_, pin),) = issue_pins([customer], now)
    return pin


def issue_pins(
    customers: Sequence[Customer], now: datetime, keep: Callable[[Customer, str], None] = lambda customer, pin: None
) -> list[tuple[Customer, str]]:
    """Give each customer a new PIN, all or none, and return pairs of customer and PIN; raises UserError.

    keep: is called with each pair, within the same transaction.
    """
    pins = [(customer, digits(secrets.randbelow(10**PIN_DIGITS))) for customer in customers]
    # Hashed before the transaction, which keeps others from writing.
    hashes = [hash_proof(customer.number, pin_proof(customer.number, pin)) for customer, pin in pins]
    with transaction():
        for (customer, pin), pin_hash in zip(pins, hashes, strict=True):
            _replace_pin(customer, pin_hash, now)
            keep(customer, pin)
    return pins


def withdraw_pin(customer: Customer) -> None:
    """Delete a customer's PINs, within the transaction that changes its number."""
    Customer.update(pin_hash=None, pin_issued_at=None).where(Customer.id == customer.id).execute()
    for table in (FormerPin, KnownSender, WrongPin, PinLetter):
        table.delete().where(table.customer == customer).execute()


def withdraw_all_pins() -> int:
    """Delete all PINs, within the transaction that replaces the secret key; return how many customers had one."""
    for table in (FormerPin, KnownSender, WrongPin, PinLetter):
        table.delete().execute()
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
    # Guesses at the former PIN, and its letter.
    for table in (WrongPin, PinLetter):
        table.delete().where(table.customer == customer).execute()


def _old_hashes_exist() -> list[bool]:
    """Say for the PIN in force and for each former one whether anybody's hash of it is an old one."""
    current = Customer.select().where(Customer.pin_hash.startswith(_OLD_HASH)).exists()
    former = FormerPin.select().where(FormerPin.pin_hash.startswith(_OLD_HASH)).exists()
    return [current, *[former] * FORMER_PINS_CHECKED]


def _matches(stored: str, pin_hash: str, proof: str, among_old: bool) -> bool:
    is_old = stored.startswith(_OLD_HASH)
    # While anybody has an old hash, every check costs as much as one of it.
    matches_old = (is_old or among_old) and check_password_hash(stored if is_old else dummy_hash(), proof)
    return matches_old or hmac.compare_digest(stored, pin_hash)


@cache
def dummy_hash() -> str:
    """Return a hash that matches nothing: checked where there is none, so that it takes as long."""
    return generate_password_hash(secrets.token_hex(32))
