"""The mails: their recipients and subjects; the texts are files in templates/mail, one for each MessageKind.

Each is written within the transaction of the event that it reports. Mail goes only to addresses on file, and to one
typed into the form if it is in the customer's own mail domain.
"""

import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import enums
from clock import TIME_ZONE
from database import transaction
from enums import Approval, Category, MessageKind, TicketStatus, UnmatchedReason
from i18n import catalogue, formats
from models import Attachment, Contact, Customer, Event, Message, Staff, Submission, Ticket, TicketLink
from services import request_fields
from services.mail import access_links, addresses, outbox
from services.security import account_links, pin_lockout
from settings import settings

# What the subjects of the mails to requesters and approvers begin with.
_SUBJECTS = {
    MessageKind.CONFIRMATION: "Eingegangen",
    MessageKind.APPROVAL_WANTED: "Bitte um Freigabe",
    MessageKind.REMINDER: "Erinnerung: Bitte um Freigabe",
    MessageKind.STARTED_EARLY: "Vor der Freigabe begonnen",
    MessageKind.APPROVED: "Freigegeben",
    MessageKind.DECLINED: "Nicht freigegeben",
    MessageKind.ANSWER: "Antwort",
    MessageKind.DONE: "Erledigt",
    MessageKind.CANCELLED: "Storniert",
    MessageKind.REOPENED: "Wieder geöffnet",
    MessageKind.DUPLICATE: "Geht anderswo weiter",
}


def quoted(text: str) -> str:
    """Return a text that somebody typed as a quotation, so that it cannot be taken for our own words."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent.parent / "templates" / "mail"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=select_autoescape(),
)
templates.globals.update(
    settings=settings,
    portal=enums.PORTAL_ACTOR,
    known_sender_days=pin_lockout.KNOWN_FOR.days,
)
templates.filters.update(
    labelled_texts=request_fields.labelled_texts,
    quoted=quoted,
    weekday=formats.weekday,
    in_days=formats.in_days,
    local_datetime=formats.local_datetime,
    file_size=formats.file_size,
)


def confirmation(ticket: Ticket, now: datetime) -> None:
    """Tell the customer that the ticket exists, at the address on file and at the requester's own."""
    recipients = _on_file(ticket)
    recipients += [own for own in _own_addresses(ticket) if own.casefold() not in map(str.casefold, recipients)]
    _to_customer(MessageKind.CONFIRMATION, ticket, recipients, now)


def new_ticket(ticket: Ticket, now: datetime, approval: Event | None = None) -> None:
    """Tell the office about a new ticket, with all it needs to start, and the event of its approval, if any."""
    what = "Neu, noch nicht freigegeben" if ticket.approval is Approval.PENDING else "Neu"
    context = {"approval": approval, "confirmation_recipients": requester_addresses(ticket)}
    opened_event = ticket.events.order_by(Event.id).first()
    _to_office(MessageKind.NEW_TICKET, what, ticket, now, opened_event=opened_event, **context)


def to_requester(kind: MessageKind, ticket: Ticket, now: datetime, **context: object) -> None:
    """Tell the requester what the office or an approver did; the context is what the text says about it."""
    _to_customer(kind, ticket, requester_addresses(ticket), now, **context)


def to_approvers(
    kind: MessageKind, ticket: Ticket, approvers: Iterable[Contact], now: datetime, **context: object
) -> None:
    """Ask approvers to decide about a ticket, remind them, or tell them that work has begun before their decision."""
    for approver in approvers:
        link = access_links.for_approver(ticket, approver, now)
        details = {"approver": approver, "expires_at": link.expires_at, **context}
        _put(kind, _SUBJECTS[kind], ticket, approver.email, now, link, **details)


def decided(ticket: Ticket, now: datetime, **context: object) -> None:
    """Tell the office about a decision if it knows the ticket already or has to inform the requester itself."""
    what = "Freigegeben" if ticket.approval is Approval.APPROVED else "Nicht freigegeben"
    has_no_email = not requester_addresses(ticket)
    _to_office(MessageKind.DECIDED, what, ticket, now, has_no_email=has_no_email, **context)


def to_supplier(
    ticket: Ticket, recipient: str, text: str, with_names: bool, files: Iterable[Attachment], now: datetime
) -> None:
    """Ask a supplier about a defective device; the customer is named only if wanted."""
    submission = ticket.submission
    body = _render(MessageKind.SUPPLIER, ticket=ticket, submission=submission, text=text, with_names=with_names)
    file_ids = json.dumps([file.id for file in files])
    subject = f"Garantiefall [{submission.spoken_code}] {submission.device}"
    about = {"ticket": ticket, "recipient": recipient, "with_attachments": True, "file_ids": file_ids}
    outbox.put(MessageKind.SUPPLIER, body, now, subject, **about)


def reply(ticket: Ticket, event: Event, previous_status: TicketStatus, now: datetime) -> None:
    """Tell the office what the customer writes, and which status the ticket had before."""
    _to_office(MessageKind.REPLY, "Nachricht vom Kunden", ticket, now, event=event, previous_status=previous_status)


def pin_lockout_notice(customer: Customer, is_own: bool, now: datetime) -> None:
    """Tell a customer's contact that somebody is trying PINs, for its own number (`is_own`) or for those of many."""
    body = _render(MessageKind.GUESSING, customer=customer, is_own=is_own)
    subject = f"Viele falsche PINs{f' zu Ihrer Kundennummer {customer.number}' if is_own else ''}"
    outbox.put(MessageKind.GUESSING, body, now, recipient=customer.email, subject=subject)


def urgent_unmatched(submission: Submission, now: datetime) -> None:
    """Tell the office about an unmatched request with high priority, briefly: anybody may have written it."""
    is_right = submission.unmatched_reason is UnmatchedReason.GUESSED
    subject = f"Dringend, {submission.unmatched_reason.label} [{submission.spoken_code}]"
    body = _render(MessageKind.URGENT_UNMATCHED, submission=submission, is_right=is_right)
    outbox.put(MessageKind.URGENT_UNMATCHED, body, now, recipient=settings.office_email, subject=subject)


def wrong_codes(member: Staff, now: datetime) -> None:
    """Tell the office that somebody knows the password of an account and tries codes of its second factor."""
    body = _render(MessageKind.WRONG_CODES, member=member)
    subject = f"Falsche Codes beim Konto {member.name}"
    outbox.put(MessageKind.WRONG_CODES, body, now, recipient=settings.office_email, subject=subject)


def summary(overview: Any, today: date, now: datetime) -> None:
    """Tell the office what waits today. Unmatched requests are only counted: anybody may have written them.

    overview: an Overview of services.reports, which this package must not import.
    """
    subject = f"Heute, {formats.weekday(today)}: {_in_short(overview)}"
    body = _render(MessageKind.SUMMARY, overview=overview, today=today)
    outbox.put(MessageKind.SUMMARY, body, now, recipient=settings.office_email, subject=subject)


def test_mail(recipient: str, by: Staff, now: datetime) -> Message:
    """Put a test mail into the outbox, in a transaction of its own, and return the message."""
    body = _render(MessageKind.TEST, by=by, now=now)
    subject = f"Testmail: {settings.office_name}"
    with transaction():
        return outbox.put(MessageKind.TEST, body, now, recipient=recipient, subject=subject)


def invitation(member: Staff, recipient: str, by: Staff, now: datetime) -> None:
    """Send a member of staff the link by which they choose their password, in a transaction of its own."""
    url = account_links.placeholder_url(member)
    body = _render(MessageKind.INVITATION, member=member, by=by, url=url, expires_at=member.link_expires_at)
    with transaction():
        outbox.put(MessageKind.INVITATION, body, now, recipient=recipient, subject="Ihr Konto im Meldeportal")


def requester_addresses(ticket: Ticket) -> list[str]:
    """Return the requester's own address if it is surely the customer's, else the one on file, or none."""
    return _own_addresses(ticket) or _on_file(ticket)


def office_only_fields(ticket: Ticket) -> tuple[str, ...]:
    """Return the fields that only the office may see: their values may belong to another customer."""
    return ("customer_number",) if _own_addresses(ticket) else ("customer_number", "email")


def _on_file(ticket: Ticket) -> list[str]:
    return [ticket.customer.email] if ticket.customer.email else []


def _own_addresses(ticket: Ticket) -> list[str]:
    email = ticket.submission.email
    return [email] if email and addresses.is_in_customer_domain(ticket.customer, email) else []


def _to_customer(kind: MessageKind, ticket: Ticket, recipients: list[str], now: datetime, **context: Any) -> None:
    link = access_links.for_customer(ticket, now) if recipients else None
    for recipient in recipients:
        _put(kind, _SUBJECTS[kind], ticket, recipient, now, link, **context)


def _to_office(kind: MessageKind, what: str, ticket: Ticket, now: datetime, **context: Any) -> None:
    _put(kind, what, ticket, settings.office_email, now, None, hidden_fields=(), **context)


def _put(
    kind: MessageKind,
    what: str,
    ticket: Ticket,
    recipient: str,
    now: datetime,
    link: TicketLink | None,
    event: Event | None = None,
    **context: object,
) -> None:
    common = {
        "event": event,
        "ticket": ticket,
        "submission": ticket.submission,
        "customer": ticket.customer,
        "url": link and access_links.placeholder_url(link),
        "hidden_fields": office_only_fields(ticket),
        "recipient": recipient,
        "today": now.astimezone(TIME_ZONE).date(),
    }
    body, subject = _render(kind, **common | context), _subject(what, ticket, common["today"])
    has_files = kind is MessageKind.NEW_TICKET or (kind is MessageKind.ANSWER and event and event.attachments)
    with_attachments = bool(has_files) and settings.mail_attachments == "on"
    about = {"ticket": ticket, "event": event, "link": link, "recipient": recipient}
    outbox.put(kind, body, now, subject, with_attachments=with_attachments, **about)


def _render(kind: MessageKind, **context: object) -> str:
    # The current language may be an English reader's; mails are German.
    with catalogue.override(catalogue.GERMAN):
        body = templates.get_template(f"{kind}.txt").render(**context)
    # Parts that are left out leave their blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", body).strip("\n") + "\n"


def _in_short(overview: Any) -> str:
    parts = (
        (overview.stuck.count, "hängt" if overview.stuck.count == 1 else "hängen"),
        (overview.new.count, "neu"),
        (overview.replies.count, "mit Nachricht vom Kunden"),
        (overview.unapproved_high.count, "hoch und noch nicht freigegeben"),
        (overview.unmatched_total, "nicht zugeordnet"),
        (overview.entries.count, "neuer Mitarbeiter" if overview.entries.count == 1 else "neue Mitarbeiter"),
        (overview.undelivered.count, "nicht zustellbar"),
    )
    return ", ".join(f"{count} {words}" for count, words in parts if count) or "nichts zu tun"


def _subject(what: str, ticket: Ticket, today: date) -> str:
    about = [ticket.category.label]
    if ticket.category is Category.NEW_EMPLOYEE:
        # Its form asks for no priority.
        short = f", {formats.in_days(ticket.due_on, today)}" if ticket.lead_time_missed else ""
        about.append(f"Eintritt {ticket.due_on:%d.%m.%Y}{short}")
    else:
        about.append(f"Priorität {ticket.priority.label}")
    return f"{what} [{ticket.submission.spoken_code}] {', '.join(about)}: {ticket.submission.summary}"
