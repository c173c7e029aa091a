"""The door of the pages that a mailed link opens: whoever has the link comes in, everybody else sees one page."""

from flask import abort, make_response, render_template, request

import clock
from i18n.catalogue import gettext as _
from services.mail import access_links
from services.security.audit_log import SecurityEvent, log_event

# A token stands in these addresses: nobody else is to learn it from such a page, and no search engine is to know it.
TOKEN_PATHS = ("/freigabe/", "/vorgang/", "/verwaltung/einrichten/")
HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def require_link(token, purpose):
    """Return the link with this token, or answer with one page for a wrong, expired, revoked or locked one."""
    link = access_links.find(token, purpose, clock.now())
    if link is None:
        log_event(SecurityEvent.INVALID_LINK, request.remote_addr, page=purpose.label)
        abort(_dead_link())
    return link


def _dead_link():
    heading = _("Dieser Link öffnet nichts mehr")
    advice = _(
        "Vielleicht ist er abgelaufen oder nicht vollständig kopiert. Öffnen Sie ihn bitte noch einmal aus der E-Mail. "
        "Hilft das nicht, rufen Sie uns an oder schreiben Sie uns."
    )
    return make_response(render_template("shared/error.html", heading=heading, advice=advice, is_staff=False), 404)
