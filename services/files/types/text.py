"""Plain text: UTF-8, UTF-16 with a byte order mark, or Windows-1252, without control characters.

Scripts and HTML are accepted as text: people send them for a look, and nothing runs them.
"""

import codecs
import re
from typing import BinaryIO

from i18n.catalogue import gettext as _
from services.files.types.reader import WrongKind

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_CHUNK = 65536


def check_text(file: BinaryIO) -> None:
    """Check an open file; raises WrongKind."""
    file.seek(0)
    for encoding in _encodings(file.read(2)):
        try:
            if _has_control_characters(file, encoding):
                break
            return
        except UnicodeDecodeError:
            continue
    raise WrongKind(_("Der Inhalt ist kein einfacher Text."))


def decoded(beginning: bytes) -> str:
    """Return the text of the first bytes of an accepted text file, without a letter that is cut off."""
    for encoding in _encodings(beginning):
        try:
            return codecs.getincrementaldecoder(encoding)().decode(beginning)
        except UnicodeDecodeError:
            continue
    return ""


def _encodings(beginning: bytes) -> list[str]:
    """Return the possible encodings of a text with these first bytes, the likelier one first."""
    return ["utf-16"] if beginning[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ["utf-8-sig", "cp1252"]


def _has_control_characters(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    while block := file.read(_CHUNK):
        if _CONTROL.search(decoder.decode(block)):
            return True
    return bool(_CONTROL.search(decoder.decode(b"", final=True)))
