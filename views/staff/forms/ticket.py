"""What the office can do with a ticket: one form for each verb, on the same base as all others."""

from wtforms import BooleanField, HiddenField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from form_fields import PortalForm, row_id, text
from models import Staff, TextBlock
from services.tickets import actions, approvals, conversation
from views.staff.forms.common import NOBODY

ON_BEHALF = "Nach einem Anruf, für den Genehmiger. Der Kunde und die Genehmiger lesen diesen Text."

READ_BY_CUSTOMER = "Der Kunde liest das in einer E-Mail und auf seiner Seite."

ASKED_ANEW = "War das Ticket nicht freigegeben, fragt das Portal die Genehmiger noch einmal."

WHOM = "Bitte wählen Sie, wem Sie das Ticket zuweisen."

# A text to a ticket is a sentence or two.
FEW = {"rows": 3}


class VerbForm(PortalForm):
    """The base of what can be done with a ticket: names the verb and says up to which event its person has read."""

    room = actions
    verb = slug = button = ""
    is_quiet = False

    # Whoever says nothing, or something that can be no event, has seen nothing.
    seen = HiddenField(filters=[row_id])

    def carry_out(self, ticket, by, now):
        """Do it; raises changes.TicketError."""
        answers = {field.short_name: field.data for field in self if field.short_name != "csrf_token"}
        getattr(self.room, self.verb)(ticket, by=by, now=now, **answers)

    def say_who_reads(self, words):
        """Say at each field that the customer reads how much of it the customer of this ticket really does."""
        for field in self.asked():
            if field.description == READ_BY_CUSTOMER:
                field.description = words

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

    text = text(
        "Worauf warten wir?",
        missing="Bitte schreiben Sie, worauf wir warten.",
        description="Der Kunde bekommt davon keine E-Mail. Fragen Sie ihn mit „Antworten“ und kreuzen Sie dort "
        "„Danach auf den Kunden warten“ an.",
        render_kw=FEW,
    )


def _block_choices():
    """Return the text blocks to choose from; a field asks only when it is shown."""
    blocks = [SelectChoice(str(block.id), block.name) for block in TextBlock.by_name()]
    return [SelectChoice("", "bitte wählen"), *blocks]


class AnswerForm(VerbForm):
    room = conversation
    verb, slug, button = "answer", "antworten", "Antworten"

    block = SelectField("Textbaustein", choices=_block_choices, validate_choice=False)
    text = text(
        "Antwort", missing="Bitte schreiben Sie die Antwort.", description=READ_BY_CUSTOMER, render_kw={"rows": 10}
    )
    then_wait = BooleanField("Danach auf den Kunden warten")

    def carry_out(self, ticket, by, now):
        conversation.answer(
            ticket, by=by, seen=self.seen.data, now=now, text=self.text.data, then_wait=self.then_wait.data
        )

    def add(self, text):
        """Put a text below what is typed already."""
        self.text.data = "\n\n".join(filter(None, [self.text.data, text]))

    def chosen_block(self):
        """Return the text block that is chosen, or None with the sentence at its field."""
        block = TextBlock.get_or_none(TextBlock.id == row_id(self.block.data))
        if block is None:
            self.block.errors = ["Bitte wählen Sie einen Textbaustein."]
        return block


class RevokeLinkForm(VerbForm):
    room = conversation
    verb, slug, button = "revoke_link", "link-sperren", "Link des Kunden sperren"

    text = text(
        "Warum?",
        description="Die Seite des Kunden öffnet sich dann sofort nicht mehr. Die nächste E-Mail an ihn bringt einen "
        "neuen Link.",
        render_kw=FEW,
    )


class FinishForm(VerbForm):
    verb, slug, button = "finish", "erledigen", "Erledigt"

    text = text("Was war die Lösung?", description=READ_BY_CUSTOMER, render_kw=FEW)


class CancelForm(VerbForm):
    verb, slug, button = "cancel", "stornieren", "Stornieren"

    reason = text(
        "Warum stornieren Sie?",
        missing="Bitte schreiben Sie, warum Sie stornieren.",
        description=READ_BY_CUSTOMER,
        render_kw=FEW,
    )


class ReopenForm(VerbForm):
    verb, slug, button = "reopen", "wieder-oeffnen", "Wieder öffnen"

    reason = text(
        "Warum öffnen Sie es wieder?",
        missing="Bitte schreiben Sie, warum Sie das Ticket wieder öffnen.",
        description=f"{ASKED_ANEW} Der Kunde bekommt eine E-Mail. Beide lesen diesen Text.",
        render_kw=FEW,
    )

    def say_who_reads(self, words):
        self.reason.description = f"{ASKED_ANEW} {words}"


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
    is_quiet = True


class AssignForm(VerbForm):
    verb, slug, button = "assign", "zuweisen", "Zuweisen"

    to = SelectField("An wen?", [InputRequired(WHOM)], invalid_choice_message=WHOM)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        colleagues = [SelectChoice(member.login, member.name) for member in Staff.active()]
        self.to.choices = [*colleagues, SelectChoice(NOBODY, "niemanden")]

    def carry_out(self, ticket, by, now):
        to = Staff.get_or_none(Staff.login == self.to.data)
        actions.assign(ticket, to, by=by, seen=self.seen.data, now=now)


class NoteForm(VerbForm):
    verb, slug, button = "note", "notieren", "Notieren"

    seen = None
    text = text("Interne Notiz", missing="Bitte schreiben Sie die Notiz.", render_kw=FEW)


# In the order of the page.
VERB_FORMS = {
    form.slug: form
    for form in (
        AnswerForm,
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
        RevokeLinkForm,
        ReopenForm,
    )
}
