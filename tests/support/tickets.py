"""Tickets in every state."""

from database import database
from enums import OPEN_STATUSES
from models import Event, Ticket
from tests.support.cast import NOW

STATES = {
    ("new", "not_required"): "Wir haben Ihre Anfrage und sehen sie uns an.",
    ("new", "pending"): "Ihr Genehmiger hat noch nicht entschieden. Wir fangen danach an.",
    ("new", "approved"): "Ihre Anfrage ist freigegeben, und wir sehen sie uns an.",
    ("new", "declined"): "Ihre Anfrage ist nicht freigegeben.",
    ("in_progress", "not_required"): "Wir arbeiten daran.",
    ("in_progress", "pending"): "Wir arbeiten schon daran. Ihr Genehmiger hat noch nicht entschieden.",
    ("in_progress", "approved"): "Ihre Anfrage ist freigegeben, und wir arbeiten daran.",
    (
        "in_progress",
        "declined",
    ): "Ihre Anfrage ist nicht freigegeben. Wir hatten schon begonnen und melden uns.",
    ("waiting", "not_required"): "Wir warten auf Ihre Antwort.",
    ("waiting", "pending"): "Wir warten auf Ihre Antwort. Ihr Genehmiger hat noch nicht entschieden.",
    ("waiting", "approved"): "Ihre Anfrage ist freigegeben. Wir warten auf Ihre Antwort.",
    (
        "waiting",
        "declined",
    ): "Ihre Anfrage ist nicht freigegeben, aber schon begonnen. Wir warten auf Ihre Antwort.",
    ("done", "not_required"): "Erledigt am 23.11.2026.",
    ("done", "pending"): "Erledigt am 23.11.2026.",
    ("done", "approved"): "Erledigt am 23.11.2026.",
    ("done", "declined"): "Erledigt am 23.11.2026. Ihre Anfrage war nicht freigegeben.",
    ("cancelled", "not_required"): "Storniert am 23.11.2026.",
    ("cancelled", "pending"): "Storniert am 23.11.2026.",
    ("cancelled", "approved"): "Storniert am 23.11.2026.",
    ("cancelled", "declined"): "Nicht freigegeben und storniert am 23.11.2026.",
}


def set_ticket(**values):
    """Put the ticket into a state."""
    values["closed_at"] = None if values["status"] in OPEN_STATUSES else NOW
    with database.connection_context():
        Ticket.update(values).execute()


def add_event(kind, text="", actor="Clara Neumann"):
    with database.connection_context():
        Event.create(ticket=Ticket.get(), at=NOW, kind=kind, actor=actor, text=text)


def write_message(visitor, path, text, page=None, files=(), **options):
    """Send a message with the page's form."""
    values = (page or visitor.get(path)).fields().to_dict() | {"text": text}
    return visitor.post(path, values | ({"files": list(files)} if files else {}), **options)
