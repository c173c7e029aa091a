"""Which language a page speaks: the one that a link asks for, the one chosen before, or the browser's."""

from flask import request, session

import language
from language import GERMAN, LANGUAGES

# The office speaks German, whatever its browsers say.
STAFF_PATH = "/verwaltung/"
# What speaks no language asks for no session: its answers are kept for everybody.
SILENT_PATH = "/static/"


def listen():
    """Speak the language of whoever asks, until the answer is made."""
    language.use(_wanted())


def other():
    """Return the code and the own name of the language that the page does not speak."""
    return next(pair for pair in LANGUAGES.items() if pair[0] != language.current())


def address_in(code):
    """Return the address of this page in a language; it is a relative one, which repeats no token."""
    return f"?lang={code}"


def _wanted():
    if request.path.startswith((STAFF_PATH, SILENT_PATH)):
        return GERMAN
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        session["language"] = asked
    chosen = session.get("language")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, default=GERMAN)
