"""The recipes for nginx and Caddy in docs/webserver, with the real web servers in front of a real portal."""

import re
import socket
import ssl

import pytest

from enums import MAX_ATTACHMENT_BYTES
from models import Attachment, Submission
from tests.support.servers.http_client import code_on, with_files
from tests.support.servers.live_server import LiveServer, free_port
from tests.support.servers.web_server import RECIPES, Caddy, Nginx, connections_to, has_ipv6

TOKEN = "geheimesKennzeichenAusEinerMail"
RESTART_PAGE = "Wir sind in einer Minute wieder da"
OFFICE = {"customer_number": "K1", "pin": "1234 5678", "name": "Anna", "phone": "0211 555-0101"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """A portal behind a web server; nothing may be wrong in its log at the end."""
    portal = LiveServer(tmp_path_factory.mktemp("behind") / "data")
    portal.port = free_port()
    # A daily backup that a restart interrupts would be an error in the log.
    portal.settings = {"base_url": f"https://localhost:{portal.port}", "trusted_proxy": "127.0.0.1", "backup_time": ""}
    portal.start(**portal.settings)
    yield portal
    log = portal.log()
    portal.stop()
    assert log == ""


@pytest.fixture(scope="module", params=[Nginx, Caddy], ids=["nginx", "caddy"])
def web_server(request, portal, tmp_path_factory):
    """One of the web servers in front of the portal."""
    request.param.skip_if_missing()
    server = request.param(tmp_path_factory.mktemp("web") / "server", portal.url, portal.port)
    server.start()
    yield server
    server.stop()


# Debian's Caddy has no limits per visitor; docs/betrieb.md has the firewall count connections.
only_nginx = pytest.mark.parametrize("web_server", [Nginx], indirect=True)


def newest(portal):
    with portal.database():
        return Submission.select().order_by(Submission.id.desc()).get()


def test_http_leads_to_https(web_server):
    with socket.create_connection(("127.0.0.1", web_server.plain_port), timeout=20) as line:
        line.sendall(b"GET /hilfe HTTP/1.0\r\nHost: localhost\r\n\r\n")
        head = line.makefile("rb").read(1000).decode()
    assert re.match(r"HTTP/1\.[01] 30[18] ", head)
    assert re.search(r"\r\nLocation: https://localhost[:/]", head)


def test_http2(web_server):
    tls = ssl.create_default_context(cafile=str(web_server.certificate))
    tls.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection(("127.0.0.1", web_server.port), timeout=20)
    with tls.wrap_socket(plain, server_hostname="localhost") as line:
        assert line.selected_alpn_protocol() == "h2"
        # The client's preface with empty SETTINGS; a frame's type is its fourth byte.
        line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        assert line.makefile("rb").read(4)[3] == 4


@pytest.mark.parametrize("source", ["127.0.0.5", "::1"])
def test_the_portal_knows_the_address_that_the_visitor_has(web_server, portal, source):
    if source == "::1" and not has_ipv6():
        pytest.skip("This machine has no IPv6.")
    client = web_server.client(source)
    client.post("/", client.filled(OFFICE), headers={"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7"})
    assert newest(portal).address == source


def test_five_files_of_ten_megabytes(web_server, portal):
    client = web_server.client("127.0.0.6")
    files = {f"{number}.txt": str(number).encode() * MAX_ATTACHMENT_BYTES for number in range(5)}
    receipt = client.post("/", *with_files(client.filled(OFFICE), files))
    with portal.database():
        stored = Attachment.select().join(Submission).where(Submission.code == code_on(receipt).replace("-", ""))
        assert sorted((row.name, row.size) for row in stored) == [(name, MAX_ATTACHMENT_BYTES) for name in files]


def test_slow_senders_do_not_reach_the_portal(web_server):
    begun = [web_server.begin_upload(f"127.0.1.{number}") for number in range(1, 21)]
    try:
        assert {answer for _, answer in begun} == {"100 Continue"}
        assert web_server.ask("GET", "/hilfe")[0].status == 200
        assert connections_to(web_server.portal) < 5
    finally:
        for line, _ in begun:
            line.close()


def test_pages_with_a_token_are_not_compressed(web_server):
    client = web_server.client()
    # The form comes back with a hint and a token, because too much is missing.
    form = client.get("/").fields().to_dict() | {"category": "incident"}
    page = client.post("/felder", form, headers={"Accept-Encoding": "gzip", "HX-Request": "true"})
    assert "Content-Encoding" not in page.response.headers


def test_its_own_page_while_the_portal_restarts_and_no_link_in_its_log(web_server, portal):
    path = f"/vorgang/{TOKEN}"
    answer, page = web_server.ask("GET", path)
    assert (answer.status, RESTART_PAGE in page) == (404, False)
    portal.stop()
    answer, page = web_server.ask("GET", path)
    assert (answer.status, RESTART_PAGE in page) == (502, True)
    assert answer.headers["Content-Type"].startswith("text/html")
    portal.start(**portal.settings)
    assert web_server.ask("GET", path, headers={"Referer": web_server.url + path})[0].status == 404
    assert TOKEN not in web_server.logs()


@only_nginx
def test_a_visitor_sends_ten_bodies_at_once(web_server):
    begun = [web_server.begin_upload("127.0.2.1") for _ in range(11)]
    try:
        assert [answer for _, answer in begun] == ["100 Continue"] * 10 + ["429 Too Many Requests"]
        other, answer = web_server.begin_upload("127.0.2.2")
        other.close()
        assert answer == "100 Continue"
    finally:
        for line, _ in begun:
            line.close()


@only_nginx
def test_a_visitor_who_asks_all_the_time_is_told_to_wait(web_server):
    answers = (web_server.ask("GET", "/wartung", source="127.0.2.3") for _ in range(1000))
    page = next(page for answer, page in answers if answer.status == 429)
    assert RESTART_PAGE in page
    assert web_server.ask("GET", "/hilfe", source="127.0.2.4")[0].status == 200


@pytest.mark.parametrize(
    ("address", "visitor"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
        ("2001:db8:1:2::6", "2001:db8:1:2"),
        ("2001:db8:1::6", "2001:db8:1"),
        ("2001:db8:1::2:3:4:5", "2001:db8:1"),
        ("2001:db8::5:6", "2001:db8"),
        ("::1", "::1"),
    ],
)
def test_nginx_takes_an_ipv6_network_for_one_visitor(address, visitor):
    recipe = (RECIPES / "nginx.conf").read_text("utf-8")
    patterns = re.findall(r'^ +"~(.+)" +\$1;$', recipe, re.MULTILINE)
    assert len(patterns) == 2
    found = (re.search(pattern, address) for pattern in patterns)
    assert next((match[1] for match in found if match), address) == visitor
