"""Delivery to the mail server: encrypted, and with a German sentence for each failure."""

import binascii
import re
import smtplib
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from datetime import datetime
from math import inf
from typing import NamedTuple, NoReturn
from urllib.parse import unquote, urlsplit

from i18n.idna import idna_domain
from models import Message
from services.mail import mime
from services.mail.addresses import idna_address
from services.mail.connection_errors import ProtocolError, error_sentence
from services.mail.outbox import ConnectionLost, DeliveryError, ServerUnavailable
from settings import is_loopback, settings

# The longest wait for one step, and for the server's reply to a whole mail, which it may check for viruses first. With
# connection and login a mail takes at most 12 steps: 9 minutes in all, so that outbox.LEASE leaves 6 for its bytes.
STEP_SECONDS = 20
FINAL_REPLY_SECONDS = 300

# smtplib's code for an answer that does not begin with a number.
NO_CODE = -1

# What smtplib, too, calls a machine whose own name is no use.
NAMELESS = "[127.0.0.1]"

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
    """The configured mail server; the name is empty if it needs no login."""

    host: str
    port: int
    name: str


def server() -> Server:
    """Return the configured mail server."""
    url = urlsplit(settings.smtp_url)
    return Server(url.hostname or "", url.port or PORTS[url.scheme], unquote(url.username or ""))


class _Smtp(smtplib.SMTP):
    """Knows whether the server has a whole mail: if the connection breaks then, the mail may have been sent."""

    has_whole_mail = False

    def send(self, s: str | bytes) -> None:  # type: ignore[override] # smtplib sends nothing else
        self.has_whole_mail = False
        super().send(s)
        # A command is text, a mail is bytes.
        self.has_whole_mail = isinstance(s, bytes)
        if self.sock:
            self.sock.settimeout(FINAL_REPLY_SECONDS if self.has_whole_mail else STEP_SECONDS)


class _Smtps(_Smtp, smtplib.SMTP_SSL):
    pass


class SmtpTransport:
    """Connects to the mail server for the first mail and keeps the connection for those that follow."""

    def __init__(self) -> None:
        self._server: _Smtp | None = None

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._server:
            with suppress(OSError):
                self._server.quit()

    def deliver(self, message: Message, now: datetime) -> None:
        """Send a mail and return when the server has accepted it; raises DeliveryError."""
        server = self._server = self._server or _connect()
        recipient = idna_address(message.recipient)
        try:
            mail = mime.as_mail(message, _max_bytes(server))
        except OSError:
            raise DeliveryError(UNREADABLE_FILE) from None
        try:
            server.send_message(mail, idna_address(settings.sender), [recipient])
        except smtplib.SMTPNotSupportedError:
            raise DeliveryError(NO_UMLAUTS) from None
        except smtplib.SMTPSenderRefused as error:
            self._fail(server, _quoting(f"{PEER} nimmt den Absender nicht an", error.smtp_code, error.smtp_error))
        except smtplib.SMTPRecipientsRefused as error:
            self._fail(server, _quoting(f"{PEER} nimmt den Empfänger nicht an", *error.recipients[recipient]))
        except smtplib.SMTPResponseException as error:
            self._fail(server, _quoting(f"{PEER} nimmt die E-Mail nicht an", error.smtp_code, error.smtp_error))
        except OSError as error:
            self._fail(server, POSSIBLY_SENT if server.has_whole_mail else _connection_sentence(error))

    def _fail(self, server: _Smtp, sentence: str) -> NoReturn:
        # smtplib ends the failed transaction itself after most refusals, but not after all.
        with suppress(OSError):
            server.rset()
        if server.sock:
            raise DeliveryError(sentence) from None
        # The connection broke, and smtplib has closed it.
        self._server = None
        raise ConnectionLost(sentence) from None


def _connect() -> _Smtp:
    """Return a connection on which mails can be sent; raises ServerUnavailable."""
    host, port, name = server()
    host, url = idna_domain(host), urlsplit(settings.smtp_url)
    password = unquote(url.password or "")
    connection: _Smtp | None = None
    try:
        if url.scheme == "smtps":
            context = ssl.create_default_context()
            connection = _Smtps(host, port, _own_name(), timeout=STEP_SECONDS, context=context)
        else:
            connection = _Smtp(host, port, _own_name(), timeout=STEP_SECONDS)
            _encrypt(connection, host)
        connection.ehlo_or_helo_if_needed()
        if name:
            connection.login(name, password)
        return connection
    except (OSError, UnicodeEncodeError, binascii.Error) as error:
        if connection:
            connection.close()
        raise ServerUnavailable(_without_password(name, password, _connect_error(error))) from None


def _own_name() -> str:
    """Return the name by which this machine greets the mail server; that of an office's computer may be anything."""
    try:
        name = idna_domain(socket.getfqdn())
    except UnicodeError:
        return NAMELESS
    return name if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", name) else NAMELESS


def _encrypt(connection: _Smtp, host: str) -> None:
    """Encrypt a connection with STARTTLS.

    On this machine nobody can listen on the way: there it may be missing, and any certificate will do, because those
    of local servers are made for other names. Some ask for it before they accept a login.
    """
    if not is_loopback(host):
        connection.starttls(context=ssl.create_default_context())
        return
    connection.ehlo_or_helo_if_needed()
    if connection.has_extn("starttls"):
        # Without the known authorities, which take a while to load.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        # A server that offers it without having a certificate refuses, and goes on without.
        with suppress(smtplib.SMTPResponseException):
            connection.starttls(context=context)


def _max_bytes(server: smtplib.SMTP) -> float:
    """Return how large a mail may be; a server that announces nothing, or 0, has no fixed limit."""
    announced = server.esmtp_features.get("size", "")
    return int(announced) or inf if announced.isdecimal() else inf


def _connect_error(error: OSError | UnicodeEncodeError | binascii.Error) -> str:
    match error:
        case UnicodeEncodeError():
            return LOGIN_LETTERS
        case smtplib.SMTPAuthenticationError():
            return _quoting(BAD_LOGIN, error.smtp_code, error.smtp_error)
        case smtplib.SMTPNotSupportedError():
            return NO_ENCRYPTION if "STARTTLS" in str(error) else NO_LOGIN
        case smtplib.SMTPResponseException():
            return _quoting(f"{PEER} nimmt zurzeit nichts an", error.smtp_code, error.smtp_error)
        case smtplib.SMTPServerDisconnected():
            return _connection_sentence(error)
        case smtplib.SMTPException() | binascii.Error():
            # No login that smtplib knows, or a challenge that is not Base64.
            return NO_LOGIN
        case _:
            return _connection_sentence(error)


def _connection_sentence(error: OSError) -> str:
    # smtplib hides the reason behind an error of its own.
    cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
    return error_sentence(cause if isinstance(cause, OSError) else ConnectionError(), PEER)


def _quoting(sentence: str, code: int, answer: bytes | str) -> str:
    if code == NO_CODE:
        return error_sentence(ProtocolError(), PEER)
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{sentence}: „{code} {words}“"


def _without_password(name: str, password: str, sentence: str) -> str:
    """Return a sentence without the password, which some servers repeat, plain or in Base64."""
    for secret in (f"\0{name}\0{password}", password):
        for shape in (secret, b64encode(secret.encode()).decode()):
            if secret.strip("\0"):
                sentence = sentence.replace(shape, "…")
    return sentence
