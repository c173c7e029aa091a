"""What the office can do with a ticket: one form for each verb, on the same base as all others."""

import re

from wtforms import HiddenField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from forms import PortalForm, text
from models import Staff
from services import approvals, tickets
from staff_forms import NOBODY

ON_BEHALF = "Nach einem Anruf, für den Genehmiger. Der Kunde erfährt davon, auch diesen Text."

# A text to a ticket is a sentence or two.
FEW = {"rows": 3}


class VerbForm(PortalForm):
    """The base of what can be done with a ticket: names the verb and says up to which event its person has read."""

    room = tickets
    verb = slug = button = ""

    # Whoever says nothing, or something that can be no event, has seen nothing.
    seen = HiddenField(filters=[lambda id: int(id) if re.fullmatch("[0-9]{1,18}", id or "") else 0])

    def carry_out(self, ticket, by, now):
        """Do it; raises changes.TicketError."""
        answers = {field.short_name: field.data for field in self if field.short_name != "csrf_token"}
        getattr(self.room, self.verb)(ticket, by=by, now=now, **answers)

    def asked(self):
        """Return the fields that a person fills in."""
        return [field for field in self if field.short_name not in ("seen", "csrf_token")]


class TakeOverForm(VerbForm):
    verb, slug, button = "take_over", "uebernehmen", "Übernehmen"


class StartForm(VerbForm):
    verb, slug, button = "start", "beginnen", "Arbeit beginnen"


class StartEarlyForm(VerbForm):
    verb, slug, button = "start_early", "vor-freigabe-beginnen", "Vor der Freigabe beginnen"

    reason = text(
        "Warum kann es nicht warten?", missing="Bitte schreiben Sie, warum es nicht warten kann.", render_kw=FEW
    )


class WaitForm(VerbForm):
    verb, slug, button = "wait", "warten", "Auf den Kunden warten"

    text = text("Worauf warten wir?", missing="Bitte schreiben Sie, worauf wir warten.", render_kw=FEW)


class FinishForm(VerbForm):
    verb, slug, button = "finish", "erledigen", "Erledigt"

    text = text("Was war die Lösung?", render_kw=FEW)


class CancelForm(VerbForm):
    verb, slug, button = "cancel", "stornieren", "Stornieren"

    reason = text("Warum wird storniert?", missing="Bitte schreiben Sie, warum storniert wird.", render_kw=FEW)


class ReopenForm(VerbForm):
    verb, slug, button = "reopen", "wieder-oeffnen", "Wieder öffnen"

    reason = text("Warum wird es wieder geöffnet?", missing="Bitte schreiben Sie, warum.", render_kw=FEW)


class ApproveForm(VerbForm):
    room = approvals
    verb, slug, button = "approve", "freigeben", "Freigabe eintragen"

    text = text(
        "Wer hat wann freigegeben?",
        missing="Bitte schreiben Sie, wer wann freigegeben hat.",
        description=ON_BEHALF,
        render_kw=FEW,
    )


class DeclineForm(VerbForm):
    room = approvals
    verb, slug, button = "decline", "ablehnen", "Ablehnung eintragen"

    reason = text(
        "Wer hat warum abgelehnt?",
        missing="Bitte schreiben Sie, wer warum abgelehnt hat.",
        description=ON_BEHALF,
        render_kw=FEW,
    )


class AskAgainForm(VerbForm):
    room = approvals
    verb, slug, button = "ask_again", "freigabe-anfragen", "Freigabe noch einmal anfragen"


class AssignForm(VerbForm):
    verb, slug, button = "assign", "zuweisen", "Zuweisen"

    to = SelectField("An wen?", [InputRequired()])

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        colleagues = [SelectChoice(member.login, member.name) for member in Staff.active()]
        self.to.choices = [*colleagues, SelectChoice(NOBODY, "niemanden")]

    def carry_out(self, ticket, by, now):
        to = Staff.get_or_none(Staff.login == self.to.data)
        tickets.assign(ticket, to, by=by, seen=self.seen.data, now=now)


class NoteForm(VerbForm):
    verb, slug, button = "note", "notieren", "Notieren"

    seen = None
    text = text("Interne Notiz", missing="Bitte schreiben Sie die Notiz.", render_kw=FEW)


# In the order of the page.
VERB_FORMS = {
    form.slug: form
    for form in (
        StartForm,
        StartEarlyForm,
        TakeOverForm,
        ApproveForm,
        DeclineForm,
        AskAgainForm,
        FinishForm,
        WaitForm,
        NoteForm,
        AssignForm,
        CancelForm,
        ReopenForm,
    )
}
