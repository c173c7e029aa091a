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
SMALL = MEBIBYTE

# What may be on its way at a time, of all and of one network: about ten and three forms with as many files as it takes.
MOST_HELD = 1024 * MEBIBYTE
MOST_HELD_OF_NETWORK = 320 * MEBIBYTE

# Browsers read an answer only when they have sent everything; so long what still comes is thrown away.
LINGER_SECONDS = 120

RETRY_AFTER_SECONDS = "60"

# Files come to the views of a form that takes them as they are chosen, and here.
UPLOAD, IMPORT = "upload", "staff.customer_import.preview"


class TooMuchAtOnce(Error):
    """What comes in finds no room at the moment."""

    code, reason = 503, "Service Unavailable"


class Inflow:
    """How many bytes of requests are held now, of all and by network."""

    def __init__(self):
        self._lock, self._held = threading.Lock(), Counter()

    def add(self, network, count):
        """Count bytes that came from a network, or went if negative."""
        with self._lock:
            for whose in (None, network):
                self._held[whose] += count
                if not self._held[whose]:
                    del self._held[whose]

    def has_room(self, network, count):
        """Say whether so many bytes more may be held; behind a proxy nobody can be told from others."""
        if settings.limits == "off":
            return True
        is_proxy = network == network_of(settings.trusted_proxy)
        most_of_network = MOST_HELD if is_proxy else MOST_HELD_OF_NETWORK
        return self._held[None] + count <= MOST_HELD and self._held[network] + count <= most_of_network


class Parser(HTTPRequestParser):
    """Takes in a request as far as there is room for it and its path takes so much."""

    def __init__(self, adj, network="", inflow=None, takes_files=None):
        super().__init__(adj)
        self._network, self._inflow, self._takes_files = network, inflow, takes_files
        self._counted = 0

    def received(self, data):
        """Take in a piece of the request and return how many bytes that was."""
        in_body = self.headers_finished
        consumed = super().received(data)
        if in_body:
            self._counted += consumed
            self._inflow.add(self._network, consumed)
        if self.error is None and self.body_rcv is not None:
            self._judge(max(self.content_length - self._counted, 0))
        # Behind what is refused nothing is looked for any more.
        return len(data) if self.error else consumed

    def close(self):
        """Let go of what was taken in."""
        super().close()
        self._inflow.add(self._network, -self._counted)
        self._counted = 0

    def _judge(self, to_come):
        """Refuse what is too large for its path, or finds no room with what is still to come of it."""
        size = self._counted + to_come
        if size <= SMALL:
            return
        if not self._takes_files(self.command, self.path):
            self._refuse(RequestEntityTooLarge(""))
        elif not (self._inflow.has_room(self._network, to_come) and disk.has_room_for_passing(to_come)):
            self._refuse(TooMuchAtOnce(""))

    def _refuse(self, error):
        # Whoever asks first whether to go on is answered as well.
        self.error, self.completed, self.expect_continue = error, True, False
        self.close()


class Channel(HTTPChannel):
    """A connection; one that is answered with an error may go on sending for a while, so that it gets the answer."""

    inflow = takes_files = None
    _lingers_until = None
    had_error = False

    def __init__(self, server, sock, addr, adj, map=None):
        super().__init__(server, sock, addr, adj, map)
        self.parser_class = partial(
            Parser, network=network_of(addr[0]), inflow=self.inflow, takes_files=self.takes_files
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


def prepare(app):
    """Have waitress take in only what it may, and answer what never reaches the app with the same page and headers."""

    class ErrorPageTask(ErrorTask):
        def execute(self):
            with app.test_request_context(**_as_far_as_read(self.request)):
                locale.listen()
                page = app.process_response(error_page(default_exceptions[self.request.error.code]()))
            self.channel.had_error = True
            self.status = page.status
            self.response_headers.extend(page.headers.items())
            if self.request.error.code == TooMuchAtOnce.code:
                self.response_headers.append(("Retry-After", RETRY_AFTER_SECONDS))
            self.set_close_on_finish()
            self.write(page.data)

    Channel.error_task_class = ErrorPageTask
    Channel.inflow = Inflow()
    Channel.takes_files = staticmethod(partial(takes_files, app))
    BaseWSGIServer.channel_class = Channel


def _as_far_as_read(request):
    """Return what the app needs to know of a request that it never sees: what it is for, and its language."""
    is_staff = getattr(request, "path", "").startswith(locale.STAFF_PATH)
    return {
        "path": locale.STAFF_PATH if is_staff else "/",
        "method": getattr(request, "command", "GET"),
        "environ_overrides": {f"HTTP_{name}": request.headers.get(name, "") for name in ("ACCEPT_LANGUAGE", "COOKIE")},
    }


def takes_files(app, method, path):
    """Say whether files may be sent to a path."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method)
    except HTTPException:
        return False
    room = endpoint.rpartition(".")[0]
    return method == "POST" and (f"{room}.{UPLOAD}" in app.view_functions or endpoint == IMPORT)
