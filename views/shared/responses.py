"""The answers of the views: pages, files and redirects, for browsers and for htmx."""

import math
import re
from urllib.parse import urlsplit

from flask import Response, current_app, make_response, redirect, render_template, request
from markupsafe import Markup, escape

from database import database
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from settings import settings

# No browser sends a longer list of languages or encodings; parsing a much longer one would cost a lot of CPU time.
MAX_NEGOTIATION_HEADER = 1000

# Control characters that HTML does not allow; typed text may contain them.
NOT_IN_HTML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

WRONG_ADDRESS = N_(
    "Diese Seite ist nicht unter ihrer richtigen Adresse geöffnet, deshalb schickt Ihr Browser das nötige Cookie nicht "
    "mit. Bitte öffnen Sie %(address)s und geben Sie Ihre Angaben dort ein."
)


def client_ip() -> str:
    """Return the visitor's IP address, as the web server in front or the connection gives it."""
    return request.remote_addr or ""


def render_page(template, status=200, **parts):
    """Render a template as the answer to this request."""
    return html_response(render_template(template, **parts), status)


def html_response(body, status=200):
    """Make an answer of HTML that may contain typed text; htmx and plain requests get different ones."""
    response = make_response(NOT_IN_HTML.sub("\N{REPLACEMENT CHARACTER}", body), status)
    response.vary.add("HX-Request")
    return response


def unchanged():
    """Make an answer to a page that reloads itself but shows what is true: what somebody reads or selects stays."""
    response = html_response("")
    response.headers["HX-Reswap"] = "none"
    return response


def notice_response(notice, status):
    """Make an answer to htmx whose text the scripts show in their message; the page stays."""
    response = html_response(notice, status)
    response.headers["Portal-Notice"] = "yes"
    return response


def accepts_gzip():
    """Say whether the browser accepts compressed answers."""
    is_short = len(request.headers.get("Accept-Encoding", "")) <= MAX_NEGOTIATION_HEADER
    return is_short and request.accept_encodings["gzip"] > 0


def csv_response(chunks, name):
    """Make an answer that streams a CSV file with this name."""
    response = Response(_with_database(chunks), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _with_database(chunks):
    # Flask has already ended the request, and closed its connection, when it sends the first chunk.
    with database.connection_context():
        yield from chunks


def redirect_to(url):
    """Redirect the browser, by a header where htmx asks."""
    if not is_htmx():
        return redirect(url, 303)
    response = html_response("")
    response.headers["HX-Redirect"] = url
    return response


def set_retry_after(response, wait):
    """Say in the header, too, after how many seconds to try again."""
    response.headers["Retry-After"] = max(1, math.ceil(wait.total_seconds()))
    return response


def is_htmx():
    """Say whether htmx asks, and so for a part of the page only."""
    return "HX-Request" in request.headers


def is_cross_site():
    """Say whether a page of another site made the browser send this request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = request.headers.get("Origin")
        try:
            # A page that hides its origin sends "null", which is no URL. A proxy may pass another Host than the page's.
            return origin is not None and _server(origin) not in (_server(f"//{request.host}"), _server(settings.url))
        except ValueError:
            return True
    return site not in ("same-origin", "none")


def wrong_address_notice(path):
    """Return where to open the page if it gets no cookie because it was opened by http or a foreign name, else ""."""
    if not settings.https or current_app.config["SESSION_COOKIE_NAME"] in request.cookies or _is_at_base_url():
        return ""
    link = Markup('<a href="{}">{}</a>').format(settings.url + path, settings.url)
    return escape(_(WRONG_ADDRESS)) % {"address": link}


def _is_at_base_url():
    origin = request.headers.get("Origin", "null")
    # Browsers send this header to https only, where a proxy may pass another Host.
    if origin == "null" and "Sec-Fetch-Site" in request.headers:
        return True
    page = origin if origin != "null" else request.referrer or request.host_url
    try:
        return urlsplit(page).scheme == "https" and _server(page) == _server(settings.url)
    except ValueError:
        return False


def _server(url):
    """Return host name and port of a URL as browsers write them, without a default port; raises ValueError."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError
    return parts.hostname.encode("idna"), None if parts.port in (80, 443) else parts.port
