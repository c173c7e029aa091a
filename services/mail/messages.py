"""One function for each mail: to whom it goes and what stands in its subject; its text is a file in templates/mail.

Each is called within the transaction of what it tells. Mail goes to addresses on file only, and to one that was typed
into the form if it lies in the customer's own mail domain.
"""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import enums
from database import transaction
from enums import Approval, Category, MessageKind
from i18n import catalogue, formats
from models import Event
from services import request_fields, workdays
from services.mail import access_links, addresses, outbox
from settings import settings


def quoted(text):
    """Return what somebody wrote as a quotation, so that it can be told from our own words."""
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


def confirmation(ticket, now):
    """Tell the customer that the ticket exists, at the address on file and at the requester's own."""
    recipients = _on_file(ticket)
    recipients += [own for own in _own_addresses(ticket) if own.casefold() not in map(str.casefold, recipients)]
    _to_customer(MessageKind.CONFIRMATION, ticket, recipients, _subject("Eingegangen", ticket), now)


def new_ticket(ticket, now, approval=None):
    """Tell the office that there is something to do, with all that it needs to do it, and how it was approved."""
    subject = _subject("Neu, noch nicht freigegeben" if ticket.approval is Approval.PENDING else "Neu", ticket)
    with_attachments = settings.mail_attachments == "on"
    opened_event = ticket.events.order_by(Event.id).first()
    context = {
        "opened_event": opened_event,
        "approval": approval,
        "confirmation_recipients": requester_addresses(ticket),
    }
    _to_office(MessageKind.NEW_TICKET, ticket, subject, now, with_attachments=with_attachments, **context)


def approval_wanted(ticket, approver, now, **context):
    """Ask an approver to decide about a ticket: perhaps anew after it had been declined, or after work has begun."""
    _to_approver(MessageKind.APPROVAL_WANTED, ticket, approver, _subject("Bitte um Freigabe", ticket), now, **context)


def reminder(ticket, approver, now, **context):
    """Remind an approver that a ticket waits for a decision; the last one says that no other follows."""
    subject = _subject("Erinnerung: Bitte um Freigabe", ticket)
    _to_approver(MessageKind.REMINDER, ticket, approver, subject, now, **context)


def started_early(ticket, approver, reason, now):
    """Tell an approver that work has begun, and why it could not wait for the decision."""
    subject = _subject("Vor der Freigabe begonnen", ticket)
    _to_approver(MessageKind.STARTED_EARLY, ticket, approver, subject, now, reason=reason)


def approved(ticket, now, **context):
    """Tell who asked that the ticket is approved: by whom, what they context, and whether work has begun."""
    _to_customer(
        MessageKind.APPROVED, ticket, requester_addresses(ticket), _subject("Freigegeben", ticket), now, **context
    )


def declined(ticket, now, **context):
    """Tell who asked that the ticket is not approved: by whom, why, and whether work has begun."""
    _to_customer(
        MessageKind.DECLINED, ticket, requester_addresses(ticket), _subject("Nicht freigegeben", ticket), now, **context
    )


def decided(ticket, now, **context):
    """Tell the office how an approver decided about what it knows, or what it has to tell the requester itself."""
    what = "Freigegeben" if ticket.approval is Approval.APPROVED else "Nicht freigegeben"
    has_no_email = not requester_addresses(ticket)
    _to_office(MessageKind.DECIDED, ticket, _subject(what, ticket), now, has_no_email=has_no_email, **context)


def answer(ticket, by, text, now):
    """Tell the customer what somebody of the office writes."""
    _to_customer(
        MessageKind.ANSWER, ticket, requester_addresses(ticket), _subject("Antwort", ticket), now, by=by, text=text
    )


def done(ticket, text, now):
    """Tell the customer that the request is done, and how, if somebody wrote that."""
    _to_customer(MessageKind.DONE, ticket, requester_addresses(ticket), _subject("Erledigt", ticket), now, text=text)


def cancelled(ticket, reason, now):
    """Tell the customer why the request is cancelled."""
    _to_customer(
        MessageKind.CANCELLED, ticket, requester_addresses(ticket), _subject("Storniert", ticket), now, reason=reason
    )


def reopened(ticket, reason, now):
    """Tell the customer, last told that the request is closed, that the office has opened it again, and why."""
    subject = _subject("Wieder geöffnet", ticket)
    _to_customer(MessageKind.REOPENED, ticket, requester_addresses(ticket), subject, now, reason=reason)


def reply(ticket, event, previous_status, now):
    """Tell the office what the customer writes, and how things stood before."""
    _to_office(
        MessageKind.REPLY,
        ticket,
        _subject("Nachricht vom Kunden", ticket),
        now,
        event=event,
        previous_status=previous_status,
    )


def pin_lockout_notice(customer, is_own, now):
    """Tell a customer's contact on file that somebody tries PINs, their own or many others', and what follows."""
    body = _render(MessageKind.GUESSING, customer=customer, is_own=is_own)
    subject = f"Viele falsche PINs{f' zu Ihrer Kundennummer {customer.number}' if is_own else ''}"
    outbox.put(MessageKind.GUESSING, body, now, recipient=customer.email, subject=subject)


def summary(overview, today, now):
    """Tell the office what waits today; of what matched nobody only the number, for anybody may have written it."""
    subject = f"Heute, {formats.weekday(today)}: {_in_short(overview)}"
    body = _render(MessageKind.SUMMARY, overview=overview, today=today)
    outbox.put(MessageKind.SUMMARY, body, now, recipient=settings.office_email, subject=subject)


def test_mail(recipient, by, now):
    """Send a mail that shows nothing but that it arrives, in a transaction of its own, and return its message."""
    body = _render(MessageKind.TEST, by=by, now=now)
    subject = f"Testmail: {settings.office_name}"
    with transaction():
        return outbox.put(MessageKind.TEST, body, now, recipient=recipient, subject=subject)


def requester_addresses(ticket):
    """Return the address of who asked: their own if it is sure to be the customer's, else the one on file, or none."""
    return _own_addresses(ticket) or _on_file(ticket)


def office_only_fields(ticket):
    """Return the fields that only the office is shown: what was typed there may be another customer's."""
    return ("customer_number",) if _own_addresses(ticket) else ("customer_number", "email")


def _on_file(ticket):
    return [ticket.customer.email] if ticket.customer.email else []


def _own_addresses(ticket):
    email = ticket.submission.email
    return [email] if email and addresses.is_in_customer_domain(ticket.customer, email) else []


def _to_customer(kind, ticket, recipients, subject, now, **context):
    recipients = list(recipients)
    link = access_links.for_customer(ticket, now) if recipients else None
    for recipient in recipients:
        _put(kind, ticket, recipient, subject, now, link, **context)


def _to_approver(kind, ticket, approver, subject, now, **context):
    link = access_links.for_approver(ticket, approver, now)
    _put(kind, ticket, approver.email, subject, now, link, approver=approver, expires_at=link.expires_at, **context)


def _to_office(kind, ticket, subject, now, with_attachments=False, **context):
    context |= {"with_attachments": with_attachments, "hidden_fields": ()}
    _put(kind, ticket, settings.office_email, subject, now, **context)


def _put(kind, ticket, recipient, subject, now, link=None, with_attachments=False, hidden_fields=None, **context):
    body = _render(
        kind,
        ticket=ticket,
        submission=ticket.submission,
        customer=ticket.customer,
        url=link and access_links.placeholder_url(link),
        hidden_fields=office_only_fields(ticket) if hidden_fields is None else hidden_fields,
        recipient=recipient,
        **context,
    )
    outbox.put(
        kind,
        body,
        now,
        ticket=ticket,
        link=link,
        recipient=recipient,
        subject=subject,
        with_attachments=with_attachments,
    )


def _render(kind, **context):
    # Whoever asks may read English; mails are German.
    with catalogue.override(catalogue.GERMAN):
        body = templates.get_template(f"{kind}.txt").render(**context)
    # What is left out leaves its blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", body).strip("\n") + "\n"


def _in_short(overview):
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


def _subject(what, ticket):
    """Return a subject with the kind, the priority, a short text and the Vorgangsnummer.

    Nobody chose the priority of a new employee; there the date counts.
    """
    submission = ticket.submission
    kind = [submission.category.label]
    if submission.category is Category.NEW_EMPLOYEE:
        kind.append(f"Eintritt {submission.entry_date:%d.%m.%Y}")
    else:
        kind.append(f"Priorität {submission.priority.label}")
    return f"{what} [{submission.spoken_code}] {', '.join(kind)}: {submission.summary}"
