"""Archives, Office documents and programs, also in or behind another file, found by their signatures."""

import re
from itertools import islice

# Each is too long to occur in a picture by chance, so not "MZ", nor Zstandard, which Illustrator uses within a PDF. A
# ZIP has entries and, at its end, a record with their number twice; archive programs open it without that record, too.
# Each stands with three bytes in it, its mark; no byte is at different places in two marks.
_SIGNATURES = {
    mark: re.compile(signature, re.DOTALL)
    for mark, signature in (
        (b"PK\x03", rb"PK\x03\x04[\x0a-\x3f]\x00..[\x00\x08\x09\x0c\x0e\x5d\x5f\x62\x63]\x00"),
        (b"PK\x05", rb"PK\x05\x06(?:\x00{4}|\xff{4})(..)\1"),
        (b"Rar", rb"Rar!\x1a\x07[\x00\x01]"),
        (b"7z\xbc", rb"7z\xbc\xaf\x27\x1c"),
        (b"7zX", rb"\xfd7zXZ\x00"),
        (b"BZh", rb"BZh[1-9]1AY&SY"),
        (b"\x1f\x8b\x08", rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]"),
        (b"CF\x00", rb"MSCF\x00{4}"),
        # Tar, of POSIX and of GNU.
        (b"tar", rb"ustar(?:\x0000|  \x00)"),
        # Disc images: ISO, UDF, Windows installation, Hyper-V.
        (b"CD0", rb"\x01CD001\x01"),
        (b"BEA", rb"\x00BEA01\x01"),
        (b"SWI", rb"MSWIM\x00{3}"),
        (b"dxf", rb"vhdxfile[^\x00]\x00"),
        # Old documents of Office, messages of Outlook and installers.
        (b"\xcf\x11\xe0", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        # Programs of Linux, Windows, macOS (one or several processors) and Java, WebAssembly, shortcuts of Windows.
        (b"\x7fEL", rb"\x7fELF[\x01\x02]{2}\x01"),
        (b"PE\x00", rb"PE\x00\x00(?:\x4c\x01|\xc4\x01|\x64\x86|\x64\xaa)"),
        (b"\xcf\xfa\xed", rb"\xcf\xfa\xed\xfe[\x07\x0c]\x00\x00\x01"),
        (b"\xca\xfe\xba", rb"\xca\xfe\xba\xbe\x00\x00\x00"),
        (b"sm\x01", rb"\x00asm\x01\x00\x00\x00"),
        (b"\x14\x02\x00", rb"L\x00\x00\x00\x01\x14\x02\x00{5}\xc0"),
    )
}
# So one search finds all marks, when each byte is replaced by its place in them.
_PLACES = bytes(1 + max(mark.find(byte) for mark in _SIGNATURES) for byte in range(256))
_MARK, _MAX_MARKS = re.compile(rb"\x01\x02\x03"), 10_000
# The record and the longest comment behind it: here ZIP programs look for it, and some are content with its mark.
_ZIP_END, _ZIP_END_REACH = b"PK\x05\x06", 22 + 65535


def is_archive_or_program(beginning: bytes) -> bool:
    """Say whether a file with these first bytes is one."""
    return any(signature.match(beginning) for signature in _SIGNATURES.values())


def has_hidden_archive_or_program(data: bytes) -> bool:
    """Say whether there is one anywhere in the content of a file."""
    if data.find(_ZIP_END, max(0, len(data) - _ZIP_END_REACH)) >= 0:
        return True
    found = islice(_MARK.finditer(data.translate(_PLACES)), _MAX_MARKS)
    marks = [data[mark.start() : mark.end()] for mark in found]
    likely = _SIGNATURES.keys() if len(marks) == _MAX_MARKS else _SIGNATURES.keys() & marks
    return any(_SIGNATURES[mark].search(data) for mark in likely)
