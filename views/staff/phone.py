"""A call: the form of the customers, filled in by somebody of the office for whoever is on the phone."""

from flask import Blueprint, g, request, url_for
from flask_wtf.csrf import CSRFError

import clock
from services.customers import customers
from services.errors import AccountError
from services.intake import intake
from services.security.rate_limit import Flood
from views.shared.error_pages import error_page
from views.shared.file_form import draft_sent
from views.shared.request_form import Desk, complaints
from views.shared.responses import comes_from_elsewhere, go_to
from views.staff.forms.call import PHONE_FORMS, PhoneForm
from views.staff.sign_in import auth

bp = Blueprint("phone", __name__, url_prefix="/anruf")

desk = Desk(forms=PHONE_FORMS, undecided=PhoneForm, page="staff/phone.html", form="staff/_phone.html")


@bp.get("")
def form():
    """Show the empty form, with the customer from whose page somebody comes."""
    return desk.show(PhoneForm(formdata=None, data={"customer_number": request.args.get("kunde", "")}))


@bp.post("")
def submit():
    """Open the caller's ticket, or show the form again with what is wrong; nothing that was typed is lost."""
    draft, form = draft_sent(), desk.form_sent()
    refusals = complaints(draft)
    if not form.validate() or refusals:
        return desk.show(form, draft, 422, refusals)
    try:
        customer = customers.find(form.customer_number.data)
        submission = intake.take_call(
            draft, form.answers(), customer, by=g.member, with_attachments=form.with_attachments, now=clock.now()
        )
    except AccountError as error:
        form.customer_number.errors = [str(error)]
        return desk.show(form, draft, 422)
    except intake.AlreadySent as already:
        return desk.show_next(form, draft, already.submission)
    return go_to(url_for("staff.ticket.show", code=submission.code))


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
    g.member = auth.member()
    if g.member is None or comes_from_elsewhere():
        return auth.refuse_token(error)
    return desk.renew_session()


@bp.errorhandler(Flood)
def slow_down(flood):
    """Ask who sends too much to wait."""
    return desk.slow_down(flood)


@bp.errorhandler(500)
def keep_input(error):
    """Show the form again after a server error, to nobody but who is signed in."""
    return desk.keep_input(error) if g.get("member") else error_page(error)
