"""Sessions of the staff area: one for each signed-in browser, and the server can end every one of them."""

import hashlib
import secrets
from datetime import timedelta

from database import transaction
from models import Staff, StaffSession
from services.security import login_throttle
from settings import settings

# So long a session is remembered: an address that it came from is known to its account.
KNOWN_NETWORK_PERIOD = timedelta(days=30)


def begin(member, ip, now):
    """Open a session for a member of staff and return the token that the browser keeps; only its hash is stored."""
    token = secrets.token_urlsafe(32)
    with transaction():
        StaffSession.create(token_hash=hash_token(token), staff=member, address=ip, began_at=now)
    return token


def signed_in_member(token, now):
    """Return who works in the session with this token, or None if it has ended or the account is locked."""
    return (
        Staff.active()
        .join(StaffSession)
        .where(_is_live(now), StaffSession.token_hash == hash_token(token))
        .get_or_none()
    )


def active_sessions(member, now):
    """Return the sessions in which a member of staff is signed in, the newest first."""
    return StaffSession.select().where(StaffSession.staff == member, _is_live(now)).order_by(StaffSession.id.desc())


def has_recent_session(login, ip, now):
    """Say whether the account with this name had a session from this address, or its network, lately."""
    lately = StaffSession.select(StaffSession.address).distinct().join(Staff)
    rows = lately.where(Staff.login == login, StaffSession.began_at > now - KNOWN_NETWORK_PERIOD)
    return login_throttle.network_source(ip) in {login_throttle.network_source(row.address) for row in rows}


def end(token, now):
    """End the session with this token."""
    with transaction():
        _end(StaffSession.token_hash == hash_token(token), now)


def end_all(member, now, keep=None):
    """End all sessions of a member of staff, but for the one with this token."""
    with transaction():
        _end((StaffSession.staff == member) & (StaffSession.token_hash != hash_token(keep or "")), now)


def end_all_staff_sessions(now):
    """End all sessions, within a transaction."""
    _end(StaffSession.id.is_null(False), now)


def sweep(now):
    """Delete what is no longer remembered; its sessions ended long ago."""
    with transaction():
        StaffSession.delete().where(StaffSession.began_at <= now - KNOWN_NETWORK_PERIOD).execute()


def hash_token(token):
    """Return the form in which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def _is_live(now):
    oldest = now - timedelta(hours=settings.staff_session_hours)
    return StaffSession.ended_at.is_null() & (StaffSession.began_at > oldest)


def _end(which, now):
    StaffSession.update(ended_at=now).where(which, StaffSession.ended_at.is_null()).execute()
