"""Archives and programs that hide in or behind another file, found by their signatures."""

import re

# Each is too long to occur in a picture by chance, so not "MZ" alone. For a ZIP it is the record at its end, whose two
# numbers of entries are equal; archive programs open it wherever the archive begins.
_SIGNATURES = [
    re.compile(signature, re.DOTALL)
    for signature in (
        rb"PK\x05\x06(?:\x00{4}|\xff{4})(..)\1",
        rb"Rar!\x1a\x07[\x00\x01]",
        rb"7z\xbc\xaf\x27\x1c",
        rb"MSCF\x00{4}",
        rb"\x01CD001\x01",
        rb"\x7fELF[\x01\x02]{2}\x01",
        rb"PE\x00\x00(?:\x4c\x01|\xc4\x01|\x64\x86|\x64\xaa)",
    )
]
# The record and the longest comment behind it: here ZIP programs look for it, and some are content with its mark.
_ZIP_END, _ZIP_END_REACH = b"PK\x05\x06", 22 + 65535


def has_hidden_archive_or_program(data: bytes) -> bool:
    """Say whether there is one in the content of a file."""
    if data.find(_ZIP_END, max(0, len(data) - _ZIP_END_REACH)) >= 0:
        return True
    return any(signature.search(data) for signature in _SIGNATURES)
