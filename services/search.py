"""Find tickets and customers by parts of words, regardless of case, accents, punctuation and spelling of umlauts.

The index of tickets is SQLite's full-text search with its trigram tokenizer, over folded words (see
docs/decisions/storage.md).
"""

import time
from collections.abc import Iterable, Sequence

from peewee import Expression, ModelSelect

from database import database, transaction
from enums import MAX_SHORT_LENGTH
from i18n import folding
from models import Customer, Ticket, TicketWords
from services import phone_numbers
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

# Filling the index is done in steps: all tickets at once would need much memory.
TICKETS_AT_A_TIME = 500

# What a typed word may be in the index: one of several groups of words, which are separated by spaces.
Term = Sequence[str]


def add(ticket: Ticket) -> None:
    """Add a new ticket to the index, within the transaction that creates it."""
    TicketWords.insert(index_row(ticket)).execute()


def index_row(ticket: Ticket) -> dict[str, object]:
    """Return the row of the index for a ticket."""
    submission, customer = ticket.submission, ticket.customer
    texts = [getattr(submission, name) for name in _INDEXED_COLUMNS]
    words = searchable([*texts, ticket.caller_name, ticket.caller_phone, customer.number, customer.name])
    return {"rowid": ticket.id, "words": words, "state": _state_of(ticket)}


def searchable(texts: Sequence[str]) -> str:
    """Return the words that texts are found by, in all their spellings.

    Short texts are also there without spaces, and phone numbers in one form: people write both differently.
    """
    texts = [text for text in texts if text]
    closed = ["".join(text.split()) for text in texts if " " in text and len(text) <= MAX_SHORT_LENGTH]
    numbers = phone_numbers.all_comparable("; ".join(texts))
    words = folding.spellings(" ".join([*texts, *closed, *numbers]))
    return " ".join(dict.fromkeys(spelling for word in words for spelling in word))


def index_missing() -> None:
    """Index the tickets that are newer than all in the index, as after a migration that emptied it."""
    while _not_indexed().exists():
        with transaction():
            for ticket in list(_not_indexed().order_by(Ticket.id).limit(TICKETS_AT_A_TIME)):
                add(ticket)


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


def search_terms(text: str, min_length: int = MIN_WORD_LENGTH) -> list[Term]:
    """Return the terms of a typed search, all of which must be found.

    A shorter word is left out; if all are shorter, they are looked for as one word.
    """
    numbers, others = phone_numbers.apart(text)
    words = folding.spellings(others)
    closed = ["".join(word[0] for word in words), "".join(word[-1] for word in words)]
    terms = [_number_term(number) for number in numbers]
    return terms + (_long_enough(words, min_length) or _long_enough([closed], min_length))


def contains(words: str, terms: Iterable[Term]) -> bool:
    """Say whether searchable words contain all terms of a search."""
    return all(any(all(word in words for word in group.split()) for group in term) for term in terms)


def matching(terms: Iterable[Term], state: str | None = None) -> ModelSelect:
    """Return the query of the ids of the tickets that is_match applies to."""
    return TicketWords.select(TicketWords.rowid).where(is_match(terms, state))


def is_match(terms: Iterable[Term], state: str | None = None) -> Expression:
    """Return the condition on the index for tickets in a state, or in any, that contain all terms of a search."""
    conditions = [f'state:"{state}"'] if state else []
    conditions += [" OR ".join(map(_all_words, term)) for term in terms]
    return TicketWords.match(" AND ".join(f"({condition})" for condition in conditions))


def _number_term(number: str) -> Term:
    words = folding.folded(number).split()
    # Two numbers, perhaps: their digits need not be found together.
    separate = [" ".join(words)] if all(len(word) >= MIN_WORD_LENGTH for word in words) else []
    return [phone_numbers.comparable(number), "".join(words), *separate]


def _all_words(group: str) -> str:
    return "(" + " AND ".join(f'words:"{word}"' for word in group.split()) + ")"


def _long_enough(terms: Iterable[Term], min_length: int) -> list[Term]:
    checked = [[spelling for spelling in term if len(spelling) >= min_length] for term in terms]
    return [term for term in checked if term]


def _not_indexed() -> ModelSelect:
    newest = TicketWords.select(TicketWords.rowid).order_by(TicketWords.rowid.desc()).limit(1).scalar()
    return Ticket.with_details().where(Ticket.id > (newest or 0))


def _state_of(ticket: Ticket) -> str:
    return OPEN if ticket.is_open else str(ticket.status)
