"""The filters of the staff area, its sign-in forms, and other small forms."""

from typing import Any

from wtforms import HiddenField, PasswordField, SearchField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

import clock
from enums import MAX_PASSWORD_LENGTH, MAX_SHORT_LENGTH, MIN_PASSWORD_LENGTH, Approval, Category, Priority
from form_fields import PortalForm, cleaned_by, email_field, text_field, textarea, user_error_at_field
from i18n import formats
from i18n.typed_text import clean_line, clean_number, mark_control_characters
from models import Customer, Staff
from services.customers.pins import normalise_number
from services.mail.outbox import OutboxFilter
from services.privacy.person_matcher import PersonMatcher
from services.reports import statistics
from services.security import passwords
from services.tickets import text_blocks
from services.tickets.queue import QueueFilters, QueueSort, QueueView

ANYBODY, NOBODY, MYSELF = "", "niemand", "ich"

# Six digits, or a recovery code with the dashes and spaces that people type between its groups.
MAX_CODE_LENGTH = 40

MAX_PERSON_LINES = 20

TOO_LONG_A_PASSWORD = f"Ein Kennwort hat höchstens {MAX_PASSWORD_LENGTH} Zeichen."

_PLACEHOLDERS = ", ".join(f"{{{name}}}" for name in text_blocks.PLACEHOLDERS)


class EnumField(SelectField):
    """A choice of words of an enum, with their German names as values; any other value counts as no choice."""

    def __init__(self, label, words, *, with_all=True, **options):
        self._words = {formats.slugify(word.label, "-"): word for word in words}
        choices = [SelectChoice(slug, word.label) for slug, word in self._words.items()]
        super().__init__(label, choices=[SelectChoice("", "alle")] * with_all + choices, **options)

    @property
    def chosen(self):
        """The chosen word, or None."""
        return self._words.get(self.data)


def _assignee_choices():
    """Return the choices for the assignee; called when the field is created."""
    anybody = [SelectChoice(ANYBODY, "alle"), SelectChoice(MYSELF, "mir"), SelectChoice(NOBODY, "niemandem")]
    return anybody + [SelectChoice(member.login, member.name) for member in Staff.by_name()]


def _filters(cleaning):
    """Return the filters of a field that is not validated: what cannot be displayed is only marked."""
    return [cleaned_by(cleaning), mark_control_characters]


def search_field():
    """Declare a search box."""
    return SearchField("Suche", name="text", filters=_filters(clean_line))


class FilterForm(PortalForm):
    """The base of the filters of a list; their values are in the URL of the page."""

    def query_args(self):
        """Return the filters that are set, by their names in the URL."""
        return {field.name: field.data for field in self if field.data}


class QueueForm(FilterForm):
    """The filters of the queue."""

    view = EnumField("Stand", QueueView, with_all=False, name="stand")
    category = EnumField("Art", Category, name="art")
    priority = EnumField("Priorität", list(reversed(Priority)), name="prioritaet")
    approval = EnumField("Freigabe", Approval, name="freigabe")
    assignee = SelectField("Bearbeitet von", name="bearbeitet-von", default=ANYBODY, choices=_assignee_choices)
    customer_number = StringField("Kundennummer", name="kunde", filters=_filters(clean_number))
    sort = EnumField("Sortiert nach", QueueSort, with_all=False, name="sortiert")
    words = search_field()

    def filters(self, member):
        """Return what is chosen; "assigned to me" means this member of staff."""
        chosen = self.assignee.data
        login = member.login if chosen == MYSELF else chosen
        number = self.customer_number.data
        return QueueFilters(
            view=self.view.chosen or QueueView.TODO,
            sort=self.sort.chosen or QueueSort.PRIORITY,
            category=self.category.chosen,
            priority=self.priority.chosen,
            approval=self.approval.chosen,
            assignee=Staff.get_or_none(Staff.login == login) if login else None,
            unassigned=chosen == NOBODY,
            customer_number=normalise_number(number) or number,
            text=self.words.data[:MAX_SHORT_LENGTH],
            today=clock.today(),
        )

    def chosen_labels(self):
        """Return what is chosen in words, without the search text and the order."""
        fields = [field for field in self if field.data and field not in (self.words, self.sort)]
        labels = {field: dict(choice[:2] for choice in getattr(field, "iter_choices", list)()) for field in fields}
        return [labels[field].get(field.data, field.data) for field in fields]

    def choices(self):
        """Return the filters that are set without what is typed, by their names in the URL."""
        fields = [field for field in self if isinstance(field, SelectField) and field.data]
        return {field.name: field.data for field in fields if any(choice.selected for choice in field.iter_choices())}


class OutboxForm(FilterForm):
    """The filter of the outbox."""

    outbox_filter = EnumField("Stand", OutboxFilter, with_all=False, name="stand", default="alle")


class TestMailForm(PortalForm):
    """The recipient of a test mail."""

    # pytest would take the class for a test because of its name.
    __test__ = False

    recipient = email_field("Empfänger", missing="Bitte geben Sie die Adresse ein, an die die Testmail gehen soll.")


class PersonForm(PortalForm):
    """What identifies a person in the stored data."""

    matcher: PersonMatcher

    lines = textarea(
        "Wonach suchen Sie?",
        missing="Bitte geben Sie einen Namen, eine Telefonnummer oder eine E-Mail-Adresse ein.",
        description="Je Zeile ein Name, eine Telefonnummer oder eine E-Mail-Adresse. Umlaute, Leerzeichen und "
        "Vorwahlen dürfen anders geschrieben sein.",
        rows=4,
        autocomplete="off",
        spellcheck="false",
    )

    def validate_lines(self, field):
        lines = field.data.split("\n")
        if len(lines) > MAX_PERSON_LINES:
            raise ValidationError(f"Bitte suchen Sie nach höchstens {MAX_PERSON_LINES} Zeilen auf einmal.")
        with user_error_at_field():
            self.matcher = PersonMatcher(lines)


class FiguresForm(FilterForm):
    """The period and the customer of the statistics."""

    period = SelectField("Zeitraum", name="zeitraum", validate_choice=False)
    customer_number = StringField("Kundennummer", name="kunde", filters=_filters(clean_number))

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        known = {period.name: period for period in statistics.periods(clock.now())}
        self.period.choices = [SelectChoice(period.name, period.label) for period in known.values()]
        self.chosen_period = known.get(self.period.data) or next(iter(known.values()))
        self.period.data = self.chosen_period.name
        number = self.customer_number.data
        self.customer = Customer.get_or_none(Customer.number == (normalise_number(number) or number))

    @property
    def is_unknown_customer(self):
        """Whether there is no customer with the number in the filter."""
        return self.customer is None and bool(self.customer_number.data)


class TextBlockForm(PortalForm):
    """A text for answers, with placeholders for the details of a ticket."""

    name = text_field("Name", missing="Bitte geben Sie dem Textbaustein einen Namen.")
    text = textarea(
        "Text",
        missing="Bitte schreiben Sie den Text.",
        description=f"Was in geschweiften Klammern steht, füllt das Portal aus: {_PLACEHOLDERS}.",
        rows=10,
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
    return text_field(
        "Code", missing=missing, limit=MAX_CODE_LENGTH, cleaning=clean_number, render_kw=attributes, **options
    )


class SignInForm(PortalForm):
    """Name, password and second factor; also the page or the posted form to go on with after signing in."""

    name = text_field("Name", missing="Bitte geben Sie Ihren Namen ein.", render_kw={"autocomplete": "username"})
    password = _password("Kennwort", "Bitte geben Sie Ihr Kennwort ein.")
    one_time_code = _one_time_code(
        description="Nur, wenn Sie einen zweiten Faktor eingerichtet haben: die sechs Ziffern Ihrer App oder ein "
        "Wiederherstellungscode."
    )
    next_url = HiddenField(name="weiter", default="")
    pending_post = HiddenField(name="held", default="")


class NewPasswordForm(PortalForm):
    """The base of every form that asks for a new password, twice."""

    # The name of the account: a password that contains it is easy to guess.
    owner = ""

    def validate_password(self, field):
        with user_error_at_field():
            passwords.check_is_strong(field.data, self.owner)

    def validate_repeated_password(self, field):
        if field.data != self.password.data:
            raise ValidationError("Die beiden Kennwörter sind verschieden. Bitte geben Sie sie noch einmal ein.")


class SetupForm(NewPasswordForm):
    """The name and password of the first account."""

    name = text_field(
        "Ihr Name",
        missing="Bitte geben Sie Ihren Namen ein.",
        description="Mit ihm melden Sie sich an, und er steht im Verlauf der Tickets.",
        render_kw={"autocomplete": "username"},
    )
    password = _new_password("Kennwort")
    repeated_password = _repeated_password("Kennwort wiederholen")

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.owner = self.name.data


class ChosenPasswordForm(NewPasswordForm):
    """The password that a new colleague, or one who has forgotten it, chooses by a link."""

    password = _new_password("Kennwort")
    repeated_password = _repeated_password("Kennwort wiederholen")


class ChangePasswordForm(NewPasswordForm):
    """A new password for one's own account."""

    current_password = _password("Bisheriges Kennwort", "Bitte geben Sie Ihr bisheriges Kennwort ein.")
    password = _new_password("Neues Kennwort")
    repeated_password = _repeated_password("Neues Kennwort wiederholen")


class PasswordForm(PortalForm):
    """The password once more, before a change to the second factor."""

    password = _password("Ihr Kennwort", "Bitte geben Sie Ihr Kennwort ein.")


class ConfirmCodeForm(PortalForm):
    """The first code of a new second factor."""

    one_time_code = _one_time_code("Bitte geben Sie die sechs Ziffern ein, die Ihre App zeigt.")
