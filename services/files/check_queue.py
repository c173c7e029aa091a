"""Turns to check a file: few at once, and by networks in turn, so that nobody's files wait for all of another's."""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta

from services.security.ip_networks import site_of
from services.security.rate_limit import QueueFull, TooManyUploads
from settings import settings

# By then many turns have passed; the form's script uploads the files again by itself.
TRY_AGAIN_AFTER = timedelta(seconds=10)


class CheckQueue:
    """Gives turns by the sender's site (IPv4 /32, IPv6 /48).

    Whoever waits blocks a thread of the server. Beyond half of the threads, the site that takes most gives way. A site
    with a single place may still wait, unless the queue is strict because its turns take long.
    """

    def __init__(self, at_once: int, is_strict: bool = False) -> None:
        self._lock = threading.Lock()
        self._free = at_once
        self._is_strict = is_strict
        # How many have or await a turn, by site, and those who await it; the next site comes first.
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[Future[None]]] = {}

    @contextmanager
    def turn(self, ip: str) -> Iterator[None]:
        """Wait for a turn and hold it; raises TooManyUploads if the site gives way, and QueueFull if strict."""
        self.join(ip).result()
        try:
            yield
        finally:
            self.leave(ip)

    def join(self, ip: str) -> Future[None]:
        """Return a place, which is done when its turn comes, or when it gives way."""
        site, place = site_of(ip), Future[None]()
        with self._lock:
            self._taken[site] += 1
            self._waiting.setdefault(site, deque()).append(place)
            self._call_next()
            if self._waiting and self._taken.total() > settings.threads // 2:
                self._make_room(site)
        return place

    def leave(self, ip: str) -> None:
        """End a turn."""
        with self._lock:
            self._free += 1
            self._taken -= Counter([site_of(ip)])
            self._call_next()

    def _call_next(self) -> None:
        while self._free and self._waiting:
            site = next(iter(self._waiting))
            places = self._waiting.pop(site)
            places.popleft().set_result(None)
            self._free -= 1
            if places:
                # Behind the other sites.
                self._waiting[site] = places

    def _make_room(self, newcomer: str) -> None:
        site = max(self._waiting, key=lambda site: (self._taken[site], site == newcomer))
        if self._taken[site] > 1:
            self._send_away(site, TooManyUploads(TRY_AGAIN_AFTER))
        elif self._is_strict:
            self._send_away(newcomer, QueueFull(TRY_AGAIN_AFTER))

    def _send_away(self, site: str, reason: Exception) -> None:
        places = self._waiting[site]
        places.pop().set_exception(reason)
        if not places:
            del self._waiting[site]
        self._taken -= Counter([site])


# More at once would only slow each other and the pages down: looking into a file needs the CPU.
content_checks = CheckQueue(at_once=2)
