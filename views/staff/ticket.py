"""One ticket: what was sent, what became of it, and what can be done with it."""

from flask import Blueprint, abort, g, render_template, request

import clock
from models import Approver, Attachment, Event, Ticket
from services import attachments, changes, tickets
from ticket_forms import VERB_FORMS, NoteForm
from views.answers import answer, go_to, is_htmx
from words import Approval, EventKind

bp = Blueprint("ticket", __name__)


@bp.get("/ticket/<code>")
def show(code):
    """Show a ticket."""
    return _show(_ticket(code))


@bp.post("/ticket/<code>/<slug>")
def act(code, slug):
    """Do one thing with a ticket, or show it again with the reason why not; what was typed stays."""
    ticket, form_class = _ticket(code), VERB_FORMS.get(slug) or abort(404)
    form = form_class(prefix=slug)
    if not form.validate():
        return _show(ticket, form, 422)
    try:
        form.carry_out(ticket, by=g.member, now=clock.now())
    except changes.Outdated as outdated:
        return _show(_ticket(code), form, 422, notice=str(outdated), newer=outdated.events)
    except changes.TicketError as error:
        return _show(_ticket(code), form, 422, notice=str(error))
    if is_htmx():
        return _show(_ticket(code), done=True)
    return go_to(request.path.removesuffix(f"/{slug}"))


def _ticket(code):
    return Ticket.by_code(code) or abort(404)


def _show(ticket, form=None, status=200, **messages):
    """Show a ticket with a form for everything that can be done with it; one of them may be filled in already."""
    possible = tickets.possible_verbs(ticket, by=g.member)
    forms = [
        form if form is not None and slug == form.slug else form_class(formdata=None, prefix=slug)
        for slug, form_class in VERB_FORMS.items()
        if form_class.verb in possible or form_class is NoteForm
    ]
    if form is not None and form not in forms:
        forms.append(form)
    files = [(file, attachments.first_lines(file)) for file in ticket.submission.attachments.order_by(Attachment.id)]
    events = list(ticket.events.order_by(Event.id))
    template = "staff/_ticket.html" if is_htmx() else "staff/ticket.html"
    shown = {"ticket": ticket, "forms": forms, "failed": form, "files": files, "events": events}
    shown |= {
        "approval": _approval(ticket, events),
        "today": clock.today(),
        "pictures": attachments.PICTURES,
        "htmx": is_htmx(),
    }
    return answer(render_template(template, **shown, **messages), status)


def _approval(ticket, events):
    """Return who decides about a ticket that waits, and who was asked and reminded when; else None."""
    if ticket.approval is not Approval.PENDING or not ticket.is_open:
        return None
    last = {event.kind: event for event in events}
    return {
        "deciders": ticket.customer.approvers.order_by(Approver.name),
        "asked": last.get(EventKind.ASKED),
        "reminded": last.get(EventKind.REMINDED),
    }
