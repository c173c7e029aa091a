"""What the office fills in so that a ticket comes into being: for a caller, and for what no PIN could vouch for."""

from wtforms import EmailField, StringField, TelField
from wtforms.validators import ValidationError

from database import database
from enums import MAX_CUSTOMER_NUMBER_LENGTH, MAX_EMAIL_LENGTH, MAX_PHONE_LENGTH
from form_fields import PortalForm, autofill_section, input_attributes, is_email, is_phone, text_field
from forms import REQUEST_FORMS, RequestForm
from models import Customer
from services.customers import customers
from services.errors import UserError

# A longer list would only make the page slow; any number can be typed.
MAX_SUGGESTED = 1000


class CustomerNumberField(StringField):
    """The number of a customer, with those there are to choose from."""

    def suggestions(self):
        """Return the customers who may report; none without a database, after an error."""
        return [] if database.is_closed() else Customer.unlocked().limit(MAX_SUGGESTED)


def is_unlocked_customer(form, field):
    """Refuse a number that is no customer's, or that of a locked one."""
    try:
        customers.require_unlocked(customers.find(field.data))
    except UserError as error:
        raise ValidationError(str(error)) from None


def unlocked_customer_number():
    """Declare the number of a customer who may report."""
    return text_field(
        "Kundennummer",
        is_unlocked_customer,
        missing="Bitte geben Sie die Kundennummer ein.",
        limit=MAX_CUSTOMER_NUMBER_LENGTH,
        field_class=CustomerNumberField,
        description="Nummer oder Name tippen und aus der Liste wählen.",
        render_kw=input_attributes("off", list="customers", autocapitalize="characters", spellcheck="false"),
    )


def _in_place_of(field, other):
    """Let a field stand where another one stood; WTForms sorts them by their declaration."""
    other.creation_counter = field.creation_counter
    return other


class PhoneForm(RequestForm):
    """What is filled in for a caller, whom the person at the phone knows without a PIN."""

    pin = None
    customer_number = _in_place_of(RequestForm.customer_number, unlocked_customer_number())
    name = _in_place_of(
        RequestForm.name,
        text_field(
            "Name der anrufenden Person",
            missing="Bitte geben Sie ein, wer anruft.",
            render_kw=input_attributes(autofill_section("caller", "name"), autocapitalize="words", spellcheck="false"),
        ),
    )
    phone = _in_place_of(
        RequestForm.phone,
        text_field(
            "Kontaktnummer",
            is_phone,
            missing="Bitte fragen Sie nach einer Telefonnummer für Rückfragen.",
            limit=MAX_PHONE_LENGTH,
            field_class=TelField,
            description="Unter dieser Nummer erreichen Sie die Person bei Rückfragen.",
            render_kw=input_attributes(autofill_section("caller", "tel")),
        ),
    )
    email = _in_place_of(
        RequestForm.email,
        text_field(
            "E-Mail",
            is_email,
            limit=MAX_EMAIL_LENGTH,
            field_class=EmailField,
            render_kw=input_attributes(autofill_section("caller", "email"), "send", inputmode="email"),
        ),
    )

    def in_order(self):
        """Return the fields in the order in which a call goes: who asks from where comes first."""
        return sorted(super().in_order(), key=lambda field: field.name != "customer_number")


PHONE_FORMS = {
    category: type(f"Phone{form.__name__}", (PhoneForm, form), {}) for category, form in REQUEST_FORMS.items()
}


class ConvertForm(PortalForm):
    """Whose an unmatched request is, and who said so."""

    customer_number = unlocked_customer_number()
    note = text_field(
        "Wer hat bestätigt?",
        missing="Bitte schreiben Sie, wer beim Kunden die Anfrage bestätigt hat.",
        description="Zum Beispiel: Frau Sommer, am Telefon um 9:40\N{NO-BREAK SPACE}Uhr. Das steht dann im Verlauf.",
        render_kw=input_attributes("off", "send"),
    )
