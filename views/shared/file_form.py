"""A form that files come with: they are staged as they are chosen, or when the form comes back without scripts."""

import re
import secrets

from flask import render_template, request

import clock
from database import database
from i18n import formats
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Attachment
from services.files import attachments
from services.security import rate_limit
from views.shared.error_pages import error_number_sentence, error_page
from views.shared.responses import html_response, is_htmx, set_retry_after

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
OVERRUN = N_(
    "Gerade kommen bei uns sehr viele Anfragen an. %(thing)s ist noch nicht eingegangen. Ihre Angaben stehen noch "
    "hier: Bitte senden Sie in %(wait)s noch einmal ab. Eilt es, rufen Sie uns bitte an."
)
RATE_LIMIT_ANSWERS = {
    rate_limit.TooManySubmissions: (429, TOO_MANY_SUBMISSIONS),
    rate_limit.TooManyUploads: (429, TOO_MANY_UPLOADS),
    rate_limit.QueueFull: (503, OVERRUN),
}


class FormDesk:
    """The base of a form with files: how it comes back, whatever happens, with all that was typed and chosen.

    Its kinds say how it is shown, and what it is that somebody sends. The templates find its addresses beside the one
    that was asked for, so the views of every kind have the same names.
    """

    thing = ""

    def submitted_form(self):
        """Return the form, bound to what was sent."""
        raise NotImplementedError

    def show(self, form, submission_key=None, status=200, refusals=(), **messages):
        """Show a form as a page, or only itself to a script."""
        raise NotImplementedError

    def show_sent(self, status=200, **messages):
        """Show again what was sent, and keep the files that came along."""
        submission_key = submitted_key()
        return self.show(self.submitted_form(), submission_key, status, stage_files(submission_key), **messages)

    def show_with_new_key(self, form, submission_key, notice):
        """Show a form whose submission key was used before, with a new key."""
        fresh = new_submission_key()
        attachments.restage(submission_key, fresh)
        return self.show(form, fresh, status=422, notice=notice)

    def upload(self):
        """Stage the files that were just chosen and list them."""
        submission_key = submitted_key()
        refusals = stage_files(submission_key)
        return html_response(
            render_template(
                "shared/_staged_attachments.html", staged=Attachment.staged(submission_key), refusals=refusals
            ),
            422 if refusals else 200,
        )

    def remove_attachment(self):
        """Remove one staged file and list the others."""
        submission_key = submitted_key()
        removed = attachments.remove(submission_key, request.form.get("attachment", ""))
        if not is_htmx():
            return self.show_sent(removed=removed)
        return html_response(
            render_template(
                "shared/_staged_attachments.html", staged=Attachment.staged(submission_key), removed=removed
            )
        )

    def renew_session(self):
        """Give a new token and lose nothing: show the form again, or let a fragment's request try once more."""
        if not is_htmx() or request.endpoint == f"{request.blueprint}.submit":
            try:
                return self.show_sent(422, notice=_(SESSION_RENEWED))
            except rate_limit.RateLimited as limited:
                # An error's handler is the last one: what it raises, no other one hears.
                return self.rate_limited(limited)
        response = html_response(render_template("shared/_csrf_token.html", renewable=True, renewed=True))
        response.headers["HX-Reswap"] = "none"
        response.headers["HX-Trigger"] = "session-renewed"
        return response

    def rate_limited(self, limited):
        """Ask to wait, and lose nothing: show the form again; a page with scripts still has it and says so itself."""
        status, sentence = RATE_LIMIT_ANSWERS[type(limited)]
        wait = formats.wait_time(limited.wait)
        try_again = _(STILL_CHOSEN if is_htmx() else CHOOSE_AGAIN, wait=wait)
        notice = _(sentence, thing=_(self.thing), wait=wait, try_again=try_again)
        if is_htmx():
            response = html_response(notice, status)
            response.headers["Portal-Notice"] = "yes"
        else:
            response = self.show(self.submitted_form(), submitted_key(), status, notice=notice)
        return set_retry_after(response, limited.wait)

    def keep_input(self, error):
        """Show the form again after a server error; a page with scripts still has it and shows a message of its own."""
        if request.method == "POST" and not is_htmx() and request.form:
            if not database.is_closed():
                database.close()  # It may be the very thing that failed.
            notice = _(SERVER_FAILED, thing=_(self.thing)) + error_number_sentence()
            return self.show(self.submitted_form(), submitted_key(), 500, notice=notice)
        return error_page(error)


def submitted_key():
    """Return the submission key that was sent, or a new one in place of what cannot be one."""
    submission_key = request.form.get("draft", "")
    return submission_key if SUBMISSION_KEY.fullmatch(submission_key) else new_submission_key()


def new_submission_key():
    """Return a submission key that nobody has had."""
    return secrets.token_urlsafe(16)


def stage_files(submission_key):
    """Stage the files that came with the form and return what was refused; raises Flood."""
    uploads = [(file.filename, file.stream) for file in request.files.getlist("files") if file.filename]
    if uploads:
        rate_limit.consume(rate_limit.RateLimit.UPLOADS, request.remote_addr, clock.now(), len(uploads))
    return attachments.stage(submission_key, uploads, request.remote_addr, clock.now())


def check_files(submission_key, sent):
    """Stage the files of a form that is to be sent; return what was refused, and that a file it lists is gone.

    The query finds what was sent with this key before: its files are no longer staged, but they are not gone.
    """
    refusals = stage_files(submission_key)
    listed = request.form.getlist("staged")
    if listed and attachments.has_expired(submission_key, listed) and not sent.exists():
        refusals.append(attachments.expired_refusal())
    return refusals


def staged(submission_key):
    """Return what is staged under a submission key, or nothing when the database failed: what was typed still shows."""
    return [] if database.is_closed() else Attachment.staged(submission_key)
