"""A ticket: the request, its history and the actions."""

import re

from flask import Blueprint, Response, abort, g, request, url_for
from flask_wtf.csrf import CSRFError
from markupsafe import Markup, escape

import clock
from enums import CODE_ALPHABET, Approval, Category, EventKind, TicketStatus
from i18n.typed_text import normalise_code
from models import Attachment, Event, Submission, Ticket
from services.errors import EditConflict, UserError
from services.files import attachments
from services.mail import access_links, messages, outbox
from services.tickets import actions, conversation, corrections, new_employee, undo
from views.shared.error_pages import error_page
from views.shared.file_form import FormDesk, new_submission_key, renewed_token, stage_files, staged, submitted_key
from views.shared.responses import is_cross_site, is_htmx, redirect_to, render_page
from views.staff.forms.ticket import ACTION_FORMS, AnswerForm, CheckForm, MessageFields, TextBlockFields, UndoForm
from views.staff.sign_in import auth

bp = Blueprint("ticket", __name__, url_prefix="/ticket/<code>")

# What the state of a ticket calls for: the first of these actions that is possible.
PRIMARY = {TicketStatus.NEW: ("start", "start_early", "approve")}
OTHERWISE_PRIMARY = ("reopen", "finish")

CODE = re.compile(rf"\b[{CODE_ALPHABET}]{{4}}-?[{CODE_ALPHABET}]{{4}}\b")

SENT_BEFORE = "Sie haben hier schon einen anderen Text gesendet. Ist dies ein weiterer, senden Sie bitte noch einmal."


bp.url_value_preprocessor(lambda endpoint, values: setattr(g, "code", values.pop("code")))
bp.url_defaults(lambda endpoint, values: values.setdefault("code", g.get("code")))


class TicketDesk(FormDesk):
    """The page of a ticket, with the box for answers and notes."""

    thing = "Ihr Text"

    def submitted_form(self):
        return ACTION_FORMS.get((request.view_args or {}).get("slug"), AnswerForm)()

    def show(self, form, submission_key=None, status=200, refusals=(), **messages):
        """Show the page with the box as it was sent."""
        return _show(_ticket(), form, status, submission_key, refusals, **messages)


desk = TicketDesk()
desk.add_routes(bp)
# Unlike a customer's form, this page cannot be shown without the database.
bp.register_error_handler(500, error_page)


@bp.get("")
def show():
    return _show(_ticket())


@bp.post("/<slug>/textbaustein")
def insert_block(slug):
    """Append a text block, filled in for the ticket, to the typed text; nothing is sent."""
    ticket, form_class = _ticket(), ACTION_FORMS.get(slug) or abort(404)
    if not issubclass(form_class, TextBlockFields):
        abort(404)
    form, submission_key = form_class(), submitted_key()
    block = form.insert_block(ticket, by=g.member)
    status = 200 if block else 422
    if is_htmx():
        return render_page("staff/tickets/_text_with_block.html", status, form=form, inserted=block)
    return _show(ticket, form, status, submission_key, stage_files(submission_key), inserted=block)


@bp.post("/<slug>")
def act(slug):
    """Carry out an action, or show the ticket again with the reason why not and with what was typed."""
    ticket, form_class = _ticket(), ACTION_FORMS.get(slug) or abort(404)
    sent, submission_key = {}, None
    is_message = issubclass(form_class, MessageFields)
    if is_message:
        submission_key, form = desk.valid_form()
        sent = {"submission_key": submission_key, "files": form.file_count}
    elif not (form := form_class()).validate():
        return _show(ticket, form, 422)
    try:
        form.carry_out(ticket, by=g.member, now=clock.now(), **sent)
    except EditConflict as conflict:
        return _show(_ticket(), form, 422, submission_key, notice=str(conflict), newer=conflict.newer)
    except UserError as error:
        return _show(_ticket(), form, 422, submission_key, notice=str(error))
    except conversation.AlreadySent:
        return desk.show_with_new_key(form, submission_key, SENT_BEFORE)
    if not is_htmx():
        return redirect_to(url_for(".show"))
    empty_box = (AnswerForm(formdata=None), 200, new_submission_key()) if is_message else ()
    return _show(_ticket(), *empty_box, done=True)


@bp.get("/kalender/eintritt.ics")
def calendar():
    """Send the day on which a new employee begins as a calendar file."""
    ticket = _ticket()
    if not (ticket.category is Category.NEW_EMPLOYEE and ticket.due_on):
        abort(404)
    response = Response(new_employee.calendar_file(ticket, clock.now()), mimetype="text/calendar")
    response.headers.set("Content-Disposition", "attachment", filename=f"eintritt-{g.code}.ics")
    return response


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Renew the token of the box if its script sent a part of it; any other form is shown to be sent again."""
    g.member = auth.current_member()
    is_part_of_box = request.endpoint in auth.FORM_FRAGMENT_ENDPOINTS and "draft" in request.form
    if g.member and is_htmx() and is_part_of_box and not is_cross_site():
        return renewed_token()
    return auth.handle_csrf_error(error)


def _ticket():
    return Ticket.find_by_code(g.code) or abort(404)


def _show(ticket, form=None, status=200, submission_key=None, refusals=(), **shown_before):
    """Show a ticket with the box and a form for each possible action; `form` is one that was sent.

    Other forms bring along what is typed into the box.
    """
    now = clock.now()
    submission_key = submission_key or submitted_key()
    box = form if isinstance(form, MessageFields) else AnswerForm()
    possible = actions.possible_actions(ticket, by=g.member) + conversation.possible_actions(ticket, now)
    possible += corrections.correctable(ticket)
    forms = [
        form if form is not None and slug == form.slug else form_class(formdata=None)
        for slug, form_class in ACTION_FORMS.items()
        if form_class.action in possible and not issubclass(form_class, MessageFields)
    ]
    if form not in (None, box, *forms):
        forms.append(form)
    unread = conversation.why_unread(ticket)
    for one in forms:
        one.show_current(ticket)
        if unread:
            one.set_reader_hint(unread)
    events = list(ticket.events.order_by(Event.id))
    template = "staff/tickets/_ticket.html" if is_htmx() else "staff/tickets/ticket.html"
    failed = form if status >= 400 else None
    shown = {"ticket": ticket, "forms": forms, "opened": form, "failed": failed, "events": events}
    order = PRIMARY.get(ticket.status, OTHERWISE_PRIMARY)
    shown |= {
        "box": box,
        "steps": new_employee.steps(ticket),
        "done_steps": new_employee.done(ticket),
        "check_form": CheckForm(formdata=None),
        "mentioned": _mentioned(ticket, events),
        "minutes": sum(event.minutes for event in events),
        "draft": submission_key,
        "staged": staged(submission_key),
        "refusals": refusals,
        "primary": next((action for action in order if action in possible), None),
        "files": _files(ticket),
        "possible": possible,
        "undo_form": UndoForm(formdata=None),
        "undo_seconds": undo.seconds_left(events[-1], now),
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


@bp.app_template_filter()
def with_links(text, codes):
    """Return a text as HTML in which the numbers of these other tickets are links."""

    def link(match):
        code = normalise_code(match[0])
        url = url_for("staff.ticket.show", code=code)
        return Markup('<a href="{}">{}</a>').format(url, match[0]) if code in codes else match[0]

    return Markup(CODE.sub(link, str(escape(text))))  # noqa: S704 - it was escaped


def _mentioned(ticket, events):
    """Return the numbers of other tickets that the texts of a ticket contain."""
    texts = [ticket.submission.description, *(event.text for event in events)]
    codes = {normalise_code(code) for code in CODE.findall(" ".join(texts))} - {ticket.submission.code}
    found = Ticket.select(Submission.code).join(Submission).where(Submission.code.in_(codes)) if codes else ()
    return {one.submission.code for one in found}


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
