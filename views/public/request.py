"""The form for customers, its receipt and its help page; also the state of the portal for monitoring programs."""

from datetime import timedelta
from functools import lru_cache

from flask import Blueprint, abort, current_app, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.datastructures import MultiDict

import clock
from forms import REQUEST_FORMS, RequestForm
from i18n import catalogue
from i18n.catalogue import LANGUAGES
from models import Submission
from services.background import worker
from services.files.types import FILE_TYPES
from services.intake import intake
from services.security import proxy_check
from settings import FEDERAL_STATES, VERSION, settings
from views.shared import prepared_page
from views.shared.file_form import new_submission_key
from views.shared.locale import add_language_routes
from views.shared.prepared_page import PreparedPage
from views.shared.request_form import RequestDesk
from views.shared.responses import client_ip, is_cross_site, redirect_to, render_page

bp = Blueprint("public", __name__)

# The parameters of a link on a PIN letter or a device sticker, and the field that each fills in; never the PIN.
PREFILLED = {"kunde": "customer_number", "geraet": "device", "seriennummer": "serial_number"}

# The session cookie holds the codes of this many receipts.
REMEMBERED_RECEIPTS = 10

WORKER_IS_LATE_AFTER = timedelta(minutes=10)

CSRF_TOKEN_PLACEHOLDER, SUBMISSION_KEY_PLACEHOLDER = "[token]", "[draft]"

desk = RequestDesk(
    forms=REQUEST_FORMS, without_category=RequestForm, page="public/request.html", form="shared/_request_form.html"
)
desk.add_routes(bp)
add_language_routes(bp, ".form", desk.show_sent)


@bp.get("/")
def form():
    """Show the empty form, or one that a link has filled in partly."""
    if request.args.keys() - {"lang"}:
        response = desk.show(_prefilled(request.args))
        response.headers["Cache-Control"] = prepared_page.HEADERS["Cache-Control"]
        return response
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # typed as the app, but it is a proxy
    tokens = {CSRF_TOKEN_PLACEHOLDER: generate_csrf(), SUBMISSION_KEY_PLACEHOLDER: new_submission_key()}
    return _blank_page(app, catalogue.current_language(), settings.revision).response(tokens)


@bp.post("/")
def submit():
    """Receive a request, or show the form again with what is wrong."""
    submission_key, form = desk.valid_form()
    try:
        submission = intake.receive(
            submission_key, form.answers(), form.pin_proof(), form.file_count, ip=client_ip(), now=clock.now()
        )
    except intake.AlreadySent as already:
        return desk.show_already_sent(form, submission_key, already.submission)
    others = [code for code in session.get("receipts", []) if code != submission.code]
    session["receipts"] = [submission.code, *others][:REMEMBERED_RECEIPTS]
    return redirect_to(url_for(".receipt", code=submission.code))


@bp.get("/eingegangen/<code>")
def receipt(code):
    """Show what was received, only to the browser that sent it."""
    received = intake.with_open_receipt(clock.now()).where(Submission.code == code)
    submission = received.get_or_none() if code in session.get("receipts", []) else None
    if submission is None:
        abort(404)
    late = intake.lead_time_missed(submission)
    return render_page("public/receipt.html", submission=submission, lead_time_missed=late)


@bp.get("/hilfe")
def help_page():
    """Explain the form, with the limits and file types that apply."""
    html = render_template(
        "public/help.html",
        forms=REQUEST_FORMS,
        file_types=FILE_TYPES,
        federal_state=FEDERAL_STATES[settings.federal_state],
    )
    return PreparedPage(html).response()


@bp.route("/healthz", methods=["GET", "OPTIONS"])
def health():
    """Tell a monitoring program whether pages and database answer and the worker lives; load balancers send OPTIONS."""
    # Rendered anew: files of the program that are missing or broken show here as they do to visitors.
    _blank_page.__wrapped__(current_app, catalogue.current_language(), settings.revision)
    oldest = Submission.pending().first()
    is_late = oldest and clock.now() - oldest.received_at > WORKER_IS_LATE_AFTER
    is_late = is_late or worker.is_stuck(clock.now(), WORKER_IS_LATE_AFTER)
    status = "Anfragen warten zu lange auf die Prüfung" if is_late else "ok"
    content: dict[str, object] = {"status": status, "version": VERSION}
    if proxy_check.is_own_probe(request.headers.get(proxy_check.PROBE_HEADER, ""), clock.now()):
        content["seen"] = {"host": request.host, **request.environ[proxy_check.CONNECTION]._asdict()}
    return content if request.method != "OPTIONS" else "", 503 if is_late else 200, {"Allow": "GET, HEAD, OPTIONS"}


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Show the form again with a new CSRF token."""
    if is_cross_site():
        # Another site must not show its visitors our form with text and a submission key of its choice.
        return redirect(url_for(".form"), 303)
    return desk.renew_session()


def _prefilled(arguments):
    form_class = next((form for form in REQUEST_FORMS.values() if form.slug == arguments.get("art")), RequestForm)
    given = {name: arguments[key] for key, name in PREFILLED.items() if key in arguments and hasattr(form_class, name)}
    category = {"category": form_class.for_category} if form_class.for_category else {}
    form = form_class(formdata=MultiDict(given | category))
    for name in given:
        if not form[name].validate(form):
            form[name].data, form[name].errors = "", []
    return form


@lru_cache(maxsize=len(LANGUAGES))
def _blank_page(app, language, revision):
    """Return the empty form, rendered once for everybody in this language and with these settings."""
    html = render_template(
        "public/request.html",
        form=RequestForm(formdata=None),
        csrf_token=lambda: CSRF_TOKEN_PLACEHOLDER,
        draft=SUBMISSION_KEY_PLACEHOLDER,
    )
    return PreparedPage(html, CSRF_TOKEN_PLACEHOLDER, SUBMISSION_KEY_PLACEHOLDER)
