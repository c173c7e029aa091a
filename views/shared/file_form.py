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
from views.shared.error_pages import error_page, failure_number
from views.shared.responses import answer, ask_to_wait, is_htmx

DRAFT_PATTERN = re.compile(r"[A-Za-z0-9_-]{22}")

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
FLOODS = {
    rate_limit.TooManySubmissions: (429, TOO_MANY_SUBMISSIONS),
    rate_limit.TooManyUploads: (429, TOO_MANY_UPLOADS),
    rate_limit.Overrun: (503, OVERRUN),
}


class FileForm:
    """The base of a form with files: how it comes back, whatever happens, with all that was typed and chosen.

    Its kinds say how it is shown, and what it is that somebody sends. The templates find its addresses beside the one
    that was asked for, so the views of every kind have the same names.
    """

    thing = ""

    def form_sent(self):
        """Return the form, bound to what was sent."""
        raise NotImplementedError

    def show(self, form, draft=None, status=200, refusals=(), **messages):
        """Show a form as a page, or only itself to a script."""
        raise NotImplementedError

    def show_sent(self, status=200, **messages):
        """Show again what was sent, and keep the files that came along."""
        draft = draft_sent()
        return self.show(self.form_sent(), draft, status, stage_files(draft), **messages)

    def show_as_new(self, form, draft, notice):
        """Show a form whose draft key was used before, with a new key."""
        fresh = new_draft()
        attachments.restage(draft, fresh)
        return self.show(form, fresh, status=422, notice=notice)

    def upload(self):
        """Stage the files that were just chosen and list them."""
        draft = draft_sent()
        refusals = stage_files(draft)
        return answer(
            render_template("_attachments.html", staged=Attachment.staged(draft), refusals=refusals),
            422 if refusals else 200,
        )

    def remove_attachment(self):
        """Remove one staged file and list the others."""
        draft = draft_sent()
        removed = attachments.remove(draft, request.form.get("attachment", ""))
        if not is_htmx():
            return self.show_sent(removed=removed)
        return answer(render_template("_attachments.html", staged=Attachment.staged(draft), removed=removed))

    def renew_session(self):
        """Give a new token and lose nothing: show the form again, or let a fragment's request try once more."""
        if not is_htmx() or request.endpoint == f"{request.blueprint}.submit":
            try:
                return self.show_sent(422, notice=_(SESSION_RENEWED))
            except rate_limit.Flood as flood:
                # An error's handler is the last one: what it raises, no other one hears.
                return self.slow_down(flood)
        response = answer(render_template("_token.html", renewable=True, renewed=True))
        response.headers["HX-Reswap"] = "none"
        response.headers["HX-Trigger"] = "session-renewed"
        return response

    def slow_down(self, flood):
        """Ask to wait, and lose nothing: show the form again; a page with scripts still has it and says so itself."""
        status, sentence = FLOODS[type(flood)]
        wait = formats.wait(flood.wait)
        try_again = _(STILL_CHOSEN if is_htmx() else CHOOSE_AGAIN, wait=wait)
        notice = _(sentence, thing=_(self.thing), wait=wait, try_again=try_again)
        if is_htmx():
            response = answer(notice, status)
            response.headers["Portal-Notice"] = "yes"
        else:
            response = self.show(self.form_sent(), draft_sent(), status, notice=notice)
        return ask_to_wait(response, flood.wait)

    def keep_input(self, error):
        """Show the form again after a server error; a page with scripts still has it and shows a message of its own."""
        if request.method == "POST" and not is_htmx() and request.form:
            if not database.is_closed():
                database.close()  # It may be the very thing that failed.
            notice = _(SERVER_FAILED, thing=_(self.thing)) + failure_number()
            return self.show(self.form_sent(), draft_sent(), 500, notice=notice)
        return error_page(error)


def draft_sent():
    """Return the draft key that was sent, or a new one in place of what cannot be one."""
    draft = request.form.get("draft", "")
    return draft if DRAFT_PATTERN.fullmatch(draft) else new_draft()


def new_draft():
    """Return a draft key that nobody has had."""
    return secrets.token_urlsafe(16)


def stage_files(draft):
    """Stage the files that came with the form and return what was refused; raises Flood."""
    uploads = [(file.filename, file.stream) for file in request.files.getlist("files") if file.filename]
    if uploads:
        rate_limit.take(rate_limit.Kind.UPLOADS, request.remote_addr, clock.now(), len(uploads))
    return attachments.stage(draft, uploads, request.remote_addr, clock.now())


def complaints(draft, sent):
    """Stage the files of a form that is to be sent; return what was refused, and that a file it lists is gone.

    The query finds what was sent with this key before: its files are no longer staged, but they are not gone.
    """
    refusals = stage_files(draft)
    listed = request.form.getlist("staged")
    if listed and attachments.is_swept(draft, listed) and not sent.exists():
        refusals.append(attachments.swept())
    return refusals


def staged(draft):
    """Return what is staged under a draft key; without a database, after an error, what was typed is still shown."""
    return [] if database.is_closed() else Attachment.staged(draft)
