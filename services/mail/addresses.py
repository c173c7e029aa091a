"""Mail addresses as the network knows them."""

import re
import unicodedata

# Neither "?" nor "#": behind them a mailto: link would say more than the address. Nor what mail servers of old take for
# a way to somebody else, or for a comment.
EMAIL = re.compile(r'[^@\s,;<>"?#()\[\]\\:%!]+@[^@\s,;<>"?#.]+(?:\.[^@\s,;<>"?#.]+)+')

_PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")


def idna_address(address):
    """Return an address with its domain as the network knows it."""
    name, _, domain = address.rpartition("@")
    return f"{name}@{idna_domain(domain)}"


def idna_domain(domain):
    """Return a domain with its umlauts written in ASCII.

    By hand, because Python's own codec writes "ß" as "ss", and that may be somebody else's domain.
    """
    labels = unicodedata.normalize("NFC", domain.lower()).split(".")
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def is_in_customer_domain(customer, email):
    """Say whether a mail address lies in the customer's own domain, and so belongs to somebody there.

    Only plain names count: a server might take another one for the way to somebody else.
    """
    name, _, domain = email.rpartition("@")
    is_there = bool(customer.mail_domain) and idna_domain(domain) == customer.mail_domain
    return is_there and _PLAIN_LOCAL_PART.fullmatch(name) is not None
