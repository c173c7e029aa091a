"""A browser without scripts for a running portal; faster than Chromium."""

import re
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urlsplit

from werkzeug import Response
from werkzeug.datastructures import Headers

from tests.support.pages import EXAMPLES, Page, RequestLine


class HttpClient:
    """A browser without scripts that talks to a running server, and keeps its cookies when the server is killed."""

    def __init__(self, portal, *handlers):
        self._url = portal.url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), *handlers)

    def get(self, path, headers=()):
        return self._load(urllib.request.Request(self._url + path, headers=dict(headers)))

    def post(self, path, values, content_type="application/x-www-form-urlencoded", headers=()):
        data = urlencode(values).encode() if isinstance(values, dict | list | tuple) else values
        headers = {"Content-Type": content_type, **dict(headers)}
        return self._load(urllib.request.Request(self._url + path, data, headers))

    def filled(self, known, category="incident"):
        return self.get("/").fields().to_dict() | known | {"category": category} | EXAMPLES[category]

    def _load(self, request):
        with self._opener.open(request, timeout=30) as answer:
            # After a redirect the page answers a request of its own.
            method = request.get_method() if answer.url == request.full_url else "GET"
            asked = RequestLine(method, urlsplit(answer.url).path)
            return Page(Response(answer.read(), answer.status, Headers(answer.getheaders())), asked)


def code_on(receipt):
    assert "Ihre Anfrage ist eingegangen" in receipt.text
    return re.search(r'class="code">([2-9A-Z]{4}-[2-9A-Z]{4})<', receipt.text)[1]


def with_file(values, name, content):
    """Return a form with a file as the body of a request, and its content type."""
    return with_files(values, {name: content})


def with_files(values, files):
    """Return a form with files, by name, as the body of a request, and its content type."""
    parts = [f'name="{field}"\r\n\r\n{value}'.encode() for field, value in values.items()]
    parts += [f'name="files"; filename="{name}"\r\n\r\n'.encode() + content for name, content in files.items()]
    body = b"".join(b"--grenze\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    return body + b"--grenze--\r\n", "multipart/form-data; boundary=grenze"
