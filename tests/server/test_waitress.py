"""Waitress in front of the app: refused requests get the same pages and headers, and bodies are limited."""

import http.client
import os
import socket
import urllib.parse
from contextlib import ExitStack, closing, suppress

import pytest
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from enums import MAX_REQUEST_BYTES, MAX_TEXT_LENGTH, MEBIBYTE
from tests.support.pages import Page, RequestLine, check_headers
from tests.support.servers.http_client import HttpClient, code_on
from tests.support.servers.raw_http import END, raw_request

with suppress(ImportError):  # Windows
    import resource

NOT_UNDERSTOOD, TOO_MUCH = "Das haben wir nicht verstanden", "Das ist zu viel auf einmal"
CHUNKED = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("request_text", "status", "heading"),
    [
        ("UNSINN" + END, 400, NOT_UNDERSTOOD),
        ("GET / HTTP/1.1\r\nHost: x\r\nKein Doppelpunkt" + END, 400, NOT_UNDERSTOOD),
        ("GET http://[ HTTP/1.1\r\nHost: x" + END, 400, NOT_UNDERSTOOD),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: viel" + END, 400, NOT_UNDERSTOOD),
        (f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {'9' * 5000}{END}", 400, NOT_UNDERSTOOD),
        (f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {10**9}{END}", 413, TOO_MUCH),
        (f"GET /?{'x' * 70_000} HTTP/1.1\r\nHost: x{END}", 431, NOT_UNDERSTOOD),
        (f"{CHUNKED}\r\nX: {'x' * 70_000}{END}", 431, NOT_UNDERSTOOD),
        (CHUNKED.replace("chunked", "bogus") + END, 501, "Bei uns ist ein Fehler aufgetreten"),
        (f"{CHUNKED}{END}Unsinn\r\n", 400, NOT_UNDERSTOOD),
        (f"{CHUNKED}{END}1;{'x' * 5000}", 400, NOT_UNDERSTOOD),
        (f"{CHUNKED}{END}0\r\nX: {'x' * 5000}", 400, NOT_UNDERSTOOD),
    ],
)
def test_requests_that_never_reach_the_app(portal, request_text, status, heading):
    answer = raw_request(portal, request_text)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert answer.headers["Portal-Error"] == "yes"
    assert answer.headers["Connection"] == "close"
    assert "Set-Cookie" not in answer.headers
    page = Page(answer)
    assert page.tree.findtext(".//h1") == heading


@pytest.mark.parametrize(
    "head",
    [
        f"{CHUNKED}\r\nContent-Length: 5",
        f"{CHUNKED}, chunked",
        f"{CHUNKED}\r\n , chunked",
        f"{CHUNKED}\r\nTransfer-Encoding: chunked",
        CHUNKED.replace("1.1", "1.0"),
        CHUNKED.replace(" chunked", "\r\nContent-Length: 5"),
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6",
    ],
)
def test_a_length_that_can_be_read_in_two_ways(portal, head):
    """The rest would be a request of its own for one server and a body for another."""
    answer = raw_request(portal, f"{head}{END}0{END}GET /hilfe HTTP/1.1\r\nHost: x{END}")
    assert (answer.status_code, answer.headers["Connection"]) == (400, "close")


def test_requests_that_reach_the_app(portal):
    for path, status in (("/", 200), ("/gibt-es-nicht", 404), ("/felder", 405)):
        answer = raw_request(portal, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close{END}")
        assert answer.status_code == status
        check_headers(answer)
        assert "waitress" not in str(answer.headers).lower()


def test_head_has_no_body(portal):
    answer = raw_request(portal, f"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close{END}")
    assert answer.status_code == 200
    assert answer.data == b""
    check_headers(answer)


def send_body(portal, headers, pieces):
    """Send a report in these pieces completely, even if the server responds earlier, and return the response."""
    address = urllib.parse.urlsplit(portal.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    with closing(connection):
        connection.request("POST", "/", pieces, headers, encode_chunked="Transfer-Encoding" in headers)
        answer = connection.getresponse()
        response = Response(answer.read(), answer.status, Headers(answer.getheaders()))
    response.request = RequestLine("POST", "/")
    return response


@pytest.mark.parametrize(
    "headers",
    [{"Content-Length": str(MAX_REQUEST_BYTES + MEBIBYTE)}, {"Transfer-Encoding": "chunked"}],
    ids=["length", "chunks"],
)
def test_too_large_a_body_is_read_to_its_end(portal, headers):
    """Browsers and web servers read no response before they have sent everything."""
    answer = send_body(portal, headers, (bytes(MEBIBYTE) for _ in range(MAX_REQUEST_BYTES // MEBIBYTE + 1)))
    assert answer.status_code == 413
    assert Page(answer).tree.findtext(".//h1") == TOO_MUCH


def test_a_form_in_chunks_comes_in(portal):
    line = HttpClient(portal)
    form = urllib.parse.urlencode(line.filled(portal.add_customer("K1007", "Gärtnerei Linde"))).encode()
    assert code_on(line.post("/", (form[place : place + 100] for place in range(0, len(form), 100))))


def test_who_asks_before_sending_too_large_a_body_is_refused_at_once(portal):
    head = f"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {MAX_REQUEST_BYTES + 1}"
    assert raw_request(portal, head + END).status_code == 413


def test_a_form_that_is_no_multipart_form_has_a_limit(portal):
    head = f"POST /verwaltung/anmelden HTTP/1.1\r\nHost: x\r\nContent-Length: {MEBIBYTE + 1}"
    kind = "Content-Type: application/x-www-form-urlencoded"
    assert raw_request(portal, f"{head}\r\n{kind}{END}{'x' * (MEBIBYTE + 1)}").status_code == 413


def test_without_space_the_longest_text_is_still_accepted(own_portal):
    own_portal.start(disk_reserve_mib=10**9)
    answer = send_body(own_portal, {"Content-Length": str(MEBIBYTE)}, bytes(MEBIBYTE))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert Page(answer).tree.findtext(".//h1") == "Gerade kommt zu viel auf einmal"
    known = own_portal.add_customer("K1001", "Bäckerei Sommer")
    line = HttpClient(own_portal)
    assert code_on(line.post("/", line.filled(known) | {"description": "😀" * MAX_TEXT_LENGTH}))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on open files that a process can set.")
def test_slow_senders_give_way_to_others(own_portal):
    """With 600 files that a process may open, the portal has room for 200 connections."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, allowed[1]))
    own_portal.start()
    resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
    known = own_portal.add_customer("K1001", "Bäckerei Sommer")
    address = urllib.parse.urlsplit(own_portal.url)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {MEBIBYTE}{END}".encode() + bytes(MEBIBYTE // 4)
    with ExitStack() as connections:
        for _ in range(300):
            connection = socket.create_connection((address.hostname, address.port), timeout=20)
            connections.enter_context(connection).sendall(head)
        line = HttpClient(own_portal)
        assert code_on(line.post("/", line.filled(known)))
    assert own_portal.log() == ""


def test_a_form_without_a_token_is_one_log_entry(portal):
    line = "INFO sicherheit: Formular ohne gültiges Kennzeichen | Quelle=127.0.0.1 | Seite=public.change_category"

    def lines():
        return (portal.data_dir / "logs" / "meldeportal.log").read_text("utf-8").splitlines()

    before = lines()
    raw_request(portal, f"POST /felder HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0{END}")
    (said,) = lines()[len(before) :]
    assert said.partition(" ")[2] == line
