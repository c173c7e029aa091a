"""The language of a page: the one that a link asks for, the one chosen before, or the browser's."""

from flask import redirect, request, session, url_for

from i18n import catalogue
from i18n.catalogue import GERMAN, LANGUAGES
from views.shared.responses import MAX_NEGOTIATION_HEADER, is_cross_site

# The office speaks German, whatever its browsers say.
STAFF_PATH = "/verwaltung/"
# Static files are cached for everybody: reading the session would add "Vary: Cookie".
STATIC_PATH = "/static/"


def set_language():
    catalogue.activate(_wanted())


def other_language():
    """Return the code of the language that the page is not in, and its name in that language."""
    return next(pair for pair in LANGUAGES.items() if pair[0] != catalogue.current_language())


def add_language_routes(bp, page, show_sent):
    """Add the routes that show the form of a page (an endpoint) in the other language, as it was sent."""
    bp.add_url_rule("/sprache", "change_language", show_sent, methods=["POST"])
    # That URL stays in the browser, and somebody may open it again.
    bp.add_url_rule("/sprache", "show_again", lambda: redirect(url_for(page), 303))


def _wanted():
    if request.path.startswith((STAFF_PATH, STATIC_PATH)):
        return GERMAN
    asked = request.args.get("lang")
    # Another site's form comes without the session cookie; answering it with a new one would end the session.
    if asked in LANGUAGES and not (request.method == "POST" and is_cross_site()):
        session["language"] = asked
    chosen = session.get("language")
    return chosen if chosen in LANGUAGES else _browsers_choice()


def _browsers_choice():
    """Return the first language of the browser that the portal has, in any regional variant."""
    if len(request.headers.get("Accept-Language", "")) > MAX_NEGOTIATION_HEADER:
        return GERMAN
    # Werkzeug's best_match would prefer "de" to "en-GB", whatever comes first.
    wanted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((code for code in wanted if code in LANGUAGES), GERMAN)
