"""Who decides about a ticket at the customer's: they are asked and reminded, and the first of them decides."""

from datetime import datetime
from functools import partial

from peewee import fn

import enums
from clock import TIME_ZONE
from database import count_rows
from enums import Approval, EventKind, Priority, TicketStatus
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Approver, Customer, Event, Ticket
from services import workdays
from services.errors import UserError
from services.mail import access_links, messages
from services.tickets import events, locking
from services.tickets.locking import require, staff_action
from settings import settings

# The first reminder goes out one working day after the question, the second one two working days later.
REMINDER_STEPS = (1, 2)
MAX_REMINDERS = len(REMINDER_STEPS)

BY_LINK = {Approval.APPROVED: EventKind.APPROVED, Approval.DECLINED: EventKind.DECLINED}
ON_BEHALF = {Approval.APPROVED: EventKind.APPROVED_ON_BEHALF, Approval.DECLINED: EventKind.DECLINED_ON_BEHALF}
DECISION_EVENTS = (*BY_LINK.values(), *ON_BEHALF.values())
DECLINE_EVENTS = (BY_LINK[Approval.DECLINED], ON_BEHALF[Approval.DECLINED])

# What an approver reads about a decision: where a mail tells who asked, and where we tell them ourselves.
DECLINED_TEXTS = (
    N_("Wir haben %(name)s Bescheid gegeben; mehr ist nicht zu tun."),
    N_("Wir geben %(name)s Bescheid; mehr ist nicht zu tun."),
)
DECLINED_AFTER_START_TEXTS = N_("Wir haben %(name)s Bescheid gegeben."), N_("Wir geben %(name)s Bescheid.")
APPROVED_TEXTS = (
    N_("Wir haben %(name)s Bescheid gegeben und fangen an."),
    N_("Wir geben %(name)s Bescheid und fangen an."),
)
APPROVED_AFTER_START_TEXTS = (
    N_("Wir haben %(name)s Bescheid gegeben und arbeiten daran."),
    N_("Wir geben %(name)s Bescheid und arbeiten daran."),
)

# Why a ticket is cancelled that nobody began.
NOT_APPROVED = "Freigabe abgelehnt"


class NothingToDecide(UserError):
    """Somebody was faster, or the ticket is closed."""

    def __init__(self):
        super().__init__("Hier ist keine Freigabe mehr zu entscheiden.")


def request_approval(ticket, actor, now):
    """Ask for a decision, within the transaction of what made it necessary; the reminders begin from the start."""
    asked = _approvers_to_ask(ticket, now)
    ticket.approval = Approval.PENDING
    # Where nobody can be asked there is nothing to wait for: the office has to see to it.
    ticket.reminders = 0 if asked else MAX_REMINDERS
    ticket.remind_at = reminder_after(now, sent=0) if asked else None
    context = {"reopening": reopening(ticket), "has_begun": early_start(ticket) is not None}
    for approver in asked:
        messages.approval_wanted(ticket, approver, now, **context)
    if asked:
        events.record(ticket, EventKind.ASKED, actor, now, _names(asked))


def request_approval_again(ticket, by, seen, now):
    """Ask anew, with links that are valid for their whole time."""
    with staff_action(ticket, by, seen, now):
        _require_pending(ticket)
        require(ticket.customer.locked_at is None, "Dieser Kunde ist gesperrt.")
        require(can_request_approval(ticket), "Dieser Kunde hat keinen Genehmiger, den das Portal fragen kann.")
        request_approval(ticket, by.name, now)


def can_request_approval(ticket):
    """Say whether somebody can be asked about a ticket; those of a locked customer could open nothing."""
    return ticket.customer.locked_at is None and ticket.customer.approvers.exists()


def last_request_id(ticket):
    """Return the id of the event by which a decision was last asked for, or 0."""
    asked = ticket.events.where(Event.kind.in_((EventKind.ASKED, EventKind.REOPENED)))
    return asked.select(fn.MAX(Event.id)).scalar() or 0


def decide(link, seen, decision, text, now):
    """Decide as the approver who has the link about the question that they have seen.

    Raises NothingToDecide, also if the link has died meanwhile, or if the request has been put before them anew.
    """
    ticket = link.ticket
    with locking.locked_ticket(ticket):
        current = access_links.reload(link, now)
        if current is None or seen != last_request_id(ticket):
            raise NothingToDecide
        _decide(ticket, BY_LINK, decision, current.approver.name, text, now)


def approve(ticket, by, seen, now, text):
    """Enter on the approver's behalf that the request is approved; the text says who context so, and when."""
    with staff_action(ticket, by, seen, now):
        _decide(ticket, ON_BEHALF, Approval.APPROVED, by.name, text, now)


def decline(ticket, by, seen, now, reason):
    """Enter on the approver's behalf that the request is declined; what nobody has begun is cancelled with it."""
    with staff_action(ticket, by, seen, now):
        _decide(ticket, ON_BEHALF, Approval.DECLINED, by.name, reason, now)


def decision(ticket):
    """Return the event that decided about a ticket as it is, or None."""
    if ticket.approval not in BY_LINK:
        return None
    return ticket.events.where(Event.kind.in_(DECISION_EVENTS)).order_by(Event.id.desc()).first()


def decided_by(event):
    """Return which approver decided by a link, or "" if the office entered it; its people have no names here."""
    return event.actor if event.kind in BY_LINK.values() else ""


def next_steps(event):
    """Return the sentences that tell who asked what they can still do after a decline."""
    return _(
        "Sprechen Sie bitte mit %(who)s. Soll es doch gemacht werden, senden Sie eine neue Anfrage oder rufen Sie uns "
        "an.",
        who=decided_by(event) or _("Ihrem Genehmiger"),
    )


def outcome_text(ticket, event, approver):
    """Return what comes of a decision, for the approver who made it or another one; "" after the work."""
    is_declined = event.kind in DECLINE_EVENTS
    if not is_declined and not ticket.is_open:
        return ""
    if is_declined:
        follows = DECLINED_AFTER_START_TEXTS if ticket.is_open else DECLINED_TEXTS
    else:
        follows = APPROVED_TEXTS if ticket.status is TicketStatus.NEW else APPROVED_AFTER_START_TEXTS
    told, to_tell = follows
    sentence = _(told if messages.requester_addresses(ticket) else to_tell, name=ticket.submission.name)
    return _("Danke. %(sentence)s", sentence=sentence) if decided_by(event) == approver.name else sentence


def early_start(ticket, before=None):
    """Return the event by which work began without an approval (before a decision), or None."""
    events = ticket.events.where(Event.kind.in_((EventKind.STARTED_EARLY, EventKind.REOPENED)))
    if before:
        events = events.where(Event.id < before.id)
    last = events.order_by(Event.id.desc()).first()
    return last if last and last.kind is EventKind.STARTED_EARLY else None


def reopening(ticket):
    """Return why a ticket was declined or cancelled and why it was opened again, as two events, or None."""
    ended = found = None
    for event in ticket.events.where(
        Event.kind.in_((*DECLINE_EVENTS, EventKind.CANCELLED, EventKind.REOPENED))
    ).order_by(Event.id):
        if event.kind is EventKind.REOPENED:
            found, ended = ended and (ended, event), None
        elif ended is None or ended.kind not in DECLINE_EVENTS:
            # A decline says more than the cancelling that comes of it.
            ended = event
    return found


def notify_of_early_start(ticket, reason, now):
    """Tell the approvers that work has begun, within the transaction of the start; they can still decide."""
    for approver in _approvers_to_ask(ticket, now):
        messages.started_early(ticket, approver, reason, now)


def overdue():
    """Return the condition that every reminder has brought nothing, or that nobody can be asked or open a link."""
    is_asked = Ticket.customer.in_(
        Approver.select(Approver.customer).join(Customer).where(Customer.locked_at.is_null())
    )
    return (Ticket.approval == Approval.PENDING) & ((Ticket.reminders >= MAX_REMINDERS) | ~is_asked)


def pending(customer):
    """Return how many tickets of a customer wait for a decision."""
    return count_rows(customer.tickets.where(Ticket.approval == Approval.PENDING, Ticket.closed_at.is_null()))


def due_reminders(now):
    """Return the ids of the tickets for which it is time to remind; links of locked customers open nothing."""
    query = Ticket.select(Ticket.id).join(Customer).where(Ticket.remind_at <= now, Customer.locked_at.is_null())
    return [ticket.id for ticket in query]


def remind(ticket_id, now):
    """Remind the approvers who are there today of a ticket; if it was due more than once, one mail stands for all."""
    ticket = Ticket.with_details().where(Ticket.id == ticket_id).get()
    with locking.locked_ticket(ticket):
        # Somebody may have decided, or asked again, in this very moment.
        if ticket.remind_at is None or ticket.remind_at > now:
            return
        while ticket.remind_at and ticket.remind_at <= now:
            ticket.reminders += 1
            ticket.remind_at = reminder_after(ticket.remind_at, ticket.reminders)
        reminded = _approvers_to_ask(ticket, now)
        context = {"is_last": ticket.remind_at is None, "has_begun": early_start(ticket) is not None}
        for approver in reminded:
            messages.reminder(ticket, approver, now, **context)
        if reminded:
            events.record(ticket, EventKind.REMINDED, enums.PORTAL_ACTOR, now, _names(reminded))


def reminder_after(moment, sent):
    """Return when the next reminder is due, some working days after a moment, at the same hour of the office's clock.

    The moment is that of the question or of the reminder before; so many were sent already. None after the last one.
    """
    if sent == MAX_REMINDERS:
        return None
    local = moment.astimezone(TIME_ZONE)
    day = workdays.workday_after(local.date(), REMINDER_STEPS[sent], settings.federal_state)
    return datetime.combine(day, local.time(), TIME_ZONE)


def _decide(ticket, kinds, decision, actor, text, now):
    _require_pending(ticket)
    ticket.approval = decision
    locking.cancel_approval_request(ticket)
    event = events.record(ticket, kinds[decision], actor, now, text)
    has_begun = early_start(ticket, before=event) is not None
    is_known = has_begun or ticket.rank == Priority.HIGH.rank
    context = {"text": text, "has_begun": has_begun}
    if decision is Approval.APPROVED:
        messages.approved(ticket, now, by=decided_by(event), **context)
        if not is_known:
            messages.new_ticket(ticket, now, approval=event)
    else:
        if not has_begun:
            locking.close(ticket, TicketStatus.CANCELLED, now)
            events.record(ticket, EventKind.CANCELLED, actor, now, NOT_APPROVED)
        messages.declined(ticket, now, by=decided_by(event), next_steps=partial(next_steps, event), **context)
        # Somebody has to tell a requester to whom no mail goes.
        is_known = is_known or not messages.requester_addresses(ticket)
    if kinds is BY_LINK and is_known:
        messages.decided(ticket, now, by=actor, **context)


def _require_pending(ticket):
    if ticket.approval is not Approval.PENDING or not ticket.is_open:
        raise NothingToDecide


def _approvers_to_ask(ticket, now):
    """Return the approvers who are there today, or all if nobody is: silence is worse than a mail too many."""
    if not can_request_approval(ticket):
        return []
    today = now.astimezone(TIME_ZONE).date()
    approvers = list(ticket.customer.approvers.order_by(Approver.name))
    return [approver for approver in approvers if not approver.is_absent(today)] or approvers


def _names(approvers):
    return ", ".join(approver.name for approver in approvers)
