"""Access to the pages behind a mailed link: the token in the URL opens them, without any sign-in."""

from flask import Blueprint, g, make_response, render_template

import clock
from enums import LinkPurpose
from i18n.catalogue import gettext as _
from services.mail import access_links
from services.security.audit_log import SecurityEvent, log_event
from views.shared.responses import client_ip

# These URLs contain a token: it must not reach other sites as a referrer, and search engines must not list it.
TOKEN_PATHS = ("/freigabe/", "/vorgang/", "/verwaltung/einrichten/", "/verwaltung/konto-einrichten/")
HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def require_link(bp: Blueprint, purpose: LinkPurpose):
    """Open a blueprint's pages only with a valid `<token>` in their URL; the views find the link as `g.link`."""
    bp.url_value_preprocessor(lambda endpoint, values: setattr(g, "token", values.pop("token")))
    bp.url_defaults(lambda endpoint, values: values.setdefault("token", g.token))
    bp.before_request(lambda: load_link(purpose))


def load_link(purpose: LinkPurpose):
    """Load the link of this URL into `g.link`, or return one page for a wrong, expired, revoked or locked one."""
    g.link = access_links.find(g.token, purpose, clock.now())
    if g.link is not None:
        return None
    log_event(SecurityEvent.INVALID_LINK, client_ip(), page=purpose.label)
    heading = _("Dieser Link ist nicht mehr gültig")
    advice = _(
        "Vielleicht ist er abgelaufen oder nicht vollständig kopiert. Öffnen Sie ihn bitte noch einmal aus der E-Mail. "
        "Hilft das nicht, rufen Sie uns an oder schreiben Sie uns."
    )
    return make_response(render_template("shared/error.html", heading=heading, advice=advice, is_staff=False), 404)
