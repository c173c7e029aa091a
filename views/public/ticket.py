"""The customer's page of a ticket: how things stand, what was said, and a box to write to the office."""

from flask import Blueprint, g, redirect, render_template, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

import clock
from database import database
from enums import LinkPurpose
from forms import ReplyForm
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Event
from services.errors import UserError
from services.mail import access_links, messages
from services.security.rate_limit import RateLimited
from services.tickets import conversation
from views.public.link_access import require_link
from views.shared.file_form import FormDesk, check_files, new_submission_key, staged, submitted_key
from views.shared.responses import html_response, is_htmx, redirect_to

bp = Blueprint("customer_page", __name__, url_prefix="/vorgang/<token>")

SENT_BEFORE = N_(
    "Von dieser Seite ist schon eine andere Nachricht bei uns angekommen. Soll das hier eine weitere sein, senden Sie "
    "bitte noch einmal ab."
)


class ReplyDesk(FormDesk):
    """The page with the box for a message, or without it when nothing can be said any more."""

    thing = N_("Ihre Nachricht")

    def submitted_form(self):
        """Return the box with what was sent."""
        return ReplyForm()

    def show(self, form, submission_key=None, status=200, refusals=(), **messages):
        """Show the page, or what changes of it to a script."""
        template = "public/_ticket.html" if is_htmx() else "public/ticket.html"
        submission_key = submission_key or new_submission_key()
        parts = {
            "form": form,
            "draft": submission_key,
            "staged": staged(submission_key),
            "refusals": refusals,
            "htmx": is_htmx(),
        }
        # Without a database, after an error, what was typed can still be shown again.
        if not database.is_closed():
            parts |= _parts(g.link.ticket)
        return html_response(render_template(template, **parts, **messages), status)


desk = ReplyDesk()


@bp.url_value_preprocessor
def take_token(endpoint, values):
    """Take the token out of the address: what it opens concerns every view alike."""
    g.token = values.pop("token")


@bp.url_defaults
def keep_token_in_urls(endpoint, values):
    """Let the addresses of the page's parts begin as its own does."""
    values.setdefault("token", g.token)


@bp.before_request
def open_link():
    """Let nobody in but who has the link."""
    g.link = require_link(g.token, LinkPurpose.CUSTOMER)


@bp.get("")
def page():
    """Show how things stand."""
    return desk.show(ReplyForm(formdata=None))


@bp.post("")
def submit():
    """Take in a message, or show the page again with what is wrong; nothing that was typed or chosen is lost."""
    submission_key, form = submitted_key(), desk.submitted_form()
    refusals = check_files(submission_key, Event.select().where(Event.draft == submission_key))
    if not form.validate() or refusals:
        return desk.show(form, submission_key, 422, refusals)
    try:
        conversation.reply(g.link, submission_key, form.text.data, clock.now())
    except UserError as reason:
        return desk.show(form, submission_key, 422, notice=str(reason))
    except conversation.AlreadySent:
        return desk.show_with_new_key(form, submission_key, _(SENT_BEFORE))
    if not is_htmx():
        return redirect_to(url_for(".page", _anchor="messages"))
    open_link()  # The ticket is another one now.
    return desk.show(ReplyForm(formdata=None), done=True)


@bp.get("/sprache")
def show_again():
    """Lead to the page whoever opens the address that changing the language leaves in the browser."""
    return redirect(url_for(".page"), 303)


@bp.post("/sprache")
def change_language():
    """Show the page in the other language and keep what was typed; its address says which."""
    return desk.show_sent()


@bp.post("/anhaenge")
def upload():
    """Stage the files that were just chosen."""
    return desk.upload()


@bp.post("/anhaenge/entfernen")
def remove_attachment():
    """Remove one staged file."""
    return desk.remove_attachment()


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Give a new token and lose nothing that was typed; no other site knows the address, so nobody else asks."""
    try:
        open_link()
    except HTTPException as dead_link:
        return dead_link
    return desk.renew_session()


@bp.errorhandler(RateLimited)
def rate_limited(limited):
    """Ask who sends too much to wait."""
    return desk.rate_limited(limited)


@bp.errorhandler(500)
def keep_input(error):
    """Show the page again after a server error."""
    return desk.keep_input(error)


def _parts(ticket):
    return {
        "ticket": ticket,
        "hidden_fields": messages.office_only_fields(ticket),
        "state": conversation.status_text(ticket),
        "reasons": conversation.reasons(ticket),
        "next_steps": conversation.next_steps(ticket),
        "messages": conversation.visible_events(ticket),
        "accepts_replies": conversation.accepts_replies(ticket),
        "closes_at": None if ticket.is_open else access_links.customer_page_expires_at(ticket),
    }
