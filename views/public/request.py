"""What customers see: the form, its fragments, the receipt and the help page, in the order a visitor meets them."""

from datetime import timedelta
from functools import lru_cache

from flask import Blueprint, abort, current_app, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.datastructures import MultiDict

import clock
from forms import REQUEST_FORMS, RequestForm
from i18n import catalogue
from models import Submission
from services.files.types import FILE_TYPES
from services.intake import intake
from services.security.rate_limit import RateLimited
from settings import FEDERAL_STATES, VERSION, settings
from views.shared.file_form import new_submission_key, submitted_key
from views.shared.request_form import RequestDesk, check_files
from views.shared.responses import compressed_response, html_response, is_cross_site, redirect_to

bp = Blueprint("public", __name__)

# What the link on a PIN letter or on a device's sticker may say, and the field that it fills; never the PIN.
PREFILLED = {"kunde": "customer_number", "geraet": "device", "seriennummer": "serial_number"}

# The signed cookie remembers the last receipts of this browser, no more.
REMEMBERED_RECEIPTS = 10

WORKER_IS_LATE_AFTER = timedelta(minutes=10)

CSRF_TOKEN_PLACEHOLDER, SUBMISSION_KEY_PLACEHOLDER = "[token]", "[draft]"

desk = RequestDesk(
    forms=REQUEST_FORMS, without_category=RequestForm, page="public/request.html", form="shared/_request_form.html"
)


@bp.get("/")
def form():
    """Show the empty form, or one that the link of a sticker has begun to fill."""
    if request.args.keys() - {"lang"}:
        response = desk.show(_prefilled(request.args))
    else:
        page = _blank_page(current_app._get_current_object(), catalogue.current_language())
        response = compressed_response(
            page.replace(CSRF_TOKEN_PLACEHOLDER, generate_csrf()).replace(
                SUBMISSION_KEY_PLACEHOLDER, new_submission_key()
            )
        )
    # Not "no-store": nothing personal is on it, and the way back from an error page keeps what was typed.
    response.headers["Cache-Control"] = "no-cache, private"
    return response


@bp.post("/")
def submit():
    """Receive a request, or show the form again with what is wrong; nothing that was sent is lost."""
    submission_key, form = submitted_key(), desk.submitted_form()
    refusals = check_files(submission_key)
    if not form.validate() or refusals:
        return desk.show(form, submission_key, 422, refusals)
    try:
        submission = intake.receive(
            submission_key,
            form.answers(),
            form.pin_proof(),
            form.with_attachments,
            ip=request.remote_addr,
            now=clock.now(),
        )
    except intake.AlreadySent as already:
        return desk.show_already_sent(form, submission_key, already.submission)
    _remember_receipt(submission.code)
    return redirect_to(url_for(".receipt", code=submission.code))


@bp.get("/sprache")
def show_again():
    """Lead to the form whoever opens the address that changing the language leaves in the browser."""
    return redirect(url_for(".form"), 303)


@bp.post("/sprache")
def change_language():
    """Show the form in the other language and keep what was typed; its address says which."""
    return desk.show_sent()


@bp.post("/felder")
def change_category():
    """Show the fields of the chosen category and keep what was typed in those of another."""
    return desk.change_category()


@bp.post("/vorlauf")
def lead_time():
    """Tell the last day on which this entry date is reported in time."""
    return desk.lead_time()


@bp.post("/prioritaet")
def suggest_priority():
    """Suggest a priority by the answers to two questions."""
    return desk.suggest_priority()


@bp.post("/anhaenge")
def upload():
    """Stage the files that were just chosen."""
    return desk.upload()


@bp.post("/anhaenge/entfernen")
def remove_attachment():
    """Remove one staged file."""
    return desk.remove_attachment()


@bp.get("/eingegangen/<code>")
def receipt(code):
    """Show what was received to the browser that sent it, and to nobody else."""
    if code not in session.get("receipts", []):
        abort(404)
    submission = intake.with_open_receipt(clock.now()).where(Submission.code == code).get_or_none()
    if submission is None:
        abort(404)
    return html_response(
        render_template(
            "public/receipt.html", submission=submission, lead_time_missed=intake.lead_time_missed(submission)
        )
    )


@bp.get("/hilfe")
def help_page():
    """Explain the form, with the limits and formats that are really in force."""
    page = render_template(
        "public/help.html",
        forms=REQUEST_FORMS,
        file_types=FILE_TYPES,
        federal_state=FEDERAL_STATES[settings.federal_state],
    )
    response = compressed_response(page)
    # "private", because a link to the other language sets a cookie.
    response.headers["Cache-Control"] = "no-cache, private"
    return response


@bp.get("/healthz")
def health():
    """Tell a monitoring program whether the database answers and the worker keeps up."""
    oldest = Submission.pending().first()
    is_late = oldest and clock.now() - oldest.received_at > WORKER_IS_LATE_AFTER
    status = "Anfragen warten zu lange auf die Prüfung" if is_late else "ok"
    return {"status": status, "version": VERSION}, 503 if is_late else 200


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Give a new token and lose nothing that was typed."""
    if is_cross_site():
        # Another page must not hand its visitors a form of ours with its own words and submission key in it.
        return redirect(url_for(".form"), 303)
    return desk.renew_session()


@bp.errorhandler(RateLimited)
def rate_limited(limited):
    """Ask who sends too much to wait."""
    return desk.rate_limited(limited)


@bp.errorhandler(500)
def keep_input(error):
    """Show the form again after a server error."""
    return desk.keep_input(error)


def _prefilled(arguments):
    form_class = next((form for form in REQUEST_FORMS.values() if form.slug == arguments.get("art")), RequestForm)
    given = {name: arguments[key] for key, name in PREFILLED.items() if key in arguments and hasattr(form_class, name)}
    category = {"category": form_class.for_category} if form_class.for_category else {}
    form = form_class(formdata=MultiDict(given | category))
    for name in given:
        if not form[name].validate(form):
            form[name].data, form[name].errors = "", []
    return form


@lru_cache(maxsize=2)
def _blank_page(app, spoken):
    """Return the empty form with two gaps: it is the same for everybody but for its tokens, so it is rendered once."""
    # Nothing of this request may get into it: the next visitor sees it, too.
    return render_template(
        "public/request.html",
        form=RequestForm(formdata=None),
        csrf_token=lambda: CSRF_TOKEN_PLACEHOLDER,
        draft=SUBMISSION_KEY_PLACEHOLDER,
    )


def _remember_receipt(code):
    others = [known for known in session.get("receipts", []) if known != code]
    session["receipts"] = [code, *others][:REMEMBERED_RECEIPTS]
