"""Mail addresses: their form, their domain in ASCII, and whether they are surely a customer's."""

import re
import unicodedata

from i18n.typed_text import clean_number, has_control_characters, without_invisible
from models import Customer

# Without "?" and "#", which end the address in a mailto: link, and without what old mail servers read as a route to
# another address ("%", "!", ":", brackets) or as a comment.
_LOCAL_PART = re.compile(r'[^@\s,;<>"?#()\[\]\\:%!]+')
_PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")

# What a domain may hold (RFC 5892): letters with their marks, digits and these. Some servers have "_" in their name.
_LABEL_CATEGORIES = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})
_LABEL_SIGNS = frozenset("-_·")


def is_email(text: str) -> bool:
    """Say whether a cleaned text looks like a mail address."""
    name, _, domain = text.rpartition("@")
    return bool(_LOCAL_PART.fullmatch(name)) and not has_control_characters(name) and is_domain(domain)


def is_domain(text: str) -> bool:
    """Say whether a text is a domain, at least of a name and its top level, that can be written in ASCII."""
    labels = _labels(text)
    return len(labels) > 1 and all(map(_is_label, labels))


def idna_address(address: str) -> str:
    """Return an address with the umlauts of its domain written in ASCII, and without invisible characters."""
    name, _, domain = without_invisible(address).rpartition("@")
    return f"{name}@{idna_domain(domain)}"


def idna_domain(domain: str) -> str:
    """Return a domain with its umlauts written in ASCII, and without invisible characters."""
    # Python's own codec writes "ß" as "ss", which may be another owner's domain.
    labels = _labels(domain)
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def is_in_customer_domain(customer: Customer, email: str) -> bool:
    """Say whether a mail address is in the customer's own domain, and so belongs to somebody there.

    Only plain names count: a mail server may read another one as a route to a different address.
    """
    name, _, domain = email.rpartition("@")
    is_there = bool(customer.mail_domain) and idna_domain(domain) == customer.mail_domain
    return is_there and _PLAIN_LOCAL_PART.fullmatch(name) is not None


def _labels(domain: str) -> list[str]:
    return clean_number(domain).lower().split(".")


def _is_label(label: str) -> bool:
    return bool(label) and all(
        sign in _LABEL_SIGNS or unicodedata.category(sign) in _LABEL_CATEGORIES for sign in label
    )
