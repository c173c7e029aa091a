"""Approvals: the customer's approvers are asked about a ticket and reminded, and the first decision counts."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import partial

from peewee import Expression, ModelSelect, Value, fn

from clock import TIME_ZONE
from database import count_rows, prepared, prepared_rows
from enums import PORTAL_ACTOR, Approval, Category, EventKind, MessageKind, Priority, TicketStatus
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Contact, Customer, Event, Staff, Ticket, TicketLink
from services import workdays
from services.errors import UserError
from services.mail import access_links, messages
from services.tickets import events, locking
from services.tickets.locking import require, staff_action
from settings import settings

# The first reminder is sent one working day after the request, the second two working days after the first.
REMINDER_STEPS = (1, 2)
MAX_REMINDERS = len(REMINDER_STEPS)

BY_LINK = {Approval.APPROVED: EventKind.APPROVED, Approval.DECLINED: EventKind.DECLINED}
ON_BEHALF = {Approval.APPROVED: EventKind.APPROVED_ON_BEHALF, Approval.DECLINED: EventKind.DECLINED_ON_BEHALF}
DECISION_EVENTS = (*BY_LINK.values(), *ON_BEHALF.values())
DECLINE_EVENTS = (BY_LINK[Approval.DECLINED], ON_BEHALF[Approval.DECLINED])

# What an approver reads about a decision, by the decision and whether work had begun. The first sentence is for a
# requester who gets a mail, the second for one whom staff have to call.
_OUTCOME_TEXTS = {
    (Approval.DECLINED, False): (
        N_("Wir haben %(name)s Bescheid gegeben; mehr ist nicht zu tun."),
        N_("Wir geben %(name)s Bescheid; mehr ist nicht zu tun."),
    ),
    (Approval.DECLINED, True): (N_("Wir haben %(name)s Bescheid gegeben."), N_("Wir geben %(name)s Bescheid.")),
    (Approval.APPROVED, False): (
        N_("Wir haben %(name)s Bescheid gegeben und fangen an."),
        N_("Wir geben %(name)s Bescheid und fangen an."),
    ),
    (Approval.APPROVED, True): (
        N_("Wir haben %(name)s Bescheid gegeben und arbeiten daran."),
        N_("Wir geben %(name)s Bescheid und arbeiten daran."),
    ),
}

# The reason for cancelling a declined ticket.
NOT_APPROVED = "Freigabe abgelehnt"


def _with_kinds(ticket_id: Value, *kinds: EventKind) -> ModelSelect:
    return Event.select().where(Event.ticket == ticket_id, Event.kind.in_(kinds)).order_by(Event.id)


_last_request = prepared(
    lambda ticket_id: _with_kinds(ticket_id, EventKind.ASKED, EventKind.REOPENED).select(fn.MAX(Event.id)).order_by()
)
_starts = prepared_rows(lambda ticket_id: _with_kinds(ticket_id, EventKind.STARTED_EARLY, EventKind.REOPENED))
_ends_and_reopenings = prepared_rows(
    lambda ticket_id: _with_kinds(ticket_id, *DECLINE_EVENTS, EventKind.CANCELLED, EventKind.REOPENED)
)


class NothingToDecide(UserError):
    """The approval is no longer pending: it has been decided, or the ticket is closed."""

    def __init__(self) -> None:
        super().__init__("Hier ist keine Freigabe mehr zu entscheiden.")


def request_approval(ticket: Ticket, actor: str, now: datetime) -> None:
    """Ask the approvers for a decision and restart the reminders, within the caller's transaction."""
    asked = approvers_to_ask(ticket, now)
    ticket.approval = Approval.PENDING
    # If nobody can be asked, the ticket counts as overdue at once, so that staff see to it.
    ticket.reminders = 0 if asked else MAX_REMINDERS
    ticket.remind_at = reminder_after(ticket, now, sent=0) if asked else None
    context = {"reopening": reopening(ticket), "has_begun": early_start(ticket) is not None}
    messages.to_approvers(MessageKind.APPROVAL_WANTED, ticket, asked, now, **context)
    if asked:
        events.record(ticket, EventKind.ASKED, actor, now, _names(asked))


def request_approval_again(ticket: Ticket, by: Staff, seen: int, now: datetime) -> None:
    """Ask the approvers again; their links are valid for the full period again."""
    with staff_action(ticket, by, seen, now):
        _require_pending(ticket)
        require(ticket.customer.locked_at is None, "Dieser Kunde ist gesperrt.")
        require(can_request_approval(ticket), "Dieser Kunde hat keinen Genehmiger, den das Portal fragen kann.")
        request_approval(ticket, by.name, now)


def can_request_approval(ticket: Ticket) -> bool:
    """Say whether the ticket's customer has approvers and is not locked; a locked customer's links do not work."""
    return ticket.customer.locked_at is None and ticket.customer.approvers.exists()


def last_request_id(ticket: Ticket) -> int:
    """Return the id of the event that last asked for a decision, or 0."""
    return _last_request(ticket.id).fetchone()[0] or 0


def decide(link: TicketLink, seen: int, decision: Approval, text: str, now: datetime) -> None:
    """Decide as the approver to whom the link belongs.

    seen: the last_request_id on the page that the approver looked at. Raises NothingToDecide, also if the link is no
    longer valid or approval was requested again meanwhile.
    """
    ticket = link.ticket
    with locking.locked_ticket(ticket):
        current = access_links.reload(link, now)
        if current is None or seen != last_request_id(ticket):
            raise NothingToDecide
        _decide(ticket, BY_LINK, decision, current.approver.name, text, now)


def approve(ticket: Ticket, by: Staff, seen: int, now: datetime, text: str) -> None:
    """Record an approval on an approver's behalf; the text says who gave it, and when."""
    with staff_action(ticket, by, seen, now):
        _decide(ticket, ON_BEHALF, Approval.APPROVED, by.name, text, now)


def decline(ticket: Ticket, by: Staff, seen: int, now: datetime, reason: str) -> None:
    """Record a decline on an approver's behalf; a ticket on which work has not begun is cancelled."""
    with staff_action(ticket, by, seen, now):
        _decide(ticket, ON_BEHALF, Approval.DECLINED, by.name, reason, now)


def decision(ticket: Ticket) -> Event | None:
    """Return the event by which the ticket was approved or declined, or None."""
    if ticket.approval not in BY_LINK:
        return None
    return ticket.events.where(Event.kind.in_(DECISION_EVENTS)).order_by(Event.id.desc()).first()


def decided_by(event: Event) -> str:
    """Return the name of the approver who decided by link, or "" if staff recorded it, whose names stay internal."""
    return event.actor if event.kind in BY_LINK.values() else ""


def next_steps(event: Event) -> str:
    """Return the sentences that tell the requester what they can still do after a decline."""
    return _(
        "Sprechen Sie bitte mit %(who)s. Soll es doch gemacht werden, senden Sie eine neue Anfrage oder rufen Sie uns "
        "an.",
        who=decided_by(event) or _("Ihrem Genehmiger"),
    )


def outcome_text(ticket: Ticket, event: Event, approver: Contact) -> str:
    """Return what follows from a decision, for the approver who made it or another one; "" if the work is over."""
    is_declined = ticket.approval is Approval.DECLINED
    if not is_declined and not ticket.is_open:
        return ""
    has_begun = ticket.is_open if is_declined else ticket.status is not TicketStatus.NEW
    mailed, to_call = _OUTCOME_TEXTS[ticket.approval, has_begun]
    sentence = _(mailed if messages.requester_addresses(ticket) else to_call, name=ticket.name)
    return _("Danke. %(sentence)s", sentence=sentence) if decided_by(event) == approver.name else sentence


def early_start(ticket: Ticket, before: Event | None = None) -> Event | None:
    """Return the event by which work began without an approval (before an event, if given), or None."""
    starts = [event for event in _starts(ticket.id) if before is None or event.id < before.id]
    last = starts[-1] if starts else None
    return last if last and last.kind is EventKind.STARTED_EARLY else None


def reopening(ticket: Ticket) -> tuple[Event, Event] | None:
    """Return the decline or cancellation before the latest reopening, and that reopening; None if there was none."""
    ended = found = None
    for event in _ends_and_reopenings(ticket.id):
        if event.kind is EventKind.REOPENED:
            found, ended = ended and (ended, event), None
        elif ended is None or ended.kind not in DECLINE_EVENTS:
            # The decline says more than the cancellation that follows from it.
            ended = event
    return found


def approvers_to_ask(ticket: Ticket, now: datetime) -> list[Contact]:
    """Return the approvers who are not absent today, or all if everybody is, so that the request is not lost."""
    if ticket.customer.locked_at:
        return []
    today = now.astimezone(TIME_ZONE).date()
    approvers = ticket.customer.approvers_by_name
    return [approver for approver in approvers if not approver.is_absent(today)] or approvers


def overdue() -> Expression:
    """Return the condition for tickets that wait though all reminders were sent or no approver can be asked."""
    can_be_asked = Ticket.customer.in_(
        Contact.select(Contact.customer).join(Customer).where(Contact.is_approver, Customer.locked_at.is_null())
    )
    return (Ticket.approval == Approval.PENDING) & ((Ticket.reminders >= MAX_REMINDERS) | ~can_be_asked)


def lacks_present_approver(today: date) -> Expression:
    """Return the condition for tickets that wait while all approvers of their customer are absent."""
    is_always_there = Contact.absent_from.is_null() & Contact.absent_until.is_null()
    is_there = is_always_there | (Contact.absent_from > today) | (Contact.absent_until < today)
    present = Contact.select(Contact.customer).where(Contact.is_approver, is_there)
    return (Ticket.approval == Approval.PENDING) & Ticket.customer.not_in(present)


def pending(customer: Customer) -> int:
    """Return the number of a customer's tickets that wait for a decision."""
    return count_rows(customer.tickets.where(Ticket.approval == Approval.PENDING, Ticket.closed_at.is_null()))


def due_reminders(now: datetime) -> list[int]:
    """Return the ids of the tickets whose reminder is due; locked customers are not reminded, as their links fail."""
    query = Ticket.select(Ticket.id).join(Customer).where(Ticket.remind_at <= now, Customer.locked_at.is_null())
    return [ticket.id for ticket in query]


def remind(ticket_id: int, now: datetime) -> None:
    """Remind the approvers of a ticket who are not absent today; if several reminders are due, one mail is sent."""
    ticket = Ticket.with_details().where(Ticket.id == ticket_id).get()
    with locking.locked_ticket(ticket):
        # Meanwhile somebody may have decided or requested approval again.
        if ticket.remind_at is None or ticket.remind_at > now:
            return
        while ticket.remind_at and ticket.remind_at <= now:
            ticket.reminders += 1
            ticket.remind_at = reminder_after(ticket, ticket.remind_at, ticket.reminders)
        reminded = approvers_to_ask(ticket, now)
        context = {"is_last": ticket.remind_at is None, "has_begun": early_start(ticket) is not None}
        messages.to_approvers(MessageKind.REMINDER, ticket, reminded, now, **context)
        if reminded:
            events.record(ticket, EventKind.REMINDED, PORTAL_ACTOR, now, _names(reminded))


def reminder_after(ticket: Ticket, moment: datetime, sent: int) -> datetime | None:
    """Return when the next reminder is due, at the same time of day in Germany, or None after the last one.

    A new employee's approvers are reminded sooner if the account would be late otherwise.

    moment: when approval was requested or the previous reminder was due. sent: how many reminders have been sent.
    """
    if sent == MAX_REMINDERS:
        return None
    local = moment.astimezone(TIME_ZONE)
    tomorrow, day = (
        workdays.add_workdays(local.date(), steps, settings.federal_state) for steps in (1, REMINDER_STEPS[sent])
    )
    if ticket.category is Category.NEW_EMPLOYEE and ticket.due_on:
        day = min(day, max(tomorrow, workdays.last_day_in_time(ticket.due_on, settings.federal_state)))
    return datetime.combine(day, local.time(), TIME_ZONE)


def _decide(
    ticket: Ticket, kinds: dict[Approval, EventKind], decision: Approval, actor: str, text: str, now: datetime
) -> None:
    _require_pending(ticket)
    ticket.approval = decision
    locking.cancel_approval_request(ticket)
    event = events.record(ticket, kinds[decision], actor, now, text)
    has_begun = early_start(ticket, before=event) is not None
    is_known = has_begun or ticket.lead_time_missed or ticket.rank == Priority.HIGH.rank
    context = {"text": text, "has_begun": has_begun}
    if decision is Approval.APPROVED:
        messages.to_requester(MessageKind.APPROVED, ticket, now, by=decided_by(event), **context)
        if not is_known:
            messages.new_ticket(ticket, now, approval=event)
    else:
        if not has_begun:
            locking.close(ticket, TicketStatus.CANCELLED, now)
            events.record(ticket, EventKind.CANCELLED, actor, now, NOT_APPROVED)
        told = {"by": decided_by(event), "next_steps": partial(next_steps, event), **context}
        messages.to_requester(MessageKind.DECLINED, ticket, now, **told)
        # Staff have to call a requester who gets no mail.
        is_known = is_known or not messages.requester_addresses(ticket)
    if kinds is BY_LINK and is_known:
        messages.decided(ticket, now, by=actor, **context)


def _require_pending(ticket: Ticket) -> None:
    if ticket.approval is not Approval.PENDING or not ticket.is_open:
        raise NothingToDecide


def _names(approvers: Iterable[Contact]) -> str:
    return ", ".join(approver.name for approver in approvers)
