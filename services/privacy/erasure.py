"""Take somebody out of what is stored, for good (Art. 17 of the GDPR): each thing in one transaction, or not at all.

Files go after their rows; a crash between leaves files that the sweep finds nameless.
"""

from collections import Counter
from enum import StrEnum

from database import transaction
from enums import GONE, EventKind, MessageKind, MessageState
from models import Approver, Attachment, Customer, Event, Message, Submission, TextBlock, Ticket
from services import search
from services.customers import customers
from services.files import attachments
from services.intake import unmatched
from services.mail import access_links, outbox
from services.privacy import person_search
from services.privacy.person_search import Kind
from services.request_fields import TYPED_TEXTS
from services.tickets import events

ON_REQUEST = "auf Antrag der Person"


class Gone(StrEnum):
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


def erase(finds, likeness, file_ids, by, now):
    """Take the person out of everything that was chosen, delete the chosen files, and return how much of what went."""
    gone = Counter()
    for one in finds:
        gone.update(_BY_KIND[one.kind](one.row.id, likeness, file_ids, by, now))
    # What is only marked as deleted could be read from the index of words.
    search.forget()
    return gone


def blank_employee(submission):
    """Take all that says something about a new employee out of a request; the day of entry stays for the figures."""
    for name in TYPED_TEXTS.keys() - {*person_search.OF_SENDER, "last_name", "desired_email"}:
        setattr(submission, name, "")
    submission.last_name, submission.salutation = GONE, None
    # Whether one was wanted is still to be seen.
    submission.desired_email = submission.desired_email and GONE


def _from_request(id, likeness, file_ids, by, now):
    with transaction():
        submission = Submission.get_or_none(Submission.id == id)
        if submission is None:
            return []
        ticket = Ticket.whole().where(Ticket.submission == submission).get_or_none()
        files = _from_ticket(ticket, likeness, file_ids, by, now) if ticket else _unmatched(submission, now)
    attachments.delete_files(files)
    return [Gone.TICKET if ticket else Gone.REQUEST, *[Gone.FILE] * len(files)]


def _unmatched(submission, now):
    """Discard a request that is no ticket; what stays of it for its receipt says nothing any more."""
    files = attachments.delete_rows(Attachment.submission == submission)
    for name in TYPED_TEXTS:
        setattr(submission, name, "")
    submission.salutation = None
    submission.save()
    unmatched.discard(submission, now)
    return files


def _from_ticket(ticket, likeness, file_ids, by, now):
    """Take the person out of a ticket, and return the files that go with it.

    Who sent it is known by number and address, too, and a new employee by what was ordered for them.
    """
    # The submission that comes with the ticket is the one that others read it by.
    submission = ticket.submission
    sent, employed = person_search.is_sender(submission, likeness), person_search.is_employee(submission, likeness)
    if sent:
        likeness = likeness.with_more([submission.name, submission.phone, submission.email])
    if employed:
        name = f"{submission.first_name} {submission.last_name}"
        likeness = likeness.with_more([name, submission.mobile, submission.desired_email])
        blank_employee(submission)
    if sent:
        submission.name, submission.phone, submission.email = GONE, GONE, ""
    for name in TYPED_TEXTS:
        setattr(submission, name, _without(likeness, submission, name))
    submission.save()
    _from_history(ticket, likeness)
    _from_mails(ticket, likeness, are_theirs=employed)
    if sent:
        _close_page(ticket, now)
    chosen = (Attachment.submission == submission) & Attachment.id.in_(file_ids)
    files = attachments.delete_rows(chosen)
    for file in list(submission.files):
        file.name = _without(likeness, file, "name")
        file.save(only=[Attachment.name])
    search.renew(ticket)
    events.record(ticket, EventKind.DATA_ERASED, by.name, now, ON_REQUEST)
    return files


def _from_history(ticket, likeness):
    for event in list(ticket.events):
        event.text = likeness.removed_from(event.text)
        if event.kind in person_search.BY_APPROVER and likeness.is_in(event.actor):
            event.actor = GONE
        event.save(only=[Event.text, Event.actor])


def _from_mails(ticket, likeness, are_theirs):
    """Take the person out of a ticket's mails; what waits for somebody else goes on without the name.

    Those about a new employee say nothing else, so none stays. Nor does what another system is told: the event of this
    erasure brings it up to date.
    """
    of_ticket = Message.delete().where(Message.ticket == ticket)
    (of_ticket if are_theirs else of_ticket.where(Message.kind == MessageKind.WEBHOOK)).execute()
    for message in list(ticket.messages):
        if likeness.is_in(message.recipient):
            message.recipient = GONE
            if message.state in outbox.OPEN_STATES:
                message.state, message.failing_since = MessageState.DISCARDED, None
        for name in ("subject", "body", "last_error"):
            setattr(message, name, _without(likeness, message, name))
        message.save(only=_OF_MESSAGE)


def _close_page(ticket, now):
    """Let the link that the person has open nothing any more; what others are still sent leads to a new one."""
    link = access_links.in_force(ticket, now)
    if link is None:
        return
    access_links.revoke(link, now)
    if waiting := outbox.waiting_with(link):
        outbox.carry_over(waiting, link, access_links.for_customer(ticket, now))


def _from_customer(id, likeness, file_ids, by, now):
    with transaction():
        customer = Customer.get_or_none(Customer.id == id)
        gone = {name: "" for name in ("contact_name", "email") if customer and likeness.is_in(getattr(customer, name))}
        if gone:
            Customer.update(gone).where(Customer.id == id).execute()
    return [Gone.CUSTOMER] if gone else []


def _approver(id, likeness, file_ids, by, now):
    approver = Approver.get_or_none(Approver.id == id)
    if approver:
        customers.remove_approver(approver)
    return [Gone.APPROVER] if approver else []


def _mail(id, likeness, file_ids, by, now):
    with transaction():
        gone = Message.delete().where(Message.id == id, Message.ticket.is_null()).execute()
    return [Gone.MAIL] * gone


def _from_block(id, likeness, file_ids, by, now):
    with transaction():
        block = TextBlock.get_or_none(TextBlock.id == id)
        if block:
            TextBlock.update(text=likeness.removed_from(block.text)).where(TextBlock.id == id).execute()
    return [Gone.BLOCK] if block else []


def _without(likeness, row, name):
    """Return a text of a row without the person, no longer than its column takes."""
    return likeness.removed_from(getattr(row, name))[: getattr(getattr(type(row), name), "max_length", None)]


_BY_KIND = {
    Kind.REQUEST: _from_request,
    Kind.CUSTOMER: _from_customer,
    Kind.APPROVER: _approver,
    Kind.MAIL: _mail,
    Kind.BLOCK: _from_block,
}
