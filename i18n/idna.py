"""Domains with umlauts: in ASCII for machines, in letters for people."""

import re
import unicodedata

from i18n.typed_text import clean_number

# What a domain may hold (RFC 5892): letters with their marks, digits and these. Some servers have "_" in their name.
_LABEL_CATEGORIES = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})
_LABEL_SIGNS = frozenset("-_·")


def is_domain(text: str) -> bool:
    """Say whether a text is a domain, at least of a name and its top level, that can be written in ASCII."""
    labels = _labels(text)
    return len(labels) > 1 and all(
        label and all(sign in _LABEL_SIGNS or unicodedata.category(sign) in _LABEL_CATEGORIES for sign in label)
        for label in labels
    )


def idna_domain(domain: str) -> str:
    """Return a domain with its umlauts written in ASCII, and without invisible characters."""
    # Python's own codec writes "ß" as "ss", which may be another owner's domain.
    labels = _labels(domain)
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def readable_url(url: str) -> str:
    """Return a URL with the umlauts of its domain as letters."""
    return re.sub(r"\bxn--([a-z0-9-]+)", lambda label: label[1].encode().decode("punycode", "replace"), url)


def _labels(domain: str) -> list[str]:
    return clean_number(domain).lower().split(".")
