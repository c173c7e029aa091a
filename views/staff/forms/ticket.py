"""The actions of the office on a ticket: one form for each."""

from typing import Any

from wtforms import BooleanField, Field, HiddenField, IntegerField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

import clock
from enums import Category, Priority
from form_fields import DayField, PortalForm, cleaned_by, email_field, phone_field, row_id, text_field, textarea
from i18n.folding import sorted_by_name
from i18n.typed_text import clean_line
from models import Staff, TextBlock
from services.customers import customers
from services.tickets import actions, approvals, conversation, corrections, new_employee, text_blocks, undo
from views.staff.forms.call import unlocked_customer_number
from views.staff.forms.common import NOBODY

ON_BEHALF_HINT = "Nach einem Anruf, für den Genehmiger. Der Kunde und die Genehmiger lesen diesen Text."

READ_BY_CUSTOMER_HINT = "Der Kunde liest das in einer E-Mail und auf seiner Seite."

ASKED_ANEW_HINT = "War das Ticket nicht freigegeben, fragt das Portal die Genehmiger noch einmal."

TOO_MANY_MINUTES = "Bitte geben Sie ganze Minuten ein, höchstens 1440."

# So many of the customer's open tickets are offered.
MAX_SIBLINGS = 50

CHOOSE_ASSIGNEE = "Bitte wählen Sie, wem Sie das Ticket zuweisen."


class ActionForm(PortalForm):
    """The base of an action: the function that carries it out, its part of the URL and its button."""

    # The module with the function named by `action`; by default that gets the values of all fields.
    service = actions
    action = slug = button = ""
    # Where the form stands: among the buttons, behind "Mehr", or elsewhere.
    group = "verbs"
    # Fields whose values do not go to the function.
    unused: tuple[str, ...] = ("block",)
    # What the names of the fields begin with; by default the slug.
    prefix: str | None = None

    # The last event that the person has seen; 0 (none) if it is missing or malformed.
    seen = HiddenField(filters=[row_id])

    def __init__(self, **options):
        super().__init__(prefix=self.slug if self.prefix is None else self.prefix, **options)

    def carry_out(self, ticket, by, now, **more):
        """Carry out the action; raises UserError."""
        answers = {field.short_name: field.data for field in self if field.short_name not in self.unused}
        getattr(self.service, self.action)(ticket, by=by, now=now, **answers, **more)

    def show_current(self, ticket):
        """Fill in what depends on the ticket."""

    def set_reader_hint(self, words):
        """Replace the hint about who reads a text by one that is true for this ticket."""
        for field in self.visible_fields():
            if field.description == READ_BY_CUSTOMER_HINT:
                field.description = words

    def visible_fields(self):
        """Return the fields that a person fills in, without the choice of a text block."""
        return [field for field in self if field.short_name not in ("seen", "block")]


def _block_choices():
    """Return the choices for a text block; called when the field is created."""
    return [SelectChoice(str(block.id), block.name) for block in TextBlock.by_name()]


class TextBlockFields:
    """Fields for a form whose text can come from text blocks."""

    text: Any
    block = SelectField("Textbaustein", choices=_block_choices, validate_choice=False)

    def insert_block(self, ticket, by):
        """Append the chosen text block, filled in, to what is typed, and return it; None with an error at the field."""
        block = TextBlock.get_or_none(TextBlock.id == row_id(self.block.data))
        if block:
            self.text.data = "\n\n".join(filter(None, [self.text.data, text_blocks.filled(block, ticket, by)]))
        else:
            self.block.errors = ["Bitte wählen Sie einen Textbaustein."]
        return block


class MinutesMixin:
    """A field for the time that staff worked."""

    minutes = IntegerField(
        "Minuten",
        [Optional(), NumberRange(0, 1440, TOO_MANY_MINUTES)],
        invalid_value_message=TOO_MANY_MINUTES,
        render_kw={"min": 0, "max": 1440, "inputmode": "numeric"},
    )


class MessageFields(TextBlockFields, MinutesMixin):
    """The fields of the box below the conversation; its button says whether it is an answer or a note."""

    service = conversation
    prefix: str | None = ""
    with_attachments = True

    text = textarea("Antwort oder Notiz", "Bitte schreiben Sie einen Text.", rows=5)
    then_wait = BooleanField("Danach auf den Kunden warten")


class AnswerForm(MessageFields, ActionForm):
    action, slug, button = "answer", "antworten", "Antwort senden"


class NoteForm(MessageFields, ActionForm):
    action, slug, button = "add_note", "notieren", "Interne Notiz speichern"
    unused = ("block", "seen", "then_wait")


class StartForm(ActionForm):
    action, slug, button = "start", "beginnen", "Arbeit beginnen"


class StartEarlyForm(ActionForm):
    action, slug, button = "start_early", "vor-freigabe-beginnen", "Vor der Freigabe beginnen"

    reason = textarea("Warum kann es nicht warten?", "Bitte schreiben Sie, warum es nicht warten kann.", rows=3)


class TakeOverForm(ActionForm):
    action, slug, button = "take_over", "uebernehmen", "Übernehmen"


class ApproveForm(ActionForm):
    service = approvals
    action, slug, button = "approve", "freigeben", "Freigabe eintragen"

    text = textarea(
        "Wer hat wann freigegeben?",
        "Bitte schreiben Sie, wer wann freigegeben hat.",
        description=ON_BEHALF_HINT,
        rows=3,
    )


class DeclineForm(ActionForm):
    service = approvals
    action, slug, button = "decline", "ablehnen", "Ablehnung eintragen"

    reason = textarea(
        "Wer hat warum abgelehnt?", "Bitte schreiben Sie, wer warum abgelehnt hat.", description=ON_BEHALF_HINT, rows=3
    )


class AskAgainForm(ActionForm):
    service = approvals
    action, slug, button = "request_approval_again", "freigabe-anfragen", "Freigabe noch einmal anfragen"


class FinishForm(TextBlockFields, MinutesMixin, ActionForm):
    action, slug, button = "finish", "erledigen", "Erledigt"

    text = textarea("Was war die Lösung?", description=READ_BY_CUSTOMER_HINT, rows=3)


class WaitForm(ActionForm):
    action, slug, button = "wait", "warten", "Auf den Kunden warten"

    text = textarea(
        "Worauf warten wir?",
        "Bitte schreiben Sie, worauf wir warten.",
        description="Der Kunde bekommt davon keine E-Mail. Fragen Sie ihn mit einer Antwort und kreuzen Sie "
        "dort „Danach auf den Kunden warten“ an.",
        rows=3,
    )


class AssignForm(ActionForm):
    action, slug, button = "assign", "zuweisen", "Zuweisen"

    to = SelectField("An wen?", [InputRequired(CHOOSE_ASSIGNEE)], invalid_choice_message=CHOOSE_ASSIGNEE)

    def __init__(self, **options):
        super().__init__(**options)
        colleagues = [SelectChoice(member.login, member.name) for member in sorted_by_name(Staff.active())]
        self.to.choices = [*colleagues, SelectChoice(NOBODY, "niemanden")]

    def carry_out(self, ticket, by, now, **more):
        to = Staff.get_or_none(Staff.login == self.to.data)
        actions.assign(ticket, to, by=by, seen=self.seen.data, now=now)


class DuplicateForm(ActionForm):
    action, slug, button = "close_as_duplicate", "gehoert-zu", "Gehört zu …"

    other = SelectField("Zu welchem Ticket gehört es?", choices=[], validate_choice=False)

    def show_current(self, ticket):
        siblings = actions.open_siblings(ticket).limit(MAX_SIBLINGS)
        labels = [(one.submission.code, f"{one.submission.spoken_code}: {one.submission.headline}") for one in siblings]
        self.other.choices = [SelectChoice(*label) for label in labels]


class FollowUpForm(ActionForm):
    action, slug, button = "follow_up", "wiedervorlage", "Wiedervorlage"

    on = DayField(
        "Wann wieder vorlegen?",
        [Optional()],
        description="Bis dahin steht das Ticket nicht unter „Zu tun“. Schreibt der Kunde, endet die Wiedervorlage. "
        "Ohne Datum endet sie sofort.",
    )
    note = text_field("Wofür?")

    def validate_on(self, field):
        if field.data and field.data <= clock.today():
            raise ValidationError("Bitte geben Sie einen späteren Tag als heute an.")


class PassOnForm(ActionForm):
    action, slug, button = "pass_on", "weitergeben", "An den Lieferanten"
    group = "more"

    recipient = email_field("E-Mail-Adresse des Lieferanten", missing="Bitte geben Sie diese Adresse ein.")
    text = textarea(
        "Was soll der Lieferant tun?",
        "Bitte schreiben Sie, was der Lieferant tun soll.",
        description="Gerät, Seriennummer und Auftragsbezug stehen darunter.",
        rows=3,
    )
    files = SelectMultipleField(
        "Diese Dateien mitschicken",
        choices=[],
        coerce=row_id,
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    with_names = BooleanField("Kunde und Ansprechpartner nennen")

    def show_current(self, ticket):
        self.files.choices = [SelectChoice(str(file.id), file.name) for file in ticket.submission.files]


class CheckForm(ActionForm):
    service = new_employee
    action, slug, group = "check", "checkliste", ""
    unused = ("seen",)

    step = StringField(filters=[cleaned_by(clean_line)])


class CancelForm(ActionForm):
    action, slug, button = "cancel", "stornieren", "Stornieren"
    group = "more"

    reason = textarea(
        "Warum stornieren Sie?", "Bitte schreiben Sie, warum Sie stornieren.", description=READ_BY_CUSTOMER_HINT, rows=3
    )


class RevokeLinkForm(ActionForm):
    service = conversation
    action, slug, button = "revoke_link", "link-sperren", "Link des Kunden sperren"
    group = "more"

    text = textarea(
        "Warum?",
        description="Die Seite des Kunden öffnet sich dann sofort nicht mehr. Die nächste E-Mail an ihn bringt einen "
        "neuen Link.",
        rows=3,
    )


class ReopenForm(ActionForm):
    action, slug, button = "reopen", "wieder-oeffnen", "Wieder öffnen"

    reason = textarea(
        "Warum öffnen Sie es wieder?",
        "Bitte schreiben Sie, warum Sie das Ticket wieder öffnen.",
        description=f"{ASKED_ANEW_HINT} Der Kunde bekommt eine E-Mail. Beide lesen diesen Text.",
        rows=3,
    )

    def set_reader_hint(self, words):
        self.reason.description = f"{ASKED_ANEW_HINT} {words}"


class UndoForm(ActionForm):
    service = undo
    action, slug, button, group = "undo", "rueckgaengig", "Rückgängig", ""


class FactMixin:
    """A form that corrects the fact named by `action`; it stands beside the fact."""

    action = group = ""
    button = "Ändern"
    value: Field
    seen: Field

    def carry_out(self, ticket, by, now, **more):
        corrections.correct(ticket, self.action, self.value.data, by=by, seen=self.seen.data, now=now)

    def show_current(self, ticket):
        """Fill in the value that the fact has now, unless another was sent."""
        if self.value.raw_data is None:
            self.value.data = corrections.current(ticket, self.action)


def _choice(label, choices, coerce, sentence):
    messages = {"invalid_value_message": sentence, "invalid_choice_message": sentence}
    return SelectField(label, choices=choices, coerce=coerce, **messages)


class CorrectPriorityForm(FactMixin, ActionForm):
    action, slug = "rank", "prioritaet-aendern"

    value = _choice(
        "Priorität", [SelectChoice(word.rank, word.label) for word in Priority], int, "Bitte wählen Sie die Priorität."
    )


class CorrectCategoryForm(FactMixin, ActionForm):
    action, slug = "category", "art-aendern"

    value = _choice(
        "Art der Anfrage",
        [SelectChoice(word, word.label) for word in Category if word is not Category.NEW_EMPLOYEE],
        Category,
        "Bitte wählen Sie die Art der Anfrage.",
    )


class CorrectDueDateForm(FactMixin, ActionForm):
    action, slug = "due_on", "eintrittsdatum-aendern"

    value = DayField("Eintrittsdatum", [InputRequired("Bitte geben Sie das Eintrittsdatum an.")])


class CorrectCustomerForm(FactMixin, ActionForm):
    action, slug = "customer", "kunde-aendern"

    value = unlocked_customer_number(suggests=False)

    def carry_out(self, ticket, by, now, **more):
        corrections.change_customer(ticket, by, self.seen.data, now, customers.find(self.value.data))

    def show_current(self, ticket):
        """Leave the field empty: the number is typed anew."""


class CorrectNameForm(FactMixin, ActionForm):
    action, slug = "caller_name", "name-aendern"

    value = text_field("Name", missing="Bitte geben Sie den Namen an.")


class CorrectPhoneForm(FactMixin, ActionForm):
    action, slug = "caller_phone", "kontaktnummer-aendern"

    value = phone_field("Kontaktnummer", missing="Bitte geben Sie die Kontaktnummer an.")


# By their part of the URL; the classes above are in the order of the page.
ACTION_FORMS = {form.slug: form for form in ActionForm.__subclasses__()}
