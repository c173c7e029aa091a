"""The second factor of an account: codes from an authenticator app (TOTP, RFC 6238), and recovery codes.

The database alone gives away neither: both depend on the secret key, which lies in a file beside it.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp

from database import transaction
from enums import CODE_ALPHABET
from i18n.typed_text import normalise_code
from models import RecoveryCode, Staff
from services.security import keys
from settings import settings

RECOVERY_CODES = 8

# 79 random bits: enough for a fast hash.
RECOVERY_CODE_LENGTH = 16
GROUP_LENGTH = 4

# A phone's clock may be one step (30 seconds) early or late.
WINDOW = (-1, 0, 1)

# In place of the last step whose code was used: no code is newer.
STOPPED = 2**62

SALT_BYTES = 16
SECRET_BYTES = 20


def begin_setup(member: Staff) -> None:
    """Give an account without a second factor a new secret, which takes effect once a code has confirmed it."""
    with transaction():
        Staff.update(totp_salt=secrets.token_hex(SALT_BYTES), totp_last_step=None).where(
            Staff.id == member.id, Staff.totp_enabled_at.is_null()
        ).execute()


def setup_key(member: Staff) -> str:
    """Return the secret of the account for typing into an app, in groups of four."""
    return _grouped(_totp(member).secret, " ")


def provisioning_uri(member: Staff) -> str:
    """Return the otpauth URI for the QR code."""
    return _totp(member).provisioning_uri(name=member.name, issuer_name=f"{settings.office_name} Meldeportal")


def confirm_setup(member: Staff, code: str, now: datetime) -> list[str] | None:
    """Switch the second factor on and return the recovery codes, or None if the code is wrong."""
    step = _step_of(member, code, now)
    if step is None or member.totp_salt is None:
        return None
    begun = (Staff.id == member.id) & (Staff.totp_salt == member.totp_salt) & Staff.totp_enabled_at.is_null()
    with transaction():
        if not Staff.update(totp_enabled_at=now, totp_last_step=step).where(begun).execute():
            return None
        return renew_recovery_codes(member)


def renew_recovery_codes(member: Staff) -> list[str]:
    """Replace all recovery codes and return the new ones."""
    codes = ["".join(secrets.choice(CODE_ALPHABET) for _ in range(RECOVERY_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    with transaction():
        RecoveryCode.delete().where(RecoveryCode.staff == member).execute()
        for code in codes:
            RecoveryCode.create(staff=member, code_hash=_hash(code))
    return [_grouped(code, "-") for code in codes]


def cancel_setup(member: Staff) -> None:
    """Discard a secret that no code has confirmed yet."""
    with transaction():
        Staff.update(totp_salt=None).where(Staff.id == member.id, Staff.totp_enabled_at.is_null()).execute()


def disable(member: Staff) -> None:
    """Remove the second factor and its recovery codes."""
    with transaction():
        RecoveryCode.delete().where(RecoveryCode.staff == member).execute()
        Staff.update(totp_salt=None, totp_enabled_at=None, totp_last_step=None).where(Staff.id == member.id).execute()


def disable_all() -> int:
    """Remove all second factors, within a transaction, and return how many there were."""
    RecoveryCode.delete().execute()
    Staff.update(totp_salt=None, totp_last_step=None).execute()
    return Staff.update(totp_enabled_at=None).where(Staff.totp_enabled_at.is_null(False)).execute()


def match_code(member: Staff | None, code: str, now: datetime) -> int | RecoveryCode | None:
    """Return the time step or the recovery code that a code matches, or None; takes as long without an account."""
    return _step_of(member, code, now) or RecoveryCode.get_or_none(
        RecoveryCode.staff == (member.id if member else 0), RecoveryCode.code_hash == _hash(normalise_code(code))
    )


def consume_code(member: Staff, match: int | RecoveryCode) -> bool:
    """Use up what a code matched, within the transaction that signs in, and say whether it was still unused."""
    if isinstance(match, RecoveryCode):
        return RecoveryCode.delete().where(RecoveryCode.id == match.id).execute() == 1
    unused = Staff.totp_last_step.is_null() | (Staff.totp_last_step < match)
    return Staff.update(totp_last_step=match).where(Staff.id == member.id, unused).execute() == 1


def stop_codes(member: Staff) -> None:
    """Accept no more codes of the app, within a transaction."""
    Staff.update(totp_last_step=STOPPED).where(Staff.id == member.id).execute()


def resume_codes(member: Staff) -> None:
    """Accept codes of the app again, within a transaction."""
    Staff.update(totp_last_step=None).where(Staff.id == member.id, Staff.totp_last_step == STOPPED).execute()


def _step_of(member: Staff | None, code: str, now: datetime) -> int | None:
    """Return the latest time step that has this code, or None."""
    totp, typed = _totp(member), normalise_code(code).encode()
    steps = [totp.timecode(now) + shift for shift in WINDOW]
    matches = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), typed)]
    return matches[-1] if matches else None


def _totp(member: Staff | None) -> pyotp.TOTP:
    salt = (member and member.totp_salt) or ""
    secret = hmac.new(keys.derived_key(b"second factor"), salt.encode(), hashlib.sha256).digest()
    return pyotp.TOTP(base64.b32encode(secret[:SECRET_BYTES]).decode())


def _grouped(text: str, separator: str) -> str:
    return separator.join(text[start : start + GROUP_LENGTH] for start in range(0, len(text), GROUP_LENGTH))


def _hash(code: str) -> str:
    return keys.keyed_digest(b"recovery code", code)
