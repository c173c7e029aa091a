"""The forms for customers, contacts, the import and PIN letters; the service decides what a column accepts."""

from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, HiddenField, RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from enums import MAX_CUSTOMER_NUMBER_LENGTH, MAX_EMAIL_LENGTH, MAX_POSTCODE_LENGTH
from form_fields import DayField, PortalForm, email_field, phone_field, text_field, textarea, user_error_at_field
from i18n import encodings
from i18n.folding import sorted_by_name
from i18n.typed_text import clean_number
from models import Customer
from services.customers import customers
from views.staff.forms.common import EnumField, FilterForm, search_field

# Each letter costs a slow hash: this many take some seconds.
MAX_LETTERS = 100

NOBODY_CHOSEN = "Bitte kreuzen Sie mindestens einen Kunden an."
TOO_MANY_CHOSEN = f"Bitte kreuzen Sie höchstens {MAX_LETTERS} Kunden an."

HOW_MANAGED = "Bitte wählen Sie, ob Sie die IT des Kunden vollständig betreuen."

NEW_NUMBER_NEEDS_NEW_PIN = "Mit einer anderen Kundennummer gilt die bisherige PIN nicht mehr."


def _follows(rule):
    """Return a validator that applies a rule of the service and replaces the text by what will be stored."""

    def check(form, field):
        with user_error_at_field():
            field.data = rule(field.data)

    return check


# What the radio buttons for the care of a customer's IT send; no obj or default ticks one of them.
_MANAGED = {"True": True, "False": False}


class CustomerForm(PortalForm):
    """The data of a customer."""

    number = text_field(
        "Kundennummer",
        _follows(customers.checked_number),
        missing="Bitte geben Sie die Kundennummer ein.",
        limit=MAX_CUSTOMER_NUMBER_LENGTH,
        cleaning=clean_number,
        render_kw={"autocapitalize": "characters", "spellcheck": "false"},
    )
    name = text_field(
        "Name", _follows(customers.checked_name), missing="Bitte geben Sie den Namen des Unternehmens ein."
    )
    fully_managed = RadioField(
        "Betreuung der IT",
        [InputRequired(HOW_MANAGED)],
        choices=[SelectChoice(True, "vollständig durch uns"), SelectChoice(False, "nicht vollständig durch uns")],
        coerce=lambda value: _MANAGED.get(str(value)),
        invalid_choice_message=HOW_MANAGED,
    )
    phone = phone_field("Telefon", description="Die Nummer, unter der Sie den Kunden zurückrufen.")
    street = text_field("Straße und Hausnummer")
    postcode = text_field("Postleitzahl", limit=MAX_POSTCODE_LENGTH, cleaning=clean_number)
    town = text_field("Ort")
    mail_domain = text_field(
        "Mail-Domain",
        _follows(customers.checked_mail_domain),
        limit=MAX_EMAIL_LENGTH,
        cleaning=clean_number,
        description="Zum Beispiel firma.de. Wer im Formular eine Adresse dieser Domain angibt, bekommt dorthin "
        "Bestätigung, Antworten und Entscheidungen.",
        render_kw={"autocapitalize": "none", "spellcheck": "false", "inputmode": "url"},
    )
    note = textarea("Notiz", rows=3, description="Nur für das Büro. Sie steht bei Anrufen und Tickets des Kunden.")

    def __init__(self, *args, obj=None, **options):
        super().__init__(*args, obj=obj, **options)
        if obj is not None and obj.pin_hash:
            self.number.description = NEW_NUMBER_NEEDS_NEW_PIN


class NewCustomerForm(CustomerForm):
    """The data of a new customer, with its first contact."""

    contact_name = text_field("Ansprechpartner")
    email = email_field("E-Mail", description="An diese Adresse gehen die Bestätigungen.")
    contact_phone = phone_field("Durchwahl oder Mobilnummer")


class ContactForm(PortalForm):
    """A person at a customer: how to reach them, what for, and when they are absent."""

    name = text_field("Name", missing="Bitte geben Sie den Namen der Person ein.")
    phone = phone_field("Telefon")
    email = email_field("E-Mail")
    is_main = BooleanField("Ansprechpartner: bekommt die E-Mails an den Kunden")
    is_approver = BooleanField("Genehmiger: entscheidet, ob die Arbeit beginnen darf")
    absent_from = DayField("Abwesend von", [Optional()], description="Der erste Tag der Abwesenheit.")
    absent_until = DayField("Abwesend bis", [Optional()], description="Der letzte Tag der Abwesenheit.")

    def validate_is_approver(self, field):
        if field.data and not self.email.data:
            raise ValidationError("Zum Genehmigen braucht die Person eine E-Mail-Adresse.")

    def validate_absent_until(self, field):
        first, last = self.absent_from.data, field.data
        if first and last and last < first:
            raise ValidationError("Das Ende der Abwesenheit liegt vor ihrem Beginn. Bitte prüfen Sie beide Tage.")


class CustomerListForm(FilterForm):
    """The filters of the list of customers."""

    words = search_field()
    state = EnumField("Stand", customers.CustomerState, name="stand")


class ImportForm(PortalForm):
    """A CSV file with many customers."""

    class Meta(PortalForm.Meta):
        takes_files = True

    file = FileField(
        "CSV-Datei",
        [FileRequired("Bitte wählen Sie die CSV-Datei aus.")],
        description="Aus Excel: „Speichern unter“, Dateityp „CSV (durch Trennzeichen getrennt)“.",
        render_kw={"accept": ".csv,.txt,text/csv,text/plain"},
    )


class ImportConfirmedForm(PortalForm):
    """That file in Base64 and its encoding, once the office has seen what the import would do."""

    content = HiddenField()
    encoding = SelectField(
        "Anderer Zeichensatz",
        description="Sind Umlaute falsch, wählen Sie einen anderen.",
        choices=[SelectChoice(encoding, name) for encoding, name in encodings.NAMES.items()],
        validate_choice=False,
    )
    skip_faulty = BooleanField("Fehlerhafte Zeilen auslassen (sonst liest das Portal nichts ein)")


class PinLettersForm(PortalForm):
    """The customers who get a new PIN by letter."""

    customers = SelectMultipleField(
        "Kunden",
        [InputRequired(NOBODY_CHOSEN), Length(max=MAX_LETTERS, message=TOO_MANY_CHOSEN)],
        validate_choice=False,
    )

    def validate_customers(self, field):
        self.chosen = sorted_by_name(Customer.select().where(Customer.number.in_(field.data[:MAX_LETTERS])))
        if not self.chosen:
            raise ValidationError(NOBODY_CHOSEN)
