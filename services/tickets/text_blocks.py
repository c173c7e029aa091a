"""Text blocks: texts that staff reuse in answers, with placeholders that a ticket fills."""

import re
from collections.abc import Callable

from peewee import IntegrityError

from database import transaction
from models import Staff, TextBlock, Ticket
from services.errors import UserError

# The name in braces, and what it becomes for a ticket and the member of staff who answers.
PLACEHOLDERS: dict[str, Callable[[Ticket, Staff], str]] = {
    "Vorgangsnummer": lambda ticket, by: ticket.submission.spoken_code,
    "Name": lambda ticket, by: ticket.name,
    "Kunde": lambda ticket, by: ticket.customer.name,
    "Bearbeiter": lambda ticket, by: by.name,
    "Art": lambda ticket, by: ticket.category.label,
    "Kurztext": lambda ticket, by: ticket.submission.summary,
}

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def unknown_placeholders(text: str) -> list[str]:
    """Return the names in braces that are not placeholders."""
    return [placeholder for placeholder in _PLACEHOLDER.findall(text) if placeholder not in PLACEHOLDERS]


def filled(block: TextBlock, ticket: Ticket, by: Staff) -> str:
    """Return the text with its placeholders filled in; braces in the values are left alone."""
    return _PLACEHOLDER.sub(lambda placeholder: PLACEHOLDERS[placeholder[1]](ticket, by), block.text)


def save(block: TextBlock, values: dict[str, str]) -> None:
    """Store a new or changed text block from values by column; raises UserError if the name is taken."""
    for column, value in values.items():
        setattr(block, column, value)
    try:
        with transaction():
            block.save()
    except IntegrityError:
        raise UserError(
            "Einen Textbaustein mit diesem Namen gibt es schon. Bitte wählen Sie einen anderen.", "name"
        ) from None


def remove(block: TextBlock) -> None:
    """Delete a text block; answers that used it stay as they are."""
    with transaction():
        block.delete_instance()
