"""The outbox as the office sees it: what waits, what went, what failed and why, and whether mails arrive at all."""

import json

from flask import Blueprint, abort, g, render_template, request, url_for

import clock
from services import mail, outbox
from services.outbox import Shelf
from settings import settings
from staff_forms import OutboxForm, TestMailForm
from views.answers import answer, go_to, row_id
from views.staff import guard
from words import MessageKind, MessageState

bp = Blueprint("outbox", __name__, url_prefix="/postausgang")


@bp.get("")
def show_all():
    """Show one page of the messages on a shelf, newest first."""
    return _show_all(TestMailForm(formdata=None, data={"recipient": settings.office_email}))


@bp.post("/testmail")
def send_test_mail():
    """Send a mail like all others, and show what becomes of it."""
    form = TestMailForm()
    if not form.validate():
        return _show_all(form, 422)
    message = mail.test_mail(form.recipient.data, g.member, clock.now())
    return go_to(url_for(".show", message_id=message.id))


@bp.post("/erneut")
def retry_all():
    """Let all go once more that could not be delivered."""
    outbox.retry_all(clock.now())
    return go_to(url_for(".show_all", stand="nicht-zustellbar"))


@bp.post("/verwerfen")
def discard_all():
    """Let all not go after all that was on a shelf when somebody looked."""
    shelf = OutboxForm(formdata=request.args).shelf
    if shelf.word not in outbox.DISCARDABLE:
        abort(404)
    outbox.discard_all(shelf.word, request.args.get("bis", 0, row_id), clock.now())
    return go_to(url_for(".show_all", stand=shelf.data))


@bp.get("/<int:message_id>")
def show(message_id):
    """Show a message; its page looks again by itself while it is on its way."""
    message = _find(message_id)
    has_way = outbox.has_way(message)
    is_on_its_way = has_way and message.state is MessageState.WAITING and message.due_at <= clock.now()
    parts = {"message": message, "text": _text(message), "has_way": has_way, "is_on_its_way": is_on_its_way}
    page = "staff/outbox/_message.html" if guard.is_background() else "staff/outbox/message.html"
    return answer(render_template(page, **parts))


@bp.post("/<int:message_id>/erneut")
def retry(message_id):
    """Let a message go once more."""
    outbox.retry(_find(message_id), clock.now())
    return go_to(url_for(".show", message_id=message_id))


@bp.post("/<int:message_id>/verwerfen")
def discard(message_id):
    """Let a message not go after all."""
    outbox.discard(_find(message_id), clock.now())
    return go_to(url_for(".show", message_id=message_id))


def _show_all(form, status=200):
    shelf = OutboxForm(formdata=request.args).shelf
    before = request.args.get("vor", type=row_id)
    messages, following = outbox.page(shelf.word or Shelf.ALL, before)
    discardable, newest_id = outbox.seen_on(shelf.word) if shelf.word in outbox.DISCARDABLE else (0, None)
    parts = {
        "shelf": shelf,
        "discardable": discardable,
        "newest_id": newest_id,
        "messages": messages,
        "before": before,
        "following": following,
        "failing": outbox.failing().count(),
    }
    return answer(render_template("staff/outbox/list.html", form=form, **parts), status)


def _find(message_id):
    return outbox.find(message_id) or abort(404)


def _text(message):
    text = outbox.shown_text(message)
    if message.kind is MessageKind.WEBHOOK:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text
