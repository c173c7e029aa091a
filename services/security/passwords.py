"""Passwords: the form in which they are compared, and how hard they are to guess."""

import re
import string
from pathlib import Path

from enums import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from i18n.typed_text import normalised
from services.errors import UserError
from settings import settings

# How hard a password must be to guess, on zxcvbn's scale from 0 to 4, and how much of it is scored: zxcvbn takes long
# for a long one.
MIN_SCORE = 3
SCORED_LENGTH = 72

# Nearer at hand in an office like ours than in other people's texts, from which GERMAN_WORDS comes.
OFFICE_WORDS = (
    "passwort kennwort geheim anmelden verwaltung willkommen hallo schatz admin administrator support service ticket "
    "meldeportal computer netzwerk server system technik edv frühling sommer herbst winter"
)
GERMAN_WORDS = Path(__file__).with_name("german_words.txt")

# zxcvbn knows the American keyboard: what a German one types with the same keys.
_SAME_KEYS = str.maketrans("zyZYß?´`üÜ+*öÖäÄ#" + "'-_", "yzYZ-_=+[{]};:'\"\\|/?")

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})

_ADDED_AT_THE_ENDS = string.digits + string.punctuation + " "
_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_]{3})[\W\d_]+(?=[^\W\d_]{3})")


def normalise(password: str) -> str:
    """Return the form of a password that is hashed; keyboards send the same letter as one or as two characters."""
    return normalised(password[: MAX_PASSWORD_LENGTH + 1])


def check_is_strong(password: str, name: str) -> None:
    """Raise UserError for a password that is too long, too short or easy to guess, also from the account's name."""
    if len(password) > MAX_PASSWORD_LENGTH:
        raise UserError(f"Bitte kürzen Sie das Kennwort auf höchstens {MAX_PASSWORD_LENGTH} Zeichen.")
    password = normalise(password)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise UserError(f"Bitte wählen Sie ein Kennwort mit mindestens {MIN_PASSWORD_LENGTH} Zeichen.")
    if _score(password, name) < MIN_SCORE:
        raise UserError(
            "Dieses Kennwort ist zu leicht zu erraten. Gut sind zum Beispiel vier Wörter, die nichts miteinander "
            "und nichts mit Ihnen zu tun haben."
        )


def _score(password: str, name: str) -> int:
    """Return zxcvbn's score from 0 to 4; digits and signs that only adorn one or more words do not count."""
    # Imported only here: its word lists take 12 MB, and passwords are rarely set.
    from zxcvbn import zxcvbn

    words = f"{name} {settings.office_name} {OFFICE_WORDS}".casefold().split()
    words += (line for line in GERMAN_WORDS.read_text("utf-8").splitlines() if not line.startswith("#"))
    words = [spelling for word in words for spelling in dict.fromkeys((word, word.translate(_UMLAUTS)))]
    letters = _BETWEEN_WORDS.sub("", password.strip(_ADDED_AT_THE_ENDS))
    variants = [password, letters] if letters.isalpha() else [password]
    variants += [variant.translate(_SAME_KEYS) for variant in variants]
    return min(zxcvbn(variant[:SCORED_LENGTH], user_inputs=words)["score"] for variant in variants)
