"""Measure how long the check of a file can take: python -m tools.bench.file_check

Builds files of the largest allowed size that are made to be slow, and prints the CPU seconds of each. The check of any
file should take at most 0.5.
"""

import random
import struct
import sys
import time
import zlib

from enums import MAX_ATTACHMENT_BYTES
from services.files.types import check
from services.files.types.reader import Refused

MOST_SECONDS = 0.5

PDF_START = b"%PDF-1.7\n1 0 obj<</Type/Pages>>endobj\n"
PNG_START = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 9, 9, 8, 2, 0, 0, 0, 0)
PNG_POINTS = PNG_START + struct.pack(">I4s", 9, b"IDAT")
HEIC_START = struct.pack(">I4s4s4s", 16, b"ftyp", b"heic", b"")
SIZE = b"ispe" + struct.pack(">III", 0, 9, 9)
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


MARKS = (b"P", b"PK\5", b"PK\3\4\x14\0", b"\x1f\x8b\x08\0", b"PK\5\6\0\0\0\0a\0b\0", b"PE\0", b"MSCF\0\0\0", b"\0")
BLANKS = b" " * 199 + b"x"
NAMES = (
    SLOW_NAME,
    b"/",
    b"/J",
    b"/#4",
    b"/EF<<",
    b"/EF",
    b"/EF" + BLANKS,
    b"/Encrypt" + BLANKS,
    b"/XFA    x",
    b"/JavaScript ",
)
NAMES += (b"/JavaScripT", b"/#46ileAttachmenT", b"/First 1 0 ", b"/ObjStm ", b"obj", b"1 obj", b"/Page")
STREAMS = (b"stream\n", b"stream" + b" " * 9, b"endstream", b"strea", b"stream\n\x78\x9c", b"/First 1(stream\n")
UNPACKED = (bytes(16), b"/J" + b"a" * 14, b"/EF" + BLANKS, SLOW_NAME)
BEGUN_STREAM = PDF_START + b"stream\n\x78\x01" + stored(b"1 0 " + b"a" * 256)


def slow_files():
    """Yield the name of a file, what is slow in it, and its content."""
    yield "Foto.png", "chunks", filled(PNG_START, struct.pack(">I4sI", 0, b"tEXt", 0))
    yield "Foto.png", "random", PNG_POINTS + RANDOM[: -len(PNG_POINTS)]
    for mark in MARKS:
        yield "Foto.png", f"marks {mark!r}", filled(PNG_POINTS, mark)
    yield "Foto.jpg", "segments", filled(b"\xff\xd8", b"\xff\xe0\x00\x02")
    yield "Foto.jpg", "fill bytes", filled(b"\xff\xd8\xff\xe0\0\2", b"\xff")
    yield "Foto.jpg", "stray bytes", filled(b"\xff\xd8\xff\xe0\0\2", b"\xff\x00")
    yield "Foto.gif", "blocks", filled(b"GIF89a\1\0\1\0\0\0\0", b"!\xfe\1\0\0")
    yield "Foto.gif", "parts of a block", filled(b"GIF89a\1\0\1\0\0\0\0!\xfe", b"\1a")
    yield "Foto.webp", "no points", filled(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(10), b"VP8")
    yield "Foto.bmp", "zeros", filled(b"BM" + bytes(8) + struct.pack("<IIiiHH", 54, 40, 9, 9, 1, 24), b"\0")
    yield "Scan.tif", "fields", filled(b"II*\0\x08\0\0\0\xff\xff", struct.pack("<HHII", 0x111, 4, 9, 8))
    yield "Foto.heic", "boxes", filled(HEIC_START, struct.pack(">I4s", 8, b"free"))
    yield "Foto.heic", "sizes", filled(HEIC_START + struct.pack(">I4s", 0, b"meta"), SIZE)
    yield "Foto.heic", "descriptions", filled(HEIC_START, struct.pack(">I4s", 2**20, b"meta") + b"i" * (2**20 - 8))
    yield "Foto.heic", "many sizes", filled(HEIC_START, struct.pack(">I4s", 488, b"meta") + SIZE * 30)
    yield "Foto.heic", "short descriptions", filled(HEIC_START, struct.pack(">I4s", 24, b"meta") + b"ispe" + bytes(12))
    for text, what in (
        (GERMAN.encode(), "lines"),
        (GERMAN.encode("cp850"), "CP850"),
        (GERMAN.encode("utf-16"), "UTF-16"),
    ):
        yield "server.log", what, filled(b"", text)
    for part in (b"\x1b[31m", b"%PDF-1.", b"\xff", b"\0a\0", b"\2text"):
        yield "server.log", repr(part), filled(b"a", part)
    yield "server.log", "broken UTF-16", filled(b"\xff\xfe", b"\x00\xdc")
    yield "server.log", "random", RANDOM
    yield from slow_pdfs()


def slow_pdfs():
    for part in (*NAMES, *STREAMS):
        yield "Scan.pdf", f"{part!r:.40}", filled(PDF_START, part)
    for part in UNPACKED:
        yield (
            "Scan.pdf",
            f"packed and plain {part!r:.40}",
            filled(PDF_START + packed(part * (15_000_000 // len(part))), part),
        )
    for stream in (zlib.compress(RANDOM[:600]), zlib.compress(b"1 " * 200), zlib.compress(b"%" * 300)):
        yield "Scan.pdf", f"streams {stream!r:.40}", filled(PDF_START, b"stream\n" + stream)
    for stream in (b"", b"/J" * 5000):
        yield "Scan.pdf", f"packed {stream!r:.40}", filled(PDF_START, packed(stream))
    yield "Scan.pdf", "empty blocks", filled(BEGUN_STREAM, stored(b""))
    yield "Scan.pdf", "silent streams", filled(PDF_START, silent_stream())
    yield "Scan.pdf", "stored and silent", filled(BEGUN_STREAM, silent_stream())
    names = packed((b"/#46ileAttachmenT" * 700_000 + (b"/EF" + BLANKS) * 20_000)[:16_500_000])
    yield "Scan.pdf", "all together", filled(PDF_START + names + BEGUN_STREAM, silent_stream())
    yield "Scan.pdf", "random", PDF_START + RANDOM[: -len(PDF_START)]


def cpu_seconds(task, *arguments):
    """Return the CPU seconds of a call."""
    begun = time.process_time()
    task(*arguments)
    return time.process_time() - begun


def check_quietly(name, content):
    try:
        check(name, content)
    except Refused:
        return


def main():
    worst = 0.0
    for name, what, content in slow_files():
        seconds = cpu_seconds(check_quietly, name, content)
        print(f"{seconds:6.3f} s  {name}: {what}")
        worst = max(worst, seconds)
    print(f"{worst:6.3f} s  worst of all")
    sys.exit(worst > MOST_SECONDS)


if __name__ == "__main__":
    main()
