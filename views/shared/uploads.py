"""How files come in: beside the form they came with, which is kept even where they find no room."""

from contextlib import suppress
from tempfile import SpooledTemporaryFile

from flask import Request
from werkzeug.exceptions import BadRequest

from enums import MEBIBYTE

# So much of a file is kept in memory.
MAX_BYTES_IN_MEMORY = MEBIBYTE // 2


class Upload(SpooledTemporaryFile):
    """A file that was sent; if it found no room, that shows when somebody reads it, so its form is not lost."""

    def __init__(self):
        super().__init__(max_size=MAX_BYTES_IN_MEMORY, mode="rb+")
        self._failure = None

    def write(self, data):
        """Keep a piece of the file, or nothing any more once there was no room."""
        if self._failure is None:
            try:
                super().write(data)
            except OSError as error:
                self._failure = error
        return len(data)

    def seek(self, *place):
        """Go to a place in the file."""
        if self._failure is None:
            try:
                return super().seek(*place)
            except OSError as error:
                self._failure = error
        return 0

    def read(self, *size):
        """Return a piece of the file; raises what kept it from being whole."""
        if self._failure is not None:
            raise self._failure
        return super().read(*size)

    def close(self):
        """Let go of the file; what it still holds back may fail once more."""
        with suppress(OSError):
            super().close()


class UploadRequest(Request):
    """A request whose files come in as uploads, and whose fields all have names: no browser sends one without."""

    # Else a form would take in whatever JSON can hold in place of texts.
    is_json = False

    def _load_form_data(self):
        super()._load_form_data()
        if None in self.form or None in self.files:
            raise BadRequest

    def _get_file_stream(self, *facts, **more_facts):
        return Upload()
