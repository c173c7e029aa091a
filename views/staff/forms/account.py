"""The forms for the accounts of the office."""

from wtforms import SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from enums import StaffRole
from form_fields import PortalForm, email_field, radio_field, text_field

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
        self.staff = {str(member.id): member for member in staff}
        self.assignee.choices = [
            SelectChoice("", "niemand"),
            *(SelectChoice(staff_id, member.name) for staff_id, member in self.staff.items()),
        ]

    def validate_assignee(self, field):
        if field.data and self.chosen is None:
            raise ValidationError("Dieses Konto ist inzwischen gesperrt. Bitte wählen Sie ein anderes.")

    @property
    def chosen(self):
        return self.staff.get(self.assignee.data)
