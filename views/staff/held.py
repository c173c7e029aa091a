"""What was sent while the door was closed: it is carried along the sign-in and can then be sent again."""

import json

from flask import render_template, request

from views.answers import answer, is_htmx

# What is never carried along; a form that holds one of these has to be filled in again.
SECRETS = frozenset({"password", "current_password", "repeated_password", "one_time_code"})


def take():
    """Return path and values of this request as one text for a hidden field, or "" if it holds a secret."""
    values = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    if any(name.rpartition("-")[2] in SECRETS for name, _ in values):
        return ""
    return json.dumps({"path": request.full_path.rstrip("?"), "values": values}, ensure_ascii=False)


def read(text):
    """Return what is held as path and pairs of name and value, or None if there is nothing to send again."""
    try:
        held = json.loads(text)
        return str(held["path"]), [(str(name), str(value)) for name, value in held["values"]]
    except (KeyError, RecursionError, TypeError, ValueError):
        return None


def show(text, status=200):
    """Show what is held, with one button that sends it again."""
    path, values = read(text) or (None, [])
    # One word is mostly a choice or a key; what somebody wrote has several.
    written = [value for _, value in values if len(value.split()) > 1]
    return whole_page(render_template("staff/held.html", path=path, values=values, written=written), status)


def whole_page(body, status):
    """Answer with a whole page, also a script that asked for a part of one."""
    response = answer(body, status)
    if is_htmx():
        # Scripts show no page with another status.
        response.status_code = 422
        response.headers.update({"HX-Retarget": "body", "HX-Reswap": "innerHTML show:window:top"})
    return response
