"""A message of the outbox as the mail that goes over the wire."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from services import attachments, links
from settings import TIME_ZONE, settings


def as_mail(message):
    """Return a message as a mail, with the same headers on every try, and no answer from a machine wanted."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(settings.office_name, addr_spec=settings.sender)
    mail["To"] = Address(addr_spec=message.recipient)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at.astimezone(TIME_ZONE))
    mail["Message-ID"] = message.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["Precedence"] = "bulk"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(links.unveil(message.body, message.link))
    if message.with_attachments:
        for attachment in message.ticket.submission.attachments:
            with attachments.open_stored(attachment) as file:
                main, _, sub = attachment.media_type.partition("/")
                mail.add_attachment(file.read(), maintype=main, subtype=sub, filename=attachment.name)
    return mail
