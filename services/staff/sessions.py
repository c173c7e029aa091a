"""Sessions of the staff area: one for each signed-in browser; the server can end each of them."""

import secrets
from datetime import datetime, timedelta

from peewee import Expression, ModelSelect

from database import transaction
from models import Staff, StaffSession
from services.security.keys import hash_token
from settings import settings

# A session ends within a week, the longest setting.
REMEMBERED_FOR = timedelta(days=30)


def begin(member: Staff, ip: str, now: datetime) -> str:
    """Open a session and return the token that the browser keeps; only its hash is stored."""
    token = secrets.token_urlsafe(32)
    with transaction():
        StaffSession.create(token_hash=hash_token(token), staff=member, address=ip, began_at=now)
    return token


def signed_in_member(token: str, now: datetime) -> Staff | None:
    """Return the account of the session with this token, or None if the session has ended or the account is locked."""
    return (
        Staff.active()
        .join(StaffSession)
        .where(_is_open(now), StaffSession.token_hash == hash_token(token))
        .get_or_none()
    )


def active_sessions(member: Staff, now: datetime) -> ModelSelect:
    """Return the query of an account's open sessions, newest first."""
    return StaffSession.select().where(StaffSession.staff == member, _is_open(now)).order_by(StaffSession.id.desc())


def end(token: str, now: datetime) -> None:
    """End the session with this token."""
    with transaction():
        _end(StaffSession.token_hash == hash_token(token), now)


def end_all(member: Staff, now: datetime, keep: str = "") -> None:
    """End all sessions of an account, except the one with the token to keep."""
    with transaction():
        _end((StaffSession.staff == member) & (StaffSession.token_hash != hash_token(keep)), now)


def end_all_staff_sessions(now: datetime) -> None:
    """End all sessions of all accounts, within a transaction."""
    _end(StaffSession.id.is_null(False), now)


def sweep(now: datetime) -> None:
    """Delete the sessions that are no longer remembered."""
    with transaction():
        StaffSession.delete().where(StaffSession.began_at <= now - REMEMBERED_FOR).execute()


def _is_open(now: datetime) -> Expression:
    oldest = now - timedelta(hours=settings.staff_session_hours)
    return StaffSession.ended_at.is_null() & (StaffSession.began_at > oldest)


def _end(condition: Expression, now: datetime) -> None:
    StaffSession.update(ended_at=now).where(condition, StaffSession.ended_at.is_null()).execute()
