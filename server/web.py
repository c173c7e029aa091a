"""Wire the web pages together: views, headers and error pages in one Flask app, served by waitress."""

import ctypes
import errno
import logging
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import waitress
from flask import Flask, g, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from jinja2 import FileSystemBytecodeCache
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter

import clock
import enums
import forms
from database import database
from enums import MAX_REQUEST_BYTES, MEBIBYTE
from i18n import catalogue, formats
from logs import error_numbers
from logs import setup as log_setup
from server import waitress_patches
from server.proxy import ProxyHeadersMiddleware
from services import branding, phone_numbers, request_fields
from services.background import worker
from services.files import attachments, types
from services.mail import outbox
from services.operations import data_folder
from services.security import keys, pin_lockout
from services.security.audit_log import SecurityEvent, log_event
from settings import VERSION, StartError, host_and_port, settings
from views import staff
from views.public import approval, link_access
from views.public import request as public_request
from views.public import ticket as public_ticket
from views.shared import locale, static_files
from views.shared.error_pages import error_page
from views.shared.responses import client_ip
from views.shared.uploads import UploadRequest
from views.staff.sign_in import setup

log = logging.getLogger(__name__)

TEMPLATE_DIR = Path(__file__).parent.parent / "templates"

# Options in glibc's malloc.h: the number of heaps, and how much free memory at a heap's end is kept.
M_ARENA_MAX = -8
M_TRIM_THRESHOLD = -1

# A silent connection is closed after this: later than Caddy closes it (2 minutes), which would otherwise send a report
# into a connection that is just being closed.
CONNECTION_SECONDS = 150

# Twice what nginx passes on.
MAX_HEAD_BYTES = 65536

# A larger body needs a temporary file. The longest texts of a form fit, so they come in at a full disk, too.
MAX_BYTES_IN_MEMORY = MEBIBYTE // 8

# A body that is refused is received and discarded up to here; the recipes' web servers pass on less.
MAX_DISCARDED_BYTES = 3 * MAX_REQUEST_BYTES

# Default headers. Most pages hold personal data, so nothing is cached.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

# Views that read nothing from the database.
WITHOUT_DATABASE = {"assets.asset", "public.form", "public.help_page"}


class Portal(Flask):
    """The Flask app, with its own upload handling, bad-host handling and error log."""

    request_class = UploadRequest

    def create_url_adapter(self, request):
        """Bind the URL map to the request; an invalid host is replaced, so that its error page can build URLs."""
        try:
            return super().create_url_adapter(request)
        except HTTPException as error:
            request.environ["HTTP_HOST"] = request.environ["SERVER_NAME"]
            request.routing_exception = error
            return super().create_url_adapter(request)

    def log_exception(self, exc_info):
        """Log a failure under the number that its error page shows, and in full only once an hour."""
        # Not the URL, which may hold a token.
        place = f"{request.method} {request.endpoint}"
        g.error_number, since = error_numbers.number(exc_info[1], place, clock.now())
        what = f"Fehler {g.error_number} bei {place}"
        if since is None:
            log.error("%s", what, exc_info=exc_info)
            return
        with catalogue.override(catalogue.GERMAN):
            log.error("%s wieder, zuerst %s", what, formats.local_datetime(since), extra={"from_anybody": True})


class TemplateCache(FileSystemBytecodeCache):
    """Keeps compiled templates beside their sources, as Python does; compiling takes 50 ms for the first page alone."""

    def __init__(self):
        folder = TEMPLATE_DIR / "__pycache__"
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
        super().__init__(str(folder))

    def get_source_checksum(self, source):
        """Return the checksum of a template; another version of the portal may configure Jinja differently."""
        return super().get_source_checksum(VERSION + source)

    def dump_bytecode(self, bucket):
        """Save a compiled template, if the folder may be written to."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


class LoggedCSRFProtect(CSRFProtect):
    """CSRF protection that logs what it refuses."""

    def protect(self, **options):
        """Refuse a POST without the token of its session."""
        try:
            super().protect(**options)
        except CSRFError:
            log_event(SecurityEvent.TOKEN_MISSING, client_ip(), page=request.endpoint)
            raise


def create_app():
    """Create the app from the settings; the database is up to date already. Raises StartError."""
    app = Portal(__name__, static_folder=None, template_folder=TEMPLATE_DIR)
    app.secret_key = keys.secret_key()
    # A row id; limited to what SQLite can store.
    app.url_map.converters["int"] = partial(IntegerConverter, max=2**63 - 1)  # type: ignore[assignment]  # is called
    _configure(app)
    _configure_templates(app)
    _register_hooks(app)
    static_files.prepare(app)
    for blueprint in (static_files.bp, public_request.bp, approval.bp, public_ticket.bp, staff.bp):
        app.register_blueprint(blueprint)
    return app


def _configure(app):
    app.config.update(
        PROVIDE_AUTOMATIC_OPTIONS=False,
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=MEBIBYTE // 2,
        # The longest form has about 25 fields; a whole folder of photos may be chosen by mistake.
        MAX_FORM_PARTS=60,
        # Browsers accept this prefix only over TLS, for this host and for all its pages.
        SESSION_COOKIE_NAME="__Host-session" if settings.https else "session",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        # A proxy may change the host and some browsers send no referrer; the token and SameSite protect.
        WTF_CSRF_SSL_STRICT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_I18N_ENABLED=False,
    )


def _configure_templates(app):
    jinja = app.jinja_env
    jinja.bytecode_cache = TemplateCache()
    jinja.trim_blocks = jinja.lstrip_blocks = True
    jinja.add_extension("jinja2.ext.i18n")
    jinja.install_gettext_callables(catalogue.gettext, catalogue.ngettext, newstyle=True)
    jinja.policies["ext.i18n.trimmed"] = True
    jinja.globals.update(_=_translated, gettext=_translated)
    jinja.globals.update(
        settings=settings,
        version=VERSION,
        language=catalogue.current_language,
        other_language=locale.other_language,
        staff_menu=staff.MENU,
        office_menu=staff.OFFICE_MENU,
        # After a server error the form is shown without the database, which may be what failed.
        failing_since=lambda: None if database.is_closed() else outbox.failing_since(),
        limits=enums,
        categories=forms.REQUEST_FORMS,
        allowed_extensions=types.ALLOWED_EXTENSIONS,
        allowed_words=types.allowed_words,
        known_sender_days=pin_lockout.KNOWN_FOR.days,
        too_large=attachments.too_large,
        colour_contrast=branding.lowest_contrast,
    )
    jinja.filters.update(
        weekday=formats.weekday,
        letter_date=formats.letter_date,
        local_date=formats.local_date,
        local_datetime=formats.local_datetime,
        relative_datetime=lambda value: formats.relative_datetime(value, clock.today()),
        duration=formats.duration,
        period=formats.period,
        file_size=formats.file_size,
        dialable=phone_numbers.dialable,
        labelled_texts=request_fields.labelled_texts,
        attribute_of=lambda name, thing: thing[name],
    )


def _register_hooks(app):
    app.before_request(_limit_plain_form)  # before CSRFProtect, which reads the form
    app.before_request(locale.set_language)
    app.before_request(_open_database)
    app.teardown_request(lambda error: database.close())
    app.teardown_request(lambda error: catalogue.activate(catalogue.GERMAN))
    app.after_request(_add_headers)
    app.register_error_handler(HTTPException, error_page)
    LoggedCSRFProtect(app)


def run(app, greeting=""):
    """Run waitress and the background tasks until the server is stopped; print the greeting once the port is open."""
    _keep_memory_small()
    server = _open_port(app)
    if settings.limits == "off":
        log.warning("TICKET_LIMITS=off: Alle Mengengrenzen sind ausgeschaltet. Nur für Lasttests am eigenen Rechner!")
    # These end the server like Ctrl+C: responses are finished and the worker completes its batch.
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit())
    with log_setup.log_to_files(rotate=True):
        for wrong in filter(None, (data_folder.misnamed_config(), settings.open_host_warning)):
            log.warning(wrong)
        log.info("Das Meldeportal läuft: %s", settings.local_url)
        stop_worker = worker.start()
        try:
            print(f"{greeting}Das Meldeportal läuft: {settings.local_url} (Ende mit Strg+C)")
            print(_setup_hint(app), end="", flush=True)
            server.run()
        except KeyboardInterrupt:
            pass  # Ctrl+C before waitress handles it
        finally:
            server.close()
            stop_worker()
            log.info("Das Meldeportal ist beendet.")


def _keep_memory_small():
    """Let all threads share one heap of glibc, whose free end goes back to the system."""
    with suppress(AttributeError, TypeError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 1)
        # Also fixes the size from which a block is mapped by itself, which glibc raises with each large block freed.
        mallopt(M_TRIM_THRESHOLD, MEBIBYTE)


def _open_port(app):
    waitress_patches.install(app)
    try:
        return waitress.create_server(
            ProxyHeadersMiddleware(app, settings.trusted_proxy),
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            ident="",
            clear_untrusted_proxy_headers=False,  # ProxyHeadersMiddleware reads and removes them
            url_scheme="https" if settings.https else "http",
            max_request_body_size=MAX_DISCARDED_BYTES,
            max_request_header_size=MAX_HEAD_BYTES,
            recv_bytes=262144,
            inbuf_overflow=MAX_BYTES_IN_MEMORY,
            connection_limit=_most_connections(),
            asyncore_use_poll=True,
            channel_timeout=CONNECTION_SECONDS,
        )
    except (OSError, ValueError) as error:
        reason = "lässt sich nicht öffnen. Bitte prüfen Sie TICKET_HOST und TICKET_PORT."
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            reason = "ist schon belegt. Läuft das Portal schon? Einen anderen Port wählen Sie mit TICKET_PORT."
        raise StartError(f"{host_and_port(settings.host, settings.port)} {reason}") from None


def _most_connections():
    """Return how many connections may be open: each may have a file for its body, and the database needs some, too."""
    files = os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else 1024
    return max(100, min(2000, (files - 200) // 2))


# What a portal needs before customers use it, by the settings that are empty until then.
MISSING = {
    "Ihre E-Mail-Adresse": "shown_email",
    "Ihre Telefonnummer": "office_phone",
    "die Adresse im Netz": "base_url",
    "der Mailserver": "smtp_url",
}


def _setup_hint(app):
    with app.test_request_context(), database.connection_context():
        link = setup.setup_link()
    if link:
        return f"Die Verwaltung hat noch kein Konto. Das erste legen Sie hier an:\n{link}\n"
    missing = [words for words, value in MISSING.items() if not getattr(settings, value)]
    return f"Noch fehlt unter „Büro“: {', '.join(missing)}.\n" if missing else ""


def _translated(german, **values):
    """Return a text of a template, which may contain HTML; unlike Jinja's function, it calls no two others for it."""
    text = catalogue.gettext(german)
    return Markup(text) % values if values else Markup(text % ())  # noqa: S704 - our own texts; values are escaped


def _open_database():
    if request.endpoint not in WITHOUT_DATABASE:
        database.connect()


def _limit_plain_form():
    """Limit any body but a multipart form: it carries no files and is read into memory as a whole."""
    if request.mimetype != "multipart/form-data":
        request.max_content_length = MEBIBYTE


def _add_headers(response):
    is_secret = request.path.startswith(link_access.TOKEN_PATHS)
    present = set(response.headers.keys(lower=True))
    for name, value in (HEADERS | link_access.HEADERS if is_secret else HEADERS).items():
        if name.lower() not in present:
            response.headers.add(name, value)
    if "error_number" in g:
        response.headers["Error-Number"] = g.error_number
    if settings.https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
