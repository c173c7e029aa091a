"""How a view answers: pages that nobody keeps, redirects for browsers and for htmx, and who it is that asks."""

import gzip
import math
import re
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, request

from database import database

# No browser's list of languages or encodings is as long; to read a longer one would take the time of many visitors.
MAX_NEGOTIATION_HEADER = 1000

# Control characters that somebody smuggled in and that HTML does not allow.
NOT_IN_HTML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def html_response(body, status=200):
    """Make an answer that holds what somebody typed; htmx and plain requests differ."""
    response = make_response(NOT_IN_HTML.sub("\N{REPLACEMENT CHARACTER}", body), status)
    response.vary.add("HX-Request")
    return response


def compressed_response(body):
    """Make an answer that is the same for all who read one language; nothing in it was typed by whoever asks.

    That is why it may be compressed though a token stands in it: its length tells nothing about that token.
    """
    content = body.encode()
    response = gzip_response(content, gzip.compress(content, compresslevel=6, mtime=0))
    response.vary.add("Accept-Language")
    return response


def gzip_response(content, gzipped):
    """Make an answer of a content, or of the same compressed for whoever can unpack it."""
    is_short = len(request.headers.get("Accept-Encoding", "")) <= MAX_NEGOTIATION_HEADER
    accepts_gzip = is_short and request.accept_encodings["gzip"] > 0
    response = make_response(gzipped if accepts_gzip else content)
    response.vary.add("Accept-Encoding")
    if accepts_gzip:
        response.headers["Content-Encoding"] = "gzip"
    return response


def csv_response(chunks, name):
    """Make an answer that sends a CSV file while it is being made."""
    response = Response(_with_database(chunks), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _with_database(chunks):
    # When the first piece is wanted the request is over for Flask, and its connection is closed.
    with database.connection_context():
        yield from chunks


def redirect_to(url):
    """Send the browser to another page."""
    if not is_htmx():
        return redirect(url, 303)
    response = html_response("")
    response.headers["HX-Redirect"] = url
    return response


def set_retry_after(response, wait):
    """Say for programs, too, when the next try is of use."""
    response.headers["Retry-After"] = max(1, math.ceil(wait.total_seconds()))
    return response


def is_htmx():
    """Say whether a script asks and wants only a part of the page."""
    return "HX-Request" in request.headers


def is_cross_site():
    """Say whether another site's page made the browser ask."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        # Whoever hides where it comes from sends "null".
        origin = request.headers.get("Origin")
        try:
            return origin is not None and urlsplit(origin).netloc != request.host
        except ValueError:
            return True
    return site not in ("same-origin", "none")
