"""Pass a warranty case on to a supplier."""

from collections.abc import Collection
from datetime import datetime

from enums import Category, EventKind
from models import Attachment, Staff, Ticket
from services.mail import messages
from services.tickets.locking import require, staff_action


def pass_on(
    ticket: Ticket,
    by: Staff,
    seen: int,
    now: datetime,
    recipient: str,
    text: str,
    files: Collection[int],
    with_names: bool,
) -> None:
    """Ask a supplier about the defective device, with the chosen files; name customer and caller only if wanted."""
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open and ticket.category is Category.WARRANTY, "Das geht nur bei einem offenen Garantiefall.")
        chosen = list(ticket.submission.files.where(Attachment.id.in_(files)))
        attached = f"\nAnhänge: {', '.join(file.name for file in chosen)}" if chosen else ""
        record(EventKind.PASSED_ON, f"{recipient}: {text}{attached}")
        messages.to_supplier(ticket, recipient, text, with_names, chosen, now)
