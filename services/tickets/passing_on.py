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
    """Send a supplier what it needs to know about the defective device, with the chosen files of the ticket.

    with_names: whether the customer and the caller are named.
    """
    with staff_action(ticket, by, seen, now) as record:
        require(ticket.is_open and ticket.category is Category.WARRANTY, "Das geht nur bei einem offenen Garantiefall.")
        chosen = list(ticket.submission.files.where(Attachment.id.in_(files)))
        attached = f"\nAnhänge: {', '.join(file.name for file in chosen)}" if chosen else ""
        record(EventKind.PASSED_ON, f"{recipient}: {text}{attached}")
        messages.to_supplier(ticket, recipient, text, with_names, chosen, now)
