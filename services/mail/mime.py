"""A message of the outbox as the mail that goes over the wire: its text, the same as HTML, and its attachments."""

import re
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from html import escape
from itertools import groupby

from clock import TIME_ZONE
from enums import MAX_FILE_NAME_LENGTH, MAX_SHORT_LENGTH, MEBIBYTE
from services.files import attachments
from services.mail import access_links, outbox
from services.mail.addresses import idna_address, idna_domain
from settings import settings

# What usual mail servers take, with room for what the encoding adds.
MAX_ATTACHED_BYTES = 20 * MEBIBYTE

# By how much a file grows when it becomes text, with a little room for the mail's own words.
ENCODING_OVERHEAD = 1.4

TOO_MUCH_ATTACHED = "Die Anhänge sind zu groß für eine E-Mail und deshalb nicht dabei. Sie stehen am Ticket."

# Colours are left to whoever reads it, by day or by night.
_PAGE = (
    '<!doctype html><html lang="de"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>'
    '<body style="font-family: system-ui, sans-serif; line-height: 1.5; max-width: 40em; overflow-wrap: anywhere">'
    "\n{}\n</body></html>\n"
)
_QUOTATION = '<blockquote style="margin: 1em 0; padding-left: 1em; border-left: 3px solid #888">{}</blockquote>'


class _Policy(EmailPolicy):
    """Writes a long subject with all its blanks, some of which Python's own policy loses between two encoded words."""

    def fold_binary(self, name, value):
        if name != "Subject" or value.isascii():
            return super().fold_binary(name, value)
        folded = Header(value, "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"Subject: {folded}{self.linesep}".encode()


POLICY = _Policy(linesep="\r\n")


def as_mail(message, most_bytes):
    """Return a message as a mail, with the same headers on every try, and no answer from a machine wanted.

    Files for which a mail of so many bytes has no room are left out.
    """
    text, files = access_links.insert_token(message.body, message.link), _files(message)
    if sum(file.size for file in files) > min(MAX_ATTACHED_BYTES, most_bytes / ENCODING_OVERHEAD):
        text, files = f"{text.rstrip()}\n\n{TOO_MUCH_ATTACHED}\n", []
    mail = EmailMessage(policy=POLICY)
    mail["From"] = _address(settings.sender, outbox.one_line(settings.office_name, MAX_SHORT_LENGTH))
    mail["To"] = _address(message.recipient)
    if settings.sender != settings.office_email:
        mail["Reply-To"] = _address(settings.office_email)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at.astimezone(TIME_ZONE))
    mail["Message-ID"] = f"<{idna_address(message.message_id[1:-1])}>"
    if message.ticket:
        # All mails about a ticket hang on one that never was, so that mail programs show them together.
        mail["References"] = f"<{message.ticket.submission.code}@{_domain(settings.sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Precedence"] = "bulk"
    mail["X-Auto-Response-Suppress"] = "All"
    # Not every server takes lines of any length, nor eight bits.
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(as_html(text), subtype="html", cte="quoted-printable")
    for file in files:
        with attachments.open_stored(file) as content:
            main, _, sub = file.media_type.partition("/")
            mail.add_attachment(
                content.read(), maintype=main, subtype=sub, filename=outbox.one_line(file.name, MAX_FILE_NAME_LENGTH)
            )
    return mail


def as_html(text):
    """Return the text of a mail as HTML: paragraphs, quotations, and the portal's own addresses as links."""
    return _PAGE.format("\n".join(_blocks(text)))


def _address(address, display_name=""):
    name, _, domain = idna_address(address).rpartition("@")
    return Address(display_name, username=name, domain=domain)


def _domain(address):
    return idna_domain(address.rpartition("@")[2])


def _files(message):
    """Return what is to be attached: what was sent with the request, not what came later."""
    return list(message.ticket.submission.attachments) if message.with_attachments else []


def _blocks(text):
    for kind, lines in groupby(text.splitlines(), key=_kind_of_line):
        if kind == "quotation":
            yield _QUOTATION.format(_lines(re.sub("^> ?", "", line) for line in lines))
        elif kind == "link":
            yield from (f'<p><a href="{escape(line)}">{escape(line)}</a></p>' for line in lines)
        elif kind == "words":
            yield f"<p>{_lines(lines)}</p>"


def _kind_of_line(line):
    if line.startswith(">"):
        return "quotation"
    # What somebody else typed is a link in no mail of ours.
    if line.startswith(f"{settings.url}/") and not re.search(r"\s", line):
        return "link"
    return "words" if line.strip() else "gap"


def _lines(lines):
    return "<br>\n".join(escape(line) for line in lines)
