"""Walking through a file part by part, with bounds that no hostile file gets round."""

import struct

from i18n.catalogue import gettext as _

# A real file has a few thousand parts, and each is read about once. One that is made of millions, or that leads to the
# same bytes again and again, would keep the server busy.
MAX_PARTS = 100_000
_MAX_READINGS = 2

# So many times the limit of one picture may all frames, pages and tiles of a file have together: long scans are usual,
# and viewers show one page at a time.
_MAX_PICTURES = 20

MEGAPIXEL = 1_000_000

# While a pattern is searched for, nobody else is served; so it is searched for piece by piece.
_PIECE, _OVERLAP = 256 * 1024, 512


class Refused(ValueError):
    """A file that does not come in; its text is the reason, in the language of whoever chose it, without its name."""


class WrongKind(Refused):
    """A file of a kind that does not come in; who chose it should know which do."""


class TemporarilyRefused(Refused):
    """A file that is kept out by what lies not with it, and is the same for others."""


class CheckUnavailable(TemporarilyRefused):
    """A file that nobody can look at just now, nor at the next."""


class BrokenError(Exception):
    """The structure of a file leads out of it or nowhere."""


class TrailingError(Exception):
    """The structure of a file has ended, but the file has not."""


def require(condition):
    """Raise BrokenError unless a condition holds that every file of this type fulfils."""
    if not condition:
        raise BrokenError


def find_in_chunks(pattern, data):
    """Yield all that a pattern finds."""
    for start in range(0, len(data), _PIECE):
        for found in pattern.finditer(data, start, start + _PIECE + _OVERLAP):
            if found.start() < start + _PIECE:
                yield found


class Reader:
    """Walks through the bytes of a file up to an end; raises BrokenError behind it and after too many parts."""

    def __init__(self, data, max_megapixels, byte_order=">"):
        self.data = data
        self.byte_order = byte_order
        self.position = 0
        self.end = len(data)
        self.furthest = 0
        self._max_megapixels = max_megapixels
        self._pixels = 0
        self._parts = 0
        self._bytes = 0

    def take(self, layout):
        """Return what stands here by a struct layout, and stand behind it."""
        length = struct.calcsize(self.byte_order + layout)
        start = self.position
        self.skip(length)
        self._parts += 1
        self._bytes += length
        require(self._parts <= MAX_PARTS and self._bytes <= _MAX_READINGS * len(self.data))
        return struct.unpack_from(self.byte_order + layout, self.data, start)

    def skip(self, length):
        """Stand behind so many bytes."""
        require(length <= self.end - self.position)
        self.position += length
        self.furthest = max(self.furthest, self.position)

    def go_to(self, position):
        """Stand at a position from the beginning of the file."""
        self.position = 0
        self.skip(position)

    def count_picture(self, width, height):
        """Count what a picture of this size unpacks to; raises Refused if that is too much for a viewer."""
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
    def at_end(self):
        return self.position == self.end

    def finish(self):
        """Raise TrailingError if something is left."""
        if not self.at_end:
            raise TrailingError
