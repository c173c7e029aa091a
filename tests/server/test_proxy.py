"""X-Forwarded-* headers are trusted from the configured proxies only, and only the last hop that is none of them.

The proxy is 127.0.0.1, other clients are 127.0.0.2; both are this machine. Other proxies stand in front of that one.
"""

import http.client
import urllib.parse

import pytest
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from models import Submission
from tests.support.pages import EXAMPLES, Page, RequestLine, without_random
from tests.support.servers.live_server import LiveServer

FORM = RequestLine("GET", "/")
PROXY, OTHER = "127.0.0.1", "127.0.0.2"
TRUSTED = f"{PROXY}, 10.0.0.0/8,2001:db8:ffff::/48"

SPOOFED = [
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Forwarded-For": "203.0.113.7, 127.0.0.1"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Host": "boese.example"},
    {"X-Forwarded-Port": "666", "X-Forwarded-By": "boese.example"},
    {"Forwarded": 'for=203.0.113.7;host="boese.example";proto=https'},
    {"X-Real-IP": "203.0.113.7", "Client-IP": "203.0.113.7"},
]


@pytest.fixture(scope="module")
def proxied_portal(tmp_path_factory):
    """A running portal behind a proxy, with an idle worker."""
    portal = LiveServer(tmp_path_factory.mktemp("proxied") / "data")
    portal.start(trusted_proxy=TRUSTED, worker_tick_seconds=86400, submissions_per_hour=2)
    yield portal
    portal.kill()


class RemoteClient:
    """A client that sends requests from one of this machine's IP addresses with given headers."""

    def __init__(self, portal, source, headers):
        self._portal, self._source, self._headers, self._cookie = portal, source, headers, ""

    def send(self, method="GET", path="/", values=None):
        address = urllib.parse.urlsplit(self._portal.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, 20, source_address=(self._source, 0))
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"} | self._headers
        connection.request(method, path, urllib.parse.urlencode(values) if values else None, headers)
        answer = connection.getresponse()
        answer = Response(answer.read(), answer.status, Headers(answer.getheaders()))
        connection.close()
        self._cookie = answer.headers.get("Set-Cookie", self._cookie).partition(";")[0]
        return answer

    def report(self):
        """Send a submission and return the status and the stored IP address."""
        values = Page(self.send(), FORM).fields().to_dict() | EXAMPLES["incident"]
        values |= {"category": "incident", "customer_number": "K1", "pin": "1234 5678", "name": "D", "phone": "0211 55"}
        status = self.send("POST", "/", values).status_code
        with self._portal.database():
            newest = Submission.select().order_by(Submission.id.desc()).first()
            return status, newest and newest.address


def comparable(answer):
    """Return a response without what differs between any two."""
    changing = ("Date", "Set-Cookie")
    headers = [(name, value) for name, value in answer.headers if name not in changing]
    cookie = answer.headers["Set-Cookie"].partition(";")[2]
    return answer.status_code, headers, cookie, without_random(answer.get_data(as_text=True))


@pytest.mark.parametrize("headers", SPOOFED, ids=lambda headers: ", ".join(headers))
def test_headers_of_other_clients_are_ignored(proxied_portal, headers):
    assert comparable(RemoteClient(proxied_portal, OTHER, headers).send()) == comparable(
        RemoteClient(proxied_portal, OTHER, {}).send()
    )


def test_a_client_cannot_choose_its_address(proxied_portal):
    """Nor another rate limit: the third submission is refused."""
    with proxied_portal.database():
        Submission.delete().execute()
    answers = [
        RemoteClient(proxied_portal, OTHER, {"X-Forwarded-For": f"203.0.113.{number}"}).report() for number in range(3)
    ]
    assert answers == [(303, OTHER), (303, OTHER), (429, OTHER)]


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("203.0.113.7, 198.51.100.2", "198.51.100.2"),
        ("127.0.0.1, 203.0.113.7, 198.51.100.3", "198.51.100.3"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:0DB8:0:1::7", "2001:db8:0:1::7"),
        ("[2001:db8:0:2::7]:443", "2001:db8:0:2::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("198.51.100.4:50123", "198.51.100.4"),
        ('"198.51.100.5"', "198.51.100.5"),
        ("::ffff:198.51.100.6", "198.51.100.6"),
        ("::ffff:203.0.113.7, ::ffff:198.51.100.9", "198.51.100.9"),
        ("64:ff9b::198.51.100.10", "198.51.100.10"),
        ("198.51.100.11, 10.1.2.3", "198.51.100.11"),
        ("203.0.113.7, 198.51.100.12, 2001:db8:ffff::1, ::ffff:10.1.2.3", "198.51.100.12"),
        ("10.1.2.4", "10.1.2.4"),
        ("unknown, 10.1.2.5", "10.1.2.5"),
        (f"198.51.100.13{', 10.1.2.6' * 20}", "10.1.2.6"),
    ],
)
def test_the_last_hop_that_is_no_proxy_counts(proxied_portal, forwarded_for, address):
    assert RemoteClient(proxied_portal, PROXY, {"X-Forwarded-For": forwarded_for}).report() == (303, address)


INVALID_ADDRESSES = [
    "unknown",
    "x" * 3000,
    "::ffff:198.51.100.999",
    "",
    "_verborgen",
    '"',
    "[",
    "198.51.100",
    "1" * 3000,
]


def test_invalid_addresses_are_ignored(proxied_portal):
    """The proxy's own address counts and is stored."""
    with proxied_portal.database():
        Submission.delete().execute()
    answers = [
        RemoteClient(proxied_portal, PROXY, {"X-Forwarded-For": forwarded_for}).report()
        for forwarded_for in INVALID_ADDRESSES
    ]
    assert answers == [(303, PROXY)] * 2 + [(429, PROXY)] * 7


def test_ipv4_visitors_written_as_ipv6_have_separate_limits(proxied_portal):
    addresses = [f"::ffff:203.0.113.{number}" for number in (11, 11, 11, 12)]
    statuses = [RemoteClient(proxied_portal, PROXY, {"X-Forwarded-For": address}).report()[0] for address in addresses]
    assert statuses == [303, 303, 429, 303]


def test_visitors_behind_the_proxy_have_separate_limits(proxied_portal):
    def statuses(address):
        return [RemoteClient(proxied_portal, PROXY, {"X-Forwarded-For": address}).report()[0] for _ in range(3)]

    assert [statuses("198.51.100.7"), statuses("198.51.100.8")] == [[303, 303, 429]] * 2


def test_host_and_port_of_the_proxy_are_ignored(proxied_portal):
    headers = {"X-Forwarded-Host": "boese.example", "X-Forwarded-Port": "666"}
    assert comparable(RemoteClient(proxied_portal, PROXY, headers).send()) == comparable(
        RemoteClient(proxied_portal, PROXY, {}).send()
    )
