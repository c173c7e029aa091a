"""Take somebody out of what is stored, for good (Art. 17 of the GDPR): each thing in one transaction, or not at all.

Files go after their rows; a crash between leaves files that the sweep finds nameless.
"""

from collections import Counter
from enum import StrEnum

from database import transaction
from enums import DELETED_TEXT, EventKind, MessageKind, MessageState
from models import Approver, Attachment, Customer, Event, Message, Submission, TextBlock, Ticket
from services import search
from services.customers import customers
from services.files import attachments
from services.intake import unmatched
from services.mail import access_links, outbox
from services.privacy import person_search
from services.privacy.person_search import RecordKind
from services.request_fields import TYPED_TEXTS
from services.tickets import events

ON_REQUEST = "auf Antrag der Person"


class ErasedKind(StrEnum):
    """What an erasure is counted by."""

    TICKET = "tickets"
    REQUEST = "anfragen"
    FILE = "dateien"
    CUSTOMER = "kunden"
    APPROVER = "genehmiger"
    MAIL = "mails"
    BLOCK = "textbausteine"


# While it is handed over, its lease is the courier's.
_OF_MESSAGE = (
    Message.recipient,
    Message.subject,
    Message.body,
    Message.last_error,
    Message.state,
    Message.failing_since,
)


def erase(matches, matcher, file_ids, by, now):
    """Take the person out of everything that was chosen, delete the chosen files, and return how much of what went."""
    gone = Counter()
    for match in matches:
        gone.update(_BY_KIND[match.kind](match.row.id, matcher, file_ids, by, now))
    # What is only marked as deleted could be read from the index of words.
    search.purge_deleted()
    return gone


def clear_employee(submission):
    """Take all that says something about a new employee out of a request; the day of entry stays for the figures."""
    for name in TYPED_TEXTS.keys() - {*person_search.SENDER_FIELDS, "last_name", "desired_email"}:
        setattr(submission, name, "")
    submission.last_name, submission.salutation = DELETED_TEXT, None
    # Whether one was wanted is still to be seen.
    submission.desired_email = submission.desired_email and DELETED_TEXT


def _from_request(id, matcher, file_ids, by, now):
    with transaction():
        submission = Submission.get_or_none(Submission.id == id)
        if submission is None:
            return []
        ticket = Ticket.with_details().where(Ticket.submission == submission).get_or_none()
        files = _from_ticket(ticket, matcher, file_ids, by, now) if ticket else _unmatched(submission, now)
    attachments.delete_files(files)
    return [ErasedKind.TICKET if ticket else ErasedKind.REQUEST, *[ErasedKind.FILE] * len(files)]


def _unmatched(submission, now):
    """Discard a request that is no ticket; what stays of it for its receipt says nothing any more."""
    files = attachments.delete_rows(Attachment.submission == submission)
    for name in TYPED_TEXTS:
        setattr(submission, name, "")
    submission.salutation = None
    submission.save()
    unmatched.discard(submission, now)
    return files


def _from_ticket(ticket, matcher, file_ids, by, now):
    """Take the person out of a ticket, and return the files that go with it.

    Who sent it is known by number and address, too, and a new employee by what was ordered for them.
    """
    # The submission that comes with the ticket is the one that others read it by.
    submission = ticket.submission
    sent, employed = person_search.is_sender(submission, matcher), person_search.is_employee(submission, matcher)
    if sent:
        matcher = matcher.with_terms([submission.name, submission.phone, submission.email])
    if employed:
        name = f"{submission.first_name} {submission.last_name}"
        matcher = matcher.with_terms([name, submission.mobile, submission.desired_email])
        clear_employee(submission)
    if sent:
        submission.name, submission.phone, submission.email = DELETED_TEXT, DELETED_TEXT, ""
    for name in TYPED_TEXTS:
        setattr(submission, name, _redacted(matcher, submission, name))
    submission.save()
    _erase_from_events(ticket, matcher)
    _from_mails(ticket, matcher, are_theirs=employed)
    if sent:
        _replace_customer_link(ticket, now)
    chosen = (Attachment.submission == submission) & Attachment.id.in_(file_ids)
    files = attachments.delete_rows(chosen)
    for file in list(submission.files):
        file.name = _redacted(matcher, file, "name")
        file.save(only=[Attachment.name])
    search.reindex(ticket)
    events.record(ticket, EventKind.DATA_ERASED, by.name, now, ON_REQUEST)
    return files


def _erase_from_events(ticket, matcher):
    for event in list(ticket.events):
        event.text = matcher.redact(event.text)
        if event.kind in person_search.APPROVER_EVENTS and matcher.is_found_in(event.actor):
            event.actor = DELETED_TEXT
        event.save(only=[Event.text, Event.actor])


def _from_mails(ticket, matcher, are_theirs):
    """Take the person out of a ticket's mails; what waits for somebody else goes on without the name.

    Those about a new employee say nothing else, so none stays. Nor does what another system is told: the event of this
    erasure brings it up to date.
    """
    of_ticket = Message.delete().where(Message.ticket == ticket)
    (of_ticket if are_theirs else of_ticket.where(Message.kind == MessageKind.WEBHOOK)).execute()
    for message in list(ticket.messages):
        if matcher.is_found_in(message.recipient):
            message.recipient = DELETED_TEXT
            if message.state in outbox.OPEN_STATES:
                message.state, message.failing_since = MessageState.DISCARDED, None
        for name in ("subject", "body", "last_error"):
            setattr(message, name, _redacted(matcher, message, name))
        message.save(only=_OF_MESSAGE)


def _replace_customer_link(ticket, now):
    """Let the link that the person has open nothing any more; what others are still sent leads to a new one."""
    link = access_links.open_customer_link(ticket, now)
    if link is None:
        return
    access_links.revoke(link, now)
    if waiting := outbox.unsent_with_link(link):
        outbox.replace_link(waiting, link, access_links.for_customer(ticket, now))


def _from_customer(id, matcher, file_ids, by, now):
    with transaction():
        customer = Customer.get_or_none(Customer.id == id)
        gone = {
            name: "" for name in ("contact_name", "email") if customer and matcher.is_found_in(getattr(customer, name))
        }
        if gone:
            Customer.update(gone).where(Customer.id == id).execute()
    return [ErasedKind.CUSTOMER] if gone else []


def _approver(id, matcher, file_ids, by, now):
    approver = Approver.get_or_none(Approver.id == id)
    if approver:
        customers.remove_approver(approver)
    return [ErasedKind.APPROVER] if approver else []


def _mail(id, matcher, file_ids, by, now):
    with transaction():
        gone = Message.delete().where(Message.id == id, Message.ticket.is_null()).execute()
    return [ErasedKind.MAIL] * gone


def _from_block(id, matcher, file_ids, by, now):
    with transaction():
        block = TextBlock.get_or_none(TextBlock.id == id)
        if block:
            TextBlock.update(text=matcher.redact(block.text)).where(TextBlock.id == id).execute()
    return [ErasedKind.BLOCK] if block else []


def _redacted(matcher, row, name):
    """Return a text of a row without the person, no longer than its column takes."""
    return matcher.redact(getattr(row, name))[: getattr(getattr(type(row), name), "max_length", None)]


_BY_KIND = {
    RecordKind.REQUEST: _from_request,
    RecordKind.CUSTOMER: _from_customer,
    RecordKind.APPROVER: _approver,
    RecordKind.MAIL: _mail,
    RecordKind.BLOCK: _from_block,
}
