"""What the office fills in: the forms of the staff area, on the same base as those of the customers."""

import re

from wtforms import HiddenField, PasswordField, SearchField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

import texts
from forms import PortalForm, clean, line, text
from models import Customer, Staff
from services import approvals, staff, tickets
from services.accounts import AccountError, normalise_number
from services.figures import PERIODS
from services.queue import Filters, Scope
from words import (
    MAX_NUMBER_LENGTH,
    MAX_PASSWORD_LENGTH,
    MAX_SHORT_LENGTH,
    MIN_PASSWORD_LENGTH,
    Approval,
    Category,
    Priority,
)

ANYBODY, NOBODY, MYSELF = "", "niemand", "ich"

# Six digits, or a recovery code with all the dashes and blanks that people type between its groups.
MAX_CODE_LENGTH = 40

TOO_LONG_A_PASSWORD = f"Ein Kennwort hat höchstens {MAX_PASSWORD_LENGTH} Zeichen."

ON_BEHALF = "Nach einem Anruf, für den Genehmiger. Der Kunde erfährt davon, auch diesen Text."

# A text to a ticket is a sentence or two.
FEW = {"rows": 3}


class WordField(SelectField):
    """A choice of labelled words that stand in the address by their German names; all else counts as no choice."""

    def __init__(self, label, words, *, open_side=True, **options):
        self._words = {texts.without_umlauts(word.label, "-"): word for word in words}
        choices = [SelectChoice(slug, word.label) for slug, word in self._words.items()]
        super().__init__(label, choices=[SelectChoice("", "alle")] * open_side + choices, **options)

    @property
    def word(self):
        """The chosen word, or None."""
        return self._words.get(self.data)


def _whose():
    """Return whose tickets one can ask for; a field asks only when it is shown."""
    anybody = [SelectChoice(ANYBODY, "alle"), SelectChoice(MYSELF, "mir"), SelectChoice(NOBODY, "niemandem")]
    return anybody + [SelectChoice(member.login, member.name) for member in Staff.by_name()]


class QueueForm(PortalForm):
    """The filters of the queue, as they stand in its address."""

    class Meta(PortalForm.Meta):
        csrf = False

    scope = WordField("Stand", Scope, open_side=False, name="stand")
    category = WordField("Art", Category, name="art")
    priority = WordField("Priorität", list(reversed(Priority)), name="prioritaet")
    approval = WordField("Freigabe", Approval, name="freigabe")
    assignee = SelectField("Bearbeitet von", name="bearbeitet-von", default=ANYBODY, choices=_whose)
    customer_number = StringField("Kundennummer", name="kunde", default="")
    words = SearchField("Suche", name="text", default="")

    def filters(self, member):
        """Return what is chosen, as the member of staff who looks means it."""
        chosen = self.assignee.data
        login = member.login if chosen == MYSELF else chosen
        number = clean(self.customer_number.data, MAX_NUMBER_LENGTH)
        return Filters(
            scope=self.scope.word or Scope.TODO,
            category=self.category.word,
            priority=self.priority.word,
            approval=self.approval.word,
            assignee=Staff.get_or_none(Staff.login == login) if login else None,
            unassigned=chosen == NOBODY,
            customer_number=normalise_number(number) or number,
            text=self.words.data[:MAX_SHORT_LENGTH],
        )

    def is_narrowed(self):
        """Say whether anything but the words is chosen."""
        return bool(self.address_parts().keys() - {self.words.name})

    def address_parts(self):
        """Return what is chosen by the names that it has in the address."""
        return {field.name: field.data for field in self if field.data}


class FiguresForm(PortalForm):
    """The period and the customer of the figures, as they stand in their address."""

    class Meta(PortalForm.Meta):
        csrf = False

    weeks = SelectField(
        "Zeitraum",
        name="wochen",
        coerce=int,
        default=PERIODS[0],
        choices=[SelectChoice(weeks, f"{weeks} Wochen") for weeks in PERIODS],
    )
    customer_number = StringField("Kundennummer", name="kunde", default="")

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if self.weeks.data not in PERIODS:
            self.weeks.data = PERIODS[0]
        number = clean(self.customer_number.data, MAX_NUMBER_LENGTH)
        self.customer = Customer.get_or_none(Customer.number == (normalise_number(number) or number))

    @property
    def number_of_weeks(self):
        return self.weeks.data

    @property
    def asks_for_nobody(self):
        """Say whether the figures of a customer are wanted who does not exist."""
        return self.customer is None and bool(self.customer_number.data.strip())

    def address_parts(self):
        """Return what is chosen by the names that it has in the address."""
        return {field.name: field.data for field in self if field.data}


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


def _password(label, missing, autocomplete="current-password", **options):
    checks = [InputRequired(missing), Length(max=MAX_PASSWORD_LENGTH, message=TOO_LONG_A_PASSWORD)]
    return PasswordField(label, checks, render_kw={"autocomplete": autocomplete}, **options)


def _new_password(label):
    return _password(
        label,
        "Bitte wählen Sie ein Kennwort.",
        autocomplete="new-password",
        description=f"Mindestens {MIN_PASSWORD_LENGTH} Zeichen. Gut sind zum Beispiel vier Wörter, die nichts "
        "miteinander zu tun haben.",
    )


def _repeated_password(label):
    return _password(label, "Bitte geben Sie das Kennwort ein zweites Mal ein.", autocomplete="new-password")


def _one_time_code(missing=None, **options):
    attributes = {"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "characters"}
    return line("Code", missing=missing, limit=MAX_CODE_LENGTH, render_kw=attributes, **options)


class SignInForm(PortalForm):
    """Name and password; also where the way was going, or what was sent meanwhile."""

    name = line("Name", missing="Bitte geben Sie Ihren Namen ein.", render_kw={"autocomplete": "username"})
    password = _password("Kennwort", "Bitte geben Sie Ihr Kennwort ein.")
    one_time_code = _one_time_code(
        description="Nur, wenn Sie einen zweiten Faktor eingerichtet haben: die sechs Ziffern Ihrer App oder ein "
        "Wiederherstellungscode."
    )
    onward = HiddenField(name="weiter", default="")
    held = HiddenField(default="")


class NewPasswordForm(PortalForm):
    """The base of every form that asks for a new password, twice."""

    # Whose password it is: their own name is easy to guess.
    owner = ""

    def validate_password(self, field):
        try:
            staff.check_password_is_strong(field.data, self.owner)
        except AccountError as error:
            raise ValidationError(str(error)) from None

    def validate_repeated_password(self, field):
        if field.data != self.password.data:
            raise ValidationError("Die beiden Kennwörter sind verschieden. Bitte geben Sie sie noch einmal ein.")


class SetupForm(NewPasswordForm):
    """The first account."""

    name = line(
        "Ihr Name",
        missing="Bitte geben Sie Ihren Namen ein.",
        description="Mit ihm melden Sie sich an, und er steht im Verlauf der Tickets.",
        render_kw={"autocomplete": "username"},
    )
    password = _new_password("Kennwort")
    repeated_password = _repeated_password("Kennwort wiederholen")

    @property
    def owner(self):
        return self.name.data


class ChangePasswordForm(NewPasswordForm):
    """Another password for one's own account."""

    current_password = _password("Bisheriges Kennwort", "Bitte geben Sie Ihr bisheriges Kennwort ein.")
    password = _new_password("Neues Kennwort")
    repeated_password = _repeated_password("Neues Kennwort wiederholen")


class PasswordForm(PortalForm):
    """The password once more, before something about signing in changes."""

    password = _password("Ihr Kennwort", "Bitte geben Sie Ihr Kennwort ein.")


class ConfirmCodeForm(PortalForm):
    """The first code of a new second factor."""

    one_time_code = _one_time_code("Bitte geben Sie die sechs Ziffern ein, die Ihre App zeigt.")
