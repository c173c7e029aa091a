"""Forms and files as clients send them: a full disk or another charset affects only the part that it concerns."""

from contextlib import suppress
from tempfile import SpooledTemporaryFile

from flask import Request
from werkzeug import formparser
from werkzeug.exceptions import BadRequest
from werkzeug.sansio.multipart import MultipartDecoder

from enums import MEBIBYTE

# Larger files are written to the disk.
MAX_BYTES_IN_MEMORY = MEBIBYTE // 2


class Upload(SpooledTemporaryFile[bytes]):
    """A file that was sent; an error while it was stored is raised when somebody reads it."""

    def __init__(self):
        super().__init__(max_size=MAX_BYTES_IN_MEMORY, mode="rb+")
        self._failure = None

    def write(self, data):
        """Store a chunk of the file, unless an earlier one could not be stored."""
        self._unless_failed(super().write, data)
        return len(data)

    def seek(self, *place):
        return self._unless_failed(super().seek, *place) or 0

    def _unless_failed(self, method, *arguments):
        if self._failure is None:
            try:
                return method(*arguments)
            except OSError as error:
                self._failure = error
        return None

    def read(self, *size):
        """Return a chunk of the file; raises the error with which storing it failed."""
        if self._failure is not None:
            raise self._failure
        return super().read(*size)

    def close(self):
        """Close the file; what is still buffered may fail to be written."""
        with suppress(OSError):
            super().close()


class LenientDecoder(MultipartDecoder):
    """Reads the headers of a multipart form; names that are not UTF-8 are taken for Windows-1252."""

    def _parse_headers(self, data):
        try:
            data.decode()
        except UnicodeDecodeError:
            data = data.decode("cp1252", "replace").encode()
        return super()._parse_headers(data)


# werkzeug has no option for it; it would drop the whole form with its CSRF token.
formparser.MultipartDecoder = LenientDecoder  # type: ignore[attr-defined]


class UploadRequest(Request):
    """A request with its files as uploads; a malformed form or a field without a name is refused."""

    # Otherwise forms would accept JSON, with other types than text.
    is_json = False

    def make_form_data_parser(self):
        parser = super().make_form_data_parser()
        parser.silent = False
        return parser

    def _load_form_data(self):
        try:
            super()._load_form_data()
        except ValueError:
            raise BadRequest from None
        if None in self.form or None in self.files:
            raise BadRequest

    def _get_file_stream(self, *facts, **more_facts):
        return Upload()
