"""The second factor of an account: codes that an app makes every 30 seconds, and recovery codes for its loss.

The database holds neither the app's secret nor a recovery code: both hang on the secret key beside it.
"""

import base64
import hashlib
import hmac
import secrets

import pyotp

from database import transaction
from enums import CODE_ALPHABET, normalise_code
from models import RecoveryCode, Staff
from services.security import keys
from settings import settings

RECOVERY_CODES = 8

# 79 random bits, so that a fast hash of one is enough.
RECOVERY_CODE_LENGTH = 16
GROUP_LENGTH = 4

# A phone's clock may be one step (30 seconds) early or late.
WINDOW = (-1, 0, 1)

SALT_BYTES = 16
SECRET_BYTES = 20


def begin_setup(member):
    """Give an account without a second factor a new secret; it counts from when a code has confirmed it."""
    with transaction():
        Staff.update(totp_salt=secrets.token_hex(SALT_BYTES), totp_last_step=None).where(
            Staff.id == member.id, Staff.totp_enabled_at.is_null()
        ).execute()


def setup_key(member):
    """Return the secret of the account as an app wants it typed, in groups of four."""
    return _grouped(_totp(member).secret, " ")


def provisioning_uri(member):
    """Return the otpauth address that the QR code holds."""
    return _totp(member).provisioning_uri(name=member.name, issuer_name=f"{settings.office_name} Meldeportal")


def confirm_setup(member, code, now):
    """Switch the second factor on if the code is the app's, and return the recovery codes, or None."""
    step = _step_of(member, code, now)
    if step is None or member.totp_salt is None:
        return None
    begun = (Staff.id == member.id) & (Staff.totp_salt == member.totp_salt) & Staff.totp_enabled_at.is_null()
    with transaction():
        if not Staff.update(totp_enabled_at=now, totp_last_step=step).where(begun).execute():
            return None
        return _new_recovery_codes(member)


def renew_recovery_codes(member):
    """Replace all recovery codes and return the new ones."""
    with transaction():
        return _new_recovery_codes(member)


def cancel_setup(member):
    """Forget a secret that no code has confirmed yet."""
    with transaction():
        Staff.update(totp_salt=None).where(Staff.id == member.id, Staff.totp_enabled_at.is_null()).execute()


def disable(member):
    """Take the second factor and its recovery codes away."""
    with transaction():
        RecoveryCode.delete().where(RecoveryCode.staff == member).execute()
        Staff.update(totp_salt=None, totp_enabled_at=None, totp_last_step=None).where(Staff.id == member.id).execute()


def disable_all():
    """Take all second factors away, within a transaction, and return how many there were."""
    RecoveryCode.delete().execute()
    Staff.update(totp_salt=None, totp_last_step=None).execute()
    return Staff.update(totp_enabled_at=None).where(Staff.totp_enabled_at.is_null(False)).execute()


def match_code(member, code, now):
    """Return the step or the recovery code that this code is, or None; costs the same for everybody, also for None."""
    return _step_of(member, code, now) or RecoveryCode.get_or_none(
        RecoveryCode.staff == (member.id if member else 0), RecoveryCode.code_hash == _hash(normalise_code(code))
    )


def consume_code(member, proof):
    """Say whether the proof still counts, and let it count no more; within the transaction that signs in."""
    if isinstance(proof, RecoveryCode):
        return RecoveryCode.delete().where(RecoveryCode.id == proof.id).execute() == 1
    unused = Staff.totp_last_step.is_null() | (Staff.totp_last_step < proof)
    return Staff.update(totp_last_step=proof).where(Staff.id == member.id, unused).execute() == 1


def _step_of(member, code, now):
    """Return the step of time whose code this is, or None."""
    totp = _totp(member)
    current = totp.timecode(now)
    fits = [step for step in (current + shift for shift in WINDOW) if _is_code(totp, step, normalise_code(code))]
    return fits[-1] if fits else None


def _is_code(totp, step, code):
    return hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())


def _totp(member):
    salt = (member and member.totp_salt) or ""
    secret = hmac.new(keys.derived_key(b"second factor"), salt.encode(), hashlib.sha256).digest()
    return pyotp.TOTP(base64.b32encode(secret[:SECRET_BYTES]).decode())


def _new_recovery_codes(member):
    RecoveryCode.delete().where(RecoveryCode.staff == member).execute()
    codes = ["".join(secrets.choice(CODE_ALPHABET) for _ in range(RECOVERY_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    for code in codes:
        RecoveryCode.create(staff=member, code_hash=_hash(code))
    return [_grouped(code, "-") for code in codes]


def _grouped(text, separator):
    return separator.join(text[start : start + GROUP_LENGTH] for start in range(0, len(text), GROUP_LENGTH))


def _hash(code):
    return hmac.new(keys.derived_key(b"recovery code"), code.encode(), hashlib.sha256).hexdigest()
