"""The approver's page: the whole request, and two buttons. Looking decides nothing; programs open mailed links, too."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

import clock
from enums import LinkPurpose
from forms import DecisionForm
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from services.mail import messages
from services.tickets import approvals
from views.public.link_access import require_link
from views.shared.responses import html_response, is_cross_site

bp = Blueprint("approval", __name__, url_prefix="/freigabe/<token>")

TOO_LATE = N_("Ihr Klick kam später an und hat nichts mehr geändert.")
NOT_YET = N_(
    "Ihre Entscheidung ist noch nicht angekommen, weil die Seite zu lange offen war oder Ihr Browser keine Cookies "
    "annimmt. Bitte entscheiden Sie noch einmal."
)


@bp.url_defaults
def keep_token_in_urls(endpoint, values):
    """Let the addresses of the page's parts begin as its own does."""
    values.setdefault("token", request.view_args["token"])


@bp.get("")
def show(token):
    """Show the request, and who decided what."""
    return _show(_link(token), DecisionForm(formdata=None))


@bp.post("")
def decide(token):
    """Decide about the request, or show it again with what is wrong; the first decision counts."""
    link, form = _link(token), DecisionForm()
    if not form.validate():
        return _show(link, form, 422)
    try:
        approvals.decide(link, form.question.data, form.chosen, form.reason.data, clock.now())
    except approvals.NothingToDecide:
        return _show(_link(token), form, 409, notice=_(TOO_LATE))
    return redirect(url_for(".show"), 303)


@bp.get("/sprache")
def show_again(token):
    """Lead to the page whoever opens the address that changing the language leaves in the browser."""
    return redirect(url_for(".show"), 303)


@bp.post("/sprache")
def change_language(token):
    """Show the page in the other language and keep what was typed; its address says which."""
    return _show(_link(token), DecisionForm())


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Decide nothing that was asked without a valid token, and lose nothing that was typed."""
    if is_cross_site():
        # Another page must not put its own words into the form.
        return redirect(url_for(".show"), 303)
    try:
        return _show(_link(**request.view_args), DecisionForm(), 422, notice=_(NOT_YET))
    except HTTPException as dead:
        return dead.get_response()


def _link(token):
    return require_link(token, LinkPurpose.APPROVAL)


def _show(link, form, status=200, notice=""):
    ticket = link.ticket
    decision = approvals.decision(ticket)
    parts = {
        "ticket": ticket,
        "submission": ticket.submission,
        "hidden_fields": messages.office_only_fields(ticket),
        "form": form,
        "last_request_id": approvals.last_request_id(ticket),
        "notice": notice,
        "decision": decision,
        "decided_by": decision and approvals.decided_by(decision),
        "outcome_text": decision and approvals.outcome_text(ticket, decision, link.approver),
        "early_start": approvals.early_start(ticket, before=decision),
        "reopening": approvals.reopening(ticket),
    }
    return html_response(render_template("public/approval.html", **parts), status)
