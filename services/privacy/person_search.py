"""Where somebody stands in the database and the stored files: in requests, their history and mails, at customers.

There is no index for this; everything is read, some rows at a time, so that others can write meanwhile. Accounts of the
office are none of it: their names stay with what they did.
"""

import logging
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from enums import MEBIBYTE, LabelledEnum, SubmissionState
from models import Approver, Attachment, Customer, Event, Message, Submission, TextBlock, Ticket
from services.files import attachments
from services.files.types import TEXT
from services.files.types.text import decoded
from services.privacy.person_matcher import Excerpt
from services.request_fields import TYPED_TEXTS
from services.tickets import approvals

log = logging.getLogger(__name__)

ROWS_AT_A_TIME = 2000

# Nobody looks through more on one page; what is too general can be made more exact.
MAX_MATCHES = 200

# So many bytes of a text file are searched: a log is much of the same, and anybody may send one.
MAX_SEARCHED_BYTES = 2 * MEBIBYTE

SENDER_FIELDS = ("name", "phone", "email")
EMPLOYEE_FIELDS = ("desired_email", "mobile")

# Whose actor is somebody at the customer's.
APPROVER_EVENTS = tuple(approvals.BY_LINK.values())

_OF_MESSAGE = (Message.recipient, Message.subject, Message.body, Message.last_error)

IS_TEXT = Attachment.media_type == TEXT

# No text holds this sign, and no name reaches across it.
_GAP = "\0"


class RecordKind(LabelledEnum):
    """What can be taken into an export or an erasure as a whole."""

    REQUEST = "vorgang", "Vorgang"
    CUSTOMER = "kunde", "Kunde"
    APPROVER = "genehmiger", "Genehmiger"
    MAIL = "mail", "E-Mail ohne Ticket"
    BLOCK = "textbaustein", "Textbaustein"


_REQUEST_KEY = re.compile(rf"{RecordKind.REQUEST}-([0-9]{{1,18}})")


class Place(NamedTuple):
    """One place where somebody is recognised: what it is, and a piece of its text."""

    label: str
    excerpt: Excerpt


@dataclass
class Match:
    """Something in which somebody is recognised, with all the places; of a request also its ticket and files."""

    kind: RecordKind
    row: object
    places: list
    ticket: Ticket | None = None
    files: list = field(default_factory=list)
    is_sender: bool = False
    is_employee: bool = False

    @property
    def key(self):
        return f"{self.kind}-{self.row.id}"

    @property
    def is_certain(self):
        """Say whether it belongs to the person beyond doubt: without a right PIN anybody can type any name."""
        if self.kind is RecordKind.REQUEST:
            return self.ticket is not None and (self.is_sender or self.is_employee)
        return self.kind in (RecordKind.CUSTOMER, RecordKind.APPROVER)


def find(matcher):
    """Return everything in which somebody is recognised, newest requests first, and whether there is more than that."""
    ids, file_ids = _requests(matcher)
    found = [_request(id, matcher, file_ids) for id in ids[:MAX_MATCHES]]
    return [match for match in found if match and match.places] + _others(matcher), len(ids) > MAX_MATCHES


def find_selected(keys, matcher):
    """Return what somebody chose of it, as it is now; what is gone meanwhile, or names nobody any more, is left out."""
    requests = filter(None, map(_REQUEST_KEY.fullmatch, keys))
    found = [_request(int(key[1]), matcher) for key in requests]
    found += [other for other in _others(matcher) if other.key in keys]
    return [match for match in found if match and match.places]


def count_partly_searched():
    """Return how many text files are so long that only their beginning is searched."""
    return Attachment.select().where(IS_TEXT, Attachment.size > MAX_SEARCHED_BYTES).count()


def is_sender(submission, matcher):
    """Say whether the person sent a request; then name, number and address are all theirs."""
    return matcher.is_found_in(_joined(getattr(submission, name) for name in SENDER_FIELDS))


def is_employee(submission, matcher):
    """Say whether the person is the new employee whom a request is about."""
    name = f"{submission.first_name} {submission.last_name}"
    return matcher.is_found_in(_joined([name, *(getattr(submission, other) for other in EMPLOYEE_FIELDS)]))


def content_of(file):
    """Return the beginning of the text of a stored file, or "" if it is no text or cannot be read."""
    if file.media_type != TEXT:
        return ""
    try:
        with attachments.open_stored(file) as stored:
            return decoded(stored.read(MAX_SEARCHED_BYTES))
    except OSError:
        log.warning("Die Datei %s ließ sich nicht durchsuchen.", file.stored_name)
        return ""


def event_texts(event):
    """Return the texts of an event in which a customer's people can stand; its actor is one of them if they decided."""
    return _event_texts(event.kind, event.actor, event.text)


def message_texts(message):
    """Return the texts of a message with their words for the office."""
    return {
        "Empfänger": message.recipient,
        "Betreff": message.subject,
        "Text": message.body,
        "letzter Fehler": message.last_error,
    }


def _requests(matcher):
    """Return the ids of all requests in or with which the person is recognised, newest first, and of such files."""
    names = [name for name in TYPED_TEXTS if name not in ("first_name", "last_name")]
    columns = [Submission.first_name, Submission.last_name, *(getattr(Submission, name) for name in names)]
    found, files = set(), set()
    for id, first, last, *texts in _rows(Submission, columns):
        if matcher.is_found_in(_joined([f"{first} {last}", *texts])):
            found.add(id)
    submissions = dict(_rows(Ticket, [Ticket.submission]))
    for _, ticket, *values in _rows(Event, [Event.ticket, Event.kind, Event.actor, Event.text]):
        if matcher.is_found_in(_joined(_event_texts(*values))):
            found.add(submissions[ticket])
    for _, ticket, *texts in _rows(Message, [Message.ticket, *_OF_MESSAGE]):
        if ticket and matcher.is_found_in(_joined(texts)):
            found.add(submissions[ticket])
    for file in _rows(
        Attachment, [Attachment.submission, Attachment.name, Attachment.media_type, Attachment.stored_name]
    ):
        if file.submission and matcher.is_found_in(_joined([file.name, content_of(file)])):
            found.add(file.submission)
            files.add(file.id)
    return sorted(found, reverse=True), files


def _rows(model, columns):
    """Yield the rows of a table, read some at a time: while a query is open, nobody can write."""
    query, last = model.select(model.id, *columns).order_by(model.id).limit(ROWS_AT_A_TIME), 0
    while rows := list(query.where(model.id > last).namedtuples()):
        yield from rows
        last = rows[-1][0]


def _event_texts(kind, actor, text):
    return (actor if kind in APPROVER_EVENTS else "", text)


def _request(id, matcher, file_ids=None):
    """Return a request with the places that name the person; in files it looks again only if nothing else does."""
    submission = Submission.get_or_none(Submission.id == id)
    # What is not decided yet will be in a moment.
    if submission is None or submission.state is SubmissionState.PENDING:
        return None
    ticket = Ticket.with_details().where(Ticket.submission == submission).get_or_none()
    files = list(submission.files.order_by(Attachment.id))
    texts = [(label, getattr(submission, name)) for name, label in TYPED_TEXTS.items()]
    texts.append(("Vor- und Nachname", f"{submission.first_name} {submission.last_name}"))
    if ticket:
        for event in ticket.events.order_by(Event.id):
            texts += [(f"Verlauf: {event.kind.label}", text) for text in event_texts(event)]
        for message in ticket.messages.order_by(Message.id):
            texts += [
                (f"E-Mail „{message.kind.label}“: {label}", text) for label, text in message_texts(message).items()
            ]
    texts += [("Name einer Datei", file.name) for file in files]
    places = _places(texts, matcher)
    if file_ids is not None or not places:
        searched = (file for file in files if file_ids is None or file.id in file_ids)
        places += _places(((f"Inhalt von {file.name}", content_of(file)) for file in searched), matcher)
    theirs = is_sender(submission, matcher), is_employee(submission, matcher)
    return Match(RecordKind.REQUEST, submission, places, ticket, files, *theirs)


def _others(matcher):
    """Return the customers, their approvers, mails without a ticket and text blocks that name the person."""
    found = [
        Match(RecordKind.CUSTOMER, customer, _places(_of_customer(customer), matcher))
        for customer in Customer.by_number()
    ]
    found += [
        Match(RecordKind.APPROVER, approver, _places([("Name", approver.name), ("E-Mail", approver.email)], matcher))
        for approver in Approver.select(Approver, Customer).join(Customer)
    ]
    found += [
        Match(RecordKind.MAIL, message, _places(message_texts(message).items(), matcher))
        for message in Message.select().where(Message.ticket.is_null())
    ]
    found += [
        Match(RecordKind.BLOCK, block, _places([("Textbaustein", block.text)], matcher))
        for block in TextBlock.by_name()
    ]
    return [match for match in found if match.places]


def _of_customer(customer):
    name = ("Name des Kunden", customer.name)
    return [name, ("Ansprechpartner", customer.contact_name), ("E-Mail", customer.email)]


def _places(texts, matcher):
    found = ((label, matcher.excerpt(text)) for label, text in texts)
    return [Place(label, excerpt) for label, excerpt in found if excerpt]


def _joined(texts):
    return _GAP.join(texts)
