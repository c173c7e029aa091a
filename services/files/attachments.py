"""Files that customers add: stage, list, remove, adopt, sweep. Knows no HTTP and no ticket."""

import hashlib
import logging
import os
import secrets
import shutil
from datetime import timedelta
from typing import NamedTuple

from peewee import fn

from database import transaction
from enums import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENT_MIB, MAX_ATTACHMENTS, MEBIBYTE
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Attachment
from services import disk
from services.files import virus_scanner
from services.files.file_names import safe_name
from services.files.types import TEXT, CheckUnavailable, Refused, WrongKind, check
from services.files.types.reader import TemporarilyRefused
from services.files.types.text import decoded
from services.security.ip_networks import network_of, site_of
from settings import settings

log = logging.getLogger(__name__)

TOO_MANY = N_("Mehr als %(most)d Anhänge sind nicht möglich. Bitte entfernen Sie zuerst einen anderen.")
CROWDED = N_("Im Moment haben wir keinen Platz für weitere Dateien. Bitte versuchen Sie es später noch einmal.")
DISK_FULL = N_("Unser Speicher ist gerade fast voll. Bitte senden Sie es ohne Dateien ab.")
NOT_TAKEN = N_("%(names)s konnten wir nicht annehmen: %(reason)s")

# What every browser shows as a picture.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})

# Nobody fills the room of all: a network, or of IPv6 its site, has at most this part of it, and always one file.
SHARES = 4

# How much of a text is shown beside a ticket.
SHOWN_LINES = 8
SHOWN_BYTES = 2000


class Refusal(NamedTuple):
    """A sentence that names what stays out, and the reason; and whether it is the kind of the file."""

    sentence: str
    is_wrong_kind: bool = False

    def __str__(self):
        return self.sentence


def expired_refusal():
    """Return the refusal of what was staged and not sent for too long."""
    return Refusal(
        _(
            "Eine Ihrer Dateien lag länger als %(hours)d Stunden bei uns, ohne dass Sie sie abgesendet haben. Wir "
            "haben sie gelöscht; bitte wählen Sie sie noch einmal aus.",
            hours=settings.staged_hours,
        )
    )


class StagedUsage(NamedTuple):
    """What waits to be sent: files of a network, and bytes of its site and of all."""

    from_network: int
    bytes_of_site: int
    bytes_of_all: int

    def with_file(self, size):
        """Return the load with one more file."""
        return StagedUsage(self.from_network + 1, self.bytes_of_site + size, self.bytes_of_all + size)

    def would_exceed_quota(self, size):
        """Say whether one more file is one too many."""
        most = settings.staged_total_mib * MEBIBYTE
        after = self.with_file(size)
        return (
            after.from_network > settings.staged_per_address
            or after.bytes_of_site > max(most // SHARES, MAX_ATTACHMENT_BYTES)
            or after.bytes_of_all > most
        )


def stage(submission_key, uploads, ip, now):
    """Store files, given as pairs of name and stream, under a submission key until a submission adopts them.

    Returns what was refused; the others stay. What is returned is on disk.
    """
    rows, refused = [], []
    try:
        for name, stream in uploads:
            row = {"draft": submission_key, "name": safe_name(name), "stored_name": secrets.token_hex(16)}
            if refused and isinstance(refused[-1][1], CheckUnavailable):
                # Each file would wait anew, and the thread with it.
                refused.append((row["name"], refused[-1][1]))
                continue
            try:
                row |= _write(row["stored_name"], row["name"], stream, ip)
                rows.append(row | {"address": network_of(ip), "staged_at": now})
            except Refused as reason:
                _unlink(row["stored_name"])
                refused.append((row["name"], reason))
            except BaseException as error:
                _unlink(row["stored_name"])
                if not disk.is_full(error):
                    raise
                refused.append((row["name"], TemporarilyRefused(_(DISK_FULL))))
        if rows:
            disk.fsync_directory(settings.files_dir)
            refused += _insert(rows)
    except BaseException:
        for row in rows:
            _unlink(row["stored_name"])
        raise
    return _refusals(refused)


def remove(submission_key, stored_name):
    """Remove one staged file and return its name, or None if it is not staged under this submission key."""
    attachment = Attachment.staged(submission_key).where(Attachment.stored_name == stored_name).get_or_none()
    # Who has nothing to write need not wait for others who do, and so cannot tell how long they take.
    if attachment is None:
        return None
    with transaction():
        is_staged = (Attachment.id == attachment.id) & Attachment.submission.is_null()
        removed = Attachment.delete().where(is_staged).execute()
    if not removed:
        return None
    _unlink(stored_name)
    return attachment.name


def too_large():
    """Return the sentence for a file that is too large."""
    return _(
        "Die Datei ist größer als %(most)d\N{NO-BREAK SPACE}MiB. Bitte verkleinern Sie sie.", most=MAX_ATTACHMENT_MIB
    )


def has_expired(submission_key, stored_names):
    """Say whether one of the files that a page still lists under a submission key is gone."""
    return not set(stored_names) <= {attachment.stored_name for attachment in Attachment.staged(submission_key)}


def adopt(submission_key, submission, event=None):
    """Give all files staged under a submission key to what was sent with it: a submission or a later message."""
    # Whence it came matters only while it waits.
    staged = (Attachment.draft == submission_key) & Attachment.submission.is_null()
    Attachment.update(submission=submission, event=event, address="").where(staged).execute()


def remove_duplicates(submission_key, sent):
    """Remove what is staged again under a key with which these files were sent; return whether more is staged."""
    sent = {(attachment.digest, attachment.name) for attachment in sent}
    staged = list(Attachment.staged(submission_key))
    again = [attachment for attachment in staged if (attachment.digest, attachment.name) in sent]
    for attachment in again:
        remove(submission_key, attachment.stored_name)
    return len(again) < len(staged)


def restage(submission_key, new_key):
    """Move what is staged under one submission key to another."""
    with transaction():
        Attachment.update(draft=new_key).where(
            Attachment.draft == submission_key, Attachment.submission.is_null()
        ).execute()


def is_stored(attachment):
    """Say whether a file is where it was stored; a damaged disk may have lost it."""
    return (settings.files_dir / attachment.stored_name).is_file()


def open_stored(attachment):
    """Open a stored file for reading bytes."""
    return (settings.files_dir / attachment.stored_name).open("rb")


def first_lines(attachment):
    """Return the beginning of a stored text, or "" if it is no text."""
    if attachment.media_type != TEXT:
        return ""
    with open_stored(attachment) as file:
        return "\n".join(decoded(file.read(SHOWN_BYTES)).splitlines()[:SHOWN_LINES])


def delete_rows(which):
    """Delete the rows of files, within a transaction, and return the names by which the files are stored.

    The files themselves go after it, by delete_files.
    """
    rows = list(Attachment.select(Attachment.id, Attachment.stored_name).where(which))
    Attachment.delete().where(Attachment.id.in_([row.id for row in rows])).execute()
    return [row.stored_name for row in rows]


def delete_files(stored_names):
    """Delete stored files whose rows are gone; what cannot be deleted now is left to the sweep."""
    for stored_name in stored_names:
        _delete_file(settings.files_dir / stored_name)


def expired_staged(moment):
    """Return the query of what was staged and not sent for the configured hours at a moment."""
    deadline = moment - timedelta(hours=settings.staged_hours)
    return Attachment.select().where(Attachment.submission.is_null(), Attachment.staged_at < deadline)


def sweep(now):
    """Delete what was staged and never sent, and files that no row names, both after the configured hours."""
    deadline = now - timedelta(hours=settings.staged_hours)
    with transaction():
        Attachment.delete().where(Attachment.id.in_(expired_staged(now).select(Attachment.id))).execute()
    named = {stored_name for (stored_name,) in Attachment.select(Attachment.stored_name).tuples()}
    for path in settings.files_dir.iterdir():
        if path.name not in named:
            _delete_file(path, older_than=deadline.timestamp())


def _delete_file(path, older_than=None):
    try:
        if path.is_file() and (older_than is None or path.stat().st_mtime < older_than):
            path.unlink()
    except OSError as error:
        log.warning("Die Datei %s ließ sich nicht aufräumen: %s", path, error)


def _write(stored_name, name, stream, ip):
    if disk.is_below_reserve():
        raise TemporarilyRefused(_(DISK_FULL))
    with (settings.files_dir / stored_name).open("xb+") as file:
        shutil.copyfileobj(stream, file)
        size = file.tell()
        if size == 0:
            raise Refused(_("Die Datei ist leer. Bitte wählen Sie eine andere."))
        if size > MAX_ATTACHMENT_BYTES:
            raise Refused(too_large())
        file.flush()
        verdict = check(name, file)
        virus_scanner.scan(settings.files_dir / stored_name, ip)
        os.fsync(file.fileno())
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return verdict._asdict() | {"size": size, "digest": digest}


def _insert(rows):
    accepted, refused = [], []
    with transaction():
        staged = list(Attachment.staged(rows[0]["draft"]))
        known = {(attachment.digest, attachment.name) for attachment in staged}
        load = _staged_load(rows[0]["address"])
        for row in rows:
            if (row["digest"], row["name"]) in known:
                _unlink(row["stored_name"])
                continue
            known.add((row["digest"], row["name"]))
            if len(staged) + len(accepted) >= MAX_ATTACHMENTS:
                reason = _(TOO_MANY, most=MAX_ATTACHMENTS)
            elif load.would_exceed_quota(row["size"]):
                reason = _(CROWDED)
            else:
                accepted.append(row)
                load = load.with_file(row["size"])
                continue
            _unlink(row["stored_name"])
            refused.append((row["name"], TemporarilyRefused(reason)))
        if accepted:
            Attachment.insert_many(accepted).execute()
    return refused


def _staged_load(network):
    """Return what waits now, seen from a network."""
    waiting = Attachment.select(Attachment.address, fn.COUNT(Attachment.id), fn.SUM(Attachment.size))
    waiting = waiting.where(Attachment.submission.is_null()).group_by(Attachment.address).tuples()
    loads = [
        StagedUsage(
            count if other_network == network else 0, size if site_of(other_network) == site_of(network) else 0, size
        )
        for other_network, count, size in waiting
    ]
    return StagedUsage(*map(sum, zip(*loads, strict=True))) if loads else StagedUsage(0, 0, 0)


def _refusals(refused):
    """Return the refusals of files, given as pairs of name and reason; a hindrance is said once for all of them."""
    refusals, hindered = [], {}
    for name, reason in refused:
        quoted = _("„%(name)s“", name=name)
        if isinstance(reason, TemporarilyRefused):
            hindered.setdefault(str(reason), []).append(quoted)
        else:
            refusals.append(Refusal(_(NOT_TAKEN, names=quoted, reason=reason), isinstance(reason, WrongKind)))
    for reason, (*others, last) in hindered.items():
        names = _("%(others)s und %(last)s", others=", ".join(others), last=last) if others else last
        refusals.append(Refusal(_(NOT_TAKEN, names=names, reason=reason)))
    return refusals


def _unlink(stored_name):
    (settings.files_dir / stored_name).unlink(missing_ok=True)
