"""What staff do with a ticket: each action is one transaction and records who did it, when and why.

seen: the id of the newest event on the page the person looked at; if newer ones came, the actions raise EditConflict.
What is not possible in the ticket's state raises UserError.
"""

from collections.abc import Collection
from datetime import date, datetime

from peewee import ModelSelect, fn

from enums import PORTAL_ACTOR, STARTED_STATUSES, Approval, Category, EventKind, MessageKind, Priority, TicketStatus
from i18n import formats
from models import Attachment, Event, Staff, Submission, Ticket
from services import search
from services.errors import UserError
from services.mail import messages
from services.tickets import approvals, events
from services.tickets.locking import close, require, staff_action


def take_over(ticket: Ticket, by: Staff, seen: int, now: datetime) -> None:
    """Assign the ticket to the person who acts."""
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open, "Dieses Ticket ist schon geschlossen.")
        require(ticket.assignee != by, "Dieses Ticket haben Sie schon übernommen.")
        ticket.assignee = by
        record(EventKind.TAKEN_OVER)


def assign(ticket: Ticket, to: Staff | None, by: Staff, seen: int, now: datetime) -> None:
    """Assign the ticket to a member of staff, or to nobody; nothing happens if it is already so."""
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open, "Ein geschlossenes Ticket können Sie nicht zuweisen.")
        require(to is None or Staff.active().where(Staff.id == to.id).exists(), "Dieses Konto ist gesperrt.")
        if ticket.assignee != to:
            ticket.assignee = to
            record(EventKind.ASSIGNED, f"an {to.name}" if to else "an niemanden")


def hand_over(former: Staff, to: Staff | None, by: Staff, now: datetime) -> None:
    """Assign all open tickets of a member of staff to another one, or to nobody."""
    for ticket in list(Ticket.with_details().where(Ticket.assignee == former, Ticket.closed_at.is_null())):
        assign(ticket, to, by, ticket.events.select(fn.MAX(Event.id)).scalar(), now)


def start(ticket: Ticket, by: Staff, seen: int, now: datetime) -> None:
    """Begin or resume work; an unassigned ticket is assigned to the person who acts."""
    with staff_action(ticket, by, seen, now) as record:
        _begin_work(ticket, by, "start")
        record(EventKind.STARTED)


def start_early(ticket: Ticket, by: Staff, seen: int, now: datetime, reason: str) -> None:
    """Begin work although the approval is pending, because the priority is high."""
    with staff_action(ticket, by, seen, now) as record:
        _begin_work(ticket, by, "start_early")
        record(EventKind.STARTED_EARLY, reason)
        approvers = approvals.approvers_to_ask(ticket, now)
        messages.to_approvers(MessageKind.STARTED_EARLY, ticket, approvers, now, reason=reason)


def wait(ticket: Ticket, by: Staff, seen: int, now: datetime, text: str) -> None:
    """Set the ticket to waiting for the customer; the text says for what."""
    with staff_action(ticket, by, seen, now) as record:
        _require_possible(ticket, by, "wait")
        ticket.status = TicketStatus.WAITING
        record(EventKind.WAITING, text)


def follow_up(ticket: Ticket, by: Staff, seen: int, now: datetime, on: date | None, note: str) -> None:
    """Put the ticket aside until a day, when it is to be done again, or back at once with None; the note says why."""
    with staff_action(ticket, by, seen, now) as record:
        _require_possible(ticket, by, "follow_up")
        require(on or ticket.follow_up_on, "Bitte geben Sie an, wann Sie das Ticket wieder sehen wollen.")
        ticket.follow_up_on, ticket.follow_up_note = on, note if on else ""
        record(EventKind.FOLLOW_UP, f"{formats.weekday(on)}{note and f': {note}'}" if on else "aufgehoben")


def finish(ticket: Ticket, by: Staff, seen: int, now: datetime, text: str, minutes: int | None = None) -> None:
    """Close the ticket as done and tell the customer; the text, which may be empty, says how it was solved."""
    with staff_action(ticket, by, seen, now) as record:
        _require_possible(ticket, by, "finish")
        close(ticket, TicketStatus.DONE, now)
        record(EventKind.DONE, text, minutes=minutes)
        messages.to_requester(MessageKind.DONE, ticket, now, text=text)


def close_as_duplicate(ticket: Ticket, by: Staff, seen: int, now: datetime, other: str) -> None:
    """Close the ticket because it belongs to another open one of the customer, and say so to the customer and there.

    other: the Vorgangsnummer of that one.
    """
    with staff_action(ticket, by, seen, now) as record:
        _require_possible(ticket, by, "close_as_duplicate")
        ticket.duplicate_of = target = open_siblings(ticket).where(Submission.code == other).get_or_none()
        require(target, "Bitte wählen Sie ein offenes Ticket desselben Kunden.")
        close(ticket, TicketStatus.CANCELLED, now)
        record(EventKind.CANCELLED, f"Gehört zu {target.submission.spoken_code}. Dort geht es weiter.")
        events.record(target, EventKind.DUPLICATE, by.name, now, duplicate_text(ticket))
        messages.to_requester(MessageKind.DUPLICATE, ticket, now, other=target.submission)


def open_siblings(ticket: Ticket) -> ModelSelect:
    """Return the query of the customer's other open tickets, newest first."""
    others = Ticket.newest_first().where(Ticket.customer == ticket.customer, Ticket.id != ticket.id)
    return others.where(Ticket.closed_at.is_null())


def duplicate_text(ticket: Ticket) -> str:
    """Return what the history of the ticket that a duplicate belongs to says about it.

    It names no new employee: retention erases them only from their own ticket.
    """
    is_employee = ticket.category is Category.NEW_EMPLOYEE
    about = ticket.category.label if is_employee else ticket.submission.summary
    return f"{ticket.submission.spoken_code} {about}".strip()


def pass_on(
    ticket: Ticket,
    by: Staff,
    seen: int,
    now: datetime,
    recipient: str,
    text: str,
    files: Collection[int],
    with_names: bool,
) -> None:
    """Ask a supplier about the defective device, with the chosen files; name customer and caller only if wanted."""
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open and ticket.category is Category.WARRANTY, "Das geht nur bei einem offenen Garantiefall.")
        chosen = list(ticket.submission.files.where(Attachment.id.in_(files)))
        attached = f"\nAnhänge: {', '.join(file.name for file in chosen)}" if chosen else ""
        record(EventKind.PASSED_ON, f"{recipient}: {text}{attached}")
        messages.to_supplier(ticket, recipient, text, with_names, chosen, now)


def cancel(ticket: Ticket, by: Staff, seen: int, now: datetime, reason: str) -> None:
    """Close the ticket without a solution and tell the customer the reason."""
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open, "Dieses Ticket ist schon geschlossen.")
        close(ticket, TicketStatus.CANCELLED, now)
        record(EventKind.CANCELLED, reason)
        messages.to_requester(MessageKind.CANCELLED, ticket, now, reason=reason)


def reopen(ticket: Ticket, by: Staff, seen: int, now: datetime, reason: str) -> None:
    """Reopen a closed ticket and tell the customer the reason."""
    with staff_action(ticket, by, seen, now):
        require(not ticket.is_open, "Dieses Ticket ist offen.")
        return_to_queue(ticket, by.name, now, reason)
        messages.to_requester(MessageKind.REOPENED, ticket, now, reason=reason)


def return_to_queue(ticket: Ticket, actor: str, now: datetime, reason: str = "") -> None:
    """Reopen a closed ticket, within the caller's transaction, and request approval again if it was not granted.

    actor: a member of staff, or the customer, whose reply reopens a ticket that is done.
    """
    ticket.status = TicketStatus.NEW
    ticket.closed_at = ticket.duplicate_of = None
    search.update_state(ticket)
    events.record(ticket, EventKind.REOPENED, actor, now, reason)
    if ticket.approval in (Approval.PENDING, Approval.DECLINED):
        approvals.request_approval(ticket, PORTAL_ACTOR, now)


def attend_to(ticket: Ticket, by: Staff) -> None:
    """Take over an open ticket that nobody has, and begin a new one if work is allowed, within the transaction."""
    if not ticket.is_open:
        return
    ticket.assignee = ticket.assignee or by
    if ticket.status is TicketStatus.NEW and "start" in possible_actions(ticket, by):
        ticket.status = TicketStatus.IN_PROGRESS


def possible_actions(ticket: Ticket, by: Staff) -> list[str]:
    """Return the names of the actions of this module and of approvals that a member of staff can take now."""
    if not ticket.is_open:
        return ["reopen"]
    possible = ["assign", "follow_up", "cancel"]
    if ticket.category is Category.WARRANTY:
        possible.append("pass_on")
    if open_siblings(ticket).exists():
        possible.append("close_as_duplicate")
    if ticket.assignee != by:
        possible.append("take_over")
    may_work = ticket.approval in (Approval.NOT_REQUIRED, Approval.APPROVED) or ticket.status in STARTED_STATUSES
    if may_work:
        possible.append("finish")
        if ticket.status is not TicketStatus.IN_PROGRESS:
            possible.append("start")
        if ticket.status is not TicketStatus.WAITING:
            possible.append("wait")
    elif ticket.approval is Approval.PENDING and ticket.rank == Priority.HIGH.rank:
        possible.append("start_early")
    if ticket.approval is Approval.PENDING:
        possible += ["approve", "decline"]
        if approvals.can_request_approval(ticket):
            possible.append("request_approval_again")
    return possible


def _begin_work(ticket: Ticket, by: Staff, action: str) -> None:
    _require_possible(ticket, by, action)
    ticket.status = TicketStatus.IN_PROGRESS
    ticket.assignee = ticket.assignee or by


def _require_possible(ticket: Ticket, by: Staff, action: str) -> None:
    if action in possible_actions(ticket, by):
        return
    require(ticket.is_open, "Dieses Ticket ist schon geschlossen.")
    require(ticket.approval is not Approval.PENDING, "Dieses Ticket wartet noch auf die Freigabe.")
    require(ticket.approval is not Approval.DECLINED, "Dieses Ticket ist nicht freigegeben.")
    raise UserError(f"Das geht nicht: Das Ticket hat den Stand „{ticket.status.label}“.")
