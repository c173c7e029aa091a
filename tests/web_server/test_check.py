"""pruefen asks base_url as a visitor does and finds what the web server does wrongly, with the real nginx."""

import json

import pytest

from tests.support.servers.live_server import LiveServer, free_port
from tests.support.servers.web_server import Nginx

ADDRESS_LINE = "proxy_set_header X-Forwarded-For   $remote_addr;"


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """A portal and an nginx that is not started yet; the portal's commands trust the certificate."""
    Nginx.skip_if_missing()
    folder, port = tmp_path_factory.mktemp("checked"), free_port()
    certificate = folder / "nginx" / "certificate.pem"
    portal = LiveServer(
        folder / "data",
        TICKET_BASE_URL=f"https://localhost:{port}",
        TICKET_TRUSTED_PROXY="127.0.0.1",
        SSL_CERT_FILE=str(certificate),
    )
    portal.start()
    yield portal, Nginx(folder / "nginx", portal.url, port)
    portal.stop()


@pytest.fixture
def check(behind):
    """Run pruefen behind an nginx with these changes; return what it says about the web server."""
    portal, nginx = behind

    def run(changes=(), **settings):
        nginx.start(changes)
        try:
            rows = json.loads(portal.run("pruefen", "--json", check=False, **settings))
        finally:
            nginx.stop()
        return [(row["stand"], row["satz"]) for row in rows if row["bereich"] == "Webserver"]

    return run


def test_the_recipe_is_right(check):
    assert check() == [("in Ordnung", "")]


def test_everything_that_can_be_wrong(check):
    wrong = {
        ADDRESS_LINE: "proxy_bind 127.0.0.9;",
        "proxy_set_header Host              $http_host;": "",
        "client_max_body_size 110m;": "",
    }
    found = check(wrong)
    expected = [
        "Der Webserver reicht erfundene Adressen weiter",
        "Der Webserver 127.0.0.9 steht nicht in trusted_proxy",
        "Der Webserver reicht einen anderen Namen weiter",
        "Der Webserver lehnt Anhänge von zusammen 12",
    ]
    for (state, sentence), beginning in zip(found, expected, strict=True):
        assert state == "Fehler"
        assert sentence.startswith(beginning)


def test_a_web_server_that_names_no_visitor(check):
    ((state, sentence),) = check({ADDRESS_LINE: 'proxy_set_header X-Forwarded-For "";'})
    assert state == "Fehler"
    assert "nennt die Adressen der Besucher nicht" in sentence


def test_a_web_server_that_adds_the_address_is_right(check):
    assert check({"$remote_addr;\n        proxy": "$proxy_add_x_forwarded_for;\n        proxy"}) == [("in Ordnung", "")]


@pytest.mark.parametrize(
    ("changes", "settings", "reason"),
    [
        ({}, {"base_url": "https://127.0.0.1:1"}, "https://127.0.0.1:1 nimmt an diesem Port keine Verbindung an."),
        ({"location / {": "location / { return 404;"}, {}, "antwortet nicht dieses Portal."),
        ({"location / {": "location / { return 502;"}, {}, "Der Webserver erreicht das Portal nicht."),
    ],
)
def test_an_address_where_the_portal_does_not_answer_is_a_hint(check, changes, settings, reason):
    ((state, sentence),) = check(changes, **settings)
    assert state == "Hinweis"
    assert sentence.endswith(reason)
