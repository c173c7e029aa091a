"""The form of a request, for customers and for the phone: its fields by category, its fragments, its errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request

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
from views.shared.responses import is_htmx, render_page


@dataclass(frozen=True)
class RequestDesk(FormDesk):
    """A page on which requests are entered: its form by category and without one, its template and that of the form."""

    forms: Mapping[Any, type]
    without_category: type
    page: str
    form: str

    thing = N_("Ihre Anfrage")

    def submitted_form(self):
        """Return the form of the category that was sent, filled in with what was sent."""
        return self.forms.get(request.form.get("category"), self.without_category)(formdata=request.form)

    def show(self, form, submission_key=None, status=200, refusals=(), **messages):
        """Show a form as a page, or to htmx only the form."""
        template = self.form if is_htmx() else self.page
        parts = _parts(form, submission_key or new_submission_key())
        parts |= {"categories": self.forms, "refusals": refusals, "htmx": is_htmx()}
        return render_page(template, status, **messages, **parts)

    def was_submitted(self, submission_key):
        return intake.with_open_receipt(clock.now()).where(Submission.draft == submission_key).exists()

    def show_already_sent(self, form, submission_key, known):
        """Show a form whose submission key was used for another request, with a new key."""
        notice = _(
            "Von dieser Seite ist schon eine Anfrage eingegangen: %(code)s. Soll das hier eine weitere sein, senden "
            "Sie bitte noch einmal ab.",
            code=known.spoken_code,
        )
        return self.show_with_new_key(form, submission_key, notice)

    def add_routes(self, bp: Blueprint):
        super().add_routes(bp)
        bp.add_url_rule("/felder", view_func=self.change_category, methods=["POST"])
        bp.add_url_rule("/vorlauf", view_func=self.lead_time, methods=["POST"])
        bp.add_url_rule("/prioritaet", view_func=self.suggest_priority, methods=["POST"])

    def change_category(self):
        """Show the fields of the chosen category; what was typed for another one is carried along."""
        if not is_htmx():
            return self.show_sent()
        submission_key = submitted_key()
        stage_files(submission_key)
        parts = _parts(self.submitted_form(), submission_key)
        return render_page("shared/_category_fields.html", announced=True, **parts)

    def lead_time(self):
        """Show the last day to report the entry date that was sent in time."""
        form = self.forms[Category.NEW_EMPLOYEE](formdata=request.form)
        return render_page("shared/_lead_time.html", lead_time=_lead_time(form))

    def suggest_priority(self):
        """Suggest a priority by the answers to two questions."""
        if not is_htmx():
            return self.show_sent()
        return render_page("shared/_priority_suggestion.html", helper=PriorityHelper(formdata=request.form))


def _parts(form, submission_key):
    """Return what the template needs, with the values typed for another category as hidden fields."""
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
    """Return the last day to report the entry date in time, and what that means today; None without a date."""
    if form.for_category is not Category.NEW_EMPLOYEE or not form.entry_date.data:
        return None
    entry_date, today = form.entry_date.data, clock.today()
    last_day = workdays.last_day_in_time(entry_date, settings.federal_state)
    return {"last_day": last_day, "in_time": today <= last_day, "is_past": entry_date < today}
