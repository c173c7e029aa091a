"""The door of the staff area: who is signed in, for how long, and where somebody goes who is not."""

from datetime import timedelta
from urllib.parse import urlsplit

from flask import current_app, g, redirect, render_template, request, session, url_for
from werkzeug.exceptions import HTTPException

import clock
from services.staff import sessions
from settings import settings
from views.shared.responses import html_response, is_cross_site, is_htmx
from views.staff.forms.common import SignInForm
from views.staff.sign_in import pending_post

# The only endpoints that answer without a session.
PUBLIC_ENDPOINTS = frozenset(
    {
        "staff.setup.form",
        "staff.setup.submit",
        "staff.sign_in.form",
        "staff.sign_in.submit",
        "staff.sign_in.sign_out",
    }
)

# What scripts send from the middle of a form, which goes on when its person has signed in anew in another tab.
FORM_FRAGMENT_ENDPOINTS = frozenset(
    f"staff.phone.{part}" for part in ("lead_time", "suggest_priority", "upload", "remove_attachment")
)

# The signed cookie says when its person last did something; written anew at most this often.
LAST_SEEN_INTERVAL = timedelta(minutes=1)

SIGNED_OUT = (
    "Sie waren nicht mehr angemeldet. Was Sie geschrieben haben, ist noch da: Nach dem Anmelden senden Sie es mit "
    "einem Klick."
)


def require_sign_in():
    """Let a request in that comes from a live session; send any other one to the sign-in page."""
    if request.endpoint in PUBLIC_ENDPOINTS:
        return None
    g.member = current_member()
    return None if g.member else _to_sign_in()


def handle_csrf_error(error):
    """Do nothing that was asked without a valid token, and lose nothing that was typed on a page of ours."""
    g.member = current_member()
    if g.member is None:
        return _to_sign_in()
    if is_cross_site():
        return redirect(url_for("staff.today.show"), 303)
    return pending_post.show(pending_post.deserialise(pending_post.serialise()), 403)


def current_member():
    """Return who is signed in, or None."""
    token, now = session.get("staff"), clock.now()
    seen = now.timestamp() - session.get("staff_seen", 0)
    if token is None or seen > timedelta(minutes=settings.staff_idle_minutes).total_seconds():
        return None
    # What the page asks by itself keeps nobody signed in.
    if seen >= LAST_SEEN_INTERVAL.total_seconds() and not is_polling():
        session["staff_seen"] = int(now.timestamp())
    return sessions.signed_in_member(token, now)


def start_session(token, now):
    """Keep a new session's token in the browser's cookie, and nothing of before but the receipts."""
    if before := clear_session():
        sessions.end(before, now)
    receipts = session.get("receipts")
    session.clear()
    # The page of this very answer needs a token of the new session.
    g.pop("csrf_token", None)
    if receipts:
        session["receipts"] = receipts
    session["staff"] = token
    session["staff_seen"] = int(now.timestamp())


def clear_session():
    """Forget the session in the browser and return its token, or None."""
    session.pop("staff_seen", None)
    return session.pop("staff", None)


def is_polling():
    """Say whether the page asks by itself, with nobody touching it."""
    return request.headers.get("HX-Trigger") == "live"


def is_staff_url(url, method):
    """Say whether an address is one of the staff area and of nothing else, whatever a browser makes of it."""
    if not url.startswith(url_for("staff.today.show")):
        return False
    try:
        endpoint, _ = current_app.create_url_adapter(request).match(urlsplit(url).path, method)
    except (HTTPException, ValueError):
        return False
    return endpoint.startswith("staff.")


def show_sign_in(form, status=200, notice=""):
    """Ask for name and password."""
    form.one_time_code.data = None
    return pending_post.whole_page(render_template("staff/sign_in/sign_in.html", form=form, notice=notice), status)


def _to_sign_in():
    clear_session()
    if is_htmx() and request.endpoint in FORM_FRAGMENT_ENDPOINTS:
        return html_response("", 401)
    if request.method == "POST" and not is_cross_site():
        pending = pending_post.serialise()
        return show_sign_in(SignInForm(formdata=None, pending_post=pending), 403, SIGNED_OUT if pending else "")
    back = {"weiter": request.full_path.rstrip("?")} if request.method == "GET" and not is_htmx() else {}
    url = url_for("staff.sign_in.form", **back)
    if is_htmx():
        response = html_response("", 401)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)
