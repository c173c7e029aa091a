"""Plain text as programs on Windows and Linux write it: UTF-8, UTF-16, Windows-1252 or CP850.

Scripts and HTML are accepted as text: people send them for a look, and nothing runs them.
"""

import codecs
import re

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

# German letters where German has them, and lines of the boxes that programs draw in CP850. Not "ä" at the start of a
# word: it is the byte of a quotation mark in Windows-1252.
_GERMAN = re.compile(
    "[äöü](?<=[A-Za-zäöüß].)(?=[a-zäöüß])|[ÄÖÜ](?<=[A-ZÄÖÜ].)(?=[A-Z])|ß(?<=[aeiouäöü].)(?=[et])|[öüÄÖÜ](?<!\\w.)(?=[a-z])"
    "|[─═]{3}"
)


def is_text(data: bytes) -> bool:
    """Say whether the content of a file reads as text."""
    if encoding := _utf_16(data):
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
    if encoding := _utf_16(data):
        return data.decode(encoding, "replace")
    # Without the letter that is cut off at the end.
    text = codecs.getincrementaldecoder("utf-8-sig")("replace").decode(data)
    invalid = text.count("\N{REPLACEMENT CHARACTER}")
    if 2 * invalid <= len(text) - len(text.encode("ascii", "ignore")):
        return text
    first = _NOT_ASCII.search(data)
    begin = max(0, first.start() - 1) if first else 0
    return data.decode(_single_byte_encoding(data[begin : begin + _SAMPLE_BYTES]), "replace")


def _single_byte_encoding(sample: bytes) -> str:
    """Return the encoding in which a sample has more German letters where German has them."""
    return max("cp1252", "cp850", key=lambda encoding: len(_GERMAN.findall(sample.decode(encoding, "replace"))))


def _utf_16(data: bytes) -> str:
    """Return the byte order of a text in UTF-16, or "". Without a mark, every other byte of it is NUL."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    pairs = len(data) // 2
    low, high = data[0::2].count(0), data[1::2].count(0)
    for encoding, nuls, others in (("utf-16-le", high, low), ("utf-16-be", low, high)):
        if nuls > others + pairs // 3:
            return encoding
    return ""
