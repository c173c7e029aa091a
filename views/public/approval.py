"""The approver's page: opening it decides nothing, because mail programs open links by themselves."""

from flask import Blueprint, g, redirect, url_for
from flask_wtf.csrf import CSRFError

import clock
from enums import Approval, LinkPurpose
from forms import DecisionForm
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from services.mail import messages
from services.tickets import approvals
from views.public.link_access import load_link, require_link
from views.shared.locale import add_language_routes
from views.shared.responses import is_cross_site, render_page, wrong_address_notice

bp = Blueprint("approval", __name__, url_prefix="/freigabe/<token>")
require_link(bp, LinkPurpose.APPROVAL)
add_language_routes(bp, ".show", lambda: _show(DecisionForm()))

TOO_LATE = N_("Ihr Klick kam später an und hat nichts mehr geändert.")
NOT_YET = N_(
    "Ihre Entscheidung ist noch nicht angekommen, weil die Seite zu lange offen war oder Ihr Browser keine Cookies "
    "annimmt. Bitte entscheiden Sie noch einmal."
)


@bp.get("")
def show():
    """Show the request, and the decision if there is one."""
    return _show(DecisionForm(formdata=None))


@bp.post("")
def decide():
    """Decide about the request, or show it again with what is wrong; the first decision counts."""
    form = DecisionForm()
    if not form.validate():
        return _show(form, 422)
    try:
        approvals.decide(g.link, form.question.data, form.chosen, form.reason.data, clock.now())
    except approvals.NothingToDecide:
        return load_link(LinkPurpose.APPROVAL) or _show(form, 409, notice=_(TOO_LATE))
    return redirect(url_for(".show"), 303)


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Show the page again with a new CSRF token; nothing is decided."""
    if is_cross_site():
        # Another site must not show our form with text of its own.
        return redirect(url_for(".show"), 303)
    notice = wrong_address_notice(url_for(".show")) or _(NOT_YET)
    return load_link(LinkPurpose.APPROVAL) or _show(DecisionForm(), 422, notice)


def _show(form, status=200, notice=""):
    ticket = g.link.ticket
    decision = approvals.decision(ticket)
    is_open = not decision and not ticket.closed_at
    parts = {
        "ticket": ticket,
        "submission": ticket.submission,
        "hidden_fields": messages.office_only_fields(ticket),
        "form": form,
        "last_request_id": is_open and approvals.last_request_id(ticket),
        "notice": notice,
        "is_open": is_open,
        "heading": _heading(ticket, decision),
        "decision": decision,
        "decided_by": decision and approvals.decided_by(decision),
        "outcome_text": decision and approvals.outcome_text(ticket, decision, g.link.approver),
        "early_start": approvals.early_start(ticket, before=decision),
        "reopening": is_open and approvals.reopening(ticket),
    }
    return render_page("public/approval.html", status, **parts)


def _heading(ticket, decision):
    if ticket.approval is Approval.APPROVED:
        return _("Freigegeben")
    if decision:
        return _("Nicht freigegeben")
    return _("Hier ist nichts mehr zu entscheiden") if ticket.closed_at else _("Bitte entscheiden Sie")
