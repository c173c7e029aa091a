"""The door of the staff area: who is signed in, for how long, and where somebody goes who is not."""

from datetime import timedelta

from flask import g, redirect, request, session, url_for

import clock
from services import staff
from settings import settings
from views.answers import answer, is_htmx

# The only endpoints that answer without a session.
OPEN_DOORS = frozenset({"staff.sign_in.form", "staff.sign_in.submit", "staff.setup.form", "staff.setup.submit"})

# The signed cookie says when its person last did something; written anew at most this often.
SEEN_STEP = timedelta(minutes=1)


def admit_staff_only():
    """Let a request in that comes from a live session; send any other one to the sign-in page."""
    if request.endpoint in OPEN_DOORS:
        return None
    g.member = _member()
    if g.member is None:
        return _to_sign_in()
    return None


def let_in(token, now):
    """Keep a new session's token in the browser's cookie."""
    session["staff"] = token
    session["staff_seen"] = int(now.timestamp())


def put_out():
    """Forget the session in the browser and return its token, or None."""
    session.pop("staff_seen", None)
    return session.pop("staff", None)


def is_background():
    """Say whether the page asks by itself, with nobody touching it."""
    return request.headers.get("HX-Trigger") == "live"


def _member():
    token, now = session.get("staff"), clock.now()
    seen = now.timestamp() - session.get("staff_seen", 0)
    if token is None or seen > timedelta(minutes=settings.staff_idle_minutes).total_seconds():
        return None
    # What the page asks by itself keeps nobody signed in.
    if seen >= SEEN_STEP.total_seconds() and not is_background():
        session["staff_seen"] = int(now.timestamp())
    return staff.member_of_session(token, now)


def _to_sign_in():
    put_out()
    back = {"weiter": request.full_path.rstrip("?")} if request.method == "GET" and not is_htmx() else {}
    url = url_for("staff.sign_in.form", **back)
    if is_htmx():
        response = answer("", 401)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)
