"""Archives, Office documents and programs, also in or behind another file, found by their signatures."""

import re

# Each is too long to occur in a picture by chance, so not "MZ", nor Zstandard, which Illustrator uses within a PDF. A
# ZIP has entries and, at its end, a record with their number twice; archive programs open it without that record, too.
# Each stands with a run of bytes that is in it, made of as few different bytes as possible.
_SIGNATURES = {
    run: re.compile(signature, re.DOTALL)
    for run, signature in (
        (b"PK\x03\x04", rb"PK\x03\x04[\x0a-\x3f]\x00..[\x00\x08\x09\x0c\x0e\x5d\x5f\x62\x63]\x00"),
        (b"PK\x05\x06", rb"PK\x05\x06(?:\x00{4}|\xff{4})(..)\1"),
        (b"Rar!\x1a", rb"Rar!\x1a\x07[\x00\x01]"),
        (b"7z\xbc\xaf\x27", rb"7z\xbc\xaf\x27\x1c"),
        (b"7zXZ\x00", rb"\xfd7zXZ\x00"),
        (b"1AY&SY", rb"BZh[1-9]1AY&SY"),
        (b"\x1f\x8b\x08", rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]"),
        (b"F\x00\x00\x00\x00", rb"MSCF\x00{4}"),
        # Tar, of POSIX and of GNU.
        (b"ustar", rb"ustar(?:\x0000|  \x00)"),
        # Disc images: ISO, UDF, Windows installation, Hyper-V.
        (b"D001\x01", rb"\x01CD001\x01"),
        (b"EA01\x01", rb"\x00BEA01\x01"),
        (b"IM\x00\x00\x00", rb"MSWIM\x00{3}"),
        (b"hdxf", rb"vhdxfile[^\x00]\x00"),
        # Old documents of Office, messages of Outlook and installers.
        (b"\xa1\xb1\x1a\xe1", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        # Programs of Linux, Windows, macOS (one or several processors) and Java, WebAssembly, shortcuts of Windows.
        (b"\x7fELF", rb"\x7fELF[\x01\x02]{2}\x01"),
        (b"PE\x00\x00", rb"PE\x00\x00(?:\x4c\x01|\xc4\x01|\x64\x86|\x64\xaa)"),
        (b"\xfa\xed\xfe", rb"\xcf\xfa\xed\xfe[\x07\x0c]\x00\x00\x01"),
        (b"\xca\xfe\xba\xbe", rb"\xca\xfe\xba\xbe\x00\x00\x00"),
        (b"\x00asm\x01", rb"\x00asm\x01\x00\x00\x00"),
        (b"L\x00\x00\x00\x01\x14", rb"L\x00\x00\x00\x01\x14\x02\x00{5}\xc0"),
    )
}
_IN_NO_RUN = bytes({*range(256)}.difference(*_SIGNATURES))
# The record and the longest comment behind it: here ZIP programs look for it, and some are content with its mark.
_ZIP_END, _ZIP_END_REACH = b"PK\x05\x06", 22 + 65535


def is_archive_or_program(beginning: bytes) -> bool:
    """Say whether a file with these first bytes is one."""
    return any(signature.match(beginning) for signature in _SIGNATURES.values())


def has_hidden_archive_or_program(data: bytes) -> bool:
    """Say whether there is one anywhere in the content of a file."""
    if data.find(_ZIP_END, max(0, len(data) - _ZIP_END_REACH)) >= 0:
        return True
    # Four fifths of a picture are bytes that are in no run. Without them there is little to search for the runs, which
    # stay as they are; only for a signature whose run is there, the whole is searched.
    rest = data.translate(None, _IN_NO_RUN)
    return any(run in rest and signature.search(data) for run, signature in _SIGNATURES.items())
