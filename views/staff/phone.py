"""The form of the customers for a call, filled in by the office."""

from flask import Blueprint, g, request, url_for
from flask_wtf.csrf import CSRFError

import clock
from services.customers import customers
from services.errors import UserError
from services.intake import intake
from views.shared.error_pages import error_page
from views.shared.request_form import RequestDesk
from views.shared.responses import is_cross_site, is_htmx, redirect_to, render_page
from views.staff.forms.call import PHONE_FORMS, PhoneForm
from views.staff.sign_in import auth

bp = Blueprint("phone", __name__, url_prefix="/anruf")

desk = RequestDesk(forms=PHONE_FORMS, without_category=PhoneForm, page="staff/phone.html", form="staff/_phone.html")
desk.add_routes(bp)


@bp.get("")
def form():
    """Show the empty form, with the number of the customer whose page linked here."""
    return desk.show(PhoneForm(formdata=None, data={"customer_number": request.args.get("kunde", "")}))


@bp.post("")
def submit():
    """Create the caller's ticket, or show the form again with what is wrong."""
    submission_key, form = desk.valid_form()
    try:
        customer = customers.find(form.customer_number.data)
        submission = intake.take_call(submission_key, form.answers(), customer, g.member, form.file_count, clock.now())
    except UserError as error:
        form.place(error, "customer_number")
        return desk.show(form, submission_key, 422)
    except intake.AlreadySent as already:
        return desk.show_already_sent(form, submission_key, already.submission)
    return redirect_to(url_for("staff.ticket.show", code=submission.code))


@bp.post("/kunde")
def show_customer():
    """Show the open tickets of the customer that was typed, or whom it could mean."""
    if not is_htmx():
        return desk.show_sent()
    form = desk.submitted_form()
    form.customer_number.validate(form)
    return render_page("staff/_caller.html", form=form, sentences=form.customer_number.errors)


@bp.errorhandler(CSRFError)
def renew_session(error):
    """Show the form again with a new CSRF token to somebody who has signed in again meanwhile."""
    g.member = auth.current_member()
    if g.member is None or is_cross_site():
        return auth.handle_csrf_error(error)
    return desk.renew_session()


@bp.errorhandler(500)
def keep_input(error):
    """Show the form again after a server error, but only to somebody who is signed in."""
    return desk.keep_input(error) if g.get("member") else error_page(error)
