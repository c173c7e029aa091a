"""A form posted without a valid session: it is kept in the sign-in form and can be sent again after signing in."""

import json
from typing import NamedTuple

from flask import render_template, request

from views.shared.responses import html_response, is_htmx

# A form with one of these fields is not kept; it has to be filled in again.
SECRETS = frozenset({"password", "current_password", "repeated_password", "one_time_code"})

# A field may have half a MiB, and some characters take several bytes.
MAX_PENDING_CHARS = 100_000


class PendingPost(NamedTuple):
    """A posted form: its path, its fields, and whether it had files, which are not kept."""

    path: str
    values: list[tuple[str, str]]
    had_files: bool

    @property
    def written(self):
        """The typed texts; a single word is mostly a choice or a key."""
        return [value for _, value in self.values if len(value.split()) > 1]


def serialise():
    """Return this request as a text for a hidden field; "" if it contains a password or is too long."""
    values = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    is_secret = any(name.rpartition("-")[2] in SECRETS for name, _ in values)
    if is_secret or sum(len(value) for _, value in values) > MAX_PENDING_CHARS:
        return ""
    had_files = any(file.filename for file in request.files.values())
    return json.dumps([request.full_path.rstrip("?"), values, had_files], ensure_ascii=False)


def deserialise(text):
    """Return the posted form from the text of the hidden field, or None if there is none."""
    try:
        path, values, had_files = json.loads(text)
        pending = PendingPost(str(path), [(str(name), str(value)) for name, value in values], bool(had_files))
        # JSON can contain lone surrogates, with which no page can be encoded.
        json.dumps(pending, ensure_ascii=False).encode()
        return pending
    except (RecursionError, TypeError, ValueError):
        return None


def show(pending, status=200):
    """Show a posted form with a button that sends it again, or say that there is nothing to send."""
    return whole_page(render_template("staff/sign_in/pending_post.html", pending=pending), status)


def whole_page(body, status):
    """Answer with a whole page, also to htmx, which asked for a part of one."""
    response = html_response(body, status)
    if is_htmx():
        # htmx shows no answer with another status.
        response.status_code = 422
        response.headers.update({"HX-Retarget": "body", "HX-Reswap": "innerHTML show:window:top"})
    return response
