"""The forms of customers and approvers; each category of request has its own form on a common base."""

from typing import Any

from wtforms import Field, Form, HiddenField, StringField
from wtforms.validators import AnyOf, InputRequired, ValidationError

from enums import MAX_CUSTOMER_NUMBER_LENGTH, PIN_DIGITS, Approval, Category, Priority, Salutation
from form_fields import (
    EntryDateField,
    PortalForm,
    Validator,
    email_field,
    input_attributes,
    is_extension,
    phone_field,
    radio_field,
    row_id,
    text_field,
    textarea,
)
from i18n.catalogue import gettext as _
from i18n.typed_text import clean_number
from services.customers import pins
from services.request_fields import CATEGORY_LABEL, LABELS, SENDER_LABELS
from settings import settings

# With room for the dashes and spaces that people type between the digits.
MAX_TYPED_PIN_LENGTH = 2 * PIN_DIGITS + 4

# The labels of the fields that categories share.
SHARED_LABELS = LABELS[Category.OTHER]


def _is_customer_number(form: Form, field: Field) -> None:
    if pins.normalise_number(field.data) is None:
        raise ValidationError(
            _("Bitte prüfen Sie die Kundennummer. Sie besteht aus Ziffern und Buchstaben ohne Umlaute.")
        )


class RequestForm(PortalForm):
    """The fields of every category; also the form while no category is chosen."""

    for_category: Category | None = None
    slug: str
    explanation: str
    # The name of the field that the attachments follow, or "" for a category without attachments.
    files_follow = ""
    # The fields that begin a new section, with the legend of that section.
    section_legends = {"priority": "Wie dringend ist es?"}
    # The fields after those of the category, in the order of the page.
    asked_last = ("reference", "priority", "name", "phone", "email", "customer_number", "pin")

    category = radio_field(CATEGORY_LABEL, Category, "Bitte wählen Sie, worum es geht.")
    name = text_field(
        "Ihr Name",
        missing="Bitte geben Sie Ihren Namen ein.",
        render_kw=input_attributes("name", autocapitalize="words", spellcheck="false"),
    )
    phone = phone_field(
        SENDER_LABELS["phone"],
        missing="Bitte geben Sie eine Telefonnummer ein, unter der wir Sie bei Rückfragen erreichen.",
        description="Unter dieser Telefonnummer erreichen wir Sie bei Rückfragen.",
        render_kw=input_attributes("tel"),
    )
    email = email_field(
        SENDER_LABELS["email"],
        description="Dorthin schreiben wir, wenn die Adresse zu Ihrem Unternehmen gehört.",
        render_kw=input_attributes("email", inputmode="email"),
    )
    customer_number = text_field(
        SENDER_LABELS["customer_number"],
        _is_customer_number,
        missing="Bitte geben Sie Ihre Kundennummer ein.",
        limit=MAX_CUSTOMER_NUMBER_LENGTH,
        cleaning=clean_number,
        render_kw=input_attributes("on", autocapitalize="characters", spellcheck="false"),
    )
    pin = text_field(
        "PIN",
        missing="Bitte geben Sie Ihre PIN ein.",
        limit=MAX_TYPED_PIN_LENGTH,
        cleaning=clean_number,
        description=f"{PIN_DIGITS} Ziffern, mit oder ohne Leerzeichen.",
        # Not "current-password": browsers on a shared PC would offer it to the next person.
        render_kw=input_attributes("off", "send", inputmode="numeric", spellcheck="false"),
    )

    def validate_pin(self, field: Field) -> None:
        if pins.normalise_pin(field.data) is None:
            raise ValidationError(_("Bitte prüfen Sie die PIN. Sie besteht aus %(digits)d Ziffern.", digits=PIN_DIGITS))

    def in_order(self) -> list[Field]:
        """Return the fields in the order of the page: first the request, then the sender."""
        last = self.asked_last
        return sorted(self, key=lambda field: last.index(field.name) if field.name in last else -1)

    def sections(self) -> list[tuple[str, list[Field], bool]]:
        """Return the category's fields by section: the legend, the fields, and whether the attachments follow."""
        found: list[tuple[str, list[Field]]] = [(self.title, [])]
        for field in self.in_order():
            if field.name not in CATEGORY_FIELD_NAMES:
                continue
            if field.name in self.section_legends:
                found.append((_(self.section_legends[field.name]), []))
            found[-1][1].append(field)
        return [(legend, fields, self.files_follow in [field.name for field in fields]) for legend, fields in found]

    @property
    def with_attachments(self) -> bool:
        return bool(self.files_follow)

    @classmethod
    def explained(cls) -> str:
        """Return the sentence that explains the category, in the language of the page."""
        return _(cls.explanation)

    @property
    def title(self) -> str:
        """The name of the category in the language of the page."""
        return _(self.for_category.label) if self.for_category else ""

    def answers(self) -> dict[str, Any]:
        """Return the values of a valid form that are stored, by column name; the PIN is not among them."""
        answers = {field.name: field.data for field in self if field.name != "pin"}
        answers["customer_number"] = pins.normalise_number(self.customer_number.data)
        return answers

    def pin_proof(self) -> str:
        """Return the keyed proof of a valid form's PIN, which is used in place of the PIN from here on."""
        number, pin = pins.normalise_number(self.customer_number.data), pins.normalise_pin(self.pin.data)
        return pins.pin_proof(number or "", pin or "")


class ReferenceForm(RequestForm):
    """The base of every category: all of them have a reference."""

    reference = text_field(
        SHARED_LABELS["reference"],
        description="Ihre eigene Nummer oder ein Stichwort. Auf die Bearbeitung hat sie keinen Einfluss.",
        render_kw=input_attributes("off", spellcheck="false"),
    )


class PriorityForm(ReferenceForm):
    """The base of the categories with a priority and attachments, which follow the description."""

    files_follow = "description"

    priority = radio_field(
        SHARED_LABELS["priority"],
        Priority,
        "Bitte wählen Sie Niedrig, Mittel oder Hoch.",
        default=Priority.LOW,
        description="Je mehr Personen betroffen sind und je schwerer es Ihr Unternehmen trifft, desto höher ist die "
        "Priorität.",
    )


class IncidentForm(PriorityForm):
    """A device or a program does not work."""

    for_category = Category.INCIDENT
    slug = "stoerung"
    explanation = "Ein Gerät oder Programm funktioniert nicht, wie es soll."

    description = textarea(
        LABELS[for_category]["description"],
        missing="Bitte beschreiben Sie den Fehler in ein, zwei Sätzen.",
        description="Was geht nicht, seit wann, und welche Meldung erscheint?",
    )


class WarrantyForm(PriorityForm):
    """A device that the office sold is defective."""

    for_category = Category.WARRANTY
    labels = LABELS[for_category]
    slug = "garantie"
    explanation = "Ein Gerät, das von uns stammt, ist defekt."
    section_legends = RequestForm.section_legends | {"description": "Was ist defekt?"}

    device = text_field(
        labels["device"],
        missing="Bitte geben Sie an, um welches Gerät es geht.",
        description="So genau wie möglich, am besten wie auf der Rechnung.",
        render_kw=input_attributes("off", spellcheck="false"),
    )
    serial_number = text_field(
        labels["serial_number"],
        description="Steht meist auf einem Aufkleber am Gerät. Nicht zu finden? Dann lassen Sie das Feld leer.",
        render_kw=input_attributes("off", autocapitalize="characters", spellcheck="false"),
    )
    order_reference = text_field(
        labels["order_reference"],
        description="Auftrags- oder Rechnungsnummer des Kaufs. Ohne sie suchen wir etwas länger.",
        render_kw=input_attributes("off", spellcheck="false"),
    )
    description = textarea(
        labels["description"],
        missing="Bitte beschreiben Sie, was am Gerät nicht funktioniert.",
        description="Was geht nicht, seit wann, und welche Meldung erscheint?",
    )


class NewEmployeeForm(ReferenceForm):
    """A new employee of the customer needs an account."""

    for_category = Category.NEW_EMPLOYEE
    labels = LABELS[for_category]
    slug = "neuer-mitarbeiter"
    explanation = "Jemand fängt neu an, und wir richten das Benutzerkonto ein."
    section_legends = {"position": "Arbeitsplatz", "extension": "Telefon und E-Mail", "remarks": "Sonst noch etwas?"}

    salutation = radio_field(labels["salutation"], Salutation, "Bitte wählen Sie Frau, Herr oder keine Angabe.")
    first_name = text_field(
        labels["first_name"],
        missing="Bitte geben Sie den Vornamen ein.",
        render_kw=input_attributes("section-employee given-name", autocapitalize="words", spellcheck="false"),
    )
    last_name = text_field(
        labels["last_name"],
        missing="Bitte geben Sie den Nachnamen ein.",
        render_kw=input_attributes("section-employee family-name", autocapitalize="words", spellcheck="false"),
    )
    position = text_field(
        labels["position"],
        missing="Bitte geben Sie an, welche Position die Person bekommt.",
        description="Zum Beispiel: Buchhaltung, Empfang, Vertrieb.",
        render_kw=input_attributes("section-employee organization-title"),
    )
    entry_date = EntryDateField(
        labels["entry_date"],
        [InputRequired("Bitte geben Sie das Eintrittsdatum an.")],
        render_kw=input_attributes("off"),
    )
    extension = phone_field(
        labels["extension"], is_extension, render_kw=input_attributes("section-employee tel-extension")
    )
    mobile = phone_field(labels["mobile"], render_kw=input_attributes("section-employee mobile tel"))
    desired_email = email_field(
        labels["desired_email"],
        description="Bleibt das Feld leer, legen wir keine E-Mail-Adresse an.",
        render_kw=input_attributes("section-employee work email", inputmode="email"),
    )
    remarks = textarea(labels["remarks"], rows=4)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.entry_date.description = _(
            "An diesem Tag steht das Benutzerkonto bereit, wenn der Eintritt mindestens %(days)d Werktage vorher "
            "gemeldet ist.",
            days=settings.lead_time_workdays,
        )


class CallbackForm(PriorityForm):
    """The sender wants to be called back."""

    for_category = Category.CALLBACK
    slug = "rueckruf"
    explanation = "Sie möchten etwas besprechen; es liegt keine Störung vor."

    description = textarea(
        LABELS[for_category]["description"],
        missing="Bitte schreiben Sie kurz, worum es geht.",
        description="Wenige Worte genügen, damit die richtige Person zurückruft.",
    )


class OtherForm(PriorityForm):
    """A request that fits no other category."""

    for_category = Category.OTHER
    slug = "sonstiges"
    explanation = "Alles, was zu keiner der anderen Arten passt."

    description = textarea(
        LABELS[for_category]["description"],
        missing="Bitte schreiben Sie kurz, worum es geht.",
        description="Was können wir für Sie tun?",
    )


class ReplyForm(PortalForm):
    """A customer's message to the office about a ticket."""

    with_attachments = True

    text = textarea("Ihre Nachricht", missing="Bitte schreiben Sie uns ein paar Worte.")


class DecisionForm(PortalForm):
    """An approver's decision; only declining needs a reason."""

    question = HiddenField("", filters=[row_id])
    decision = StringField(
        "", validators=[AnyOf([Approval.APPROVED, Approval.DECLINED], "Bitte wählen Sie „Freigeben“ oder „Ablehnen“.")]
    )
    reason = textarea("Grund", description="Den Grund teilen wir auch der anfragenden Person mit.", rows=3)

    def validate(self, extra_validators: dict[str, list[Validator]] | None = None) -> bool:
        """Check the decision, and require a reason for declining."""
        is_valid = super().validate(extra_validators)
        if is_valid and self.chosen is Approval.DECLINED and not self.reason.data:
            self.reason.errors = [_("Bitte schreiben Sie, warum Sie ablehnen.")]
            return False
        return is_valid

    @property
    def chosen(self) -> Approval:
        return Approval(self.decision.data)


REQUEST_FORMS: dict[Category, type[RequestForm]] = {
    form.for_category: form for form in (IncidentForm, WarrantyForm, NewEmployeeForm, CallbackForm, OtherForm)
}

CATEGORY_FIELD_NAMES = frozenset(
    name
    for form in REQUEST_FORMS.values()
    for name in dir(form)
    if hasattr(getattr(form, name), "_formfield") and not hasattr(RequestForm, name)
)
