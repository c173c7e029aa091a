"""The outbox: the messages with their state, retrying and discarding them, and a test mail."""

import json

from flask import Blueprint, abort, g, request, url_for

import clock
from enums import MessageKind
from form_fields import row_id
from models import Ticket
from services.mail import messages, mime, outbox, smtp
from services.mail.outbox import OutboxFilter
from settings import CONFIG_FILE, settings
from views.shared.responses import redirect_to, render_page
from views.staff.forms.common import OutboxForm, TestMailForm
from views.staff.sign_in import auth

bp = Blueprint("outbox", __name__, url_prefix="/postausgang")


@bp.get("")
def show_all():
    """Show one page of the messages that match the filter, newest first; it reloads itself while one is being sent."""
    return _show_all(TestMailForm(formdata=None, data={"recipient": settings.office_email}))


@bp.post("/testmail")
def send_test_mail():
    """Send a test mail through the outbox and show its state."""
    form = TestMailForm()
    if not form.validate():
        return _show_all(form, 422)
    message = messages.test_mail(form.recipient.data, g.member, clock.now())
    return redirect_to(url_for(".show", message_id=message.id))


@bp.post("/erneut")
def retry_all():
    """Retry all messages that could not be delivered."""
    outbox.retry(clock.now())
    return redirect_to(url_for(".show_all", stand="nicht-zustellbar"))


@bp.post("/verwerfen")
def discard_all():
    """Discard all messages that matched the filter when the page was loaded."""
    outbox_filter = OutboxForm(formdata=request.args).outbox_filter
    if outbox_filter.chosen not in outbox.DISCARDABLE:
        abort(404)
    outbox.discard_all(outbox_filter.chosen, row_id(request.args.get("bis")), clock.now())
    return redirect_to(url_for(".show_all", stand=outbox_filter.data))


@bp.get("/<int:message_id>")
def show(message_id):
    """Show a message; the page reloads itself while it is being sent."""
    message = _find(message_id)
    text = outbox.redacted_text(message)
    if message.kind is MessageKind.WEBHOOK:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    parts = {
        "message": message,
        "text": text,
        "headers": {} if message.kind is MessageKind.WEBHOOK else mime.headers(message),
        "is_transport_configured": outbox.is_transport_configured(message.kind),
        "is_being_sent": outbox.is_being_sent(message, clock.now()),
    }
    page = "staff/office/outbox/_message.html" if auth.is_polling() else "staff/office/outbox/message.html"
    return render_page(page, **parts)


@bp.post("/<int:message_id>/erneut")
def retry(message_id):
    outbox.retry(clock.now(), _find(message_id))
    return redirect_to(url_for(".show", message_id=message_id))


@bp.post("/<int:message_id>/verwerfen")
def discard(message_id):
    outbox.discard(_find(message_id), clock.now())
    return redirect_to(url_for(".show", message_id=message_id))


def _show_all(form, status=200):
    outbox_filter = OutboxForm(formdata=request.args).outbox_filter
    before = row_id(request.args.get("vor"))
    ticket = Ticket.find_by_code(request.args["vorgang"]) if "vorgang" in request.args else None
    messages, following = outbox.page(outbox_filter.chosen or OutboxFilter.ALL, before, ticket)
    can_discard = outbox_filter.chosen in outbox.DISCARDABLE and not ticket
    discardable, newest_id = outbox.count_and_newest_id(outbox_filter.chosen) if can_discard else (0, None)
    now = clock.now()
    parts = {
        "server": smtp.server() if settings.smtp_url else None,
        "config_path": settings.data_dir / CONFIG_FILE,
        "outbox_filter": outbox_filter,
        "ticket": ticket,
        "discardable": discardable,
        "newest_id": newest_id,
        "messages": messages,
        "before": before,
        "following": following,
        "failing": outbox.failing().count(),
        "can_retry": outbox.can_retry() and not ticket,
        "being_sent": {message.id for message in messages if outbox.is_being_sent(message, now)},
    }
    page = "staff/office/outbox/_list.html" if auth.is_polling() else "staff/office/outbox/list.html"
    return render_page(page, status, form=form, **parts)


def _find(message_id):
    return outbox.find(message_id) or abort(404)
