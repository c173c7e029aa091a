"""The line to the mail server: encrypted, patient within bounds, and with a German sentence for all that goes wrong."""

import binascii
import io
import smtplib
import ssl
from base64 import b64encode
from ipaddress import ip_address
from math import inf
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from services.mail import mime
from services.mail.addresses import idna_address
from services.mail.connection import BoundedReader, Deadline, ProtocolError, error_sentence
from services.mail.outbox import ConnectionLost, DeliveryError, ServerUnavailable
from settings import settings

# How long the server may take for one step; for its last word about a whole mail; for making the connection; for one
# mail in all; for taking leave. A server that says little at a time gets no longer.
STEP_SECONDS = 20
FINAL_REPLY_SECONDS = 300
CONNECT_SECONDS = 60
MAIL_SECONDS = 480
LEAVE_SECONDS = 5

PIECE_BYTES = 64 * 1024

# What smtplib says of an answer that does not begin with a number.
NO_CODE = -1

PORTS = {"smtp": 587, "smtps": 465}

PEER = "Der Mailserver"
POSSIBLY_SENT = (
    "Der Mailserver hatte die E-Mail schon, hat sie aber nicht mehr bestätigt. Vielleicht kommt sie deshalb zweimal an."
)
NO_ENCRYPTION = (
    "Der Mailserver bietet keine Verschlüsselung (STARTTLS). Ohne sie gibt das Portal weder Kennwort noch E-Mails aus "
    "der Hand."
)
NO_LOGIN = "Der Mailserver bietet keine Anmeldung mit Name und Kennwort."
BAD_LOGIN = (
    "Der Mailserver nimmt die Anmeldung nicht an. Bitte prüfen Sie Name und Kennwort in der Einstellung „smtp_url“"
)
LOGIN_LETTERS = "Name und Kennwort für den Mailserver dürfen keine Umlaute enthalten."
NO_UMLAUTS = "Der Mailserver kann keine E-Mail an eine Adresse mit Umlauten vor dem @ schicken."
UNREADABLE_FILE = "Ein Anhang lässt sich nicht lesen."


class Server(NamedTuple):
    """The mail server that is set, and who signs in there, if anybody."""

    host: str
    port: int
    name: str


def server():
    """Return the mail server that is set."""
    url = urlsplit(settings.smtp_url)
    return Server(url.hostname, url.port or PORTS[url.scheme], unquote(url.username or ""))


class SmtpTransport:
    """The line to the mail server: made when the first mail wants it, and kept for those that follow."""

    def __init__(self):
        self._server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._server:
            self._server.allow(LEAVE_SECONDS)
            try:
                self._server.quit()
            except OSError:
                self._server.close()

    def deliver(self, message, now):
        """Give a mail to the server and return when it has said yes; raises NotDelivered."""
        if self._server is None:
            self._server = _connect()
        try:
            mail = mime.as_mail(message, _most_bytes(self._server))
        except OSError:
            raise DeliveryError(UNREADABLE_FILE) from None
        self._server.allow(MAIL_SECONDS)
        try:
            self._send(mail, idna_address(message.recipient))
        except OSError as error:
            sentence = POSSIBLY_SENT if self._server.has_whole_mail else error_sentence(_cause(error), PEER)
            self._hang_up()
            raise ConnectionLost(sentence) from None

    def _send(self, mail, recipient):
        try:
            self._server.send_message(mail, idna_address(settings.sender), [recipient])
        except smtplib.SMTPNotSupportedError:
            raise DeliveryError(NO_UMLAUTS) from None
        except smtplib.SMTPSenderRefused as error:
            self._refused("den Absender", error.smtp_code, error.smtp_error)
        except smtplib.SMTPRecipientsRefused as error:
            self._refused("den Empfänger", *error.recipients[recipient])
        except smtplib.SMTPResponseException as error:
            self._refused("die E-Mail", error.smtp_code, error.smtp_error)

    def _refused(self, what, code, answer):
        sentence = _quoting(f"{PEER} nimmt {what} nicht an", code, answer)
        if code == 421 or self._server.sock is None:
            self._hang_up()
            raise ConnectionLost(sentence)
        self._server.allow(STEP_SECONDS)
        try:
            self._server.rset()
        except OSError:
            self._hang_up()
            raise ConnectionLost(sentence) from None
        raise DeliveryError(sentence)

    def _hang_up(self):
        self._server.close()
        self._server = None


class _Bounded:
    """What makes a conversation end: each step has its time, and so has the whole."""

    def __init__(self, host, port, **options):
        self.allow(CONNECT_SECONDS)
        super().__init__(host, port, timeout=STEP_SECONDS, **options)

    def allow(self, seconds):
        """Begin a part of the conversation that may take this long in all."""
        self._patience = Deadline(seconds, STEP_SECONDS)
        self.has_whole_mail = False
        # What reads the answers is made anew, with the new patience.
        self.file = None

    def getreply(self):
        """Read an answer, bit by bit; raises NotUnderstood if it is none of a mail server."""
        if self.file is None:
            self.file = io.BufferedReader(BoundedReader(self.sock, self._patience))
        try:
            code, answer = super().getreply()
        except smtplib.SMTPResponseException:
            # Longer than a line may be.
            code = NO_CODE
        if code == NO_CODE:
            self.close()
            raise ProtocolError
        return code, answer

    def send(self, data):
        """Send a command, which is text, or a mail, which is bytes: piece by piece, because a line may be slow."""
        if isinstance(data, str):
            return super().send(data)
        for begin in range(0, len(data), PIECE_BYTES):
            self.sock.settimeout(self._patience.for_one_step())
            super().send(data[begin : begin + PIECE_BYTES])
        self.has_whole_mail = True
        self._patience.step_seconds = FINAL_REPLY_SECONDS


class _Smtp(_Bounded, smtplib.SMTP):
    pass


class _Smtps(_Bounded, smtplib.SMTP_SSL):
    pass


def _connect():
    """Return a line on which mails can be handed over; raises NobodyThere."""
    url, connection = urlsplit(settings.smtp_url), None
    host, port, name = server()
    password = unquote(url.password or "")
    try:
        if url.scheme == "smtps":
            connection = _Smtps(host, port, context=ssl.create_default_context())
        else:
            connection = _Smtp(host, port)
            if not _is_this_machine(host):
                connection.starttls(context=ssl.create_default_context())
        connection.ehlo_or_helo_if_needed()
        if name:
            connection.login(name, password)
        return connection
    except (OSError, UnicodeEncodeError, binascii.Error) as error:
        if connection:
            connection.close()
        raise ServerUnavailable(_without_password(name, password, _connect_error(error))) from None


def _most_bytes(server):
    """Return how large a mail may be; a server that says nothing, or 0, has no fixed limit."""
    announced = server.esmtp_features.get("size", "")
    return int(announced) or inf if announced.isdecimal() else inf


def _is_this_machine(host):
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _connect_error(error):
    """Return a sentence about why no mail can be handed over."""
    match error:
        case UnicodeEncodeError():
            return LOGIN_LETTERS
        case smtplib.SMTPAuthenticationError():
            return _quoting(BAD_LOGIN, error.smtp_code, error.smtp_error)
        case smtplib.SMTPNotSupportedError():
            return NO_ENCRYPTION if "STARTTLS" in str(error) else NO_LOGIN
        case smtplib.SMTPResponseException():
            return _quoting(f"{PEER} nimmt zurzeit nichts an", error.smtp_code, error.smtp_error)
        case binascii.Error():
            # The server asks for the password in a code that nobody knows.
            return NO_LOGIN
        case smtplib.SMTPException() if not isinstance(error, smtplib.SMTPServerDisconnected):
            return NO_LOGIN
        case _:
            return error_sentence(_cause(error), PEER)


def _cause(error):
    """Return what broke a connection; smtplib hides the reason behind an error of its own."""
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return error.__context__ or ConnectionError()
    return error


def _quoting(sentence, code, answer):
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return f"{sentence}: „{code} {words}“"


def _without_password(name, password, sentence):
    """Return a sentence without the password, in whatever form a talkative server gives it back."""
    for secret in (f"\0{name}\0{password}", password):
        for shape in (secret, b64encode(secret.encode()).decode()):
            if secret.strip("\0"):
                sentence = sentence.replace(shape, "…")
    return sentence
