"""What people fill in: one small form class per category on a common base, and the registry of categories."""

import re
import unicodedata
from datetime import timedelta
from functools import partial

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import CombinedMultiDict
from wtforms import DateField, EmailField, RadioField, StringField, TelField, TextAreaField
from wtforms.fields.choices import SelectChoice, enum_choices, enum_coerce
from wtforms.validators import DataRequired, InputRequired, Optional, StopValidation, ValidationError

import clock
import language
import texts
from language import gettext as _
from services import accounts
from services.workdays import LEAD_TIME_WORKDAYS
from words import (
    MAX_EMAIL_LENGTH,
    MAX_NUMBER_LENGTH,
    MAX_PHONE_LENGTH,
    MAX_SHORT_LENGTH,
    MAX_TEXT_LENGTH,
    PIN_DIGITS,
    Category,
    Priority,
    Salutation,
)

DRAFT_PATTERN = re.compile(r"[A-Za-z0-9_-]{22}")

DATE_FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y"]

# A year typed wrong is caught; a date that is only too soon is not (that is what the lead-time notice is for).
ENTRY_DATE_PAST = timedelta(days=366)
ENTRY_DATE_FUTURE = timedelta(days=5 * 366)

# Room for the dashes and blanks that people type between the digits.
MAX_TYPED_PIN_LENGTH = 2 * PIN_DIGITS + 4

# Control characters, separators of lines and paragraphs, and what turns the direction of writing.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_PHONE = re.compile(r"[0-9+()/.\-–\s]*")


def clean(text, limit):
    """Trim a text, use one kind of line end, and write each letter in one way (NFC)."""
    text = (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    # What is far too long is refused anyway, and normalising takes quadratic time for some texts.
    return text if len(text) > 4 * limit else unicodedata.normalize("NFC", text)


def row_id(text):
    """Return the id of a row that a form or an address carries, or 0, which none has, for what can be none."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text or "") else 0


def _is_short(limit):
    def check(form, field):
        if len(field.data) > limit:
            sentence = _(
                "Bitte kürzen Sie „%(label)s“ auf höchstens %(limit)d Zeichen.", label=field.label.text, limit=limit
            )
            raise StopValidation(sentence)

    return check


def _is_visible(form, field):
    several_lines = isinstance(field, TextAreaField)
    if _INVISIBLE.search(field.data) or (not several_lines and re.search(r"[\n\t]", field.data)):
        raise ValidationError(
            _(
                "„%(label)s“ enthält unsichtbare Zeichen. Bitte tippen Sie den Text neu, statt ihn einzufügen.",
                label=field.label.text,
            )
        )


def _has_digits(minimum, example):
    def check(form, field):
        if not _PHONE.fullmatch(field.data) or sum(map(str.isdigit, field.data)) < minimum:
            raise ValidationError(
                _(
                    "Bitte prüfen Sie „%(label)s“. Eine Nummer besteht aus Ziffern, zum Beispiel %(example)s.",
                    label=field.label.text,
                    example=example,
                )
            )

    return check


is_phone = _has_digits(5, "0211 123456")
_is_extension = _has_digits(1, "42")


def is_email(form, field):
    if not accounts.EMAIL.fullmatch(field.data):
        raise ValidationError(
            _(
                "Bitte prüfen Sie „%(label)s“. Eine E-Mail-Adresse sieht so aus: name@firma.de",
                label=field.label.text,
            )
        )


def _is_customer_number(form, field):
    if accounts.normalise_number(field.data) is None:
        raise ValidationError(
            _("Bitte prüfen Sie die Kundennummer. Sie besteht aus Ziffern und Buchstaben ohne Umlaute.")
        )


def line(label, *checks, missing=None, limit=MAX_SHORT_LENGTH, field_class=StringField, **options):
    """Declare a trimmed text of limited length; `missing` is the sentence for a required one that is empty."""
    presence = DataRequired(missing) if missing else Optional()
    validators = [presence, _is_short(limit), _is_visible, *checks]
    return field_class(label, validators, filters=[partial(clean, limit=limit)], **options)


def text(label, missing=None, **options):
    options.setdefault("render_kw", {"rows": 6})
    return line(label, missing=missing, limit=MAX_TEXT_LENGTH, field_class=TextAreaField, **options)


def keyboard(autocomplete, enter="next", **attributes):
    """Return what a keyboard on glass and the browser's memory need to know about a line; every line says it."""
    return {"autocomplete": autocomplete, "enterkeyhint": enter, **attributes}


def of_employee(token):
    """Return the autofill token for somebody else: a section of its own, for "off" lets browsers fill in the sender."""
    return f"section-employee {token}"


def choice(label, words, sentence, **options):
    return RadioField(
        label,
        choices=enum_choices(words, label=lambda word: word.label),
        coerce=enum_coerce(words),
        invalid_value_message=sentence,
        invalid_choice_message=sentence,
        **options,
    )


def _reference():
    return line(
        "Referenz",
        description="Ihre eigene Nummer oder ein Stichwort. Auf die Bearbeitung hat sie keinen Einfluss.",
        render_kw=keyboard("off", spellcheck="false"),
    )


def _priority():
    return choice(
        "Priorität",
        Priority,
        "Bitte wählen Sie Niedrig, Mittel oder Hoch.",
        default=Priority.LOW,
        description="Je mehr Personen betroffen sind und je schwerer es Ihr Unternehmen trifft, desto höher.",
    )


class DayField(DateField):
    """A day, typed in the German or the ISO way; all else is shown again as it was typed."""

    def __init__(self, label, validators, **options):
        sentence = "Dieses Datum gibt es nicht. Bitte schreiben Sie es so: 15.01.2027"
        super().__init__(label, validators, format=DATE_FORMATS, invalid_value_message=sentence, **options)

    def _value(self):
        return self.data.isoformat() if self.data else " ".join(self.raw_data or ())

    def __call__(self, **attributes):
        # A date input shows nothing for what it cannot read, and the typed text would be lost.
        if self._value() and not self.data:
            attributes["type"] = "text"
        return super().__call__(**attributes)

    def process_formdata(self, valuelist):
        self.raw_data = [value.strip() for value in valuelist]
        super().process_formdata([value for value in self.raw_data if value])


class EntryDateField(DayField):
    """A day not too far from today."""

    def process_formdata(self, valuelist):
        super().process_formdata(valuelist)
        if self.data and not clock.today() - ENTRY_DATE_PAST <= self.data <= clock.today() + ENTRY_DATE_FUTURE:
            year, self.data = self.data.year, None
            raise ValueError(_("Bitte prüfen Sie das Jahr: %(year)04d liegt zu weit von heute entfernt.", year=year))


class PortalForm(FlaskForm):
    """The base of every form: the language of its words, and the ties between a field, its hint and its error.

    What a form declares is German; it is put into the language of the page when the form is made.
    """

    class Meta(FlaskForm.Meta):
        locales = ["de"]
        takes_files = False

        def wrap_formdata(self, form, formdata):
            sent = super().wrap_formdata(form, formdata)
            # A file in place of a text is none.
            return request.form if isinstance(sent, CombinedMultiDict) and not self.takes_files else sent

        def render_field(self, field, render_kw):
            notes = [f"{field.id}-hint"] if field.description else []
            if field.errors:
                notes.insert(0, f"{field.id}-error")
                render_kw["aria-invalid"] = "true"
            if notes:
                render_kw["aria-describedby"] = " ".join(notes)
            # A browser would cut a pasted text without a word; the server says what is too long instead.
            render_kw["maxlength"] = False
            return super().render_field(field, render_kw)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for field in self if language.current() != language.GERMAN else ():
            field.label.text = _(field.label.text)
            field.description = _(field.description)
            if isinstance(field, RadioField):
                field.choices = [SelectChoice(choice.value, _(choice.label)) for choice in field.choices]

    def validate(self, extra_validators=None):
        """Check what was sent; the sentence of a declared check is German up to here."""
        is_valid = super().validate(extra_validators)
        for field in self:
            field.errors = [_(sentence) for sentence in field.errors]
        return is_valid

    def in_order(self):
        """Return the fields in the order in which the page asks for them."""
        return list(self)


class RequestForm(PortalForm):
    """What everybody fills in, whatever the category."""

    for_category = None
    with_attachments = False
    said_when_empty = {}
    # Where a section begins, so that each fits a thumb: the name of its first field, and its legend.
    begins = {"priority": "Zur Einordnung"}
    asked_last = frozenset({"name", "phone", "email", "customer_number", "pin"})
    # What was sent is read by others, too.
    read_as = {"name": "Name"}

    category = choice("Art der Anfrage", Category, "Bitte wählen Sie, worum es geht.")
    name = line(
        "Ihr Name",
        missing="Bitte geben Sie Ihren Namen ein.",
        render_kw=keyboard("name", autocapitalize="words", spellcheck="false"),
    )
    phone = line(
        "Kontaktnummer",
        is_phone,
        missing="Bitte geben Sie eine Telefonnummer ein, unter der wir Sie bei Rückfragen erreichen.",
        limit=MAX_PHONE_LENGTH,
        field_class=TelField,
        description="Unter dieser Telefonnummer erreichen wir Sie bei Rückfragen.",
        render_kw=keyboard("tel"),
    )
    email = line(
        "E-Mail",
        is_email,
        limit=MAX_EMAIL_LENGTH,
        field_class=EmailField,
        description="Dorthin schreiben wir, wenn die Adresse zu Ihrem Unternehmen gehört.",
        render_kw=keyboard("email", inputmode="email"),
    )
    customer_number = line(
        "Kundennummer",
        _is_customer_number,
        missing="Bitte geben Sie Ihre Kundennummer ein.",
        limit=MAX_NUMBER_LENGTH,
        render_kw=keyboard("on", autocapitalize="characters", spellcheck="false"),
    )
    pin = line(
        "PIN",
        missing="Bitte geben Sie Ihre PIN ein.",
        limit=MAX_TYPED_PIN_LENGTH,
        description=f"{PIN_DIGITS} Ziffern, mit oder ohne Leerzeichen.",
        # Not "current-password": a shared PC would offer it to the next person.
        render_kw=keyboard("off", "send", inputmode="numeric", spellcheck="false"),
    )

    def validate_pin(self, field):
        if accounts.normalise_pin(field.data) is None:
            raise ValidationError(_("Bitte prüfen Sie die PIN. Sie besteht aus %(digits)d Ziffern.", digits=PIN_DIGITS))

    def in_order(self):
        """Return the fields in the order in which the page asks for them: what it is about, then who asks."""
        return sorted(self, key=lambda field: field.name in self.asked_last)

    def details(self):
        """Return the fields that belong to the category, in the order of the page."""
        return [field for field in self if field.name in DETAIL_NAMES]

    def sections(self):
        """Return the details as the page shows them: pairs of a legend and the fields below it."""
        found = [(self.title, [])]
        for field in self.details():
            if field.name in self.begins:
                found.append((_(self.begins[field.name]), []))
            found[-1][1].append(field)
        return found

    @classmethod
    def explained(cls):
        """Return the sentence that explains the category, in the language of the page."""
        return _(cls.explanation)

    @property
    def title(self):
        """The words for the category, in the language of the page."""
        return _(self.for_category.label)

    def answers(self):
        """Return what is stored of a valid form: everything but the PIN, by column name."""
        answers = {field.name: field.data for field in self if field.name not in ("pin", "csrf_token")}
        answers["customer_number"] = accounts.normalise_number(self.customer_number.data)
        return answers

    def proof_of_pin(self):
        """Return the keyed proof of a valid form's PIN; the PIN itself goes no further."""
        return accounts.pin_proof(self.answers()["customer_number"], accounts.normalise_pin(self.pin.data))


class IncidentForm(RequestForm):
    """What is asked when a device or a program does not work."""

    for_category = Category.INCIDENT
    slug = "stoerung"
    explanation = "Ein Gerät oder Programm funktioniert nicht, wie es soll."
    with_attachments = True

    description = text(
        "Fehlerbeschreibung",
        missing="Bitte beschreiben Sie den Fehler in ein, zwei Sätzen.",
        description="Was geht nicht, seit wann, und welche Meldung erscheint?",
    )
    priority = _priority()
    reference = _reference()


class WarrantyForm(RequestForm):
    """What is asked when a device that was bought from the office is defective."""

    for_category = Category.WARRANTY
    slug = "garantie"
    explanation = "Ein Gerät, das Sie bei uns gekauft haben, ist defekt."
    with_attachments = True
    begins = RequestForm.begins | {"description": "Was ist defekt?"}

    device = line(
        "Bezeichnung des Geräts",
        missing="Bitte geben Sie an, um welches Gerät es geht.",
        description="So genau wie möglich, am besten wie auf der Rechnung.",
        render_kw=keyboard("off", spellcheck="false"),
    )
    serial_number = line(
        "Seriennummer",
        description="Steht meist auf einem Aufkleber am Gerät. Nicht zu finden? Dann lassen Sie das Feld leer.",
        render_kw=keyboard("off", autocapitalize="characters", spellcheck="false"),
    )
    order_reference = line(
        "Auftragsbezug",
        description="Auftrags- oder Rechnungsnummer des Kaufs. Ohne sie suchen wir etwas länger.",
        render_kw=keyboard("off", spellcheck="false"),
    )
    description = text(
        "Beschreibung der Störung",
        missing="Bitte beschreiben Sie, was am Gerät nicht funktioniert.",
        description="Was geht nicht, seit wann, und welche Meldung erscheint?",
    )
    priority = _priority()
    reference = _reference()


class NewEmployeeForm(RequestForm):
    """What is asked for the account of somebody who starts to work at the customer's."""

    for_category = Category.NEW_EMPLOYEE
    slug = "neuer-mitarbeiter"
    explanation = "Jemand fängt bei Ihnen an, und wir richten das Benutzerkonto ein."
    begins = {"position": "Arbeitsplatz", "extension": "Telefon und E-Mail", "remarks": "Sonst noch etwas?"}
    said_when_empty = {"desired_email": "keine, wir legen keine an"}

    salutation = choice("Anrede", Salutation, "Bitte wählen Sie Frau, Herr oder keine Angabe.")
    first_name = line(
        "Vorname",
        missing="Bitte geben Sie den Vornamen ein.",
        render_kw=keyboard(of_employee("given-name"), autocapitalize="words", spellcheck="false"),
    )
    last_name = line(
        "Nachname",
        missing="Bitte geben Sie den Nachnamen ein.",
        render_kw=keyboard(of_employee("family-name"), autocapitalize="words", spellcheck="false"),
    )
    position = line(
        "Positionsbeschreibung",
        missing="Bitte geben Sie an, welche Position die Person bekommt.",
        description="Zum Beispiel: Buchhaltung, Empfang, Vertrieb.",
        render_kw=keyboard(of_employee("organization-title")),
    )
    entry_date = EntryDateField(
        "Eintrittsdatum",
        [InputRequired("Bitte geben Sie das Eintrittsdatum an.")],
        description="An diesem Tag steht das Benutzerkonto bereit, wenn Sie den Eintritt mindestens "
        f"{LEAD_TIME_WORKDAYS} Werktage vorher melden.",
        render_kw=keyboard("off"),
    )
    extension = line(
        "Telefondurchwahl",
        _is_extension,
        limit=MAX_PHONE_LENGTH,
        field_class=TelField,
        render_kw=keyboard(of_employee("tel-extension")),
    )
    mobile = line(
        "Firmenmobiltelefon",
        is_phone,
        limit=MAX_PHONE_LENGTH,
        field_class=TelField,
        render_kw=keyboard(of_employee("mobile tel")),
    )
    desired_email = line(
        "Gewünschte E-Mail-Adresse",
        is_email,
        limit=MAX_EMAIL_LENGTH,
        field_class=EmailField,
        description="Bleibt das Feld leer, legen wir keine E-Mail-Adresse an.",
        render_kw=keyboard(of_employee("work email"), inputmode="email"),
    )
    remarks = text("Sonstige Anmerkungen", render_kw={"rows": 4})
    reference = _reference()


class CallbackForm(RequestForm):
    """What is asked when somebody wants to be called."""

    for_category = Category.CALLBACK
    slug = "rueckruf"
    explanation = "Sie möchten mit uns sprechen, und nichts ist kaputt."
    with_attachments = True

    description = text(
        "Anliegen",
        missing="Bitte schreiben Sie kurz, worum es geht.",
        description="Wenige Worte genügen, damit die richtige Person Sie zurückruft.",
    )
    priority = _priority()
    reference = _reference()


class OtherForm(RequestForm):
    """What is asked when nothing else fits."""

    for_category = Category.OTHER
    slug = "sonstiges"
    explanation = "Alles, was zu keiner der anderen Arten passt."
    with_attachments = True

    description = text(
        "Anliegen",
        missing="Bitte schreiben Sie kurz, worum es geht.",
        description="Was können wir für Sie tun?",
    )
    priority = _priority()
    reference = _reference()


class ReplyForm(PortalForm):
    """What a customer writes to the office about a ticket."""

    with_attachments = True

    text = text("Ihre Nachricht", missing="Bitte schreiben Sie uns ein paar Worte.")


FORMS = {form.for_category: form for form in (IncidentForm, WarrantyForm, NewEmployeeForm, CallbackForm, OtherForm)}

DETAIL_NAMES = frozenset(
    name for form in FORMS.values() for name, member in vars(form).items() if hasattr(member, "_formfield")
)


def read_back(submission, without=()):
    """Return what was sent as pairs of label and text, with the labels of the form it was sent with.

    Some fields may be left out by their names; the PIN always is.
    """
    form = FORMS[submission.category](formdata=None, obj=submission, meta={"csrf": False})
    lines = [
        (_(form.read_as.get(field.name, field.label.text)), _shown(field, form))
        for field in form.in_order()
        if field.name not in ("pin", *without)
    ]
    return [(label, text) for label, text in lines if text]


def _shown(field, form):
    if not field.data:
        return _(form.said_when_empty.get(field.name, ""))
    if isinstance(field, RadioField):
        return _(field.data.label)
    if isinstance(field, DateField):
        return texts.date(field.data)
    return field.data
