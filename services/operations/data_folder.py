"""The data folder: whether it holds all that a portal has, and whether the portal may use it."""

import os
import tempfile

from i18n.system_errors import access_advice, in_german
from services import disk
from settings import StartError, settings

MAX_LISTED = 3

RESTORE_ADVICE = (
    "Halten Sie das Portal an, benennen Sie den Datenordner um und holen Sie die letzte gute Sicherung zurück "
    "(wiederherstellen)."
)


def has_database():
    """Say whether there is a database; one that is empty comes from a first start that was interrupted, or a loss."""
    path = settings.database_path
    return path.is_file() and path.stat().st_size > 0


def missing_database_error():
    """Return what to do about a database that is gone, or "".

    Only files and backups tell that there was one: without either, nothing can be lost or brought back any more, and
    a first start may have been interrupted.
    """
    if has_database() or is_unused():
        return ""
    return (
        f"Die Datenbank {settings.database_path} fehlt oder ist leer, obwohl hier schon ein Portal lief. "
        f"{RESTORE_ADVICE}"
    )


def is_unused():
    """Say whether no portal has run here yet, as far as anything could be lost."""
    return not has_database() and not any(map(_holds_something, (settings.files_dir, settings.backups_dir)))


def inaccessible_paths():
    """Return what of the data folder this user may not use, as far as it can be seen."""
    return [
        path
        for path in (settings.data_dir, *settings.data_dir.rglob("*"))
        # What is deleted meanwhile is not closed.
        if not os.access(path, _needed(path)) and os.path.lexists(path)
    ]


def access_error(paths):
    """Return what to do about what is closed."""
    names = ", ".join(map(str, paths[:MAX_LISTED])) + (" und weitere" if len(paths) > MAX_LISTED else "")
    return access_advice(names, settings.data_dir)


def start_error(error):
    """Return what to do about what failed at a start."""
    if isinstance(error, PermissionError) and os.access(settings.data_dir, os.F_OK):
        return access_error([error.filename or settings.data_dir])
    return (
        f"Im Datenordner {settings.data_dir} lässt sich nicht arbeiten: {in_german(error)}. Bitte prüfen Sie, ob es "
        "ein Ordner ist, in dem Sie schreiben dürfen, oder wählen Sie mit TICKET_DATA_DIR einen anderen."
    )


def prepare():
    """Make the folders; raises StartError where the database is gone, or where the portal could not write."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if lost := missing_database_error():
        raise StartError(lost)
    for folder in (settings.files_dir, settings.logs_dir):
        folder.mkdir(exist_ok=True)
        _check_writable(folder)
    disk.fsync_directory(settings.data_dir)
    if settings.database_path.exists() and not os.access(settings.database_path, os.R_OK | os.W_OK):
        raise StartError(access_error([settings.database_path]))


def _check_writable(folder):
    try:
        for _ in folder.iterdir():
            break
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        # With a full disk the portal starts, and says so.
        if not disk.is_full(error):
            raise


def _holds_something(folder):
    return folder.is_dir() and any(folder.iterdir())


def _needed(path):
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where the folder above it is closed
        return os.R_OK | os.W_OK | os.X_OK
    is_written = path == settings.database_path or path.parent == settings.logs_dir
    return os.R_OK | os.W_OK if is_written else os.R_OK
