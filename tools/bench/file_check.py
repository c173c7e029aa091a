"""Measure how long the check of a file can take: python -m tools.bench.file_check

Builds files of the largest allowed size that are made to be slow, and prints the CPU seconds of each. The check of any
file should take at most 0.5.
"""

import io
import random
import struct
import sys
import time
import zlib

from enums import MAX_ATTACHMENT_BYTES
from services.files.types import check
from services.files.types.reader import Refused
from services.files.types.text import decoded

MOST_SECONDS = 0.5

PDF_START = b"%PDF-1.7\n1 0 obj<</Type/Pages>>endobj\n"
PNG_START = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 9, 9, 8, 2, 0, 0, 0, 0)
PNG_POINTS = PNG_START + struct.pack(">I4s", 9, b"IDAT")
HEIC_START = struct.pack(">I4s4s4s", 16, b"ftyp", b"heic", b"")
SLOW_NAME = b"/FileAttachmenT"
RANDOM = random.Random(1).randbytes(MAX_ATTACHMENT_BYTES)
GERMAN = "Der Drucker im Büro läuft über Köln: Prüfung, Größe, ÄÖÜ.\r\n"


def filled(start, part, end=b""):
    """Return a file of the largest allowed size that repeats a part."""
    return start + part * ((MAX_ATTACHMENT_BYTES - len(start) - len(end)) // len(part)) + end


def packed(data, level=9):
    """Return a stream of packed objects."""
    return (
        b"1 0 obj<</Type/ObjStm/N 1/First 4>>stream\n" + zlib.compress(b"1 0 " + data, level) + b"\nendstream endobj\n"
    )


def silent_stream():
    """Return a stream of Deflate blocks with tables of codes and without output, and whose end is another's start."""
    codes = bytes.fromhex("0210f4074092244992240973747265616d78010091006eff1a593d7b") + bytes(110)
    return (codes + b"\x20" + bytes(15) + b"\x0b" + b"\x00\x00\xff\xff\x00" * 3)[:-1]


def stored(data, is_last=0):
    """Return a block of Deflate that is not packed."""
    return bytes([is_last]) + struct.pack("<HH", len(data), 65535 - len(data)) + data


FILES = {
    "Foto.png": {
        "chunks": lambda: filled(PNG_START, struct.pack(">I4sI", 0, b"tEXt", 0)),
        "random": lambda: PNG_POINTS + RANDOM[: -len(PNG_POINTS)],
        **{f"mark {mark!r}": lambda mark=mark: filled(PNG_POINTS, mark) for mark in (b"PK\5\6\0\0\0\0a\0b\0", b"P", b"PK\5", b"PE\0", b"MSCF\0\0\0", b"\0")},
    },
    "Foto.jpg": {
        "segments": lambda: filled(b"\xff\xd8", b"\xff\xe0\x00\x02"),
        "fill bytes": lambda: filled(b"\xff\xd8\xff\xe0", b"\xff"),
        "stray bytes": lambda: filled(b"\xff\xd8\xff\xe0\0\2", b"\xff\x00"),
    },
    "Foto.gif": {
        "blocks": lambda: filled(b"GIF89a\1\0\1\0\0\0\0", b"!\xfe\1\0\0"),
        "parts of a block": lambda: filled(b"GIF89a\1\0\1\0\0\0\0!\xfe", b"\1a"),
    },
    "Foto.webp": {"chunks": lambda: filled(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(10), b"XMP \0\0\0\0")},
    "Foto.bmp": {"zeros": lambda: filled(b"BM" + bytes(8) + struct.pack("<IIiiHH", 54, 40, 9, 9, 1, 24) + bytes(24), b"\0")},
    "Scan.tif": {"fields": lambda: filled(b"II*\0\x08\0\0\0\xff\xff", struct.pack("<HHII", 0x111, 4, 9, 8))},
    "Foto.heic": {
        "boxes": lambda: filled(HEIC_START, struct.pack(">I4s", 8, b"free")),
        "sizes": lambda: filled(HEIC_START + struct.pack(">I4s", 0, b"meta"), b"ispe" + struct.pack(">III", 0, 9, 9)),
        "descriptions": lambda: filled(HEIC_START, struct.pack(">I4s", 2**20, b"meta") + b"i" * (2**20 - 8)),
        "short descriptions": lambda: filled(HEIC_START, struct.pack(">I4s", 24, b"meta") + b"ispe" + bytes(12)),
    },
    "Scan.pdf": {
        **{
            f"names {name!r}": lambda name=name: filled(PDF_START, name)
            for name in (
                b"/", b"/J", b"/J/////", b"/#4", b"/EF<<", b"/EF ", b"/EF" + b" " * 199 + b"x", b"/JavaScripT", b"/JavaScript ",
                b"/ImportDat#61 ", b"/#4", b"/#45#6dbedded#46#69leS", b"/EmbeddedFileS", b"/#46ileAttachmenT", b"/Encrypt" + b" " * 199 + b"x",
                b"/XFA" + b" " * 4 + b"x", b"/First 1 0 ", b"/ObjStm ", b"/XFA" + b" " * 10 + b"x", b"obj", b"1 obj", b"/Page",
            )
        },
        **{
            f"streams {stream!r}": lambda stream=stream: filled(PDF_START, stream)
            for stream in (b"stream\n", b"stream" + b" " * 9, b"endstream", b"strea", b"stream\n\x78\x9c", b"/First 1(stream\n")
        },
        "streams with output": lambda: filled(PDF_START, b"stream\n" + zlib.compress(RANDOM[:600])),
        "streams of packed objects": lambda: filled(PDF_START, packed(b"")),
        "streams of packed names": lambda: filled(PDF_START, packed(b"/J" * 5000)),
        "unpacked zeros": lambda: filled(PDF_START + packed(bytes(16_000_000)), b"\0"),
        "unpacked slashes": lambda: filled(PDF_START + packed(b"/J/" * 5_000_000), b"/J" + b"a" * 30),
        "unpacked blanks": lambda: filled(PDF_START + packed((b"/EF" + b" " * 199 + b"x") * 70_000), b"/EF" + b" " * 199 + b"x"),
        "unpacked names": lambda: filled(PDF_START + packed(SLOW_NAME * 700_000), SLOW_NAME),
        "all together": lambda: filled(
            PDF_START
            + SLOW_NAME * 300_000
            + packed(SLOW_NAME * 600_000 + b"/J" + b"a" * 6_000_000)
            + b"stream\n\x78\x01"
            + stored(b"1 0 " + b"a" * 256),
            silent_stream(),
        ),
        "silent streams": lambda: filled(PDF_START, silent_stream()),
        "stored and silent": lambda: filled(PDF_START + b"stream\n\x78\x01" + stored(b"1 0 " + b"a" * 256), silent_stream()),
        "empty blocks": lambda: filled(PDF_START + b"stream\n\x78\x01" + stored(b"1 0 " + b"a" * 256), stored(b"")),
        "numbers": lambda: filled(PDF_START, b"stream\n" + zlib.compress(b"1 " * 200)),
        "remarks": lambda: filled(PDF_START, b"stream\n" + zlib.compress(b"%" * 300)),
        "random": lambda: PDF_START + RANDOM[: -len(PDF_START)],
    },
    "server.log": {
        "lines": lambda: filled(b"", GERMAN.encode()),
        "CP850": lambda: filled(b"", GERMAN.encode("cp850")),
        "UTF-16": lambda: filled(b"", GERMAN.encode("utf-16-le")),
        "broken UTF-16": lambda: filled(b"\xff\xfe", b"\x00\xdc"),
        "escapes": lambda: filled(b"", b"\x1b[31m"),
        "starts": lambda: filled(b"", b"%PDF-1."),
        "NUL": lambda: filled(b"a", b"\0"),
        "invalid UTF-8": lambda: filled(b"", b"\xff"),
        "random": lambda: RANDOM,
    },
}  # fmt: skip


def cpu_seconds(task, *arguments):
    """Return the CPU seconds of a call."""
    begun = time.process_time()
    task(*arguments)
    return time.process_time() - begun


def check_quietly(name, content):
    try:
        check(name, io.BytesIO(content))
    except Refused:
        return


def main():
    worst = 0.0
    for name, files in FILES.items():
        for what, make in files.items():
            content = make()
            seconds = cpu_seconds(check_quietly, name, content)
            shown = cpu_seconds(decoded, content[: 2 * 1024 * 1024]) if name == "server.log" else 0
            print(f"{seconds:6.3f} s  {name}: {what}" + (f" ({shown:.3f} s to show 2 MiB)" if shown else ""))
            worst = max(worst, seconds)
    print(f"{worst:6.3f} s  worst of all")
    if worst > MOST_SECONDS:
        sys.exit(1)


if __name__ == "__main__":
    main()
