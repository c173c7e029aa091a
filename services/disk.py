"""The disk that all lies on: how much room it has, and what makes a file on it survive a power cut."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from peewee import DatabaseError

from enums import MEBIBYTE
from settings import settings

NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
SQLITE_FULL = "database or disk is full"

# Where only what comes and goes lies, in memory on many machines, so much stays free.
TEMPORARY_RESERVE_MIB = 64


def free_bytes(folder):
    """Return how much room there is where a folder lies."""
    return shutil.disk_usage(folder).free


def is_below_reserve():
    """Say whether what is left is kept for texts."""
    return free_bytes(settings.data_dir) < settings.disk_reserve_mib * MEBIBYTE


def has_space_for_temporary(size):
    """Say whether so many bytes find room among the temporary files.

    On the disk that all lies on they leave half of what is kept for texts: on the way there, the form itself still says
    that it takes no files.
    """
    folder, reserve = Path(tempfile.gettempdir()), settings.disk_reserve_mib // 2
    if folder.stat().st_dev != settings.data_dir.stat().st_dev:
        reserve = min(reserve, TEMPORARY_RESERVE_MIB)
    return free_bytes(folder) - size >= reserve * MEBIBYTE


def is_full(error):
    """Say whether something failed because the disk has no room at all, or failed while that was dealt with.

    SQLite takes a transaction back by itself then, and taking it back once more is what fails in the end.
    """
    while error is not None:
        if getattr(error, "errno", None) in NO_ROOM or (isinstance(error, DatabaseError) and SQLITE_FULL in str(error)):
            return True
        error = error.__context__
    return False


def replace_text(path, text):
    """Let a small file hold another text: all of it, or what it held before."""
    fresh = path.with_name(f".unfertig-{path.name}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def fsync_directory(path):
    """Make new names in a folder survive a power cut; Windows and some disks in the network do it by themselves."""
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
