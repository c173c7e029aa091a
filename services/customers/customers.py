"""Customers and their contacts: add, change, lock and find them."""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from itertools import compress
from typing import Any

from peewee import IntegrityError, fn

from database import transaction
from enums import (
    MAX_CUSTOMER_NUMBER_LENGTH,
    MAX_EMAIL_LENGTH,
    MAX_PHONE_LENGTH,
    MAX_POSTCODE_LENGTH,
    MAX_SHORT_LENGTH,
    MAX_TEXT_LENGTH,
    LabelledEnum,
)
from i18n.folding import sort_key
from i18n.idna import idna_domain, is_domain
from i18n.typed_text import (
    clean_email,
    clean_line,
    clean_number,
    clean_text,
    has_control_characters,
    mark_control_characters,
)
from models import Contact, Customer, TicketLink
from services import search
from services.customers import pins
from services.errors import EditConflict, UserError
from services.mail import addresses, outbox

MAX_CONTACTS = 50

CHANGED_MEANWHILE = (
    "Inzwischen hat jemand anderes diesen Kunden geändert. Bitte vergleichen Sie Ihre Angaben mit der Seite in einem "
    "neuen Tab. Speichern Sie noch einmal, gelten Ihre."
)
PAGE_SIZE = 50

# Folding takes most of the time of a search, and customers rarely change.
_searchable = lru_cache(10_000)(search.searchable)

# A longer list of similar customers does not fit into a sentence.
MAX_SIMILAR = 3

# Mail providers where anybody can get an address, so that none can be the domain of one customer.
PUBLIC_DOMAINS = (
    "aol.com aol.de arcor.de email.de freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com "
    "hotmail.com hotmail.de icloud.com live.com live.de mail.de mailbox.org me.com online.de outlook.com "
    "outlook.de posteo.de proton.me t-online.de web.de yahoo.com yahoo.de"
)

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})")

# What people copy instead of the domain: an address or a URL with it.
_AROUND_DOMAIN = re.compile(r"(?:https?://|[^\s,;@/]*@)?(?P<domain>[^\s,;@:/?#]+?)\.?(?:[:/?#]\S*)?")

# The roles of a contact, in words.
ROLES = "Ansprechpartner", "Genehmiger"

_PERSON = re.compile(r"(?P<name>[^<>;]{0,100})<(?P<email>[^<>;]*)>(?P<phone>[^<>;()]{0,80})(?:\((?P<roles>[^()]*)\))?")

# Values by column.
Values = Mapping[str, str | bool]
ContactValues = Mapping[str, str | bool | date | None]


class PublicDomain(UserError):
    """Anybody can get an address in this mail domain."""


class CustomerState(LabelledEnum):
    """The states that the list of customers can be filtered by."""

    WITHOUT_PIN = "without_pin", "ohne PIN"
    LOCKED = "locked", "gesperrt"


def number_taken(number: str) -> str:
    """Return the sentence for a customer number that is taken."""
    return f"Die Kundennummer {number} ist schon vergeben."


def checked_line(text: str) -> str:
    """Return a text of one line as it is stored; raises UserError if it holds what cannot be displayed."""
    line = clean_line(text)
    if has_control_characters(line):
        raise UserError(
            f"„{_excerpt(line)}“ enthält Zeichen, die sich nicht anzeigen lassen; sie sind mit „�“ markiert. Bitte "
            "lassen Sie sie weg."
        )
    return line


def checked_number(text: str) -> str:
    """Return a customer number as it is stored; raises UserError."""
    number = pins.normalise_number(text)
    if number is None:
        raise UserError(
            f"„{_excerpt(text)}“ kann keine Kundennummer sein: höchstens {MAX_CUSTOMER_NUMBER_LENGTH} Zeichen, "
            "nur Buchstaben ohne Umlaute, Ziffern, Punkt, Schrägstrich und Bindestrich."
        )
    return number


def checked_name(text: str) -> str:
    """Return a company's name as it is stored; raises UserError."""
    name = checked_line(text)
    if not name or len(name) > MAX_SHORT_LENGTH:
        raise UserError(f"Bitte geben Sie einen Namen mit höchstens {MAX_SHORT_LENGTH} Zeichen an.")
    return name


def _short(max_length: int) -> Callable[[str], str]:
    """Return the rule of a text of one line that may be empty; it raises UserError."""

    def checked(text: str) -> str:
        line = checked_line(text)
        if len(line) > max_length:
            raise UserError(f"Hier haben höchstens {max_length} Zeichen Platz.")
        return line

    return checked


def checked_note(text: str) -> str:
    """Return a note as it is stored; raises UserError."""
    note = clean_text(text)
    if len(note) > MAX_TEXT_LENGTH:
        raise UserError(f"Eine Notiz hat höchstens {MAX_TEXT_LENGTH} Zeichen.")
    return note


def checked_email(text: str) -> str:
    """Return an email address as it is stored; it may be empty. Raises UserError."""
    email = clean_email(text)
    if email and (len(email) > MAX_EMAIL_LENGTH or not addresses.is_email(email)):
        raise UserError(f"„{_excerpt(email)}“ ist keine E-Mail-Adresse. Sie sieht so aus: name@firma.de")
    return email


def checked_mail_domain(text: str) -> str:
    """Return the mail domain in a text, which may be an address or a URL, as it is stored; it may be empty.

    Raises UserError, and PublicDomain for the domain of a mail provider.
    """
    text = clean_number(text)
    if not text:
        return ""
    found = _AROUND_DOMAIN.fullmatch(text.lower()) if len(text) <= MAX_EMAIL_LENGTH else None
    ascii_form = idna_domain(found["domain"]) if found and is_domain(found["domain"]) else ""
    if not _DOMAIN.fullmatch(ascii_form):
        raise UserError(f"„{_excerpt(text)}“ ist keine Mail-Domain. Sie sieht so aus: firma.de")
    if _DOMAIN.fullmatch(domain := ascii_form.removeprefix("www.")) and domain != ascii_form:
        raise UserError(f"„{ascii_form}“ ist die Adresse einer Webseite. Meinten Sie {domain}?")
    if ascii_form in PUBLIC_DOMAINS.split():
        raise PublicDomain(
            f"Unter {ascii_form} kann jeder eine E-Mail-Adresse haben. Bitte geben Sie nur eine Domain an, die allein "
            "diesem Kunden gehört."
        )
    return ascii_form


# The columns of a customer, each with the rule that forms, commands and the import share.
RULES = {
    "number": checked_number,
    "name": checked_name,
    "phone": _short(MAX_PHONE_LENGTH),
    "street": _short(MAX_SHORT_LENGTH),
    "postcode": _short(MAX_POSTCODE_LENGTH),
    "town": _short(MAX_SHORT_LENGTH),
    "note": checked_note,
    "mail_domain": checked_mail_domain,
}

# The columns of the first contact, by the names that the form for a new customer and the import have for them.
FIRST_CONTACT_RULES = {
    "contact_name": _short(MAX_SHORT_LENGTH),
    "contact_phone": _short(MAX_PHONE_LENGTH),
    "email": checked_email,
}


def as_text(contact: Contact) -> str:
    """Return a contact in one line, as the import reads it."""
    roles = ", ".join(compress(ROLES, (contact.is_main, contact.is_approver)))
    return " ".join(filter(None, [contact.name, f"<{contact.email}>", contact.phone, roles and f"({roles})"]))


def checked_people(text: str) -> str:
    """Return the contacts in a text, separated by semicolons, as it is stored nowhere; raises UserError."""
    for person in filter(None, map(str.strip, text.split(";"))):
        parts = _PERSON.fullmatch(person)
        if parts is None:
            raise UserError(
                f"„{_excerpt(person)}“ sieht nicht so aus: Anna Sommer <anna@firma.de> 0211 123 (Genehmiger)"
            )
        checked_email(parts["email"])
    return text


def add(values: Values, now: datetime) -> Customer:
    """Add a customer, still without a PIN, from values by column, with its first contact; raises UserError."""
    values = _checked(values)
    people = [{name.removeprefix("contact_"): values.pop(name, "") for name in FIRST_CONTACT_RULES}]
    people[0]["is_main"] = any(people[0].values())
    people += _people(str(values.pop("people", "")))
    contacts: dict[tuple[object, object], dict[str, str | bool]] = {}
    for person in people:
        if any(person.values()):
            known = contacts.setdefault((person["name"], person["email"]), {})
            known.update({name: value for name, value in person.items() if value or name not in known})
    try:
        with transaction():
            customer = Customer.create(**values, created_at=now)
            for contact in contacts.values():
                Contact.create(customer=customer, **contact)
            return customer
    except IntegrityError:
        raise UserError(number_taken(str(values["number"])), "number") from None


def fingerprint(customer: Customer) -> str:
    """Return a hash of all that can be changed: a form sends it along to detect somebody else's change."""
    known = [getattr(customer, column) for column in (*RULES, "fully_managed")]
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def change(customer: Customer, values: Values, seen: str | None) -> None:
    """Change a customer, whose fingerprint the person has seen; raises UserError, or EditConflict if it has changed."""
    values = _checked(values)
    try:
        with transaction():
            former = Customer.get_by_id(customer.id)
            if fingerprint(former) != seen:
                raise EditConflict(CHANGED_MEANWHILE)
            Customer.update(values).where(Customer.id == customer.id).execute()
            for name, value in values.items():
                setattr(customer, name, value)
            if former.number != customer.number:
                # A PIN belongs to its number.
                pins.withdraw_pin(customer)
            if (former.number, former.name) != (customer.number, customer.name):
                search.reindex_customer(customer)
    except IntegrityError:
        raise UserError(number_taken(str(values["number"])), "number") from None


def find(number: str) -> Customer:
    """Return the customer with this number; raises UserError, which names the customers that the text may mean."""
    customer = Customer.get_or_none(Customer.number == pins.normalise_number(number))
    if customer is None:
        raise UserError(f"Einen Kunden mit der Nummer „{_excerpt(number)}“ gibt es nicht.{_similar(number)}")
    return customer


def find_by_text(text: str) -> Customer:
    """Return the customer with this number, or the only one whose name contains the words; raises UserError as find."""
    terms = search.search_terms(text[:MAX_SHORT_LENGTH])
    named = [row.id for row in _matches(text) if search.contains(_searchable((row.name,)), terms)] if terms else []
    is_number = Customer.select().where(Customer.number == pins.normalise_number(text)).exists()
    return Customer.get_by_id(named[0]) if len(named) == 1 and not is_number else find(text)


def page(
    text: str = "", state: CustomerState | None = None, after: str = "", size: int = PAGE_SIZE
) -> tuple[list[Customer], str]:
    """Return a page of the customers that contain each word of a text, by name, and the number of the last one.

    after: the number that the previous page returned; "" on the last page, and for the first one.
    """
    rows = _matches(text, state)
    if last := Customer.get_or_none(Customer.number == after):
        rows = rows[bisect_right(rows, _position(last), key=_position) :]
    ids = [row.id for row in rows[:size]]
    customers = {customer.id: customer for customer in Customer.select().where(Customer.id.in_(ids))}
    found = [customers[id] for id in ids]
    return found, found[-1].number if len(rows) > size else ""


def count(text: str) -> int:
    """Return the number of customers that contain each word of a text."""
    return len(_matches(text))


def lock(customer: Customer, now: datetime) -> None:
    """Lock a customer, so that no request with its number becomes a ticket."""
    with transaction():
        Customer.update(locked_at=now).where(Customer.id == customer.id, Customer.locked_at.is_null()).execute()


def unlock(customer: Customer) -> None:
    """Unlock a customer."""
    with transaction():
        Customer.update(locked_at=None).where(Customer.id == customer.id).execute()


def require_unlocked(customer: Customer) -> Customer:
    """Return the current row of a customer; raises UserError if it is locked."""
    current = Customer.get_by_id(customer.id)
    if current.locked_at:
        raise UserError(
            f"Der Kunde {current.number} ({current.name}) ist gesperrt. Bitte heben Sie zuerst die Sperre auf."
        )
    return current


def add_contact(customer: Customer, values: ContactValues) -> Contact:
    """Add a contact from values by column; raises UserError."""
    with transaction():
        if customer.contacts.count() >= MAX_CONTACTS:
            raise UserError(f"Mehr als {MAX_CONTACTS} Personen kann ein Kunde nicht haben.")
        _refuse_duplicate_email(customer, values)
        return Contact.create(customer=customer, **values)


def change_contact(contact: Contact, values: ContactValues) -> None:
    """Change a contact. Who is no approver or has a new address cannot use the links sent before. Raises UserError."""
    with transaction():
        _refuse_duplicate_email(contact.customer, values, other_than=contact)
        if values["email"] != contact.email or not values["is_approver"]:
            # Whoever reads the former mailbox must no longer decide.
            _revoke_links(contact)
        Contact.update(values).where(Contact.id == contact.id).execute()


def remove_contact(contact: Contact) -> None:
    """Remove a contact with the mails not yet sent; pending tickets still need a decision."""
    with transaction():
        _revoke_links(contact)
        Contact.delete().where(Contact.id == contact.id).execute()


def _revoke_links(contact: Contact) -> None:
    outbox.discard_for_approver(contact)
    TicketLink.update(approver=None).where(TicketLink.approver == contact).execute()


def _matches(text: str, state: CustomerState | None = None) -> list[Any]:
    """Return id and texts of the customers that contain each word of a text, by name."""
    person = Contact.name.concat(" ").concat(Contact.email).concat(" ").concat(Contact.phone)
    contacts = Contact.select(fn.COALESCE(fn.GROUP_CONCAT(person, " "), "")).where(Contact.customer == Customer.id)
    query = Customer.select(Customer.id, *(getattr(Customer, column) for column in RULES), contacts.alias("contacts"))
    if state is CustomerState.WITHOUT_PIN:
        query = query.where(Customer.pin_hash.is_null())
    elif state is CustomerState.LOCKED:
        query = query.where(Customer.locked_at.is_null(False))
    terms = search.search_terms(text[:MAX_SHORT_LENGTH], min_length=1)
    # An office has some hundred customers: a scan is cheaper than an index.
    rows = [row for row in query.namedtuples() if not terms or search.contains(_searchable(row[1:]), terms)]
    return sorted(rows, key=_position)


def _position(row: Any) -> tuple[tuple[str, str], int]:
    return sort_key(row.name), row.id


def _similar(text: str) -> str:
    rows = _matches(text) if search.search_terms(text[:MAX_SHORT_LENGTH]) else []
    names = " oder ".join(f"{row.number} ({row.name})" for row in rows)
    return f" Meinen Sie {names}?" if 0 < len(rows) <= MAX_SIMILAR else ""


def _people(text: str) -> list[dict[str, str | bool]]:
    found = [match.groupdict(default="") for match in map(_PERSON.fullmatch, map(str.strip, text.split(";"))) if match]
    return [
        {
            **{name: clean_line(person[name]) for name in ("name", "email", "phone")},
            "is_main": ROLES[0] in person["roles"],
            "is_approver": ROLES[1] in person["roles"],
        }
        for person in found
    ]


def _checked(values: Values) -> dict[str, str | bool]:
    rules = RULES | FIRST_CONTACT_RULES | {"people": checked_people}
    return {name: rules[name](value) if isinstance(value, str) else value for name, value in values.items()}


def _excerpt(text: str) -> str:
    text = mark_control_characters(clean_line(text))
    return text if len(text) <= MAX_SHORT_LENGTH else f"{text[:MAX_SHORT_LENGTH]}…"


def _refuse_duplicate_email(customer: Customer, values: ContactValues, other_than: Contact | None = None) -> None:
    email = str(values["email"]).casefold()
    for approver in customer.approvers if values.get("is_approver") else ():
        if approver != other_than and approver.email.casefold() == email:
            raise UserError(f"Mit dieser E-Mail-Adresse gibt es schon einen Genehmiger: {approver.name}.", "email")
