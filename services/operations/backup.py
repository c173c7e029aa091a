"""Backups: one archive of the database, files and settings, made while the portal runs; the last few are kept.

The database is copied first, then the files that the copy names. A stored file never changes; if one is deleted in the
meantime, its row is deleted from the copy, too.
"""

import hashlib
import io
import json
import logging
import os
import secrets
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from peewee import DatabaseError, SqliteDatabase

import migrations
from clock import TIME_ZONE
from database import copy_database, transaction
from enums import MEBIBYTE
from i18n import formats
from i18n.system_errors import in_german
from models import Attachment, PinLetter, Staff
from services import branding, disk
from services.errors import UserError
from services.files.file_names import stored_path
from settings import CONFIG_FILE, settings

log = logging.getLogger(__name__)

# Archives of the second format refer to attachments beside them.
FORMATS = ALONE, SHARING = 1, 2
MANIFEST, DATABASE, FILES, SECRET_KEY = "manifest.json", "tickets.db", "files/", "secret.key"
ARCHIVE_PATTERN = "sicherung-????????-??????.zip"

# The folder beside the archives of the folder for backups, with each attachment once, named by its SHA-256.
SHARED = "anhaenge"

# What a killed backup leaves behind; after a day it is certain that nobody is writing it.
UNFINISHED = ".unfertig-*"
UNFINISHED_FOR = timedelta(days=1)

# The result of the last backups; the archives themselves may lie on another disk.
STATUS_FILE = "stand.json"

MAX_AGE = timedelta(days=2)

UNKNOWN = "Den Grund nennt das Protokoll."

# Reads and writes by so many bytes.
CHUNK = MEBIBYTE

# The size and the SHA-256 of each member of an archive, by its name.
Members = dict[str, dict[str, str | int]]


class Backup(NamedTuple):
    """An archive that was made, with its number of attachments and the stored names of missing or damaged ones.

    logo_fault: why the logo is not in it, or "".
    """

    path: Path
    size: int
    files: int
    faulty: list[str]
    logo_fault: str


class BackupStatus(NamedTuple):
    """When the last backup was made, when the daily one failed since and why, and when the portal was restored."""

    made_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""
    restored_at: datetime | None = None

    def is_old(self, now: datetime) -> bool:
        """Say whether the office should be reminded."""
        return self.made_at is None or now - self.made_at > MAX_AGE


def make(
    now: datetime, target: Path | None = None, with_key: bool = False, is_stopping: Callable[[], bool] = lambda: False
) -> Backup:
    """Write an archive.

    target: a file, whose name ends in .zip, or a folder, which may be new; without it, the folder for backups, where
    archives share the attachments, each of which is stored once.
    with_key: whether the secret key and the passwords among the settings are included.
    Raises UserError; then there is no new archive.
    """
    try:
        if settings.backup_dir and not settings.backups_dir.is_dir():
            # Made anew, it would lie on the disk of the portal while the other one is missing.
            raise UserError(f"Den Ordner {settings.backup_dir} gibt es nicht. Ist der Datenträger angeschlossen?")
        path = _archive_path(target, now)
        settings.backups_dir.mkdir(exist_ok=True)
        for folder in {path.parent, settings.backups_dir}:
            for left in folder.glob(UNFINISHED):
                disk.delete(left, (now - UNFINISHED_FOR).timestamp())
        # One with the key is made to be carried away.
        shared = path.parent / SHARED if target is None and not with_key else None
        _require_room(path, shared)
        with _copied_database() as copy:
            made = _write(path, copy, with_key, shared, now, is_stopping)
    except DatabaseError as error:
        raise UserError(
            f"Die Datenbank ließ sich nicht sichern: {in_german(error)}. Was zu tun ist, sagt: pruefen"
        ) from None
    except OSError as error:
        raise UserError(f"Die Sicherung ließ sich nicht schreiben: {in_german(error)}.") from None
    _keep_last(path)
    _write_status(BackupStatus(made_at=now))
    return made


def is_due(now: datetime) -> bool:
    """Say whether the daily backup is due: from its time on, if there is none since."""
    if not settings.backup_time:
        return False
    local = now.astimezone(TIME_ZONE)
    due_at = datetime.combine(local.date(), time.fromisoformat(settings.backup_time), TIME_ZONE)
    made_at = status().made_at
    # If the last backup is in the future, the clock was put back.
    return local >= due_at and (made_at is None or not due_at <= made_at <= now)


def make_daily(now: datetime, is_stopping: Callable[[], bool]) -> bool:
    """Make the daily backup, record the result, and say whether it succeeded."""
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


def status() -> BackupStatus:
    """Return the result of the last backups."""
    try:
        saved = json.loads((settings.backups_dir / STATUS_FILE).read_text(encoding="utf-8"))
        moments = (saved["made_at"], saved["failed_at"], saved.get("restored_at"))
        made_at, failed_at, restored_at = (moment and datetime.fromisoformat(moment) for moment in moments)
        return BackupStatus(made_at, failed_at, saved["error"], restored_at)
    except (OSError, ValueError, KeyError, TypeError):
        return BackupStatus()


def record_restored(now: datetime) -> None:
    """Record that the portal has just been restored from a backup; the archives themselves lie elsewhere."""
    settings.backups_dir.mkdir(exist_ok=True)
    _write_status(BackupStatus(restored_at=now))


def digest_of(source: IO[bytes], sink: IO[bytes] | None = None) -> tuple[str, int]:
    """Return the SHA-256 and the size of a stream's content, and copy it to the sink."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if sink:
            sink.write(chunk)
    return digest.hexdigest(), size


def _archive_path(target: Path | None, now: datetime) -> Path:
    """Return the path of the new archive, in a folder that exists; raises UserError if the archive does, too."""
    path = target or settings.backups_dir
    is_folder = path.is_dir() or path.suffix.lower() != ".zip"
    if is_folder:
        path /= f"sicherung-{now.astimezone(TIME_ZONE):%Y%m%d-%H%M%S}.zip"
    if path.parent.is_file():
        raise UserError(
            f"{path.parent} ist kein Ordner. Bitte nennen Sie einen Ordner oder einen Dateinamen mit der Endung .zip."
        )
    if path.exists():
        raise UserError(f"{path} gibt es schon. Bitte wählen Sie ein anderes Ziel.")
    # With its parent missing, too, it is rather the disk that is missing.
    if is_folder and path.parent.parent.is_dir():
        path.parent.mkdir(exist_ok=True)
    if not path.parent.is_dir():
        raise UserError(f"Den Ordner {path.parent} gibt es nicht. Ist der Datenträger angeschlossen?")
    return path


def _require_room(path: Path, shared: Path | None) -> None:
    """Raise UserError if there is no room for the archive, or it would use the reserve for new requests."""
    known = {file.name for file in shared.iterdir()} if shared and shared.is_dir() else set()
    sizes = Attachment.on_disk().select(Attachment.digest, Attachment.size).tuples()
    files = sum(size for digest, size in sizes if digest not in known)
    database = settings.database_path.stat().st_size
    needed = Counter({settings.backups_dir: database})
    needed[path.parent] += database + files
    kept = settings.disk_reserve_mib * MEBIBYTE if path.parent == settings.backups_dir else 0
    for folder, wanted in needed.items():
        free = disk.free_bytes(folder)
        if free < wanted + kept:
            reserve = f" Es muss {formats.file_size(kept)} frei bleiben (disk_reserve_mib)." if free >= wanted else ""
            raise UserError(
                f"In {folder} ist nicht genug Platz für eine Sicherung: Sie braucht {formats.file_size(wanted)}, frei "
                f"sind {formats.file_size(free)}.{reserve} Bitte schaffen Sie Platz, heben Sie weniger Sicherungen "
                "auf (backups_kept), oder nehmen Sie mit --ziel einen anderen Datenträger."
            )


class _Archive(zipfile.ZipFile):
    """An archive to write, with the checksum and size of each member."""

    def __init__(self, file: IO[bytes], now: datetime) -> None:
        super().__init__(file, "w")
        self.members: Members = {}
        self._date_time = now.astimezone(TIME_ZONE).timetuple()[:6]

    def add(self, name: str, source: IO[bytes], compression: int = zipfile.ZIP_STORED) -> str:
        """Add the content of an open file, and return its SHA-256."""
        info = zipfile.ZipInfo(name, self._date_time)
        info.compress_type, info.external_attr = compression, 0o600 << 16
        # zipfile decides by this whether it needs the format for more than 4 GiB.
        info.file_size = source.seek(0, os.SEEK_END)
        source.seek(0)
        with self.open(info, "w") as member:
            digest, size = digest_of(source, member)
        self.members[name] = {"sha256": digest, "size": size}
        return digest


@contextmanager
def _copied_database() -> Iterator[SqliteDatabase]:
    """Copy the database as it is at one moment.

    With a rollback journal nobody can write for as long as reading it takes; beside a write-ahead log everybody can.
    """
    path = settings.backups_dir / f".unfertig-{secrets.token_hex(8)}.db"
    source = SqliteDatabase(settings.database_path)
    copy = SqliteDatabase(path, pragmas={"synchronous": 0, "secure_delete": 1})
    try:
        with source.connection_context(), copy.connection_context():
            with nullcontext() if source.pragma("journal_mode") == "wal" else transaction():
                copy_database(source.connection(), copy.connection())
            if copy.pragma("integrity_check") != "ok":
                # An archive of it must not push out older, better ones.
                raise UserError("Die Datenbank ist beschädigt. Was zu tun ist, sagt: pruefen")
            # An archive that also holds the key would tell these PINs and the links for passwords.
            PinLetter.delete().bind(copy).execute()
            Staff.update(link_expires_at=None).bind(copy).execute()
            yield copy
    finally:
        path.unlink(missing_ok=True)


def _write(
    path: Path,
    copy: SqliteDatabase,
    with_key: bool,
    shared: Path | None,
    now: datetime,
    is_stopping: Callable[[], bool],
) -> Backup:
    """Write the archive under a temporary name, and rename it when it is complete and on disk."""
    unfinished = path.with_name(f".unfertig-{secrets.token_hex(8)}.zip")
    try:
        with unfinished.open("xb") as file:
            with _Archive(file, now) as archive:
                faulty, deleted, sharing = _add_files(archive, copy, shared, is_stopping)
                files = len(archive.members) + len(sharing)
                Attachment.delete().where(Attachment.stored_name.in_(deleted)).bind(copy).execute()
                with Path(copy.database).open("rb") as database:
                    archive.add(DATABASE, database, zipfile.ZIP_DEFLATED)
                archive.add(CONFIG_FILE, io.BytesIO(settings.as_config(with_secrets=with_key).encode()))
                picture, logo_fault = branding.load_logo()
                if picture:
                    archive.add(settings.office_logo, io.BytesIO(picture))
                if with_key:
                    archive.add(SECRET_KEY, io.BytesIO(settings.secret_key_path.read_bytes()))
                manifest = {
                    "format": SHARING if shared else ALONE,
                    "made_at": now.isoformat(),
                    "steps": migrations.applied_steps(copy),
                    "members": archive.members,
                    "faulty": faulty,
                } | ({"shared": sharing} if shared else {})
                archive.add(MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        disk.fsync_directory(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return Backup(path, path.stat().st_size, files, faulty, logo_fault)


def _add_files(
    archive: _Archive, copy: SqliteDatabase, shared: Path | None, is_stopping: Callable[[], bool]
) -> tuple[list[str], list[str], Members]:
    """Add the files that the copy names, or store them beside the archive once.

    Returns the stored names of missing or damaged ones, and of deleted ones, and what is beside the archive.
    """
    faulty: list[str] = []
    deleted: list[str] = []
    sharing: Members = {}
    for row in list(Attachment.on_disk().select(Attachment.stored_name, Attachment.digest).bind(copy)):
        if is_stopping():
            raise UserError("Das Portal wurde beendet, bevor die Sicherung fertig war.")
        try:
            content = stored_path(row.stored_name).read_bytes()
        except OSError:
            # Rows are deleted before their files. A file that a failing disk cannot read must not stop the rest.
            is_named = Attachment.select().where(Attachment.stored_name == row.stored_name).exists()
            (faulty if is_named else deleted).append(row.stored_name)
            continue
        if shared:
            digest = hashlib.sha256(content).hexdigest()
            _store_once(shared, digest, content)
            sharing[FILES + row.stored_name] = {"sha256": digest, "size": len(content)}
        else:
            digest = archive.add(FILES + row.stored_name, io.BytesIO(content))
        if digest != row.digest:
            faulty.append(row.stored_name)
    return faulty, deleted, sharing


def _store_once(shared: Path, digest: str, content: bytes) -> None:
    """Store a file under its SHA-256, unless it is there in full length; a damaged one is found when it is restored."""
    path = shared / digest
    if not (path.exists() and path.stat().st_size == len(content)):
        shared.mkdir(exist_ok=True)
        disk.replace_bytes(path, content)


def _keep_last(made: Path) -> None:
    """Delete the oldest archives in the folder for backups, down to the configured number.

    Archives dated later than the one just made come from a wrong clock and are deleted first.
    """
    others = sorted(settings.backups_dir.glob(ARCHIVE_PATTERN), key=lambda path: (path.name <= made.name, path.name))
    if made in others:
        others.remove(made)
    kept = settings.backups_kept - (made.parent == settings.backups_dir)
    for path in others[: max(0, len(others) - kept)]:
        disk.delete(path)
    _sweep_shared(settings.backups_dir)


def _sweep_shared(folder: Path) -> None:
    """Delete the attachments that no archive in the folder refers to; none if an archive cannot be read."""
    needed: set[str | int] = set()
    try:
        for path in folder.glob(ARCHIVE_PATTERN):
            with zipfile.ZipFile(path) as archive, archive.open(MANIFEST) as file:
                needed |= {known["sha256"] for known in json.load(file).get("shared", {}).values()}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        log.warning("Die Anhänge der Sicherungen ließen sich nicht aufräumen: %s", error)
        return
    for path in (folder / SHARED).glob("*"):
        if path.name not in needed:
            disk.delete(path)


def _write_status(status: BackupStatus) -> None:
    """Save the result of a backup. If even that fails, the log and the age of the last backup show it."""
    text = json.dumps(status._asdict(), default=datetime.isoformat)
    try:
        disk.replace_text(settings.backups_dir / STATUS_FILE, text)
    except OSError as error:
        log.warning("Der Stand der Sicherungen ließ sich nicht festhalten: %s", in_german(error))
