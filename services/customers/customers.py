"""Who may report: customers and their approvers, added, changed, locked and found."""

import hashlib
import re
import unicodedata

from peewee import IntegrityError

from database import transaction
from enums import MAX_CUSTOMER_NUMBER_LENGTH, MAX_EMAIL_LENGTH, MAX_SHORT_LENGTH, LabelledEnum
from models import Approver, Customer, TicketLink
from services import search
from services.customers import pins
from services.errors import EditConflict, UserError
from services.mail import addresses, outbox
from services.mail.addresses import idna_domain

MAX_APPROVERS = 20

CHANGED_MEANWHILE = (
    "Inzwischen hat jemand anderes diesen Kunden geändert. Bitte vergleichen Sie Ihre Angaben mit der Seite in einem "
    "neuen Tab. Speichern Sie noch einmal, gelten Ihre."
)
PAGE_SIZE = 50

# Where anybody can have an address: as a customer's domain, each of these would stand for half the country.
PUBLIC_DOMAINS = frozenset(
    {
        "aol.com",
        "aol.de",
        "arcor.de",
        "email.de",
        "freenet.de",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.com",
        "hotmail.de",
        "icloud.com",
        "live.com",
        "live.de",
        "mail.de",
        "mailbox.org",
        "me.com",
        "online.de",
        "outlook.com",
        "outlook.de",
        "posteo.de",
        "proton.me",
        "t-online.de",
        "web.de",
        "yahoo.com",
        "yahoo.de",
    }
)

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})")


class CustomerState(LabelledEnum):
    """What is to be seen of a customer at a glance."""

    WITHOUT_PIN = "without_pin", "ohne PIN"
    LOCKED = "locked", "gesperrt"


def number_taken(number):
    """Return the sentence for a customer number that another customer has."""
    return f"Die Kundennummer {number} ist schon vergeben."


def checked_number(text):
    """Return a customer number as it is stored; raises UserError."""
    number = pins.normalise_number(text)
    if number is None:
        raise UserError(
            f"„{_excerpt(text)}“ kann keine Kundennummer sein: höchstens {MAX_CUSTOMER_NUMBER_LENGTH} Zeichen, "
            "nur Buchstaben ohne Umlaute, Ziffern, Punkt, Schrägstrich und Bindestrich."
        )
    return number


def checked_name(text):
    """Return the name of a company as it is stored; raises UserError."""
    name = _trimmed(text)
    if not name or not _is_one_line(name):
        raise UserError(
            f"Bitte geben Sie einen Namen mit höchstens {MAX_SHORT_LENGTH} Zeichen an, ohne unsichtbare Zeichen."
        )
    return name


def checked_contact_name(text):
    """Return the name of a person as it is stored, or ""; raises UserError."""
    name = _trimmed(text)
    if name and not _is_one_line(name):
        raise UserError(f"Ein Ansprechpartner hat höchstens {MAX_SHORT_LENGTH} Zeichen, keines davon unsichtbar.")
    return name


def checked_email(text):
    """Return a mail address as it is stored, or ""; raises UserError."""
    email = text.strip()
    if email and (len(email) > MAX_EMAIL_LENGTH or not addresses.EMAIL.fullmatch(email) or not email.isprintable()):
        raise UserError(f"„{_excerpt(email)}“ ist keine E-Mail-Adresse. Sie sieht so aus: name@firma.de")
    return email


def checked_mail_domain(text):
    """Return a mail domain as it is stored, or "", typed with or without "@"; raises UserError."""
    domain = text.strip().removeprefix("@").lower()
    if not domain:
        return ""
    ascii_form = _ascii_domain(domain)
    if ascii_form is None:
        raise UserError(f"„{_excerpt(text.strip())}“ ist keine Mail-Domain. Sie sieht so aus: firma.de")
    if ascii_form in PUBLIC_DOMAINS:
        raise UserError(
            f"Unter {ascii_form} kann jeder eine E-Mail-Adresse haben. Bitte geben Sie nur eine Domain an, die allein "
            "diesem Kunden gehört."
        )
    return ascii_form


# What is known of a customer, by column, each with the rule that a form, a command and an import share.
RULES = {
    "number": checked_number,
    "name": checked_name,
    "contact_name": checked_contact_name,
    "email": checked_email,
    "mail_domain": checked_mail_domain,
}


def add(values, now):
    """Add a customer, still without a PIN, from values by column; raises UserError."""
    values = _checked(values)
    try:
        with transaction():
            return Customer.create(**values, created_at=now)
    except IntegrityError:
        raise UserError(number_taken(values["number"]), "number") from None


def fingerprint(customer):
    """Return what is another after each change: who sends it along says that nothing newer was seen."""
    known = [getattr(customer, column) for column in (*RULES, "fully_managed")]
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def change(customer, values, seen):
    """Change what is known of a customer; raises UserError.

    PINs hang on the number: with another number none is in force any more, and a new one must be issued.
    """
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
                pins.withdraw_pin(customer)
            if (former.number, former.name) != (customer.number, customer.name):
                search.reindex_customer(customer)
    except IntegrityError:
        raise UserError(number_taken(values["number"]), "number") from None


def find(number):
    """Return the customer with this number; raises UserError."""
    customer = Customer.get_or_none(Customer.number == pins.normalise_number(number))
    if customer is None:
        raise UserError(f"Einen Kunden mit der Nummer „{number}“ gibt es nicht.")
    return customer


def page(text="", state=None, after="", size=PAGE_SIZE):
    """Return the customers of one page, by number, and the number after which the next one begins, or "" on the last.

    Every word of the typed text must occur in the number, the name, the contact's name or the mail address or domain.
    """
    query = Customer.by_number().where(Customer.number > after)
    if state is CustomerState.WITHOUT_PIN:
        query = query.where(Customer.pin_hash.is_null())
    elif state is CustomerState.LOCKED:
        query = query.where(Customer.locked_at.is_null(False))
    words = search.folded(text[:MAX_SHORT_LENGTH]).split()
    # An office has some hundred customers: looking through all of them takes less than an index would cost.
    rows = [row for row in query if _has_words(row, words)] if words else list(query.limit(size + 1))
    found = rows[:size]
    return found, found[-1].number if len(rows) > size else ""


def lock(customer, now):
    """Lock a customer, so that nothing sent with its number becomes a ticket; one that is locked stays as it is."""
    with transaction():
        Customer.update(locked_at=now).where(Customer.id == customer.id, Customer.locked_at.is_null()).execute()


def unlock(customer):
    """Unlock a customer."""
    with transaction():
        Customer.update(locked_at=None).where(Customer.id == customer.id).execute()


def require_unlocked(customer):
    """Return a customer as it is now, or refuse one who is locked; raises UserError."""
    current = Customer.get_by_id(customer.id)
    if current.locked_at:
        raise UserError(
            f"Der Kunde {current.number} ({current.name}) ist gesperrt. Bitte heben Sie zuerst die Sperre auf."
        )
    return current


def add_approver(customer, values):
    """Add somebody who decides about a customer's requests; raises UserError."""
    with transaction():
        if customer.approvers.count() >= MAX_APPROVERS:
            raise UserError(f"Mehr als {MAX_APPROVERS} Genehmiger kann ein Kunde nicht haben.")
        _refuse_duplicate_email(customer, values)
        return Approver.create(customer=customer, **values)


def change_approver(approver, values):
    """Change an approver's name, address or absence; links in mails to a former address die. Raises UserError."""
    with transaction():
        _refuse_duplicate_email(approver.customer, values, other_than=approver)
        if values["email"] != approver.email:
            # Whoever reads the former mailbox must not decide any more.
            _revoke_links(approver)
        Approver.update(values).where(Approver.id == approver.id).execute()


def remove_approver(approver):
    """Remove an approver, who gets no more mail; tickets that already wait go on waiting for a decision."""
    with transaction():
        _revoke_links(approver)
        Approver.delete().where(Approver.id == approver.id).execute()


def _revoke_links(approver):
    outbox.discard_for_approver(approver)
    TicketLink.update(approver=None).where(TicketLink.approver == approver).execute()


def _has_words(customer, words):
    known = search.folded(" ".join(getattr(customer, column) for column in RULES))
    return all(word in known for word in words)


def _checked(values):
    return {name: RULES[name](value) if name in RULES else value for name, value in values.items()}


def _trimmed(text):
    text = text.strip()
    # What is far too long is refused anyway, and normalising takes quadratic time for some texts.
    return text if len(text) > 4 * MAX_SHORT_LENGTH else unicodedata.normalize("NFC", text)


def _is_one_line(text):
    return len(text) <= MAX_SHORT_LENGTH and text.isprintable()


def _excerpt(text):
    return text if len(text) <= MAX_SHORT_LENGTH else f"{text[:MAX_SHORT_LENGTH]}…"


def _ascii_domain(domain):
    """Return a domain as it stands in mail addresses, its umlauts written in ASCII, or None if it cannot be one."""
    if len(domain) > MAX_EMAIL_LENGTH:
        return None
    domain = idna_domain(domain)
    return domain if _DOMAIN.fullmatch(domain) else None


def _refuse_duplicate_email(customer, values, other_than=None):
    for approver in customer.approvers:
        if approver != other_than and approver.email.casefold() == values["email"].casefold():
            raise UserError(f"Mit dieser E-Mail-Adresse gibt es schon einen Genehmiger: {approver.name}.", "email")
