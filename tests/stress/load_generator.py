"""Clients that send requests to a running portal and record what it confirmed.

With PYTHONPATH=tests/support/python_sqlite these programs run with the SQLite of Python, which may be too old for a
write-ahead log; then they try the rollback journal.
"""

import hashlib
import http.client
import json
import random
import re
import secrets
import tempfile
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

from peewee import sqlite3

from database import database
from models import Attachment, Event, Message, Submission, Ticket
from tests.support.pages import EXAMPLES
from tests.support.servers.http_client import with_file
from tests.support.servers.live_server import LiveServer

CODE = re.compile(r'class="code">([2-9A-Z]{4}-[2-9A-Z]{4})<')
TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')

SENDERS = 4

# Errors of a connection without a complete answer.
NO_ANSWER = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


@dataclass
class Request:
    """A request with the submission key of one form, and the codes confirmed for it."""

    content: bytes | None
    draft: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    codes: list = field(default_factory=list)

    @property
    def digests(self):
        return [hashlib.sha256(self.content).hexdigest()] if self.content else []


class Sender:
    """A browser without scripts; its session outlives the server's restarts."""

    def __init__(self, portal, known):
        self._url, self._known = portal.url, known
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._token = TOKEN.search(self._open("/"))[1]

    def send(self, request):
        """Send a request and return the answered page; the code of a receipt is recorded."""
        values = self._known | EXAMPLES["incident"] | {"category": "incident", "csrf_token": self._token}
        body, kind = urlencode(values | {"draft": request.draft}).encode(), "application/x-www-form-urlencoded"
        if request.content:
            body, kind = with_file(values | {"draft": request.draft}, "Protokoll.log", request.content)
        page = self._open("/", body, kind)
        if code := CODE.search(page):
            request.codes.append(code[1].replace("-", ""))
        return page

    def stage_and_remove(self):
        """Upload a file and remove it."""
        values = {"csrf_token": self._token, "draft": secrets.token_urlsafe(16), "category": "incident"}
        page = self._open("/felder", *with_file(values, "Falsch.log", some_text()))
        stored_name = re.search(r'name="staged" value="([0-9a-f]+)"', page)[1]
        self._open("/anhaenge/entfernen", urlencode(values | {"attachment": stored_name}).encode())

    def _open(self, path, body=None, kind="application/x-www-form-urlencoded"):
        request = urllib.request.Request(self._url + path, body, {"Content-Type": kind})
        with self._opener.open(request, timeout=30) as answer:
            return answer.read().decode()


def some_text():
    """Return a random text of 1 to 200 kB."""
    return secrets.token_hex(16).encode() * random.randrange(32, 6400)


def new_request():
    """Return a request with or without a file."""
    return Request(some_text() if random.random() < 0.5 else None)


class Load:
    """Parallel clients that send one request after another until the server is gone or they are stopped."""

    def __init__(self, known, senders):
        self.known, self._senders, self._threads = known, senders, []
        self._stopping = threading.Event()
        self.requests, self.faults = [], []

    def start(self, resent=()):
        """Start all clients; they resend the given requests first."""
        self._stopping.clear()
        waiting = list(resent)
        self._threads = [
            threading.Thread(target=self._send, args=(sender, waiting[index :: len(self._senders)]))
            for index, sender in enumerate(self._senders)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Wait until all clients have stopped."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender, waiting):
        while not self._stopping.is_set():
            request = waiting.pop() if waiting else new_request()
            if not request.codes and request not in self.requests:
                self.requests.append(request)
            try:
                if not sender.send(request) or not request.codes:
                    self.faults.append("An answer was no receipt.")
                if random.random() < 0.1:
                    sender.stage_and_remove()
            except urllib.error.HTTPError as error:
                self.faults.append(f"An answer had the status {error.code}.")
            except NO_ANSWER:
                return
            self._stopping.wait(random.uniform(0, 0.6))


@contextmanager
def portal_under_load(start):
    """Run a portal with one customer in a temporary folder; yield portal, folder and clients."""
    with tempfile.TemporaryDirectory(prefix="ordeal-") as name:
        portal = LiveServer(Path(name) / "data")
        known = portal.add_customer("K1001", "Bäckerei Sommer", "--mail", "post@sommer.example")
        start(portal)
        try:
            yield portal, Path(name), Load(known, [Sender(portal, known) for _ in range(SENDERS)])
        finally:
            portal.kill()
            database.close_idle()


def health(portal):
    """Return the answer of /healthz."""
    with urllib.request.urlopen(f"{portal.url}/healthz", timeout=30) as answer:
        return json.loads(answer.read())["status"]


def faults_of(portal, *expected, **settings):
    """Return the faults of `pruefen` except in the expected topics, as sentences."""
    found = json.loads(portal.run("pruefen", "--json", check=False, timeout=600, **settings))
    return [row["satz"] for row in found if row["stand"] == "Fehler" and row["bereich"] not in expected]


def print_figures(figures, faults):
    """Print a table, and each fault once."""
    figures = {"SQLite": sqlite3.sqlite_version} | figures
    for name, figure in figures.items():
        print(f"{name:40}{figure:10}")
    for fault in sorted(set(faults)):
        print(f"WRONG: {fault}")


@dataclass
class Outcome:
    """The state of the confirmed requests; all figures but the first must be 0."""

    confirmed: int = 0
    lost: int = 0
    doubled: int = 0
    half: int = 0


def check_outcome(requests, files_dir):
    """Compare the confirmed requests with the open database and the files."""
    result = Outcome()
    for request in requests:
        if not request.codes:
            continue
        result.confirmed += 1
        rows = list(Submission.select().where(Submission.draft == request.draft))
        codes = {submission.code for submission in rows}
        if not set(request.codes) <= codes:
            result.lost += 1
        if len(set(request.codes)) > 1 or len(rows) > 1:
            result.doubled += 1
        if rows and not _is_whole(rows[0], request, files_dir):
            result.half += 1
    result.doubled += Submission.select().count() - Submission.select(Submission.draft).distinct().count()
    return result


def _is_whole(submission, request, files_dir):
    """Say whether a submission has one ticket with its first event, both mails and its file."""
    tickets = list(Ticket.select().where(Ticket.submission == submission))
    files = list(Attachment.select().where(Attachment.submission == submission))
    return (
        len(tickets) == 1
        and Event.select().where(Event.ticket == tickets[0]).count() == 1
        and Message.select().where(Message.ticket == tickets[0]).count() == 2
        and [file.digest for file in files] == request.digests
        and all(_digest(files_dir / file.stored_name) == file.digest for file in files)
    )


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
