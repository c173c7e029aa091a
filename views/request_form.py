"""The form of a request, at whichever desk it is filled in: what was sent of it, its parts, and how it comes back."""

import secrets
from dataclasses import dataclass

from flask import render_template, request

import clock
from forms import DETAIL_NAMES, DRAFT_PATTERN
from models import Attachment, Submission, database
from services import attachments, intake, workdays
from settings import settings
from views.answers import answer, is_htmx
from views.errors import error_page
from words import Category

SESSION_RENEWED = (
    "Ihre Sitzung war abgelaufen und ist jetzt erneuert. Ihre Angaben stehen noch hier: Bitte senden Sie sie noch "
    "einmal ab. Erscheint dieser Hinweis wieder, erlauben Sie bitte Cookies für diese Seite."
)
SERVER_FAILED = (
    "Bei uns ist ein Fehler aufgetreten, Ihre Anfrage ist noch nicht eingegangen. Ihre Angaben stehen noch hier: "
    "Bitte senden Sie sie in einer Minute noch einmal ab."
)


@dataclass(frozen=True)
class Desk:
    """A place where requests are taken in: its form for each category and for none yet, the whole page and its form.

    The templates find the addresses of a desk beside the one that was asked for, so its views have the same names.
    """

    forms: dict
    undecided: type
    page: str
    form: str

    def form_sent(self):
        """Return the form of the category that was sent, bound to what was sent."""
        return self.forms.get(request.form.get("category"), self.undecided)(formdata=request.form)

    def show(self, form, draft=None, status=200, refusals=(), **messages):
        """Show a form as a page, or only itself to a script."""
        template = self.form if is_htmx() else self.page
        parts = _parts(form, draft or new_draft())
        return answer(render_template(template, refusals=refusals, htmx=is_htmx(), **messages, **parts), status)

    def show_sent(self, status=200, **messages):
        """Show again what was sent, and keep the files that came along."""
        draft = draft_sent()
        return self.show(self.form_sent(), draft, status, stage_files(draft), **messages)

    def show_as_new(self, form, draft, known):
        """Show a form whose draft key was used for another request, which is known, with a new key."""
        fresh = new_draft()
        attachments.restage(draft, fresh)
        notice = (
            f"Von dieser Seite ist schon eine Anfrage eingegangen: {known.spoken_code}. Soll das hier "
            "eine weitere sein, senden Sie sie bitte noch einmal ab."
        )
        return self.show(form, fresh, status=422, notice=notice)

    def change_category(self):
        """Show the fields of the chosen category and keep what was typed in those of another."""
        if not is_htmx():
            return self.show_sent()
        draft = draft_sent()
        stage_files(draft)
        return answer(render_template("_fields.html", announced=True, **_parts(self.form_sent(), draft)))

    def lead_time(self):
        """Tell the last day on which the entry date that was sent is reported in time."""
        form = self.forms[Category.NEW_EMPLOYEE](formdata=request.form)
        return answer(render_template("_lead_time.html", lead_time=_lead_time(form)))

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
            return self.show_sent(422, notice=SESSION_RENEWED)
        response = answer(render_template("_token.html", renewable=True, renewed=True))
        response.headers["HX-Reswap"] = "none"
        response.headers["HX-Trigger"] = "session-renewed"
        return response

    def keep_input(self, error):
        """Show the form again after a server error; a page with scripts still has it and shows a message of its own."""
        if request.method == "POST" and not is_htmx() and request.form:
            if not database.is_closed():
                database.close()  # It may be the very thing that failed.
            return self.show(self.form_sent(), draft_sent(), 500, notice=SERVER_FAILED)
        return error_page(error)


def draft_sent():
    """Return the draft key that was sent, or a new one in place of what cannot be one."""
    draft = request.form.get("draft", "")
    return draft if DRAFT_PATTERN.fullmatch(draft) else new_draft()


def new_draft():
    """Return a draft key that nobody has had."""
    return secrets.token_urlsafe(16)


def stage_files(draft):
    """Stage the files that came with the form and return a sentence for each that was refused."""
    uploads = [(file.filename, file.stream) for file in request.files.getlist("files") if file.filename]
    return attachments.stage(draft, uploads, request.remote_addr, clock.now())


def complaints(draft):
    """Stage the files of a form that is to be sent; return what was refused, and that a file it lists is gone."""
    refusals = stage_files(draft)
    listed = request.form.getlist("staged")
    sent = intake.sent_lately(clock.now()).where(Submission.draft == draft)
    if listed and attachments.is_swept(draft, listed) and not sent.exists():
        refusals.append(attachments.SWEPT.format(hours=settings.staged_hours))
    return refusals


def _parts(form, draft):
    """Return what the fields of a category need: also the values typed for another, to be carried along unseen."""
    return {
        "form": form,
        "draft": draft,
        "parked": [(name, value) for name, value in request.form.items() if name in DETAIL_NAMES and name not in form],
        # Without a database, after an error, what was typed can still be shown again.
        "staged": Attachment.staged(draft) if form.with_attachments and not database.is_closed() else [],
        "lead_time": _lead_time(form),
    }


def _lead_time(form):
    """Return the last day to report the entry in time and how today lies to it, or None without a date."""
    if form.for_category is not Category.NEW_EMPLOYEE or not form.entry_date.data:
        return None
    entry_date, today = form.entry_date.data, clock.today()
    last_day = workdays.last_day_in_time(entry_date, settings.federal_state)
    return {"last_day": last_day, "in_time": today <= last_day, "is_past": entry_date < today}
