"""Names of files: the sender's, made safe once on arrival, and our own, which alone lead to a path."""

import errno
import re
import secrets
import unicodedata
from pathlib import Path

from enums import MAX_FILE_NAME_LENGTH
from i18n.typed_text import clean_line
from settings import settings

NAMELESS = "ohne Namen"

STORED_NAME = re.compile("[0-9a-f]{32}")

# Characters that look like the dot before an ending.
_DOTS = str.maketrans(dict.fromkeys("．﹒․", "."))
_RESERVED = re.compile(r'[<>:"|?*]')
# Windows opens a device instead of a file with such a name, whatever its ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """Return a name without folders, invisible and special characters; a long one is shortened before its ending."""
    name = _visible(name).translate(_DOTS)
    name = _RESERVED.sub("_", re.split(r"[/\\]", name)[-1])
    # Windows drops spaces and dots at the end.
    stem, dot, ending = " ".join(name.split()).rstrip(". ").rpartition(".")
    if _DEVICE.match(stem + dot + ending):
        stem = f"_{stem}"
    if not stem and (dot or not ending):
        stem = NAMELESS
    return with_ending(stem, dot + ending)


def new_stored_name() -> str:
    """Return a random name under which a file is stored."""
    return secrets.token_hex(16)


def stored_path(stored_name: str) -> Path:
    """Return the path of a stored file; raises FileNotFoundError for a name that the portal never gives.

    Nothing else makes such a path: a database from elsewhere could name any file of this machine.
    """
    if not STORED_NAME.fullmatch(stored_name):
        raise FileNotFoundError(errno.ENOENT, "no name of a stored file", stored_name)
    return settings.files_dir / stored_name


def split_name(name: str) -> tuple[str, str]:
    """Return a name without its ending, and the ending with its dot, or ""; numbers, dates and words are no endings."""
    stem, dot, ending = name.rpartition(".")
    has_ending = dot and ending.strip("0123456789-_") and not set(ending) & set(" ()")
    return (stem, dot + ending) if has_ending else (name, "")


def with_ending(stem: str, ending: str) -> str:
    """Return a name of at most the allowed length; what is too long is taken from before the ending."""
    return (stem[: max(1, MAX_FILE_NAME_LENGTH - len(ending))] + ending)[:MAX_FILE_NAME_LENGTH]


def _visible(name: str) -> str:
    return clean_line("".join(character for character in name if not unicodedata.category(character).startswith("C")))
