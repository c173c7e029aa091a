"""The form for the settings of the office; `settings` decides what a value may be."""

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from flask_wtf.file import FileField
from wtforms import BooleanField, ColorField, IntegerField, PasswordField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from enums import MAX_POSTCODE_LENGTH
from form_fields import PortalForm, cleaned_by, email_field, phone_field, text_field
from i18n.typed_text import clean_line, clean_number
from services import branding
from settings import CONFIG_FILE, ENVIRONMENT_PREFIX, FEDERAL_STATES, fault_of, settings

# The names of the settings on the page, by the heading above them. The parts of `smtp_url` are fields of their own.
GROUPS = {
    "Name und Anschrift": ("office_name", "office_street", "office_postcode", "office_town"),
    "So erreicht man Sie": ("office_email", "office_phone", "base_url"),
    "Aussehen": ("office_colour", "logo", "no_logo"),
    "Arbeitszeit": ("federal_state", "office_opens", "office_closes", "lead_time_workdays", "approval_link_days"),
    "Mailserver": ("smtp_host", "smtp_port", "smtp_encryption", "smtp_name", "smtp_password"),
    "Fristen, nach denen gelöscht wird": (
        "attachments_days",
        "new_employee_days",
        "closed_ticket_days",
        "mail_days",
        "unmatched_days",
        "log_days",
    ),
    "Sicherung": ("backup_time", "backups_kept", "backup_dir"),
}

ENCRYPTIONS = [
    SelectChoice("smtp", "STARTTLS (üblich, Port 587)"),
    SelectChoice("smtps", "TLS von Anfang an (Port 465)"),
]

NO_NUMBER = "Bitte geben Sie eine ganze Zahl ein."
NO_CHOICE = "Bitte wählen Sie eines aus der Liste."
PASSWORD_NEEDED = "Für einen anderen Server oder Namen brauchen wir das Kennwort noch einmal."  # noqa: S105 - a sentence


def _number(label, **options):
    return IntegerField(label, [Optional()], invalid_value_message=NO_NUMBER, **options)


class OfficeForm(PortalForm):
    """The settings that an office changes; `changes` are those that differ from the values in force."""

    class Meta(PortalForm.Meta):
        takes_files = True

    office_name = text_field("Name", missing="Bitte geben Sie den Namen Ihres Büros ein.")
    office_street = text_field("Straße und Hausnummer")
    office_postcode = text_field("Postleitzahl", limit=MAX_POSTCODE_LENGTH, cleaning=clean_number)
    office_town = text_field("Ort")
    office_email = email_field(
        "E-Mail",
        missing="Bitte geben Sie die E-Mail-Adresse Ihres Büros ein.",
        description="Sie steht auf den Seiten für Kunden, und die E-Mails an das Büro gehen dorthin.",
    )
    office_phone = phone_field("Telefon")
    base_url = text_field(
        "Adresse im Netz",
        description="Unter dieser Adresse öffnen Ihre Kunden das Portal, zum Beispiel https://melden.firma.de",
        cleaning=clean_number,
    )
    office_colour = ColorField(
        "Farbe",
        filters=[cleaned_by(clean_line)],
        description="Für Links und Knöpfe. Sie muss auf hellem Grund gut lesbar sein.",
    )
    logo = FileField(
        "Logo",
        description=f"SVG, PNG, WebP oder JPEG, höchstens {branding.MAX_LOGO_KIB}\N{NO-BREAK SPACE}KB.",
        render_kw={"accept": ".svg,.png,.webp,.jpg,.jpeg"},
    )
    no_logo = BooleanField("Kein Logo, sondern den Namen zeigen")
    federal_state = SelectField(
        "Bundesland",
        choices=[SelectChoice(*state) for state in FEDERAL_STATES.items()],
        description="Für die Feiertage.",
        invalid_choice_message=NO_CHOICE,
    )
    office_opens = text_field("Arbeitszeit von")
    office_closes = text_field("Arbeitszeit bis")
    lead_time_workdays = _number("Vorlauf für neue Mitarbeiter (Werktage)")
    approval_link_days = _number("Link eines Genehmigers gilt (Tage)")
    smtp_host = text_field("Server", cleaning=clean_number, description="Zum Beispiel mail.firma.de")
    smtp_port = _number("Port")
    smtp_encryption = SelectField("Verschlüsselung", choices=ENCRYPTIONS, invalid_choice_message=NO_CHOICE)
    smtp_name = text_field("Benutzername", render_kw={"autocomplete": "off"})
    smtp_password = PasswordField(
        "Kennwort",
        description="Es wird nie angezeigt. Bleibt das Feld leer, gilt das bisherige.",
        render_kw={"autocomplete": "new-password"},
    )
    attachments_days = _number("Anhänge nach dem Abschluss (Tage)")
    new_employee_days = _number("Angaben zu neuen Mitarbeitern nach dem Abschluss (Tage)")
    closed_ticket_days = _number("Tickets nach dem Abschluss (Tage)")
    mail_days = _number("E-Mails im Postausgang (Tage)")
    unmatched_days = _number("nicht zugeordnete Anfragen (Tage)")
    log_days = _number("Protokoll (Tage)")
    backup_time = text_field("Uhrzeit", description="Leer: keine Sicherung von selbst.")
    backups_kept = _number("So viele Sicherungen bleiben")
    backup_dir = text_field(
        "Ordner",
        limit=250,
        description="Ein Ordner, den es gibt, am besten auf einer anderen Platte. Leer: backups neben der Datenbank.",
    )

    def __init__(self, *args, **options):
        self.server = urlsplit(settings.smtp_url)
        in_force = {
            "smtp_host": self.server.hostname or "",
            "smtp_port": self.server.port,
            "smtp_encryption": self.server.scheme or "smtp",
            "smtp_name": unquote(self.server.username or ""),
        }
        super().__init__(*args, obj=settings, data=in_force, **options)
        self.logo_content, self.changes = b"", {}
        for field in self:
            if self.source(field.name).startswith(ENVIRONMENT_PREFIX):
                field.process(None, in_force.get(field.name, getattr(settings, field.name, None)))
                field.render_kw = {**(field.render_kw or {}), "disabled": True}

    def source(self, name):
        """Return where the value in force comes from, "" for a default."""
        part_of = {"logo": "office_logo", "no_logo": "office_logo"}
        return settings.sources.get("smtp_url" if name.startswith("smtp_") else part_of.get(name, name), "")

    def source_in_words(self, name):
        source = self.source(name)
        if source.startswith(ENVIRONMENT_PREFIX):
            return f"durch {source} gesetzt, hier nicht zu ändern"
        return f"aus {CONFIG_FILE}" if source else "Vorgabe"

    def validate(self, extra_validators=None):
        """Check each value by the rule of its setting, and collect the changes."""
        is_valid = super().validate(extra_validators)
        for field in self:
            if field.name in settings.sources and not field.errors and (fault := self._fault(field)):
                field.errors = [fault]
        values = {field.name: field.data for field in self if field.name in settings.sources}
        if not (self.smtp_host.errors or self.smtp_port.errors):
            values["smtp_url"] = self._smtp_url()
        if not self.no_logo.data and self.logo.data:
            self.logo_content = self.logo.data.read(branding.MAX_LOGO_KIB * 1024 + 1)
            values["office_logo"], fault = branding.logo_name(self.logo_content)
            self.logo.errors = [fault] if fault else []
        elif self.no_logo.data:
            values["office_logo"] = ""
        self.changes = {
            name: value
            for name, value in values.items()
            if value != getattr(settings, name) and not self.source(name).startswith(ENVIRONMENT_PREFIX)
        }
        return is_valid and not self.errors

    def _fault(self, field):
        if field.name == "office_colour":
            return branding.colour_fault(field.data)
        if field.name == "backup_dir" and field.data and not Path(field.data).is_dir():
            return "Diesen Ordner gibt es nicht. Bitte nennen Sie ihn ganz, und schließen Sie den Datenträger an."
        fault = fault_of(field.name, str(field.data))
        return f"„{field.label.text}“ {fault}." if fault else ""

    def _smtp_url(self):
        if not self.smtp_host.data:
            return ""
        former = self.server.hostname, unquote(self.server.username or "")
        is_same = former == (self.smtp_host.data, self.smtp_name.data)
        password = self.smtp_password.data or (unquote(self.server.password or "") if is_same else "")
        if self.smtp_name.data and not password:
            # The former password would go to a server that it was not given for.
            self.smtp_password.errors = [PASSWORD_NEEDED]
        login = f"{quote(self.smtp_name.data, '')}:{quote(password, '')}@" if self.smtp_name.data else ""
        port = f":{self.smtp_port.data}" if self.smtp_port.data else ""
        url = f"{self.smtp_encryption.data}://{login}{self.smtp_host.data}{port}"
        if fault_of("smtp_url", url):
            self.smtp_host.errors = ["Das ist kein Name eines Mailservers. Er sieht so aus: mail.firma.de"]
        return url
