"""The messages between staff and customer about a ticket, and what the customer sees of the ticket."""

from datetime import datetime, timedelta

from peewee import ModelSelect, Value

from database import prepared
from enums import Approval, EventKind, MessageKind, TicketStatus
from i18n import formats
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Attachment, Event, Staff, Ticket, TicketLink
from services.errors import UserError
from services.files import attachments
from services.mail import access_links, messages
from services.tickets import actions, approvals, events
from services.tickets.locking import locked_ticket, require, staff_action
from settings import settings

# The customer sees no other events.
CUSTOMER_VISIBLE = (EventKind.ANSWERED, EventKind.REPLIED, EventKind.DONE)


def _events_for_customer(ticket_id: Value | int) -> ModelSelect:
    return Event.select().where(Event.ticket == ticket_id, Event.kind.in_(CUSTOMER_VISIBLE)).order_by(Event.id)


# Most tickets have none, which a query that is built once tells.
_visible = prepared(lambda ticket_id: _events_for_customer(ticket_id).limit(1))

# One text for each value of Approval, in their order.
_STATUS_TEXTS = {
    TicketStatus.NEW: (
        N_("Wir haben Ihre Anfrage und sehen sie uns an."),
        N_("Ihr Genehmiger hat noch nicht entschieden. Wir fangen danach an."),
        N_("Ihre Anfrage ist freigegeben, und wir sehen sie uns an."),
        N_("Ihre Anfrage ist nicht freigegeben."),
    ),
    TicketStatus.IN_PROGRESS: (
        N_("Wir arbeiten daran."),
        N_("Wir arbeiten schon daran. Ihr Genehmiger hat noch nicht entschieden."),
        N_("Ihre Anfrage ist freigegeben, und wir arbeiten daran."),
        N_("Ihre Anfrage ist nicht freigegeben. Wir hatten schon begonnen und melden uns."),
    ),
    TicketStatus.WAITING: (
        N_("Wir warten auf Ihre Antwort."),
        N_("Wir warten auf Ihre Antwort. Ihr Genehmiger hat noch nicht entschieden."),
        N_("Ihre Anfrage ist freigegeben. Wir warten auf Ihre Antwort."),
        N_("Ihre Anfrage ist nicht freigegeben, aber schon begonnen. Wir warten auf Ihre Antwort."),
    ),
    TicketStatus.DONE: (N_("Erledigt am %(closed)s."),) * 3
    + (N_("Erledigt am %(closed)s. Ihre Anfrage war nicht freigegeben."),),
    TicketStatus.CANCELLED: (N_("Storniert am %(closed)s."),) * 3
    + (N_("Nicht freigegeben und storniert am %(closed)s."),),
}


class AlreadySent(Exception):
    """Another message was sent before with the same submission key."""


def answer(
    ticket: Ticket,
    by: Staff,
    seen: int,
    now: datetime,
    text: str,
    submission_key: str,
    files: int = 0,
    minutes: int | None = None,
    then_wait: bool = False,
) -> None:
    """Send the customer an answer with its staged files; set the ticket to waiting if wanted.

    The number of files and a second call with the same submission key are handled as in `reply`.
    """
    if _was_sent(ticket, submission_key, text):
        return
    with staff_action(ticket, by, seen, now) as record:
        obstacle = why_no_answer(ticket)
        require(not obstacle, obstacle)
        actions.attend_to(ticket, by)
        event = record(EventKind.ANSWERED, text, submission_key=submission_key, minutes=minutes)
        attachments.adopt(submission_key, ticket.submission, event, expected=files)
        if then_wait and ticket.status is not TicketStatus.WAITING:
            is_possible = "wait" in actions.possible_actions(ticket, by)
            require(is_possible, "Auf den Kunden warten können Sie erst nach der Freigabe.")
            ticket.status = TicketStatus.WAITING
            record(EventKind.WAITING)
        messages.to_requester(MessageKind.ANSWER, ticket, now, by=by, event=event)


def add_note(
    ticket: Ticket, by: Staff, now: datetime, text: str, submission_key: str, files: int = 0, minutes: int | None = None
) -> None:
    """Add an internal note with its files; it cannot conflict with what others did meanwhile.

    The number of files and a second call with the same submission key are handled as in `reply`.
    """
    with locked_ticket(ticket):
        is_new = not Event.select().where(Event.draft == submission_key).exists()
        if is_new:
            ticket.first_action_at = ticket.first_action_at or now
            actions.attend_to(ticket, by)
            event = events.record(ticket, EventKind.NOTED, by.name, now, text, submission_key, minutes)
            attachments.adopt(submission_key, ticket.submission, event, expected=files)
    if not is_new:
        _was_sent(ticket, submission_key, text)


def revoke_link(ticket: Ticket, by: Staff, seen: int, now: datetime, text: str) -> None:
    """Revoke the customer's link; the next mail contains a new one."""
    with staff_action(ticket, by, seen, now) as record:
        is_revoked = access_links.revoke_customer_link(ticket, now)
        require(is_revoked, "Kein Link öffnet im Augenblick die Seite des Kunden.")
        record(EventKind.LINK_REVOKED, text)


def reply(link: TicketLink, submission_key: str, text: str, files: int, now: datetime) -> None:
    """Store a customer's message with the files staged under its submission key, and tell the office.

    files: how many files the form showed. Raises FilesGone if there are fewer now.

    A waiting ticket returns to work, and one that is done is reopened. A second call with the same submission key and
    content changes nothing; other content with a used key raises AlreadySent. Raises UserError if no reply is accepted.
    """
    ticket = link.ticket
    with locked_ticket(ticket):
        if not Event.select().where(Event.draft == submission_key).exists():
            _check_reply_allowed(link, now)
            ticket.follow_up_on, ticket.follow_up_note = None, ""
            previous_status = ticket.status
            if previous_status is TicketStatus.WAITING:
                ticket.status = TicketStatus.IN_PROGRESS
            event = events.record(ticket, EventKind.REPLIED, ticket.customer.name, now, text, submission_key)
            attachments.adopt(submission_key, ticket.submission, event, expected=files)
            if previous_status is TicketStatus.DONE:
                actions.return_to_queue(ticket, ticket.customer.name, now)
            messages.reply(ticket, event, previous_status, now)
            return
    _was_sent(ticket, submission_key, text)


def accepts_replies(ticket: Ticket) -> bool:
    """Say whether the customer can write: while the ticket is open, and to reopen one that is done."""
    return ticket.is_open or (ticket.status is TicketStatus.DONE and ticket.approval is not Approval.DECLINED)


def status_text(ticket: Ticket) -> str:
    """Return the sentence that tells the customer the ticket's status."""
    words = _STATUS_TEXTS[ticket.status][list(Approval).index(ticket.approval)]
    if ticket.closed_at:
        return _(words, closed=formats.local_date(ticket.closed_at))
    if not ticket.replied_at:
        return _(words)
    written = _("Wir haben Ihre Nachricht vom %(day)s und antworten darauf.", day=formats.local_date(ticket.replied_at))
    return f"{_(words)} {written}"


def reasons(ticket: Ticket, now: datetime) -> list[tuple[str, str, datetime]]:
    """Return why the request was declined and cancelled, each as text, author and time, once it is certain."""
    found = []
    if ticket.approval is Approval.DECLINED and (event := approvals.decision(ticket)):
        # Only staff can undo; an approver's own decision is final at once.
        approver = approvals.decided_by(event)
        if approver or event.at <= _certain_since(now):
            found.append((event.text, approver or settings.office_name, event.at))
    if ticket.status is TicketStatus.CANCELLED:
        event = ticket.events.where(Event.kind == EventKind.CANCELLED).order_by(Event.id.desc()).first()
        if event and event.text != approvals.NOT_APPROVED and event.at <= _certain_since(now):
            found.append((event.text, event.actor, event.at))
    return found


def next_steps(ticket: Ticket) -> str:
    """Return what the customer can do about a request that was declined before work began, or ""."""
    event = approvals.decision(ticket)
    is_refused = ticket.status is TicketStatus.CANCELLED and ticket.approval is Approval.DECLINED
    return approvals.next_steps(event) if event and is_refused else ""


def visible_events(ticket: Ticket, now: datetime) -> list[Event]:
    """Return the events that the customer sees, oldest first, with their attachments.

    What staff write appears when its mail is sent: until then it can be undone.
    """
    if not _visible(ticket.id).fetchone():
        return []
    shown = _events_for_customer(ticket.id).prefetch(Attachment.select().order_by(Attachment.id))
    return [event for event in shown if event.kind is EventKind.REPLIED or event.at <= _certain_since(now)]


def _certain_since(now: datetime) -> datetime:
    """Return when what staff wrote can no longer be undone if they wrote it by then."""
    return now - timedelta(seconds=settings.undo_seconds)


def office_file(ticket: Ticket, attachment_id: int, now: datetime) -> Attachment | None:
    """Return a file that the office sent the customer with a message, or None."""
    sent = [event for event in visible_events(ticket, now) if event.kind is not EventKind.REPLIED]
    return next((file for event in sent for file in event.attachments if file.id == attachment_id), None)


def possible_actions(ticket: Ticket, now: datetime) -> list[str]:
    """Return the names of the actions of this module that staff can take now."""
    can = {"answer": not why_no_answer(ticket), "revoke_link": access_links.open_customer_link(ticket, now)}
    return [action for action, is_possible in can.items() if is_possible]


def why_no_answer(ticket: Ticket) -> str:
    """Return the sentence that tells staff why the customer cannot be answered, or ""."""
    if not ticket.is_open:
        return "Dieses Ticket ist schon geschlossen."
    if ticket.customer.locked_at:
        return "Der Kunde ist gesperrt, und damit auch seine Seite. Bitte rufen Sie an."
    if not messages.requester_addresses(ticket):
        return "Für diesen Kunden ist keine E-Mail-Adresse hinterlegt. Bitte rufen Sie an."
    return ""


def why_unread(ticket: Ticket) -> str:
    """Return the sentence that tells staff what the customer will not see of mail and ticket page, or ""."""
    if not messages.requester_addresses(ticket):
        return "Der Kunde erfährt davon nichts: Es ist keine E-Mail-Adresse hinterlegt. Bitte rufen Sie an."
    if ticket.customer.locked_at:
        return "Der Kunde liest das in einer E-Mail. Seine Seite ist gesperrt."
    return ""


def _was_sent(ticket: Ticket, submission_key: str, text: str) -> bool:
    """Say whether this message was stored before; raises AlreadySent for another one with the same submission key.

    Not within a transaction: files that came again are removed.
    """
    known = Event.get_or_none(Event.draft == submission_key)
    if known is None:
        return False
    is_other = (known.ticket_id, known.text) != (ticket.id, text)
    if is_other or attachments.remove_duplicates(submission_key, known.attachments):
        raise AlreadySent
    return True


def _check_reply_allowed(link: TicketLink, now: datetime) -> None:
    """Raise UserError if the ticket accepts no replies, the link is no longer valid, or the daily limit is reached."""
    ticket = link.ticket
    if not accepts_replies(ticket) or access_links.reload(link, now) is None:
        raise UserError(_("Dieser Vorgang ist abgeschlossen. Ihre Nachricht ist nicht bei uns angekommen."))
    lately = ticket.events.where(Event.kind == EventKind.REPLIED, Event.at > now - timedelta(days=1))
    if lately.count() >= settings.replies_per_day:
        raise UserError(
            _(
                "Zu diesem Vorgang sind in den letzten 24 Stunden schon %(most)d Nachrichten gekommen. Bitte schreiben "
                "Sie später noch einmal, oder rufen Sie uns an.",
                most=settings.replies_per_day,
            )
        )
