"""What a request says of whence it comes is believed from the configured proxy, and of that only what it added itself.

The proxy is 127.0.0.1, everybody else 127.0.0.2: both are this machine.
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
PROXY, ELSEWHERE = "127.0.0.1", "127.0.0.2"

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
def proxied(tmp_path_factory):
    """A running portal behind a proxy; its worker decides nothing meanwhile."""
    portal = LiveServer(tmp_path_factory.mktemp("proxied") / "data")
    portal.start(trusted_proxy=PROXY, worker_tick_seconds=86400, submissions_per_hour=2)
    yield portal
    portal.kill()


class Caller:
    """Somebody who calls the portal from an address of this machine, with headers of their own."""

    def __init__(self, portal, source, headers):
        self._portal, self._source, self._headers, self._cookie = portal, source, headers, ""

    def ask(self, method="GET", path="/", values=None):
        address = urllib.parse.urlsplit(self._portal.url)
        line = http.client.HTTPConnection(address.hostname, address.port, 20, source_address=(self._source, 0))
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"} | self._headers
        line.request(method, path, urllib.parse.urlencode(values) if values else None, headers)
        answer = line.getresponse()
        answer = Response(answer.read(), answer.status, Headers(answer.getheaders()))
        line.close()
        self._cookie = answer.headers.get("Set-Cookie", self._cookie).partition(";")[0]
        return answer

    def report(self):
        """Send a request, and return its status and the address that is stored with it."""
        values = Page(self.ask(), FORM).fields().to_dict() | EXAMPLES["incident"]
        values |= {"category": "incident", "customer_number": "K1", "pin": "1234 5678", "name": "D", "phone": "0211 55"}
        status = self.ask("POST", "/", values).status_code
        with self._portal.database():
            newest = Submission.select().order_by(Submission.id.desc()).first()
            return status, newest and newest.address


def seen(answer):
    """Return all of an answer but what is random in any two."""
    changing = ("Date", "Set-Cookie")
    headers = [(name, value) for name, value in answer.headers if name not in changing]
    cookie = answer.headers["Set-Cookie"].partition(";")[2]
    return answer.status_code, headers, cookie, without_random(answer.get_data(as_text=True))


@pytest.mark.parametrize("headers", SPOOFED, ids=lambda headers: ", ".join(headers))
def test_from_elsewhere_nothing_is_believed(proxied, headers):
    assert seen(Caller(proxied, ELSEWHERE, headers).ask()) == seen(Caller(proxied, ELSEWHERE, {}).ask())


def test_nobody_gets_another_address_by_saying_so(proxied):
    """Nor another budget: the third one is refused, whatever it says."""
    with proxied.database():
        Submission.delete().execute()
    answers = [Caller(proxied, ELSEWHERE, {"X-Forwarded-For": f"203.0.113.{number}"}).report() for number in range(3)]
    assert answers == [(303, ELSEWHERE), (303, ELSEWHERE), (429, ELSEWHERE)]


@pytest.mark.parametrize(
    ("said", "address"),
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
    ],
)
def test_of_the_proxy_the_last_hop_counts(proxied, said, address):
    assert Caller(proxied, PROXY, {"X-Forwarded-For": said}).report() == (303, address)


NO_ADDRESSES = ["unknown", "x" * 3000, "::ffff:198.51.100.999", "", "_verborgen", '"', "[", "198.51.100", "1" * 3000]


def test_what_is_no_address_is_not_believed(proxied):
    """It is the proxy that said it, each time another thing; nothing of that is stored."""
    with proxied.database():
        Submission.delete().execute()
    answers = [Caller(proxied, PROXY, {"X-Forwarded-For": said}).report() for said in NO_ADDRESSES]
    assert answers == [(303, PROXY)] * 2 + [(429, PROXY)] * 7


def test_visitors_of_ipv4_are_not_one_because_the_proxy_spells_them_as_ipv6(proxied):
    addresses = [f"::ffff:203.0.113.{number}" for number in (11, 11, 11, 12)]
    statuses = [Caller(proxied, PROXY, {"X-Forwarded-For": address}).report()[0] for address in addresses]
    assert statuses == [303, 303, 429, 303]


def test_visitors_behind_the_proxy_have_budgets_of_their_own(proxied):
    def statuses(address):
        return [Caller(proxied, PROXY, {"X-Forwarded-For": address}).report()[0] for _ in range(3)]

    assert [statuses("198.51.100.7"), statuses("198.51.100.8")] == [[303, 303, 429]] * 2


def test_of_the_proxy_host_and_port_are_not_believed(proxied):
    headers = {"X-Forwarded-Host": "boese.example", "X-Forwarded-Port": "666"}
    assert seen(Caller(proxied, PROXY, headers).ask()) == seen(Caller(proxied, PROXY, {}).ask())
