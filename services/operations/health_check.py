"""The health check: find what may have gone wrong unnoticed. It only reads, even from a database that is damaged."""

import os
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from peewee import JOIN, DatabaseError, ModelSelect, SqliteDatabase, sqlite3
from playhouse.fields import EnumField

import migrations
from database import FIRST_SAFE_WAL
from enums import MEBIBYTE, LabelledEnum, SubmissionState
from i18n import formats
from i18n.system_errors import in_german
from models import TABLES, Attachment, Event, Submission, Ticket, TicketLink, TicketWords
from services import branding, disk
from services.files import virus_scanner
from services.files.file_names import stored_path
from services.mail import access_links
from services.operations import backup, data_folder, web_server_check
from services.operations.data_folder import RESTORE_ADVICE, first_few
from services.security.keys import MISSING_KEY_ADVICE
from settings import Settings, settings

LATE = timedelta(minutes=10)
MAX_LISTED = 5

# With a write-ahead log, SQLite needs a small file even to read.
ROOM_TO_READ = MEBIBYTE

# An expired file stays until the next sweep deletes it.
SWEEP_PAUSE = timedelta(hours=2)

ASK = "Das darf nicht vorkommen. Heben Sie die letzten Sicherungen auf und fragen Sie, wer das Portal eingerichtet hat."


class Severity(LabelledEnum):
    """How serious a finding is."""

    FINE = "fine", "in Ordnung"
    HINT = "hint", "Hinweis"
    FAULT = "fault", "Fehler"


FAULT, HINT = Severity.FAULT, Severity.HINT


class Finding(NamedTuple):
    """What was found about a topic, and what to do about it."""

    topic: str
    severity: Severity
    sentence: str


# The findings about one topic, as severity and sentence.
_Found = Iterator[tuple[Severity, str]]


def check(now: datetime) -> list[Finding]:
    """Check everything and return a finding for each problem, and one for each topic without any."""
    if not settings.data_dir.is_dir():
        missing = f"Den Ordner {settings.data_dir} gibt es nicht. Bitte prüfen Sie TICKET_DATA_DIR."
        return [Finding("Datenordner", FAULT, missing)]
    inaccessible = data_folder.inaccessible_paths()
    if settings.data_dir in inaccessible:
        return [Finding("Datenordner", FAULT, data_folder.access_error(inaccessible))]
    return [
        *_findings("Datenordner", _folder(inaccessible)),
        *_database_findings(now, inaccessible),
        *_findings("Einstellungen", _settings()),
        *(_findings("Webserver", _web_server(now)) if _can_ask_web_server(now) else ()),
        *(_findings("Virenscanner", _scanner()) if settings.scanner else ()),
        *(_findings("Sicherung", _backups(now, inaccessible)) if settings.backups_dir not in inaccessible else ()),
        *_findings("Platz", _room()),
    ]


def _findings(topic: str, found: Iterable[tuple[Severity, str]]) -> list[Finding]:
    return [Finding(topic, *pair) for pair in found] or [Finding(topic, Severity.FINE, "")]


def _folder(inaccessible: Collection[Path]) -> _Found:
    if inaccessible:
        yield FAULT, data_folder.access_error(inaccessible)
    key = settings.secret_key_path
    if not key.is_file() and not data_folder.is_unused():
        yield FAULT, f"{key} fehlt, und ohne sie gilt keine PIN. {MISSING_KEY_ADVICE}"
    elif key.is_file() and not data_folder.has_intact_key():
        yield FAULT, f"{key} ist beschädigt. {MISSING_KEY_ADVICE}"
    if wrong := data_folder.misnamed_config():
        yield HINT, wrong
    # On Windows, access rights are inherited from the folder.
    if os.name != "nt":
        for path in (settings.data_dir, key):
            if path.exists() and path.stat().st_mode & 0o077:
                right = "700" if path.is_dir() else "600"
                yield (
                    FAULT,
                    f"Andere Benutzer haben Zugriff auf {path}. Abhilfe: chmod {right} {path}. Hilft das nicht, "
                    "speichert der Datenträger keine Rechte (FAT32, exFAT): Nehmen Sie für den Ordner einen anderen.",
                )


def _database_findings(now: datetime, inaccessible: Collection[Path]) -> list[Finding]:
    if any(path.name.startswith(settings.database_path.name) for path in inaccessible):
        return []
    if lost := data_folder.missing_database_error():
        return [Finding("Datenbank", FAULT, lost)]
    if not data_folder.has_database():
        sentence = f"{settings.database_path} gibt es noch nicht; der erste Start legt sie an."
        return [Finding("Datenbank", HINT, sentence)]
    db = _read_only_database()
    try:
        with db.connection_context():
            findings = _findings("Datenbank", _database(db)) + _findings("SQLite", _sqlite(db))
            if all(finding.severity is Severity.FINE for finding in findings):
                # A missing or damaged key is already among the findings about the folder.
                if settings.secret_key_path not in inaccessible and data_folder.has_intact_key():
                    findings += _findings("Schlüssel", _key(db))
                if settings.files_dir not in inaccessible:
                    findings += _findings("Anhänge", _files(db, now))
                findings += _findings("Einträge", _rows(db, now))
            return findings
    except DatabaseError as error:
        return [Finding("Datenbank", FAULT, _unreadable(error))]


def _read_only_database() -> SqliteDatabase:
    return SqliteDatabase(f"{settings.database_path.as_uri()}?mode=ro", uri=True)


def _unreadable(error: DatabaseError) -> str:
    if disk.free_bytes(settings.data_dir) < ROOM_TO_READ:
        return "Sie lässt sich erst lesen, wenn wieder Platz auf dem Datenträger ist. Bitte schaffen Sie Platz."
    journal = settings.database_path.with_name(f"{settings.database_path.name}-journal")
    if journal.is_file() and journal.stat().st_size:
        return "Das Portal wurde mitten im Schreiben beendet. Starten Sie es: Es bringt das selbst in Ordnung."
    return f"{settings.database_path} lässt sich nicht lesen ({in_german(error)}). {RESTORE_ADVICE}"


def _database(db: SqliteDatabase) -> _Found:
    if db.pragma("integrity_check") != "ok":
        yield FAULT, f"Die Datenbank ist beschädigt. {RESTORE_ADVICE}"
    elif table := db.pragma("foreign_key_check"):
        yield FAULT, f"In der Tabelle {table} zeigen Zeilen auf etwas, das es nicht gibt. {ASK}"
    if not migrations.knows_all_steps(db):
        yield FAULT, "Die Datenbank stammt aus einer neueren Version des Portals. Bitte starten Sie diese."
    elif not migrations.is_current(db):
        yield HINT, "Die Datenbank ist von einer älteren Version; der nächste Start stellt sie um."


def _sqlite(db: SqliteDatabase) -> _Found:
    journal = "mit Write-Ahead-Log (WAL)"
    if db.pragma("journal_mode") != "wal":
        needed = ".".join(map(str, FIRST_SAFE_WAL))
        journal = f"mit Rollback-Journal. WAL ist schneller, braucht aber SQLite {needed} und einen lokalen Datenträger"
    yield Severity.FINE, f"Version {sqlite3.sqlite_version} {journal}."


def _key(db: SqliteDatabase) -> _Found:
    link = TicketLink.select().order_by(TicketLink.id.desc()).bind(db).first()
    if link and not access_links.matches_secret_key(link):
        yield (
            FAULT,
            f"{settings.secret_key_path} gehört nicht zu dieser Datenbank: Keine PIN und kein Link gilt. Legen Sie "
            "die richtige Datei aus Ihrer Verwahrung hinein.",
        )


def _files(db: SqliteDatabase, now: datetime) -> _Found:
    broken = []
    for row in list(Attachment.on_disk().bind(db)):
        problem = _file_problem(row)
        # The file may have been deleted since the rows were read.
        if problem and Attachment.select().where(Attachment.stored_name == row.stored_name).bind(db).exists():
            broken.append(f"„{row.name}“ ({problem}, im Archiv: {backup.FILES}{row.stored_name})")
    if broken:
        yield (
            FAULT,
            f"Anhänge fehlen oder sind beschädigt: {len(broken)}, nämlich {first_few(broken, MAX_LISTED)}. Ein Archiv "
            "der Sicherung lässt sich öffnen wie ein Ordner; kopieren Sie die Dateien daraus nach "
            f"{settings.files_dir}.",
        )
    if not settings.files_dir.is_dir():
        return
    named = {row.stored_name for row in Attachment.select(Attachment.stored_name).bind(db)}
    deadline = (now - timedelta(hours=settings.staged_hours) - SWEEP_PAUSE).timestamp()
    unnamed = (path for path in settings.files_dir.iterdir() if path.name not in named)
    if orphans := [path for path in unnamed if path.stat().st_mtime < deadline]:
        yield HINT, f"Dateien, die zu nichts gehören: {len(orphans)}. Das laufende Portal räumt sie selbst weg."


def _file_problem(row: Attachment) -> str:
    try:
        with stored_path(row.stored_name).open("rb") as file:
            digest, size = backup.digest_of(file)
    except PermissionError:
        return "gesperrt"
    except OSError:
        return "fehlt"
    if size != row.size:
        return "hat eine andere Größe"
    return "hat einen anderen Inhalt" if digest != row.digest else ""


def _rows(db: SqliteDatabase, now: datetime) -> _Found:
    for sentence, query in _inconsistencies().items():
        if ids := [id for (id,) in query.tuples().bind(db)]:
            yield FAULT, f"{sentence}: {len(ids)} (Nummern {first_few(ids, MAX_LISTED)}). {ASK}"
    for model in TABLES:
        for field in (field for field in model._meta.sorted_fields if isinstance(field, EnumField)):
            # Read without conversion, because the field raises for unknown values.
            stored = {value for (value,) in db.execute(model.select(field).distinct()).fetchall()}
            if unknown := stored - {choice.value for choice in field.enum_class} - {None}:
                where, values = f"{model._meta.table_name}.{field.column_name}", first_few(sorted(unknown), MAX_LISTED)
                yield FAULT, f"In {where} steht, was es nicht gibt: {values}. {ASK}"
    if late := Submission.pending().where(Submission.received_at < now - LATE).bind(db).count():
        yield HINT, f"Anfragen warten länger als zehn Minuten auf die Prüfung: {late}. Läuft das Portal?"


def _inconsistencies() -> dict[str, ModelSelect]:
    """Return the queries for the ids of inconsistent rows, by the sentence that says what is wrong."""
    with_ticket = Submission.select(Submission.id).join(Ticket, JOIN.LEFT_OUTER)
    is_admitted = Submission.state == SubmissionState.ADMITTED
    found = TicketWords.select(TicketWords.rowid)
    elsewhere = Attachment.select(Attachment.id).join(Event).join(Ticket)
    return {
        "Aufgenommene Anfragen ohne Ticket": with_ticket.where(is_admitted, Ticket.id.is_null()),
        "Tickets von Anfragen, die nicht aufgenommen sind": with_ticket.where(~is_admitted, Ticket.id.is_null(False)),
        "Tickets ohne Verlauf": Ticket.select(Ticket.id).join(Event, JOIN.LEFT_OUTER).where(Event.id.is_null()),
        "Anhänge am Verlauf eines anderen Tickets": elsewhere.where(Ticket.submission != Attachment.submission),
        "Tickets, die keine Suche findet": Ticket.select(Ticket.id).where(Ticket.id.not_in(found)),
    }


def _settings() -> _Found:
    if not settings.base_url:
        yield HINT, "base_url fehlt: Links in E-Mails und PIN-Briefen öffnen sich nur auf diesem Rechner."
    elif not settings.https:
        yield HINT, "base_url beginnt nicht mit https://: PINs und Kennwörter gehen unverschlüsselt durchs Netz."
    if settings.base_url and not settings.trusted_proxy:
        yield HINT, "trusted_proxy fehlt: Steht ein Webserver davor, sehen alle Besucher gleich aus."
    if settings.open_host_warning:
        yield FAULT, settings.open_host_warning
    if settings.office_email == Settings.office_email:
        yield HINT, "office_email ist noch die Vorgabe: Tragen Sie Ihre Adresse ein."
    if not settings.smtp_url:
        yield HINT, "smtp_url fehlt: Das Portal verschickt keine E-Mails."
    if not settings.office_phone:
        yield HINT, "office_phone fehlt: Auf den Seiten steht nicht, wo man Sie anruft."
    for fault in (branding.colour_fault(settings.office_colour), branding.load_logo()[1]):
        if fault:
            yield FAULT, fault
    if settings.limits == "off":
        yield FAULT, "limits steht auf off: Die Mengengrenzen sind ausgeschaltet. Nehmen Sie die Zeile heraus."
    if not settings.backup_time:
        yield HINT, "backup_time ist leer: Das Portal sichert sich nicht von selbst."


def _can_ask_web_server(now: datetime) -> bool:
    return bool(settings.base_url) and data_folder.has_intact_key() and web_server_check.is_running(now)


def _web_server(now: datetime) -> _Found:
    try:
        for fault in web_server_check.faults(now):
            yield FAULT, fault
    except web_server_check.Unreachable as error:
        yield HINT, f"Von diesem Rechner aus nicht geprüft: {error}"


def _scanner() -> _Found:
    if said := virus_scanner.self_test():
        yield FAULT, f"{settings.scanner} prüft keine Datei, so kommt auch keine herein: {said}"


def _backups(now: datetime, inaccessible: Collection[Path]) -> _Found:
    last = backup.status()
    if last.failed_at:
        yield FAULT, f"Die letzte tägliche Sicherung ist gescheitert: {last.error}"
    if last.made_at is None:
        severity = HINT if _is_new(last, now) else FAULT
        yield severity, "Es gibt noch keine Sicherung. Machen Sie eine: sichern"
    elif last.is_old(now):
        yield FAULT, "Die letzte Sicherung ist älter als zwei Tage. Machen Sie eine: sichern"
    newest = max(settings.backups_dir.glob(backup.ARCHIVE_PATTERN), default=None)
    if newest and newest not in inaccessible and not _is_intact(newest):
        yield FAULT, f"{newest} ist beschädigt. Machen Sie eine neue Sicherung: sichern"


def _is_new(last: backup.BackupStatus, now: datetime) -> bool:
    """Say whether the portal is too young to need a backup, or has just been restored from one."""
    if data_folder.is_unused():
        return True
    db = _read_only_database()
    try:
        with db.connection_context():
            began_at = last.restored_at or migrations.first_applied_at(db)
    except DatabaseError:
        return False
    return began_at is not None and now - began_at < backup.MAX_AGE


def _is_intact(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError):
        return False


def _room() -> _Found:
    free, reserve = disk.free_bytes(settings.data_dir), settings.disk_reserve_mib * MEBIBYTE
    left = f"Nur noch {formats.file_size(free)} frei"
    if free < reserve:
        yield FAULT, f"{left}: Das Portal nimmt keine Anhänge mehr an. Bitte schaffen Sie Platz."
    elif free < 2 * reserve:
        yield HINT, f"{left}. Ab {formats.file_size(reserve)} nimmt das Portal keine Anhänge mehr an."
