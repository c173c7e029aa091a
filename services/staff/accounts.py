"""The accounts of the staff: their passwords, and signing in."""

import base64
import hmac
from datetime import datetime, timedelta

from peewee import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from database import transaction
from enums import MAX_SHORT_LENGTH
from i18n.typed_text import clean_line, mark_control_characters, normalised
from models import Staff
from services.customers import customers, pins
from services.errors import UserError
from services.security import keys, login_throttle, passwords
from services.staff import sessions, two_factor


class AlreadySetUp(Exception):
    """The first account exists already."""

    def __init__(self) -> None:
        super().__init__(
            "Das erste Konto gibt es schon, deshalb gilt der Link zum Einrichten nicht mehr. Bitte melden Sie sich an. "
            "Weitere Konten legt der Befehl „verwaltung neu“ an."
        )


def is_set_up() -> bool:
    """Say whether the first account exists."""
    return Staff.select().exists()


def setup_token() -> str:
    """Return the token of the set-up link; it is derived from the secret key and stored nowhere."""
    return base64.urlsafe_b64encode(keys.derived_key(b"set-up link")).decode().rstrip("=")


def is_setup_token(token: str) -> bool:
    """Say whether this token is that of the set-up link, used or not."""
    return hmac.compare_digest(token.encode(), setup_token().encode())


def add(name: str, password: str, now: datetime, is_first: bool = False) -> Staff:
    """Add an account; raises UserError, and AlreadySetUp if it must be the first one but is not."""
    name = " ".join(customers.checked_line(name).split())
    if not name or max(len(name), len(normalise_login(name))) > MAX_SHORT_LENGTH:
        raise UserError(f"Bitte geben Sie einen Namen mit höchstens {MAX_SHORT_LENGTH} Zeichen an.")
    passwords.check_is_strong(password, name)
    password_hash = _hash(password)
    try:
        with transaction():
            if is_first and is_set_up():
                raise AlreadySetUp
            return Staff.create(login=normalise_login(name), name=name, password_hash=password_hash, created_at=now)
    except IntegrityError:
        raise UserError(f"Ein Konto mit dem Namen „{name}“ gibt es schon.") from None


def find(name: str) -> Staff:
    """Return the account with this name; raises UserError."""
    member = Staff.get_or_none(Staff.login == normalise_login(name))
    if member is None:
        raise UserError(f"Ein Konto mit dem Namen „{name}“ gibt es nicht.")
    return member


def set_password(member: Staff, password: str, now: datetime) -> None:
    """Give an account a new password, end its sessions and forget its failed attempts; raises UserError."""
    passwords.check_is_strong(password, member.name)
    password_hash = _hash(password)
    with transaction():
        Staff.update(password_hash=password_hash).where(Staff.id == member.id).execute()
        sessions.end_all(member, now)
        login_throttle.reset(login_throttle.account_source(member.login))


def lock(member: Staff, now: datetime) -> None:
    """Lock an account and end its sessions."""
    with transaction():
        Staff.update(locked_at=now).where(Staff.id == member.id, Staff.locked_at.is_null()).execute()
        sessions.end_all(member, now)


def unlock(member: Staff) -> None:
    """Unlock an account."""
    with transaction():
        Staff.update(locked_at=None).where(Staff.id == member.id).execute()


def sign_in(name: str, password: str, code: str, ip: str, now: datetime) -> str | None:
    """Open a session and return its token, or None if the name, the password or the code is wrong.

    Slow on purpose: an unknown name, a wrong password, a wrong code and a locked account all take as long. Raises
    TooManyAttempts.
    """
    login = normalise_login(name)
    _begin_attempt(login, ip, now)
    member = Staff.get_or_none(Staff.login == login)
    is_right = _is_password(member, password)
    match = two_factor.match_code(member, code, now)
    if member is None or not is_right:
        return None
    with transaction():
        if not _is_unchanged(member):
            return None
        if member.totp_enabled_at and not (match and two_factor.consume_code(member, match)):
            return None
        _record_success(login, ip)
        return sessions.begin(member, ip, now)


def verify_password(member: Staff, password: str, ip: str, now: datetime) -> bool:
    """Say whether somebody who is signed in knows the password of the account; raises TooManyAttempts."""
    _begin_attempt(member.login, ip, now)
    is_right = _is_password(member, password)
    if is_right:
        _record_success(member.login, ip)
    return is_right


def normalise_login(name: str) -> str:
    """Return the form of a name by which an account is found."""
    return " ".join(normalised(mark_control_characters(clean_line(name)), "NFKC").casefold().split())


def _begin_attempt(login: str, ip: str, now: datetime) -> None:
    longest_waits = {
        login_throttle.account_source(login): login_throttle.MAX_ACCOUNT_WAIT,
        login_throttle.network_source(ip): login_throttle.MAX_NETWORK_WAIT,
        login_throttle.site_source(ip): login_throttle.MAX_NETWORK_WAIT,
    }
    # An attacker elsewhere must not keep out the owner, who signs in from a known network.
    if sessions.has_recent_session(login, ip, now):
        longest_waits[login_throttle.account_source(login)] = timedelta()
        longest_waits[login_throttle.site_source(ip)] = timedelta()
    login_throttle.register_attempt(longest_waits, now)


def _is_unchanged(member: Staff) -> bool:
    """Say whether an account is not locked and still has the password and second factor that were checked."""
    return (
        Staff.active()
        .where(
            Staff.id == member.id,
            Staff.password_hash == member.password_hash,
            Staff.totp_salt.is_null() if member.totp_salt is None else Staff.totp_salt == member.totp_salt,
            Staff.totp_enabled_at.is_null(member.totp_enabled_at is None),
        )
        .exists()
    )


def _record_success(login: str, ip: str) -> None:
    # Undo only this attempt: signing in to one's own account must not free attempts at another one.
    login_throttle.undo_attempt(login_throttle.network_source(ip))
    login_throttle.undo_attempt(login_throttle.site_source(ip))
    login_throttle.reset(login_throttle.account_source(login))


def _is_password(member: Staff | None, password: str) -> bool:
    return check_password_hash(member.password_hash if member else pins.dummy_hash(), passwords.normalise(password))


def _hash(password: str) -> str:
    return generate_password_hash(passwords.normalise(password))
