"""The form of a request, at whichever desk it is filled in: what was sent of it, its parts, and how it comes back."""

from dataclasses import dataclass

from flask import render_template, request

import clock
from enums import Category
from forms import CATEGORY_FIELD_NAMES
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Submission
from services import workdays
from services.intake import intake
from settings import settings
from views.shared import file_form
from views.shared.file_form import FormDesk, new_submission_key, stage_files, submitted_key
from views.shared.priority_helper import PriorityHelper
from views.shared.responses import html_response, is_htmx


@dataclass(frozen=True)
class RequestDesk(FormDesk):
    """A place where requests are taken in: its form for each category and for none yet, the whole page and its form."""

    forms: dict
    without_category: type
    page: str
    form: str

    thing = N_("Ihre Anfrage")

    def submitted_form(self):
        """Return the form of the category that was sent, bound to what was sent."""
        return self.forms.get(request.form.get("category"), self.without_category)(formdata=request.form)

    def show(self, form, submission_key=None, status=200, refusals=(), **messages):
        """Show a form as a page, or only itself to a script."""
        template = self.form if is_htmx() else self.page
        parts = _parts(form, submission_key or new_submission_key())
        return html_response(render_template(template, refusals=refusals, htmx=is_htmx(), **messages, **parts), status)

    def show_already_sent(self, form, submission_key, known):
        """Show a form whose submission key was used for another request, which is known, with a new key."""
        notice = _(
            "Von dieser Seite ist schon eine Anfrage eingegangen: %(code)s. Soll das hier eine weitere sein, senden "
            "Sie bitte noch einmal ab.",
            code=known.spoken_code,
        )
        return self.show_with_new_key(form, submission_key, notice)

    def change_category(self):
        """Show the fields of the chosen category and keep what was typed in those of another."""
        if not is_htmx():
            return self.show_sent()
        submission_key = submitted_key()
        stage_files(submission_key)
        return html_response(
            render_template(
                "shared/_category_fields.html", announced=True, **_parts(self.submitted_form(), submission_key)
            )
        )

    def lead_time(self):
        """Tell the last day on which the entry date that was sent is reported in time."""
        form = self.forms[Category.NEW_EMPLOYEE](formdata=request.form)
        return html_response(render_template("shared/_lead_time.html", lead_time=_lead_time(form)))

    def suggest_priority(self):
        """Suggest a priority by the answers to two questions."""
        if not is_htmx():
            return self.show_sent()
        return html_response(
            render_template("shared/_priority_suggestion.html", helper=PriorityHelper(formdata=request.form))
        )


def check_files(submission_key):
    """Stage the files of a request that is to be sent; return what is wrong with its files."""
    return file_form.check_files(
        submission_key, intake.with_open_receipt(clock.now()).where(Submission.draft == submission_key)
    )


def _parts(form, submission_key):
    """Return what the fields of a category need: also the values typed for another, to be carried along unseen."""
    helper = PriorityHelper(formdata=request.form)
    shown = {*form.data, *(helper.data if "priority" in form else ())}
    kept = CATEGORY_FIELD_NAMES | helper.data.keys()
    return {
        "form": form,
        "draft": submission_key,
        "helper": helper,
        "hidden_values": [(name, value) for name, value in request.form.items() if name in kept and name not in shown],
        "staged": file_form.staged(submission_key) if form.with_attachments else [],
        "lead_time": _lead_time(form),
    }


def _lead_time(form):
    """Return the last day to report the entry in time and how today lies to it, or None without a date."""
    if form.for_category is not Category.NEW_EMPLOYEE or not form.entry_date.data:
        return None
    entry_date, today = form.entry_date.data, clock.today()
    last_day = workdays.last_day_in_time(entry_date, settings.federal_state)
    return {"last_day": last_day, "in_time": today <= last_day, "is_past": entry_date < today}
