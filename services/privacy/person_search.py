"""Search for a person in all requests, their events, mails and text files, and in customers and text blocks.

There is no index for this: everything is read, in batches, so that others can write in between. Staff accounts are not
searched: their names stay with what they did.
"""

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from peewee import Field, Model

from enums import MEBIBYTE, LabelledEnum, SubmissionState
from models import Attachment, Contact, Customer, Event, Message, Submission, TextBlock, Ticket
from services.files import attachments
from services.files.types import TEXT
from services.files.types.text import decoded
from services.privacy.person_matcher import Excerpt, PersonMatcher
from services.request_fields import TYPED_TEXTS
from services.tickets import approvals

log = logging.getLogger(__name__)

ROWS_AT_A_TIME = 2000

# A page with more matches is not readable; the office can narrow the search.
MAX_MATCHES = 200

# Of a text file only the beginning is searched: a log repeats itself, and anybody may send one.
MAX_SEARCHED_BYTES = 2 * MEBIBYTE

SENDER_FIELDS = ("name", "phone", "email")
EMPLOYEE_FIELDS = ("desired_email", "mobile")

# Events with an actor at the customer; of all others it is a member of staff or the portal.
APPROVER_EVENTS = tuple(approvals.BY_LINK.values())

MESSAGE_TEXTS = (Message.recipient, Message.subject, Message.body, Message.last_error)

FILE_NAMES = Attachment.name, Attachment.sent_name
IS_TEXT = Attachment.media_type == TEXT

# Between joined texts: no text contains this character, and no match spans it.
_SEPARATOR = "\0"


class RecordKind(LabelledEnum):
    """The kinds of records that can be chosen for an export or an erasure."""

    REQUEST = "vorgang", "Vorgang"
    CUSTOMER = "kunde", "Kunde"
    CONTACT = "person", "Person bei einem Kunden"
    MAIL = "mail", "E-Mail ohne Ticket"
    BLOCK = "textbaustein", "Textbaustein"


_REQUEST_KEY = re.compile(rf"{RecordKind.REQUEST}-([0-9]{{1,18}})")


class Place(NamedTuple):
    """A place where the person is recognised: its label, and a piece of its text."""

    label: str
    excerpt: Excerpt


@dataclass
class Match:
    """A record in which the person is recognised, with all the places; a request comes with its ticket and files."""

    kind: RecordKind
    row: Any  # Submission, Customer, Contact, Message or TextBlock, by kind
    places: list[Place]
    ticket: Ticket | None = None
    files: list[Attachment] = field(default_factory=list)
    is_sender: bool = False
    is_employee: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.row.id}"

    @property
    def is_certain(self) -> bool:
        """Say whether the record surely belongs to the person: without a right PIN anybody can type any name."""
        if self.kind is RecordKind.REQUEST:
            return self.ticket is not None and (self.is_sender or self.is_employee)
        return self.kind in (RecordKind.CUSTOMER, RecordKind.CONTACT)


def find(matcher: PersonMatcher) -> tuple[list[Match], bool]:
    """Return all matches, newest requests first, and whether there are more requests than MAX_MATCHES."""
    ids, file_ids = _requests(matcher)
    found = [_request(id, matcher, file_ids) for id in ids[:MAX_MATCHES]]
    return [match for match in found if match and match.places] + _others(matcher), len(ids) > MAX_MATCHES


def find_selected(keys: Collection[str], matcher: PersonMatcher) -> list[Match]:
    """Return the matches with these keys as they are now, without those that no longer name the person."""
    requests = filter(None, map(_REQUEST_KEY.fullmatch, keys))
    found = [_request(int(key[1]), matcher) for key in requests]
    found += [other for other in _others(matcher) if other.key in keys]
    return [match for match in found if match and match.places]


def count_partly_searched() -> int:
    """Return how many text files are so long that only their beginning is searched."""
    return Attachment.select().where(IS_TEXT, Attachment.size > MAX_SEARCHED_BYTES).count()


def is_sender(submission: Submission, ticket: Ticket | None, matcher: PersonMatcher) -> bool:
    """Say whether the person sent a request; then name, number and address are all theirs."""
    sent = (getattr(submission, name) for name in SENDER_FIELDS)
    return matcher.is_found_in(_joined([*sent, *corrected_texts(ticket).values()]))


def corrected_texts(ticket: Ticket | None) -> dict[str, str]:
    """Return what the office corrected about the sender, by its German label; "" if it did not."""
    texts = (ticket.caller_name, ticket.caller_phone) if ticket else ("", "")
    return dict(zip(("berichtigter Name", "berichtigte Kontaktnummer"), texts, strict=True))


def is_employee(submission: Submission, matcher: PersonMatcher) -> bool:
    """Say whether the person is the new employee whom a request is about."""
    name = f"{submission.first_name} {submission.last_name}"
    return matcher.is_found_in(_joined([name, *(getattr(submission, other) for other in EMPLOYEE_FIELDS)]))


def event_texts(event: Event) -> tuple[str, str]:
    """Return the texts of an event that may name people of a customer: the actor only if an approver acted."""
    return (event.actor if event.kind in APPROVER_EVENTS else "", event.text)


def message_texts(message: Message) -> dict[str, str]:
    """Return the texts of a message by their German labels."""
    return {
        "Empfänger": message.recipient,
        "Betreff": message.subject,
        "Text": message.body,
        "letzter Fehler": message.last_error,
    }


def _requests(matcher: PersonMatcher) -> tuple[list[int], set[int]]:
    """Return the ids of all requests that name the person, newest first, and of the files that do."""
    names = [name for name in TYPED_TEXTS if name not in ("first_name", "last_name")]
    columns = [Submission.first_name, Submission.last_name, *(getattr(Submission, name) for name in names)]
    found, tickets, files = set(), set(), set()
    for id, first, last, *texts in _rows(Submission, columns):
        if matcher.is_found_in(_joined([f"{first} {last}", *texts])):
            found.add(id)
    for event in _rows(Event, [Event.ticket, Event.kind, Event.actor, Event.text]):
        if matcher.is_found_in(_joined(event_texts(event))):
            tickets.add(event.ticket)
    for _, ticket, *texts in _rows(Message, [Message.ticket, *MESSAGE_TEXTS]):
        if ticket and matcher.is_found_in(_joined(texts)):
            tickets.add(ticket)
    for id, submission, *texts in _rows(Ticket, [Ticket.submission, Ticket.caller_name, Ticket.caller_phone]):
        if id in tickets or matcher.is_found_in(_joined(texts)):
            found.add(submission)
    columns = [Attachment.submission, *FILE_NAMES, Attachment.media_type, Attachment.stored_name]
    for file in _rows(Attachment, columns):
        if file.submission and matcher.is_found_in(_joined([file.name, file.sent_name, content_of(file)])):
            found.add(file.submission)
            files.add(file.id)
    return sorted(found, reverse=True), files


def _rows(model: type[Model], columns: Iterable[Field]) -> Iterator[Any]:
    """Yield the rows of a table as named tuples, read in batches: while a query is open, nobody can write."""
    query, last = model.select(model.id, *columns).order_by(model.id).limit(ROWS_AT_A_TIME), 0
    while rows := list(query.where(model.id > last).namedtuples()):
        yield from rows
        last = rows[-1][0]


def _request(id: int, matcher: PersonMatcher, file_ids: Collection[int] | None = None) -> Match | None:
    """Return a request with the places that name the person, or None.

    file_ids: the files known to name the person; without it, files are searched only if nothing else names them.
    """
    submission = Submission.get_or_none(Submission.id == id)
    # A pending one will be decided in a moment.
    if submission is None or submission.state is SubmissionState.PENDING:
        return None
    ticket = Ticket.with_details().where(Ticket.submission == submission).get_or_none()
    files = list(submission.files.order_by(Attachment.id))
    texts = [(label, getattr(submission, name)) for name, label in TYPED_TEXTS.items()]
    texts.append(("Vor- und Nachname", f"{submission.first_name} {submission.last_name}"))
    texts += corrected_texts(ticket).items()
    if ticket:
        for event in ticket.events.order_by(Event.id):
            texts += [(f"Verlauf: {event.kind.label}", text) for text in event_texts(event)]
        for message in ticket.messages.order_by(Message.id):
            texts += [
                (f"E-Mail „{message.kind.label}“: {label}", text) for label, text in message_texts(message).items()
            ]
    texts += [("Name einer Datei", name) for file in files for name in (file.name, file.sent_name)]
    places = _places(texts, matcher)
    if file_ids is not None or not places:
        searched = (file for file in files if file_ids is None or file.id in file_ids)
        places += _places(((f"Inhalt von {file.name}", content_of(file)) for file in searched), matcher)
    theirs = is_sender(submission, ticket, matcher), is_employee(submission, matcher)
    return Match(RecordKind.REQUEST, submission, places, ticket, files, *theirs)


def _others(matcher: PersonMatcher) -> list[Match]:
    """Return the customers, their contacts, mails without a ticket and text blocks that name the person."""
    records: list[tuple[RecordKind, Model, dict[str, str]]] = []
    for customer in Customer.by_number():
        records.append((RecordKind.CUSTOMER, customer, customer_texts(customer)))
    for contact in Contact.select(Contact, Customer).join(Customer):
        records.append((RecordKind.CONTACT, contact, contact_texts(contact)))
    mails = Message.select().where(Message.ticket.is_null())
    records += ((RecordKind.MAIL, mail, message_texts(mail)) for mail in mails)
    records += ((RecordKind.BLOCK, block, {"Textbaustein": block.text}) for block in TextBlock.by_name())
    found = [Match(kind, row, _places(texts.items(), matcher)) for kind, row, texts in records]
    return [match for match in found if match.places]


def customer_texts(customer: Customer) -> dict[str, str]:
    """Return the texts of a customer that may name a person."""
    address = ", ".join(filter(None, [customer.street, customer.postcode, customer.town]))
    texts = {"Name des Kunden": customer.name, "Telefon": customer.phone, "Anschrift": address}
    return texts | {"Notiz": customer.note}


def contact_texts(contact: Contact) -> dict[str, str]:
    """Return what is stored about a person at a customer."""
    return {"Name": contact.name, "E-Mail": contact.email, "Telefon": contact.phone}


def content_of(file: Attachment) -> str:
    """Return the beginning of the text of a stored file, or "" if it is no text or cannot be read."""
    if file.media_type != TEXT:
        return ""
    try:
        with attachments.open_stored(file) as stored:
            return decoded(stored.read(MAX_SEARCHED_BYTES))
    except OSError:
        log.warning("Die Datei %s ließ sich nicht durchsuchen.", file.stored_name)
        return ""


def _places(texts: Iterable[tuple[str, str]], matcher: PersonMatcher) -> list[Place]:
    found = ((label, matcher.excerpt(text)) for label, text in texts)
    return [Place(label, excerpt) for label, excerpt in found if excerpt]


def _joined(texts: Iterable[str]) -> str:
    return _SEPARATOR.join(texts)
