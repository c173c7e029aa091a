"""Static files: compressed once at the start, and cached by browsers under a name that contains a hash."""

import gzip
import hashlib
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from flask import Blueprint, Response, abort, current_app, url_for

from services import branding
from settings import LOGO_MEDIA_TYPES, Settings, settings
from views.shared.responses import accepts_gzip

STATIC_DIR = Path(__file__).parent.parent.parent / "static"

# Scripts that every page needs are one file: on a phone, each further request takes time.
SOURCES = {
    "portal.css": (["portal.css"], "text/css; charset=utf-8"),
    "staff.css": (["staff.css"], "text/css; charset=utf-8"),
    "letter.css": (["letter.css"], "text/css; charset=utf-8"),
    "portal.js": (
        ["vendor/htmx-2.0.11.min.js", "portal.js", "files.js", "device.js"],
        "text/javascript; charset=utf-8",
    ),
    "lists.js": (["lists.js"], "text/javascript; charset=utf-8"),
    "reply.js": (["reply.js"], "text/javascript; charset=utf-8"),
    "ticket.js": (["reply.js", "ticket.js"], "text/javascript; charset=utf-8"),
}

# Comments, blank lines and indents are not sent to browsers.
NOT_SENT = re.compile(rb"^ *(?://.*|/\*.*\*/)?\n|^ +", re.MULTILINE)

# Characters that need no percent-encoding in a data: URL within an attribute.
ICON_SIGNS = " /:=.()"

HEADERS = {"Vary": "Accept-Encoding", "Cache-Control": "public, max-age=31536000, immutable"}

bp = Blueprint("assets", __name__)


class Asset(NamedTuple):
    """A file as it is served."""

    public_name: str
    content: bytes
    compressed: bytes
    media_type: str


def prepare(app):
    """Read and compress the files, with the office's colour and logo; the default replaces one that is invalid."""
    picture, logo_fault = branding.load_logo()
    colour_fault = branding.colour_fault(settings.office_colour)
    settings.config_fault = settings.config_fault or colour_fault or logo_fault
    if colour_fault:
        settings.office_colour = Settings.office_colour
    if logo_fault:
        settings.office_logo = ""
    theme, kept = branding.theme_css(settings.office_colour).encode(), {}
    for name, (sources, media_type) in SOURCES.items():
        content = b"\n".join(NOT_SENT.sub(b"", (STATIC_DIR / source).read_bytes()) for source in sources)
        # The theme comes first, so that the stylesheet's rules for printing override it.
        kept[name] = _asset(name, theme + content if name == "portal.css" else content, media_type)
    if picture:
        kept[settings.office_logo] = _asset(settings.office_logo, picture, LOGO_MEDIA_TYPES[settings.office_logo])
    app.extensions["assets"] = kept
    # A data: URL saves a request.
    icon = (STATIC_DIR / "icon.svg").read_text("utf-8").replace(branding.ICON_COLOUR, settings.office_colour)
    app.jinja_env.globals.update(static=static, icon=f"data:image/svg+xml,{quote(icon, safe=ICON_SIGNS)}")


def _asset(name, content, media_type):
    stem, _, ending = name.rpartition(".")
    public_name = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
    return Asset(public_name, content, gzip.compress(content, mtime=0), media_type)


def static(name):
    """Return the URL of a static file; it changes with the content."""
    return url_for("assets.asset", public_name=current_app.extensions["assets"][name].public_name)


@bp.get("/static/<public_name>")
def asset(public_name):
    assets = current_app.extensions["assets"].values()
    found = next((asset for asset in assets if asset.public_name == public_name), None) or abort(404)
    headers = HEADERS | {"Content-Type": found.media_type}
    if accepts_gzip():
        return Response(found.compressed, headers=headers | {"Content-Encoding": "gzip"})
    return Response(found.content, headers=headers)
