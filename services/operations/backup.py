"""Backups: one archive of all there is, made beside the running portal, whole or not at all, the last few of them kept.

The database is copied first, then the files that the copy names. A file never changes once it has its name; one that
was deleted meanwhile, on purpose, is deleted from the copy, too.
"""

import hashlib
import io
import json
import logging
import os
import secrets
import zipfile
from contextlib import contextmanager, suppress
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from peewee import DatabaseError, SqliteDatabase, fn

import migrations
from clock import TIME_ZONE
from database import copy_database, transaction
from enums import MEBIBYTE
from i18n import formats
from i18n.system_errors import in_german
from models import Attachment
from services import branding, disk
from services.errors import UserError
from settings import CONFIG_FILE, settings

log = logging.getLogger(__name__)

FORMAT = 1
MANIFEST, DATABASE, FILES, SECRET_KEY = "manifest.json", "tickets.db", "files/", "secret.key"
ARCHIVE_PATTERN = "sicherung-????????-??????.zip"

# What a killed backup leaves; after a day nobody writes it any more.
UNFINISHED = ".unfertig-*"
UNFINISHED_FOR = timedelta(days=1)

# What came of the last backups; an archive itself may lie on another disk.
STATUS_FILE = "stand.json"

MAX_AGE = timedelta(days=2)

UNKNOWN = "Den Grund nennt das Protokoll."

CHUNK = MEBIBYTE


class Backup(NamedTuple):
    """An archive that was made: how many files of tickets it has, and which are missing or no longer as they came.

    A logo that no page may show is not in it, and must not stop the rest.
    """

    path: Path
    size: int
    files: int
    faulty: list
    logo_fault: str


class BackupStatus(NamedTuple):
    """When the last backup was made, since when the daily one fails, with the reason, and when all came from one."""

    made_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""
    restored_at: datetime | None = None

    def is_old(self, now):
        """Say whether it is time to remind somebody."""
        return self.made_at is None or now - self.made_at > MAX_AGE


def make(now, target=None, with_key=False, is_stopping=lambda: False):
    """Write an archive into a folder, or under a name of one's own, and return what was made.

    Raises UserError, and then there is no new archive.
    """
    try:
        path = _path(target, now)
        settings.backups_dir.mkdir(exist_ok=True)
        _tidy_up(path.parent, now)
        _require_room(path)
        with _copied_database() as copy:
            made = _write(path, copy, with_key, now, is_stopping)
    except DatabaseError as error:
        raise UserError(
            f"Die Datenbank ließ sich nicht sichern: {in_german(error)}. Was zu tun ist, sagt: pruefen"
        ) from None
    except OSError as error:
        raise UserError(f"Die Sicherung ließ sich nicht schreiben: {in_german(error)}.") from None
    _keep_last(path)
    _write_status(BackupStatus(made_at=now))
    return made


def is_due(now):
    """Say whether it is time for the daily backup; who was off at that time makes it later on the same day."""
    if not settings.backup_time:
        return False
    local = now.astimezone(TIME_ZONE)
    due_at = datetime.combine(local.date(), time.fromisoformat(settings.backup_time), TIME_ZONE)
    made_at = status().made_at
    # A moment ahead of now comes from a clock that was put back.
    return local >= due_at and (made_at is None or not due_at <= made_at <= now)


def make_daily(now, is_stopping):
    """Make the daily backup, note what came of it, and say whether there is one."""
    try:
        made = make(now, is_stopping=is_stopping)
    except Exception as error:
        is_known = isinstance(error, UserError)
        log.error("Die tägliche Sicherung ist gescheitert: %s", error, exc_info=not is_known)
        _write_status(status()._replace(failed_at=now, error=str(error) if is_known else UNKNOWN))
        return False
    if made.faulty:
        log.warning("%s Anhänge fehlen oder sind beschädigt; in der Sicherung auch.", len(made.faulty))
    if made.logo_fault:
        log.warning("%s In der Sicherung fehlt es.", made.logo_fault)
    return True


def status():
    """Return what came of the last backups."""
    try:
        noted = json.loads((settings.backups_dir / STATUS_FILE).read_text(encoding="utf-8"))
        made_at, failed_at, restored_at = (
            value and datetime.fromisoformat(value)
            for value in (noted["made_at"], noted["failed_at"], noted.get("restored_at"))
        )
        return BackupStatus(made_at, failed_at, noted["error"], restored_at)
    except (OSError, ValueError, KeyError, TypeError):
        return BackupStatus()


def record_restored(now):
    """Write down that all there is has just come from a backup; the archives themselves lie elsewhere."""
    settings.backups_dir.mkdir(exist_ok=True)
    _write_status(BackupStatus(restored_at=now))


def digest_of(source, sink=None):
    """Return the SHA-256 and the size of what a stream holds, and write it to another one on the way."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if sink:
            sink.write(chunk)
    return digest.hexdigest(), size


def _path(target, now):
    """Return where the archive is to lie; raises UserError if something lies there."""
    path = target or settings.backups_dir
    if not target or path.is_dir():
        path = path / f"sicherung-{now.astimezone(TIME_ZONE):%Y%m%d-%H%M%S}.zip"
    if path.exists():
        raise UserError(f"{path} gibt es schon. Bitte wählen Sie ein anderes Ziel.")
    if target and not path.parent.is_dir():
        raise UserError(f"Den Ordner {path.parent} gibt es nicht. Ist der Datenträger angeschlossen?")
    return path


def _require_room(path):
    """Raise UserError if the archive finds no room, or would take what is kept for new requests."""
    files = Attachment.select(fn.SUM(Attachment.size)).scalar() or 0
    database = settings.database_path.stat().st_size
    needed, kept = {settings.backups_dir: database}, 0
    if path.parent == settings.backups_dir:
        needed[path.parent] += database + files
        kept = settings.disk_reserve_mib * MEBIBYTE
    else:
        needed[path.parent] = database + files
    for folder, wanted in needed.items():
        free = disk.free_bytes(folder)
        if free < wanted + kept:
            too_little = (
                f" Es muss {formats.file_size(kept)} frei bleiben (disk_reserve_mib)." if free >= wanted else ""
            )
            raise UserError(
                f"In {folder} ist nicht genug Platz für eine Sicherung: Sie braucht {formats.file_size(wanted)}, frei "
                f"sind {formats.file_size(free)}.{too_little} Bitte schaffen Sie Platz, heben Sie weniger Sicherungen "
                "auf (backups_kept), oder nehmen Sie mit --ziel einen anderen Datenträger."
            )


@contextmanager
def _copied_database():
    """Copy the database as it is at one moment; nobody writes meanwhile, which takes as long as reading it."""
    path = settings.backups_dir / f".unfertig-{secrets.token_hex(8)}.db"
    source = SqliteDatabase(settings.database_path)
    copy = SqliteDatabase(path, pragmas={"journal_mode": "memory", "synchronous": 0, "secure_delete": 1})
    try:
        with source.connection_context(), copy.connection_context():
            with transaction():
                copy_database(source.connection(), copy.connection())
            if copy.pragma("integrity_check") != "ok":
                # Older archives are better than a new one of this, and must not give way to it.
                raise UserError("Die Datenbank ist beschädigt. Was zu tun ist, sagt: pruefen")
            yield copy
    finally:
        path.unlink(missing_ok=True)


def _write(path, copy, with_key, now, is_stopping):
    """Write the archive under another name, and give it its own when it is whole and on disk."""
    unfinished = path.with_name(f".unfertig-{secrets.token_hex(8)}.zip")
    try:
        with unfinished.open("xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                faulty, gone, members = _add_files(archive, copy, now, is_stopping)
                Attachment.delete().where(Attachment.stored_name.in_(gone)).bind(copy).execute()
                files = len(members)
                with Path(copy.database).open("rb") as database:
                    members[DATABASE] = _add(archive, DATABASE, database, now, zipfile.ZIP_DEFLATED)
                small = {CONFIG_FILE: settings.as_config(with_secrets=with_key).encode()}
                picture, logo_fault = branding.load_logo()
                if picture:
                    small[settings.office_logo] = picture
                if with_key:
                    small[SECRET_KEY] = settings.secret_key_path.read_bytes()
                for name, text in small.items():
                    members[name] = _add(archive, name, io.BytesIO(text), now)
                manifest = {
                    "format": FORMAT,
                    "made_at": now.isoformat(),
                    "steps": migrations.applied_steps(copy),
                    "members": members,
                    "faulty": faulty,
                }
                _add(archive, MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()), now)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        disk.fsync_directory(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return Backup(path, path.stat().st_size, files, faulty, logo_fault)


def _add_files(archive, copy, now, is_stopping):
    """Add the files that the copied database names.

    Return the names of those that are missing or no longer as they came, of those deleted meanwhile, and what is in.
    """
    faulty, gone, members = [], [], {}
    rows = list(Attachment.on_disk().select(Attachment.stored_name, Attachment.digest).bind(copy))
    for row in rows:
        if is_stopping():
            raise UserError("Das Portal wurde beendet, bevor die Sicherung fertig war.")
        name = FILES + row.stored_name
        try:
            content = (settings.files_dir / row.stored_name).read_bytes()
        except OSError:
            # Whoever deletes a file has deleted its row before. What a dying disk does not give must not stop the rest.
            is_named = Attachment.select().where(Attachment.stored_name == row.stored_name).exists()
            (faulty if is_named else gone).append(row.stored_name)
            continue
        members[name] = _add(archive, name, io.BytesIO(content), now)
        if members[name]["sha256"] != row.digest:
            faulty.append(row.stored_name)
    return faulty, gone, members


def _add(archive, name, source, now, compression=zipfile.ZIP_STORED):
    """Add what an open file holds to the archive, and return its checksum and size."""
    info = zipfile.ZipInfo(name, now.astimezone(TIME_ZONE).timetuple()[:6])
    info.compress_type, info.external_attr = compression, 0o600 << 16
    # So that it knows beforehand whether it has to count beyond 4 GiB.
    info.file_size = source.seek(0, os.SEEK_END)
    source.seek(0)
    with archive.open(info, "w") as member:
        digest, size = digest_of(source, member)
    return {"sha256": digest, "size": size}


def _keep_last(made):
    """Delete the oldest archives of the backup folder until no more than the configured number is left.

    What is dated later than the one just made comes from a clock that was wrong, and goes first.
    """
    others = sorted(settings.backups_dir.glob(ARCHIVE_PATTERN), key=lambda path: (path.name <= made.name, path.name))
    if made in others:
        others.remove(made)
    kept = settings.backups_kept - (made.parent == settings.backups_dir)
    for path in others[: max(0, len(others) - kept)]:
        _delete(path)


def _tidy_up(folder, now):
    """Delete what backups left that were killed."""
    for place in {folder, settings.backups_dir}:
        for path in place.glob(UNFINISHED):
            with suppress(OSError):
                if path.stat().st_mtime < (now - UNFINISHED_FOR).timestamp():
                    _delete(path)


def _delete(path):
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("Die Datei %s ließ sich nicht aufräumen: %s", path, in_german(error))


def _write_status(status):
    """Write down what came of a backup; where even that finds no room, the log and the age of the last one tell."""
    text = json.dumps(status._asdict(), default=datetime.isoformat)
    try:
        disk.replace_text(settings.backups_dir / STATUS_FILE, text)
    except OSError as error:
        log.warning("Der Stand der Sicherungen ließ sich nicht festhalten: %s", in_german(error))
