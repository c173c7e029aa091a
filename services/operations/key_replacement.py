"""Replace a lost secret key: everything that depends on the old one becomes invalid."""

import secrets
from datetime import datetime

from database import transaction
from services.customers import pins
from services.errors import UserError
from services.mail import access_links
from services.operations import data_folder
from services.security import account_links, keys
from services.security.keys import SECRET_KEY_BYTES
from services.staff import sessions, two_factor
from settings import settings

ASIDE = ".beschaedigt"


def refuse_if_key_is_intact() -> None:
    """Raise UserError if there is a key of the right size, so that nobody loses all PINs by mistake."""
    if data_folder.has_intact_key():
        raise UserError(
            f"{settings.secret_key_path} ist da und ganz, ein neuer Schlüssel ist nicht nötig. Gehört die Datei nicht "
            "zu dieser Datenbank, legen Sie die richtige hinein; gibt es die nicht mehr, nehmen Sie diese hier zuerst "
            "weg."
        )


def replace_key(now: datetime) -> tuple[int, int]:
    """Replace a missing or damaged key, and withdraw all PINs, second factors and staff sessions.

    Returns how many PINs and second factors have become invalid. Raises UserError if the key is intact. After a crash
    in between there is no key, and this can be repeated.
    """
    refuse_if_key_is_intact()
    key = secrets.token_bytes(SECRET_KEY_BYTES)
    with transaction():
        withdrawn = pins.withdraw_all_pins(), two_factor.disable_all()
        access_links.rekey(key)
        account_links.expire_all()
        sessions.end_all_staff_sessions(now)
    path = settings.secret_key_path
    if path.exists():
        path.replace(path.with_name(path.name + ASIDE))
    keys.place_secret_key(key)
    return withdrawn
