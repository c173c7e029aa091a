"""Measure the staff area with few and with many tickets in one run: python -m tools.bench.staff_pages

Makes a portal of each size with the demo's generator. In all of them as many tickets arrive a day, so the archives
differ, and the open work is the same. In each round every page is requested at every size, one after
the other, with the other portals suspended; the medians count. Nothing fails because it is slow; an answer with a wrong
status ends the run. The databases need about 2 kB a ticket in TMPDIR, and a minute for 200,000 tickets.
"""

import argparse
import html
import re
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from statistics import median
from urllib.parse import urlencode

import clock
from app import create_app
from database import database
from demo import history
from models import Staff
from services.staff import sessions
from settings import settings
from tools.bench import servers
from tools.bench.http_client import BenchError, Client, get

SIZES = (1_000, 100_000, 1_000_000)
TARGET = 2.0

# Requests for a page in a round, after one that brings its data into memory.
REQUESTS = 5

# A large office's; the smallest portal is then a few weeks old, and the largest 55 years.
TICKETS_PER_DAY = 50

QUEUE = "/verwaltung/tickets"
_NEXT = re.compile(rb'rel="next" href="([^"]+)"|href="([^"]+)" rel="next"')
_ROW = b'class="row-title"'


class Portal:
    """A running portal with made-up tickets and the session of a member of staff."""

    def __init__(self, server, tickets, cookie, fill_seconds):
        self.server, self.tickets, self.fill_seconds = server, tickets, fill_seconds
        self._cookie = cookie

    def get(self, path):
        """Return the answer to one request on a new connection, and its duration in seconds."""
        with Client(self.server.port, self.server.pin) as visitor:
            request = get(path, self._cookie)
            sent = time.monotonic()
            answer = visitor.exchange(request, 200)
            return answer, time.monotonic() - sent

    def page(self, number, **filters):
        """Return the URL of a page of the queue, or of the last page if there are fewer."""
        url = f"{QUEUE}?{urlencode(filters)}"
        for _ in range(number - 1):
            found = _NEXT.search(self.get(url)[0])
            if found is None:
                break
            url = html.unescape((found[1] or found[2]).decode())
        return url

    def urls(self):
        """Return the measured URLs by name."""
        value = self.server.value
        code = value("SELECT code FROM submission WHERE id = (SELECT MAX(submission_id) - 100 FROM ticket)")
        serial = value("SELECT serial_number FROM submission WHERE serial_number != '' ORDER BY id LIMIT 1")[2:8]
        customer = value("SELECT number FROM customer WHERE number LIKE 'K2%' ORDER BY number LIMIT 1")
        member = value("SELECT login FROM staff ORDER BY id LIMIT 1")
        searches = {"frequent word": "drucker", "part of a serial number": serial, "Vorgangsnummer": code}
        searches["word that is nowhere"] = "quastenflosser"
        filters = {
            "kind": {"art": "garantiefall"},
            "customer": {"kunde": customer},
            "assignee": {"bearbeitet-von": member},
        }
        pages = {"Heute": "/verwaltung/", "queue": QUEUE}
        for scope, slug in (("open", "alle-offenen"), ("done", "erledigt")):
            pages[scope] = self.page(1, stand=slug)
            pages[f"{scope}, page 5"] = self.page(5, stand=slug)
            pages |= {f"{scope}, by {name}": self.page(1, stand=slug, **chosen) for name, chosen in filters.items()}
        for scope, slug in (("open", "alle-offenen"), ("done", "erledigt"), ("all", "alle")):
            pages |= {f"{scope}: {name}": self.page(1, stand=slug, text=text) for name, text in searches.items()}
        customer_id = value(f"SELECT id FROM customer WHERE number = '{customer}'")
        return pages | {"ticket": f"/verwaltung/ticket/{code}", "customer": f"/verwaltung/kunden/{customer_id}"}


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.bench.staff_pages", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=SIZES)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    try:
        measure_growth(options.sizes, options.rounds)
    except BenchError as error:
        sys.exit(f"The benchmark was stopped: {error}")


def measure_growth(sizes, rounds):
    """Print how long each page takes with so many tickets; the ratio is that of the largest size to the smallest."""
    with ExitStack() as stack:
        _measure([stack.enter_context(_portal(size)) for size in sizes], rounds)


@contextmanager
def _portal(tickets):
    cookies = []

    def fill(folder):
        cookies.append(_fill(folder, tickets))

    began = time.monotonic()
    with servers.filled_portal(fill) as server:
        portal = Portal(server, tickets, cookies[0], time.monotonic() - began)
        size = (server.folder / "tickets.db").stat().st_size / 1024**2
        still_open = server.value("SELECT COUNT(*) FROM ticket WHERE closed_at IS NULL")
        print(
            f"{tickets} tickets, {still_open} of them open: made in {portal.fill_seconds:.0f} s, {size:.0f} MiB",
            flush=True,
        )
        with server.paused():
            yield portal


def _fill(folder, tickets):
    """Add the tickets and return the session cookie of a member of staff."""
    settings.load({"TICKET_DATA_DIR": str(folder)})
    portal, now = create_app(), clock.now()
    with database.connection_context():
        history.add_history(tickets, now, timedelta(days=tickets / TICKETS_PER_DAY))
        token = sessions.begin(Staff.active().get(), "127.0.0.1", now)
    database.close_idle()
    session = {"staff": token, "staff_seen": int(now.timestamp())}
    return "session=" + portal.session_interface.get_signing_serializer(portal).dumps(session)


def _measure(portals, rounds):
    urls = []
    for portal in portals:
        with portal.server.resumed():
            urls.append(portal.urls())
    sizes = "".join(f"{portal.tickets:>11}" for portal in portals)
    print(f"\n{'milliseconds, with so many tickets':34}{sizes}{'ratio':>8}{'target':>8}          rows")
    for name in urls[0]:
        seconds, rows = [[] for _ in portals], [0] * len(portals)
        for _ in range(rounds):
            for place, portal in enumerate(portals):
                taken, rows[place] = _ask(portal, urls[place][name])
                seconds[place].append(taken)
        ratio = median(largest / smallest for largest, smallest in zip(seconds[-1], seconds[0], strict=True))
        times = "".join(f"{1000 * median(taken):11.1f}" for taken in seconds)
        verdict = "met" if ratio <= TARGET else "missed"
        print(f"{name:34}{times}{ratio:8.2f}{TARGET:8.1f}  {verdict:8}{'/'.join(map(str, rows))}", flush=True)


def _ask(portal, url):
    """Return the median duration of a page and the number of its rows."""
    with portal.server.resumed():
        answer, _ = portal.get(url)
        return median(portal.get(url)[1] for _ in range(REQUESTS)), answer.count(_ROW)


if __name__ == "__main__":
    main()
