"""What happens to a ticket: each verb is one transaction, with who, when and why."""

import enums
from enums import STARTED_STATUSES, Approval, EventKind, Priority, TicketStatus
from services import search
from services.mail import messages
from services.tickets import approvals, events
from services.tickets.locking import close, locked_ticket, require, staff_action


def take_over(ticket, by, seen, now):
    """Make the ticket one's own."""
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open, "Dieses Ticket ist schon geschlossen.")
        require(ticket.assignee != by, "Dieses Ticket haben Sie schon übernommen.")
        ticket.assignee = by
        record(EventKind.TAKEN_OVER)


def assign(ticket, to, by, seen, now):
    """Give the ticket to a member of staff, or to nobody."""
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open, "Ein geschlossenes Ticket können Sie nicht zuweisen.")
        require(ticket.assignee != to, "Das Ticket ist schon so zugewiesen.")
        require(to is None or to.locked_at is None, "Dieses Konto ist gesperrt.")
        ticket.assignee = to
        record(EventKind.ASSIGNED, f"an {to.name}" if to else "an niemanden")


def start(ticket, by, seen, now):
    """Begin to work, or go on after waiting; whoever starts a ticket of nobody takes it over."""
    with staff_action(ticket, by, seen, now) as record:
        require("start" in possible_actions(ticket, by), _why_not(ticket))
        ticket.status = TicketStatus.IN_PROGRESS
        ticket.assignee = ticket.assignee or by
        record(EventKind.STARTED)


def start_early(ticket, by, seen, now, reason):
    """Begin to work though the approval is pending, because the priority is high."""
    with staff_action(ticket, by, seen, now) as record:
        require("start_early" in possible_actions(ticket, by), _why_not(ticket))
        ticket.status = TicketStatus.IN_PROGRESS
        ticket.assignee = ticket.assignee or by
        record(EventKind.STARTED_EARLY, reason)
        approvals.notify_of_early_start(ticket, reason, now)


def wait(ticket, by, seen, now, text):
    """Wait for the customer; the text says for what."""
    with staff_action(ticket, by, seen, now) as record:
        require("wait" in possible_actions(ticket, by), _why_not(ticket))
        ticket.status = TicketStatus.WAITING
        record(EventKind.WAITING, text)


def finish(ticket, by, seen, now, text):
    """Close the ticket as done and tell the customer; the text may say how it was solved."""
    with staff_action(ticket, by, seen, now) as record:
        require("finish" in possible_actions(ticket, by), _why_not(ticket))
        close(ticket, TicketStatus.DONE, now)
        record(EventKind.DONE, text)
        messages.done(ticket, text, now)


def cancel(ticket, by, seen, now, reason):
    """Close the ticket without a solution and tell the customer the reason."""
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open, "Dieses Ticket ist schon geschlossen.")
        close(ticket, TicketStatus.CANCELLED, now)
        record(EventKind.CANCELLED, reason)
        messages.cancelled(ticket, reason, now)


def reopen(ticket, by, seen, now, reason):
    """Put a closed ticket back into the queue and tell the customer, with the reason."""
    with staff_action(ticket, by, seen, now):
        require(not ticket.is_open, "Dieses Ticket ist offen.")
        return_to_queue(ticket, by.name, now, reason)
        messages.reopened(ticket, reason, now)


def return_to_queue(ticket, actor, now, reason=""):
    """Open a closed ticket, within the transaction of its change; if it was not approved, a new decision is asked for.

    The customer can do this, too, when what was done does not help.
    """
    ticket.status = TicketStatus.NEW
    ticket.closed_at = None
    search.update_state(ticket)
    events.record(ticket, EventKind.REOPENED, actor, now, reason)
    if ticket.approval in (Approval.PENDING, Approval.DECLINED):
        approvals.request_approval(ticket, enums.PORTAL_ACTOR, now)


def add_note(ticket, by, now, text):
    """Add an internal note; it takes nothing from anybody, so it needs no look at what others did."""
    with locked_ticket(ticket):
        ticket.first_action_at = ticket.first_action_at or now
        events.record(ticket, EventKind.NOTED, by.name, now, text)


def possible_actions(ticket, by):
    """Return the names of what a member of staff can do with a ticket as it is, but for the note: that always goes."""
    if not ticket.is_open:
        return ["reopen"]
    possible = ["assign", "cancel"]
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


def _why_not(ticket):
    if not ticket.is_open:
        return "Dieses Ticket ist schon geschlossen."
    if ticket.approval is Approval.PENDING:
        return "Dieses Ticket wartet noch auf die Freigabe."
    if ticket.approval is Approval.DECLINED:
        return "Dieses Ticket ist nicht freigegeben."
    return f"Das geht nicht: Das Ticket hat den Stand „{ticket.status.label}“."
