"""Error messages of the operating system and the database in German."""

import errno
import os
import re
import tomllib
from pathlib import Path

SHARING_VIOLATION = 32  # Windows

_SYSTEM_ERRORS = {
    errno.ENOENT: "gibt es nicht",
    errno.EISDIR: "ist ein Ordner",
    errno.ENOTDIR: "ist kein Ordner",
    errno.EEXIST: "gibt es schon",
    errno.EACCES: "ist für diesen Benutzer gesperrt",
    errno.EPERM: "ist für diesen Benutzer gesperrt",
    errno.ENOSPC: "findet keinen Platz mehr",
    getattr(errno, "EDQUOT", errno.ENOSPC): "findet keinen Platz mehr",
    errno.EFBIG: "nimmt so große Dateien nicht an (FAT32 höchstens 4\N{NO-BREAK SPACE}GB, exFAT und NTFS mehr)",
    errno.EROFS: "liegt auf einem Datenträger, auf den man nicht schreiben kann",
    errno.EIO: "liegt auf einem Datenträger, der Fehler meldet",
    errno.ENAMETOOLONG: "hat einen zu langen Namen",
    errno.ENOEXEC: "ist kein Programm",
}

# By the beginning of the English message.
_DATABASE_ERRORS = {
    "unable to open database file": "die Datenbank lässt sich nicht öffnen",
    "database disk image is malformed": "die Datenbank ist beschädigt",
    "file is not a database": "die Datei ist keine Datenbank",
    "file is encrypted": "die Datei ist keine Datenbank",
    "database or disk is full": "es ist kein Platz mehr",
    "database is locked": "ein anderes Programm hält die Datenbank besetzt",
    "attempt to write a readonly database": "die Datenbank ist für diesen Benutzer gesperrt",
    "disk I/O error": "der Datenträger meldet einen Fehler",
}


def in_german(error: Exception) -> str:
    """Return the reason as a clause without a full stop, with the path if there is one."""
    if isinstance(error, UnicodeDecodeError):
        return "sie ist nicht als UTF-8 gespeichert"
    if isinstance(error, tomllib.TOMLDecodeError):
        place = re.search(r"line (\d+), column (\d+)", str(error))
        return "Zeile {}, Spalte {} passt nicht".format(*place.groups()) if place else "das Ende fehlt"
    if isinstance(error, OSError):
        reason = _SYSTEM_ERRORS.get(error.errno or 0, f"macht Schwierigkeiten ({error.strerror or error})")
        if getattr(error, "winerror", None) == SHARING_VIOLATION:
            reason = "ist gerade von einem anderen Programm geöffnet"
        return f"{error.filename or 'der Datenträger'} {reason}"
    known = (german for english, german in _DATABASE_ERRORS.items() if str(error).startswith(english))
    return next(known, f"die Datenbank meldet „{error}“")


def access_advice(paths: str | Path, folder: Path) -> str:
    """Return how to give the current user access to paths in the data folder."""
    what = f"{paths}: Das darf der Benutzer, unter dem dieser Befehl läuft, nicht lesen oder beschreiben."
    if os.name == "nt":
        return f"{what} Geben Sie ihm am Ordner {folder} unter Eigenschaften, Sicherheit den Vollzugriff."
    return (
        f"{what} Ist es der Benutzer des Portals, hilft: sudo chown -R {os.geteuid()} {folder} && "
        f"sudo chmod -R u+rwX {folder}; sonst starten Sie den Befehl unter dem Benutzer des Portals."
    )
