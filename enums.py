"""The stored values with the German labels that people see, and limits that forms, services and tables share."""

from enum import StrEnum
from typing import Self

MEBIBYTE = 1024 * 1024

MAX_ATTACHMENTS = 5
MAX_ATTACHMENT_MIB = 10
MAX_ATTACHMENT_BYTES = MAX_ATTACHMENT_MIB * MEBIBYTE
# Twice what is allowed, so that a form sent without JavaScript gets one message for each file that is too large.
MAX_REQUEST_BYTES = 2 * MAX_ATTACHMENTS * MAX_ATTACHMENT_BYTES

MAX_CUSTOMER_NUMBER_LENGTH = 20
MAX_SHORT_LENGTH = 100
MAX_HEADLINE_LENGTH = 50
MAX_PHONE_LENGTH = 80
MAX_EMAIL_LENGTH = 254
MAX_POSTCODE_LENGTH = 10
MAX_TEXT_LENGTH = 5000
MAX_FILE_NAME_LENGTH = 120
MAX_IP_LENGTH = 45
MAX_SUBJECT_LENGTH = 200
MAX_MESSAGE_ID_LENGTH = 320
MAX_ERROR_LENGTH = 500

# A word among the active content of a PDF.
ENCRYPTED = "Kennwortschutz"

# The actor of automatic events.
PORTAL_ACTOR = "Portal"

# Replaces a deleted text.
DELETED_TEXT = "[gelöscht]"

# The length of 128 random bits in URL-safe base64.
TOKEN_LENGTH = 22

PIN_DIGITS = 8

MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 200

# Without characters that are confused on the phone or on paper: 0/O and 1/I/L.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8


class LabelledEnum(StrEnum):
    """A stored value with the German label that people see."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Category(LabelledEnum):
    INCIDENT = "incident", "Störung"
    WARRANTY = "warranty", "Garantiefall"
    NEW_EMPLOYEE = "new_employee", "Neuer Mitarbeiter"
    CALLBACK = "callback", "Rückrufbitte"
    OTHER = "other", "Sonstiges"


class Priority(LabelledEnum):
    LOW = "low", "Niedrig"
    MEDIUM = "medium", "Mittel"
    HIGH = "high", "Hoch"

    @property
    def rank(self) -> int:
        """The position in the queue; 0 comes first."""
        return (Priority.HIGH, Priority.MEDIUM, Priority.LOW).index(self)

    @classmethod
    def from_rank(cls, rank: int) -> "Priority":
        """Return the priority at a position in the queue."""
        return next(priority for priority in cls if priority.rank == rank)


class Salutation(LabelledEnum):
    MS = "ms", "Frau"
    MR = "mr", "Herr"
    UNSTATED = "unstated", "Keine Angabe"


class Channel(LabelledEnum):
    WEB = "web", "Formular"
    PHONE = "phone", "Telefon"


class SubmissionState(LabelledEnum):
    PENDING = "pending", "wird geprüft"
    ADMITTED = "admitted", "Ticket angelegt"
    UNMATCHED = "unmatched", "nicht zugeordnet"
    DISCARDED = "discarded", "verworfen"


class UnmatchedReason(LabelledEnum):
    UNKNOWN_NUMBER = "unknown_number", "Kundennummer unbekannt"
    WRONG_PIN = "wrong_pin", "PIN falsch"
    FORMER_PIN = "former_pin", "frühere PIN"
    CUSTOMER_LOCKED = "customer_locked", "Kunde gesperrt"
    GUESSED = "guessed", "richtige PIN während vieler Fehlversuche: bitte zurückrufen"


class TicketStatus(LabelledEnum):
    NEW = "new", "Neu"
    IN_PROGRESS = "in_progress", "In Bearbeitung"
    WAITING = "waiting", "Wartet auf Kunde"
    DONE = "done", "Erledigt"
    CANCELLED = "cancelled", "Storniert"


OPEN_STATUSES = (TicketStatus.NEW, TicketStatus.IN_PROGRESS, TicketStatus.WAITING)
STARTED_STATUSES = (TicketStatus.IN_PROGRESS, TicketStatus.WAITING)


class Approval(LabelledEnum):
    NOT_REQUIRED = "not_required", "nicht nötig"
    PENDING = "pending", "wartet"
    APPROVED = "approved", "freigegeben"
    DECLINED = "declined", "abgelehnt"


class EventKind(LabelledEnum):
    OPENED = "opened", "Ticket angelegt"
    TAKEN_OVER = "taken_over", "übernommen"
    ASSIGNED = "assigned", "zugewiesen"
    STARTED = "started", "Arbeit begonnen"
    STARTED_EARLY = "started_early", "Arbeit vor der Freigabe begonnen"
    WAITING = "waiting", "wartet auf den Kunden"
    DONE = "done", "erledigt"
    CANCELLED = "cancelled", "storniert"
    REOPENED = "reopened", "wieder geöffnet"
    NOTED = "noted", "interne Notiz"
    ASKED = "asked", "um Freigabe gebeten"
    REMINDED = "reminded", "an die Freigabe erinnert"
    APPROVED = "approved", "Freigabe erteilt"
    DECLINED = "declined", "Freigabe abgelehnt"
    APPROVED_ON_BEHALF = "approved_on_behalf", "Freigabe nach Anruf eingetragen"
    DECLINED_ON_BEHALF = "declined_on_behalf", "Ablehnung nach Anruf eingetragen"
    ANSWERED = "answered", "Antwort an den Kunden"
    REPLIED = "replied", "Nachricht vom Kunden"
    LINK_REVOKED = "link_revoked", "Link zur Seite des Kunden gesperrt"
    FILES_ERASED = "files_erased", "Anhänge gelöscht"
    DATA_ERASED = "data_erased", "Angaben zu einer Person gelöscht"
    UNDONE = "undone", "rückgängig gemacht"
    CORRECTED = "corrected", "Angaben berichtigt"
    FOLLOW_UP = "follow_up", "Wiedervorlage"
    DUPLICATE = "duplicate", "Dazu gehört auch"
    PASSED_ON = "passed_on", "an einen Lieferanten weitergegeben"
    CHECKED = "checked", "Checkliste"


class LinkPurpose(LabelledEnum):
    APPROVAL = "approval", "Freigabe"
    CUSTOMER = "customer", "Seite des Kunden"


class MessageKind(LabelledEnum):
    """Why a message is sent; all but WEBHOOK are mails."""

    CONFIRMATION = "confirmation", "Bestätigung"
    NEW_TICKET = "new_ticket", "Neues Ticket"
    APPROVAL_WANTED = "approval_wanted", "Bitte um Freigabe"
    REMINDER = "reminder", "Erinnerung an die Freigabe"
    APPROVED = "approved", "Freigegeben"
    DECLINED = "declined", "Nicht freigegeben"
    DECIDED = "decided", "Entscheidung über eine Freigabe"
    STARTED_EARLY = "started_early", "Arbeit vor der Freigabe begonnen"
    ANSWER = "answer", "Antwort"
    REPLY = "reply", "Nachricht vom Kunden"
    DONE = "done", "Erledigt"
    CANCELLED = "cancelled", "Storniert"
    REOPENED = "reopened", "Wieder geöffnet"
    DUPLICATE = "duplicate", "Gehört zu einem anderen Vorgang"
    SUPPLIER = "supplier", "Anfrage an einen Lieferanten"
    GUESSING = "guessing", "Viele falsche PINs"
    URGENT_UNMATCHED = "urgent_unmatched", "Dringend, aber nicht zugeordnet"
    WRONG_CODES = "wrong_codes", "Falsche Codes beim Anmelden"
    SUMMARY = "summary", "Tagesübersicht"
    INVITATION = "invitation", "Neues Konto"
    TEST = "test", "Testmail"
    WEBHOOK = "webhook", "Webhook"


class StaffRole(LabelledEnum):
    LEAD = "lead", "Leitung"
    TEAM = "team", "Team"


class MessageState(LabelledEnum):
    WAITING = "waiting", "wartet"
    SENT = "sent", "gesendet"
    FAILED = "failed", "aufgegeben"
    DISCARDED = "discarded", "verworfen"


def format_code(code: str) -> str:
    """Return a stored Vorgangsnummer as people write and say it: in two groups."""
    return f"{code[:4]}-{code[4:]}"
