"""Which language a page speaks: the one that a link asks for, the one chosen before, or the browser's."""

from flask import request, session

from i18n import catalogue
from i18n.catalogue import GERMAN, LANGUAGES
from views.shared.responses import MAX_NEGOTIATION_HEADER, is_cross_site

# The office speaks German, whatever its browsers say.
STAFF_PATH = "/verwaltung/"
# What speaks no language asks for no session: its answers are kept for everybody.
STATIC_PATH = "/static/"


def set_language():
    """Speak the language of whoever asks, until the answer is made."""
    catalogue.activate(_wanted())


def other_language():
    """Return the code and the own name of the language that the page does not speak."""
    return next(pair for pair in LANGUAGES.items() if pair[0] != catalogue.current_language())


def _wanted():
    if request.path.startswith((STAFF_PATH, STATIC_PATH)):
        return GERMAN
    asked = request.args.get("lang")
    # Another site's form comes without the session's cookie, and an answer with a new one would end that session.
    if asked in LANGUAGES and not (request.method == "POST" and is_cross_site()):
        session["language"] = asked
    chosen = session.get("language")
    return chosen if chosen in LANGUAGES else _browsers_choice()


def _browsers_choice():
    """Return the first language of the browser's that there is, in whichever country it is spoken."""
    if len(request.headers.get("Accept-Language", "")) > MAX_NEGOTIATION_HEADER:
        return GERMAN
    # Werkzeug's best_match would let "de" win against "en-GB", whatever stands first.
    wanted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((code for code in wanted if code in LANGUAGES), GERMAN)
