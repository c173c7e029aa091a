"""What the office fills in: the forms of the staff area, on the same base as those of the customers."""

from wtforms import EmailField, HiddenField, PasswordField, SearchField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from enums import (
    MAX_EMAIL_LENGTH,
    MAX_NUMBER_LENGTH,
    MAX_PASSWORD_LENGTH,
    MAX_SHORT_LENGTH,
    MIN_PASSWORD_LENGTH,
    Approval,
    Category,
    Priority,
)
from form_fields import PortalForm, clean, is_email, line, text
from i18n import formats
from models import Customer, Staff
from services.customers.pins import normalise_number
from services.errors import AccountError
from services.mail.outbox import Shelf
from services.privacy.person_matcher import Likeness, NotRecognisable
from services.reports.statistics import PERIODS
from services.staff import accounts
from services.tickets import text_blocks
from services.tickets.queue import Filters, Scope

ANYBODY, NOBODY, MYSELF = "", "niemand", "ich"

# Six digits, or a recovery code with all the dashes and blanks that people type between its groups.
MAX_CODE_LENGTH = 40

MAX_PERSON_LINES = 20

TOO_LONG_A_PASSWORD = f"Ein Kennwort hat höchstens {MAX_PASSWORD_LENGTH} Zeichen."

_PLACEHOLDERS = ", ".join(f"{{{name}}}" for name in text_blocks.PLACEHOLDERS)


class WordField(SelectField):
    """A choice of labelled words that stand in the address by their German names; all else counts as no choice."""

    def __init__(self, label, words, *, open_side=True, **options):
        self._words = {formats.without_umlauts(word.label, "-"): word for word in words}
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


class OutboxForm(PortalForm):
    """The shelf of the outbox that is looked at, as it stands in the address."""

    class Meta(PortalForm.Meta):
        csrf = False

    shelf = WordField("Stand", Shelf, open_side=False, name="stand", default="alle")


class TestMailForm(PortalForm):
    """To whom a test mail goes."""

    # To pytest the name says something else.
    __test__ = False

    recipient = line(
        "Empfänger",
        is_email,
        missing="Bitte geben Sie die Adresse ein, an die die Testmail gehen soll.",
        limit=MAX_EMAIL_LENGTH,
        field_class=EmailField,
    )


class PersonForm(PortalForm):
    """Whom somebody looks for in all that is stored."""

    likeness = None

    lines = text(
        "Wonach suchen Sie?",
        missing="Bitte geben Sie einen Namen, eine Telefonnummer oder eine E-Mail-Adresse ein.",
        description="Je Zeile ein Name, eine Telefonnummer oder eine E-Mail-Adresse. Umlaute, Leerzeichen und "
        "Vorwahlen dürfen anders geschrieben sein.",
        render_kw={"rows": 4, "autocomplete": "off", "spellcheck": "false"},
    )

    def validate_lines(self, field):
        lines = field.data.splitlines()
        if len(lines) > MAX_PERSON_LINES:
            raise ValidationError(f"Bitte suchen Sie nach höchstens {MAX_PERSON_LINES} Zeilen auf einmal.")
        try:
            self.likeness = Likeness(lines)
        except NotRecognisable as error:
            raise ValidationError(str(error)) from None


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


class TextBlockForm(PortalForm):
    """A text for answers, with gaps for the words of a ticket."""

    name = line("Name", missing="Bitte geben Sie dem Textbaustein einen Namen.")
    text = text(
        "Text",
        missing="Bitte schreiben Sie den Text.",
        description=f"Was in geschweiften Klammern steht, füllt das Portal aus: {_PLACEHOLDERS}.",
        render_kw={"rows": 10},
    )

    def validate_text(self, field):
        unknown = text_blocks.unknown_placeholders(field.data)
        if unknown:
            raise ValidationError(f"„{{{unknown[0]}}}“ gibt es nicht. Ausfüllen kann das Portal {_PLACEHOLDERS}.")


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
            accounts.check_password_is_strong(field.data, self.owner)
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
