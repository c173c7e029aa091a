"""The mail made of a message in the outbox: its text, the same as HTML, and its attachments."""

import json
import re
from collections.abc import Iterable, Iterator
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from html import escape
from itertools import groupby

import clock
from clock import TIME_ZONE
from enums import MAX_FILE_NAME_LENGTH, MAX_SHORT_LENGTH, MEBIBYTE, MessageKind
from models import Attachment, Message
from services.files import attachments
from services.mail import access_links, outbox
from services.mail.addresses import idna_address
from services.security import account_links
from settings import settings

# What usual mail servers accept, once the files are encoded.
MAX_ATTACHED_BYTES = 20 * MEBIBYTE

# The factor by which Base64 makes a file larger, with some room for the text of the mail.
ENCODING_OVERHEAD = 1.4

TOO_MUCH_ATTACHED = "Die Anhänge sind zu groß für eine E-Mail und deshalb nicht dabei. Der Link oben führt zu ihnen."
TOO_MUCH_FOR_SUPPLIER = "Die Anhänge sind zu groß für eine E-Mail. Bitte sagen Sie uns, wie Sie sie bekommen können."

# No colours of its own, so that the reader's light or dark mode decides.
_PAGE = (
    '<!doctype html><html lang="de"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>'
    '<body style="font-family: system-ui, sans-serif; line-height: 1.5; max-width: 40em; overflow-wrap: anywhere">'
    "\n{}\n</body></html>\n"
)
_QUOTATION = '<blockquote style="margin: 1em 0; padding-left: 1em; border-left: 3px solid #888">{}</blockquote>'


class _Policy(EmailPolicy):
    """Keeps all spaces of a long subject; Python's own policy loses some between two encoded words."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name != "Subject" or value.isascii():
            return super().fold_binary(name, value)
        folded = Header(value, "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"Subject: {folded}{self.linesep}".encode()


POLICY = _Policy(linesep="\r\n")


def as_mail(message: Message, max_bytes: float) -> EmailMessage:
    """Return a message as a mail, with the same Message-ID on every attempt.

    max_bytes: the mail server's limit; files that do not fit are left out. Raises OSError if a file cannot be read.
    """
    text = access_links.insert_token(message.body, message.link)
    if message.kind is MessageKind.INVITATION:
        text = account_links.insert_token(text)
    files = _files(message) if message.with_attachments else []
    if sum(file.size for file in files) > min(MAX_ATTACHED_BYTES, max_bytes / ENCODING_OVERHEAD):
        told = TOO_MUCH_FOR_SUPPLIER if message.kind is MessageKind.SUPPLIER else TOO_MUCH_ATTACHED
        text, files = f"{text.rstrip()}\n\n{told}\n", []
    mail = _with_headers(message)
    # Some servers accept neither long lines nor 8-bit text.
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(_PAGE.format("\n".join(_html_blocks(text))), subtype="html", cte="quoted-printable")
    for file in files:
        with attachments.open_stored(file) as content:
            main, _, sub = file.media_type.partition("/")
            mail.add_attachment(
                content.read(), maintype=main, subtype=sub, filename=outbox.one_line(file.name, MAX_FILE_NAME_LENGTH)
            )
    return mail


def headers(message: Message) -> dict[str, str]:
    """Return the headers with which a mail went out, or would now."""
    return {name: str(value) for name, value in _with_headers(message).items()}


def _with_headers(message: Message) -> EmailMessage:
    """Return a mail without content, with headers against automatic replies."""
    mail = EmailMessage(policy=POLICY)
    mail["From"] = _address(settings.sender, outbox.one_line(settings.office_name, MAX_SHORT_LENGTH))
    mail["To"] = _address(message.recipient)
    if settings.sender != settings.office_email:
        mail["Reply-To"] = _address(settings.office_email)
    mail["Subject"] = message.subject
    # Not when it was written: after an outage of days, mail programs would sort it below what is read.
    mail["Date"] = format_datetime((message.sent_at or clock.now()).astimezone(TIME_ZONE))
    mail["Message-ID"] = f"<{idna_address(message.message_id[1:-1])}>"
    if message.ticket:
        # An id that no mail has: mail programs show all mails that refer to it together.
        mail["References"] = f"<{message.ticket.submission.code}@{idna_address(settings.sender).rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Precedence"] = "bulk"
    mail["X-Auto-Response-Suppress"] = "All"
    return mail


def _address(address: str, display_name: str = "") -> Address:
    name, _, domain = idna_address(address).rpartition("@")
    return Address(display_name, username=name, domain=domain)


def _html_blocks(text: str) -> Iterator[str]:
    """Yield the text of a mail as HTML: paragraphs, quotations, and the portal's own addresses as links."""
    for kind, lines in groupby(text.splitlines(), key=_kind_of_line):
        if kind == "quotation":
            yield _QUOTATION.format(_lines(re.sub("^> ?", "", line) for line in lines))
        elif kind == "link":
            yield from (f'<p><a href="{escape(line)}">{escape(line)}</a></p>' for line in lines)
        elif kind == "words":
            yield f"<p>{_lines(lines)}</p>"


def _kind_of_line(line: str) -> str:
    if line.startswith(">"):
        return "quotation"
    # URLs that somebody else typed do not become links.
    if line.startswith(f"{settings.url}/") and not re.search(r"\s", line):
        return "link"
    return "words" if line.strip() else "gap"


def _lines(lines: Iterable[str]) -> str:
    return "<br>\n".join(escape(line) for line in lines)


def _files(message: Message) -> list[Attachment]:
    """Return the files of a mail: those chosen for it, or else those of the answer or of the request."""
    if message.file_ids:
        return list(Attachment.select().where(Attachment.id.in_(json.loads(message.file_ids))))
    return list((message.event if message.kind is MessageKind.ANSWER else message.ticket.submission).attachments)
