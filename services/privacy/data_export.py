"""The copy of their data that a person may ask for (Art. 15 and 20 GDPR), as one archive to hand over."""

import json
import shutil
import zipfile
from collections.abc import Collection, Iterable
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any

from clock import TIME_ZONE
from enums import MessageKind
from i18n import formats
from models import Attachment, Event, Message
from services.files import attachments
from services.mail import outbox
from services.privacy import person_search
from services.privacy.person_matcher import PersonMatcher
from services.privacy.person_search import Match, RecordKind
from services.request_fields import TYPED_TEXTS
from services.tickets import conversation
from settings import settings

HTML_FILE, JSON_FILE = "auskunft.html", "auskunft.json"

# These mails repeat what is in the requests, and link to pages of the office.
_TO_OFFICE = (MessageKind.NEW_TICKET, MessageKind.DECIDED, MessageKind.REPLY)

# An entry of the export: its values, or lists of further entries, by German label.
Entry = dict[str, Any]


def collect(
    matches: Iterable[Match], matcher: PersonMatcher, file_ids: Collection[int]
) -> tuple[dict[str, list[Entry]], dict[str, Attachment]]:
    """Return everything stored about the person in the chosen matches, by section, and the files by archive name.

    Of a request that somebody else sent, it contains only what names the person.
    """
    files: dict[str, Attachment] = {}
    data: dict[str, list[Entry]] = {
        section: [] for section in ("Vorgänge", "Kunden", "Personen bei Kunden", "weitere E-Mails", "Textbausteine")
    }
    for match in matches:
        if match.kind is RecordKind.REQUEST:
            data["Vorgänge"].append(_request_entry(match, matcher, file_ids, files))
        elif match.kind is RecordKind.CUSTOMER:
            texts = person_search.customer_texts(match.row)
            data["Kunden"].append({label: text for label, text in texts.items() if text})
        elif match.kind is RecordKind.CONTACT:
            absence = {"abwesend ab": match.row.absent_from, "abwesend bis": match.row.absent_until}
            texts = {"Kunde": match.row.customer.name} | person_search.contact_texts(match.row)
            contact = {label: text for label, text in texts.items() if text}
            data["Personen bei Kunden"].append(
                contact | {label: formats.date(day) for label, day in absence.items() if day}
            )
        elif match.kind is RecordKind.MAIL:
            mail = _mail_entry(match.row)
            if match.row.kind is MessageKind.SUMMARY:
                # It names others, too.
                mail["Text"] = "\n".join(filter(matcher.is_found_in, mail["Text"].splitlines()))
            data["weitere E-Mails"].append(mail)
        else:
            data["Textbausteine"].append({"Text": match.row.text})
    return {section: entries for section, entries in data.items() if entries}, files


def build_archive(
    data: dict[str, list[Entry]], files: dict[str, Attachment], page: str, lines: list[str], now: datetime
) -> IO[bytes]:
    """Return an open temporary file with the archive: the data as a page and as JSON, and the files."""
    about = {"verantwortlich": settings.office_name, "erstellt": now, "gesucht": lines}
    archive = TemporaryFile()  # noqa: SIM115 (the caller closes it)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(HTML_FILE, page)
        opened.writestr(JSON_FILE, json.dumps(about | data, default=_moment, ensure_ascii=False, indent=2))
        for name, file in files.items():
            with attachments.open_stored(file) as stored, opened.open(name, "w") as target:
                shutil.copyfileobj(stored, target)
    archive.seek(0)
    return archive


def _request_entry(
    match: Match, matcher: PersonMatcher, file_ids: Collection[int], files: dict[str, Attachment]
) -> Entry:
    submission, ticket = match.row, match.ticket
    is_theirs = match.is_sender or match.is_employee
    typed = {label: getattr(submission, name) for name, label in TYPED_TEXTS.items()}
    typed |= person_search.corrected_texts(ticket)
    data = {
        "Vorgangsnummer": submission.spoken_code,
        "eingegangen": submission.received_at,
        "Art": (ticket or submission).category.label,
        "Kunde": ticket.customer.name if ticket else submission.customer_number,
        "Stand": ticket.status.label if ticket else submission.state.label,
        "Angaben": {label: text for label, text in typed.items() if text and (is_theirs or matcher.is_found_in(text))},
    }
    if submission.entry_date and match.is_employee:
        data["Angaben"]["Eintrittsdatum"] = formats.date(submission.entry_date)
    if ticket:
        data["Verlauf"] = [
            {"wann": event.at, "was": event.kind.label, "Text": event.text}
            for event in ticket.events.order_by(Event.id)
            if (is_theirs and event.kind in conversation.CUSTOMER_VISIBLE)
            or any(map(matcher.is_found_in, person_search.event_texts(event)))
        ]
        data["E-Mails"] = [
            _mail_entry(mail)
            for mail in ticket.messages.where(outbox.IS_MAIL, Message.kind.not_in(_TO_OFFICE)).order_by(Message.id)
            if any(map(matcher.is_found_in, person_search.message_texts(mail).values()))
        ]
    data["Dateien"] = []
    for number, file in enumerate(submission.files.order_by(Attachment.id), start=1):
        if file.id in file_ids and not attachments.is_stored(file):
            data["Dateien"].append(f"{file.name} (im Portal nicht mehr vorhanden)")
        elif file.id in file_ids:
            name = f"dateien/{submission.spoken_code}-{number}-{file.name}"
            files[name] = file
            data["Dateien"].append(name)
    renamed = (file for file in submission.files if file.id in file_ids and file.sent_name)
    data["Gesendete Namen"] = {file.name: file.sent_name for file in renamed}
    return {label: part for label, part in data.items() if part}


def _mail_entry(message: Message) -> Entry:
    """Return a mail as it was sent, without the tokens of its links: a token gives access to whoever has it."""
    return {
        "geschrieben": message.created_at,
        "gesendet": message.sent_at or "nein",
        "an": message.recipient,
        "Betreff": message.subject,
        "Text": outbox.redacted_text(message),
    }


def _moment(value: datetime) -> str:
    return value.astimezone(TIME_ZONE).isoformat(timespec="seconds")
