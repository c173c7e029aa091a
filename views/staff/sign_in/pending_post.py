"""What was sent while the door was closed: it is carried along the sign-in and can then be sent again."""

import json
from typing import NamedTuple

from flask import render_template, request

from views.shared.responses import html_response, is_htmx

# What is never carried along; a form that holds one of these has to be filled in again.
SECRETS = frozenset({"password", "current_password", "repeated_password", "one_time_code"})

# A field holds half a MiB, and some signs take several bytes there.
MAX_HELD_SIGNS = 100_000


class PendingPost(NamedTuple):
    """One request: its path, its pairs of name and value, and whether it had files, which are not kept."""

    path: str
    values: list
    had_files: bool

    @property
    def written(self):
        """Return what somebody wrote; a single word is mostly a choice or a key."""
        return [value for _, value in self.values if len(value.split()) > 1]


def serialise():
    """Return this request as one text for a hidden field, or "" if it holds a secret or more than fits into one."""
    values = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    is_secret = any(name.rpartition("-")[2] in SECRETS for name, _ in values)
    if is_secret or sum(len(value) for _, value in values) > MAX_HELD_SIGNS:
        return ""
    had_files = any(file.filename for file in request.files.values())
    return json.dumps([request.full_path.rstrip("?"), values, had_files], ensure_ascii=False)


def deserialise(text):
    """Return what is held, or None if there is nothing to send again."""
    try:
        path, values, had_files = json.loads(text)
        pending = PendingPost(str(path), [(str(name), str(value)) for name, value in values], bool(had_files))
        # JSON can spell signs that no page can be written with; then this fails.
        json.dumps(pending, ensure_ascii=False).encode()
        return pending
    except (RecursionError, TypeError, ValueError):
        return None


def show(pending, status=200):
    """Show what is held, with one button that sends it again; with nothing held, say so."""
    return whole_page(render_template("staff/sign_in/pending_post.html", pending=pending), status)


def whole_page(body, status):
    """Answer with a whole page, also a script that asked for a part of one."""
    response = html_response(body, status)
    if is_htmx():
        # Scripts show no page with another status.
        response.status_code = 422
        response.headers.update({"HX-Retarget": "body", "HX-Reswap": "innerHTML show:window:top"})
    return response
