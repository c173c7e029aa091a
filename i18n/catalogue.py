"""The language of a page: German is the source of every sentence, and what customers see is there in English, too."""

import gettext as catalogues
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

GERMAN, ENGLISH = "de", "en"
LANGUAGES = {GERMAN: "Deutsch", ENGLISH: "English"}

DOMAIN = "portal"
TRANSLATIONS = Path(__file__).parent.parent / "translations"

_CATALOGUES = {
    GERMAN: catalogues.NullTranslations(),
    ENGLISH: catalogues.translation(DOMAIN, TRANSLATIONS, [ENGLISH]),
}

# Whatever is no customer's page is German: the office's pages, mails, commands, and what is stored.
_current = ContextVar("language", default=GERMAN)


def current_language():
    """Return the code of the language that is spoken now."""
    return _current.get()


def activate(code):
    """Speak a language from here on."""
    _current.set(code)


@contextmanager
def override(code):
    """Speak a language for a while."""
    token = _current.set(code)
    try:
        yield
    finally:
        _current.reset(token)


def gettext(german, **values):
    """Return a German sentence in the language spoken, with its %(names)s filled in."""
    # The empty text is where a catalogue keeps its own head.
    text = german and _CATALOGUES[current_language()].gettext(german)
    return text % values if values else text


def ngettext(one, many, num, **values):
    """Return the sentence for one or for many in the language spoken, with %(num)d and other %(names)s filled in."""
    return _CATALOGUES[current_language()].ngettext(one, many, num) % ({"num": num} | values)


def gettext_noop(german):
    """Mark a sentence for the catalogue that is put into the language later."""
    return german
