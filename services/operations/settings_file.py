"""The config file as the office changes it in the browser: checked as at the start, and in force at once."""

import copy
import hashlib
import re
import threading
import tomllib
from collections.abc import Mapping

from services import disk
from services.errors import EditConflict, UserError
from settings import CONFIG_FILE, FORMER_FILE, LAST_GOOD_FILE, StartError, settings, toml_line

CHANGED_MEANWHILE = (
    "Inzwischen hat jemand anderes die Einstellungen geändert. Bitte vergleichen Sie Ihre Angaben mit der Seite in "
    "einem neuen Tab. Speichern Sie noch einmal, gelten Ihre."
)

_lock = threading.Lock()


def fingerprint() -> str:
    """Return a hash of the config file: a form sends it along to detect somebody else's change."""
    return hashlib.sha256(_read(CONFIG_FILE).encode()).hexdigest()[:16]


def keep_last_good() -> None:
    """Keep a copy of a config file that the portal can use, for a start after a fault."""
    text = _read(CONFIG_FILE)
    if not settings.config_fault and text != _read(LAST_GOOD_FILE):
        disk.replace_text(settings.data_dir / LAST_GOOD_FILE, text)


def save(changes: Mapping[str, str | float], seen: str) -> None:
    """Write changed settings and put them in force; the former file is kept. Raises UserError or EditConflict.

    A file that cannot be used is replaced by the last good one with the changes.
    """
    with _lock:
        if fingerprint() != seen:
            raise EditConflict(CHANGED_MEANWHILE)
        former = _read(CONFIG_FILE)
        text = _changed(_read(LAST_GOOD_FILE) if settings.config_fault else former, changes)
        try:
            copy.copy(settings).load_config(text)
        except StartError as error:
            raise UserError(str(error)) from None
        disk.replace_text(settings.data_dir / FORMER_FILE, former)
        disk.replace_text(settings.data_dir / CONFIG_FILE, text)
        settings.load_config(text)
        keep_last_good()


def _read(name: str) -> str:
    try:
        return (settings.data_dir / name).read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return ""


def _changed(text: str, changes: Mapping[str, str | float]) -> str:
    """Return the text of a config file with changed values, all comments kept."""
    for name, value in changes.items():
        line, known = toml_line(name, value).rstrip("\n"), tomllib.loads(text)
        commented = re.compile(rf"^#\s?{name} = .*$", re.MULTILINE)
        if name not in known and commented.search(text):
            text = commented.sub(line.replace("\\", r"\\"), text, count=1)
        else:
            # Imported only here: takes 40 ms.
            import tomlkit

            document = tomlkit.parse(text)
            document[name] = value
            text = tomlkit.dumps(document)
    return text
