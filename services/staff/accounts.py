"""Who works in the office: accounts, their passwords, and signing in."""

import base64
import hmac
import re
import unicodedata
from datetime import timedelta

from peewee import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from database import transaction
from enums import MAX_PASSWORD_LENGTH, MAX_SHORT_LENGTH, MIN_PASSWORD_LENGTH
from models import Staff
from services.customers import pins
from services.errors import UserError
from services.security import keys, login_throttle
from services.staff import sessions, two_factor
from settings import settings

# How hard a password is to guess, on zxcvbn's scale from 0 to 4, and how much of one it looks at.
MIN_SCORE = 3
SCORED_LENGTH = 72

# So many letters and digits must be left of a password without the words that everybody knows.
MIN_OWN_LETTERS = 6

# What people take first here; zxcvbn knows the English and the international ones.
COMMON_WORDS = (
    "passwort kennwort geheim geheimnis anmelden verwaltung willkommen hallo schatz admin administrator support ticket "
    "meldeportal computer sommer winter herbst frühling fruehling januar februar märz april mai juni juli august "
    "september oktober november dezember montag dienstag mittwoch donnerstag freitag samstag sonntag fussball "
    "deutschland berlin hamburg münchen köln düsseldorf frankfurt stuttgart schalke borussia bayern"
)


class AlreadySetUp(UserError):
    """There is a first account already."""


def is_set_up():
    """Say whether there is a first account."""
    return Staff.select().exists()


def setup_token():
    """Return the token of the set-up link; nothing is stored, it follows from the secret key."""
    return base64.urlsafe_b64encode(keys.derived_key(b"set-up link")).decode().rstrip("=")


def is_setup_token(token):
    """Say whether this token may make the first account."""
    return not is_set_up() and hmac.compare_digest(token.encode(), setup_token().encode())


def add_first(name, password, now):
    """Add the first account; raises AlreadySetUp when there is one, and UserError."""
    return _add(name, password, now, is_first=True)


def add(name, password, now):
    """Add an account; raises UserError."""
    return _add(name, password, now, is_first=False)


def find(name):
    """Return the account with this name; raises UserError."""
    member = Staff.get_or_none(Staff.login == normalise_login(name))
    if member is None:
        raise UserError(f"Ein Konto mit dem Namen „{name}“ gibt es nicht.")
    return member


def set_password(member, password, now):
    """Give an account a new password and end its sessions; raises UserError.

    Whoever was slowed down at this account may try again at once.
    """
    check_password_is_strong(password, member.name)
    password_hash = _hash(password)
    with transaction():
        Staff.update(password_hash=password_hash).where(Staff.id == member.id).execute()
        sessions.end_all(member, now)
        login_throttle.reset(login_throttle.account_source(member.login))


def lock(member, now):
    """Lock an account and end its sessions."""
    with transaction():
        Staff.update(locked_at=now).where(Staff.id == member.id, Staff.locked_at.is_null()).execute()
        sessions.end_all(member, now)


def unlock(member):
    """Unlock an account."""
    with transaction():
        Staff.update(locked_at=None).where(Staff.id == member.id).execute()


def sign_in(name, password, code, ip, now):
    """Open a session and return its token, or None if anything of it is wrong; slow on purpose.

    Raises TooManyAttempts. An unknown name, a wrong password or code and a locked account all cost the same.
    """
    login = normalise_login(name)
    _begin_attempt(login, ip, now)
    member = Staff.get_or_none(Staff.login == login)
    fits = _is_password(member, password)
    proof = two_factor.match_code(member, code, now)
    if member is None or not fits:
        return None
    with transaction():
        if not _is_unchanged(member):
            return None
        if member.totp_enabled_at and not (proof and two_factor.consume_code(member, proof)):
            return None
        _record_success(login, ip)
        return sessions.begin(member, ip, now)


def verify_password(member, password, ip, now):
    """Say whether somebody who is signed in knows the password of the account; raises TooManyAttempts."""
    _begin_attempt(member.login, ip, now)
    fits = _is_password(member, password)
    if fits:
        _record_success(member.login, ip)
    return fits


def normalise_login(name):
    """Return the form of a name by which an account is found."""
    # What is far too long is nobody's name, and normalising takes quadratic time for some texts.
    return " ".join(unicodedata.normalize("NFKC", name[: 2 * MAX_SHORT_LENGTH]).casefold().split())


def check_password_is_strong(password, name):
    """Refuse a password that is too short or easy to guess; raises UserError with the reason."""
    if len(password) > MAX_PASSWORD_LENGTH:
        raise UserError(f"Bitte kürzen Sie das Kennwort auf höchstens {MAX_PASSWORD_LENGTH} Zeichen.")
    password = _normalised(password)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise UserError(f"Bitte wählen Sie ein Kennwort mit mindestens {MIN_PASSWORD_LENGTH} Zeichen.")
    if _is_easy_to_guess(password, f"{name} {settings.office_name} {COMMON_WORDS}".casefold().split()):
        raise UserError(
            "Dieses Kennwort ist zu leicht zu erraten. Gut sind zum Beispiel vier Wörter, die nichts miteinander "
            "und nichts mit Ihnen zu tun haben."
        )


def _is_easy_to_guess(password, known_words):
    # Its lists of words take 12 MB, and a password is set once in a year.
    from zxcvbn import zxcvbn

    if zxcvbn(password[:SCORED_LENGTH], user_inputs=known_words)["score"] < MIN_SCORE:
        return True
    # "Sommer2026!!" and one's own name with a digit are what people try first, though not what programs do.
    longer_words = [re.escape(word) for word in known_words if len(word) > 3]
    own_part = re.sub("|".join(longer_words), "", password.casefold())
    return sum(map(str.isalnum, own_part)) < MIN_OWN_LETTERS


def _add(name, password, now, is_first):
    name = " ".join(name.split())
    if not name or max(len(name), len(normalise_login(name))) > MAX_SHORT_LENGTH or not name.isprintable():
        raise UserError(
            f"Bitte geben Sie einen Namen mit höchstens {MAX_SHORT_LENGTH} Zeichen an, ohne unsichtbare Zeichen."
        )
    check_password_is_strong(password, name)
    password_hash = _hash(password)
    try:
        with transaction():
            if is_first and is_set_up():
                raise AlreadySetUp("Ein Konto gibt es schon.")
            return Staff.create(login=normalise_login(name), name=name, password_hash=password_hash, created_at=now)
    except IntegrityError:
        raise UserError(f"Ein Konto mit dem Namen „{name}“ gibt es schon.") from None


def _begin_attempt(login, ip, now):
    # Somebody who guesses from elsewhere must not keep the owner out who sits at the usual place.
    is_known_network = sessions.has_recent_session(login, ip, now)
    login_throttle.register_attempt(
        {
            login_throttle.account_source(login): timedelta()
            if is_known_network
            else login_throttle.LONGEST_ACCOUNT_WAIT,
            login_throttle.network_source(ip): login_throttle.MAX_NETWORK_WAIT,
            login_throttle.site_source(ip): timedelta() if is_known_network else login_throttle.MAX_NETWORK_WAIT,
        },
        now,
    )


def _is_unchanged(member):
    """Say whether an account is still what it was before the slow hash was computed, and not locked."""
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


def _record_success(login, ip):
    # Only this one attempt: who has an account must not be able to guess on at another one.
    login_throttle.undo_attempt(login_throttle.network_source(ip))
    login_throttle.undo_attempt(login_throttle.site_source(ip))
    login_throttle.reset(login_throttle.account_source(login))


def _is_password(member, password):
    return check_password_hash(member.password_hash if member else pins.dummy_hash(), _normalised(password))


def _hash(password):
    return generate_password_hash(_normalised(password))


def _normalised(password):
    # One and the same letter comes as one or as two characters, depending on the keyboard.
    return unicodedata.normalize("NFC", password[: MAX_PASSWORD_LENGTH + 1])
