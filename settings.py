"""Settings of one installation: defaults, then config.toml in the data folder, then TICKET_* in the environment."""

import json
import logging
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields
from datetime import timedelta
from ipaddress import ip_address, ip_network
from itertools import count
from math import inf
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from i18n.idna import idna_domain, readable_url
from i18n.system_errors import access_advice, in_german
from i18n.typed_text import clean_line

log = logging.getLogger(__name__)

# The version is set in pyproject.toml only.
VERSION: str = tomllib.loads(Path(__file__).with_name("pyproject.toml").read_text("utf-8"))["project"]["version"]

ENVIRONMENT_PREFIX = "TICKET_"
CONFIG_FILE = "config.toml"

# The last config file that the portal could use, and the one before the last change in the browser.
LAST_GOOD_FILE, FORMER_FILE = f"{CONFIG_FILE}.gut", f"{CONFIG_FILE}.vorher"

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

# Allowed file names of the office's logo in the data folder.
LOGO_MEDIA_TYPES = {
    "logo.svg": "image/svg+xml",
    "logo.png": "image/png",
    "logo.webp": "image/webp",
    "logo.jpg": "image/jpeg",
}

# Where to open a portal that listens at all addresses; at "::" waitress does so for IPv6 only.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}  # noqa: S104 - named, not bound

# Replaces every limit while `limits` is off.
UNLIMITED = 10**12


class StartError(Exception):
    """The portal cannot start; the text is one German sentence for the person who starts it."""


class AccessError(StartError):
    """The config file belongs to somebody else."""


@dataclass
class Settings:
    """The values in force. The end of a name gives the unit of a size or period."""

    data_dir: Path = Path(__file__).parent / "instance"
    host: str = "127.0.0.1"
    port: int = 8400
    base_url: str = ""
    trusted_proxy: str = ""
    threads: int = 16
    federal_state: str = "NW"
    lead_time_workdays: int = 5
    office_name: str = "IT-Service"
    office_street: str = ""
    office_postcode: str = ""
    office_town: str = ""
    office_email: str = "support@example.org"
    office_phone: str = ""
    office_opens: str = "08:00"
    office_closes: str = "17:00"
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
    staged_total_mib: int = 2048
    scanner: str = ""
    max_megapixels: int = 250
    undo_seconds: int = 20
    staff_idle_minutes: int = 120
    staff_session_hours: int = 12
    receipt_hours: int = 24
    replies_per_day: int = 20
    submissions_per_hour: int = 30
    uploads_per_hour: int = 200
    wrong_pins_per_day: int = 10
    wrong_pins_total_per_day: int = 2500
    former_pin_days: int = 90
    unmatched_days: int = 14
    unmatched_most: int = 500
    unmatched_total_mib: int = 1024
    log_days: int = 30
    disk_reserve_mib: int = 1024
    backup_time: str = "03:00"
    backups_kept: int = 7
    backup_dir: str = ""
    retention_time: str = "02:00"
    attachments_days: int = 365
    new_employee_days: int = 180
    closed_ticket_days: int = 2555
    mail_days: int = 90

    # Why the config file cannot be used, so that former values are in force; "" if it can.
    config_fault = ""
    # Where each value comes from: "" for the default, the name of the config file, or the environment variable.
    sources: ClassVar[Mapping[str, str]] = {}
    _environ: ClassVar[Mapping[str, str]] = {}
    # Another number after each change while the portal runs, for what is kept from the values.
    revision: ClassVar[int] = 0
    # What the limits would be if they were on.
    _configured_limits: ClassVar[Mapping[str, int]] = {}

    # Limits without a setting: as they have no annotation, they are no fields of the dataclass.
    max_pending = 500
    max_staged = 2000
    free_sign_in_failures = 5

    @property
    def database_path(self) -> Path:
        return self.data_dir / "tickets.db"

    @property
    def files_dir(self) -> Path:
        return self.data_dir / "files"

    @property
    def backups_dir(self) -> Path:
        """The folder for backups, with the copies before a migration."""
        return Path(self.backup_dir) if self.backup_dir else self.data_dir / "backups"

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def secret_key_path(self) -> Path:
        return self.data_dir / "secret.key"

    @property
    def logo_path(self) -> Path | None:
        return self.data_dir / self.office_logo if self.office_logo else None

    @property
    def local_url(self) -> str:
        """The URL at which the portal opens on this machine."""
        return f"http://{host_and_port(_LOOPBACK.get(self.host, self.host), self.port)}"

    @property
    def url(self) -> str:
        """The URL at which people open the portal, in ASCII and without a trailing slash."""
        return self.base_url or self.local_url

    @property
    def readable_url(self) -> str:
        """The URL at which people open the portal, as they read and type it."""
        return readable_url(self.url)

    @property
    def receipt_lifetime(self) -> timedelta:
        return timedelta(hours=self.receipt_hours)

    @property
    def shown_email(self) -> str:
        """The office's address as customers read it, "" while it is only the placeholder."""
        return "" if self.office_email == type(self).office_email else self.office_email

    @property
    def sender(self) -> str:
        """The sender address of mails."""
        return self.mail_from or self.office_email

    @property
    def links_are_local_only(self) -> bool:
        """Whether mails are sent whose links work on this machine only."""
        return bool(self.smtp_url) and not self.base_url

    @property
    def open_host_warning(self) -> str:
        """What to tell the office if other machines can open the portal without a web server, or ""."""
        if self.trusted_proxy or is_loopback(self.host):
            return ""
        return (
            f"Andere Rechner können das Portal ohne Webserver öffnen (host = {self.host}). PINs und Kennwörter werden "
            "dann unverschlüsselt übertragen, und die Zahl der Zugriffe ist nicht begrenzt. Bitte richten Sie einen "
            "Webserver davor ein."
        )

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    def load(self, environ: Mapping[str, str]) -> None:
        """Read every value from the config file and the environment.

        With a config file that cannot be used, the last good one counts, and `config_fault` says why. Raises
        StartError for an invalid value in the environment. An unknown TICKET_* variable is only logged, because other
        programs share the environment.
        """
        data_dir = Path(environ.get(f"{ENVIRONMENT_PREFIX}DATA_DIR", "") or type(self).data_dir).absolute()
        fault = ""
        try:
            values = _values(_read_config(data_dir / CONFIG_FILE), environ)
        except AccessError:
            raise
        except StartError as error:
            fault = str(error)
            try:
                values = _values(_read_config(data_dir / LAST_GOOD_FILE), environ)
            except StartError:
                values = _values({}, environ)
        vars(self).clear()
        vars(self).update(values, data_dir=data_dir, config_fault=fault, _environ=environ)

    def load_config(self, text: str) -> None:
        """Put the text of a config file in force beside the environment; raises StartError and changes nothing."""
        values = _values(_parse_config(text), self._environ)
        vars(self).update(values, config_fault="", revision=next(_revisions))

    def as_config(self, with_secrets: bool) -> str:
        """Return the text of a config file with the configured values that differ from the defaults."""
        lines = []
        for field in _settable_fields():
            value = self._configured_limits.get(field.name, getattr(self, field.name))
            if value != field.default and (with_secrets or field.name not in _SECRET_NAMES):
                lines.append(toml_line(field.name, value))
        return "".join(lines)


settings = Settings()

_revisions = count(1)


def _values(config: dict[str, object], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the attributes that a config file and the environment give; raises StartError."""
    environment = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name != f"{ENVIRONMENT_PREFIX}DATA_DIR"
    }
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for field in _settable_fields():
        value, source = field.default, ""
        if field.name in config:
            value, source = config.pop(field.name), CONFIG_FILE
        if field.name in environment:
            value, source = environment.pop(field.name), ENVIRONMENT_PREFIX + field.name.upper()
        values[field.name], sources[field.name] = _convert(field, value, source), source
    values["host"] = values["host"].strip("[]")
    values["base_url"] = values["base_url"] and _origin(values["base_url"])
    limits = {name: values.get(name, getattr(Settings, name)) for name in _LIMITS} if values["limits"] == "off" else {}
    values |= dict.fromkeys(limits, UNLIMITED) | {"_configured_limits": limits, "sources": sources}
    if values["webhook_url"] and not values["webhook_secret"]:
        raise StartError(
            "Zur Einstellung „webhook_url“ gehört „webhook_secret“: Ohne das Geheimnis kann niemand prüfen, ob "
            "eine Meldung vom Portal kommt."
        )
    for name in config:
        if name in _RETIRED:
            log.warning("Die Einstellung „%s“ (%s) braucht das Portal nicht mehr.", name, CONFIG_FILE)
            continue
        raise StartError(f"Die Einstellung „{name}“ ({CONFIG_FILE}) gibt es nicht. Bitte prüfen Sie den Namen.")
    for variable in (ENVIRONMENT_PREFIX + name.upper() for name in environment):
        log.warning("Die Umgebungsvariable %s gibt es nicht. Bitte prüfen Sie den Namen.", variable)
    return values


def fault_of(name: str, text: str) -> str:
    """Return what is wrong with a typed value of a setting, as the end of a German sentence, or ""."""
    kind: type[Any] = type(getattr(Settings, name))
    try:
        return _fault(name, kind(text))
    except ValueError:
        return "muss eine ganze Zahl sein"


def toml_line(name: str, value: str | float) -> str:
    """Return the line of a config file that sets a text or a number; JSON writes both as TOML does."""
    return f"{name} = {json.dumps(value, ensure_ascii=False)}\n"


def is_loopback(host: str) -> bool:
    """Say whether only programs on this machine reach a host."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_and_port(host: str, port: int) -> str:
    """Return a host and a port as in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _settable_fields() -> list[Field[Any]]:
    """Return the fields that the config file may set: all but the folder in which it lies."""
    return [field for field in fields(Settings) if field.name != "data_dir"]


def _read_config(path: Path) -> dict[str, object]:
    try:
        return _parse_config(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError:
        raise AccessError(access_advice(path, path.parent)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"Die Datei {path} lässt sich nicht lesen: {in_german(error)}.") from None


def _parse_config(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StartError(f"Die Datei {CONFIG_FILE} lässt sich nicht lesen: {in_german(error)}.") from None


def _convert(field: Field[Any], value: object, source: str) -> str | float:
    """Return a value in the type of its field; raises StartError if it cannot be used."""
    shown = "" if field.name in _SECRET_NAMES else f", nicht „{value}“"
    kind: type[Any] = type(field.default)
    try:
        # A text, as from the environment, is converted. Any other value must have the type already, but 2 is a float.
        if type(value) not in (str, kind) and (type(value), kind) != (int, float):
            raise TypeError
        # What was copied may have blanks around it, or characters that nobody sees. A command may have several lines.
        clean = str.strip if field.name == "scanner" else clean_line
        converted: str | float = kind(clean(value) if isinstance(value, str) else value)
    except (TypeError, ValueError):
        needed = {int: "eine ganze Zahl", float: "eine Zahl", str: "einen Text in Anführungszeichen"}[kind]
        raise StartError(f"Die Einstellung „{field.name}“ ({source}) braucht {needed}{shown}.") from None
    if fault := _fault(field.name, converted):
        raise StartError(f"Die Einstellung „{field.name}“ ({source}) {fault}{shown}.")
    return converted


def _fault(name: str, value: str | float) -> str:
    """Return what is wrong with a value, as the end of a German sentence, or ""."""
    if name in _CHECKS:
        is_valid, rule = _CHECKS[name]
        return "" if is_valid(value) else rule
    if isinstance(value, str) or 0 < value <= _MAXIMA.get(name, inf):
        return ""
    return "muss größer als null" + (f" und höchstens {_MAXIMA[name]}" if name in _MAXIMA else "") + " sein"


def _or_empty(is_valid: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: text == "" or is_valid(text)


def _are_networks(text: str) -> bool:
    try:
        # All addresses are no network: everybody could invent an address.
        return all(ip_network(part.strip()).prefixlen > 0 for part in text.split(","))
    except ValueError:
        return False


def _is_webhook_url(text: str) -> bool:
    is_plain = text.isascii() and text.isprintable() and " " not in text
    return is_plain and _is_server_url(text, ("http", "https")) and "@" not in urlsplit(text).netloc


def _is_server_url(text: str, schemes: tuple[str, ...]) -> bool:
    """Say whether a text is the complete URL of a server, with a host name that can be resolved."""
    try:
        url = urlsplit(text)
        host = url.hostname or ""
        is_host = bool(host.encode("idna")) and re.fullmatch(r"[\w:](?:[\w.:-]*[\w.:])?", host)
        return url.scheme in schemes and bool(is_host) and url.port != 0
    except ValueError:
        return False


def _is_base_url(text: str) -> bool:
    if not _is_server_url(text, tuple(_WEB_PORTS)):
        return False
    url = urlsplit(text)
    return not (url.path.strip("/") or url.query or url.fragment or "@" in url.netloc)


def _origin(text: str) -> str:
    """Return the URL of a website as browsers send it: lower case, ASCII, no usual port, no slash or dot at the end."""
    url = urlsplit(text)
    host = idna_domain(url.hostname or "").removesuffix(".")
    port = _WEB_PORTS[url.scheme] if url.port is None else url.port
    return f"{url.scheme}://{host_and_port(host, port).removesuffix(f':{_WEB_PORTS[url.scheme]}')}"


def _is_command_line(text: str) -> bool:
    """Say whether a text can be split into a command and its arguments. Windows does not split at all."""
    try:
        return os.name == "nt" or bool(shlex.split(text))
    except ValueError:
        return False


_WEB_PORTS = {"http": 80, "https": 443}

_is_time = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]").fullmatch
_is_email = re.compile(r'[^@\s,;<>"]+@[^@\s,;<>"]+').fullmatch

# These may contain a password, so no message repeats them.
_SECRET_NAMES = frozenset({"smtp_url", "webhook_url", "webhook_secret"})

# Former settings; a config file that names them still works.
_RETIRED = frozenset({"staged_per_address"})

# `limits = "off"` raises these.
_RATES = (
    "replies_per_day",
    "submissions_per_hour",
    "uploads_per_hour",
    "wrong_pins_per_day",
    "wrong_pins_total_per_day",
)
_STORED = ("staged_total_mib", "unmatched_most", "unmatched_total_mib", "max_pending", "max_staged")
_LIMITS = (*_RATES, *_STORED, "free_sign_in_failures")

# A number without a check of its own is greater than zero, and at most this.
_MAXIMA = {
    "threads": 256,
    "worker_tick_seconds": 86400,
    "staff_idle_minutes": 10080,
    "staff_session_hours": 168,
    "backups_kept": 1000,
    "lead_time_workdays": 60,
    "mail_give_up_days": 30,
    **dict.fromkeys(("staged_hours", "receipt_hours"), 8760),
    **dict.fromkeys(("unmatched_days", "approval_link_days", "ticket_link_days"), 365),
    **dict.fromkeys(("former_pin_days", "log_days"), 3650),
    **dict.fromkeys(("attachments_days", "new_employee_days", "closed_ticket_days", "mail_days"), 36500),
}

# The other checks, each with its rule as the end of a German sentence.
_CHECKS: dict[str, tuple[Callable[[Any], object], str]] = {
    "host": (bool, "darf nicht leer sein; die Vorgabe ist 127.0.0.1"),
    "port": (lambda port: 0 < port < 65536, "muss zwischen 1 und 65535 liegen"),
    "undo_seconds": (lambda seconds: 0 <= seconds <= 600, "muss zwischen 0 und 600 liegen"),
    "disk_reserve_mib": (lambda size: size >= 0, "darf nicht kleiner als null sein"),
    "limits": (("on", "off").__contains__, "muss „on“ oder „off“ sein"),
    "mail_attachments": (("on", "off").__contains__, "muss „on“ oder „off“ sein"),
    "federal_state": (FEDERAL_STATES.__contains__, f"muss eines der Kürzel {', '.join(FEDERAL_STATES)} sein"),
    "backup_time": (_or_empty(_is_time), "muss eine Uhrzeit sein, zum Beispiel 03:00"),
    "retention_time": (_is_time, "muss eine Uhrzeit sein, zum Beispiel 02:00"),
    "summary_time": (_or_empty(_is_time), "muss eine Uhrzeit sein, zum Beispiel 07:00"),
    "office_opens": (_is_time, "muss eine Uhrzeit sein, zum Beispiel 08:00"),
    "office_closes": (_is_time, "muss eine Uhrzeit sein, zum Beispiel 17:00"),
    "office_email": (_is_email, "muss eine E-Mail-Adresse sein"),
    "mail_from": (_or_empty(_is_email), "muss eine E-Mail-Adresse sein"),
    "office_logo": (
        _or_empty(LOGO_MEDIA_TYPES.__contains__),
        f"muss eine dieser Dateien im Datenordner sein: {', '.join(LOGO_MEDIA_TYPES)}",
    ),
    "backup_dir": (
        _or_empty(lambda text: Path(text).is_absolute()),
        "muss ein vollständiger Pfad sein, zum Beispiel /mnt/sicherung oder D:\\Sicherung",
    ),
    "trusted_proxy": (
        _or_empty(_are_networks),
        "muss IP-Adressen oder Netze nennen, mehrere durch Komma getrennt, zum Beispiel 127.0.0.1, 10.0.0.0/24",
    ),
    "base_url": (
        _or_empty(_is_base_url),
        "muss mit http:// oder https:// beginnen und darf danach nur den Namen und höchstens einen Port enthalten, zum "
        "Beispiel https://melden.firma.de; in einem Unterordner läuft das Portal nicht",
    ),
    "smtp_url": (
        _or_empty(lambda url: _is_server_url(url, ("smtp", "smtps"))),
        "muss so aussehen: smtp://name:kennwort@mail.firma.de:587",
    ),
    "webhook_url": (_or_empty(_is_webhook_url), "muss so aussehen: https://system.firma.de/meldungen"),
    "webhook_secret": (_or_empty(lambda text: len(text) >= 16), "muss mindestens 16 Zeichen haben"),
    "scanner": (_or_empty(_is_command_line), "muss ein Befehl sein, zum Beispiel clamdscan --fdpass --no-summary"),
}
