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
from services.mail import access_links, messages
from services.security.rate_limit import Flood
from services.tickets import conversation
from views.public.link_access import opened
from views.shared.file_form import FileForm, complaints, draft_sent, new_draft, staged
from views.shared.responses import answer, go_to, is_htmx

bp = Blueprint("customer_page", __name__, url_prefix="/vorgang/<token>")

SENT_BEFORE = N_(
    "Von dieser Seite ist schon eine andere Nachricht bei uns angekommen. Soll das hier eine weitere sein, senden Sie "
    "bitte noch einmal ab."
)


class ReplyBox(FileForm):
    """The page with the box for a message, or without it when nothing can be said any more."""

    thing = N_("Ihre Nachricht")

    def form_sent(self):
        """Return the box with what was sent."""
        return ReplyForm()

    def show(self, form, draft=None, status=200, refusals=(), **messages):
        """Show the page, or what changes of it to a script."""
        template = "_customer_page.html" if is_htmx() else "customer_page.html"
        draft = draft or new_draft()
        parts = {"form": form, "draft": draft, "staged": staged(draft), "refusals": refusals, "htmx": is_htmx()}
        # Without a database, after an error, what was typed can still be shown again.
        if not database.is_closed():
            parts |= _parts(g.link.ticket)
        return answer(render_template(template, **parts, **messages), status)


box = ReplyBox()


@bp.url_value_preprocessor
def take_token(endpoint, values):
    """Take the token out of the address: what it opens concerns every view alike."""
    g.token = values.pop("token")


@bp.url_defaults
def stay_at_this_page(endpoint, values):
    """Let the addresses of the page's parts begin as its own does."""
    values.setdefault("token", g.token)


@bp.before_request
def open_link():
    """Let nobody in but who has the link."""
    g.link = opened(g.token, LinkPurpose.CUSTOMER)


@bp.get("")
def page():
    """Show how things stand."""
    return box.show(ReplyForm(formdata=None))


@bp.post("")
def submit():
    """Take in a message, or show the page again with what is wrong; nothing that was typed or chosen is lost."""
    draft, form = draft_sent(), box.form_sent()
    refusals = complaints(draft, Event.select().where(Event.draft == draft))
    if not form.validate() or refusals:
        return box.show(form, draft, 422, refusals)
    try:
        conversation.reply(g.link, draft, form.text.data, clock.now())
    except conversation.NotTaken as reason:
        return box.show(form, draft, 422, notice=str(reason))
    except conversation.AlreadySent:
        return box.show_as_new(form, draft, _(SENT_BEFORE))
    if not is_htmx():
        return go_to(url_for(".page", _anchor="messages"))
    open_link()  # The ticket is another one now.
    return box.show(ReplyForm(formdata=None), done=True)


@bp.get("/sprache")
def show_again():
    """Lead to the page whoever opens the address that changing the language leaves in the browser."""
    return redirect(url_for(".page"), 303)


@bp.post("/sprache")
def change_language():
    """Show the page in the other language and keep what was typed; its address says which."""
    return box.show_sent()


@bp.post("/anhaenge")
def upload():
    """Stage the files that were just chosen."""
    return box.upload()


@bp.post("/anhaenge/entfernen")
def remove_attachment():
    """Remove one staged file."""
    return box.remove_attachment()


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Give a new token and lose nothing that was typed; no other site knows the address, so nobody else asks."""
    try:
        open_link()
    except HTTPException as dead_link:
        return dead_link
    return box.renew_session()


@bp.errorhandler(Flood)
def slow_down(flood):
    """Ask who sends too much to wait."""
    return box.slow_down(flood)


@bp.errorhandler(500)
def keep_input(error):
    """Show the page again after a server error."""
    return box.keep_input(error)


def _parts(ticket):
    return {
        "ticket": ticket,
        "not_shown": messages.not_for_everyone(ticket),
        "state": conversation.state(ticket),
        "reasons": conversation.reasons(ticket),
        "what_now": conversation.what_now(ticket),
        "messages": conversation.said(ticket),
        "takes_replies": conversation.takes_replies(ticket),
        "closes_at": None if ticket.is_open else access_links.expires_at(ticket),
    }
