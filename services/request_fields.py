"""The fields of a request: their labels by category, and what a submission says as pairs of label and text."""

from collections.abc import Collection
from datetime import date

from enums import Category, LabelledEnum
from i18n import formats
from i18n.catalogue import gettext as _
from i18n.catalogue import gettext_noop as N_
from models import Submission

# The fields of every category, before and after the category's own.
CATEGORY_LABEL = N_("Art der Anfrage")
SENDER_LABELS = {
    "name": N_("Name"),
    "phone": N_("Kontaktnummer"),
    "email": N_("E-Mail"),
    "customer_number": N_("Kundennummer"),
}

# The fields of each category, in the order of its form.
_REFERENCE = {"reference": N_("Referenz")}
_REFERENCE_AND_PRIORITY = _REFERENCE | {"priority": N_("Priorität")}
LABELS = {
    Category.INCIDENT: {"description": N_("Fehlerbeschreibung")} | _REFERENCE_AND_PRIORITY,
    Category.WARRANTY: {
        "device": N_("Bezeichnung des Geräts"),
        "serial_number": N_("Seriennummer"),
        "order_reference": N_("Auftragsbezug"),
        "description": N_("Beschreibung der Störung"),
    }
    | _REFERENCE_AND_PRIORITY,
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
    }
    | _REFERENCE,
    Category.CALLBACK: {"description": N_("Anliegen")} | _REFERENCE_AND_PRIORITY,
    Category.OTHER: {"description": N_("Anliegen")} | _REFERENCE_AND_PRIORITY,
}

# The text for an empty field; other empty fields are left out.
EMPTY_TEXTS = {"desired_email": N_("keine, wir legen keine an")}

# The fields that hold typed text, with short labels for staff. All are searched, disclosed to the persons concerned on
# request, and erased.
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


def labelled_texts(submission: Submission, without: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return what a submission says as pairs of label and text, in the current language; empty fields are left out.

    without: names of fields that the reader must not see.
    """
    labels = {"category": CATEGORY_LABEL} | LABELS[submission.category] | SENDER_LABELS
    pairs = [
        (_(label), _shown(name, getattr(submission, name))) for name, label in labels.items() if name not in without
    ]
    return [(label, text) for label, text in pairs if text]


def _shown(name: str, value: str | date | None) -> str:
    if not value:
        return _(EMPTY_TEXTS.get(name, ""))
    if isinstance(value, LabelledEnum):
        return _(value.label)
    return formats.date(value) if isinstance(value, date) else value
