"""Waitress' side of the wiring: what becomes of a request before the app sees it, and what it is told then.

Waitress takes in a whole request first, on disk if it is large. So how much of that there may be is decided here, from
its headers on; a text alone is small and always comes in.
"""

import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from socket import SHUT_WR

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask
from waitress.utilities import Error, RequestEntityTooLarge
from werkzeug.exceptions import HTTPException, default_exceptions

from enums import MEBIBYTE
from services import disk
from services.security.ip_networks import network_of
from settings import settings
from views.shared import locale
from views.shared.error_pages import error_page

# The longest texts take a tenth of it.
SMALL_REQUEST_BYTES = MEBIBYTE

# Browsers read an answer only when they have sent everything; so long what still comes is thrown away.
LINGER_SECONDS = 120

RETRY_AFTER_SECONDS = "60"

# Files come to the views of a form that takes them as they are chosen, and here.
UPLOAD, IMPORT = "upload", "staff.customer_import.preview"


class UploadCapacityExceeded(Error):
    """What comes in finds no room at the moment."""

    code, reason = 503, "Service Unavailable"


class BytesInFlight:
    """How many bytes of requests are held now, of all and by network."""

    def __init__(self):
        self._lock, self._bytes = threading.Lock(), Counter()

    def add(self, network, count):
        """Count bytes that came from a network, or went if negative."""
        with self._lock:
            for whose in (None, network):
                self._bytes[whose] += count
                if not self._bytes[whose]:
                    del self._bytes[whose]

    def has_room(self, network, count):
        """Say whether so many bytes more may be held; behind a proxy nobody can be told from others."""
        most = settings.max_bytes_in_flight
        is_proxy = network == network_of(settings.trusted_proxy)
        most_of_network = most if is_proxy else settings.max_bytes_in_flight_per_network
        return self._bytes[None] + count <= most and self._bytes[network] + count <= most_of_network


class UploadLimitParser(HTTPRequestParser):
    """Takes in a request as far as there is room for it and its path takes so much."""

    def __init__(self, adj, network="", bytes_in_flight=None, accepts_files=None):
        super().__init__(adj)
        self._network, self._bytes_in_flight, self._accepts_files = network, bytes_in_flight, accepts_files
        self._body_bytes = 0

    def received(self, data):
        """Take in a piece of the request and return how many bytes that was."""
        in_body = self.headers_finished
        consumed = super().received(data)
        if in_body:
            self._body_bytes += consumed
            self._bytes_in_flight.add(self._network, consumed)
        if self.error is None and self.body_rcv is not None:
            self._check(max(self.content_length - self._body_bytes, 0))
        # Behind what is refused nothing is looked for any more.
        return len(data) if self.error else consumed

    def close(self):
        """Let go of what was taken in."""
        super().close()
        self._bytes_in_flight.add(self._network, -self._body_bytes)
        self._body_bytes = 0

    def _check(self, to_come):
        """Refuse what is too large for its path, or finds no room with what is still to come of it."""
        size = self._body_bytes + to_come
        if size <= SMALL_REQUEST_BYTES:
            return
        if not self._accepts_files(self.command, self.path):
            self._refuse(RequestEntityTooLarge(""))
        elif not (self._bytes_in_flight.has_room(self._network, to_come) and disk.has_space_for_temporary(to_come)):
            self._refuse(UploadCapacityExceeded(""))

    def _refuse(self, error):
        # Whoever asks first whether to go on is answered as well.
        self.error, self.completed, self.expect_continue = error, True, False
        self.close()


class UploadLimitChannel(HTTPChannel):
    """A connection; one that is answered with an error may go on sending for a while, so that it gets the answer."""

    bytes_in_flight = accepts_files = None
    _lingers_until = None
    had_error = False

    def __init__(self, server, sock, addr, adj, map=None):
        super().__init__(server, sock, addr, adj, map)
        self.parser_class = partial(
            UploadLimitParser,
            network=network_of(addr[0]),
            bytes_in_flight=self.bytes_in_flight,
            accepts_files=self.accepts_files,
        )

    def received(self, data):
        """Take in what was sent; behind an error it is thrown away."""
        if self._lingers_until is None:
            return super().received(data)
        self.will_close = time.monotonic() > self._lingers_until
        return False

    def handle_close(self):
        """Close the connection, or at first only its way back."""
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
    """Have waitress take in only what it may, and answer what never reaches the app with the same page and headers."""

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
    """Return what the app needs to know of a request that it never sees: what it is for, and its language."""
    is_staff = getattr(request, "path", "").startswith(locale.STAFF_PATH)
    return {
        "path": locale.STAFF_PATH if is_staff else "/",
        "method": getattr(request, "command", "GET"),
        "environ_overrides": {f"HTTP_{name}": request.headers.get(name, "") for name in ("ACCEPT_LANGUAGE", "COOKIE")},
    }


def accepts_files(app, method, path):
    """Say whether files may be sent to a path."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method)
    except HTTPException:
        return False
    blueprint = endpoint.rpartition(".")[0]
    return method == "POST" and (f"{blueprint}.{UPLOAD}" in app.view_functions or endpoint == IMPORT)
