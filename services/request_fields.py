"""The fields of a request: their labels by category, and what a submission says as pairs of label and text."""

from datetime import date

from enums import Category, LabelledEnum
from i18n import formats
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_

# What is asked in every category, before and after the category's own fields.
CATEGORY_LABEL = N_("Art der Anfrage")
SENDER_LABELS = {
    "name": N_("Name"),
    "phone": N_("Kontaktnummer"),
    "email": N_("E-Mail"),
    "customer_number": N_("Kundennummer"),
}

# The fields of each category, in the order in which its form asks for them.
LABELS = {
    Category.INCIDENT: {
        "description": N_("Fehlerbeschreibung"),
        "reference": N_("Referenz"),
        "priority": N_("Priorität"),
    },
    Category.WARRANTY: {
        "device": N_("Bezeichnung des Geräts"),
        "serial_number": N_("Seriennummer"),
        "order_reference": N_("Auftragsbezug"),
        "description": N_("Beschreibung der Störung"),
        "reference": N_("Referenz"),
        "priority": N_("Priorität"),
    },
    Category.NEW_EMPLOYEE: {
        "salutation": N_("Anrede"),
        "first_name": N_("Vorname"),
        "last_name": N_("Nachname"),
        "position": N_("Positionsbeschreibung"),
        "entry_date": N_("Eintrittsdatum"),
        "extension": N_("Telefondurchwahl"),
        "mobile": N_("Firmenmobiltelefon"),
        "desired_email": N_("Gewünschte E-Mail-Adresse"),
        "remarks": N_("Sonstige Anmerkungen"),
        "reference": N_("Referenz"),
    },
    Category.CALLBACK: {
        "description": N_("Anliegen"),
        "reference": N_("Referenz"),
        "priority": N_("Priorität"),
    },
    Category.OTHER: {
        "description": N_("Anliegen"),
        "reference": N_("Referenz"),
        "priority": N_("Priorität"),
    },
}

# What an empty field means, where that is worth saying.
EMPTY_TEXTS = {"desired_email": N_("keine, wir legen keine an")}

# The texts that a person typed, with short labels for the office. All of them are searched, exported to whoever asks
# what is stored about them, and erased.
TYPED_TEXTS = {
    "name": "Name",
    "phone": "Kontaktnummer",
    "email": "E-Mail",
    "reference": "Referenz",
    "description": "Beschreibung",
    "device": "Gerät",
    "serial_number": "Seriennummer",
    "order_reference": "Auftragsbezug",
    "first_name": "Vorname",
    "last_name": "Nachname",
    "extension": "Telefondurchwahl",
    "mobile": "Firmenmobiltelefon",
    "desired_email": "gewünschte E-Mail-Adresse",
    "position": "Position",
    "remarks": "Anmerkungen",
}


def labelled_texts(submission, without=()):
    """Return what a submission says as pairs of label and text, in the current language; empty fields are left out.

    without: names of fields that the reader must not see.
    """
    labels = {"category": CATEGORY_LABEL} | LABELS[submission.category] | SENDER_LABELS
    pairs = [
        (_(label), _shown(name, getattr(submission, name))) for name, label in labels.items() if name not in without
    ]
    return [(label, text) for label, text in pairs if text]


def _shown(name, value):
    if not value:
        return _(EMPTY_TEXTS.get(name, ""))
    if isinstance(value, LabelledEnum):
        return _(value.label)
    return formats.date(value) if isinstance(value, date) else value
