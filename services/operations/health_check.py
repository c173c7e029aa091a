"""A look at everything that can have gone wrong unnoticed; it only reads, also a database that opens no more."""

import os
import zipfile
import zlib
from datetime import timedelta
from typing import NamedTuple

from peewee import JOIN, DatabaseError, SqliteDatabase
from playhouse.fields import EnumField

import migrations
from enums import MEBIBYTE, LabelledEnum, SubmissionState
from i18n import formats
from i18n.system_errors import in_german
from models import TABLES, Attachment, Event, Submission, Ticket, TicketLink, TicketWords
from services import branding, disk
from services.files import virus_scanner
from services.mail import access_links
from services.operations import backup, data_folder
from services.operations.data_folder import RESTORE_ADVICE
from services.security.keys import MISSING_KEY_ADVICE, SECRET_KEY_BYTES
from settings import Settings, settings

LATE = timedelta(minutes=10)
MAX_LISTED = 5

# Between the end of its term and the sweep that deletes it, a file lies there for nothing.
SWEEP_PAUSE = timedelta(hours=2)

ASK = "Das darf nicht vorkommen. Heben Sie die letzten Sicherungen auf und fragen Sie, wer das Portal eingerichtet hat."


class Severity(LabelledEnum):
    """How much a finding matters."""

    FINE = "fine", "in Ordnung"
    HINT = "hint", "Hinweis"
    FAULT = "fault", "Fehler"


class Finding(NamedTuple):
    """What was found out about one thing, and what to do."""

    topic: str
    severity: Severity
    sentence: str


def check(now):
    """Look at everything and return a finding for each thing that is not as it should be, or that a whole topic is."""
    if not settings.data_dir.is_dir():
        sentence = f"Den Ordner {settings.data_dir} gibt es nicht. Bitte prüfen Sie TICKET_DATA_DIR."
        return [Finding("Datenordner", Severity.FAULT, sentence)]
    closed = data_folder.inaccessible_paths()
    if settings.data_dir in closed:
        return [Finding("Datenordner", Severity.FAULT, data_folder.access_error(closed))]
    return [
        *_findings("Datenordner", _folder(closed)),
        *_look_into_database(now, closed),
        *_findings("Einstellungen", _settings()),
        *(_findings("Virenscanner", _scanner()) if settings.scanner else ()),
        *(_findings("Sicherung", _backups(now, closed)) if settings.backups_dir not in closed else ()),
        *_findings("Platz", _room()),
    ]


def _findings(topic, found):
    """Return the findings about a topic; where nothing is wrong, that is one."""
    return [Finding(topic, *pair) for pair in found] or [Finding(topic, Severity.FINE, "")]


def _folder(closed):
    if closed:
        yield Severity.FAULT, data_folder.access_error(closed)
    key = settings.secret_key_path
    if not key.is_file() and not data_folder.is_unused():
        yield Severity.FAULT, f"{key} fehlt, und ohne sie gilt keine PIN. {MISSING_KEY_ADVICE}"
    elif key.is_file() and key.stat().st_size != SECRET_KEY_BYTES:
        yield Severity.FAULT, f"{key} ist beschädigt. {MISSING_KEY_ADVICE}"
    # Windows has other means, which the folder inherits.
    if os.name != "nt":
        for path in (settings.data_dir, key):
            if path.exists() and path.stat().st_mode & 0o077:
                right = "700" if path.is_dir() else "600"
                yield Severity.FAULT, f"Andere Benutzer des Rechners kommen an {path}. Abhilfe: chmod {right} {path}"


def _look_into_database(now, closed):
    if any(path.name.startswith(settings.database_path.name) for path in closed):
        return []
    if lost := data_folder.missing_database_error():
        return [Finding("Datenbank", Severity.FAULT, lost)]
    if not data_folder.has_database():
        sentence = f"{settings.database_path} gibt es noch nicht; der erste Start legt sie an."
        return [Finding("Datenbank", Severity.HINT, sentence)]
    db = _opened_to_read()
    try:
        with db.connection_context():
            findings = _findings("Datenbank", _database(db))
            if all(finding.severity is Severity.FINE for finding in findings):
                if _is_key_there(closed):
                    findings += _findings("Schlüssel", _key(db))
                if settings.files_dir not in closed:
                    findings += _findings("Anhänge", _files(db, now))
                findings += _findings("Einträge", _rows(db, now))
            return findings
    except DatabaseError as error:
        return [Finding("Datenbank", Severity.FAULT, _unreadable(error))]


def _opened_to_read():
    return SqliteDatabase(f"{settings.database_path.as_uri()}?mode=ro", uri=True)


def _unreadable(error):
    journal = settings.database_path.with_name(f"{settings.database_path.name}-journal")
    if journal.is_file() and journal.stat().st_size:
        return "Das Portal wurde mitten im Schreiben beendet. Starten Sie es: Es bringt das selbst in Ordnung."
    return f"{settings.database_path} lässt sich nicht lesen ({in_german(error)}). {RESTORE_ADVICE}"


def _database(db):
    if db.pragma("integrity_check") != "ok":
        yield Severity.FAULT, f"Die Datenbank ist beschädigt. {RESTORE_ADVICE}"
    elif table := db.pragma("foreign_key_check"):
        yield Severity.FAULT, f"In der Tabelle {table} zeigen Zeilen auf etwas, das es nicht gibt. {ASK}"
    if not migrations.knows_all_steps(db):
        yield Severity.FAULT, "Die Datenbank stammt aus einer neueren Version des Portals. Bitte starten Sie diese."
    elif not migrations.is_current(db):
        yield Severity.HINT, "Die Datenbank ist von einer älteren Version; der nächste Start stellt sie um."


def _is_key_there(closed):
    """Say whether there is a key to look at; of one that is missing or damaged, the folder's finding tells."""
    key = settings.secret_key_path
    return key not in closed and key.is_file() and key.stat().st_size == SECRET_KEY_BYTES


def _key(db):
    link = TicketLink.select().order_by(TicketLink.id.desc()).bind(db).first()
    if link and not access_links.matches_secret_key(link):
        yield (
            Severity.FAULT,
            f"{settings.secret_key_path} gehört nicht zu dieser Datenbank: Keine PIN und kein Link gilt. Legen Sie "
            "die richtige Datei aus Ihrer Verwahrung hinein.",
        )


def _files(db, now):
    broken = []
    for row in list(Attachment.on_disk().bind(db)):
        problem = _problem_of(row)
        # It may have been deleted since the rows were read.
        if problem and Attachment.select().where(Attachment.stored_name == row.stored_name).bind(db).exists():
            broken.append(f"„{row.name}“ ({problem}, im Archiv: {backup.FILES}{row.stored_name})")
    if broken:
        yield (
            Severity.FAULT,
            f"Anhänge fehlen oder sind beschädigt: {len(broken)}, nämlich {_some(broken)}. Ein Archiv der Sicherung "
            f"lässt sich öffnen wie ein Ordner; kopieren Sie die Dateien daraus nach {settings.files_dir}.",
        )
    if not settings.files_dir.is_dir():
        return
    named = {row.stored_name for row in Attachment.select(Attachment.stored_name).bind(db)}
    deadline = (now - timedelta(hours=settings.staged_hours) - SWEEP_PAUSE).timestamp()
    orphans = [
        path.name for path in settings.files_dir.iterdir() if path.name not in named and path.stat().st_mtime < deadline
    ]
    if orphans:
        yield (
            Severity.HINT,
            f"Dateien, die zu nichts gehören: {len(orphans)}. Das laufende Portal räumt sie selbst weg.",
        )


def _problem_of(row):
    try:
        with (settings.files_dir / row.stored_name).open("rb") as file:
            digest, size = backup.digest_of(file)
    except PermissionError:
        return "gesperrt"
    except OSError:
        return "fehlt"
    if size != row.size:
        return "hat eine andere Größe"
    return "hat einen anderen Inhalt" if digest != row.digest else ""


def _rows(db, now):
    for sentence, query in _inconsistencies().items():
        ids = [id for (id,) in query.tuples().bind(db)]
        if ids:
            yield Severity.FAULT, f"{sentence}: {len(ids)} (Nummern {_some(map(str, ids))}). {ASK}"
    for model in TABLES:
        for field in model._meta.sorted_fields:
            if isinstance(field, EnumField):
                # As they stand there: the field itself would refuse what it does not know.
                values = {value for (value,) in db.execute(model.select(field).distinct()).fetchall()}
                unknown = values - {choice.value for choice in field.enum_class} - {None}
                if unknown:
                    where = f"{model._meta.table_name}.{field.column_name}"
                    yield Severity.FAULT, f"In {where} steht, was es nicht gibt: {_some(sorted(unknown))}. {ASK}"
    late = Submission.pending().where(Submission.received_at < now - LATE).bind(db).count()
    if late:
        yield Severity.HINT, f"Anfragen warten länger als zehn Minuten auf die Prüfung: {late}. Läuft das Portal?"


def _inconsistencies():
    """Return the queries of ids that no row may have, by what is wrong with it."""
    with_ticket = Submission.select(Submission.id).join(Ticket, JOIN.LEFT_OUTER)
    is_admitted = Submission.state == SubmissionState.ADMITTED
    elsewhere = Attachment.select(Attachment.id).join(Event).join(Ticket)
    return {
        "Aufgenommene Anfragen ohne Ticket": with_ticket.where(is_admitted, Ticket.id.is_null()),
        "Tickets von Anfragen, die nicht aufgenommen sind": with_ticket.where(~is_admitted, Ticket.id.is_null(False)),
        "Tickets ohne Verlauf": Ticket.select(Ticket.id).join(Event, JOIN.LEFT_OUTER).where(Event.id.is_null()),
        "Anhänge am Verlauf eines anderen Tickets": elsewhere.where(Ticket.submission != Attachment.submission),
        "Tickets, die keine Suche findet": Ticket.select(Ticket.id).where(
            Ticket.id.not_in(TicketWords.select(TicketWords.rowid))
        ),
    }


def _settings():
    if not settings.base_url:
        yield Severity.HINT, "base_url fehlt: Links in E-Mails und PIN-Briefen öffnen sich nur auf diesem Rechner."
    elif not settings.https:
        yield (
            Severity.HINT,
            "base_url beginnt nicht mit https://: PINs und Kennwörter gehen unverschlüsselt durchs Netz.",
        )
    if settings.base_url and not settings.trusted_proxy:
        yield Severity.HINT, "trusted_proxy fehlt: Steht ein Webserver davor, sehen alle Besucher gleich aus."
    if settings.office_email == Settings.office_email:
        yield Severity.HINT, "office_email ist noch die Vorgabe: Tragen Sie Ihre Adresse ein."
    if not settings.smtp_url:
        yield Severity.HINT, "smtp_url fehlt: Das Portal verschickt keine E-Mails."
    if not settings.office_phone:
        yield Severity.HINT, "office_phone fehlt: Auf den Seiten steht nicht, wo man Sie anruft."
    for fault in (branding.colour_fault(), branding.load_logo()[1]):
        if fault:
            yield Severity.FAULT, fault
    if settings.limits == "off":
        yield Severity.FAULT, "limits steht auf off: Die Mengengrenzen sind ausgeschaltet. Nehmen Sie die Zeile heraus."
    if not settings.backup_time:
        yield Severity.HINT, "backup_time ist leer: Das Portal sichert sich nicht von selbst."


def _scanner():
    if said := virus_scanner.self_test():
        yield Severity.FAULT, f"{settings.scanner} prüft keine Datei, so kommt auch keine herein: {said}"


def _backups(now, closed):
    last = backup.status()
    if last.failed_at:
        yield Severity.FAULT, f"Die letzte tägliche Sicherung ist gescheitert: {last.error}"
    if last.made_at is None:
        severity = Severity.HINT if _is_new_here(last, now) else Severity.FAULT
        yield severity, "Es gibt noch keine Sicherung. Machen Sie eine: sichern"
    elif last.is_old(now):
        yield Severity.FAULT, "Die letzte Sicherung ist älter als zwei Tage. Machen Sie eine: sichern"
    newest = max(settings.backups_dir.glob(backup.ARCHIVE_PATTERN), default=None)
    if newest and newest not in closed and not _is_whole(newest):
        yield Severity.FAULT, f"{newest} ist beschädigt. Machen Sie eine neue Sicherung: sichern"


def _is_new_here(last, now):
    """Say whether the portal is too young to have a backup, or has come from one only lately."""
    if data_folder.is_unused():
        return True
    db = _opened_to_read()
    try:
        with db.connection_context():
            began_at = last.restored_at or migrations.first_applied_at(db)
    except DatabaseError:
        return False
    return began_at is not None and now - began_at < backup.MAX_AGE


def _is_whole(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError):
        return False


def _room():
    free, reserve = disk.free_bytes(settings.data_dir), settings.disk_reserve_mib * MEBIBYTE
    left = f"Nur noch {formats.file_size(free)} frei"
    if free < reserve:
        yield (
            Severity.FAULT,
            f"{left}: Das Portal nimmt keine Anhänge mehr an. Bitte schaffen Sie Platz.",
        )
    elif free < 2 * reserve:
        yield Severity.HINT, f"{left}. Ab {formats.file_size(reserve)} nimmt das Portal keine Anhänge mehr an."


def _some(things):
    things = list(things)
    return ", ".join(things[:MAX_LISTED]) + (" und weitere" if len(things) > MAX_LISTED else "")
