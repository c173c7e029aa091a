"""Letters with new PINs, for one customer or many."""

from flask import Blueprint, abort, g, redirect, request, url_for

import clock
from i18n import catalogue
from i18n.folding import sorted_by_name
from models import Customer, PinLetter
from services.customers import pin_letters, pins
from services.errors import UserError
from services.security.audit_log import SecurityEvent, log_event
from settings import settings
from views.shared.responses import client_ip, render_page
from views.staff.forms.customer import MAX_LETTERS, PinLettersForm

bp = Blueprint("pin_letters", __name__)

MAX_RECENT = 50


@bp.post("/kunden/<int:customer_id>/pin")
def issue(customer_id):
    """Issue a new PIN to a customer and lead to its letter, unless there is a newer one than the person saw."""
    customer = Customer.get_or_none(Customer.id == customer_id) or abort(404)
    if request.form.get("seen", "") == str(customer.pin_issued_at or ""):
        issue_and_log([customer])
    return redirect(url_for(".show", customer_id=customer_id), 303)


@bp.get("/kunden/<int:customer_id>/pin-brief")
def show(customer_id):
    """Show a customer's letter to the person who issued the PIN just now; everybody else is led to the customer."""
    return _show_letters(of_customer(customer_id)) or redirect(
        url_for("staff.customers.show", customer_id=customer_id), 303
    )


@bp.get("/kunden/pin-briefe")
def choose():
    """Show the customers to choose from; those without a PIN come first."""
    waiting = [customer.number for customer in sorted_by_name(Customer.without_pin())[:MAX_LETTERS]]
    return _show_choice(PinLettersForm(formdata=None, customers=waiting))


@bp.post("/kunden/pin-briefe")
def issue_many():
    """Issue a new PIN to each chosen customer and lead to all letters on one page."""
    form = PinLettersForm()
    if not form.validate():
        return _show_choice(form, 422)
    return redirect(url_for(".show_run", run=issue_and_log(form.chosen)), 303)


@bp.get("/kunden/pin-briefe/<run>")
def show_run(run):
    """Show the letters of a print run to the person who made it just now."""
    letters = pin_letters.printable(PinLetter.nonce == run, g.member, clock.now())
    return _show_letters(letters) or redirect(url_for(".choose"), 303)


def of_customer(customer_id):
    """Return the letter of a customer that the person may print again, in a list, or an empty one."""
    return pin_letters.printable(PinLetter.customer == customer_id, g.member, clock.now())


def issue_and_log(customers):
    """Issue new PINs to customers, and return the name of the print run."""
    try:
        run = pin_letters.issue(customers, g.member, clock.now())
    except UserError:
        abort(409)  # A colleague has just changed a number.
    for customer in customers:
        log_event(SecurityEvent.PIN_ISSUED, client_ip(), customer=customer.number, by=g.member.name)
    return run


def _show_letters(letters):
    parts = {
        "url": f"{settings.readable_url}/",
        "today": clock.today(),
        "spoken_pin": pins.spoken_pin,
        "qr_code": _form_qr_code,
        "each_language": catalogue.each_language,
    }
    return letters and render_page("staff/customers/pin_letters.html", letters=letters, **parts)


def _form_qr_code(number):
    """Return a QR code of the link to the form with the customer number filled in; the PIN is not in it."""
    link = settings.url + url_for("public.form", kunde=number)
    # Imported only here: takes 10 ms.
    import segno

    return segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=4, light="white")


def _show_choice(form, status=200):
    waiting = sorted_by_name(Customer.without_pin())
    newest = Customer.select().order_by(Customer.pin_issued_at.desc(), Customer.id.desc()).limit(MAX_RECENT)
    parts = {
        "without_pin": waiting[:MAX_LETTERS],
        "are_more": len(waiting) > MAX_LETTERS,
        "recent": list(newest.where(Customer.pin_hash.is_null(False))),
        "max_letters": MAX_LETTERS,
        "added": request.args.get("eingelesen", type=int),
    }
    return render_page("staff/customers/choose_pin_letters.html", status, form=form, **parts)
