"""A call: the form of the customers, filled in by somebody of the office for whoever is on the phone."""

from flask import Blueprint, g, request, url_for
from flask_wtf.csrf import CSRFError

import clock
from services.customers import customers
from services.errors import UserError
from services.intake import intake
from services.security.rate_limit import RateLimited
from views.shared.error_pages import error_page
from views.shared.file_form import submitted_key
from views.shared.request_form import RequestDesk, check_files
from views.shared.responses import is_cross_site, redirect_to
from views.staff.forms.call import PHONE_FORMS, PhoneForm
from views.staff.sign_in import auth

bp = Blueprint("phone", __name__, url_prefix="/anruf")

desk = RequestDesk(forms=PHONE_FORMS, without_category=PhoneForm, page="staff/phone.html", form="staff/_phone.html")


@bp.get("")
def form():
    """Show the empty form, with the customer from whose page somebody comes."""
    return desk.show(PhoneForm(formdata=None, data={"customer_number": request.args.get("kunde", "")}))


@bp.post("")
def submit():
    """Open the caller's ticket, or show the form again with what is wrong; nothing that was typed is lost."""
    submission_key, form = submitted_key(), desk.submitted_form()
    refusals = check_files(submission_key)
    if not form.validate() or refusals:
        return desk.show(form, submission_key, 422, refusals)
    try:
        customer = customers.find(form.customer_number.data)
        submission = intake.take_call(
            submission_key,
            form.answers(),
            customer,
            by=g.member,
            with_attachments=form.with_attachments,
            now=clock.now(),
        )
    except UserError as error:
        form.place(error, "customer_number")
        return desk.show(form, submission_key, 422)
    except intake.AlreadySent as already:
        return desk.show_already_sent(form, submission_key, already.submission)
    return redirect_to(url_for("staff.ticket.show", code=submission.code))


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


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Give whoever has signed in anew meanwhile a new token, and lose nothing that was typed."""
    g.member = auth.current_member()
    if g.member is None or is_cross_site():
        return auth.handle_csrf_error(error)
    return desk.renew_session()


@bp.errorhandler(RateLimited)
def rate_limited(limited):
    """Ask who sends too much to wait."""
    return desk.rate_limited(limited)


@bp.errorhandler(500)
def keep_input(error):
    """Show the form again after a server error, to nobody but who is signed in."""
    return desk.keep_input(error) if g.get("member") else error_page(error)
