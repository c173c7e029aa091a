"""What customers see: the form, its fragments, the receipt and the help page, in the order a visitor meets them."""

import secrets
from datetime import timedelta
from functools import lru_cache

from flask import Blueprint, abort, current_app, make_response, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.datastructures import MultiDict

import clock
from forms import DETAIL_NAMES, DRAFT_PATTERN, FORMS, NewEmployeeForm, RequestForm
from models import Attachment, Category, Submission, database
from services import attachments, intake, workdays
from services.file_types import FILE_TYPES
from settings import FEDERAL_STATES, settings
from views.answers import answer, comes_from_elsewhere, go_to, is_htmx
from views.errors import error_page

bp = Blueprint("public", __name__)

# What a sticker on a device may say in its link, and the field that it fills.
PREFILLED = {"geraet": "device", "seriennummer": "serial_number"}

# The signed cookie remembers the last receipts of this browser, no more.
REMEMBERED_RECEIPTS = 10

WORKER_IS_LATE_AFTER = timedelta(minutes=10)

TOKEN_GAP, DRAFT_GAP = "[token]", "[draft]"

SESSION_RENEWED = (
    "Ihre Sitzung war abgelaufen und ist jetzt erneuert. Ihre Angaben stehen noch hier: Bitte senden Sie sie noch "
    "einmal ab. Erscheint dieser Hinweis wieder, erlauben Sie bitte Cookies für diese Seite."
)
SERVER_FAILED = (
    "Bei uns ist ein Fehler aufgetreten, Ihre Anfrage ist noch nicht eingegangen. Ihre Angaben stehen noch hier: "
    "Bitte senden Sie sie in einer Minute noch einmal ab."
)


@bp.get("/")
def form():
    """Show the empty form, or one that the link of a sticker has begun to fill."""
    if request.args:
        response = _show_form(_prefilled(request.args))
    else:
        page = _blank_page(current_app._get_current_object())
        response = make_response(page.replace(TOKEN_GAP, generate_csrf()).replace(DRAFT_GAP, _new_draft()))
    # Not "no-store": nothing personal is on it, and the way back from an error page keeps what was typed.
    response.headers["Cache-Control"] = "no-cache, private"
    return response


@bp.post("/")
def submit():
    """Receive a request, or show the form again with what is wrong; nothing that was sent is lost."""
    draft = _draft()
    form = _form_sent()
    refusals = _stage_files(draft)
    listed = request.form.getlist("staged")
    if listed and attachments.is_swept(draft, listed) and not Submission.was_sent(draft):
        refusals.append(attachments.SWEPT.format(hours=settings.staged_hours))
    if not form.validate() or refusals:
        return _show_form(form, draft, status=422, refusals=refusals)
    try:
        submission = intake.receive(
            draft,
            form.answers(),
            form.proof_of_pin(),
            form.with_attachments,
            address=request.remote_addr,
            now=clock.now(),
        )
    except intake.AlreadySent as already:
        fresh = _new_draft()
        attachments.restage(draft, fresh)
        notice = (
            f"Von dieser Seite ist schon eine Anfrage eingegangen: {already.submission.spoken_code}. Soll das hier "
            "eine weitere sein, senden Sie sie bitte noch einmal ab."
        )
        return _show_form(form, fresh, status=422, notice=notice)
    _remember_receipt(submission.code)
    return go_to(url_for(".receipt", code=submission.code))


@bp.post("/felder")
def change_category():
    """Show the fields of the chosen category and keep what was typed in those of another."""
    draft = _draft()
    form = _form_sent()
    refusals = _stage_files(draft)
    if not is_htmx():
        return _show_form(form, draft, refusals=refusals)
    return answer(render_template("_fields.html", announced=True, **_parts(form, draft)))


@bp.post("/vorlauf")
def lead_time():
    """Tell the last day on which this entry date is reported in time."""
    form = NewEmployeeForm(formdata=request.form)
    return answer(render_template("_lead_time.html", lead_time=_lead_time(form)))


@bp.post("/anhaenge")
def upload():
    """Stage the files that were just chosen."""
    draft = _draft()
    refusals = _stage_files(draft)
    return answer(
        render_template("_attachments.html", staged=Attachment.staged(draft), refusals=refusals),
        422 if refusals else 200,
    )


@bp.post("/anhaenge/entfernen")
def remove_attachment():
    """Remove one staged file."""
    draft = _draft()
    removed = attachments.remove(draft, request.form.get("attachment", ""))
    if not is_htmx():
        return _show_form(_form_sent(), draft, refusals=_stage_files(draft), removed=removed)
    return answer(render_template("_attachments.html", staged=Attachment.staged(draft), removed=removed))


@bp.get("/eingegangen/<code>")
def receipt(code):
    """Show what was received to the browser that sent it, and to nobody else."""
    if code not in session.get("receipts", []):
        abort(404)
    submission = Submission.get_or_none(Submission.code == code)
    if submission is None:
        abort(404)
    return answer(
        render_template("receipt.html", submission=submission, lead_time_missed=intake.lead_time_missed(submission))
    )


@bp.get("/hilfe")
def help_page():
    """Explain the form, with the limits and formats that are really in force."""
    return render_template(
        "help.html", forms=FORMS, file_types=FILE_TYPES, federal_state=FEDERAL_STATES[settings.federal_state]
    )


@bp.get("/healthz")
def health():
    """Tell a monitoring program whether the database answers and the worker keeps up."""
    oldest = Submission.pending().first()
    is_late = oldest and clock.now() - oldest.received_at > WORKER_IS_LATE_AFTER
    status = "Anfragen warten zu lange auf die Prüfung" if is_late else "ok"
    return {"status": status}, 503 if is_late else 200, {"Cache-Control": "no-store"}


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Give a new token and lose nothing: show the form again, or let a fragment's request try once more."""
    if comes_from_elsewhere():
        # Another page must not hand its visitors a form of ours with its own words and draft key in it.
        return redirect(url_for(".form"), 303)
    if not is_htmx() or request.endpoint == "public.submit":
        draft = _draft()
        return _show_form(_form_sent(), draft, status=422, notice=SESSION_RENEWED, refusals=_stage_files(draft))
    response = answer(render_template("_token.html", renewable=True, renewed=True))
    response.headers["HX-Reswap"] = "none"
    response.headers["HX-Trigger"] = "session-renewed"
    return response


@bp.errorhandler(500)
def keep_input(error):
    """Show the form again after a server error; a page with scripts still has it and shows a message of its own."""
    if request.method == "POST" and not is_htmx() and request.form:
        if not database.is_closed():
            database.close()  # It may be the very thing that failed.
        return _show_form(_form_sent(), _draft(), status=500, notice=SERVER_FAILED)
    return error_page(error)


def _form_sent():
    """Return the form of the category that was sent, bound to what was sent."""
    return FORMS.get(request.form.get("category"), RequestForm)(formdata=request.form)


def _prefilled(arguments):
    form_class = next((form for form in FORMS.values() if form.slug == arguments.get("art")), None)
    if form_class is None:
        return RequestForm(formdata=None)
    given = {name: arguments[key] for key, name in PREFILLED.items() if key in arguments and hasattr(form_class, name)}
    form = form_class(formdata=MultiDict(given | {"category": form_class.for_category}))
    for name in given:
        if not form[name].validate(form):
            form[name].data, form[name].errors = "", []
    return form


def _draft():
    draft = request.form.get("draft", "")
    return draft if DRAFT_PATTERN.fullmatch(draft) else _new_draft()


def _new_draft():
    return secrets.token_urlsafe(16)


def _stage_files(draft):
    uploads = [(file.filename, file.stream) for file in request.files.getlist("files") if file.filename]
    return attachments.stage(draft, uploads, request.remote_addr, clock.now())


def _parts(form, draft):
    """Return what the fields of a category need: also the values typed for another, to be carried along unseen."""
    return {
        "form": form,
        "draft": draft,
        "parked": [(name, value) for name, value in request.form.items() if name in DETAIL_NAMES and name not in form],
        # Without a database, after an error, what was typed can still be shown again.
        "staged": Attachment.staged(draft) if form.with_attachments and not database.is_closed() else [],
        "lead_time": _lead_time(form),
    }


def _lead_time(form):
    """Return the last day to report the entry in time and how today lies to it, or None without a date."""
    if form.for_category is not Category.NEW_EMPLOYEE or not form.entry_date.data:
        return None
    entry_date, today = form.entry_date.data, clock.today()
    last_day = workdays.last_day_in_time(entry_date, settings.federal_state)
    return {"last_day": last_day, "in_time": today <= last_day, "is_past": entry_date < today}


def _show_form(form, draft=None, status=200, refusals=(), **messages):
    template = "_form.html" if is_htmx() else "form.html"
    parts = _parts(form, draft or _new_draft())
    return answer(render_template(template, refusals=refusals, htmx=is_htmx(), **messages, **parts), status)


@lru_cache(maxsize=1)
def _blank_page(app):
    """Return the empty form with two gaps: it is the same for everybody but for its tokens, so it is rendered once."""
    # Nothing of this request may get into it: the next visitor sees it, too.
    return render_template("form.html", form=RequestForm(formdata=None), csrf_token=lambda: TOKEN_GAP, draft=DRAFT_GAP)


def _remember_receipt(code):
    others = [known for known in session.get("receipts", []) if known != code]
    session["receipts"] = [code, *others][:REMEMBERED_RECEIPTS]
