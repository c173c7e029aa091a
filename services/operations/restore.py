"""Restore a backup into an empty data folder. If any part of the archive is damaged, nothing changes."""

import json
import os
import re
import shutil
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from peewee import DatabaseError, SqliteDatabase, Table

import migrations
from clock import TIME_ZONE
from enums import MEBIBYTE, MessageState
from i18n import formats
from i18n.system_errors import in_german
from models import DISCARDED_PREFIX, Attachment, Message, StaffSession, Ticket
from services import disk
from services.errors import UserError
from services.files.file_names import STORED_NAME
from services.operations import backup
from services.operations.backup import DATABASE, FILES, FORMATS, MANIFEST, SECRET_KEY, SHARED, digest_of
from services.operations.data_folder import UNPACK_DIR
from settings import CONFIG_FILE, LOGO_MEDIA_TYPES, is_loopback, settings, toml_line

# The only members that an archive may have; nothing else is written to disk.
SINGLE = (CONFIG_FILE, *LOGO_MEDIA_TYPES, SECRET_KEY, DATABASE)
MEMBER = re.compile("|".join((FILES + STORED_NAME.pattern, *map(re.escape, SINGLE))))
DISCARDED_NAME = re.compile(DISCARDED_PREFIX + "[0-9]+")

# The manifest is read into memory; this is enough for hundreds of thousands of files.
MAX_MANIFEST_BYTES = 64 * MEBIBYTE

# Settings that name servers the portal contacts or trusts; whoever made the archive chose them.
EXTERNAL_SETTINGS = ("smtp_url", "webhook_url", "base_url", "trusted_proxy")
# The setting that is a command: only the owner of this machine decides whether it may run here.
COMMAND = "scanner"

HELD_BACK = "Aus einer Sicherung: Vielleicht ging das schon hinaus. Bitte entscheiden Sie, ob es gehen soll."


class Restored(NamedTuple):
    """What was restored from a backup made at this moment.

    missing_files: how many attachments were missing or damaged already. held_back: how many messages wait for a
    decision. weakening: the settings that lower the protection, as in a config file. command: the setting that is
    switched off, or "".
    """

    made_at: datetime
    tickets: int
    files: int
    missing_files: int
    held_back: int
    has_key: bool
    external_settings: list[str]
    weakening: list[str]
    command: str


def restore(path: Path, now: datetime) -> Restored:
    """Restore an archive into the data folder.

    Raises UserError if the folder is not empty or the archive is damaged; then nothing has changed.
    """
    folder = settings.data_dir
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(
                f"{folder} ist nicht leer. Nennen Sie mit TICKET_DATA_DIR einen leeren Ordner, oder benennen Sie "
                "diesen um."
            )
        with zipfile.ZipFile(path) as archive, _temporary_dir(folder) as unpacked:
            manifest = _manifest(archive)
            _require_room(folder, manifest)
            _unpack(archive, manifest["members"], unpacked)
            _copy_shared(path.parent / SHARED, manifest["shared"], unpacked)
            manifest["members"] |= manifest["shared"]
            config = _sanitise_config(unpacked / CONFIG_FILE)
            restored = _sanitise_database(unpacked / DATABASE, manifest, config, now)
            _move(unpacked, folder)
            backup.record_restored(now)
            return restored
    except OSError as error:
        raise UserError(f"Das Wiederherstellen ist gescheitert: {in_german(error)}.") from None
    except DatabaseError as error:
        raise _damaged_error(f"Die Datenbank darin lässt sich nicht öffnen ({in_german(error)})") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError):
        raise _damaged_error("Es ist kein ganzes Zip-Archiv") from None


@contextmanager
def _temporary_dir(folder: Path) -> Iterator[Path]:
    """Create a directory to unpack into, and delete it at the end, with the data folder if that is new and empty."""
    is_new = not folder.exists()
    unpacked = folder / UNPACK_DIR
    unpacked.mkdir(mode=0o700, parents=True)
    try:
        yield unpacked
    finally:
        shutil.rmtree(unpacked)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return the checked manifest; raises UserError if the archive has other members than it lists."""
    names = archive.namelist()
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in archive.infolist()):
        raise _damaged_error("So packt das Portal keine Sicherung")
    try:
        # Not by the size in the archive's directory, which may be wrong.
        with archive.open(MANIFEST) as file:
            text = file.read(MAX_MANIFEST_BYTES + 1)
        if len(text) > MAX_MANIFEST_BYTES:
            raise ValueError
        manifest = json.loads(text)
        if manifest["format"] not in FORMATS:
            raise UserError("Das Archiv stammt aus einer neueren Version des Portals. Bitte nehmen Sie diese.")
        members, shared = manifest["members"], manifest.setdefault("shared", {})
        sizes = {name: known["size"] for name, known in members.items()}
        known_files = [*members.values(), *shared.values()]
        if not all(type(known["size"]) is int and isinstance(known["sha256"], str) for known in known_files):
            raise TypeError
        manifest["made_at"] = datetime.fromisoformat(manifest["made_at"]).astimezone(TIME_ZONE)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        raise _damaged_error("Sein Verzeichnis ist nicht lesbar") from None
    if sorted(names) != sorted([*members, MANIFEST]) or DATABASE not in members:
        raise _damaged_error("Sein Inhalt ist nicht der, den sein Verzeichnis nennt")
    for name in (*members, *shared):
        if not MEMBER.fullmatch(name) or (name in shared and (name in members or not name.startswith(FILES))):
            raise _damaged_error(f"„{name}“ gehört in keine Sicherung")
    if any(archive.getinfo(name).file_size != size for name, size in sizes.items()):
        raise _damaged_error("Sein Inhalt ist nicht der, den sein Verzeichnis nennt")
    return manifest


def _require_room(folder: Path, manifest: dict[str, Any]) -> None:
    wanted = sum(known["size"] for part in ("members", "shared") for known in manifest[part].values())
    free = disk.free_bytes(folder)
    if free < wanted:
        raise UserError(
            f"In {folder} ist nicht genug Platz: Gebraucht werden {formats.file_size(wanted)}, frei sind "
            f"{formats.file_size(free)}."
        )


def _unpack(archive: zipfile.ZipFile, members: backup.Members, folder: Path) -> None:
    """Write every member to disk and compare it with its checksum."""
    (folder / FILES).mkdir()
    for name, known in members.items():
        with archive.open(name) as member, (folder / name).open("xb") as file:
            digest, _ = digest_of(member, file)
            file.flush()
            os.fsync(file.fileno())
        if digest != known["sha256"]:
            raise _damaged_error(f"„{name}“ ist nicht mehr, was gesichert wurde")


def _copy_shared(source: Path, shared: backup.Members, folder: Path) -> None:
    """Copy the attachments beside the archive, and compare each with its checksum, by which it is named."""
    for name, known in shared.items():
        digest = str(known["sha256"])
        if not re.fullmatch("[0-9a-f]{64}", digest) or not (source / digest).is_file():
            raise _damaged_error(f"Im Ordner {source} fehlt der Anhang „{name}“")
        with (source / digest).open("rb") as member, (folder / name).open("xb") as file:
            found, _ = digest_of(member, file)
            file.flush()
            os.fsync(file.fileno())
        if found != digest:
            raise _damaged_error(f"„{name}“ ist nicht mehr, was gesichert wurde")


def _sanitise_config(path: Path) -> dict[str, Any]:
    """Return the restored settings, and comment out the one that is a command."""
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (ValueError, RecursionError):
        raise _damaged_error("Die Einstellungen darin sind nicht lesbar") from None
    if not all(name.isidentifier() and type(value) in (str, int, float) for name, value in config.items()):
        raise _damaged_error("Die Einstellungen darin sind keine des Portals")
    if config.get(COMMAND):
        lines = (("# " if name == COMMAND else "") + toml_line(name, value) for name, value in config.items())
        path.write_text("".join(lines), encoding="utf-8")
    return config


def _sanitise_database(path: Path, manifest: dict[str, Any], config: dict[str, Any], now: datetime) -> Restored:
    """Check the database, hold back its waiting messages, and end all staff sessions."""
    members = manifest["members"]
    db = SqliteDatabase(path, pragmas={"journal_mode": "delete", "synchronous": "extra", "secure_delete": 1})
    with db.connection_context():
        # No version of the portal has any; a planted one would run when the portal writes.
        schema = Table("sqlite_master", ("type",)).bind(db)
        if schema.select().where(schema.type.in_(("trigger", "view"))).exists():
            raise _damaged_error("Die Datenbank darin ist keine des Portals")
        if db.pragma("integrity_check") != "ok" or db.pragma("foreign_key_check") is not None:
            raise _damaged_error("Die Datenbank darin ist es")
        if not migrations.applied_steps(db):
            raise _damaged_error("Die Datenbank darin ist keine des Portals")
        if not migrations.knows_all_steps(db):
            raise UserError(
                "Die Datenbank in dem Archiv stammt aus einer neueren Version des Portals. Bitte nehmen Sie diese."
            )
        names = Attachment.select(Attachment.stored_name).bind(db).tuples()
        if not all(STORED_NAME.fullmatch(name) or DISCARDED_NAME.fullmatch(name) for (name,) in names):
            raise _damaged_error("Ein Anhang darin heißt, wie das Portal keinen nennt")
        named = Attachment.on_disk().select(Attachment.stored_name, Attachment.digest).bind(db)
        missing_files = [row for row in named if members.get(FILES + row.stored_name, {}).get("sha256") != row.digest]
        # Since the backup, messages may have been sent, and members of staff may have been locked.
        held_back = (
            Message.update(state=MessageState.FAILED, failing_since=now, last_error=HELD_BACK, leased_until=None)
            .where(Message.state == MessageState.WAITING)
            .bind(db)
            .execute()
        )
        StaffSession.update(ended_at=now).where(StaffSession.ended_at.is_null()).bind(db).execute()
        return Restored(
            made_at=manifest["made_at"],
            tickets=Ticket.select().bind(db).count(),
            files=sum(name.startswith(FILES) for name in members),
            missing_files=len(missing_files),
            held_back=held_back,
            has_key=SECRET_KEY in members,
            external_settings=[name for name in EXTERNAL_SETTINGS if config.get(name)],
            weakening=[
                toml_line(name, value).strip()
                for name, value in config.items()
                if (name, value) == ("limits", "off") or (name == "host" and not is_loopback(str(value)))
            ],
            command=config.get(COMMAND, ""),
        )


def _move(unpacked: Path, folder: Path) -> None:
    """Move everything into the data folder; the database comes last, because without it there is no portal yet."""
    disk.fsync_directory(unpacked / FILES)
    for name in (FILES, *SINGLE):
        if (unpacked / name).exists():
            (unpacked / name).rename(folder / name)
    disk.fsync_directory(folder)


def _damaged_error(what: str) -> UserError:
    return UserError(f"Das Archiv ist beschädigt: {what}. Es ist nichts geändert. Bitte nehmen Sie ein anderes.")
