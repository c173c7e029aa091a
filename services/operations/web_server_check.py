"""Asks base_url as a visitor from outside does, and finds what the web server in front passes on wrongly."""

import json
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from enums import MEBIBYTE
from i18n import formats
from services.mail.connection_errors import ProtocolError, error_sentence
from services.security import proxy_check
from settings import settings

STEP_SECONDS = 10

# Nobody has this address (RFC 5737).
INVENTED_IP = "203.0.113.77"

# More than one file of the largest size, because several may come at once.
BODY_BYTES = 12 * MEBIBYTE
UPLOAD_PATH = "/anhaenge"


class Unreachable(Exception):
    """The portal cannot be asked at base_url; the text says why."""


def is_running(now: datetime) -> bool:
    """Return whether the portal with this key runs at its own port."""
    with suppress(OSError, HTTPException, Unreachable):
        return _seen(settings.local_url, now, {}) is not None
    return False


def faults(now: datetime) -> Iterator[str]:
    """Return a sentence for each fault of the web server; raises Unreachable."""
    # The portal itself speaks no TLS. Without it, perhaps there is no web server to replace what was invented.
    invented = {"X-Forwarded-For": INVENTED_IP} if settings.https else {}
    try:
        seen = _seen(settings.base_url, now, invented)
        if seen is None:
            raise Unreachable(f"Unter {settings.readable_url} antwortet nicht dieses Portal.")
        yield from _faults_of_headers(seen)
        yield from _faults_of_bodies()
    except (OSError, HTTPException) as error:
        reason = error if isinstance(error, OSError) else ProtocolError()
        raise Unreachable(error_sentence(reason, settings.readable_url)) from None


def _faults_of_headers(seen: dict[str, Any]) -> Iterator[str]:
    hops, peer, host = seen["forwarded_for"], seen["peer"], seen["host"]
    if settings.https and not hops:
        yield (
            "Der Webserver nennt die Adressen der Besucher nicht, alle gelten als ein einziger. nginx braucht die "
            "Zeile: proxy_set_header X-Forwarded-For $remote_addr;"
        )
    if hops.rpartition(",")[2].strip() == INVENTED_IP:
        yield (
            "Der Webserver reicht erfundene Adressen weiter, jeder Besucher kann sich für einen anderen ausgeben. "
            "nginx braucht die Zeile: proxy_set_header X-Forwarded-For $remote_addr;"
        )
    if hops and not seen["is_trusted"]:
        yield (
            f"Der Webserver {peer} steht nicht in trusted_proxy, alle Besucher gelten als ein einziger. Ergänzen Sie "
            "in config.toml bei trusted_proxy diese Adresse, und starten Sie das Portal neu."
        )
    if host != urlsplit(settings.base_url).netloc:
        yield (
            f"Der Webserver reicht einen anderen Namen weiter ({host}), das Portal hält seine Besucher dann für falsch "
            "verbunden. nginx braucht die Zeile: proxy_set_header Host $http_host;"
        )


def _faults_of_bodies() -> Iterator[str]:
    headers = {"Content-Type": "multipart/form-data; boundary=grenze"}
    head = b'--grenze\r\nContent-Disposition: form-data; name="files"; filename="leer.txt"\r\n\r\n'
    body = head + bytes(BODY_BYTES) + b"\r\n--grenze--\r\n"
    status, answered, _ = _ask(settings.base_url, "POST", UPLOAD_PATH, headers, body)
    together = f"Anhänge von zusammen {formats.file_size(BODY_BYTES)}"
    if status == 413 and "Portal-Error" not in answered:
        yield f"Der Webserver lehnt {together} ab. nginx braucht die Zeile: client_max_body_size 110m;"
    elif status >= 500:
        yield f"{together} kommen nicht an, die Antwort hat den Status {status}."


def _seen(url: str, now: datetime, headers: dict[str, str]) -> dict[str, Any] | None:
    """Return what the portal at a URL sees of this request, or None if it is another program."""
    probe = {proxy_check.PROBE_HEADER: proxy_check.make_probe(now)}
    status, _, content = _ask(url, "GET", "/healthz", headers | probe)
    if status in (502, 504):
        raise Unreachable(f"{url} antwortet mit Status {status}: Der Webserver erreicht das Portal nicht.")
    with suppress(ValueError, TypeError, KeyError):
        return json.loads(content)["seen"]
    return None


def _ask(
    url: str, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, Message, bytes]:
    """Send one request and return status, headers and body of the answer."""
    address = urlsplit(url)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    with closing(kind(address.hostname or "", address.port, timeout=STEP_SECONDS)) as connection:
        connection.connect()
        # A web server may refuse a body before it has read it, and close.
        with suppress(ConnectionError, ssl.SSLEOFError):
            connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read(MEBIBYTE)
