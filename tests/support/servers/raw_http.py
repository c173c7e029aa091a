"""Requests sent byte by byte."""

import http.client
import socket
import urllib.parse

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from tests.support.pages import RequestLine

END = "\r\n\r\n"


def raw_request(portal, request):
    """Send bytes as they are to the server, and return its answer."""
    address = urllib.parse.urlsplit(portal.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = http.client.HTTPResponse(connection, method=request.partition(" ")[0])
        answer.begin()
        body = answer.read()
    response = Response(body, answer.status, Headers(answer.getheaders()))
    method, _, rest = request.partition(" ")
    response.request = RequestLine(method, rest.partition(" ")[0])
    return response
