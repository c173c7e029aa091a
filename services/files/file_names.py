"""Names of uploaded files, made safe once on arrival, so that the name checked is the name shown."""

import re
import unicodedata

from enums import MAX_FILE_NAME_LENGTH
from i18n.typed_text import normalised

NAMELESS = "ohne Namen"

# Invisible letters, beside the control, bidi and zero-width characters, which Unicode has a category for.
_SHAPELESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Characters that look like the dot before an ending.
_DOTS = str.maketrans(dict.fromkeys("．﹒․", "."))
_RESERVED = re.compile(r'[<>:"|?*]')
# Windows opens a device instead of a file with such a name, whatever its ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """Return a name without folders, invisible and special characters; a long one is shortened before its ending."""
    # Cut first: normalising takes quadratic time for some texts.
    name = _visible(name[-10 * MAX_FILE_NAME_LENGTH :]).translate(_DOTS)
    name = _RESERVED.sub("_", re.split(r"[/\\]", name)[-1])
    # Windows drops spaces and dots at the end.
    stem, dot, ending = " ".join(name.split()).rstrip(". ").rpartition(".")
    if _DEVICE.match(stem + dot + ending):
        stem = f"_{stem}"
    if not stem and (dot or not ending):
        stem = NAMELESS
    return (stem[: max(1, MAX_FILE_NAME_LENGTH - len(dot + ending))] + dot + ending)[:MAX_FILE_NAME_LENGTH]


def _visible(name: str) -> str:
    kept = "".join(character for character in name if not unicodedata.category(character).startswith("C"))
    return normalised(_SHAPELESS.sub("", kept))
