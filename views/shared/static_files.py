"""The few static files: compressed once at the start, named by their content, kept by browsers for good."""

import gzip
import hashlib
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from flask import Blueprint, abort, current_app, url_for

from services import branding
from settings import LOGO_MEDIA_TYPES, StartError, settings
from views.shared.responses import gzip_response

STATIC_DIR = Path(__file__).parent.parent.parent / "static"

# What a page always wants together is one file: each one more is a way to the server and back on a phone.
SOURCES = {
    "portal.css": (["portal.css"], "text/css; charset=utf-8"),
    "staff.css": (["staff.css"], "text/css; charset=utf-8"),
    "portal.js": (
        ["vendor/htmx-2.0.11.min.js", "portal.js", "files.js", "device.js"],
        "text/javascript; charset=utf-8",
    ),
}

# Comments are for whoever reads the source; a browser would only wait for them.
COMMENT_LINE = re.compile(rb"^ *(//.*|/\*.*\*/)\n", re.MULTILINE)

# What may stand in an address within an attribute as it is.
ICON_SIGNS = " /:=.()"

bp = Blueprint("assets", __name__)


class Asset(NamedTuple):
    """A file as it is served: under a name that changes with its content, and compressed once for all."""

    public_name: str
    content: bytes
    compressed: bytes
    media_type: str


def prepare(app):
    """Make an app's files ready to be served, with the office's colour and logo; raises StartError."""
    picture, logo_fault = branding.load_logo()
    if fault := branding.colour_fault() or logo_fault:
        raise StartError(fault)
    theme, kept = branding.theme_css(settings.office_colour).encode(), {}
    for name, (sources, media_type) in SOURCES.items():
        content = b"\n".join(COMMENT_LINE.sub(b"", (STATIC_DIR / source).read_bytes()) for source in sources)
        # The theme goes in front, so that what the stylesheet says of paper still counts.
        kept[name] = _asset(name, theme + content if name == "portal.css" else content, media_type)
    if picture:
        kept[settings.office_logo] = _asset(settings.office_logo, picture, LOGO_MEDIA_TYPES[settings.office_logo])
    app.extensions["assets"] = kept
    # Within the page: one request less, and a browser that looks for an icon finds it.
    icon = (STATIC_DIR / "icon.svg").read_text("utf-8").replace(branding.ICON_COLOUR, settings.office_colour)
    app.jinja_env.globals.update(static=static, icon=f"data:image/svg+xml,{quote(icon, safe=ICON_SIGNS)}")


def _asset(name, content, media_type):
    stem, _, ending = name.rpartition(".")
    public_name = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
    return Asset(public_name, content, gzip.compress(content, mtime=0), media_type)


def static(name):
    """Return the address of a static file; it changes with the file's content."""
    return url_for("assets.asset", public_name=current_app.extensions["assets"][name].public_name)


@bp.get("/static/<public_name>")
def asset(public_name):
    named = {asset.public_name: asset for asset in current_app.extensions["assets"].values()}
    if public_name not in named:
        abort(404)
    _, content, compressed, media_type = named[public_name]
    response = gzip_response(content, compressed)
    response.headers["Content-Type"] = media_type
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
