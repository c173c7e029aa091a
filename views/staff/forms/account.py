"""The forms for the accounts of the office."""

from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from enums import StaffRole
from form_fields import PortalForm, email_field, radio_field, row_id, text_field
from models import Staff

NO_ROLE = "Bitte wählen Sie Leitung oder Team."


def _role():
    return radio_field(
        "Rolle",
        StaffRole,
        NO_ROLE,
        description="Die Leitung ändert auch Konten, Einstellungen und Datenschutz.",
    )


class NewAccountForm(PortalForm):
    """A colleague who gets an account."""

    name = text_field("Name", missing="Bitte geben Sie den Namen der Kollegin oder des Kollegen ein.")
    email = email_field(
        "E-Mail", description="Dorthin geht der Link für das Kennwort. Ohne Adresse zeigt ihn die nächste Seite."
    )
    role = _role()


class RoleForm(PortalForm):
    """The role of an account."""

    role = _role()


class HandOverForm(PortalForm):
    """Who gets the open tickets of an account that is locked."""

    assignee = SelectField("Die offenen Tickets bekommt", validate_choice=False)

    def __init__(self, *args, staff=(), **options):
        super().__init__(*args, **options)
        self.assignee.choices = [
            SelectChoice("", "niemand"),
            *(SelectChoice(str(member.id), member.name) for member in staff),
        ]

    @property
    def chosen(self):
        return Staff.get_or_none(Staff.id == row_id(self.assignee.data))
