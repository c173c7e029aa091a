"""A form with files: each file is staged as soon as it is chosen, or without scripts when the form is sent."""

import re
import secrets
from collections.abc import Iterable
from typing import cast

from flask import Blueprint, abort, request, url_for

import clock
from database import database
from form_fields import PortalForm
from i18n import formats
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Attachment, Event
from services.files import attachments
from services.files.attachments import Refusal
from services.files.incoming import IncomingFile
from services.security import rate_limit
from views.shared.error_pages import error_number_sentence, error_page
from views.shared.responses import (
    client_ip,
    html_response,
    is_htmx,
    notice_response,
    render_page,
    set_retry_after,
    wrong_address_notice,
)

SUBMISSION_KEY = re.compile(r"[A-Za-z0-9_-]{22}")

SESSION_RENEWED = N_(
    "Die Seite war zu lange offen. Ihre Angaben stehen noch hier: Bitte senden Sie noch einmal ab. Erscheint "
    "dieser Hinweis wieder, erlauben Sie bitte Cookies für diese Seite."
)
SERVER_FAILED = N_(
    "Bei uns ist ein Fehler aufgetreten, %(thing)s ist noch nicht eingegangen. Ihre Angaben stehen noch hier: "
    "Bitte senden Sie in einer Minute noch einmal ab."
)

TOO_MANY_SUBMISSIONS = N_(
    "Von Ihrem Internetanschluss kamen in der letzten Zeit sehr viele Anfragen. %(thing)s ist noch nicht eingegangen. "
    "Ihre Angaben stehen noch hier: Bitte senden Sie in %(wait)s noch einmal ab. Eilt es, rufen Sie uns bitte an."
)
TOO_MANY_UPLOADS = N_(
    "Von Ihrem Internetanschluss kamen in der letzten Zeit sehr viele Dateien. Die neu gewählten sind nicht "
    "angekommen. Ihre Angaben stehen noch hier: Bitte %(try_again)s. Eilt es, rufen Sie uns bitte an."
)
CHOOSE_AGAIN = N_("wählen Sie die Dateien in %(wait)s noch einmal aus")
STILL_CHOSEN = N_("senden Sie in %(wait)s noch einmal ab, die Dateien sind noch ausgewählt")
QUEUE_FULL_ANSWER = N_(
    "Gerade kommen bei uns sehr viele Anfragen an. %(thing)s ist noch nicht eingegangen. Ihre Angaben stehen noch "
    "hier: Bitte senden Sie in %(wait)s noch einmal ab. Eilt es, rufen Sie uns bitte an."
)
RATE_LIMIT_ANSWERS = {
    rate_limit.TooManySubmissions: (429, TOO_MANY_SUBMISSIONS),
    rate_limit.TooManyUploads: (429, TOO_MANY_UPLOADS),
    rate_limit.QueueFull: (503, QUEUE_FULL_ANSWER),
}


class FormDesk:
    """The base of a page with a form that takes files: whatever happens, it is shown again as it was entered."""

    # The templates use relative endpoints (`.upload`): every blueprint with such a form has the same endpoint names.

    # What somebody sends, for the sentences above the form.
    thing = ""

    def submitted_form(self) -> PortalForm:
        """Return the form, filled in with what was sent."""
        raise NotImplementedError

    def show(self, form, submission_key=None, status=200, refusals=(), **messages):
        """Show a form as a page, or to htmx only the part that changes."""
        raise NotImplementedError

    def was_submitted(self, submission_key: str) -> bool:
        """Say whether something was received with this submission key; by default a message about a ticket."""
        return Event.select().where(Event.draft == submission_key).exists()

    def add_routes(self, bp: Blueprint):
        """Add the routes and error handlers that every form with files needs to the blueprint of its page."""
        bp.add_url_rule("/anhaenge", view_func=self.upload, methods=["POST"])
        bp.add_url_rule("/anhaenge/entfernen", view_func=self.remove_attachment, methods=["POST"])
        bp.register_error_handler(rate_limit.RateLimited, self.rate_limited)
        bp.register_error_handler(attachments.FilesGone, self.ask_for_files)
        bp.register_error_handler(500, self.keep_input)

    def show_sent(self, status=200, **messages):
        """Show again what was sent, and keep the files that came with it."""
        submission_key = submitted_key()
        return self.show(self.submitted_form(), submission_key, status, stage_files(submission_key), **messages)

    def show_with_new_key(self, form, submission_key, notice):
        """Show a form whose submission key was used before, with a new key."""
        fresh = new_submission_key()
        attachments.restage(submission_key, fresh)
        return self.show(form, fresh, status=422, notice=notice)

    def valid_form(self):
        """Stage the files that were sent and return the submission key and the form; if invalid, show it again."""
        submission_key, form = submitted_key(), self.submitted_form()
        refusals = stage_files(submission_key)
        # Looked at once: what gives way after this is missed when the files are adopted.
        names = {attachment.stored_name for attachment in attachments.staged(submission_key)}
        # Files that arrived with an earlier submission are no longer staged, but they are not lost either.
        if not names.issuperset(request.form.getlist("staged")) and not self.was_submitted(submission_key):
            refusals.append(attachments.expired_refusal())
        if not form.validate() or refusals:
            abort(self.show(form, submission_key, 422, refusals))
        form.file_count = len(names) if form.with_attachments else None
        return submission_key, form

    def ask_for_files(self, error):
        """Show the form again, because others needed the room of its files a moment ago."""
        return self.show(self.submitted_form(), submitted_key(), 422, [attachments.expired_refusal()])

    def upload(self):
        """Stage the files that were just chosen and list them."""
        submission_key = submitted_key()
        refusals = stage_files(submission_key)
        return _staged_list(submission_key, 422 if refusals else 200, refusals=refusals)

    def remove_attachment(self):
        """Remove one staged file and list the others."""
        submission_key = submitted_key()
        removed = attachments.remove(submission_key, request.form.get("attachment", ""))
        return _staged_list(submission_key, removed=removed) if is_htmx() else self.show_sent(removed=removed)

    def renew_session(self):
        """Issue a new CSRF token: show the form again, or let the script repeat its request for a fragment."""
        wrong_address = wrong_address_notice(url_for(".submit"))
        if not is_htmx() or request.endpoint == f"{request.blueprint}.submit":
            try:
                return self.show_sent(422, notice=wrong_address or _(SESSION_RENEWED))
            except rate_limit.RateLimited as limited:
                # Flask calls no other handler for what an error handler raises.
                return self.rate_limited(limited)
        if wrong_address:
            response = html_response(wrong_address, 422)
            if request.endpoint == f"{request.blueprint}.change_category":
                # In the place of the fields it would replace what was typed there.
                response.headers["HX-Retarget"] = "#category-message"
                response.headers["HX-Reswap"] = "innerHTML show:bottom"
            return response
        return renewed_token()

    def rate_limited(self, limited):
        """Ask the sender to wait: show the form again, or only the notice to a script, whose page still has it."""
        status, sentence = RATE_LIMIT_ANSWERS[type(limited)]
        wait = formats.wait_time(limited.wait)
        try_again = _(STILL_CHOSEN if is_htmx() else CHOOSE_AGAIN, wait=wait)
        notice = _(sentence, thing=_(self.thing), wait=wait, try_again=try_again)
        if is_htmx():
            response = notice_response(notice, status)
        else:
            response = self.show(self.submitted_form(), submitted_key(), status, notice=notice)
        return set_retry_after(response, limited.wait)

    def keep_input(self, error):
        """Show the form again after a server error; a script still has it on its page and shows its own message."""
        if request.method == "POST" and not is_htmx() and request.form:
            database.close()  # It may be what failed.
            notice = _(SERVER_FAILED, thing=_(self.thing)) + error_number_sentence()
            return self.show(self.submitted_form(), submitted_key(), 500, notice=notice)
        return error_page(error)


def renewed_token():
    """Return a new CSRF token for the form of a page, whose script then repeats its request."""
    response = render_page("shared/_csrf_token.html", renewable=True, renewed=True)
    response.headers["HX-Reswap"] = "none"
    response.headers["HX-Trigger"] = "session-renewed"
    return response


def submitted_key() -> str:
    """Return the submission key that was sent, or a new one in place of a malformed one."""
    submission_key = request.form.get("draft", "")
    return submission_key if SUBMISSION_KEY.fullmatch(submission_key) else new_submission_key()


def new_submission_key() -> str:
    """Return a new random submission key."""
    return secrets.token_urlsafe(16)


def stage_files(submission_key: str) -> list[Refusal]:
    """Stage the files that came with the form and return what was refused; raises TooManyUploads."""
    uploads = [
        (file.filename, cast("IncomingFile", file.stream)) for file in request.files.getlist("files") if file.filename
    ]
    if not uploads:
        return []
    rate_limit.consume(rate_limit.TooManyUploads, client_ip(), clock.now(), len(uploads))
    return attachments.stage(submission_key, uploads, client_ip(), clock.now())


def staged(submission_key: str) -> Iterable[Attachment]:
    """Return the staged files of a submission key; none without a database, so that the form can still be shown."""
    return [] if database.is_closed() else attachments.staged(submission_key)


def _staged_list(submission_key, status=200, **messages):
    return render_page("shared/_staged_attachments.html", status, staged=Attachment.staged(submission_key), **messages)
