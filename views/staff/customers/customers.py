"""Customers: find, add, change and lock them."""

from functools import partial

from flask import Blueprint, abort, g, redirect, request, url_for

import clock
from i18n.folding import sorted_by_name
from models import Customer, Ticket
from services.customers import customers
from services.reports import csv_export, statistics
from services.security.audit_log import SecurityEvent, log_event
from services.tickets import approvals
from views.shared.responses import client_ip, csv_response, render_page
from views.staff.customers import pin_letters
from views.staff.forms.customer import CustomerForm, CustomerListForm, NewCustomerForm

bp = Blueprint("customers", __name__)


@bp.get("/kunden")
def show_all():
    """Show one page of the customers that match the filters."""
    form = CustomerListForm(formdata=request.args)
    text, state, after = form.words.data, form.state.chosen, request.args.get("nach", "")
    found, following = customers.page(text, state, after)
    is_whole_list = not after and not following
    elsewhere = customers.count(text) - len(found) if text and state and is_whole_list else 0
    parts = {"customers": found, "following": following, "elsewhere": elsewhere, "query_args": form.query_args()}
    return render_page("staff/customers/list.html", form=form, **parts)


@bp.get("/kunden.csv")
def export():
    """Send all customers that match the filters as a CSV file."""
    form = CustomerListForm(formdata=request.args)
    rows = csv_export.all_rows(partial(customers.page, form.words.data, form.state.chosen))
    return csv_response(csv_export.csv_chunks(csv_export.CUSTOMERS, rows), f"kunden-{clock.today()}.csv")


@bp.get("/kunden/neu")
def form():
    return _show_new(NewCustomerForm(formdata=None))


@bp.post("/kunden/neu")
def add():
    """Add a customer, and issue a PIN at once if that button was used."""
    form = NewCustomerForm()
    if not form.succeeds(lambda: customers.add(form.data, clock.now())):
        # Sent twice, as by a double click.
        own = {name: value for name, value in form.data.items() if name not in customers.FIRST_CONTACT_RULES}
        known = Customer.get_or_none(**own)
        return redirect(url_for("staff.pin_letters.show", customer_id=known.id), 303) if known else _show_new(form, 422)
    if "letter" in request.form:
        pin_letters.issue_and_log([form.result])
        return redirect(url_for("staff.pin_letters.show", customer_id=form.result.id), 303)
    return redirect(url_for(".show", customer_id=form.result.id), 303)


@bp.get("/kunden/<int:customer_id>")
def show(customer_id):
    """Show a customer, with forms for all that can be changed."""
    customer = customer_or_404(customer_id)
    return _show(customer, CustomerForm(formdata=None, obj=customer))


@bp.post("/kunden/<int:customer_id>")
def change(customer_id):
    customer = customer_or_404(customer_id)
    form = CustomerForm(obj=customer)
    if not form.succeeds(lambda: customers.change(customer, form.data, request.form.get("seen"))):
        return _show(customer, form, 422)
    return redirect(url_for(".show", customer_id=customer.id, gespeichert="ja"), 303)


@bp.get("/kunden/<int:customer_id>/pin")
def confirm_pin(customer_id):
    return render_page("staff/customers/confirm.html", step="pin", customer=customer_or_404(customer_id))


@bp.get("/kunden/<int:customer_id>/sperren")
def confirm_lock(customer_id):
    return render_page("staff/customers/confirm.html", step="lock", customer=customer_or_404(customer_id))


@bp.post("/kunden/<int:customer_id>/sperren")
def lock(customer_id):
    customer = customer_or_404(customer_id)
    customers.lock(customer, clock.now())
    return _log_and_show(SecurityEvent.CUSTOMER_LOCKED, customer)


@bp.post("/kunden/<int:customer_id>/entsperren")
def unlock(customer_id):
    customer = customer_or_404(customer_id)
    customers.unlock(customer)
    return _log_and_show(SecurityEvent.CUSTOMER_UNLOCKED, customer)


def _log_and_show(event, customer):
    log_event(event, client_ip(), customer=customer.number, by=g.member.name)
    return redirect(url_for(".show", customer_id=customer.id), 303)


def customer_or_404(customer_id):
    """Return a customer, or answer with 404."""
    return Customer.get_or_none(Customer.id == customer_id) or abort(404)


def _show_new(form, status=200):
    return render_page("staff/customers/new.html", status, form=form)


def _show(customer, form, status=200):
    parts = {
        "customer": customer,
        "contacts": sorted_by_name(customer.contacts),
        "max_contacts": customers.MAX_CONTACTS,
        "open_tickets": list(Ticket.newest_first().where(Ticket.customer == customer, Ticket.closed_at.is_null())),
        "has_letter": bool(pin_letters.of_customer(customer.id)),
        "pending": approvals.pending(customer),
        "figures": statistics.of_last_year(customer, clock.now()),
        "today": clock.today(),
        "saved": "gespeichert" in request.args,
        "seen": customers.fingerprint(customer),
        "notice": form.notice,
    }
    return render_page("staff/customers/customer.html", status, form=form, **parts)
