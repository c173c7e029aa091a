"""A cheap client: keep-alive sockets, prepared requests; of each answer it reads only status and length."""

import re
import secrets
import socket
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode

CUSTOMER_NUMBER = "K1001"
FILES = 3
FILE_BYTES = 300_000

FIELDS = {
    "customer_number": CUSTOMER_NUMBER,
    "name": "Anna Sommer",
    "phone": "0211 555-0101",
    "email": "anna@sommer.example",
    "category": "warranty",
    "reference": "Büro 2",
    "device": "ThinkPad E16",
    "serial_number": "PF4X7Q2M",
    "order_reference": "AB-20417",
    "description": "Der Akku lädt nicht mehr über 40 Prozent. Ein anderes Netzteil hilft nicht.",
    "priority": "medium",
}

# Placeholder in a prepared request for a random key: the submission key, and a part of each file.
GAP = b"[22 signs, all random]"

_BOUNDARY = "----------------bench"
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)
_COOKIE = re.compile(r"\r\nSet-Cookie: (session=[^;]+)", re.IGNORECASE)
_TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


class BenchError(Exception):
    """The benchmark cannot go on; its text says why."""


class Client:
    """One visitor with one connection to a server on this machine."""

    def __init__(self, port, pin):
        self._pin = pin
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def exchange(self, request, status):
        """Send a request and return the whole answer; raises BenchError if its status is not the expected one."""
        self._socket.sendall(request)
        answer = self._receive()
        while (head_end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._receive()
        length = _LENGTH.search(answer, 0, head_end)
        if length is None or int(answer[9:12]) != status:
            raise BenchError(
                f"{request[: request.find(b' HTTP')].decode()} was to be answered with {status} and a length, but was "
                f"answered with:\n{answer[:head_end].decode()}"
            )
        whole = head_end + 4 + int(length[1])
        while len(answer) < whole:
            answer += self._receive()
        return answer

    def page(self):
        """Make the first request of a visitor for the form."""
        return _request("GET /")

    def fragment(self):
        """Make the request of htmx for another category."""
        cookie, token = self.session()
        body = urlencode(FIELDS | {"csrf_token": token}).encode() + b"&draft=" + GAP
        headers = ["HX-Request: true", f"Cookie: {cookie}"]
        return _request("POST /felder", body, "application/x-www-form-urlencoded", *headers)

    def submission(self, files=0):
        """Make a submission to the portal, with the session and token that its form page gave."""
        cookie, token = self.session()
        return _multipart({"csrf_token": token, "draft": GAP.decode(), "pin": self._pin}, files, f"Cookie: {cookie}")

    def submission_with_files(self):
        return self.submission(FILES)

    def bare_submission(self, files=0):
        """Make a submission to the bare app."""
        return _multipart({"pin": self._pin}, files)

    def bare_submission_with_files(self):
        return self.bare_submission(FILES)

    def session(self):
        """Open the form page as a new visitor and return the session cookie and the CSRF token."""
        answer = self.exchange(self.page(), 200).decode()
        return _COOKIE.search(answer)[1], _TOKEN.search(answer)[1]

    def _receive(self):
        received = self._socket.recv(262144)
        if not received:
            raise BenchError("The server closed the connection in the middle of an answer.")
        return received


class Kind(NamedTuple):
    """A kind of request: its name, the function that makes it, and the expected status."""

    name: str
    make: Callable[[Client], bytes]
    status: int


def run(port, pin, kind, begin, seconds, limit):
    """Send one kind of request repeatedly from the moment `begin`, for some seconds or `limit` requests.

    Returns how long each answer took and the moment of the last one.
    """
    with Client(port, pin) as visitor:
        parts = kind.make(visitor).split(GAP)
        time.sleep(max(0, begin - time.monotonic()))
        latencies = []
        sent = time.monotonic()
        while sent < begin + seconds and len(latencies) < limit:
            visitor.exchange(secrets.token_urlsafe(16).encode().join(parts), kind.status)
            answered = time.monotonic()
            latencies.append(answered - sent)
            sent = answered
    return latencies, sent


def get(path, cookie):
    """Make a request for a page with the cookie of a session."""
    return _request(f"GET {path}", b"", None, f"Cookie: {cookie}")


def _multipart(fields, files, *headers):
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in (fields | FIELDS).items()
    ]
    for number in range(1, files + 1):
        head = f'Content-Disposition: form-data; name="files"; filename="foto-{number}.jpg"\r\nContent-Type: image/jpeg'
        parts.append(head.encode() + b"\r\n\r\n" + _photo())
    delimiter = f"--{_BOUNDARY}".encode()
    body = b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + b"--\r\n"
    return _request("POST /", body, f"multipart/form-data; boundary={_BOUNDARY}", *headers)


def _request(line, body=b"", content_type=None, *headers):
    lines = [f"{line} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if content_type:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _photo():
    """Return the structure of a JPEG with the gap in a comment and random bytes as the picture."""
    comment = b"\xff\xfe" + (len(GAP) + 2).to_bytes(2, "big") + GAP
    frame = b"\xff\xc0\x00\x0b\x08\x04\x00\x04\x00\x01\x01\x11\x00"
    start = b"\xff\xd8" + comment + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    picture = secrets.token_bytes(FILE_BYTES).replace(b"\xff", b"\xff\x00")[: FILE_BYTES - len(start) - 2]
    return start + picture.removesuffix(b"\xff") + b"\xff\xd9"
