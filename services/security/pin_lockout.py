"""Who guesses PINs: wrong ones are counted, and beyond a budget a right one does not open the door, either.

Only what was tried at a PIN in force counts: no unknown number, no former PIN. The rows are written in the transaction
of the decision, so that two workers at once cannot overdraw a budget, and beyond it nothing more is written.
"""

from datetime import timedelta

from peewee import fn

from database import transaction
from models import Customer, WrongPin
from services.security.ip_networks import site_of
from settings import settings

DAY = timedelta(days=1)

# So many have to guess together before the budget over all customers is used up.
SITES_PER_TOTAL_BUDGET = 3


def is_locked_out(customer, ip, now):
    """Say whether so many wrong PINs came, for this customer or for all, that a right one may be a lucky guess.

    One site alone has a part of the budget over all. Beyond it nothing from there opens a door or counts, so that who
    guesses there can keep the door shut for nobody elsewhere.
    """
    of_site = _lately(now).where(WrongPin.site == site_of(ip))
    return (
        is_customer_locked_out(customer, now)
        or is_every_customer_locked_out(now)
        or _is_used_up(of_site, max(1, settings.wrong_pins_total_per_day // SITES_PER_TOTAL_BUDGET))
    )


def is_customer_locked_out(customer, now):
    """Say whether a customer's own budget is used up."""
    return _is_used_up(_lately(now).where(WrongPin.customer == customer), settings.wrong_pins_per_day)


def is_every_customer_locked_out(now):
    """Say whether the budget over all customers is used up."""
    return _is_used_up(_lately(now), settings.wrong_pins_total_per_day)


def record_wrong_pin(customer, ip, now):
    """Count a wrong PIN, within the transaction that decides about it; where nothing gets in, none is guessed."""
    if customer.pin_hash and not customer.locked_at:
        WrongPin.create(customer=customer, site=site_of(ip), at=now)


def claim_notice(customer, now):
    """Say whether the customer is to be told now, once a day, and note that it is done.

    Called within the transaction that decides. Who is locked is not told: nothing of theirs gets in, guessed or not.
    """
    told_at = customer.guessing_told_at
    if not customer.email or customer.locked_at or (told_at is not None and now - told_at < DAY):
        return False
    Customer.update(guessing_told_at=now).where(Customer.id == customer.id).execute()
    return True


def locked_out_customers(now):
    """Return the customers whose own budget is used up at this moment, by number."""
    used_up = (
        _lately(now)
        .select(WrongPin.customer)
        .group_by(WrongPin.customer)
        .having(fn.COUNT(WrongPin.id) >= settings.wrong_pins_per_day)
    )
    return list(Customer.by_number().where(Customer.id.in_(used_up)))


def sweep(now):
    """Delete what counts no longer."""
    with transaction():
        WrongPin.delete().where(WrongPin.at <= now - DAY).execute()


def _lately(now):
    return WrongPin.select().where(WrongPin.at > now - DAY)


def _is_used_up(query, budget):
    return query.count() >= budget
