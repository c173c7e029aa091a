"""What forms are made of: the base of every form, its kinds of fields and their checks."""

import re
import unicodedata
from datetime import timedelta
from functools import partial

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import CombinedMultiDict
from wtforms import DateField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice, enum_choices, enum_coerce
from wtforms.validators import DataRequired, Optional, StopValidation, ValidationError

import clock
from enums import MAX_SHORT_LENGTH, MAX_TEXT_LENGTH
from i18n.catalogue import gettext as _
from services.mail import addresses

DATE_FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y"]

# A year typed wrong is caught; a date that is only too soon is not (that is what the lead-time notice is for).
ENTRY_DATE_PAST = timedelta(days=366)
ENTRY_DATE_FUTURE = timedelta(days=5 * 366)

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


def _max_length(limit):
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
is_extension = _has_digits(1, "42")


def is_email(form, field):
    if not addresses.EMAIL.fullmatch(field.data):
        raise ValidationError(
            _(
                "Bitte prüfen Sie „%(label)s“. Eine E-Mail-Adresse sieht so aus: name@firma.de",
                label=field.label.text,
            )
        )


def text_field(label, *checks, missing=None, limit=MAX_SHORT_LENGTH, field_class=StringField, **options):
    """Declare a trimmed text of limited length; `missing` is the sentence for a required one that is empty."""
    presence = DataRequired(missing) if missing else Optional()
    validators = [presence, _max_length(limit), _is_visible, *checks]
    return field_class(label, validators, filters=[partial(clean, limit=limit)], **options)


def textarea(label, missing=None, **options):
    options.setdefault("render_kw", {"rows": 6})
    return text_field(label, missing=missing, limit=MAX_TEXT_LENGTH, field_class=TextAreaField, **options)


def input_attributes(autocomplete, enter="next", **attributes):
    """Return what a keyboard on glass and the browser's memory need to know about a line; every line says it."""
    return {"autocomplete": autocomplete, "enterkeyhint": enter, **attributes}


def autofill_section(whom, token):
    """Return the autofill token for somebody else: a section of its own, for "off" lets browsers fill in the sender."""
    return f"section-{whom} {token}"


def radio_field(label, words, sentence, **options):
    return RadioField(
        label,
        choices=enum_choices(words, label=lambda word: word.label),
        coerce=enum_coerce(words),
        invalid_value_message=sentence,
        invalid_choice_message=sentence,
        **options,
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
        for field in self:
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

    def place(self, error, field=""):
        """Put the sentence of a UserError at its field, or return it if it is about the whole form.

        field: the name of the field for an error that names none.
        """
        name = error.field or field
        if name not in self:
            return str(error)
        self[name].errors = [str(error)]
        return ""

    def in_order(self):
        """Return the fields in the order in which the page asks for them."""
        return list(self)
