"""The disk with the data folder: its free space, and files that survive a power cut."""

import errno
import logging
import os
import shutil
import tempfile
from math import inf
from pathlib import Path

from peewee import DatabaseError

from enums import MEBIBYTE
from i18n.system_errors import in_german
from settings import settings

log = logging.getLogger(__name__)

NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
SQLITE_FULL = "database or disk is full"

# Space that stays free where temporary files are on a disk of their own (often in memory).
TEMPORARY_RESERVE_MIB = 64


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk with this folder."""
    return shutil.disk_usage(folder).free


def is_below_reserve() -> bool:
    """Say whether the free space is only enough for texts, and no file can be accepted."""
    return free_bytes(settings.data_dir) < settings.disk_reserve_mib * MEBIBYTE


def has_space_for_upload(size: int) -> bool:
    """Say whether there is space for a body of this many bytes, for a temporary file and for what it brings.

    On the disk of the data folder half of the reserve stays free. Below the whole reserve the upload still comes in, so
    that the form can say that it takes no files.
    """
    temporary, reserve = Path(tempfile.gettempdir()), settings.disk_reserve_mib // 2
    if temporary.stat().st_dev != settings.data_dir.stat().st_dev:
        temporary_reserve = min(reserve, TEMPORARY_RESERVE_MIB)
        if free_bytes(temporary) - size < temporary_reserve * MEBIBYTE:
            return False
    return free_bytes(settings.data_dir) - size >= reserve * MEBIBYTE


def is_full(error: BaseException | None) -> bool:
    """Return whether a full disk caused an error, directly or through the errors it followed from.

    On a full disk SQLite rolls back by itself, and the error that arrives is that of a second rollback.
    """
    while error is not None:
        if getattr(error, "errno", None) in NO_ROOM or (isinstance(error, DatabaseError) and SQLITE_FULL in str(error)):
            return True
        error = error.__context__
    return False


def replace_text(path: Path, text: str) -> None:
    """Replace the text of a small file, whole or not at all."""
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace a small file, whole or not at all."""
    fresh = path.with_name(f".unfertig-{path.name}")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    fsync_directory(path.parent)


def delete(path: Path, older_than: float = inf) -> None:
    """Delete a file that was last changed before a moment; what fails is logged, and the next sweep tries again."""
    try:
        if path.stat().st_mtime < older_than:
            path.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("Die Datei %s ließ sich nicht aufräumen: %s", path, in_german(error))


def fsync_directory(path: Path) -> None:
    """Make new names in a folder survive a power cut; Windows and some network drives do it by themselves."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
