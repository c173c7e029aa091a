"""The few static files: compressed once at the start, named by their content, kept by browsers for good."""

import gzip
import hashlib
import re
from pathlib import Path

from flask import Blueprint, abort, make_response, request, url_for

STATIC_DIR = Path(__file__).parent.parent / "static"

# What a page always wants together is one file: each one more is a way to the server and back on a phone.
SOURCES = {
    "portal.css": (["portal.css"], "text/css; charset=utf-8"),
    "staff.css": (["staff.css"], "text/css; charset=utf-8"),
    "portal.js": (
        ["vendor/htmx-2.0.11.min.js", "portal.js", "files.js", "device.js"],
        "text/javascript; charset=utf-8",
    ),
    "icon.svg": (["icon.svg"], "image/svg+xml"),
}

# Comments are for whoever reads the source; a browser would only wait for them.
COMMENT_LINE = re.compile(rb"^ *//.*\n", re.MULTILINE)

bp = Blueprint("assets", __name__)

_assets = {}
_public_names = {}
for _name, (_sources, _media_type) in SOURCES.items():
    _content = b"\n".join(COMMENT_LINE.sub(b"", (STATIC_DIR / source).read_bytes()) for source in _sources)
    _stem, _, _ending = _name.rpartition(".")
    _public_names[_name] = f"{_stem}.{hashlib.sha256(_content).hexdigest()[:12]}.{_ending}"
    _assets[_public_names[_name]] = (_content, gzip.compress(_content, mtime=0), _media_type)


def static(name):
    """Return the address of a static file; it changes with the file's content."""
    return url_for("assets.asset", public_name=_public_names[name])


@bp.get("/static/<public_name>")
def asset(public_name):
    if public_name not in _assets:
        abort(404)
    content, compressed, media_type = _assets[public_name]
    accepts_gzip = request.accept_encodings["gzip"] > 0
    response = make_response(compressed if accepts_gzip else content)
    if accepts_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Type"] = media_type
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept-Encoding"
    return response
