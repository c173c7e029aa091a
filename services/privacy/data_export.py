"""What a person is told of what is stored about them (Art. 15 and 20 of the GDPR), as one archive to hand over."""

import json
import shutil
import zipfile
from tempfile import TemporaryFile

from clock import TIME_ZONE
from enums import MessageKind
from models import Attachment, Event, Message
from services.files import attachments
from services.mail import outbox
from services.privacy import person_search
from services.privacy.person_search import RecordKind
from services.request_fields import TYPED_TEXTS
from services.tickets import conversation
from settings import settings

HTML_FILE, JSON_FILE = "auskunft.html", "auskunft.json"

# What the portal writes to the office says once more what stands in the requests, and leads to pages of the office.
_TO_OFFICE = (MessageKind.NEW_TICKET, MessageKind.DECIDED, MessageKind.REPLY)


def collect(matches, matcher, file_ids):
    """Return all that is stored about the person in what was chosen, by German words, and the files that go along.

    Of a request that somebody else sent only what names the person is theirs to know.
    """
    files = {}
    data = {"Vorgänge": [], "Kunden": [], "Genehmiger": [], "weitere E-Mails": [], "Textbausteine": []}
    for match in matches:
        if match.kind is RecordKind.REQUEST:
            data["Vorgänge"].append(_of_request(match, matcher, file_ids, files))
        elif match.kind is RecordKind.CUSTOMER:
            names = {"Ansprechpartner": match.row.contact_name, "E-Mail": match.row.email}
            data["Kunden"].append({"Kunde": match.row.name} | {label: text for label, text in names.items() if text})
        elif match.kind is RecordKind.APPROVER:
            approver = {"Kunde": match.row.customer.name, "Name": match.row.name, "E-Mail": match.row.email}
            absence = {"abwesend ab": match.row.absent_from, "abwesend bis": match.row.absent_until}
            data["Genehmiger"].append(approver | {label: f"{day:%d.%m.%Y}" for label, day in absence.items() if day})
        elif match.kind is RecordKind.MAIL:
            data["weitere E-Mails"].append(_of_other_mail(match.row, matcher))
        else:
            data["Textbausteine"].append({"Text": match.row.text})
    return {section: entries for section, entries in data.items() if entries}, files


def build_archive(data, files, page, lines, now):
    """Return an open file with the archive: a page to read, the same as JSON, and the files; closed, it is gone."""
    about = {"verantwortlich": settings.office_name, "erstellt": now, "gesucht": lines}
    archive = TemporaryFile()  # noqa: SIM115 (whoever gets it closes it)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(HTML_FILE, page)
        opened.writestr(JSON_FILE, json.dumps(about | data, default=_moment, ensure_ascii=False, indent=2))
        for name, file in files.items():
            with attachments.open_stored(file) as stored, opened.open(name, "w") as target:
                shutil.copyfileobj(stored, target)
    archive.seek(0)
    return archive


def _of_request(match, matcher, file_ids, files):
    submission, ticket = match.row, match.ticket
    is_theirs = match.is_sender or match.is_employee
    typed = {label: getattr(submission, name) for name, label in TYPED_TEXTS.items()}
    data = {
        "Vorgangsnummer": submission.spoken_code,
        "eingegangen": submission.received_at,
        "Art": submission.category.label,
        "Kunde": ticket.customer.name if ticket else submission.customer_number,
        "Stand": ticket.status.label if ticket else submission.state.label,
        "Angaben": {label: text for label, text in typed.items() if text and (is_theirs or matcher.is_found_in(text))},
    }
    if submission.entry_date and match.is_employee:
        data["Angaben"]["Eintrittsdatum"] = f"{submission.entry_date:%d.%m.%Y}"
    if ticket:
        data["Verlauf"] = [
            {"wann": event.at, "was": event.kind.label, "Text": event.text}
            for event in ticket.events.order_by(Event.id)
            if (is_theirs and event.kind in conversation.CUSTOMER_VISIBLE)
            or any(map(matcher.is_found_in, person_search.event_texts(event)))
        ]
        mails = ticket.messages.where(outbox.IS_MAIL, Message.kind.not_in(_TO_OFFICE)).order_by(Message.id)
        data["E-Mails"] = [
            _of_mail(message)
            for message in mails
            if any(map(matcher.is_found_in, person_search.message_texts(message).values()))
        ]
    data["Dateien"] = []
    for number, file in enumerate(submission.files.order_by(Attachment.id), start=1):
        if file.id in file_ids and not attachments.is_stored(file):
            data["Dateien"].append(f"{file.name} (im Portal nicht mehr vorhanden)")
        elif file.id in file_ids:
            name = f"dateien/{submission.spoken_code}-{number}-{file.name}"
            files[name] = file
            data["Dateien"].append(name)
    return {label: part for label, part in data.items() if part}


def _of_other_mail(message, matcher):
    """Return a mail of no ticket; a summary for the office tells of others, too, so of it only what is theirs."""
    data = _of_mail(message)
    if message.kind is MessageKind.SUMMARY:
        data["Text"] = "\n".join(filter(matcher.is_found_in, data["Text"].splitlines()))
    return data


def _of_mail(message):
    """Return a mail as it was sent, with the links veiled: whoever has one can open what it leads to."""
    return {
        "geschrieben": message.created_at,
        "gesendet": message.sent_at or "nein",
        "an": message.recipient,
        "Betreff": message.subject,
        "Text": outbox.redacted_text(message),
    }


def _moment(value):
    return value.astimezone(TIME_ZONE).isoformat(timespec="seconds")
