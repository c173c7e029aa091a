"""The parts of forms: the base of every form, its kinds of fields and their validators."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from markupsafe import escape
from werkzeug.datastructures import CombinedMultiDict
from wtforms import DateField, EmailField, Field, Form, RadioField, StringField, TelField, TextAreaField
from wtforms.fields.choices import SelectChoice, enum_choices
from wtforms.validators import DataRequired, Optional, StopValidation, ValidationError
from wtforms.widgets import core as widgets

import clock
from enums import MAX_EMAIL_LENGTH, MAX_PHONE_LENGTH, MAX_SHORT_LENGTH, MAX_TEXT_LENGTH, LabelledEnum
from i18n.catalogue import gettext as _
from i18n.typed_text import (
    clean_email,
    clean_line,
    clean_number,
    clean_text,
    has_control_characters,
    mark_control_characters,
)
from services import phone_numbers
from services.errors import UserError
from services.mail import addresses

DATE_FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y"]

# Only a mistyped year is refused; for a date that is too soon there is the notice about the lead time.
ENTRY_DATE_PAST = timedelta(days=366)
ENTRY_DATE_FUTURE = timedelta(days=5 * 366)

Validator = Callable[[Form, Field], None]
Cleaning = Callable[[str], str]


def _html_attributes(**attributes: Any) -> str:
    """Return attributes as HTML; True stands for one without a value, False for none."""
    shown = ((name, value) for name, value in attributes.items() if value is not False)
    return " ".join(name if value is True else f'{name}="{escape(value)}"' for name, value in shown)


# WTForms formats each attribute by a template of its own, which took a quarter of a fragment's time.
widgets.html_params = _html_attributes
widgets.Input.html_params = staticmethod(_html_attributes)


def cleaned_by(cleaning: Cleaning) -> Callable[[str | None], str]:
    """Return a filter that cleans what was typed; a field that was not sent is empty."""
    return lambda text: cleaning(text or "")


def row_id(text: str | None) -> int:
    """Return the row id in a form field or a URL; 0, which no row has, if it is malformed."""
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text) else 0


def _max_length(limit: int) -> Validator:
    def check(form: Form, field: Field) -> None:
        if len(field.data) > limit:
            sentence = _(
                "Bitte kürzen Sie „%(label)s“ auf höchstens %(limit)d Zeichen.", label=field.label.text, limit=limit
            )
            raise StopValidation(sentence)

    return check


def _has_no_control_characters(form: Form, field: Field) -> None:
    if has_control_characters(field.data):
        field.data = mark_control_characters(field.data)
        raise StopValidation(
            _(
                "„%(label)s“ enthielt Zeichen, die sich nicht anzeigen lassen. Wir haben sie mit „�“ markiert. Bitte "
                "löschen Sie diese Markierungen; der übrige Text ist unverändert.",
                label=field.label.text,
            )
        )


def is_phone(form: Form, field: Field) -> None:
    """Refuse what has too few digits for a phone number; words beside it do not matter."""
    if sum(map(str.isdecimal, field.data)) < phone_numbers.MIN_DIGITS:
        raise ValidationError(
            _(
                "Bitte prüfen Sie „%(label)s“. Eine Telefonnummer hat mindestens %(minimum)d Ziffern, zum Beispiel "
                "0211 123456.",
                label=field.label.text,
                minimum=phone_numbers.MIN_DIGITS,
            )
        )


def is_extension(form: Form, field: Field) -> None:
    """Refuse what has no digit."""
    if not any(map(str.isdecimal, field.data)):
        raise ValidationError(
            _("Bitte prüfen Sie „%(label)s“. Eine Durchwahl hat Ziffern, zum Beispiel 42.", label=field.label.text)
        )


def is_email(form: Form, field: Field) -> None:
    """Refuse what does not look like an e-mail address."""
    if not addresses.is_email(field.data):
        raise ValidationError(
            _("Bitte prüfen Sie „%(label)s“. Eine E-Mail-Adresse sieht so aus: name@firma.de", label=field.label.text)
        )


@contextmanager
def user_error_at_field() -> Iterator[None]:
    """Put the sentence of a UserError at the field that is being validated."""
    try:
        yield
    except UserError as error:
        raise ValidationError(str(error)) from None


def text_field(
    label: str,
    *checks: Validator,
    missing: str | None = None,
    limit: int = MAX_SHORT_LENGTH,
    cleaning: Cleaning = clean_line,
    field_class: type[Field] = StringField,
    **options: Any,
) -> Field:
    """Declare a text field of limited length; `missing`, the sentence for an empty text, makes it required."""
    presence = DataRequired(missing) if missing else Optional()
    validators = [presence, _has_no_control_characters, _max_length(limit), *checks]
    return field_class(label, validators, filters=[cleaned_by(cleaning)], **options)


def phone_field(label: str, check: Validator = is_phone, **options: Any) -> Field:
    """Declare a text field for a phone number."""
    return text_field(label, check, limit=MAX_PHONE_LENGTH, cleaning=clean_number, field_class=TelField, **options)


def email_field(label: str, check: Validator = is_email, **options: Any) -> Field:
    """Declare a text field for an e-mail address."""
    return text_field(label, check, limit=MAX_EMAIL_LENGTH, cleaning=clean_email, field_class=EmailField, **options)


def textarea(label: str, missing: str | None = None, rows: int = 6, description: str = "", **attributes: str) -> Field:
    """Declare a field for a text of several lines; `attributes` are those of the HTML element."""
    options = {"description": description, "render_kw": {"rows": rows, **attributes}}
    return text_field(
        label, missing=missing, limit=MAX_TEXT_LENGTH, cleaning=clean_text, field_class=TextAreaField, **options
    )


def input_attributes(autocomplete: str, enter: str = "next", **attributes: str) -> dict[str, str]:
    """Return the HTML attributes of an input for the browser's autofill and for the enter key on phones."""
    # Another person's data needs an autofill section: some browsers ignore "off" and fill in the sender.
    return {"autocomplete": autocomplete, "enterkeyhint": enter, **attributes}


def radio_field(label: str, words: type[LabelledEnum], sentence: str, **options: Any) -> Field:
    """Declare a choice of one word; `sentence` is shown if none or an unknown one is sent."""
    return RadioField(
        label,
        choices=enum_choices(words, label=lambda word: word.label),
        coerce=words,
        invalid_value_message=sentence,
        invalid_choice_message=sentence,
        **options,
    )


class DayField(DateField):
    """A date, typed in German or ISO format; anything else is shown again as it was typed."""

    data: date | None

    def __init__(self, label: str, validators: Sequence[Validator], **options: Any) -> None:
        sentence = "Dieses Datum gibt es nicht. Bitte schreiben Sie es so: 15.01.2027"
        super().__init__(label, validators, format=DATE_FORMATS, invalid_value_message=sentence, **options)

    def _value(self) -> str:
        return self.data.isoformat() if self.data else " ".join(self.raw_data or ())

    def __call__(self, **attributes: Any) -> str:
        # A date input is empty for a value that is no date, and the typed text would be lost.
        if self._value() and not self.data:
            attributes["type"] = "text"
        return super().__call__(**attributes)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.raw_data = [mark_control_characters(clean_number(value)) for value in valuelist]
        # "15. 1. 2027" is as common as "15.1.2027".
        super().process_formdata([value.replace(" ", "") for value in self.raw_data if value])


class EntryDateField(DayField):
    """A date not too far from today."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        super().process_formdata(valuelist)
        if self.data and not clock.today() - ENTRY_DATE_PAST <= self.data <= clock.today() + ENTRY_DATE_FUTURE:
            year, self.data = self.data.year, None
            raise ValueError(_("Bitte prüfen Sie das Jahr: %(year)04d liegt zu weit von heute entfernt.", year=year))


class PortalForm(FlaskForm):
    """The base of every form: declared in German, translated when created; links inputs with hints and errors."""

    # `notice`: a sentence about the whole form; `result`: what the action returned.
    notice = ""
    result: Any = None

    class Meta(FlaskForm.Meta):
        # CSRFProtect has checked the token of every POST, and templates write it by csrf_token().
        csrf = False
        locales = ["de"]
        takes_files = False

        def wrap_formdata(self, form: Form, formdata: Any) -> Any:
            sent = super().wrap_formdata(form, formdata)
            # A file sent under the name of a text field does not count.
            return request.form if isinstance(sent, CombinedMultiDict) and not self.takes_files else sent

        def render_field(self, field: Field, render_kw: dict[str, Any]) -> str:
            notes = [f"{field.id}-hint"] if field.description else []
            if field.errors:
                notes.insert(0, f"{field.id}-error")
                render_kw["aria-invalid"] = "true"
            if notes:
                render_kw["aria-describedby"] = " ".join(notes)
            # Browsers cut a pasted text at maxlength without a message; the server tells what is too long instead.
            render_kw["maxlength"] = False
            return super().render_field(field, render_kw)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self:
            field.label.text = _(field.label.text)
            field.description = _(field.description)
            if isinstance(field, RadioField):
                field.choices = [SelectChoice(choice.value, _(choice.label)) for choice in field.choices]

    def validate(self, extra_validators: dict[str, list[Validator]] | None = None) -> bool:
        """Check what was sent, and translate the sentences of the validators."""
        is_valid = super().validate(extra_validators)
        for field in self:
            field.errors = [_(sentence) for sentence in field.errors]
        return is_valid

    def succeeds(self, action: Callable[[], object], field: str = "") -> bool:
        """Validate, and keep what the action returns as `result`; a UserError is placed, or becomes the `notice`."""
        if not self.validate():
            return False
        try:
            self.result = action()
        except UserError as error:
            self.notice = self.place(error, field)
            return False
        return True

    def place(self, error: UserError, field: str = "") -> str:
        """Put the sentence of a UserError at its field, by default `field`; return it if it is about the whole form."""
        name = error.field or field
        if name not in self:
            return str(error)
        self[name].errors = [str(error)]
        return ""

    def in_order(self) -> list[Field]:
        """Return the fields in the order of the page."""
        return list(self)
