"""Host names with umlauts: in ASCII for machines, in letters for people."""

import re

from i18n.typed_text import normalised


def idna_domain(domain: str) -> str:
    """Return a domain with its umlauts written in ASCII."""
    # Python's own codec writes "ß" as "ss", which may be another owner's domain.
    labels = normalised(domain.lower()).split(".")
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def readable_url(url: str) -> str:
    """Return a URL with the umlauts of its domain as letters."""
    return re.sub(r"\bxn--([a-z0-9-]+)", lambda label: label[1].encode().decode("punycode", "replace"), url)
