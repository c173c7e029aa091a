"""The way out when the secret key is lost for ever: a new one, without anything that hung on the old one."""

import secrets
from typing import NamedTuple

from database import transaction
from services.customers import pins
from services.errors import UserError
from services.mail import access_links
from services.security import keys
from services.security.keys import SECRET_KEY_BYTES
from services.staff import sessions, two_factor
from settings import settings

ASIDE = ".beschaedigt"


class Withdrawn(NamedTuple):
    """How many PINs and second factors count no longer."""

    pins: int
    second_factors: int


def refuse_if_key_is_intact():
    """Raise UserError while there is a key that is whole: nobody may lose all PINs by a word too much."""
    path = settings.secret_key_path
    if path.is_file() and path.stat().st_size == SECRET_KEY_BYTES:
        raise UserError(
            f"{path} ist da und ganz, ein neuer Schlüssel ist nicht nötig. Gehört die Datei nicht zu dieser Datenbank, "
            "legen Sie die richtige hinein; gibt es die nicht mehr, nehmen Sie diese hier zuerst weg."
        )


def replace_key(now):
    """Make a new key in place of one that is missing or damaged, and take away what fits nothing any more.

    Raises UserError. A crash in between leaves no key, and all of this can be done again.
    """
    refuse_if_key_is_intact()
    key = secrets.token_bytes(SECRET_KEY_BYTES)
    with transaction():
        withdrawn = Withdrawn(pins.withdraw_all_pins(), two_factor.disable_all())
        access_links.rekey(key)
        sessions.end_all_staff_sessions(now)
    path = settings.secret_key_path
    if path.exists():
        path.replace(path.with_name(path.name + ASIDE))
    keys.place_secret_key(key)
    return withdrawn
