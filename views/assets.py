"""The few static files: compressed once at the start, named by their content, kept by browsers for good."""

import gzip
import hashlib
import re
from pathlib import Path

from filetype import guess_mime
from flask import Blueprint, abort, url_for

import colours
from faults import in_german
from settings import LOGOS, StartError, settings
from views.answers import packed

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

# A larger logo is what the first visitor on a phone waits for.
MAX_LOGO_KIB = 100

bp = Blueprint("assets", __name__)

_assets = {}
_public_names = {}


def prepare():
    """Make the files ready to be served, with the office's colour and logo; raises StartError."""
    for name, (sources, media_type) in SOURCES.items():
        content = b"\n".join(COMMENT_LINE.sub(b"", (STATIC_DIR / source).read_bytes()) for source in sources)
        if name == "portal.css":
            content += colours.theme(settings.office_colour).encode()
        _add(name, content, media_type)
    if settings.logo_path:
        _add(settings.office_logo, _logo(), LOGOS[settings.office_logo])


def _add(name, content, media_type):
    stem, _, ending = name.rpartition(".")
    _public_names[name] = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
    _assets[_public_names[name]] = (content, gzip.compress(content, mtime=0), media_type)


def _logo():
    path = settings.logo_path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StartError(f"Das Logo {path} lässt sich nicht lesen: {in_german(error)}.") from None
    if len(content) > MAX_LOGO_KIB * 1024:
        raise StartError(
            f"Das Logo {path} ist größer als {MAX_LOGO_KIB}\N{NO-BREAK SPACE}KiB. Bitte verkleinern Sie es."
        )
    is_drawing = b"<svg" in content[:2048]
    if (LOGOS["logo.svg"] if is_drawing else guess_mime(content)) != LOGOS[settings.office_logo]:
        raise StartError(f"Das Logo {path} ist nicht das, was seine Endung sagt. Bitte speichern Sie es neu.")
    return content


def static(name):
    """Return the address of a static file; it changes with the file's content."""
    return url_for("assets.asset", public_name=_public_names[name])


@bp.get("/static/<public_name>")
def asset(public_name):
    if public_name not in _assets:
        abort(404)
    content, gzipped, media_type = _assets[public_name]
    response = packed(content, gzipped)
    response.headers["Content-Type"] = media_type
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
