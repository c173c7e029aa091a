"""Files while a request brings them: each is written once, where it stays if it is accepted, and hashed meanwhile."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from enums import MAX_ATTACHMENT_BYTES
from services.files.file_names import new_stored_name, stored_path


class IncomingFile:
    """A file that is being received; closing it deletes it, unless it is kept.

    An error while it is stored is raised when somebody reads it, so that it concerns this file only. Of one that is too
    large only the size is right.
    """

    def __init__(self) -> None:
        self.stored_name = new_stored_name()
        self.path = stored_path(self.stored_name)
        self.size = 0
        self._hash = hashlib.sha256()
        # Opened with the first byte: browsers send an empty file for a field in which none was chosen.
        self._file: IO[bytes] | None = None
        self._failure: OSError | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of the content in hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> int:
        """Store a chunk, unless an earlier one could not be stored or the file is too large."""
        self.size += len(data)
        if data and self._failure is None and self.size <= MAX_ATTACHMENT_BYTES:
            try:
                self._file = self._file or self.path.open("xb+")
                self._file.write(data)
                self._hash.update(data)
            except OSError as error:
                self._failure = error
        return len(data)

    def seek(self, position: int) -> int:
        """Move to a position; what is still buffered may fail to be stored."""
        try:
            return self._file.seek(position) if self._file else 0
        except OSError as error:
            self._failure = error
            return 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, or all; raises the error with which storing them failed."""
        if self._failure is not None:
            raise self._failure
        return self._file.read(size) if self._file else b""

    def sync(self) -> None:
        """Bring a stored file to the disk; its name also needs its folder."""
        if self._file:
            os.fsync(self._file.fileno())

    def keep(self) -> None:
        """Leave the file where it is."""
        if self._file:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def close(self) -> None:
        """Delete the file, unless it was kept; the sweep tries again what fails."""
        if self._file:
            self.keep()
            with suppress(OSError):
                self.path.unlink()


@contextmanager
def received(content: bytes) -> Iterator[IncomingFile]:
    """Yield a file with this content, as a request that brought it."""
    file = IncomingFile()
    try:
        file.write(content)
        file.seek(0)
        yield file
    finally:
        file.close()
