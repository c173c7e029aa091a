"""The door of the pages that a mailed link opens: whoever has the link comes in, everybody else sees one page."""

from flask import abort, make_response, render_template, request

import clock
from services import links
from services.security_log import SecurityEvent, note

# The token stands in the address: nobody else is to learn it from this page, and no search engine is to know it.
HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def opened(token, purpose):
    """Return the link with this token, or answer with one page for a wrong, expired, revoked or locked one."""
    link = links.find(token, purpose, clock.now())
    if link is None:
        note(SecurityEvent.DEAD_LINK, request.remote_addr, page=purpose.label)
        abort(_dead_link())
    return link


def keep_secret(response):
    """Add what keeps the address of a page to those who have it."""
    response.headers.update(HEADERS)
    return response


def _dead_link():
    heading = "Dieser Link öffnet nichts mehr"
    advice = (
        "Vielleicht ist er abgelaufen oder nicht vollständig kopiert. Öffnen Sie ihn bitte noch einmal aus der E-Mail. "
        "Hilft das nicht, rufen Sie uns an oder schreiben Sie uns."
    )
    response = make_response(render_template("error.html", heading=heading, advice=advice, is_staff=False), 404)
    response.headers["Cache-Control"] = "no-store"
    return response
