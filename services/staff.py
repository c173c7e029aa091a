"""Who works in the office: accounts and sessions that the server can end."""

import hashlib
import secrets
from datetime import timedelta

from models import Staff, StaffSession, transaction
from settings import settings


def begin_session(member, address, now):
    """Open a session for a member of staff and return the token that the browser keeps; only its hash is stored."""
    token = secrets.token_urlsafe(32)
    with transaction():
        StaffSession.create(token_hash=_hash(token), staff=member, address=address, began_at=now)
    return token


def member_of_session(token, now):
    """Return who works in the session with this token, or None if it has ended or the account is locked."""
    oldest = now - timedelta(hours=settings.staff_session_hours)
    return (
        Staff.active()
        .join(StaffSession)
        .where(
            StaffSession.token_hash == _hash(token),
            StaffSession.ended_at.is_null(),
            StaffSession.began_at > oldest,
        )
        .get_or_none()
    )


def end_session(token, now):
    """End the session with this token."""
    with transaction():
        StaffSession.update(ended_at=now).where(
            StaffSession.token_hash == _hash(token), StaffSession.ended_at.is_null()
        ).execute()


def _hash(token):
    return hashlib.sha256(token.encode()).hexdigest()
