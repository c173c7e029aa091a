"""PINs on paper: issued for one customer or many, and shown this once, as letters to print."""

import segno
from flask import Blueprint, abort, g, render_template, request, url_for

import clock
from models import Customer
from services import errors
from services.customers import pins
from services.security.audit_log import SecurityEvent, note
from settings import settings
from views.shared.responses import answer
from views.staff.forms.customer import MAX_LETTERS, PrintRunForm

bp = Blueprint("pin_letters", __name__)

MAX_RECENT = 50


@bp.post("/kunden/<int:customer_id>/pin")
def issue(customer_id):
    """Issue a new PIN to a customer and show its letter."""
    return issue_and_show([Customer.get_or_none(Customer.id == customer_id) or abort(404)])


@bp.get("/kunden/pin-briefe")
def choose():
    """Show whom a print run can be made for: those without a PIN first."""
    waiting = [customer.number for customer in Customer.without_pin().limit(MAX_LETTERS)]
    return _show(PrintRunForm(formdata=None, customers=waiting))


@bp.post("/kunden/pin-briefe")
def issue_many():
    """Issue a new PIN to each chosen customer and show all letters in one page."""
    form = PrintRunForm()
    if not form.validate():
        return _show(form, 422)
    return issue_and_show(form.chosen)


def issue_and_show(customers):
    """Issue PINs and answer with their letters: the only place where they ever stand."""
    try:
        issued = pins.issue_pins(customers, clock.now())
    except errors.AccountError:
        abort(409)  # A colleague changed the number in this very moment.
    for customer, _ in issued:
        note(SecurityEvent.PIN_ISSUED, request.remote_addr, customer=customer.number, by=g.member.name)
    address = f"{settings.url}/"
    letters = [
        {"customer": customer, "pin": pins.spoken_pin(pin), "code": _code_of_link(address, customer.number)}
        for customer, pin in issued
    ]
    return answer(
        render_template("staff/customers/letters.html", letters=letters, address=address, today=clock.today())
    )


def _code_of_link(address, number):
    """Return a picture of the link that opens the form with the number, and never the PIN, filled in."""
    link = address.rstrip("/") + url_for("public.form", kunde=number)
    return segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=4, light="white")


def _show(form, status=200):
    waiting = list(Customer.without_pin().limit(MAX_LETTERS + 1))
    parts = {
        "without_pin": waiting[:MAX_LETTERS],
        "are_more": len(waiting) > MAX_LETTERS,
        "recent": list(Customer.recently_issued().limit(MAX_RECENT)),
        "most": MAX_LETTERS,
        "added": request.args.get("eingelesen", type=int),
    }
    return answer(render_template("staff/customers/print_run.html", form=form, **parts), status)
