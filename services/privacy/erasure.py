"""Erase a person from everything stored about them (Art. 17 GDPR).

Each record is one transaction. Files are deleted after their rows; if a crash comes between, the sweep removes them.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum

from peewee import Model

from database import transaction
from enums import DELETED_TEXT, EventKind, MessageKind, MessageState
from models import Attachment, Contact, Customer, Event, Message, Staff, Submission, TextBlock, Ticket
from services import phone_numbers, search
from services.customers import customers
from services.files import attachments
from services.intake import unmatched
from services.mail import access_links, outbox
from services.privacy import person_search
from services.privacy.person_matcher import PersonMatcher
from services.privacy.person_search import Match, RecordKind
from services.request_fields import TYPED_TEXTS
from services.tickets import events

ON_REQUEST = "auf Antrag der Person"


class ErasedKind(StrEnum):
    """What an erasure is counted by."""

    TICKET = "tickets"
    REQUEST = "anfragen"
    FILE = "dateien"
    CUSTOMER = "kunden"
    CONTACT = "personen"
    MAIL = "mails"
    BLOCK = "textbausteine"


# Not the lease: while a message is being sent, it belongs to the sender.
_MESSAGE_COLUMNS = (*person_search.MESSAGE_TEXTS, Message.state, Message.failing_since)


def erase(
    matches: Iterable[Match], matcher: PersonMatcher, file_ids: Collection[int], by: Staff, now: datetime
) -> Counter[ErasedKind]:
    """Erase the person from the chosen matches, delete the chosen files, and return how much of each kind."""
    erased: Counter[ErasedKind] = Counter()
    for match in matches:
        if match.kind is RecordKind.REQUEST:
            erased.update(_erase_from_request(match.row.id, matcher, file_ids, by, now))
        else:
            erased.update(_ERASE_OTHER[match.kind](match.row.id, matcher))
    # Deleted rows can still be read in the full-text index until it is merged.
    search.purge_deleted()
    return erased


def clear_employee(submission: Submission) -> None:
    """Clear everything about a new employee in a submission, except the entry date, which the statistics count by."""
    for name in TYPED_TEXTS.keys() - {*person_search.SENDER_FIELDS, "last_name", "desired_email"}:
        setattr(submission, name, "")
    submission.last_name, submission.salutation = DELETED_TEXT, None
    # An empty field would say that no mail address was wanted.
    submission.desired_email = submission.desired_email and DELETED_TEXT


def _erase_from_request(
    id: int, matcher: PersonMatcher, file_ids: Collection[int], by: Staff, now: datetime
) -> list[ErasedKind]:
    with transaction():
        submission = Submission.get_or_none(Submission.id == id)
        if submission is None:
            return []
        ticket = Ticket.with_details().where(Ticket.submission == submission).get_or_none()
        if ticket:
            files = _erase_from_ticket(ticket, matcher, file_ids, by, now)
        else:
            files = _discard_unmatched(submission, now)
    attachments.delete_files(files)
    return [ErasedKind.TICKET if ticket else ErasedKind.REQUEST, *[ErasedKind.FILE] * len(files)]


def _discard_unmatched(submission: Submission, now: datetime) -> list[str]:
    """Discard an unmatched request; the row stays for its receipt, without any text."""
    files = attachments.delete_rows(Attachment.submission == submission)
    for name in TYPED_TEXTS:
        setattr(submission, name, "")
    submission.salutation = None
    submission.save()
    unmatched.discard(submission, now)
    return files


def _erase_from_ticket(
    ticket: Ticket, matcher: PersonMatcher, file_ids: Collection[int], by: Staff, now: datetime
) -> list[str]:
    """Erase the person from a ticket, and return the stored names of the deleted files.

    A sender is also erased by the number and address they gave, a new employee by what was ordered for them.
    """
    # Not loaded again: reindexing reads the submission through the ticket.
    submission = ticket.submission
    is_sender = person_search.is_sender(submission, ticket, matcher)
    is_employee = person_search.is_employee(submission, matcher)
    if is_sender:
        phones = phone_numbers.all_dialable(f"{submission.phone}; {ticket.caller_phone}")
        matcher = matcher.with_terms([submission.name, ticket.caller_name, *phones, submission.email])
    if is_employee:
        name = f"{submission.first_name} {submission.last_name}"
        matcher = matcher.with_terms([name, *phone_numbers.all_dialable(submission.mobile), submission.desired_email])
        clear_employee(submission)
    if is_sender:
        submission.name, submission.phone, submission.email = DELETED_TEXT, DELETED_TEXT, ""
        ticket.caller_name = ticket.caller_phone = ""
    ticket.caller_name, ticket.caller_phone = matcher.redact(ticket.caller_name), matcher.redact(ticket.caller_phone)
    ticket.follow_up_note = matcher.redact(ticket.follow_up_note)
    ticket.save(only=[Ticket.caller_name, Ticket.caller_phone, Ticket.follow_up_note])
    for name in TYPED_TEXTS:
        setattr(submission, name, _redacted(matcher, submission, name))
    submission.save()
    _erase_from_events(ticket, matcher)
    _erase_from_messages(ticket, matcher, is_employee)
    if is_sender:
        access_links.revoke_customer_link(ticket, now)
    files = attachments.delete_rows((Attachment.submission == submission) & Attachment.id.in_(file_ids))
    for file in list(submission.files):
        file.name, file.sent_name = (_redacted(matcher, file, name) for name in ("name", "sent_name"))
        file.save(only=person_search.FILE_NAMES)
    search.reindex(ticket)
    events.record(ticket, EventKind.DATA_ERASED, by.name, now, ON_REQUEST)
    return files


def _erase_from_events(ticket: Ticket, matcher: PersonMatcher) -> None:
    for event in list(ticket.events):
        event.text = matcher.redact(event.text)
        if event.kind in person_search.APPROVER_EVENTS and matcher.is_found_in(event.actor):
            event.actor = DELETED_TEXT
        event.save(only=[Event.text, Event.actor])


def _erase_from_messages(ticket: Ticket, matcher: PersonMatcher, is_employee: bool) -> None:
    """Erase the person from a ticket's messages; mails still to be sent to others go out without the name.

    Mails about a new employee contain nothing else, so they are deleted, and so are all webhooks: the event of this
    erasure brings the other system up to date.
    """
    of_ticket = Message.delete().where(Message.ticket == ticket)
    (of_ticket if is_employee else of_ticket.where(Message.kind == MessageKind.WEBHOOK)).execute()
    for message in list(ticket.messages):
        if matcher.is_found_in(message.recipient):
            message.recipient = DELETED_TEXT
            if message.state in outbox.OPEN_STATES:
                message.state, message.failing_since = MessageState.DISCARDED, None
        for name in ("subject", "body", "last_error"):
            setattr(message, name, _redacted(matcher, message, name))
        message.save(only=_MESSAGE_COLUMNS)


def _erase_from_customer(id: int, matcher: PersonMatcher) -> list[ErasedKind]:
    with transaction():
        customer = Customer.get_or_none(Customer.id == id)
        typed = ("phone", "street", "postcode", "town", "note") if customer else ()
        if names := [name for name in typed if matcher.is_found_in(getattr(customer, name))]:
            redacted = {name: "" if name != "note" else _redacted(matcher, customer, name) for name in names}
            Customer.update(redacted).where(Customer.id == id).execute()
    return [ErasedKind.CUSTOMER] if names else []


def _remove_contact(id: int, matcher: PersonMatcher) -> list[ErasedKind]:
    contact = Contact.get_or_none(Contact.id == id)
    if contact:
        customers.remove_contact(contact)
    return [ErasedKind.CONTACT] if contact else []


def _delete_mail(id: int, matcher: PersonMatcher) -> list[ErasedKind]:
    with transaction():
        number = Message.delete().where(Message.id == id, Message.ticket.is_null()).execute()
    return [ErasedKind.MAIL] * number


def _erase_from_block(id: int, matcher: PersonMatcher) -> list[ErasedKind]:
    with transaction():
        block = TextBlock.get_or_none(TextBlock.id == id)
        if block:
            TextBlock.update(text=matcher.redact(block.text)).where(TextBlock.id == id).execute()
    return [ErasedKind.BLOCK] if block else []


def _redacted(matcher: PersonMatcher, row: Model, name: str) -> str:
    """Return a text of a row without the person, cut to the length of its column."""
    max_length = getattr(getattr(type(row), name), "max_length", None)
    return matcher.redact(getattr(row, name))[:max_length]


_ERASE_OTHER = {
    RecordKind.CUSTOMER: _erase_from_customer,
    RecordKind.CONTACT: _remove_contact,
    RecordKind.MAIL: _delete_mail,
    RecordKind.BLOCK: _erase_from_block,
}
