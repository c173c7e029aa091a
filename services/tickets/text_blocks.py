"""Texts that the office uses in its answers again and again, with gaps for the words of a ticket."""

import re

from peewee import IntegrityError

from database import transaction
from services.errors import UserError

# What stands in braces, and what takes its place for a ticket and the person of the office who answers.
PLACEHOLDERS = {
    "Vorgangsnummer": lambda ticket, by: ticket.submission.spoken_code,
    "Name": lambda ticket, by: ticket.submission.name,
    "Kunde": lambda ticket, by: ticket.customer.name,
    "Bearbeiter": lambda ticket, by: by.name,
    "Art": lambda ticket, by: ticket.category.label,
    "Kurztext": lambda ticket, by: ticket.submission.summary,
}

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def unknown_placeholders(text):
    """Return what stands in braces in a text and is no placeholder."""
    return [placeholder for placeholder in _PLACEHOLDER.findall(text) if placeholder not in PLACEHOLDERS]


def filled(block, ticket, by):
    """Return a text block's text with the ticket's words in its gaps; what came in with them is not looked at again."""
    return _PLACEHOLDER.sub(lambda placeholder: PLACEHOLDERS[placeholder[1]](ticket, by), block.text)


def save(block, values):
    """Store a new text block or a changed one, from values by column; raises NameTaken."""
    for column, value in values.items():
        setattr(block, column, value)
    try:
        with transaction():
            block.save()
    except IntegrityError:
        raise UserError(
            "Einen Textbaustein mit diesem Namen gibt es schon. Bitte wählen Sie einen anderen.", "name"
        ) from None


def remove(block):
    """Remove a text block; the answers that it was used in stay as they are."""
    with transaction():
        block.delete_instance()
