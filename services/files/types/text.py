"""Plain text: UTF-8, UTF-16 with a byte order mark, or Windows-1252, and no control characters.

What the words mean is not asked: a script or a page as text is what somebody from IT sends, and nothing here runs it.
"""

import codecs
import re

from i18n.catalogue import gettext as _
from services.files.types.reader import WrongKind

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_CHUNK = 65536


def check_text(file):
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


def decoded(beginning):
    """Return the beginning of a text file that was let in, without a letter that is cut at its end."""
    for encoding in _encodings(beginning):
        try:
            return codecs.getincrementaldecoder(encoding)().decode(beginning)
        except UnicodeDecodeError:
            continue
    return ""


def _encodings(beginning):
    """Return the encodings that a text beginning with these bytes may have, the likelier one first."""
    return ["utf-16"] if beginning[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ["utf-8-sig", "cp1252"]


def _has_control_characters(file, encoding):
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    while block := file.read(_CHUNK):
        if _CONTROL.search(decoder.decode(block)):
            return True
    return bool(_CONTROL.search(decoder.decode(b"", final=True)))
