"""Requests that no browser sends get one of our pages and never cause a server error."""

import io

import pytest
from flask import request

from database import database
from settings import settings
from tests.support.pages import EXAMPLES, HTMX, Page

ONE_PART = "--a\r\nContent-Disposition: form-data{}\r\n\r\nx\r\n--a--\r\n"
MULTIPART = "multipart/form-data; boundary=a"


@pytest.mark.parametrize("headers", [{"Origin": "http://["}, {"Origin": "http://[x"}, {"Origin": "http://a\u2100b"}])
@pytest.mark.parametrize(("path", "location"), [("/", "/"), ("/verwaltung/anmelden", "/verwaltung/anmelden")])
def test_an_invalid_origin_counts_as_another_site(dora, headers, path, location):
    answer = dora.client.post(path, headers={name: value.encode().decode("latin-1") for name, value in headers.items()})
    assert (answer.status_code, answer.location) == (303, location)


@pytest.mark.parametrize("path", ["/", "/anhaenge", "/verwaltung/anmelden"])
@pytest.mark.parametrize("part", ["", "; name", '; filename="x.txt"'])
def test_a_part_without_a_name(dora, path, part):
    answer = dora.client.post(path, data=ONE_PART.format(part), content_type=MULTIPART)
    page = Page(answer)
    assert page.status == 400
    assert page.tree.findtext(".//h1") == "Das haben wir nicht verstanden"


FILE = '--a\r\nContent-Disposition: form-data; name="files"; filename="Notiz.txt"\r\n\r\nHallo\r\n'


@pytest.mark.parametrize("piece", [b"\r\n--a", b"--a--a", b"\r\n--ab\r\n", b"\n--a", b"\r\r\n\n", b"-"])
def test_a_file_with_something_like_the_boundary_arrives_whole(app, piece):
    """A form is read in pieces of 64 KiB; here such a piece begins at each place in and around the boundary."""
    for missing in range(-8, len(FILE) + 16):
        content = b"x" * (2**16 - missing) + piece + b"y" * 2000 + piece + b"z"
        body = FILE.encode().replace(b"Hallo", content) + b"--a--\r\n"
        with app.test_request_context(method="POST", data=body, content_type=MULTIPART):
            assert request.files["files"].stream.read() == content


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/", {"Origin": "https://other.example"}, f"{FILE}--a--\r\n", 303),
        ("/", {}, FILE, 400),
        ("/", {}, FILE + ONE_PART.format(""), 400),
        ("/verwaltung/anmelden", {}, f"{FILE}--a--\r\n", 422),
    ],
    ids=["another site", "cut off", "a part without a name", "a form without files"],
)
def test_a_file_that_no_form_takes_leaves_nothing(dora, path, headers, body, status):
    answer = dora.client.post(path, data=body, content_type=MULTIPART, headers=headers)
    assert answer.status_code == status
    assert list(settings.files_dir.iterdir()) == []


def test_names_in_another_charset(anna, submissions):
    parts = {**anna.filled("incident"), "firma_größe": "x"}
    body = b"".join(
        b'--a\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode("cp1252"), text.encode())
        for name, text in parts.items()
    )
    file = 'Content-Disposition: form-data; name="files"; filename="Drucker Müller – 10 €.txt"\r\n\r\nHallo\r\n'
    body += b"--a\r\n%s--a--\r\n" % file.encode("cp1252")
    assert anna.client.post("/", data=body, content_type=MULTIPART).status_code == 303
    with database.connection_context():
        assert [attachment.name for attachment in submissions()[0].attachments] == ["Drucker Müller – 10 €.txt"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", ONE_PART.format("; name=x")),
        ("multipart/form-data; boundary=ä", ONE_PART.format("; name=x")),
        ("multipart/form-data; boundary=b", ONE_PART.format("; name=x")),
        (MULTIPART, ONE_PART.format("; name=x").removesuffix("--a--\r\n")),
        (MULTIPART, "--a\r\n\r\nx\r\n--a--\r\n"),
        ("application/x-www-form-urlencoded", "name=Müller".encode("cp1252")),
    ],
    ids=["no boundary", "no ASCII", "another boundary", "cut off", "no header", "no UTF-8"],
)
@pytest.mark.parametrize("path", ["/", "/felder", "/verwaltung/anmelden"])
def test_a_form_that_cannot_be_read(dora, path, content_type, body):
    page = Page(dora.client.post(path, data=body, content_type=content_type))
    assert page.status == 400
    assert page.tree.findtext(".//h1") == "Das haben wir nicht verstanden"


@pytest.mark.parametrize("host", ["a" * 70, "1" * 5000, f"{'a' * 300}.example"], ids=len)
@pytest.mark.parametrize("path", ["/", "/hilfe", "/verwaltung/anmelden"])
def test_an_invalid_host(dora, host, path):
    page = dora.get(path, headers={"Host": host})
    assert page.status == 400
    assert page.tree.findtext(".//h1") == "Das haben wir nicht verstanden"


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("body", ["{", "[1]", '{"name": 5, "password": null}', '{"name": {"a": 1}}'])
def test_json_instead_of_a_form(signed_out, headers, body):
    token = signed_out.get("/verwaltung/anmelden").fields()["csrf_token"]
    for given in ({}, {"X-CSRFToken": token}):
        answer = signed_out.client.post(
            "/verwaltung/anmelden", data=body, content_type="application/json", headers=headers | given
        )
        assert answer.status_code == 422


@pytest.mark.parametrize("token", [{}, {"csrf_token": "x"}], ids=["token", "none"])
@pytest.mark.parametrize("name", ["name", "password", "one_time_code", "onward", "held"])
def test_a_file_instead_of_a_text_field_at_sign_in(signed_out, name, token):
    values = signed_out.get("/verwaltung/anmelden").fields().to_dict() | signed_out.known | token
    page = signed_out.post("/verwaltung/anmelden", values | {name: (io.BytesIO(b"x"), "x.txt")})
    assert page.status == (422 if token or name in signed_out.known else 303)


@pytest.mark.parametrize("path", ["/", "/anhaenge", "/felder"])
def test_a_flood_of_files_without_a_token(dora, path):
    settings.uploads_per_hour = 1
    values = {"category": "incident", "csrf_token": "x", "name": "Dora Dreist"} | EXAMPLES["incident"]

    def send(name):
        return dora.post(path, values | {"draft": "a" * 22, "files": (io.BytesIO(name.encode()), name)})

    assert send("Eins.txt").status == 422
    page = send("Zwei.txt")
    assert page.status == 429
    assert page.response.headers["Retry-After"] == "3600"
    assert "Die neu gewählten sind nicht angekommen" in page.text_of("request-form")
    assert "Eins.txt" in page.text_of("attachment-list")
    assert page.fields()["description"] == EXAMPLES["incident"]["description"]
    # The page has a valid token.
    assert dora.post("/felder", page.fields()).status == 200


def test_a_flood_of_files_without_a_token_in_the_staff_area(clara):
    settings.uploads_per_hour = 1
    values = clara.get("/verwaltung/anruf").fields().to_dict() | {"csrf_token": "x"}
    answers = [
        clara.post("/verwaltung/anruf", values | {"files": (io.BytesIO(name.encode()), name)})
        for name in ("Eins.txt", "Zwei.txt")
    ]
    assert [answer.status for answer in answers] == [422, 429]
