"""Access to the staff area: sessions, and the sign-in page for requests without one."""

from datetime import timedelta
from urllib.parse import urlsplit

from flask import abort, after_this_request, current_app, g, redirect, render_template, request, session, url_for
from werkzeug.exceptions import HTTPException

import clock
from enums import StaffRole
from services.staff import known_browsers, sessions
from settings import settings
from views.shared.responses import is_cross_site, is_htmx, notice_response, redirect_to
from views.staff.forms.common import SignInForm
from views.staff.sign_in import pending_post

# The only endpoints that answer without a session.
PUBLIC_ENDPOINTS = frozenset(
    {f"staff.account_link.{part}" for part in ("form", "submit")}
    | {"staff.setup.form", "staff.setup.submit", "staff.sign_in.form", "staff.sign_in.submit", "staff.sign_in.sign_out"}
)

# Requests by scripts within a form; they answer 401, so that the form stays while its user signs in in another tab.
FORM_FRAGMENT_ENDPOINTS = frozenset(
    {f"staff.phone.{part}" for part in ("lead_time", "suggest_priority", "upload", "remove_attachment")}
    | {f"staff.ticket.{part}" for part in ("insert_block", "upload", "remove_attachment")}
)

# The time of the last action is written to the session cookie at most this often.
LAST_SEEN_INTERVAL = timedelta(minutes=1)

MAX_NEXT_URL = 2000

# How long a browser stays known, and to how many accounts.
BROWSER_SECONDS, KNOWN_ACCOUNTS = 365 * 24 * 3600, 5

SIGNED_OUT = (
    "Sie waren nicht mehr angemeldet. Was Sie geschrieben haben, ist noch da: Nach dem Anmelden senden Sie es mit "
    "einem Klick."
)
SIGN_IN_ELSEWHERE = (
    "Sie sind nicht mehr angemeldet. Ihre Angaben stehen noch hier: Melden Sie sich in einem anderen Tab an, dann geht "
    "es hier weiter."
)


def require_sign_in():
    """Send a request without a valid session to the sign-in page."""
    if request.endpoint in PUBLIC_ENDPOINTS:
        return None
    g.member = current_member()
    return None if g.member else _to_sign_in()


def require_lead():
    """Refuse a page that only the role "Leitung" may open."""
    if g.member.role is not StaffRole.LEAD:
        abort(403)


def handle_csrf_error(error):
    """Show the form of a request without a valid CSRF token, to be sent again; one from another site is dropped."""
    g.member = current_member()
    if g.member is None:
        return _to_sign_in()
    if is_cross_site():
        return redirect(url_for("staff.today.show"), 303)
    return pending_post.show(pending_post.deserialise(pending_post.serialise()), 403)


def current_member():
    """Return the member of staff who is signed in, or None."""
    token, now = session.get("staff"), clock.now()
    seen = now.timestamp() - session.get("staff_seen", 0)
    if token is None or seen > timedelta(minutes=settings.staff_idle_minutes).total_seconds():
        return None
    # Requests that a page makes by itself do not extend the session.
    if seen >= LAST_SEEN_INTERVAL.total_seconds() and not is_polling():
        session["staff_seen"] = int(now.timestamp())
    return sessions.signed_in_member(token, now)


def start_session(token, now):
    """Put the token of a new session into the cookie, and know the browser; of the old session receipts are kept."""
    if before := clear_session():
        sessions.end(before, now)
    receipts = session.get("receipts")
    session.clear()
    # The page of this answer needs a CSRF token of the new session.
    g.pop("csrf_token", None)
    if receipts:
        session["receipts"] = receipts
    session["staff"] = token
    session["staff_seen"] = int(now.timestamp())
    _remember_browser(current_member())


def _remember_browser(member):
    """Let this browser keep a token that makes it known to an account, beside those of others who use it."""
    others = [token for token in browser_tokens() if not known_browsers.browser_of(member, [token])]
    tokens = [known_browsers.new_token(member), *others][:KNOWN_ACCOUNTS]

    @after_this_request
    def set_cookie(response):
        response.set_cookie(
            _browser_cookie(), "~".join(tokens), BROWSER_SECONDS, secure=settings.https, httponly=True, samesite="Lax"
        )
        return response


def browser_tokens():
    """Return the tokens by which this browser may be known to accounts."""
    return [token for token in request.cookies.get(_browser_cookie(), "").split("~") if token][:KNOWN_ACCOUNTS]


def _browser_cookie():
    return "__Host-browser" if settings.https else "browser"


def clear_session():
    """Remove the session from the cookie and return its token, or None."""
    session.pop("staff_seen", None)
    return session.pop("staff", None)


def is_polling():
    """Say whether a page reloads itself."""
    return request.headers.get("HX-Trigger") == "live"


def is_staff_url(url, method):
    """Say whether a URL belongs to the staff area, so that redirecting to it is safe."""
    # A header holds no line end, and no address bar so long a URL.
    if not url.startswith(url_for("staff.today.show")) or not url.isprintable() or len(url) > MAX_NEXT_URL:
        return False
    try:
        adapter = current_app.create_url_adapter(request)
        endpoint = adapter.match(urlsplit(url).path, method)[0] if adapter else ""
    except (HTTPException, ValueError):
        return False
    return endpoint.startswith("staff.")


def show_sign_in(form, status=200, notice=""):
    form.one_time_code.data = None
    return pending_post.whole_page(render_template("staff/sign_in/sign_in.html", form=form, notice=notice), status)


def _to_sign_in():
    clear_session()
    if is_htmx() and request.endpoint in FORM_FRAGMENT_ENDPOINTS:
        return notice_response(SIGN_IN_ELSEWHERE, 401)
    if request.method == "POST" and not is_cross_site():
        pending = pending_post.serialise()
        return show_sign_in(SignInForm(formdata=None, pending_post=pending), 403, SIGNED_OUT if pending else "")
    next_url = request.full_path.rstrip("?") if request.method == "GET" and not is_htmx() else None
    response = redirect_to(url_for("staff.sign_in.form", weiter=next_url))
    if is_htmx():
        response.status_code = 401
    return response
