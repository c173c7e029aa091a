"""Mail addresses as the network knows them."""

import unicodedata


def wire_address(address):
    """Return an address with its domain as the network knows it."""
    name, _, domain = address.rpartition("@")
    return f"{name}@{wire_domain(domain)}"


def wire_domain(domain):
    """Return a domain with its umlauts written in ASCII.

    By hand, because Python's own codec writes "ß" as "ss", and that may be somebody else's domain.
    """
    labels = unicodedata.normalize("NFC", domain.lower()).split(".")
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)
