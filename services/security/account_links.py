"""Links by which a member of staff chooses a password: derived from the secret key, so the database opens nothing."""

import hmac
import re
from datetime import datetime, timedelta

from models import Staff
from services.security import keys
from settings import settings

VALID_FOR = timedelta(days=7)

# What stands in a mail in the outbox in place of the token.
PATH = "konto-einrichten"
_PLACEHOLDER = re.compile(rf"{PATH}/konto-([0-9]+)")


def issue(member: Staff, now: datetime) -> None:
    """Give an account a new link, within a transaction; a former one opens nothing."""
    member.link_expires_at = now + VALID_FOR
    member.link_hash = keys.hash_token(_token(member))
    member.save(only=[Staff.link_expires_at, Staff.link_hash])


def expire_all() -> None:
    """End all links, within a transaction; an account that had one keeps waiting for a password."""
    Staff.update(link_expires_at=None).execute()


def url(member: Staff) -> str:
    """Return the link of an account that has one."""
    return insert_token(placeholder_url(member))


def placeholder_url(member: Staff) -> str:
    """Return the link for a mail in the outbox, without the token."""
    return f"{settings.url}/verwaltung/{PATH}/konto-{member.id}"


def insert_token(text: str) -> str:
    """Return the text of a mail as it is sent."""
    return _PLACEHOLDER.sub(lambda match: f"{PATH}/{_token(Staff.get_by_id(match[1]))}", text)


def token_in(text: str) -> str:
    """Return the token that a mail has when it is sent."""
    return next(_token(Staff.get_by_id(match[1])) for match in _PLACEHOLDER.finditer(text))


def find(token: str, now: datetime) -> Staff | None:
    """Return the account with this link, or None if it is not valid now."""
    is_valid = (Staff.link_hash == keys.hash_token(token)) & (Staff.link_expires_at > now)
    member: Staff | None = Staff.active().where(is_valid).first()
    # With another secret key, the link has another token.
    return member if member and hmac.compare_digest(_token(member), token) else None


def _token(member: Staff) -> str:
    return keys.keyed_digest(b"account link", f"{member.id}\0{member.link_expires_at}")
