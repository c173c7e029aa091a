"""Find tickets by their texts and by parts of words, regardless of case, accents and punctuation.

The index is SQLite's full-text search with its trigram tokenizer, over texts that are folded here (see
docs/decisions/storage.md).
"""

import time
from collections.abc import Iterable, Sequence

from peewee import Expression, ModelSelect

from database import database, transaction
from i18n.typed_text import normalised
from models import Customer, Ticket, TicketWords
from services.request_fields import TYPED_TEXTS

# The index holds groups of three letters, so a shorter word cannot be looked up.
MIN_WORD_LENGTH = 3

# The state is indexed beside the words, so that a search reaches the few open or cancelled tickets directly. It is this
# word for an open ticket, and the status for a closed one.
OPEN = "open"

_INDEXED_COLUMNS = ("code", "customer_number", *TYPED_TEXTS)

# How many pages of the index are merged at once, and how long others can write in between.
MERGE_PAGES = 200
PAUSE_SECONDS = 0.01

# Also indexed without spaces, because people space them differently.
_ALSO_WITHOUT_SPACES = ("phone", "extension", "mobile", "serial_number")


def add(ticket: Ticket) -> None:
    """Add a new ticket to the index, within the transaction that creates it."""
    TicketWords.insert(index_row(ticket)).execute()


def index_row(ticket: Ticket) -> dict[str, object]:
    """Return the row of the index for a ticket."""
    texts = [getattr(ticket.submission, name) for name in _INDEXED_COLUMNS]
    texts += [getattr(ticket.submission, name).replace(" ", "") for name in _ALSO_WITHOUT_SPACES]
    words = folded(" ".join([*texts, ticket.customer.number, ticket.customer.name]))
    return {"rowid": ticket.id, "words": words, "state": _state_of(ticket)}


def reindex(ticket: Ticket) -> None:
    """Update a ticket in the index, within the transaction that changes its texts."""
    TicketWords.update(index_row(ticket)).where(TicketWords.rowid == ticket.id).execute()


def remove(ticket_ids: Iterable[int]) -> None:
    """Remove tickets from the index, within the transaction that deletes them."""
    TicketWords.delete().where(TicketWords.rowid.in_(ticket_ids)).execute()


def purge_deleted() -> None:
    """Erase deleted and changed texts from the index, which until then only marks them as deleted.

    It works in small transactions, so that others can write in between.
    """
    # A negative number starts the merge and a positive one continues it; a step with nothing to do changes one row.
    pages, changes = -MERGE_PAGES, database.connection().total_changes
    while True:
        with transaction():
            TicketWords.merge(pages)
        pages, before, changes = MERGE_PAGES, changes, database.connection().total_changes
        if changes - before < 2:
            break
        time.sleep(PAUSE_SECONDS)


def reindex_customer(customer: Customer) -> None:
    """Update a customer's tickets in the index, within the transaction that changes its number or name."""
    for ticket in Ticket.with_details().where(Ticket.customer == customer):
        reindex(ticket)


def update_state(ticket: Ticket) -> None:
    """Update a ticket's state in the index, within the transaction that opens or closes it."""
    TicketWords.update(state=_state_of(ticket)).where(TicketWords.rowid == ticket.id).execute()


def search_terms(text: str) -> list[str]:
    """Return the words of a typed search, folded, without those that are too short."""
    return [word for word in folded(text).split() if len(word) >= MIN_WORD_LENGTH]


def matching(words: Sequence[str], state: str | None = None) -> ModelSelect:
    """Return the query of the ids of the tickets that is_match applies to."""
    return TicketWords.select(TicketWords.rowid).where(is_match(words, state))


def is_match(words: Sequence[str], state: str | None = None) -> Expression:
    """Return the condition on the index for tickets in a state, or in any, that contain all of these folded words."""
    terms = [f'words:"{word}"' for word in words]
    if state:
        terms.insert(0, f'state:"{state}"')
    return TicketWords.match(" AND ".join(terms))


def folded(text: str) -> str:
    """Return a text without case, accents and all that is neither letter, digit nor space."""
    decomposed = normalised(text.casefold().replace("ı", "i"), "NFKD")
    return " ".join("".join(filter(str.isalnum, word)) for word in decomposed.split())


def _state_of(ticket: Ticket) -> str:
    return OPEN if ticket.is_open else str(ticket.status)
