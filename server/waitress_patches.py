"""What is changed in waitress: strict parsing, room on the disk for bodies, our error page, and who gives way."""

import time

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge
from werkzeug.exceptions import default_exceptions

from enums import MAX_REQUEST_BYTES
from services import disk
from views.shared import locale
from views.shared.error_pages import error_page

# Waitress copies the rest of a piece for each chunk in it, and keeps chunk lines and trailers of any length.
CHUNKED_PIECE, MAX_CHUNK_LINE = 8192, 4096


class _NoRoom(Error):
    code, reason = 503, "Service Unavailable"


class StrictParser(HTTPRequestParser):
    """Parses a request; refuses ambiguous ones, and bodies that are too large or find no room."""

    path, command = "/", "GET"  # for the error page, if the request has none
    completed = expect_continue = False
    _refusal = None

    def __init__(self, adj):
        super().__init__(adj)
        self.began_at = time.time()

    def parse_header(self, header_plus):
        """Parse the head; if its length can be read in two ways, a request could be smuggled past the web server."""
        try:
            super().parse_header(header_plus)
        except ValueError:  # waitress 3.0.2 does not expect it: a URL like "http://[", or a length of 5,000 digits
            raise ParsingError("Invalid URL or length") from None
        head = header_plus.lower()
        is_clear = self.chunked and head.count(b"chunked") == 1 and "CONTENT_LENGTH" not in self.headers
        if b"\ntransfer-encoding:" in head and not is_clear:
            raise ParsingError("Ambiguous length")

    def received(self, data):
        """Parse a piece of the request and return the number of bytes consumed."""
        consumed = super().received(data[:CHUNKED_PIECE] if self.chunked else data)
        body = self.body_rcv
        if isinstance(body, ChunkedReceiver) and len(body.control_line) + len(body.trailer) > MAX_CHUNK_LINE:
            self.error = BadRequest("Chunk line or trailer too long")
        if body is not None and not self._refusal and (refusal := self._find_refusal()):
            self._refusal = refusal
            self.close()
            body.buf.append = lambda data: None  # read on: browsers read no response before they have sent everything
        if self.completed or self.expect_continue:
            self.error = self.error or self._refusal
        if self.error:
            self.completed, self.expect_continue = True, False
        return consumed

    def _find_refusal(self):
        size = max(self.content_length, self.body_bytes_received)
        if size > MAX_REQUEST_BYTES:
            return RequestEntityTooLarge("")
        has_room = size <= self.adj.inbuf_overflow or disk.has_space_for_upload(size - self.body_bytes_received)
        return None if has_room else _NoRoom("")


def install(app):
    """Install parser and error page in waitress; call it before creating a server."""

    class ErrorPageTask(ErrorTask):
        def execute(self):
            request = self.request
            path = locale.STAFF_PATH if request.path.startswith(locale.STAFF_PATH) else "/"
            known = {f"HTTP_{name}": request.headers.get(name, "") for name in ("ACCEPT_LANGUAGE", "COOKIE")}
            with app.test_request_context(path, method=request.command, environ_overrides=known):
                locale.set_language()
                page = app.process_response(error_page(default_exceptions[request.error.code]()))
            self.status = page.status
            self.response_headers.extend(page.headers.items())
            self.set_close_on_finish()
            self.write(page.data)

    class Channel(HTTPChannel):
        parser_class, error_task_class = StrictParser, ErrorPageTask

        def __init__(self, server, *arguments, **options):
            super().__init__(server, *arguments, **options)
            # At the limit waitress would accept no more; before that the request that has waited longest gives way.
            if len(server.active_channels) > self.adj.connection_limit - 16:
                waiting = (channel for channel in server.active_channels.values() if not channel.requests)
                min(waiting, key=lambda one: one.request.began_at if one.request else one.last_activity).handle_close()

    BaseWSGIServer.channel_class = Channel
