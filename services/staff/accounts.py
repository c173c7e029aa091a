"""The accounts of the staff: their passwords, and signing in."""

import base64
import hmac
import secrets
from datetime import datetime

from peewee import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from database import transaction
from enums import MAX_SHORT_LENGTH, StaffRole
from i18n.typed_text import clean_line, mark_control_characters, normalised
from models import RecoveryCode, Staff
from services.customers import customers, pins
from services.errors import UserError
from services.mail import messages
from services.security import account_links, keys, login_throttle, passwords
from services.security.ip_networks import site_of
from services.staff import known_browsers, sessions, two_factor
from services.tickets import actions
from settings import settings

# From new places an account has so many free failures: what many sites together may try.
FREE_OF_ACCOUNT = 20_000

# So many wrong codes within a day are reported, and so many stop the codes of the app.
REPORTED_WRONG_CODES, MAX_WRONG_CODES = 20, 100


# Who is checked where there is no account, so that it takes as long.
_NOBODY = Staff(id=0, password_hash="")


class AlreadySetUp(Exception):
    """The first account exists already."""


def is_set_up() -> bool:
    """Say whether the first account exists."""
    return Staff.select().exists()


def setup_token() -> str:
    """Return the token of the set-up link; it is derived from the secret key and stored nowhere."""
    return base64.urlsafe_b64encode(keys.derived_key(b"set-up link")).decode().rstrip("=")


def is_setup_token(token: str) -> bool:
    """Say whether this token is that of the set-up link, used or not."""
    return hmac.compare_digest(token.encode(), setup_token().encode())


def add(name: str, password: str, now: datetime, is_first: bool = False, role: StaffRole = StaffRole.TEAM) -> Staff:
    """Add an account, the first one with the role "Leitung".

    Raises UserError, and AlreadySetUp if it must be the first one but is not.
    """
    name = " ".join(customers.checked_line(name).split())
    if not name or max(len(name), len(normalise_login(name))) > MAX_SHORT_LENGTH:
        raise UserError(f"Bitte geben Sie einen Namen mit höchstens {MAX_SHORT_LENGTH} Zeichen an.")
    passwords.check_is_strong(password, name)
    password_hash = _hash(password)
    try:
        with transaction():
            if is_first and is_set_up():
                raise AlreadySetUp
            role = role if is_set_up() else StaffRole.LEAD
            known = {"login": normalise_login(name), "name": name, "role": role}
            return Staff.create(**known, password_hash=password_hash, created_at=now)
    except IntegrityError:
        raise UserError(f"Ein Konto mit dem Namen „{name}“ gibt es schon.") from None


def invite(name: str, role: StaffRole, now: datetime) -> Staff:
    """Add an account whose owner chooses the password by a link; raises UserError."""
    member = add(name, secrets.token_urlsafe(32), now, role=role)
    renew_link(member, now)
    return member


def renew_link(member: Staff, now: datetime) -> None:
    """Give an account a new link by which its owner chooses a password."""
    with transaction():
        account_links.issue(member, now)


def change_role(member: Staff, role: StaffRole) -> None:
    """Change the role of an account; raises UserError if nobody would have the role "Leitung"."""
    with transaction():
        if role is not StaffRole.LEAD:
            require_other_lead(member)
        Staff.update(role=role).where(Staff.id == member.id).execute()


def require_other_lead(member: Staff) -> None:
    """Raise UserError if without this account nobody with a password would have the role "Leitung"."""
    has_password = Staff.link_hash.is_null()
    if not Staff.active().where(Staff.role == StaffRole.LEAD, Staff.id != member.id, has_password).exists():
        raise UserError(
            "Mindestens ein weiteres Konto, das nicht gesperrt ist und ein Kennwort hat, braucht die Rolle Leitung."
        )


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
        changed = {"password_hash": password_hash, "link_hash": None, "link_expires_at": None}
        Staff.update(changed).where(Staff.id == member.id).execute()
        sessions.end_all(member, now)
        login_throttle.reset(login_throttle.source("name", member.login))
        forget_wrong_codes(member)


def lock_and_hand_over(member: Staff, to: Staff | None, by: Staff, now: datetime) -> None:
    """Lock an account and assign its open tickets; raises UserError if nobody would have the role "Leitung"."""
    with transaction():
        require_other_lead(member)
        actions.hand_over(member, to, by, now)
        lock(member, now)


def lock(member: Staff, now: datetime) -> None:
    """Lock an account, and end its sessions and its link."""
    with transaction():
        Staff.update(locked_at=now, link_expires_at=None).where(
            Staff.id == member.id, Staff.locked_at.is_null()
        ).execute()
        sessions.end_all(member, now)


def unlock(member: Staff) -> None:
    """Unlock an account."""
    with transaction():
        Staff.update(locked_at=None).where(Staff.id == member.id).execute()


def sign_in(name: str, password: str, code: str, ip: str, browsers: list[str], now: datetime) -> str | None:
    """Open a session and return its token, or None if the name, the password or the code is wrong.

    browsers: the tokens of a browser that is known. Slow on purpose: an unknown name, a wrong password, a wrong code
    and a locked account all take as long. Raises TooManyAttempts.
    """
    login = normalise_login(name)
    # Not get_or_none, which takes longer for a name that does not exist.
    member = Staff.select().where(Staff.login == login).first()
    free = _sources(member, login, ip, browsers)
    login_throttle.register_attempt(free, now)
    is_right = _is_password(member, password)
    match = two_factor.match_code(member, code, now)
    with transaction():
        # Asked and counted for everybody, because it takes time: a wrong code must not tell that the password is right.
        is_right = _is_unchanged(member or _NOBODY) and is_right
        is_code_right = _check_code(member if is_right and member and member.totp_enabled_at else None, match, now)
        if member is None or not is_right or not is_code_right:
            return None
        login_throttle.undo_attempt(list(free))
        return sessions.begin(member, ip, now)


def verify_password(member: Staff, password: str, now: datetime) -> bool:
    """Say whether somebody who is signed in knows the password of the account; raises TooManyAttempts."""
    source = login_throttle.source("signed-in", member.id)
    login_throttle.register_attempt({source: settings.free_sign_in_failures}, now)
    is_right = _is_password(member, password)
    if is_right:
        login_throttle.undo_attempt([source])
    return is_right


def with_wrong_codes(now: datetime) -> list[Staff]:
    """Return the accounts for which somebody who knows the password typed many wrong codes within a day."""
    return [member for member in Staff.active() if login_throttle.failures(_codes(member), now) >= REPORTED_WRONG_CODES]


def report_wrong_codes(now: datetime) -> None:
    """Tell the office once a day of each account with many wrong codes; very many stop the app's codes for good.

    The worker does it: within the sign-in, the time would tell that the password is right.
    """
    for member in with_wrong_codes(now):
        told = _told(member)
        with transaction():
            if login_throttle.failures(_codes(member), now) >= MAX_WRONG_CODES:
                two_factor.stop_codes(member)
            if not login_throttle.failures(told, now):
                login_throttle.count_failure(told, now)
                messages.wrong_codes(member, now)


def forget_wrong_codes(member: Staff) -> None:
    """Let the codes of the app count again, after the recovery way; within a transaction."""
    login_throttle.reset(_codes(member))
    login_throttle.reset(_told(member))
    two_factor.resume_codes(member)


def normalise_login(name: str) -> str:
    """Return the form of a name by which an account is found."""
    return " ".join(normalised(mark_control_characters(clean_line(name)), "NFKC").casefold().split())


def _sources(member: Staff | None, login: str, ip: str, browsers: list[str]) -> dict[str, int]:
    """Return by what an attempt is counted, with the free failures of each: a known browser only by itself."""
    free = settings.free_sign_in_failures
    if browser := known_browsers.browser_of(member or _NOBODY, browsers):
        return {login_throttle.source("browser", browser): free}
    return {
        login_throttle.source("name", login): max(free, FREE_OF_ACCOUNT),
        login_throttle.source("site", site_of(ip)): free,
    }


def _check_code(member: Staff | None, match: int | RecoveryCode | None, now: datetime) -> bool:
    """Say whether the typed code is right, and count a wrong one; without a member there is none to check."""
    source, is_recovery = _codes(member), isinstance(match, RecoveryCode)
    is_stopped = login_throttle.failures(source, now) >= MAX_WRONG_CODES
    if member and match and (is_recovery or not is_stopped) and two_factor.consume_code(member, match):
        if is_recovery:
            forget_wrong_codes(member)
        return True
    login_throttle.count_failure(source, now)
    return member is None


def _codes(member: Staff | None) -> str:
    return login_throttle.source("code", member.id if member else 0)


def _told(member: Staff) -> str:
    return login_throttle.source("codes told", member.id)


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


def _is_password(member: Staff | None, password: str) -> bool:
    return check_password_hash(member.password_hash if member else pins.dummy_hash(), passwords.normalise(password))


def _hash(password: str) -> str:
    return generate_password_hash(passwords.normalise(password))
