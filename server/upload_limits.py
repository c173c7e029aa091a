"""Limits on request bodies, which waitress receives before it calls the app, and our error page for refused ones."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from socket import SHUT_WR

from flask import request
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask
from waitress.utilities import Error, RequestEntityTooLarge
from werkzeug.exceptions import HTTPException, default_exceptions

from enums import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, MEBIBYTE
from services import disk
from services.security.ip_networks import network_of
from settings import settings
from views.shared import locale
from views.shared.error_pages import error_page

# The largest request body: twice what is allowed, so that a form sent without JavaScript gets one message for each file
# that is too large.
MAX_REQUEST_BYTES = 2 * MAX_ATTACHMENTS * MAX_ATTACHMENT_BYTES

# Always accepted; ten times the longest texts of a form.
SMALL_REQUEST_BYTES = MEBIBYTE

# Bodies up to this size are kept in memory, as long as all together are not more.
MAX_BYTES_IN_MEMORY, MAX_TOTAL_IN_MEMORY = MEBIBYTE, 16 * MEBIBYTE

# Browsers read the response only after sending the whole body: the rest of a refused one is read
# and discarded for this long.
LINGER_SECONDS = 120

RETRY_AFTER_SECONDS = "60"

# Endpoints that take files: all of a blueprint that has an "upload" view, and the import of customers.
UPLOAD, IMPORT = "upload", "staff.customer_import.preview"


def limit_plain_forms():
    """Limit any body but a multipart form: it carries no files and is read into memory as a whole."""
    if request.mimetype != "multipart/form-data":
        request.max_content_length = SMALL_REQUEST_BYTES


class UploadCapacityExceeded(Error):
    """There is no room for the body at the moment."""

    code, reason = 503, "Service Unavailable"


class BytesInFlight:
    """Counts the bytes of unfinished requests, in all and per network."""

    def __init__(self):
        self._lock = threading.Lock()
        self._bytes: Counter[str | None] = Counter()  # None: all networks

    def add(self, network, count):
        """Count bytes of a network; a negative number releases them."""
        with self._lock:
            for key in (None, network):
                self._bytes[key] += count
                if not self._bytes[key]:
                    del self._bytes[key]

    def total(self):
        """Return the bytes of all networks."""
        return self._bytes[None]

    def has_room(self, network, count):
        """Return whether so many bytes more fit; requests from the proxy share the total, because all come from it."""
        limit = settings.max_bytes_in_flight
        is_proxy = network == network_of(settings.trusted_proxy)
        network_limit = limit if is_proxy else settings.max_bytes_in_flight_per_network
        return self._bytes[None] + count <= limit and self._bytes[network] + count <= network_limit


class UploadLimitParser(HTTPRequestParser):
    """Parses a request and refuses its body if it is too large for its path or does not fit now."""

    def __init__(self, adj, network="", bytes_in_flight=None, accepts_files=None):
        super().__init__(adj)
        self._network, self._bytes_in_flight, self._accepts_files = network, bytes_in_flight, accepts_files
        self._body_bytes = 0

    def received(self, data):
        """Parse a piece of the request and return the number of bytes consumed."""
        in_body = self.headers_finished
        consumed = super().received(data)
        if in_body:
            self._body_bytes += consumed
            self._bytes_in_flight.add(self._network, consumed)
            if self._bytes_in_flight.total() > MAX_TOTAL_IN_MEMORY:
                self.body_rcv.getbuf().overflow = 0  # into a file from the next piece on
        if self.error is None and self.body_rcv is not None:
            self._check(max(self.content_length - self._body_bytes, 0))
        # Behind a refused request no other one is parsed.
        return len(data) if self.error else consumed

    def close(self):
        super().close()
        self._bytes_in_flight.add(self._network, -self._body_bytes)
        self._body_bytes = 0

    def _check(self, to_come):
        """Refuse a body that is too large for its path or does not fit; to_come: bytes not yet received."""
        size = self._body_bytes + to_come
        if size <= SMALL_REQUEST_BYTES:
            return
        if not self._accepts_files(self.command, self.path):
            self._refuse(RequestEntityTooLarge(""))
        elif not (self._bytes_in_flight.has_room(self._network, to_come) and disk.has_space_for_upload(to_come)):
            self._refuse(UploadCapacityExceeded(""))

    def _refuse(self, error):
        # Also the answer to "Expect: 100-continue".
        self.error, self.completed, self.expect_continue = error, True, False
        self.close()


class UploadLimitChannel(HTTPChannel):
    """A connection; after an error the client may go on sending for a while, so that it reads the response."""

    bytes_in_flight: BytesInFlight
    accepts_files: Callable[[str, str], bool]
    will_close: bool
    had_error = False
    _lingers_until: float | None = None

    def __init__(self, server, sock, addr, adj, map=None):
        super().__init__(server, sock, addr, adj, map)
        self.parser_class = partial(
            UploadLimitParser,
            network=network_of(addr[0]),
            bytes_in_flight=self.bytes_in_flight,
            accepts_files=self.accepts_files,
        )

    def received(self, data):
        """Pass on received data; after an error it is discarded."""
        if self._lingers_until is None:
            return super().received(data)
        self.will_close = time.monotonic() > self._lingers_until
        return False

    def handle_close(self):
        """Close the connection; after an error, at first for writing only."""
        if self.had_error and self.connected and self._lingers_until is None:
            self._lingers_until = time.monotonic() + LINGER_SECONDS
            with suppress(OSError):
                self.socket.shutdown(SHUT_WR)
                self.will_close = False
                return
        if self.request is not None:
            self.request.close()
        super().handle_close()


def install_limits(app):
    """Install the limits and the app's error pages in waitress; call it before creating a server."""

    class ErrorPageTask(ErrorTask):
        def execute(self):
            with app.test_request_context(**_request_context_options(self.request)):
                locale.set_language()
                page = app.process_response(error_page(default_exceptions[self.request.error.code]()))
            self.channel.had_error = True
            self.status = page.status
            self.response_headers.extend(page.headers.items())
            if self.request.error.code == UploadCapacityExceeded.code:
                self.response_headers.append(("Retry-After", RETRY_AFTER_SECONDS))
            self.set_close_on_finish()
            self.write(page.data)

    UploadLimitChannel.error_task_class = ErrorPageTask
    UploadLimitChannel.bytes_in_flight = BytesInFlight()
    UploadLimitChannel.accepts_files = staticmethod(partial(accepts_files, app))
    BaseWSGIServer.channel_class = UploadLimitChannel


def _request_context_options(request):
    """Return what the error page depends on: staff area or not, method and language."""
    is_staff = getattr(request, "path", "").startswith(locale.STAFF_PATH)
    return {
        "path": locale.STAFF_PATH if is_staff else "/",
        "method": getattr(request, "command", "GET"),
        "environ_overrides": {f"HTTP_{name}": request.headers.get(name, "") for name in ("ACCEPT_LANGUAGE", "COOKIE")},
    }


def accepts_files(app, method, path):
    """Return whether files may be sent to a path."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method)
    except HTTPException:
        return False
    blueprint = endpoint.rpartition(".")[0]
    return method == "POST" and (f"{blueprint}.{UPLOAD}" in app.view_functions or endpoint == IMPORT)
