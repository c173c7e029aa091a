"""Plain text as programs write it: UTF-8, UTF-16, Windows-1252, CP850 or Mac OS Roman.

Scripts and HTML are accepted as text: people send them for a look, and nothing runs them.
"""

import codecs
import re

from i18n import encodings
from i18n.typed_text import clean_text, mark_control_characters

# Control bytes without a place in a text. Logs have NUL, BEL, BS, tab, line ends, Ctrl-Z and ESC.
_PLACELESS = bytes({*range(0x20), 0x7F} - {*b"\0\a\b\t\n\v\f\r\x1a\x1b"})
_NOT_VISIBLE = bytes(range(0x20)) + b" \x7f"
_NOT_IN_ASCII = bytes(range(0x80, 0x100))

# So many visible bytes there must be for a control byte without a place, beside a few. Devices frame each line of a log
# with two, packed data has one in ten, but half of it is not in ASCII, and programs have NUL.
_VISIBLE_IN_LOGS, _VISIBLE_OTHERWISE, _FEW = 4, 24, 16

# Enough to see how a text reads; in UTF-16, a byte without a meaning is slow to decode.
_SAMPLE_BYTES = 128 * 1024

_NOT_ASCII = re.compile(rb"[\x80-\xff]")

# A sequence that sets colours, moves the cursor or names the window of a terminal.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,9}[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|[ -/]{0,9}[0-~])")


def is_text(data: bytes) -> bool:
    """Say whether the content of a file reads as text."""
    if encoding := encodings.utf_16(data):
        data = data[:_SAMPLE_BYTES].decode(encoding, "replace").encode()
    placeless = len(data) - len(data.translate(None, _PLACELESS))
    visible = len(data.translate(None, _NOT_VISIBLE))
    not_in_ascii = len(data) - len(data.translate(None, _NOT_IN_ASCII))
    is_plain = b"\0" not in data and 4 * not_in_ascii <= visible
    needed = placeless * (_VISIBLE_IN_LOGS if is_plain else _VISIBLE_OTHERWISE) - _FEW
    return visible > max(0, needed)


def decoded(beginning: bytes) -> str:
    """Return the text of the first bytes of a text file, without what a terminal would obey and a reader not see."""
    text = _decoded(beginning).replace("\0", "").rstrip("\x1a")
    return mark_control_characters(clean_text(_ESCAPE.sub("", text)))


def _decoded(data: bytes) -> str:
    if encoding := encodings.utf_16(data):
        return encodings.decode(data, encoding)
    # Without the letter that is cut off at the end.
    text = codecs.getincrementaldecoder("utf-8-sig")("replace").decode(data)
    invalid = text.count("\N{REPLACEMENT CHARACTER}")
    if 2 * invalid <= len(text) - len(text.encode("ascii", "ignore")):
        return text
    first = _NOT_ASCII.search(data)
    begin = max(0, first.start() - 1) if first else 0
    return data.decode(encodings.single_byte_encoding(data[begin : begin + _SAMPLE_BYTES]), "replace")
