"""The lockout against guessed PINs: wrong PINs are counted, and beyond a budget a correct one opens no ticket, either.

A site from which the right PIN came before has a fast lane: guesses from elsewhere do not concern it.

Unknown customer numbers and former PINs do not count. The rows are written in the transaction of the decision, so that
two workers at once cannot exceed a budget; once it is used up, nothing more is written.
"""

from datetime import datetime, timedelta

from peewee import ModelSelect, fn

from database import transaction
from models import Customer, KnownSender, WrongPin
from services.security import keys
from services.security.ip_networks import site_of
from settings import settings

DAY = timedelta(days=1)

# One site may use at most this part of the budget over all customers.
SITES_PER_TOTAL_BUDGET = 30

# How long a site keeps its fast lane after the last right PIN, and by how many wrong ones in a day it loses it.
KNOWN_FOR = timedelta(days=90)
WRONG_PINS_OF_KNOWN_SENDER = 5


def is_locked_out(customer: Customer, ip: str, now: datetime) -> bool:
    """Say whether there were so many wrong PINs that a correct one may be a lucky guess.

    They are counted by customer, by site and over all customers. A site has a part of the budget over all, so that an
    attacker at one site cannot lock out the others. A known sender is free until it has sent some for this customer.
    """
    count = fn.COUNT(WrongPin.id)
    is_theirs, is_from_here = WrongPin.customer == customer, WrongPin.site == site_of(ip)
    counts = _last_day(now).select(
        count, count.filter(is_theirs), count.filter(is_from_here), count.filter(is_theirs & is_from_here)
    )
    ((of_all, of_customer, of_site, of_both),) = counts.tuples()
    if of_both < WRONG_PINS_OF_KNOWN_SENDER and _is_known(customer, ip, now):
        return False
    return (
        of_all >= settings.wrong_pins_total_per_day
        or of_customer >= settings.wrong_pins_per_day
        or of_site >= max(1, settings.wrong_pins_total_per_day // SITES_PER_TOTAL_BUDGET)
    )


def is_customer_locked_out(customer: Customer, now: datetime) -> bool:
    """Say whether a customer's own budget is used up."""
    return _last_day(now).where(WrongPin.customer == customer).count() >= settings.wrong_pins_per_day


def is_every_customer_locked_out(now: datetime) -> bool:
    """Say whether the budget over all customers is used up."""
    return _last_day(now).count() >= settings.wrong_pins_total_per_day


def record_wrong_pin(customer: Customer, ip: str, now: datetime) -> None:
    """Count a wrong PIN, within the transaction that decides about it, unless the customer has no access anyway."""
    if customer.pin_hash and not customer.locked_at:
        WrongPin.create(customer=customer, site=site_of(ip), at=now)


def remember_sender(customer: Customer, ip: str, now: datetime) -> None:
    """Remember a site from which the right PIN came, within the transaction that decides about it."""
    sender = {"customer": customer, "digest": _sender_digest(customer, ip), "last_at": now}
    KnownSender.insert(sender).on_conflict(
        conflict_target=[KnownSender.digest], preserve=[KnownSender.last_at]
    ).execute()


def claim_notice(customer: Customer, now: datetime) -> bool:
    """Say whether to notify the customer now, at most once a day, and record it; within the transaction that decides.

    A locked customer is not notified: no request of theirs becomes a ticket anyway.
    """
    told_at = customer.guessing_told_at
    if not customer.email or customer.locked_at or (told_at is not None and now - told_at < DAY):
        return False
    Customer.update(guessing_told_at=now).where(Customer.id == customer.id).execute()
    return True


def locked_out_customers(now: datetime) -> list[Customer]:
    """Return the customers whose own budget is used up, by number."""
    used_up = (
        _last_day(now)
        .select(WrongPin.customer)
        .group_by(WrongPin.customer)
        .having(fn.COUNT(WrongPin.id) >= settings.wrong_pins_per_day)
    )
    return list(Customer.by_number().where(Customer.id.in_(used_up)))


def sweep(now: datetime) -> None:
    """Delete the wrong PINs and the known senders that have expired."""
    with transaction():
        WrongPin.delete().where(WrongPin.at <= now - DAY).execute()
        KnownSender.delete().where(KnownSender.last_at <= now - KNOWN_FOR).execute()


def _is_known(customer: Customer, ip: str, now: datetime) -> bool:
    is_this = KnownSender.digest == _sender_digest(customer, ip)
    return KnownSender.select().where(is_this, KnownSender.last_at > now - KNOWN_FOR).exists()


def _sender_digest(customer: Customer, ip: str) -> str:
    # Keyed, so that the table does not tell from where a customer writes.
    return keys.keyed_digest(b"known sender", f"{customer.number}\0{site_of(ip)}")


def _last_day(now: datetime) -> ModelSelect:
    return WrongPin.select().where(WrongPin.at > now - DAY)
