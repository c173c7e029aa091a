"""Find tickets by what stands in them, whatever the case, the accents and the dashes, and by parts of words.

The index is SQLite's full-text search over groups of three letters (see docs/decisions/storage.md).
"""

import time
import unicodedata

from database import database, transaction
from models import Ticket, TicketWords
from services.request_fields import TYPED_TEXTS

# The index knows groups of three letters; a shorter word cannot be looked up.
MIN_WORD_LENGTH = 3

# A state that is indexed beside the words leads a search straight to the few tickets that are open or cancelled.
# A closed one has its status there, an open one this word.
OPEN = "open"

_INDEXED_COLUMNS = ("code", "customer_number", *TYPED_TEXTS)

# How much of the index is put in order at once, and how long others have the database to themselves after it.
MERGE_PAGES = 200
PAUSE_SECONDS = 0.01

# Blanks stand in these at everybody's own pleasure.
_ALSO_WITHOUT_SPACES = ("phone", "extension", "mobile", "serial_number")


def add(ticket):
    """Make a new ticket findable, within the transaction that creates it."""
    TicketWords.insert(index_row(ticket)).execute()


def index_row(ticket):
    """Return the row that makes a ticket findable."""
    texts = [getattr(ticket.submission, name) for name in _INDEXED_COLUMNS]
    texts += [getattr(ticket.submission, name).replace(" ", "") for name in _ALSO_WITHOUT_SPACES]
    words = folded(" ".join([*texts, ticket.customer.number, ticket.customer.name]))
    return {"rowid": ticket.id, "words": words, "state": _state_of(ticket)}


def reindex(ticket):
    """Let a ticket be found by what it says now, within the transaction that changes its texts."""
    TicketWords.update(index_row(ticket)).where(TicketWords.rowid == ticket.id).execute()


def remove(ticket_ids):
    """Let tickets be found no more, within the transaction that deletes them."""
    TicketWords.delete().where(TicketWords.rowid.in_(ticket_ids)).execute()


def purge_deleted():
    """Drop from the index what was deleted or changed since the last time: until then it is only marked there.

    Others can write meanwhile.
    """
    # The first step takes up all that is there, the others go on with it; one with nothing to do changes one row.
    pages, changes = -MERGE_PAGES, database.connection().total_changes
    while True:
        with transaction():
            TicketWords.merge(pages)
        pages, before, changes = MERGE_PAGES, changes, database.connection().total_changes
        if changes - before < 2:
            break
        time.sleep(PAUSE_SECONDS)


def reindex_customer(customer):
    """Let the tickets of a customer be found by its new number and name, within the transaction that changes them."""
    for ticket in Ticket.with_details().where(Ticket.customer == customer):
        reindex(ticket)


def update_state(ticket):
    """Let a ticket be found among the open or the closed ones, within the transaction that opens or closes it."""
    TicketWords.update(state=_state_of(ticket)).where(TicketWords.rowid == ticket.id).execute()


def search_terms(text):
    """Return the words of a typed search in their searchable form, without those that are too short."""
    return [word for word in folded(text).split() if len(word) >= MIN_WORD_LENGTH]


def matching(words, state=None):
    """Return the query of the ids of tickets that hold every one of these words, given in their searchable form."""
    return TicketWords.select(TicketWords.rowid).where(is_match(words, state))


def is_match(words, state=None):
    """Return the condition on the index for tickets in this state, or any, that hold every one of these words."""
    terms = [f'words:"{word}"' for word in words]
    if state:
        terms.insert(0, f'state:"{state}"')
    return TicketWords.match(" AND ".join(terms))


def _state_of(ticket):
    return OPEN if ticket.is_open else str(ticket.status)


def folded(text):
    """Return a text without case, accents and everything that is neither letter, digit nor blank."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return " ".join("".join(filter(str.isalnum, word)) for word in decomposed.split())
