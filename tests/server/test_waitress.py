"""Waitress in front of the app: refused requests get the same pages and headers, and bodies are limited."""

import http.client
import re
import socket
import urllib.parse

import pytest
from waitress.adjustments import Adjustments
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from enums import MEBIBYTE
from server.upload_limits import MAX_BYTES_IN_MEMORY, MAX_REQUEST_BYTES, BytesInFlight, UploadLimitParser, accepts_files
from settings import settings
from tests.support.pages import Page, RequestLine, check_headers
from tests.support.servers.http_client import HttpClient, code_on
from tests.support.servers.raw_http import END, raw_request


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
def test_requests_that_never_reach_the_app(portal, request_head, status, heading):
    answer = raw_request(portal, request_head)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert answer.headers["Portal-Error"] == "yes"
    assert "Set-Cookie" not in answer.headers
    page = Page(answer)
    assert page.tree.findtext(".//h1") == heading


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


def test_a_body_without_a_length_has_the_same_limit(portal):
    """A chunked body is refused by waitress, before the app sees it."""
    address = urllib.parse.urlsplit(portal.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked{END}".encode())
        for _ in range(MAX_REQUEST_BYTES // MEBIBYTE + 1):
            connection.sendall(f"{MEBIBYTE:x}\r\n".encode() + bytes(MEBIBYTE) + b"\r\n")
        answer = http.client.HTTPResponse(connection, method="POST")
        answer.begin()
        assert answer.status == 413
        assert "Das ist zu viel auf einmal" in answer.read().decode()
    assert raw_request(portal, f"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close{END}").status_code == 200


LARGE = 8 * MEBIBYTE


def send_all(portal, path, method="POST"):
    """Send a large body completely, even if the server responds earlier, and return the response."""
    address = urllib.parse.urlsplit(portal.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        connection.sendall(f"{head}Content-Length: {LARGE}{END}".encode())
        for _ in range(LARGE // MEBIBYTE):
            connection.sendall(bytes(MEBIBYTE))
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        response = Response(answer.read(), answer.status, Headers(answer.getheaders()))
    response.request = RequestLine(method, path)
    return response


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/hilfe"), ("POST", "/gibt-es-nicht"), ("GET", "/"), ("POST", "/verwaltung/anmelden"), ("PUT", "/%ff")],
)
def test_endpoints_without_files_refuse_large_bodies(portal, method, path):
    answer = send_all(portal, path, method)
    assert answer.status_code == 413
    assert Page(answer).tree.findtext(".//h1") == "Das ist zu viel auf einmal"


def test_a_chunked_body_for_an_endpoint_without_files(portal):
    chunks = f"{MEBIBYTE:x}\r\n{'x' * MEBIBYTE}\r\n" * 3
    answer = raw_request(portal, f"POST /hilfe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked{END}{chunks}")
    assert answer.status_code == 413


def test_endpoints_that_take_files(app):
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    accepting = {rule for rule in rules if accepts_files(app, "POST", re.sub("<.*?>", "1", rule))}
    forms = {"/": "/", "/verwaltung/anruf": "/verwaltung/anruf/"}
    parts = ("felder", "vorlauf", "prioritaet", "anhaenge", "anhaenge/entfernen")
    form_urls = {form_url + part for form_url in forms.values() for part in parts} | set(forms)
    page = "/vorgang/<token>"
    assert accepting == form_urls | {
        page,
        f"{page}/anhaenge",
        f"{page}/anhaenge/entfernen",
        f"{page}/sprache",
        "/sprache",
        "/verwaltung/kunden/einlesen",
    }


def test_without_space_a_text_is_still_accepted(own_portal):
    own_portal.start(disk_reserve_mib=10**9)
    answer = send_all(own_portal, "/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert Page(answer).tree.findtext(".//h1") == "Gerade kommt zu viel auf einmal"
    known = own_portal.add_customer("K1001", "Bäckerei Sommer")
    line = HttpClient(own_portal)
    assert code_on(line.post("/", line.filled(known)))


@pytest.mark.parametrize("limit", ["max_bytes_in_flight", "max_bytes_in_flight_per_network"])
def test_bytes_in_flight_are_limited_until_they_are_released(app, limit):
    setattr(settings, limit, 5 * MEBIBYTE)
    bytes_in_flight = BytesInFlight()

    def begin():
        parser = UploadLimitParser(Adjustments(), "203.0.113.7", bytes_in_flight, lambda method, path: True)
        parser.received(f"POST / HTTP/1.1\r\nContent-Length: {3 * MEBIBYTE}{END}".encode())
        parser.received(bytes(2 * MEBIBYTE + 1))
        return parser

    first, second = begin(), begin()
    assert first.error is None
    assert second.error.code == 503
    first.close()
    third = begin()
    assert third.error is None
    third.close()


def test_bodies_leave_the_memory_when_many_are_there(app):
    bytes_in_flight = BytesInFlight()

    def begin():
        parser = UploadLimitParser(
            Adjustments(inbuf_overflow=MAX_BYTES_IN_MEMORY), "203.0.113.7", bytes_in_flight, lambda method, path: True
        )
        parser.received(f"POST / HTTP/1.1\r\nContent-Length: {MEBIBYTE}{END}".encode())
        for _ in range(4):
            parser.received(bytes(MEBIBYTE // 4 - 1))
        return parser

    parsers = [begin() for _ in range(20)]
    in_files = [parser.body_rcv.getbuf().overflowed for parser in parsers]
    assert in_files == [False] * 16 + [True] * 4
    for parser in parsers:
        parser.close()


@pytest.mark.parametrize(
    ("network", "proxy", "total_is_left", "fits"),
    [
        ("203.0.113.7", "", 320, 320),
        ("203.0.113.7", "", 300, 300),
        # All visitors come from the proxy, so only the total counts.
        ("203.0.113.7", "203.0.113.7", 1024, 1024),
    ],
)
def test_edge_of_the_limits_on_bytes_in_flight(app, network, proxy, total_is_left, fits):
    settings.trusted_proxy = proxy
    bytes_in_flight = BytesInFlight()
    bytes_in_flight.add("198.51.100.0", (1024 - total_is_left) * MEBIBYTE)
    assert bytes_in_flight.has_room(network, fits * MEBIBYTE)
    assert not bytes_in_flight.has_room(network, fits * MEBIBYTE + 1)


@pytest.mark.parametrize(("length", "code"), [(MEBIBYTE, None), (MEBIBYTE + 1, 413)])
def test_edge_of_a_small_request(app, length, code):
    parser = UploadLimitParser(Adjustments(), "203.0.113.7", BytesInFlight(), lambda method, path: False)
    parser.received(f"POST /hilfe HTTP/1.1\r\nContent-Length: {length}{END}".encode())
    assert (parser.error and parser.error.code) == code
    parser.close()


def test_a_form_without_a_token_is_one_log_entry(portal):
    line = "INFO sicherheit: Formular ohne gültiges Kennzeichen | Quelle=127.0.0.1 | Seite=public.change_category"

    def lines():
        return (portal.data_dir / "logs" / "meldeportal.log").read_text("utf-8").splitlines()

    before = lines()
    raw_request(portal, f"POST /felder HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0{END}")
    (said,) = lines()[len(before) :]
    assert said.partition(" ")[2] == line
