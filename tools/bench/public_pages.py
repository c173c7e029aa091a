"""The CPU time of the pages that belong to one request: the receipt, the customer's page and the approver's page."""

import re
import time

from database import database
from models import Contact, Customer, Submission, TicketLink
from services.mail import access_links
from settings import settings
from tools.bench.http_client import GAP, BenchError, Client, get

# Enough for the clock of /proc, which ticks a hundred times a second.
REQUESTS = 200
TIME_LIMIT_SECONDS = 30

_CODE = re.compile(rb"\r\nLocation: (/eingegangen/\w+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nSet-Cookie: (session=[^;]+)", re.IGNORECASE)


def measure(portal, rounds):
    """Yield the name of each page, and the milliseconds of CPU time that it costs in each round."""
    settings.load({"TICKET_DATA_DIR": str(portal.folder)})
    database.init(settings.database_path)
    with database.connection_context(), Client(portal.port, portal.pin) as visitor:
        Contact.create(is_approver=True, customer=Customer.get(), name="Bernd", email="bernd@sommer.example")
        sent = visitor.exchange(visitor.submission().replace(GAP, b"k" * 22), 303)
        pages = {"/eingegangen/": (_CODE.search(sent)[1].decode(), _COOKIE.search(sent)[1].decode())}
        for link in _links():
            page = access_links.insert_token(access_links.placeholder_url(link), link)
            path = "/" + page.partition("://")[2].partition("/")[2]
            pages[f"/{access_links.PATHS[link.purpose]}/"] = (path, visitor.session()[0])
        for name, (path, cookie) in pages.items():
            request = get(path, cookie)
            yield name, [_cpu_milliseconds(portal, visitor, request) for _ in range(rounds)]


def _links():
    """Wait until the submission is decided and return the links in its mails."""
    deadline = time.monotonic() + TIME_LIMIT_SECONDS
    while len(links := list(TicketLink.select())) < len(access_links.PATHS):
        if time.monotonic() > deadline:
            raise BenchError(f"The submission is {Submission.get().state}, and there are {len(links)} links.")
        time.sleep(0.1)
    return links


def _cpu_milliseconds(portal, visitor, request):
    visitor.exchange(request, 200)
    before = portal.cpu_seconds()
    for _ in range(REQUESTS):
        visitor.exchange(request, 200)
    return 1000 * (portal.cpu_seconds() - before) / REQUESTS
