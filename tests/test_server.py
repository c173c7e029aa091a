"""Waitress in front of the app: what never reaches the app is answered with the same page and the same headers."""

import http.client
import socket
import urllib.parse

import pytest
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from app import MAX_REQUEST_BYTES
from settings import MEBIBYTE
from tests.pages import Asked, Page, check_headers

END = "\r\n\r\n"


def ask(portal, request):
    """Send bytes as they are to the server, and return its answer."""
    address = urllib.parse.urlsplit(portal.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = http.client.HTTPResponse(connection, method=request.partition(" ")[0])
        answer.begin()
        body = answer.read()
    response = Response(body, answer.status, Headers(answer.getheaders()))
    method, _, rest = request.partition(" ")
    response.request = Asked(method, rest.partition(" ")[0])
    return response


@pytest.mark.parametrize(
    ("request_head", "status", "heading"),
    [
        ("UNSINN" + END, 400, "Das haben wir nicht verstanden"),
        ("GET / HTTP/1.1\r\nHost: x\r\nKein Doppelpunkt" + END, 400, "Das haben wir nicht verstanden"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: viel" + END, 400, "Das haben wir nicht verstanden"),
        (f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {10**9}" + END, 413, "Das ist zu viel auf einmal"),
        (f"GET /?{'x' * 300_000} HTTP/1.1\r\nHost: x" + END, 431, "Das haben wir nicht verstanden"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: bogus" + END, 501, "Bei uns ist ein Fehler aufgetreten"),
    ],
)
def test_what_never_reaches_the_app(portal, request_head, status, heading):
    answer = ask(portal, request_head)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert "Set-Cookie" not in answer.headers
    page = Page(answer)
    assert page.tree.findtext(".//h1") == heading


def test_what_reaches_the_app(portal):
    for path, status in (("/", 200), ("/gibt-es-nicht", 404), ("/felder", 405)):
        answer = ask(portal, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close{END}")
        assert answer.status_code == status
        check_headers(answer)
        assert "waitress" not in str(answer.headers).lower()


def test_head_has_no_body(portal):
    answer = ask(portal, f"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close{END}")
    assert answer.status_code == 200
    assert answer.data == b""
    check_headers(answer)


def test_a_body_that_does_not_say_its_length_ends_at_the_same_limit(portal):
    """Nothing of it reaches the app, and no more of it the disk."""
    address = urllib.parse.urlsplit(portal.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked{END}".encode())
        for _ in range(MAX_REQUEST_BYTES // MEBIBYTE + 1):
            connection.sendall(f"{MEBIBYTE:x}\r\n".encode() + bytes(MEBIBYTE) + b"\r\n")
        answer = http.client.HTTPResponse(connection, method="POST")
        answer.begin()
        assert answer.status == 413
        assert "Das ist zu viel auf einmal" in answer.read().decode()
    assert ask(portal, f"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close{END}").status_code == 200
