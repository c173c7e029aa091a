"""The browsers that an account signed in from, by a signed token that each keeps; a new password forgets them all."""

import hmac
import secrets

from models import Staff
from services.security import keys


def new_token(member: Staff) -> str:
    """Return a token for a browser in which somebody has signed in to an account."""
    browser = secrets.token_urlsafe(16)
    return f"{browser}.{_signature(member, browser)}"


def browser_of(member: Staff, tokens: list[str]) -> str:
    """Return the browser that one of these tokens makes known to an account, or ""."""
    for browser, _, signature in (token.partition(".") for token in tokens):
        if hmac.compare_digest(signature.encode(), _signature(member, browser).encode()):
            return browser
    return ""


def _signature(member: Staff, browser: str) -> str:
    return keys.keyed_digest(b"known browser", f"{member.id}\0{browser}\0{member.password_hash}")
