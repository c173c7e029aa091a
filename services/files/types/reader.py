"""Read the header of a file part by part, within limits that protect against hostile files."""

import struct
from typing import Any

# A real header has a few hundred parts; a hostile one could have millions.
_MAX_PARTS = 20_000


class Refused(ValueError):
    """A file is not accepted; the text is the reason, in the sender's language, `log_word` that for the log."""

    log_word = "leer, beschädigt oder zu groß"


class WrongKind(Refused):
    """Files of this kind are not accepted; the form then lists which are."""

    log_word = "Art der Datei"


class TemporarilyRefused(Refused):
    """A file is not accepted for a reason that is not the file's, and holds for others, too."""

    log_word = "kein Platz"


class Harmful(Refused):
    """The virus scanner found something in a file."""


class CheckUnavailable(TemporarilyRefused):
    """No file can be checked at the moment."""


class BrokenError(Exception):
    """A file has the first bytes of a kind, but not its header."""


def require(condition: object) -> None:
    """Raise BrokenError unless a condition holds."""
    if not condition:
        raise BrokenError


class Reader:
    """Reads the parts of a file from a position on; raises BrokenError beyond its end and after too many parts."""

    def __init__(self, data: bytes, start: int = 0) -> None:
        self.data = data
        self.start = start
        self.position = start
        self.byte_order = ">"
        self._parts = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        """Read the values of a struct layout."""
        self._parts += 1
        require(self._parts <= _MAX_PARTS)
        layout = self.byte_order + layout
        at = self.position
        self.skip(struct.calcsize(layout))
        return struct.unpack_from(layout, self.data, at)

    def skip(self, length: int) -> None:
        """Move ahead by so many bytes."""
        require(length <= len(self.data) - self.position)
        self.position += length

    def go_to(self, position: int) -> None:
        """Move to a position from the start."""
        self.position = self.start
        self.skip(position)
