"""The form of a request, at whichever desk it is filled in: what was sent of it, its parts, and how it comes back."""

from dataclasses import dataclass

from flask import render_template, request

import clock
from enums import Category
from forms import DETAIL_NAMES
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Submission
from services import workdays
from services.intake import intake
from settings import settings
from views.shared import file_form
from views.shared.file_form import FileForm, draft_sent, new_draft, stage_files
from views.shared.priority_helper import PriorityHelper
from views.shared.responses import answer, is_htmx


@dataclass(frozen=True)
class Desk(FileForm):
    """A place where requests are taken in: its form for each category and for none yet, the whole page and its form."""

    forms: dict
    undecided: type
    page: str
    form: str

    thing = N_("Ihre Anfrage")

    def form_sent(self):
        """Return the form of the category that was sent, bound to what was sent."""
        return self.forms.get(request.form.get("category"), self.undecided)(formdata=request.form)

    def show(self, form, draft=None, status=200, refusals=(), **messages):
        """Show a form as a page, or only itself to a script."""
        template = self.form if is_htmx() else self.page
        parts = _parts(form, draft or new_draft())
        return answer(render_template(template, refusals=refusals, htmx=is_htmx(), **messages, **parts), status)

    def show_next(self, form, draft, known):
        """Show a form whose draft key was used for another request, which is known, with a new key."""
        notice = _(
            "Von dieser Seite ist schon eine Anfrage eingegangen: %(code)s. Soll das hier eine weitere sein, senden "
            "Sie bitte noch einmal ab.",
            code=known.spoken_code,
        )
        return self.show_as_new(form, draft, notice)

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

    def suggest_priority(self):
        """Suggest a priority by the answers to two questions."""
        if not is_htmx():
            return self.show_sent()
        return answer(render_template("_suggestion.html", helper=PriorityHelper(formdata=request.form)))


def complaints(draft):
    """Stage the files of a request that is to be sent; return what is wrong with its files."""
    return file_form.complaints(draft, intake.sent_lately(clock.now()).where(Submission.draft == draft))


def _parts(form, draft):
    """Return what the fields of a category need: also the values typed for another, to be carried along unseen."""
    helper = PriorityHelper(formdata=request.form)
    shown = {*form.data, *(helper.data if "priority" in form else ())}
    kept = DETAIL_NAMES | helper.data.keys()
    return {
        "form": form,
        "draft": draft,
        "helper": helper,
        "parked": [(name, value) for name, value in request.form.items() if name in kept and name not in shown],
        "staged": file_form.staged(draft) if form.with_attachments else [],
        "lead_time": _lead_time(form),
    }


def _lead_time(form):
    """Return the last day to report the entry in time and how today lies to it, or None without a date."""
    if form.for_category is not Category.NEW_EMPLOYEE or not form.entry_date.data:
        return None
    entry_date, today = form.entry_date.data, clock.today()
    last_day = workdays.last_day_in_time(entry_date, settings.federal_state)
    return {"last_day": last_day, "in_time": today <= last_day, "is_past": entry_date < today}
