"""Attachments: stage, list, remove, adopt and sweep files. Knows nothing of HTTP or tickets."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import IO, NamedTuple

from peewee import Expression, ModelSelect, fn

from database import prepared, transaction
from enums import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENT_MIB, MAX_ATTACHMENTS, MEBIBYTE
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Attachment, Event, Submission
from services import disk
from services.files import virus_scanner
from services.files.check_queue import content_checks
from services.files.file_names import safe_name, stored_path
from services.files.incoming import IncomingFile
from services.files.types import TEXT, check
from services.files.types.reader import CheckUnavailable, Harmful, Refused, TemporarilyRefused, WrongKind
from services.files.types.text import decoded
from services.security import shares
from services.security.audit_log import SecurityEvent, log_once_per_hour
from services.security.ip_networks import network_of, site_of
from services.security.shares import Place
from settings import settings

TOO_MANY = N_("Mehr als %(most)d Anhänge sind nicht möglich. Bitte entfernen Sie zuerst einen anderen.")
DISK_FULL = N_("Unser Speicher ist gerade fast voll. Bitte senden Sie es ohne Dateien ab.")
NOT_TAKEN = N_("%(names)s konnten wir nicht annehmen: %(reason)s")

# The media types that every browser shows as a picture.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})

_staged_id = prepared(lambda key: Attachment.staged(key).select(Attachment.id))
_staged_content = prepared(
    lambda key: Attachment.staged(key).select(Attachment.digest, Attachment.name, Attachment.stored_name)
)
_staged_totals = prepared(
    lambda: Attachment.select(fn.COUNT(Attachment.id), fn.SUM(Attachment.size)).where(Attachment.submission.is_null())
)

# The sender's network only matters while the files are staged.
_adopt = prepared(
    lambda submission, event, key: Attachment.update(
        {Attachment.submission: submission, Attachment.event: event, Attachment.address: ""}
    ).where((Attachment.draft == key) & Attachment.submission.is_null())
)

# How much of a text file is shown at a ticket.
SHOWN_LINES = 8
SHOWN_BYTES = 2000


# A refused file with the reason.
_Refused = tuple[Attachment, Refused]


class FilesGone(Exception):
    """Staged files gave way to others a moment ago."""


class Refusal(NamedTuple):
    """A sentence that names the refused files and the reason, and whether the reason is the kind of file."""

    sentence: str
    is_wrong_kind: bool = False

    def __str__(self) -> str:
        return self.sentence


def expired_refusal() -> Refusal:
    """Return the refusal of files that were deleted: they were staged for too long, or others needed the room."""
    return Refusal(
        _(
            "Eine Ihrer Dateien haben wir gelöscht, weil sie länger als %(hours)d Stunden nicht abgesendet wurde oder "
            "zu viele Dateien auf einmal kamen. Bitte wählen Sie sie noch einmal aus.",
            hours=settings.staged_hours,
        )
    )


def stage(submission_key: str, uploads: Iterable[tuple[str, IncomingFile]], ip: str, now: datetime) -> list[Refusal]:
    """Keep uploads (pairs of name and file) under a submission key, and return the refusals of the others.

    Once it returns, the accepted files are on disk. Raises RateLimited, and then none is kept.
    """
    facts = {"draft": submission_key, "address": network_of(ip), "staged_at": now}
    uploaded = {
        upload.stored_name: (
            Attachment(
                stored_name=upload.stored_name, name=safe_name(name), size=upload.size, digest=upload.digest, **facts
            ),
            upload,
        )
        for name, upload in uploads
    }
    accepted, refused = _check_all(uploaded.values(), ip)
    inserted, without_space = _insert(accepted)
    for file in inserted:
        uploaded[file.stored_name][1].keep()
    return _refusals(refused + without_space)


def remove(submission_key: str, stored_name: str) -> str | None:
    """Remove one staged file and return its name, or None if it is not staged under this submission key."""
    attachment = Attachment.staged(submission_key).where(Attachment.stored_name == stored_name).get_or_none()
    # Looked up before the transaction: a request with nothing to remove does not wait for writers, and so cannot tell
    # how long they take.
    if attachment is None:
        return None
    with transaction():
        is_staged = (Attachment.id == attachment.id) & Attachment.submission.is_null()
        removed = Attachment.delete().where(is_staged).execute()
    if not removed:
        return None
    delete_files([stored_name])
    return attachment.name


def too_large() -> str:
    """Return the sentence for a file that is too large."""
    return _(
        "Die Datei ist größer als %(most)d\N{NO-BREAK SPACE}MB. Bitte verkleinern Sie sie.", most=MAX_ATTACHMENT_MIB
    )


def staged(submission_key: str) -> list[Attachment]:
    """Return the files staged under a submission key; most requests have none, which a short query tells."""
    return list(Attachment.staged(submission_key)) if _staged_id(submission_key).fetchone() else []


def adopt(submission_key: str, submission: Submission, event: Event | None = None, expected: int = 0) -> None:
    """Attach all files staged under a submission key to a submission, or to a later message about it.

    Raises FilesGone if these are fewer than expected; the caller's transaction must then be rolled back.
    """
    if _adopt(submission.id, event and event.id, submission_key).rowcount < expected:
        raise FilesGone


def remove_duplicates(submission_key: str, sent: Iterable[Attachment]) -> bool:
    """Remove the staged files that were sent before with the same key; return whether others are staged."""
    known = {(attachment.digest, attachment.name) for attachment in sent}
    staged = list(Attachment.staged(submission_key))
    duplicates = [attachment for attachment in staged if (attachment.digest, attachment.name) in known]
    for attachment in duplicates:
        remove(submission_key, attachment.stored_name)
    return len(duplicates) < len(staged)


def restage(submission_key: str, new_key: str) -> None:
    """Move the files staged under one submission key to another."""
    staged = (Attachment.draft == submission_key) & Attachment.submission.is_null()
    with transaction():
        Attachment.update(draft=new_key).where(staged).execute()


def is_stored(attachment: Attachment) -> bool:
    """Say whether the file of an attachment exists; a damaged disk may have lost it."""
    with suppress(FileNotFoundError):
        return stored_path(attachment.stored_name).is_file()
    return False


def open_stored(attachment: Attachment) -> IO[bytes]:
    """Open a stored file for reading bytes."""
    return stored_path(attachment.stored_name).open("rb")


def first_lines(attachment: Attachment) -> str:
    """Return the first lines of a stored text file, or "" for other files."""
    if attachment.media_type != TEXT:
        return ""
    with open_stored(attachment) as file:
        return "\n".join(decoded(file.read(SHOWN_BYTES)).splitlines()[:SHOWN_LINES])


def delete_rows(condition: Expression) -> list[str]:
    """Delete rows within a transaction and return the stored names, for delete_files after it."""
    rows = list(Attachment.select(Attachment.id, Attachment.stored_name).where(condition))
    Attachment.delete().where(Attachment.id.in_([row.id for row in rows])).execute()
    return [row.stored_name for row in rows]


def delete_files(stored_names: Iterable[str]) -> None:
    """Delete stored files whose rows are gone; the sweep tries again what fails."""
    for stored_name in stored_names:
        with suppress(FileNotFoundError):  # A row that outlived its file has another name.
            disk.delete(stored_path(stored_name))


def expired_staged(moment: datetime) -> ModelSelect:
    """Return the query of the files that at this moment have been staged for more than the configured hours."""
    deadline = moment - timedelta(hours=settings.staged_hours)
    return Attachment.select().where(Attachment.submission.is_null(), Attachment.staged_at < deadline)


def sweep(now: datetime) -> None:
    """Delete files that were staged and never sent, or have no row, after the configured hours."""
    deadline = now - timedelta(hours=settings.staged_hours)
    with transaction():
        Attachment.delete().where(Attachment.id.in_(expired_staged(now).select(Attachment.id))).execute()
    named = {stored_name for (stored_name,) in Attachment.select(Attachment.stored_name).tuples()}
    for path in settings.files_dir.iterdir():
        if path.name not in named and path.is_file():
            disk.delete(path, older_than=deadline.timestamp())


def _check_all(uploaded: Iterable[tuple[Attachment, IncomingFile]], ip: str) -> tuple[list[Attachment], list[_Refused]]:
    """Check files and bring them to the disk; return those that are there, and the refused ones with the reasons."""
    accepted: list[Attachment] = []
    refused: list[_Refused] = []
    unavailable: CheckUnavailable | None = None
    for file, upload in uploaded:
        # Each further file would wait as long, and block its thread.
        if reason := unavailable or _refusal_of(file, upload, ip):
            refused.append((file, reason))
            unavailable = reason if isinstance(reason, CheckUnavailable) else None
        else:
            accepted.append(file)
    if accepted:
        disk.fsync_directory(settings.files_dir)
    return accepted, refused


def _refusal_of(file: Attachment, upload: IncomingFile, ip: str) -> Refused | None:
    """Check a file and bring it to the disk, or return the reason against it."""
    try:
        _check(file, upload, ip)
        return None
    except (Harmful, CheckUnavailable) as reason:
        return reason  # logged where it was found
    except Refused as reason:
        log_once_per_hour(SecurityEvent.FILE_REFUSED, ip, what=reason.log_word)
        return reason
    except OSError as error:
        if not disk.is_full(error):
            raise
        return TemporarilyRefused(_(DISK_FULL))


def _check(file: Attachment, upload: IncomingFile, ip: str) -> None:
    if disk.is_below_reserve():
        raise TemporarilyRefused(_(DISK_FULL))
    if file.size > MAX_ATTACHMENT_BYTES:
        raise Refused(too_large())
    with content_checks.turn(ip):
        result = check(file.name, upload.read())
    if result.name != file.name:
        file.name, file.sent_name = result.name, file.name
    file.media_type, file.active_content = result.media_type, result.active_content
    virus_scanner.scan(upload.path, ip)
    upload.sync()


def _insert(files: list[Attachment]) -> tuple[list[Attachment], list[_Refused]]:
    """Insert the rows of new files of one submission key; return them, and those without room with the reason."""
    fresh: list[Attachment] = []
    refused: list[_Refused] = []
    if not files:
        return fresh, refused
    with transaction():
        earlier = list(_staged_content(files[0].draft))
        known = {(digest, name) for digest, name, _stored_name in earlier}
        left = MAX_ATTACHMENTS - len(known)
        for file in files:
            if (file.digest, file.name) in known:
                continue
            known.add((file.digest, file.name))
            if len(fresh) >= left:
                refused.append((file, TemporarilyRefused(_(TOO_MANY, most=MAX_ATTACHMENTS))))
            else:
                fresh.append(file)
                Attachment.create(**file.__data__)
        displaced = set(_make_room())
    delete_files(displaced - {file.stored_name for file in fresh})
    # Where one form's files alone are too many, they give way to each other.
    own = [*fresh, *(Attachment(name=name, stored_name=stored_name) for _digest, name, stored_name in earlier)]
    refused += [(file, TemporarilyRefused(_(DISK_FULL))) for file in own if file.stored_name in displaced]
    return [file for file in fresh if file.stored_name not in displaced], refused


def _make_room() -> list[str]:
    """Delete the rows of staged files that have no room, within the transaction, and return their stored names."""
    most_bytes = settings.staged_total_mib * MEBIBYTE
    number, size = _staged_totals().fetchone()
    if number <= settings.max_staged and (size or 0) <= most_bytes:
        return []
    staged = Attachment.select(Attachment.id, Attachment.address, Attachment.size).where(
        Attachment.submission.is_null()
    )
    places = [Place(id, site_of(network), size) for id, network, size in staged.order_by(Attachment.id).tuples()]
    gone = shares.surplus(places, settings.max_staged, most_bytes)
    return delete_rows(Attachment.id.in_([place.id for place in gone]))


def _refusals(refused: Iterable[_Refused]) -> list[Refusal]:
    """Return the refusals of files, by the names under which they were sent; one temporary reason is said once."""
    refusals: list[Refusal] = []
    temporary: dict[str, list[str]] = {}
    for file, reason in refused:
        quoted = _("„%(name)s“", name=file.sent_name or file.name)
        if isinstance(reason, TemporarilyRefused):
            temporary.setdefault(str(reason), []).append(quoted)
        else:
            refusals.append(Refusal(_(NOT_TAKEN, names=quoted, reason=reason), isinstance(reason, WrongKind)))
    for sentence, (*others, last) in temporary.items():
        names = _("%(others)s und %(last)s", others=", ".join(others), last=last) if others else last
        refusals.append(Refusal(_(NOT_TAKEN, names=names, reason=sentence)))
    return refusals
