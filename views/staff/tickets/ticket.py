"""A ticket: the request, its history and the actions."""

from flask import Blueprint, abort, g, request

import clock
from enums import Approval, EventKind
from models import Attachment, Event, Ticket
from services.errors import EditConflict, UserError
from services.files import attachments
from services.mail import access_links, messages, outbox
from services.tickets import actions, conversation, corrections, text_blocks
from views.shared.responses import is_htmx, redirect_to, render_page
from views.staff.forms.ticket import ACTION_FORMS, AnswerForm, FactMixin, NoteForm

bp = Blueprint("ticket", __name__)


@bp.get("/ticket/<code>")
def show(code):
    return _show(_ticket(code))


@bp.post("/ticket/<code>/antworten/textbaustein")
def insert_block(code):
    """Append a text block, filled in for the ticket, to the typed answer; nothing is sent."""
    ticket, form = _ticket(code), AnswerForm(prefix=AnswerForm.slug)
    block = form.chosen_block()
    if block:
        form.add(text_blocks.filled(block, ticket, by=g.member))
    status = 200 if block else 422
    if is_htmx():
        return render_page("staff/tickets/_answer_text.html", status, form=form, code=code, inserted=block)
    return _show(ticket, form, status, inserted=block)


@bp.post("/ticket/<code>/<slug>")
def act(code, slug):
    """Carry out an action, or show the ticket again with the reason why not and with what was typed."""
    ticket, form_class = _ticket(code), ACTION_FORMS.get(slug) or abort(404)
    form = form_class(prefix=slug)
    if not form.validate():
        return _show(ticket, form, 422)
    try:
        form.carry_out(ticket, by=g.member, now=clock.now())
    except EditConflict as conflict:
        return _show(_ticket(code), form, 422, notice=str(conflict), newer=conflict.newer)
    except UserError as error:
        return _show(_ticket(code), form, 422, notice=str(error))
    if is_htmx():
        return _show(_ticket(code), done=True)
    return redirect_to(request.path.removesuffix(f"/{slug}"))


def _ticket(code):
    return Ticket.find_by_code(code) or abort(404)


def _show(ticket, form=None, status=200, **shown_before):
    """Show a ticket with a form for each possible action; `form` is one that was sent."""
    now = clock.now()
    possible = actions.possible_actions(ticket, by=g.member) + conversation.possible_actions(ticket, now)
    forms = [
        form if form is not None and slug == form.slug else form_class(formdata=None, prefix=slug)
        for slug, form_class in ACTION_FORMS.items()
        if form_class.action in possible or form_class is NoteForm
    ]
    if form is not None and form not in forms and not isinstance(form, FactMixin):
        forms.append(form)
    if unread := conversation.why_unread(ticket):
        for one in forms:
            one.set_reader_hint(unread)
    events = list(ticket.events.order_by(Event.id))
    template = "staff/tickets/_ticket.html" if is_htmx() else "staff/tickets/ticket.html"
    failed = form if status == 422 else None
    shown = {"ticket": ticket, "forms": forms, "opened": form, "failed": failed, "events": events}
    shown |= {
        "facts": _fact_forms(ticket, form),
        "files": _files(ticket),
        "possible": possible,
        "recipients": messages.requester_addresses(ticket),
        "mails": outbox.count_mails(ticket),
        "why_no_answer": conversation.why_no_answer(ticket),
        "link": access_links.open_customer_link(ticket, now),
        "closes_at": None if ticket.is_open else access_links.customer_page_expires_at(ticket),
        "approval": _approval(ticket, events),
        "today": clock.today(),
        "pictures": attachments.PICTURES,
        "htmx": is_htmx(),
    }
    return render_page(template, status, **shown, **shown_before)


def _fact_forms(ticket, sent):
    """Return the form for each fact that can be corrected; `sent` is one that was sent."""
    forms = {}
    for slug, form_class in ACTION_FORMS.items():
        if getattr(form_class, "fact", None) not in corrections.correctable(ticket):
            continue
        if sent is not None and sent.slug == slug:
            forms[form_class.fact] = sent
        else:
            forms[form_class.fact] = form_class(formdata=None, prefix=slug)
            forms[form_class.fact].show_current(ticket)
    return forms


def _files(ticket):
    """Return the files of a ticket with their first lines, by the id of their event; None is the request."""
    files: dict[int | None, list[tuple[Attachment, str]]] = {}
    for file in ticket.submission.files.order_by(Attachment.id):
        files.setdefault(file.event_id, []).append((file, attachments.first_lines(file)))
    return files


def _approval(ticket, events):
    """Return who decides about a ticket with a pending approval, and when they were asked; None for any other."""
    if ticket.approval is not Approval.PENDING or not ticket.is_open:
        return None
    last = {event.kind: event for event in events}
    approvers = ticket.customer.approvers_by_name
    return {
        "approvers": approvers,
        "all_absent": approvers and all(approver.is_absent(clock.today()) for approver in approvers),
        "asked": last.get(EventKind.ASKED),
        "reminded": last.get(EventKind.REMINDED),
    }
