"""Mail addresses: their form, their domain in ASCII, and whether they are surely a customer's."""

import re

from i18n.idna import idna_domain, is_domain
from i18n.typed_text import has_control_characters, without_invisible
from models import Customer

# Without "?" and "#", which end the address in a mailto: link, and without what old mail servers read as a route to
# another address ("%", "!", ":", brackets) or as a comment.
_LOCAL_PART = re.compile(r'[^@\s,;<>"?#()\[\]\\:%!]+')
_PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")


def is_email(text: str) -> bool:
    """Say whether a cleaned text looks like a mail address."""
    name, _, domain = text.rpartition("@")
    return bool(_LOCAL_PART.fullmatch(name)) and not has_control_characters(name) and is_domain(domain)


def idna_address(address: str) -> str:
    """Return an address with the umlauts of its domain written in ASCII, and without invisible characters."""
    name, _, domain = without_invisible(address).rpartition("@")
    return f"{name}@{idna_domain(domain)}"


def is_in_customer_domain(customer: Customer, email: str) -> bool:
    """Say whether a mail address is in the customer's own domain, and so belongs to somebody there.

    Only plain names count: a mail server may read another one as a route to a different address.
    """
    name, _, domain = email.rpartition("@")
    is_there = bool(customer.mail_domain) and idna_domain(domain) == customer.mail_domain
    return is_there and _PLAIN_LOCAL_PART.fullmatch(name) is not None
