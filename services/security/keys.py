"""The secret key of an installation, and the keys derived from it."""

import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from models import Customer, Staff
from services import disk
from settings import StartError, settings

SECRET_KEY_BYTES = 32

MISSING_KEY_ADVICE = (
    "Legen Sie sie aus Ihrer Verwahrung zurück. Ist sie für immer verloren, macht der Befehl „schluessel neu“ eine "
    "andere."
)


def prepare_secret_key() -> None:
    """Create the secret key of a new installation; raises StartError if one in use has lost its key."""
    path = settings.secret_key_path
    if not path.exists():
        if Customer.select().exists() or Staff.select().exists():
            raise StartError(
                f"Die Datei {path} fehlt, und ohne sie gelten keine PIN und kein zweiter Faktor mehr. "
                f"{MISSING_KEY_ADVICE}"
            )
        place_secret_key(secrets.token_bytes(SECRET_KEY_BYTES))
    secret_key()


def place_secret_key(key: bytes) -> None:
    """Store these bytes as the secret key, unless there is one.

    The file is linked into place once it is complete and on disk, so that neither a crash nor a second process leaves a
    short or different key. On a file system without hard links (FAT32, exFAT) it is renamed instead.
    """
    path = settings.secret_key_path
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    except OSError:
        if not path.exists():
            fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)
        _key_in_force.cache_clear()
    disk.fsync_directory(path.parent)


def secret_key() -> bytes:
    """Return the secret key of this installation; raises StartError if it is damaged."""
    path = settings.secret_key_path
    key = path.read_bytes()
    if len(key) != SECRET_KEY_BYTES:
        raise StartError(f"Die Datei {path} ist beschädigt. {MISSING_KEY_ADVICE}")
    return key


def derived_key(label: bytes, key: bytes | None = None) -> bytes:
    """Return the key for one purpose, derived from the secret key in force or from another one."""
    return _derive(key or _key_in_force(settings.secret_key_path), label)


def keyed_digest(label: bytes, text: str) -> str:
    """Return the digest of a text with the key for one purpose, which tells nothing about the text without the key."""
    return hmac.new(derived_key(label), text.encode(), hashlib.sha256).hexdigest()


def hash_token(token: str) -> str:
    """Return the form in which a random token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


@cache
def _key_in_force(path: Path) -> bytes:
    # Read once: sessions are signed with the key of the start, and a process must not work with two keys.
    return secret_key()


@cache
def _derive(key: bytes, label: bytes) -> bytes:
    return hmac.new(key, label, hashlib.sha256).digest()
