"""Read a file part by part, within limits that protect against hostile files."""

import re
import struct
from collections.abc import Iterator
from mmap import mmap
from typing import Any

from i18n.catalogue import gettext as _

# A real file has a few thousand parts, each read about once. A hostile one could have millions, or refer to the same
# bytes again and again.
MAX_PARTS = 100_000
_MAX_READINGS = 2

# All frames, pages and tiles of a file may have this many times the pixels of one picture: long scans are usual.
_MAX_PICTURES = 20

MEGAPIXEL = 1_000_000

# A search holds the GIL; searching piece by piece lets other threads in between.
_PIECE, _OVERLAP = 256 * 1024, 512


class Refused(ValueError):
    """A file is not accepted; the text is the reason, in the sender's language."""


class WrongKind(Refused):
    """Files of this kind are not accepted; the form then lists which are."""


class TemporarilyRefused(Refused):
    """A file is not accepted for a reason that is not the file's, and holds for others, too."""


class CheckUnavailable(TemporarilyRefused):
    """No file can be checked at the moment."""


class BrokenError(Exception):
    """The structure of a file is damaged."""


class TrailingError(Exception):
    """Something follows the end of the file's structure."""


def require(condition: object) -> None:
    """Raise BrokenError unless a condition holds."""
    if not condition:
        raise BrokenError


def find_in_chunks(pattern: re.Pattern[bytes], data: bytes | mmap) -> Iterator[re.Match[bytes]]:
    """Yield all matches of a pattern."""
    for start in range(0, len(data), _PIECE):
        for found in pattern.finditer(data, start, start + _PIECE + _OVERLAP):
            if found.start() < start + _PIECE:
                yield found


class Reader:
    """Reads the parts of a file; raises BrokenError beyond its end and after too many parts."""

    def __init__(self, data: mmap, max_megapixels: float, byte_order: str = ">") -> None:
        self.data = data
        self.byte_order = byte_order
        self.position = 0
        self.end = len(data)
        self.furthest = 0
        self._max_megapixels = max_megapixels
        self._pixels = 0
        self._parts = 0
        self._bytes = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        """Read the values of a struct layout."""
        length = struct.calcsize(self.byte_order + layout)
        start = self.position
        self.skip(length)
        self._parts += 1
        self._bytes += length
        require(self._parts <= MAX_PARTS and self._bytes <= _MAX_READINGS * len(self.data))
        return struct.unpack_from(self.byte_order + layout, self.data, start)

    def skip(self, length: int) -> None:
        """Move ahead by so many bytes."""
        require(length <= self.end - self.position)
        self.position += length
        self.furthest = max(self.furthest, self.position)

    def go_to(self, position: int) -> None:
        """Move to a position from the beginning of the file."""
        self.position = 0
        self.skip(position)

    def count_picture(self, width: int, height: int) -> None:
        """Count the pixels of a picture; raises Refused if they are too many for a viewer."""
        require(width and height)
        self._pixels += width * height
        most = self._max_megapixels * MEGAPIXEL
        if width * height > most:
            sentence = _(
                "Das Bild hat mehr als %(most)s Megapixel. Bitte verkleinern Sie es.", most=self._max_megapixels
            )
            raise Refused(sentence)
        if self._pixels > most * _MAX_PICTURES:
            raise Refused(_("Die Datei enthält zu viele große Bilder. Bitte teilen Sie sie auf."))

    @property
    def at_end(self) -> bool:
        return self.position == self.end

    def finish(self) -> None:
        """Raise TrailingError unless the end is reached."""
        if not self.at_end:
            raise TrailingError
