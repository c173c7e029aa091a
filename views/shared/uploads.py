"""Forms and files as clients send them: a full disk or another charset affects only the part that it concerns."""

from flask import Request
from werkzeug import formparser
from werkzeug.exceptions import BadRequest
from werkzeug.sansio.multipart import MultipartDecoder

from services.files.incoming import IncomingFile


class LenientDecoder(MultipartDecoder):
    """Reads a multipart form; names that are not UTF-8 are taken for Windows-1252."""

    def _parse_headers(self, data):
        try:
            data.decode()
        except UnicodeDecodeError:
            data = data.decode("cp1252", "replace").encode()
        return super()._parse_headers(data)

    def _parse_data(self, data, *, start):
        # Werkzeug copies each piece of a file five times, and looks at each byte for a line end with the boundary
        # behind it; the boundary alone is found a hundred times as fast.
        boundary = data.find(b"--" + self.boundary)
        if boundary < 0 and not start:
            # The boundary may begin at the end.
            end = max(0, len(data) - len(b"\r\n--" + self.boundary))
            return bytes(memoryview(data)[:end]), end, True
        skipped = 0 if start else max(0, boundary - len("\r\n"))
        rest, end, has_more = super()._parse_data(data[skipped:], start=start)
        return bytes(data[:skipped]) + rest, skipped + end, has_more


# werkzeug has no option for it; it would drop the whole form with its CSRF token.
formparser.MultipartDecoder = LenientDecoder  # type: ignore[attr-defined]


class UploadRequest(Request):
    """A request whose files are deleted at its end, unless they were kept; a malformed form is refused."""

    # Otherwise forms would accept JSON, with other types than text.
    is_json = False

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._incoming = []

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
        self._incoming.append(IncomingFile())
        return self._incoming[-1]

    def close(self):
        """Delete the files that nobody kept, also those of a form that turned out to be malformed."""
        for file in self._incoming:
            file.close()
