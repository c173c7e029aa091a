"""What happens to a ticket: each verb is one transaction, with who, when and why."""

from contextlib import contextmanager

from models import Event, Ticket, transaction
from services import history, search
from words import Approval, Category, EventKind, Priority, TicketStatus

WORK_BEGUN = (TicketStatus.IN_PROGRESS, TicketStatus.WAITING)

# What verbs change of a ticket; all else is as it was when the ticket was opened.
_CHANGED_BY_VERBS = (Ticket.status, Ticket.approval, Ticket.assignee, Ticket.first_action_at, Ticket.closed_at)


class TicketError(ValueError):
    """Something cannot be done with a ticket; its text is a German sentence for the person who tried."""


class Outdated(TicketError):
    """Somebody else did something since the person looked; carries the events that came meanwhile."""

    def __init__(self, events):
        super().__init__("Inzwischen hat sich an diesem Ticket etwas geändert. Bitte prüfen Sie, ob das noch passt.")
        self.events = events


def take_over(ticket, by, seen, now):
    """Make the ticket one's own."""
    with _changing(ticket, by, seen, now) as record:
        _require(ticket.is_open, "Dieses Ticket ist schon geschlossen.")
        _require(ticket.assignee != by, "Dieses Ticket haben Sie schon übernommen.")
        ticket.assignee = by
        record(EventKind.TAKEN_OVER)


def assign(ticket, to, by, seen, now):
    """Give the ticket to a member of staff, or to nobody."""
    with _changing(ticket, by, seen, now) as record:
        _require(ticket.is_open, "Ein geschlossenes Ticket lässt sich nicht zuweisen.")
        _require(ticket.assignee != to, "Daran hat sich nichts geändert.")
        _require(to is None or to.locked_at is None, "Dieses Konto ist gesperrt.")
        ticket.assignee = to
        record(EventKind.ASSIGNED, f"an {to.name}" if to else "an niemanden")


def start(ticket, by, seen, now):
    """Begin to work, or go on after waiting; whoever starts a ticket of nobody takes it over."""
    with _changing(ticket, by, seen, now) as record:
        _require("start" in possible_verbs(ticket, by), _why_not(ticket))
        ticket.status = TicketStatus.IN_PROGRESS
        ticket.assignee = ticket.assignee or by
        record(EventKind.STARTED)


def start_early(ticket, by, seen, now, reason):
    """Begin to work though the approval is pending, because the priority is high."""
    with _changing(ticket, by, seen, now) as record:
        _require("start_early" in possible_verbs(ticket, by), _why_not(ticket))
        ticket.status = TicketStatus.IN_PROGRESS
        ticket.assignee = ticket.assignee or by
        record(EventKind.STARTED_EARLY, reason)


def wait(ticket, by, seen, now, text):
    """Wait for the customer; the text says for what."""
    with _changing(ticket, by, seen, now) as record:
        _require("wait" in possible_verbs(ticket, by), _why_not(ticket))
        ticket.status = TicketStatus.WAITING
        record(EventKind.WAITING, text)


def finish(ticket, by, seen, now, text):
    """Close the ticket as done; the text may say how it was solved."""
    with _changing(ticket, by, seen, now) as record:
        _require("finish" in possible_verbs(ticket, by), _why_not(ticket))
        _close(ticket, TicketStatus.DONE, now)
        record(EventKind.DONE, text)


def cancel(ticket, by, seen, now, reason):
    """Close the ticket without a solution, with the reason."""
    with _changing(ticket, by, seen, now) as record:
        _require(ticket.is_open, "Dieses Ticket ist schon geschlossen.")
        _close(ticket, TicketStatus.CANCELLED, now)
        record(EventKind.CANCELLED, reason)


def reopen(ticket, by, seen, now, reason):
    """Put a closed ticket back into the queue; after a declined approval a new decision is wanted."""
    with _changing(ticket, by, seen, now) as record:
        _require(not ticket.is_open, "Dieses Ticket ist offen.")
        ticket.status = TicketStatus.NEW
        ticket.closed_at = None
        if ticket.approval is Approval.DECLINED:
            ticket.approval = Approval.PENDING
        search.update_state(ticket)
        record(EventKind.REOPENED, reason)


def note(ticket, by, now, text):
    """Add an internal note; it takes nothing from anybody, so it needs no look at what others did."""
    with transaction():
        is_first = (Ticket.id == ticket.id) & Ticket.first_action_at.is_null()
        Ticket.update(first_action_at=now).where(is_first).execute()
        history.record(ticket, EventKind.NOTED, by.name, now, text)


def approve(ticket, by, seen, now, text):
    """Enter on the approver's behalf that the request is approved; the text says who said so, and when."""
    with _changing(ticket, by, seen, now) as record:
        _require(ticket.approval is Approval.PENDING, "Über die Freigabe ist schon entschieden.")
        ticket.approval = Approval.APPROVED
        record(EventKind.APPROVED, text)


def decline(ticket, by, seen, now, reason):
    """Enter on the approver's behalf that the request is declined; what nobody has begun is cancelled with it."""
    with _changing(ticket, by, seen, now) as record:
        _require(ticket.approval is Approval.PENDING, "Über die Freigabe ist schon entschieden.")
        ticket.approval = Approval.DECLINED
        record(EventKind.DECLINED, reason)
        if ticket.status is TicketStatus.NEW:
            _close(ticket, TicketStatus.CANCELLED, now)
            record(EventKind.CANCELLED, "Freigabe abgelehnt")


def possible_verbs(ticket, by):
    """Return the names of what a member of staff can do with a ticket as it is, but for the note: that always goes."""
    if not ticket.is_open:
        return ["reopen"]
    verbs = ["assign", "cancel"]
    if ticket.assignee != by:
        verbs.append("take_over")
    may_work = ticket.approval in (Approval.NOT_REQUIRED, Approval.APPROVED) or ticket.status in WORK_BEGUN
    if may_work:
        verbs.append("finish")
        if ticket.status is not TicketStatus.IN_PROGRESS:
            verbs.append("start")
        if ticket.status is not TicketStatus.WAITING:
            verbs.append("wait")
    elif ticket.approval is Approval.PENDING and ticket.rank == Priority.HIGH.rank:
        verbs.append("start_early")
    if ticket.approval is Approval.PENDING:
        verbs += ["approve", "decline"]
    return verbs


def flags(ticket):
    """Return what the person who works on the ticket must not overlook, as short German phrases."""
    submission, is_entry = ticket.submission, ticket.category is Category.NEW_EMPLOYEE
    return [
        phrase
        for phrase, applies in (
            ("Vorlauf unterschritten", ticket.lead_time_missed),
            ("keine E-Mail-Adresse gewünscht", is_entry and not submission.desired_email),
            ("Kunde nicht voll betreut", is_entry and not ticket.customer.fully_managed),
            ("Kunde gesperrt", ticket.customer.locked_at is not None),
        )
        if applies
    ]


@contextmanager
def _changing(ticket, by, seen, now):
    """Open the transaction of one verb on the ticket as it is now, and save it; raises Outdated."""
    with transaction():
        _refresh(ticket)
        newer = list(ticket.events.where(Event.id > seen).order_by(Event.id))
        if newer:
            raise Outdated(newer)

        def record(kind, text=""):
            history.record(ticket, kind, by.name, now, text)

        yield record
        ticket.first_action_at = ticket.first_action_at or now
        ticket.save(only=_CHANGED_BY_VERBS)


def _refresh(ticket):
    current = Ticket.get_by_id(ticket.id)
    for field in _CHANGED_BY_VERBS:
        setattr(ticket, field.name, getattr(current, field.name))


def _close(ticket, status, now):
    ticket.status = status
    ticket.closed_at = now
    search.update_state(ticket)


def _require(condition, sentence):
    if not condition:
        raise TicketError(sentence)


def _why_not(ticket):
    if not ticket.is_open:
        return "Dieses Ticket ist schon geschlossen."
    if ticket.approval is Approval.PENDING:
        return "Dieses Ticket wartet noch auf die Freigabe."
    if ticket.approval is Approval.DECLINED:
        return "Dieses Ticket ist nicht freigegeben."
    return f"Das geht nicht: Das Ticket hat den Stand „{ticket.status.label}“."
