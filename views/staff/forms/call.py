"""The forms by which the office creates a ticket: for a caller, and from an unmatched request."""

from wtforms import StringField

from database import database
from form_fields import PortalForm, email_field, input_attributes, phone_field, text_field, user_error_at_field
from forms import REQUEST_FORMS, RequestForm
from i18n.folding import sorted_by_name
from i18n.typed_text import clean_number
from models import Customer
from services.customers import customers

# A longer list would only make the page slow; any number can be typed.
MAX_SUGGESTED = 1000


class CustomerNumberField(StringField):
    """A customer number with a list of suggestions."""

    def suggestions(self):
        """Return the customers who may send requests; none without a database, after an error."""
        return [] if database.is_closed() else sorted_by_name(Customer.unlocked().limit(MAX_SUGGESTED))


def is_unlocked_customer(form, field):
    """Put the customer's number in place of its name; refuse an unknown customer, and a locked one."""
    with user_error_at_field():
        field.data = customers.require_unlocked(customers.find_by_text(field.data)).number


def unlocked_customer_number(suggests=True):
    """Declare a field for a customer who may send requests: its number, or a part of its name.

    suggests: whether the page has the list of suggestions.
    """
    attributes = {"list": "customers"} if suggests else {}
    return text_field(
        "Kundennummer oder Name",
        is_unlocked_customer,
        missing="Bitte geben Sie die Kundennummer oder den Namen ein.",
        cleaning=clean_number,
        field_class=CustomerNumberField,
        description="Ein Teil des Namens genügt.",
        render_kw=input_attributes("off", autocapitalize="off", spellcheck="false", **attributes),
    )


def _in_place_of(field, other):
    """Give a field the position of another one; WTForms sorts fields by this counter."""
    other.creation_counter = field.creation_counter
    return other


class PhoneForm(RequestForm):
    """The form for a caller, who needs no PIN."""

    pin = None
    customer_number = _in_place_of(RequestForm.customer_number, unlocked_customer_number())
    name = _in_place_of(
        RequestForm.name,
        text_field(
            "Name der anrufenden Person",
            missing="Bitte geben Sie ein, wer anruft.",
            render_kw=input_attributes("section-caller name", autocapitalize="words", spellcheck="false"),
        ),
    )
    phone = _in_place_of(
        RequestForm.phone,
        phone_field(
            "Kontaktnummer",
            missing="Bitte fragen Sie nach einer Telefonnummer für Rückfragen.",
            description="Unter dieser Nummer erreichen Sie die Person bei Rückfragen.",
            render_kw=input_attributes("section-caller tel"),
        ),
    )
    email = _in_place_of(
        RequestForm.email,
        email_field("E-Mail", render_kw=input_attributes("section-caller email", "send", inputmode="email")),
    )

    def in_order(self):
        return sorted(super().in_order(), key=lambda field: field.name != "customer_number")


PHONE_FORMS = {
    category: type(f"Phone{form.__name__}", (PhoneForm, form), {}) for category, form in REQUEST_FORMS.items()
}


class ConvertForm(PortalForm):
    """The customer of an unmatched request, and who confirmed it."""

    customer_number = unlocked_customer_number()
    note = text_field(
        "Wer hat bestätigt?",
        missing="Bitte schreiben Sie, wer beim Kunden die Anfrage bestätigt hat.",
        description="Zum Beispiel: Frau Sommer, am Telefon um 9:40\N{NO-BREAK SPACE}Uhr. Das steht dann im Verlauf.",
        render_kw=input_attributes("off", "send"),
    )
