"""Translation: every text is written in German; the pages for customers are also translated into English."""

import gettext as catalogues
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

GERMAN, ENGLISH = "de", "en"
LANGUAGES = {GERMAN: "Deutsch", ENGLISH: "English"}

DOMAIN = "portal"
TRANSLATIONS = Path(__file__).parent.parent / "translations"

_CATALOGUES = {GERMAN: catalogues.NullTranslations(), ENGLISH: catalogues.translation(DOMAIN, TRANSLATIONS, [ENGLISH])}

# Only customers' pages are ever English. Staff pages, mails, commands and stored texts are German.
_current = ContextVar("language", default=GERMAN)


def current_language() -> str:
    return _current.get()


def activate(code: str) -> None:
    _current.set(code)


@contextmanager
def override(code: str) -> Iterator[None]:
    """Set the current language within a `with` block."""
    token = _current.set(code)
    try:
        yield
    finally:
        _current.reset(token)


def each_language(codes: Iterable[str]) -> Iterator[str]:
    """Yield languages, each while it is the current one."""
    for code in codes:
        with override(code):
            yield code


def gettext(german: str, **values: object) -> str:
    """Return a text in the current language, with its %(names)s filled in."""
    # For an empty text, gettext would return the catalogue's header.
    text = german and _CATALOGUES[current_language()].gettext(german)
    return text % values if values else text


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """Return the singular or plural in the current language, with %(num)d and other %(names)s filled in."""
    return _CATALOGUES[current_language()].ngettext(one, many, num) % ({"num": num} | values)


def gettext_noop(german: str) -> str:
    """Mark a text for the catalogue that is translated later."""
    return german
