"""Links that open one ticket without a login: for its approvers, and for the customer."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import ModelSelect

from database import prepared_rows
from enums import LinkPurpose
from models import Contact, Customer, Message, Submission, Ticket, TicketLink
from services.mail import outbox
from services.security import keys
from services.security.keys import hash_token
from settings import settings

PATHS = {LinkPurpose.APPROVAL: "freigabe", LinkPurpose.CUSTOMER: "vorgang"}


def for_customer(ticket: Ticket, now: datetime) -> TicketLink:
    """Return the link to the customer's page of a ticket; a new one, if there is none or it was revoked."""
    return _for_customer(ticket) or _issue(ticket, LinkPurpose.CUSTOMER, now)


def for_approver(ticket: Ticket, approver: Contact, now: datetime) -> TicketLink:
    """Return the link by which an approver decides about a ticket; from now on it is valid for its full time."""
    expires_at = now + timedelta(days=settings.approval_link_days)
    link = ticket.links.where(TicketLink.approver == approver).get_or_none()
    if link is None:
        return _issue(ticket, LinkPurpose.APPROVAL, now, approver=approver, expires_at=expires_at)
    link.expires_at = expires_at
    link.save(only=[TicketLink.expires_at])
    return link


def open_customer_link(ticket: Ticket, now: datetime) -> TicketLink | None:
    """Return the link that opens the customer's page of a ticket now, or None."""
    link = _for_customer(ticket)
    return link if link and _is_open(link, now) else None


def revoke_customer_link(ticket: Ticket, now: datetime) -> bool:
    """Revoke the customer's link, within a transaction, and say whether there was one; unsent mails get a new one."""
    link = open_customer_link(ticket, now)
    if link is None:
        return False
    _revoke(ticket, link, now)
    return True


def end_all(ticket: Ticket, now: datetime) -> None:
    """Revoke all links of a ticket and discard the mails that would bring them, within a transaction."""
    outbox.discard_where((Message.ticket == ticket) & Message.link.is_null(False))
    TicketLink.update(revoked_at=now, approver=None).where(TicketLink.ticket == ticket).execute()


def restore(ticket: Ticket, known: Sequence[Sequence[Any]], now: datetime) -> None:
    """Restore whose each of a ticket's links is, when it expires and was revoked, and remove newer ones.

    Within a transaction; a link of an approver who was removed meanwhile stays nobody's.
    """
    for id, approver_id, *moments in known:
        expires_at, revoked_at = map(TicketLink.revoked_at.python_value, moments)
        approver = Contact.get_or_none(Contact.id == approver_id, Contact.is_approver)
        changes = {"approver": approver, "expires_at": expires_at, "revoked_at": revoked_at}
        TicketLink.update(changes).where(TicketLink.id == id).execute()
    for link in list(ticket.links.where(TicketLink.id.not_in([id for id, *_ in known]))):
        _revoke(ticket, link, now)
        link.delete_instance()


def _revoke(ticket: Ticket, link: TicketLink, now: datetime) -> None:
    TicketLink.update(revoked_at=now).where(TicketLink.id == link.id).execute()
    for message in list(Message.select().where(Message.link == link, Message.state.in_(outbox.OPEN_STATES))):
        other = for_customer(ticket, now)
        message.body, message.link = message.body.replace(link.nonce, other.nonce), other
        message.save(only=[Message.body, Message.link])


def customer_page_expires_at(ticket: Ticket) -> datetime:
    """Return when the link to the customer's page of a closed ticket expires."""
    closed_at: datetime = ticket.closed_at
    return closed_at + timedelta(days=settings.ticket_link_days)


def placeholder_url(link: TicketLink) -> str:
    """Return the URL of a link for a message in the outbox: the nonce stands in place of the token."""
    return f"{settings.url}/{PATHS[link.purpose]}/{link.nonce}"


def insert_token(text: str, link: TicketLink | None) -> str:
    """Return the text of a message as it is sent: with the token in place of the nonce."""
    return text.replace(link.nonce, _token(link.nonce)) if link else text


def find(token: str, purpose: LinkPurpose, now: datetime) -> TicketLink | None:
    """Return the link with this token and its ticket.

    None if it is not valid now: unknown, expired, revoked or customer locked.
    """
    return _open_link(_by_token(hash_token(token), purpose.value), now)


def matches_secret_key(link: TicketLink) -> bool:
    """Say whether a link was made with the secret key in the data folder."""
    return hash_token(_token(link.nonce, keys.secret_key())) == link.token_hash


def reload(link: TicketLink, now: datetime) -> TicketLink | None:
    """Return a link as it is stored now, or None if it is no longer valid."""
    return _open_link(_by_id(link.id), now)


def rekey(key: bytes) -> None:
    """Recompute the token hashes of all links with a new secret key, within a transaction.

    Links sent before are invalid from then on; messages sent later, or again, contain the new token.
    """
    for link in list(TicketLink.select(TicketLink.id, TicketLink.nonce)):
        TicketLink.update(token_hash=hash_token(_token(link.nonce, key))).where(TicketLink.id == link.id).execute()


def _with_details() -> ModelSelect:
    details = TicketLink.select(TicketLink, Ticket, Submission, Customer)
    return details.join(Ticket).join(Submission).switch(Ticket).join(Customer)


_by_token = prepared_rows(
    lambda token_hash, purpose: _with_details().where(
        TicketLink.token_hash == token_hash, TicketLink.purpose == purpose
    )
)
_by_id = prepared_rows(lambda link_id: _with_details().where(TicketLink.id == link_id))


def _open_link(found: list[TicketLink], now: datetime) -> TicketLink | None:
    return found[0] if found and _is_open(found[0], now) else None


def _is_open(link: TicketLink, now: datetime) -> bool:
    ticket = link.ticket
    if link.revoked_at or ticket.customer.locked_at:
        return False
    if link.purpose is LinkPurpose.APPROVAL:
        return link.approver_id is not None and now < link.expires_at
    return ticket.closed_at is None or now < customer_page_expires_at(ticket)


def _for_customer(ticket: Ticket) -> TicketLink | None:
    known = ticket.links.where(TicketLink.purpose == LinkPurpose.CUSTOMER, TicketLink.revoked_at.is_null())
    return known.get_or_none()


def _issue(ticket: Ticket, purpose: LinkPurpose, now: datetime, **columns: object) -> TicketLink:
    nonce = secrets.token_urlsafe(16)
    return TicketLink.create(
        ticket=ticket, purpose=purpose, nonce=nonce, token_hash=hash_token(_token(nonce)), created_at=now, **columns
    )


def _token(nonce: str, key: bytes | None = None) -> str:
    digest = hmac.new(keys.derived_key(b"ticket link", key), nonce.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
