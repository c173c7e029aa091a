"""Settings of one installation: defaults, then config.toml in the data folder, then TICKET_* in the environment."""

import json
import logging
import os
import re
import shlex
import tomllib
from dataclasses import dataclass, fields
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from i18n.system_errors import access_advice, in_german

log = logging.getLogger(__name__)

# The version stands in pyproject.toml only.
VERSION: str = tomllib.loads(Path(__file__).with_name("pyproject.toml").read_text("utf-8"))["project"]["version"]

ENVIRONMENT_PREFIX = "TICKET_"
CONFIG_FILE = "config.toml"

FEDERAL_STATES = {
    "BB": "Brandenburg",
    "BE": "Berlin",
    "BW": "Baden-Württemberg",
    "BY": "Bayern",
    "HB": "Bremen",
    "HE": "Hessen",
    "HH": "Hamburg",
    "MV": "Mecklenburg-Vorpommern",
    "NI": "Niedersachsen",
    "NW": "Nordrhein-Westfalen",
    "RP": "Rheinland-Pfalz",
    "SH": "Schleswig-Holstein",
    "SL": "Saarland",
    "SN": "Sachsen",
    "ST": "Sachsen-Anhalt",
    "TH": "Thüringen",
}

# What the office's logo may be, in the data folder beside this configuration.
LOGO_MEDIA_TYPES = {"logo.svg": "image/svg+xml", "logo.png": "image/png", "logo.webp": "image/webp"}


class StartError(Exception):
    """What keeps the portal from starting; its text is one German sentence for the person who starts it."""


@dataclass
class Settings:
    """The values in force; sizes are in MiB, periods are in the unit their name ends with."""

    data_dir: Path = Path(__file__).parent / "instance"
    host: str = "127.0.0.1"
    port: int = 8400
    base_url: str = ""
    trusted_proxy: str = ""
    threads: int = 16
    federal_state: str = "NW"
    office_name: str = "IT-Service"
    office_email: str = "support@example.org"
    office_phone: str = ""
    office_colour: str = "#0b5c8a"
    office_logo: str = ""
    smtp_url: str = ""
    mail_from: str = ""
    mail_attachments: str = "off"
    mail_give_up_days: int = 5
    approval_link_days: int = 30
    ticket_link_days: int = 30
    summary_time: str = ""
    webhook_url: str = ""
    webhook_secret: str = ""
    worker_tick_seconds: float = 1.5
    limits: str = "on"
    staged_hours: int = 12
    staged_per_address: int = 60
    staged_total_mib: int = 2048
    scanner: str = ""
    max_megapixels: int = 100
    staff_idle_minutes: int = 120
    staff_session_hours: int = 12
    receipt_hours: int = 24
    replies_per_day: int = 20
    submissions_per_hour: int = 30
    uploads_per_hour: int = 200
    wrong_pins_per_day: int = 10
    wrong_pins_total_per_day: int = 300
    former_pin_days: int = 90
    unmatched_days: int = 14
    unmatched_most: int = 500
    unmatched_total_mib: int = 1024
    log_days: int = 30
    disk_reserve_mib: int = 1024
    backup_time: str = "03:00"
    backups_kept: int = 7
    retention_time: str = "02:00"
    attachments_days: int = 365
    new_employee_days: int = 180
    closed_ticket_days: int = 2555
    mail_days: int = 90

    @property
    def database_path(self):
        return self.data_dir / "tickets.db"

    @property
    def files_dir(self):
        return self.data_dir / "files"

    @property
    def backups_dir(self):
        return self.data_dir / "backups"

    @property
    def logs_dir(self):
        return self.data_dir / "logs"

    @property
    def secret_key_path(self):
        return self.data_dir / "secret.key"

    @property
    def logo_path(self):
        """The file of the office's logo, or None."""
        return self.data_dir / self.office_logo if self.office_logo else None

    @property
    def local_url(self):
        return f"http://{self.host}:{self.port}"

    @property
    def url(self):
        """The address under which people open the portal, without a slash at its end."""
        return (self.base_url or self.local_url).rstrip("/")

    @property
    def receipt_lifetime(self):
        return timedelta(hours=self.receipt_hours)

    @property
    def sender(self):
        """The address that mails come from."""
        return self.mail_from or self.office_email

    @property
    def links_are_local_only(self):
        """Mails go out, but what they lead to opens on this machine only."""
        return bool(self.smtp_url) and not self.base_url

    @property
    def https(self):
        return self.base_url.startswith("https://")

    def load(self, environ):
        """Take over every value from the config file and the environment.

        Raises StartError for a value that cannot be used and for a name in the config file that does not exist;
        an unknown name in the environment is only logged, because the environment belongs to others too.
        """
        environment = {
            name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
            for name, value in environ.items()
            if name.startswith(ENVIRONMENT_PREFIX)
        }
        self.data_dir = Path(environment.pop("data_dir", "") or type(self).data_dir).absolute()
        config = _read_config(self.data_dir / CONFIG_FILE)
        for field in fields(self):
            if field.name == "data_dir":
                continue
            value, source = field.default, ""
            if field.name in config:
                value, source = config.pop(field.name), CONFIG_FILE
            if field.name in environment:
                value, source = environment.pop(field.name), ENVIRONMENT_PREFIX + field.name.upper()
            setattr(self, field.name, _convert(field, value, source))
        if self.webhook_url and not self.webhook_secret:
            raise StartError(
                "Zur Einstellung „webhook_url“ gehört „webhook_secret“: Ohne das Geheimnis kann niemand prüfen, ob "
                "eine Meldung vom Portal kommt."
            )
        for name in config:
            raise StartError(f"Die Einstellung „{name}“ ({CONFIG_FILE}) gibt es nicht. Bitte prüfen Sie den Namen.")
        for name in environment:
            log.warning(
                "Die Umgebungsvariable %s%s gibt es nicht. Bitte prüfen Sie den Namen.",
                ENVIRONMENT_PREFIX,
                name.upper(),
            )

    def as_config(self, with_secrets):
        """Return the text of a config file with the values in force that are not the defaults."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "data_dir"}
        told = (
            name
            for name, value in values.items()
            if value != getattr(type(self), name) and (with_secrets or name not in _SECRET_NAMES)
        )
        return "".join(toml_line(name, values[name]) for name in told)


settings = Settings()


def toml_line(name, value):
    """Return the line of a config file that sets a text or a number: what JSON writes of these is TOML, too."""
    return f"{name} = {json.dumps(value, ensure_ascii=False)}\n"


def _read_config(path):
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError:
        raise StartError(access_advice(path, path.parent)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StartError(f"Die Datei {path} lässt sich nicht lesen: {in_german(error)}.") from None


def _convert(field, value, source):
    wrong = "" if field.name in _SECRET_NAMES else f", nicht „{value}“"
    try:
        # What is no text keeps its kind, but for a whole number where any number will do.
        if type(value) not in (str, field.type) and (type(value), field.type) != (int, float):
            raise TypeError
        converted = field.type(value)
    except (TypeError, ValueError):
        kind = {int: "eine ganze Zahl", float: "eine Zahl", str: "einen Text in Anführungszeichen"}[field.type]
        raise StartError(f"Die Einstellung „{field.name}“ ({source}) braucht {kind}{wrong}.") from None
    check, sentence = _CHECKS.get(field.name, (None, ""))
    if check is None and field.type in (int, float):
        check, sentence = _positive, "muss größer als null sein"
    if check is not None and not check(converted):
        raise StartError(f"Die Einstellung „{field.name}“ ({source}) {sentence}{wrong}.")
    return converted


def _positive(number):
    return 0 < number < float("inf")


def _at_most(limit):
    return lambda number: 0 < number <= limit


def _is_ip(text):
    try:
        return text == "" or bool(ip_address(text))
    except ValueError:
        return False


def _is_server_url(schemes, text):
    """Say whether a text is the whole address of a server, with a name that the network can look for."""
    try:
        url = urlsplit(text)
        return url.scheme in schemes and bool((url.hostname or "").encode("idna")) and url.port != 0
    except ValueError:
        return False


def _is_smtp_url(text):
    return text == "" or _is_server_url(("smtp", "smtps"), text)


def _is_time(text):
    return re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text) is not None


def _is_time_or_none(text):
    return text == "" or _is_time(text)


def _is_command_line(text):
    """Say whether a text comes apart into a command and its arguments; Windows itself does that, and differently."""
    try:
        return os.name == "nt" or text == "" or bool(shlex.split(text))
    except ValueError:
        return False


def _is_email(text):
    return re.fullmatch(r'[^@\s,;<>"]+@[^@\s,;<>"]+', text) is not None


def _is_webhook_url(text):
    is_plain = text.isascii() and text.isprintable() and " " not in text
    is_address = is_plain and _is_server_url(("http", "https"), text)
    return text == "" or (is_address and "@" not in urlsplit(text).netloc)


def _is_http_url(text):
    return text == "" or text.startswith(("http://", "https://"))


# What may hold a password is not said again in a message.
_SECRET_NAMES = frozenset({"smtp_url", "webhook_url", "webhook_secret"})

_CHECKS = {
    "threads": (_at_most(256), "muss größer als null und höchstens 256 sein"),
    "worker_tick_seconds": (_at_most(86400), "muss größer als null und höchstens 86400 sein"),
    "staged_hours": (_at_most(8760), "muss größer als null und höchstens 8760 sein"),
    "staff_idle_minutes": (_at_most(10080), "muss größer als null und höchstens 10080 sein"),
    "staff_session_hours": (_at_most(168), "muss größer als null und höchstens 168 sein"),
    "receipt_hours": (_at_most(8760), "muss größer als null und höchstens 8760 sein"),
    "former_pin_days": (_at_most(3650), "muss größer als null und höchstens 3650 sein"),
    "log_days": (_at_most(3650), "muss größer als null und höchstens 3650 sein"),
    "unmatched_days": (_at_most(365), "muss größer als null und höchstens 365 sein"),
    "disk_reserve_mib": (lambda number: number >= 0, "darf nicht kleiner als null sein"),
    "backup_time": (_is_time_or_none, "muss eine Uhrzeit sein, zum Beispiel 03:00"),
    "backups_kept": (_at_most(1000), "muss größer als null und höchstens 1000 sein"),
    "retention_time": (_is_time, "muss eine Uhrzeit sein, zum Beispiel 02:00"),
    "attachments_days": (_at_most(36500), "muss größer als null und höchstens 36500 sein"),
    "new_employee_days": (_at_most(36500), "muss größer als null und höchstens 36500 sein"),
    "closed_ticket_days": (_at_most(36500), "muss größer als null und höchstens 36500 sein"),
    "mail_days": (_at_most(36500), "muss größer als null und höchstens 36500 sein"),
    "trusted_proxy": (_is_ip, "muss eine IP-Adresse sein"),
    "port": (lambda port: 0 < port < 65536, "muss zwischen 1 und 65535 liegen"),
    "federal_state": (FEDERAL_STATES.__contains__, f"muss eines der Kürzel {', '.join(FEDERAL_STATES)} sein"),
    "scanner": (_is_command_line, "muss ein Befehl sein, zum Beispiel clamdscan --fdpass --no-summary"),
    "limits": ({"on", "off"}.__contains__, "muss „on“ oder „off“ sein"),
    "base_url": (_is_http_url, "muss mit http:// oder https:// beginnen"),
    "office_logo": (
        ("", *LOGO_MEDIA_TYPES).__contains__,
        f"muss eine dieser Dateien im Datenordner sein: {', '.join(LOGO_MEDIA_TYPES)}",
    ),
    "office_email": (_is_email, "muss eine E-Mail-Adresse sein"),
    "smtp_url": (_is_smtp_url, "muss so aussehen: smtp://name:kennwort@mail.firma.de:587"),
    "mail_from": (lambda address: address == "" or _is_email(address), "muss eine E-Mail-Adresse sein"),
    "mail_attachments": ({"on", "off"}.__contains__, "muss „on“ oder „off“ sein"),
    "mail_give_up_days": (_at_most(30), "muss größer als null und höchstens 30 sein"),
    "approval_link_days": (_at_most(365), "muss größer als null und höchstens 365 sein"),
    "ticket_link_days": (_at_most(365), "muss größer als null und höchstens 365 sein"),
    "summary_time": (_is_time_or_none, "muss eine Uhrzeit sein, zum Beispiel 07:00"),
    "webhook_url": (_is_webhook_url, "muss so aussehen: https://system.firma.de/meldungen"),
    "webhook_secret": (lambda text: text == "" or len(text) >= 16, "muss mindestens 16 Zeichen haben"),
}
