"""The way back from a backup: checked from first to last byte, into an empty data folder, or not at all."""

import json
import os
import re
import shutil
import zipfile
import zlib
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from peewee import DatabaseError, SqliteDatabase

import migrations
from faults import in_german
from models import Attachment, Message, StaffSession, Ticket
from services import backup, disk
from services.backup import DATABASE, FILES, FORMAT, MANIFEST, SECRET_KEY, digest_of
from settings import CONFIG_FILE, MEBIBYTE, settings
from words import MessageState

# What may be in an archive; nothing else gets a name on this disk.
MEMBER = re.compile(rf"{FILES}[0-9a-f]{{32}}|{re.escape(DATABASE)}|{re.escape(CONFIG_FILE)}|{re.escape(SECRET_KEY)}")

# Where an archive is unpacked, within the data folder: a rename within one disk takes no time and cannot fail half-way.
WORKPLACE = ".wiederherstellung"

HELD = "Aus einer Sicherung: Vielleicht ging das schon hinaus. Bitte entscheiden Sie, ob es gehen soll."


class RestoreError(Exception):
    """Why nothing was restored; its text is a German sentence."""


class Restored(NamedTuple):
    """What was restored: from when it is, what it holds, what is missing, and what is held back in the outbox."""

    made_at: datetime
    tickets: int
    files: int
    lost: int
    held: int
    has_key: bool


def restore(path, now):
    """Restore an archive into the data folder and return what it holds.

    Raises RestoreError for a folder that is not empty and for an archive that is not whole; nothing has changed then.
    """
    folder = settings.data_dir
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RestoreError(
                f"{folder} ist nicht leer. Nennen Sie mit TICKET_DATA_DIR einen leeren Ordner, oder benennen Sie "
                "diesen um."
            )
        with zipfile.ZipFile(path) as archive, _workplace(folder) as workplace:
            manifest = _manifest(archive)
            _require_room(folder, manifest)
            _unpack(archive, manifest["members"], workplace)
            restored = _take_over_database(workplace, manifest, now)
            _move(workplace, folder)
            backup.note_restored(now)
            return restored
    except OSError as error:
        raise RestoreError(f"Das Wiederherstellen ist gescheitert: {in_german(error)}.") from None
    except DatabaseError as error:
        raise _damaged(f"Die Datenbank darin lässt sich nicht öffnen ({in_german(error)})") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise _damaged("Es ist kein ganzes Zip-Archiv") from None


@contextmanager
def _workplace(folder):
    """Make a place for what is unpacked; it is gone at the end, and so is the folder if it was made for nothing."""
    is_new = not folder.exists()
    workplace = folder / WORKPLACE
    workplace.mkdir(mode=0o700, parents=True)
    try:
        yield workplace
    finally:
        shutil.rmtree(workplace)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def _manifest(archive):
    """Return what the archive says of itself; raises RestoreError if its members are others."""
    names = archive.namelist()
    try:
        manifest = json.loads(archive.read(MANIFEST))
        version, members = manifest["format"], manifest["members"]
        sizes = {name: int(known["size"]) for name, known in members.items()}
        datetime.fromisoformat(manifest["made_at"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise _damaged("Sein Verzeichnis ist nicht lesbar") from None
    if version != FORMAT:
        raise RestoreError("Das Archiv stammt aus einer neueren Version des Portals. Bitte nehmen Sie diese.")
    if sorted(names) != sorted([*members, MANIFEST]) or DATABASE not in members:
        raise _damaged("Sein Inhalt ist nicht der, den sein Verzeichnis nennt")
    for name in members:
        if not MEMBER.fullmatch(name):
            raise _damaged(f"„{name}“ gehört in keine Sicherung")
    if any(archive.getinfo(name).file_size != size for name, size in sizes.items()):
        raise _damaged("Sein Inhalt ist nicht der, den sein Verzeichnis nennt")
    return manifest


def _require_room(folder, manifest):
    wanted = sum(known["size"] for known in manifest["members"].values())
    free = disk.free_bytes(folder)
    if free < wanted:
        raise RestoreError(
            f"In {folder} ist nicht genug Platz: Gebraucht werden {wanted // MEBIBYTE + 1} MiB, frei sind "
            f"{free // MEBIBYTE} MiB."
        )


def _unpack(archive, members, workplace):
    """Write every member to disk and compare it with its checksum."""
    (workplace / FILES).mkdir()
    for name, known in members.items():
        with archive.open(name) as member, (workplace / name).open("xb") as file:
            digest, _ = digest_of(member, file)
            file.flush()
            os.fsync(file.fileno())
        if digest != known["sha256"]:
            raise _damaged(f"„{name}“ ist nicht mehr, was gesichert wurde")


def _take_over_database(workplace, manifest, now):
    """Check the database, and let nothing go out or come in that belongs to the day of the backup."""
    members = manifest["members"]
    db = SqliteDatabase(
        workplace / DATABASE, pragmas={"journal_mode": "delete", "synchronous": "extra", "secure_delete": 1}
    )
    with db.connection_context():
        if db.pragma("integrity_check") != "ok" or db.pragma("foreign_key_check") is not None:
            raise _damaged("Die Datenbank darin ist es")
        if not migrations.applied_steps(db):
            raise _damaged("Die Datenbank darin ist keine des Portals")
        if not migrations.is_known(db):
            raise RestoreError(
                "Die Datenbank in dem Archiv stammt aus einer neueren Version des Portals. Bitte nehmen Sie diese."
            )
        named = Attachment.on_disk().select(Attachment.stored_name, Attachment.digest).bind(db)
        lost = [row for row in named if members.get(FILES + row.stored_name, {}).get("sha256") != row.digest]
        # What waited may have gone out after the backup, and whoever was signed in may have been locked out.
        held = (
            Message.update(state=MessageState.FAILED, failing_since=now, last_error=HELD, leased_until=None)
            .where(Message.state == MessageState.WAITING)
            .bind(db)
            .execute()
        )
        StaffSession.update(ended_at=now).where(StaffSession.ended_at.is_null()).bind(db).execute()
        return Restored(
            made_at=datetime.fromisoformat(manifest["made_at"]),
            tickets=Ticket.select().bind(db).count(),
            files=sum(name.startswith(FILES) for name in members),
            lost=len(lost),
            held=held,
            has_key=SECRET_KEY in members,
        )


def _move(workplace, folder):
    """Give all its own place; the database comes last, because without one there is no portal yet."""
    disk.fsync_directory(workplace / FILES)
    for name in (FILES, CONFIG_FILE, SECRET_KEY, DATABASE):
        if (workplace / name).exists():
            (workplace / name).rename(folder / name)
    disk.fsync_directory(folder)


def _damaged(what):
    return RestoreError(f"Das Archiv ist beschädigt: {what}. Es ist nichts geändert. Bitte nehmen Sie ein anderes.")
