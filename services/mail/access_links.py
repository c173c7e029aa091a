"""Addresses that open one ticket to whoever has them: to its approvers, and to the customer."""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta

from enums import LinkPurpose
from models import Customer, Submission, Ticket, TicketLink
from services.security import keys
from settings import settings

PATHS = {LinkPurpose.APPROVAL: "freigabe", LinkPurpose.CUSTOMER: "vorgang"}


def for_customer(ticket, now):
    """Return the link to the customer's page of a ticket; there is one, and a new one after it was revoked."""
    return _for_customer(ticket) or _issue(ticket, LinkPurpose.CUSTOMER, now)


def for_approver(ticket, approver, now):
    """Return the link by which an approver decides about a ticket, valid anew for its whole time."""
    expires_at = now + timedelta(days=settings.approval_link_days)
    link = ticket.links.where(TicketLink.approver == approver).get_or_none()
    if link is None:
        return _issue(ticket, LinkPurpose.APPROVAL, now, approver=approver, expires_at=expires_at)
    TicketLink.update(expires_at=expires_at).where(TicketLink.id == link.id).execute()
    link.expires_at = expires_at
    return link


def open_customer_link(ticket, now):
    """Return the link by which the customer's page of a ticket can be opened now, or None."""
    link = _for_customer(ticket)
    return link if link and _is_open(link, now) else None


def revoke(link, now):
    """Let a link open nothing any more."""
    TicketLink.update(revoked_at=now).where(TicketLink.id == link.id).execute()


def customer_page_expires_at(ticket):
    """Return the moment up to which the customer's page of a closed ticket can be opened."""
    return ticket.closed_at + timedelta(days=settings.ticket_link_days)


def placeholder_url(link):
    """Return the address of a link as a message holds it that waits: with the nonce where the token goes."""
    return f"{settings.url}/{PATHS[link.purpose]}/{link.nonce}"


def insert_token(text, link):
    """Return the text of a message as it leaves the house."""
    return text.replace(link.nonce, _token(link.nonce)) if link else text


def find(token, purpose, now):
    """Return the link with this token, its ticket whole, or None if it opens nothing now, for whatever reason."""
    return _opening(now, TicketLink.token_hash == _hash(token), TicketLink.purpose == purpose)


def matches_secret_key(link):
    """Say whether a link was made with the secret key that lies in the data folder."""
    return _hash(_token(link.nonce)) == link.token_hash


def reload(link, now):
    """Return a link as it is now, or None if it opens nothing any more."""
    return _opening(now, TicketLink.id == link.id)


def rekey(key):
    """Let all links hang on another secret key, within a transaction.

    No address that is out opens anything then; a message that still waits, and one that is sent anew, has the new one.
    """
    for link in list(TicketLink.select(TicketLink.id, TicketLink.nonce)):
        TicketLink.update(token_hash=_hash(_token(link.nonce, key))).where(TicketLink.id == link.id).execute()


def _opening(now, *conditions):
    link = (
        TicketLink.select(TicketLink, Ticket, Submission, Customer)
        .join(Ticket)
        .join(Submission)
        .switch(Ticket)
        .join(Customer)
        .where(*conditions)
        .get_or_none()
    )
    return link if link and _is_open(link, now) else None


def _is_open(link, now):
    ticket = link.ticket
    if link.revoked_at or ticket.customer.locked_at:
        return False
    if link.purpose is LinkPurpose.APPROVAL:
        return link.approver_id is not None and now < link.expires_at
    return ticket.closed_at is None or now < customer_page_expires_at(ticket)


def _for_customer(ticket):
    known = ticket.links.where(TicketLink.purpose == LinkPurpose.CUSTOMER, TicketLink.revoked_at.is_null())
    return known.get_or_none()


def _issue(ticket, purpose, now, **facts):
    nonce = secrets.token_urlsafe(16)
    return TicketLink.create(
        ticket=ticket, purpose=purpose, nonce=nonce, token_hash=_hash(_token(nonce)), created_at=now, **facts
    )


def _token(nonce, key=None):
    digest = hmac.new(keys.derived_key(b"ticket link", key), nonce.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(token):
    return hashlib.sha256(token.encode()).hexdigest()
