"""The customer's page of a ticket: its state, the messages, and a form to write to the office."""

from flask import Blueprint, abort, g, url_for
from flask_wtf.csrf import CSRFError

import clock
from database import database
from enums import LinkPurpose
from forms import ReplyForm
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from services.errors import UserError
from services.mail import access_links, messages
from services.tickets import conversation
from views.public.link_access import load_link, require_link
from views.shared import stored_files
from views.shared.file_form import FormDesk, new_submission_key, staged
from views.shared.locale import add_language_routes
from views.shared.responses import is_htmx, redirect_to, render_page

bp = Blueprint("customer_page", __name__, url_prefix="/vorgang/<token>")
require_link(bp, LinkPurpose.CUSTOMER)

SENT_BEFORE = N_(
    "Von dieser Seite ist schon eine andere Nachricht bei uns angekommen. Soll das hier eine weitere sein, senden Sie "
    "bitte noch einmal ab."
)


class ReplyDesk(FormDesk):
    """The page with the form for a message, or without it once the ticket accepts none."""

    thing = N_("Ihre Nachricht")

    def submitted_form(self):
        return ReplyForm()

    def show(self, form, submission_key=None, status=200, refusals=(), **messages):
        """Show the page, or to htmx only its content."""
        template = "public/_ticket.html" if is_htmx() else "public/ticket.html"
        parts = {
            "form": form,
            "draft": submission_key or new_submission_key(),
            "staged": staged(submission_key) if submission_key else [],
            "refusals": refusals,
            "htmx": is_htmx(),
        }
        # After an error, what was typed can be shown without the database.
        if not database.is_closed():
            parts |= _parts(g.link.ticket)
        return render_page(template, status, **parts, **messages)

    def ask_for_files(self, error):
        """Show the page again, with the ticket as it is: the message that was rolled back has changed our copy."""
        return load_link(LinkPurpose.CUSTOMER) or super().ask_for_files(error)


desk = ReplyDesk()
desk.add_routes(bp)
add_language_routes(bp, ".page", desk.show_sent)


@bp.get("")
def page():
    return desk.show(ReplyForm(formdata=None))


@bp.post("")
def submit():
    """Receive a message, or show the page again with what is wrong."""
    submission_key, form = desk.valid_form()
    try:
        conversation.reply(g.link, submission_key, form.text.data, form.file_count, clock.now())
    except UserError as reason:
        return desk.show(form, submission_key, 422, notice=str(reason))
    except conversation.AlreadySent:
        return desk.show_with_new_key(form, submission_key, _(SENT_BEFORE))
    if not is_htmx():
        return redirect_to(url_for(".page", _anchor="messages"))
    # The ticket has changed.
    return load_link(LinkPurpose.CUSTOMER) or desk.show(ReplyForm(formdata=None), done=True)


@bp.get("/anhang/<int:attachment_id>")
def download(attachment_id):
    """Send a file of an answer, to be saved."""
    return stored_files.download(conversation.office_file(g.link.ticket, attachment_id, clock.now()) or abort(404))


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Show the page again with a new CSRF token; another site cannot know its URL."""
    return load_link(LinkPurpose.CUSTOMER) or desk.renew_session()


def _parts(ticket):
    return {
        "ticket": ticket,
        "hidden_fields": messages.office_only_fields(ticket),
        "state": conversation.status_text(ticket),
        "reasons": conversation.reasons(ticket, clock.now()),
        "next_steps": conversation.next_steps(ticket),
        "messages": conversation.visible_events(ticket, clock.now()),
        "accepts_replies": conversation.accepts_replies(ticket),
        "closes_at": None if ticket.is_open else access_links.customer_page_expires_at(ticket),
    }
