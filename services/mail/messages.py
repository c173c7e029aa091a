"""One function for each mail: its recipients and its subject; the text is a file in templates/mail.

Each is called within the transaction of the event that it reports. Mail goes only to addresses on file, and to one
typed into the form if it is in the customer's own mail domain.
"""

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import enums
from database import transaction
from enums import Approval, Category, MessageKind, TicketStatus
from i18n import catalogue, formats
from models import Approver, Customer, Event, Message, Staff, Ticket, TicketLink
from services import request_fields, workdays
from services.mail import access_links, addresses, outbox
from settings import settings


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
templates.globals.update(settings=settings, portal=enums.PORTAL_ACTOR, lead_time_workdays=workdays.LEAD_TIME_WORKDAYS)
templates.filters.update(
    labelled_texts=request_fields.labelled_texts,
    quoted=quoted,
    weekday=formats.weekday,
    local_datetime=formats.local_datetime,
    file_size=formats.file_size,
)


def confirmation(ticket: Ticket, now: datetime) -> None:
    """Tell the customer that the ticket exists, at the address on file and at the requester's own."""
    recipients = _on_file(ticket)
    recipients += [own for own in _own_addresses(ticket) if own.casefold() not in map(str.casefold, recipients)]
    _to_customer(MessageKind.CONFIRMATION, "Eingegangen", ticket, recipients, now)


def new_ticket(ticket: Ticket, now: datetime, approval: Event | None = None) -> None:
    """Tell the office about a new ticket, with all it needs to start.

    approval: the event of the approval, if there was one.
    """
    _to_office(
        MessageKind.NEW_TICKET,
        "Neu, noch nicht freigegeben" if ticket.approval is Approval.PENDING else "Neu",
        ticket,
        now,
        opened_event=ticket.events.order_by(Event.id).first(),
        approval=approval,
        confirmation_recipients=requester_addresses(ticket),
    )


def approval_wanted(ticket: Ticket, approver: Approver, now: datetime, **context: object) -> None:
    """Ask an approver to decide about a ticket, perhaps again after it was declined, or after work has begun."""
    _to_approver(MessageKind.APPROVAL_WANTED, "Bitte um Freigabe", ticket, approver, now, **context)


def reminder(ticket: Ticket, approver: Approver, now: datetime, **context: object) -> None:
    """Remind an approver that a ticket waits for a decision; the last reminder says that it is the last."""
    _to_approver(MessageKind.REMINDER, "Erinnerung: Bitte um Freigabe", ticket, approver, now, **context)


def started_early(ticket: Ticket, approver: Approver, reason: str, now: datetime) -> None:
    """Tell an approver that work has begun before the decision, and why."""
    _to_approver(MessageKind.STARTED_EARLY, "Vor der Freigabe begonnen", ticket, approver, now, reason=reason)


def approved(ticket: Ticket, now: datetime, **context: object) -> None:
    """Tell the requester that the ticket is approved: by whom, with what words, and whether work has begun."""
    _to_requester(MessageKind.APPROVED, "Freigegeben", ticket, now, **context)


def declined(ticket: Ticket, now: datetime, **context: object) -> None:
    """Tell the requester that the ticket is not approved: by whom, why, and whether work has begun."""
    _to_requester(MessageKind.DECLINED, "Nicht freigegeben", ticket, now, **context)


def decided(ticket: Ticket, now: datetime, **context: object) -> None:
    """Tell the office about a decision on a ticket it knows, or has to tell the requester about."""
    what = "Freigegeben" if ticket.approval is Approval.APPROVED else "Nicht freigegeben"
    has_no_email = not requester_addresses(ticket)
    _to_office(MessageKind.DECIDED, what, ticket, now, has_no_email=has_no_email, **context)


def answer(ticket: Ticket, by: Staff, text: str, now: datetime) -> None:
    """Send the requester an answer of the office."""
    _to_requester(MessageKind.ANSWER, "Antwort", ticket, now, by=by, text=text)


def done(ticket: Ticket, text: str, now: datetime) -> None:
    """Tell the requester that the request is done; the text says how, or is empty."""
    _to_requester(MessageKind.DONE, "Erledigt", ticket, now, text=text)


def cancelled(ticket: Ticket, reason: str, now: datetime) -> None:
    """Tell the requester why the request is cancelled."""
    _to_requester(MessageKind.CANCELLED, "Storniert", ticket, now, reason=reason)


def reopened(ticket: Ticket, reason: str, now: datetime) -> None:
    """Tell the requester why the office has reopened a closed request."""
    _to_requester(MessageKind.REOPENED, "Wieder geöffnet", ticket, now, reason=reason)


def reply(ticket: Ticket, event: Event, previous_status: TicketStatus, now: datetime) -> None:
    """Tell the office what the customer writes, and which status the ticket had before."""
    what = "Nachricht vom Kunden"
    _to_office(MessageKind.REPLY, what, ticket, now, event=event, previous_status=previous_status)


def pin_lockout_notice(customer: Customer, is_own: bool, now: datetime) -> None:
    """Tell a customer's contact on file that somebody tries PINs, and what follows.

    is_own: PINs are tried for this customer's number, not for many others'.
    """
    body = _render(MessageKind.GUESSING, customer=customer, is_own=is_own)
    subject = f"Viele falsche PINs{f' zu Ihrer Kundennummer {customer.number}' if is_own else ''}"
    outbox.put(MessageKind.GUESSING, body, now, recipient=customer.email, subject=subject)


def summary(overview: Any, today: date, now: datetime) -> None:
    """Tell the office what waits today. Unmatched requests are only counted: anybody may have written them.

    overview: an Overview of services.reports, which this package must not import.
    """
    subject = f"Heute, {formats.weekday(today)}: {_in_short(overview)}"
    body = _render(MessageKind.SUMMARY, overview=overview, today=today)
    outbox.put(MessageKind.SUMMARY, body, now, recipient=settings.office_email, subject=subject)


def test_mail(recipient: str, by: Staff, now: datetime) -> Message:
    """Send a mail that only shows that it arrives, in a transaction of its own, and return its message."""
    body = _render(MessageKind.TEST, by=by, now=now)
    subject = f"Testmail: {settings.office_name}"
    with transaction():
        return outbox.put(MessageKind.TEST, body, now, recipient=recipient, subject=subject)


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


def _to_requester(kind: MessageKind, what: str, ticket: Ticket, now: datetime, **context: object) -> None:
    _to_customer(kind, what, ticket, requester_addresses(ticket), now, **context)


def _to_customer(
    kind: MessageKind, what: str, ticket: Ticket, recipients: list[str], now: datetime, **context: object
) -> None:
    link = access_links.for_customer(ticket, now) if recipients else None
    for recipient in recipients:
        _put(kind, what, ticket, recipient, now, link, **context)


def _to_approver(
    kind: MessageKind, what: str, ticket: Ticket, approver: Approver, now: datetime, **context: object
) -> None:
    link = access_links.for_approver(ticket, approver, now)
    _put(kind, what, ticket, approver.email, now, link, approver=approver, expires_at=link.expires_at, **context)


def _to_office(kind: MessageKind, what: str, ticket: Ticket, now: datetime, **context: object) -> None:
    _put(kind, what, ticket, settings.office_email, now, None, hidden_fields=(), **context)


def _put(
    kind: MessageKind,
    what: str,
    ticket: Ticket,
    recipient: str,
    now: datetime,
    link: TicketLink | None,
    **context: object,
) -> None:
    common = {
        "ticket": ticket,
        "submission": ticket.submission,
        "customer": ticket.customer,
        "url": link and access_links.placeholder_url(link),
        "hidden_fields": office_only_fields(ticket),
        "recipient": recipient,
    }
    body, subject = _render(kind, **common | context), _subject(what, ticket)
    with_attachments = kind is MessageKind.NEW_TICKET and settings.mail_attachments == "on"
    outbox.put(
        kind, body, now, subject, ticket=ticket, link=link, recipient=recipient, with_attachments=with_attachments
    )


def _render(kind: MessageKind, **context: object) -> str:
    # The current language may be an English reader's; mails are German.
    with catalogue.override(catalogue.GERMAN):
        body = templates.get_template(f"{kind}.txt").render(**context)
    # Parts that are left out leave their blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", body).strip("\n") + "\n"


def _in_short(overview: Any) -> str:
    parts = (
        (overview.replies.count, "mit Nachricht vom Kunden"),
        (overview.new.count, "neu"),
        (overview.unapproved_high.count, "hoch und noch nicht freigegeben"),
        (overview.overdue_approvals.count, "überfällig zur Freigabe"),
        (overview.unmatched_total, "nicht zugeordnet"),
        (overview.entries.count, "neuer Mitarbeiter" if overview.entries.count == 1 else "neue Mitarbeiter"),
        (overview.undelivered.count, "nicht zustellbar"),
    )
    return ", ".join(f"{count} {words}" for count, words in parts if count) or "nichts zu tun"


def _subject(what: str, ticket: Ticket) -> str:
    submission = ticket.submission
    about = [submission.category.label]
    if submission.category is Category.NEW_EMPLOYEE:
        # Its form asks for no priority.
        about.append(f"Eintritt {submission.entry_date:%d.%m.%Y}")
    else:
        about.append(f"Priorität {submission.priority.label}")
    return f"{what} [{submission.spoken_code}] {', '.join(about)}: {submission.summary}"
