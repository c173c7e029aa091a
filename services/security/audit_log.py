"""The audit log: one line for each security event, with its source, for looking it up after an attack.

A line holds names and numbers from the database and the virus scanner's words, never what somebody typed.
"""

import logging
import threading
from datetime import datetime
from enum import StrEnum

from logs.setup import SECURITY_LOGGER
from services.security.ip_networks import network_of

log = logging.getLogger(SECURITY_LOGGER)

# The source of an event that a command causes.
COMMAND = "Befehl"


class SecurityEvent(StrEnum):
    """The events and their words in the log."""

    SIGNED_IN = "angemeldet"
    SIGNED_OUT = "abgemeldet"
    SIGNED_OUT_ELSEWHERE = "in allen anderen Browsern abgemeldet"
    SIGN_IN_REFUSED = "Anmeldung abgewiesen"
    PASSWORD_REFUSED = "Kennwort nicht bestätigt"
    LOGIN_THROTTLED = "zu viele Versuche, gebremst"
    PASSWORD_CHANGED = "Kennwort geändert"
    SECOND_FACTOR_ON = "zweiter Faktor eingeschaltet"
    SECOND_FACTOR_OFF = "zweiter Faktor abgeschaltet"
    RECOVERY_CODES_RENEWED = "neue Wiederherstellungscodes"
    ACCOUNT_ADDED = "Konto angelegt"
    ACCOUNT_LOCKED = "Konto gesperrt"
    ACCOUNT_UNLOCKED = "Konto entsperrt"
    ROLE_CHANGED = "Rolle eines Kontos geändert"
    PASSWORD_LINK = "Link für ein neues Kennwort ausgegeben"
    SETTINGS_CHANGED = "Einstellungen geändert"
    PIN_ISSUED = "PIN ausgegeben"
    CUSTOMER_LOCKED = "Kunde gesperrt"
    CUSTOMER_UNLOCKED = "Kunde entsperrt"
    PERSON_DISCLOSED = "Auskunft über eine Person erteilt"
    PERSON_ERASED = "Angaben einer Person gelöscht"
    RATE_LIMITED = "zu viel auf einmal, gebremst"
    PIN_WRONG = "PIN falsch"
    CORRECT_PIN_DURING_LOCKOUT = "richtige PIN während vieler Fehlversuche"
    FILE_HARMFUL = "schädliche Datei abgewiesen"
    FILE_REFUSED = "Datei abgewiesen"
    TOKEN_MISSING = "Formular ohne gültiges Kennzeichen"
    INVALID_LINK = "Link, der nichts öffnet"
    KEY_RENEWED = "neuer Schlüssel, alle PINs und zweiten Faktoren ungültig"
    KEY_COPIED = "Schlüssel in eine Sicherung kopiert"
    RESTORED = "aus einer Sicherung wiederhergestellt"


# Visitors can cause these at will, so they are kept out of the file for security events only.
_ALARMING_FROM_ANYBODY = (
    SecurityEvent.SIGN_IN_REFUSED,
    SecurityEvent.LOGIN_THROTTLED,
    SecurityEvent.INVALID_LINK,
    SecurityEvent.RATE_LIMITED,
    SecurityEvent.PIN_WRONG,
    SecurityEvent.FILE_HARMFUL,
)
_FROM_ANYBODY = (*_ALARMING_FROM_ANYBODY, SecurityEvent.TOKEN_MISSING, SecurityEvent.FILE_REFUSED)
_ALARMING = (*_ALARMING_FROM_ANYBODY, SecurityEvent.PASSWORD_REFUSED, SecurityEvent.CORRECT_PIN_DURING_LOCKOUT)

# The words in the log for the facts of an event.
_WORDS = {
    "account": "Konto",
    "customer": "Kunde",
    "by": "von",
    "page": "Seite",
    "code": "Vorgang",
    "what": "Was",
    "more": "weitere",
}

# How often an event came again from a network since the last sweep. Those of more networks than this are not written.
MAX_NETWORKS = 1000
_repeated: dict[tuple[SecurityEvent, str], int] = {}
_lock = threading.Lock()


def log_event(event: SecurityEvent, source: str, **facts: object) -> None:
    """Write one line about an event, with its source (an IP address or COMMAND) and facts by the names in _WORDS."""
    known = [f"Quelle={source}", *(f"{_WORDS[name]}={value}" for name, value in facts.items())]
    level = logging.WARNING if event in _ALARMING else logging.INFO
    log.log(level, "%s | %s", event, " | ".join(known), extra={"from_anybody": event in _FROM_ANYBODY})


def log_once_per_hour(event: SecurityEvent, ip: str, **facts: object) -> None:
    """Write the first line about an event from a network; how many followed is written by the hourly sweep."""
    key = event, network_of(ip)
    with _lock:
        is_first = key not in _repeated and len(_repeated) < MAX_NETWORKS
        if is_first:
            _repeated[key] = 0
        elif key in _repeated:
            _repeated[key] += 1
    if is_first:
        log_event(event, ip, **facts)


def sweep(now: datetime) -> None:
    """Write how often events came again from a network, and begin anew."""
    with _lock:
        repeated = dict(_repeated)
        _repeated.clear()
    for (event, network), number in repeated.items():
        if number:
            log_event(event, network, more=number)
