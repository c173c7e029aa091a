"""The forms by which the office creates a ticket: for a caller, and from an unmatched request."""

from contextlib import suppress

from wtforms import StringField

from database import database
from enums import EventKind
from form_fields import PortalForm, email_field, input_attributes, phone_field, text_field, user_error_at_field
from forms import REQUEST_FORMS, CallbackForm, RequestForm
from i18n.folding import sorted_by_name
from i18n.typed_text import clean_number
from models import Customer, Event, Ticket
from services.customers import customers
from services.errors import UserError

# A longer list would only make the page slow; any number can be typed.
MAX_SUGGESTED = 1000

# As many as are seen beside the form during a call; the list of tickets shows the rest.
MAX_OPEN_TICKETS = 10


class CustomerNumberField(StringField):
    """A customer number with a list of suggestions."""

    def suggestions(self):
        """Return the customers who may send requests; none without a database, after an error."""
        return [] if database.is_closed() else sorted_by_name(Customer.unlocked().limit(MAX_SUGGESTED))

    def chosen(self):
        """Return the customer who was typed; None for an unknown one, and without a database, after an error."""
        if self.data and not database.is_closed():
            with suppress(UserError):
                return customers.find_by_text(self.data)
        return None

    def open_tickets(self, customer):
        """Return the most urgent open tickets of a customer, each with its newest internal note, or None."""
        query = Ticket.with_details().where(Ticket.customer == customer, Ticket.closed_at.is_null())
        tickets = list(query.order_by(Ticket.rank, Ticket.id).limit(MAX_OPEN_TICKETS))
        notes = Event.select().where(Event.ticket.in_(tickets), Event.kind == EventKind.NOTED).order_by(Event.id)
        newest = {note.ticket_id: note for note in notes}
        return [(ticket, newest.get(ticket.id)) for ticket in tickets]


def is_unlocked_customer(form, field):
    """Put the customer's number in place of its name; refuse an unknown customer, and a locked one."""
    with user_error_at_field():
        field.data = customers.require_unlocked(customers.find_by_text(field.data)).number


def unlocked_customer_number(suggests=True):
    """Declare a field for a customer by number or part of a name; `suggests` if the page lists suggestions."""
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


# What the hints of the customers' form say to somebody who asks the caller.
HINTS = {
    "description": "Was fehlt oder geht nicht, seit wann, und welche Meldung erscheint?",
    "reference": "Nummer oder Stichwort des Kunden, unter dem er die Anfrage führt.",
    "priority": "Je mehr Personen betroffen sind und je schwerer es den Kunden trifft, desto höher ist die Priorität.",
    "order_reference": "Auftrags- oder Rechnungsnummer des Kaufs. Ohne sie dauert die Suche etwas länger.",
    "desired_email": "Bleibt das Feld leer, bekommt die Person keine E-Mail-Adresse.",
}


class PhoneForm(RequestForm):
    """The form for a caller, who needs no PIN."""

    asked_first = ("customer_number", "name", "phone", "email")

    pin = None
    customer_number = unlocked_customer_number()
    name = text_field(
        "Name der anrufenden Person",
        missing="Bitte geben Sie ein, wer anruft.",
        render_kw=input_attributes("section-caller name", autocapitalize="words", spellcheck="false"),
    )
    phone = phone_field(
        "Kontaktnummer",
        missing="Bitte fragen Sie nach einer Telefonnummer für Rückfragen.",
        description="Unter dieser Nummer erreichen Sie die Person bei Rückfragen.",
        render_kw=input_attributes("section-caller tel"),
    )
    email = email_field(
        "E-Mail",
        description="Dorthin geht die E-Mail, wenn die Adresse zum Unternehmen gehört.",
        render_kw=input_attributes("section-caller email", inputmode="email"),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self:
            field.description = HINTS.get(field.name, field.description)

    def in_order(self):
        first = self.asked_first
        return sorted(super().in_order(), key=lambda field: (*first, field.name).index(field.name))


# The explanations in which the customer speaks, in the office's words.
EXPLANATIONS = {CallbackForm.for_category: "Die Person möchte etwas besprechen; es liegt keine Störung vor."}
PHONE_FORMS = {
    category: type(
        f"Phone{form.__name__}", (PhoneForm, form), {"explanation": EXPLANATIONS.get(category, form.explanation)}
    )
    for category, form in REQUEST_FORMS.items()
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
