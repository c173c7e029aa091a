"""Bring the English catalogue up to date: python -m tools.catalogue

Collects every text that customers may see, adds new ones to the .po file, removes unused ones, compiles it and prints
what is not translated. Write the English into the .po file, then run this again to compile.
"""

import sys

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from flask import Flask

import enums
import forms
from i18n import catalogue
from views.shared import priority_helper

PO_FILE = catalogue.TRANSLATIONS / catalogue.ENGLISH / "LC_MESSAGES" / f"{catalogue.DOMAIN}.po"
MO_FILE = PO_FILE.with_suffix(".mo")

KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "gettext_noop": None}
METHODS = [
    (".venv/**", "ignore"),
    ("tests/**", "ignore"),
    ("tools/**", "ignore"),
    ("templates/staff/**", "ignore"),
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
]
OPTIONS = {
    "templates/**.html": {"newstyle_gettext": "true", "trimmed": "true", "silent": "false", "trim_blocks": "true"}
}
FORM_CLASSES = [
    *forms.REQUEST_FORMS.values(),
    forms.ReplyForm,
    forms.DecisionForm,
    priority_helper.PriorityHelper,
]
LABELS = [enums.Category, enums.Priority, enums.Salutation, enums.TicketStatus]


def main():
    entries = load_catalogue()
    entries.update(extract_messages(), no_fuzzy_matching=True, update_creation_date=False)
    entries.obsolete.clear()
    with PO_FILE.open("wb") as file:
        write_po(file, entries, width=120, omit_header=False, sort_by_file=True, include_lineno=False)
    with MO_FILE.open("wb") as file:
        write_mo(file, entries)
    for german in untranslated(entries):
        print(german)


def load_catalogue():
    """Return the stored catalogue."""
    with PO_FILE.open("rb") as file:
        return read_po(file, locale=catalogue.ENGLISH)


def extract_messages():
    """Return a catalogue of all texts for customers, not translated."""
    entries = Catalog(locale=catalogue.ENGLISH)
    root = str(catalogue.TRANSLATIONS.parent)
    for name, _, message, _, _ in extract_from_dir(root, METHODS, OPTIONS, KEYWORDS):
        entries.add(message, locations=[(name, 0)])
    for german in _declared():
        entries.add(german, locations=[("forms.py", 0)])
    return entries


def untranslated(entries):
    """Return the German sentences that have no English ones."""
    return [message.id for message in entries if message.id and not all(plural_forms(message.string))]


def plural_forms(said):
    """Return a sentence, or those for one and for many, as a tuple."""
    return said if isinstance(said, tuple) else (said,)


def _declared():
    """Yield the texts declared in forms and enums; the code does not mark them: each form translates its own."""
    app = Flask("catalogue")
    app.config["WTF_I18N_ENABLED"] = False
    with app.app_context():
        for form_class in FORM_CLASSES:
            yield from _sentences(form_class(formdata=None))
    for labelled in LABELS:
        yield from (word.label for word in labelled)


def _sentences(form):
    for field in form:
        # A description with a number is marked where it is written.
        described = "" if field.name == "entry_date" else field.description
        found = [field.label.text, described]
        found += [choice.label for choice in getattr(field, "choices", ())]
        found += [getattr(check, "message", None) for check in field.validators]
        found += [getattr(field, name, None) for name in ("invalid_value_message", "invalid_choice_message")]
        yield from filter(None, found)
    if isinstance(form, forms.RequestForm):
        yield from (form.explanation, *form.section_legends.values())


if __name__ == "__main__":
    sys.exit(main())
