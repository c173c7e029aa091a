"""The data folder: whether it is complete, and whether the portal may use it."""

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from peewee import DatabaseError

from i18n.system_errors import access_advice, in_german
from services import disk
from services.security.keys import SECRET_KEY_BYTES
from settings import CONFIG_FILE, StartError, settings

MAX_LISTED = 3

# Archives are unpacked within the data folder: a rename on the same disk takes no time and cannot fail half-way.
UNPACK_DIR = ".wiederherstellung"

# SQLite's message, after it has waited.
DATABASE_LOCKED = "database is locked"

# What becomes of the name with editors that add an ending, which Windows then hides.
_is_like_config = re.compile(r"config(\.toml)*(\.txt)?", re.IGNORECASE).fullmatch

# What the config file of a new data folder says: every setting, as a comment.
EXAMPLE_CONFIG = Path(__file__).parent.parent.parent / "config.example.toml"

RESTORE_ADVICE = (
    "Halten Sie das Portal an, benennen Sie den Datenordner um und holen Sie die letzte gute Sicherung zurück "
    "(wiederherstellen)."
)


def has_database() -> bool:
    """Say whether there is a database; an empty one comes from an interrupted first start, or a loss."""
    path = settings.database_path
    return path.is_file() and path.stat().st_size > 0


def missing_database_error() -> str:
    """Return what to do about a lost database, or one that is not yet restored, or "".

    Only files or backups show that there was one. Without either it may be an interrupted first start.
    """
    if has_database():
        return ""
    if (settings.data_dir / UNPACK_DIR).exists():
        return (
            f"In {settings.data_dir} wird gerade eine Sicherung zurückgespielt; bitte warten Sie, bis das fertig ist. "
            "Wurde es abgebrochen, leeren Sie den Ordner, und spielen Sie die Sicherung noch einmal zurück."
        )
    if is_unused():
        return ""
    return (
        f"Die Datenbank {settings.database_path} fehlt oder ist leer, obwohl hier schon ein Portal lief. "
        f"{RESTORE_ADVICE}"
    )


def is_unused() -> bool:
    """Say whether there is nothing that could be lost: no database, no files, no backups."""
    if has_database() or settings.database_path.with_name(f"{settings.database_path.name}-wal").exists():
        return False
    return not any(folder.is_dir() and any(folder.iterdir()) for folder in (settings.files_dir, settings.backups_dir))


def has_intact_key() -> bool:
    """Say whether there is a secret key of the right size."""
    path = settings.secret_key_path
    return path.is_file() and path.stat().st_size == SECRET_KEY_BYTES


def misnamed_config() -> str:
    """Return what to do about a config file under a name that the portal does not read, or ""."""
    right = settings.data_dir / CONFIG_FILE
    for path in sorted(settings.data_dir.iterdir()):
        # Where upper and lower case are the same, Config.toml is read.
        if _is_like_config(path.name) and path.is_file() and not (right.exists() and path.samefile(right)):
            return (
                f"Das Portal liest {path} nicht, denn die Datei muss {CONFIG_FILE} heißen. Bitte benennen Sie sie um. "
                "Windows zeigt Endungen erst, wenn im Explorer unter Ansicht die Dateinamenerweiterungen eingeschaltet "
                "sind."
            )
    return ""


def inaccessible_paths() -> list[Path]:
    """Return the paths in the data folder that this user may not use, as far as they can be seen."""
    return [
        path
        for path in (settings.data_dir, *settings.data_dir.rglob("*"))
        # A path that has just been deleted is not inaccessible.
        if not os.access(path, _needed(path)) and os.path.lexists(path)
    ]


def access_error(paths: Iterable[Path | str]) -> str:
    """Return what to do about inaccessible paths."""
    return access_advice(first_few(paths, MAX_LISTED), settings.data_dir)


def first_few(things: Iterable[object], limit: int) -> str:
    """Return the first things, separated by commas, and whether there are more."""
    texts = list(map(str, things))
    return ", ".join(texts[:limit]) + (" und weitere" if len(texts) > limit else "")


def start_error(error: OSError | DatabaseError) -> str:
    """Return what to do about an error at the start."""
    if disk.is_full(error):
        return f"Für den Datenordner {settings.data_dir} ist kein Platz mehr. Bitte schaffen Sie Platz."
    if str(error) == DATABASE_LOCKED:
        return (
            f"Ein anderes Programm hält die Datenbank {settings.database_path} besetzt. Bitte halten Sie es an, auch "
            "ein Portal, das schon läuft, und versuchen Sie es dann noch einmal."
        )
    if isinstance(error, PermissionError) and os.access(settings.data_dir, os.F_OK):
        return access_error([error.filename or settings.data_dir])
    return (
        f"Im Datenordner {settings.data_dir} lässt sich nicht arbeiten: {in_german(error)}. Bitte prüfen Sie, ob es "
        "ein Ordner ist, in dem Sie schreiben dürfen, oder wählen Sie mit TICKET_DATA_DIR einen anderen."
    )


def foreign_owner_error() -> str:
    """Return what root must do instead if the folder belongs to another user, who could not use new files, or ""."""
    if os.name == "nt" or os.geteuid() != 0 or not settings.data_dir.exists() or settings.data_dir.stat().st_uid == 0:
        return ""
    owner = settings.data_dir.owner()
    return (
        f"Der Datenordner {settings.data_dir} gehört dem Benutzer {owner}. Was root darin anlegt, könnte er nicht mehr "
        f"lesen. Bitte führen Sie den Befehl unter ihm aus: sudo -u {owner} …"
    )


def prepare() -> None:
    """Create the folders; raises StartError or OSError if the portal cannot work in the data folder."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if lost := missing_database_error():
        raise StartError(lost)
    if not (settings.data_dir / CONFIG_FILE).exists() and is_unused():
        disk.replace_text(settings.data_dir / CONFIG_FILE, EXAMPLE_CONFIG.read_text("utf-8"))
    for folder in (settings.files_dir, settings.logs_dir):
        folder.mkdir(exist_ok=True)
        try:
            next(folder.iterdir(), None)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            # While the database can still be opened, the portal starts and shows that the disk is full.
            if not disk.is_full(error):
                raise
    disk.fsync_directory(settings.data_dir)
    if settings.database_path.exists() and not os.access(settings.database_path, os.R_OK | os.W_OK):
        raise StartError(access_error([settings.database_path]))


def _needed(path: Path) -> int:
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where the folder above it is inaccessible
        return os.R_OK | os.W_OK | os.X_OK
    # With its journals, which SQLite puts beside it.
    is_written = path.name.startswith(settings.database_path.name) or path.parent == settings.logs_dir
    return os.R_OK | os.W_OK if is_written else os.R_OK
