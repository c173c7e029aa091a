"""The contacts of a customer: add, change and remove them."""

from flask import Blueprint, abort, redirect, request, url_for

from models import Contact
from services.customers import customers
from services.tickets import approvals
from views.shared.responses import render_page
from views.staff.customers.customers import customer_or_404
from views.staff.forms.customer import ContactForm

bp = Blueprint("contacts", __name__, url_prefix="/kunden/<int:customer_id>/personen")


@bp.get("/neu")
def form(customer_id):
    return _show(customer_or_404(customer_id), ContactForm(formdata=None, is_approver="genehmiger" in request.args))


@bp.post("/neu")
def add(customer_id):
    customer = customer_or_404(customer_id)
    return _save(customer, ContactForm(), lambda values: customers.add_contact(customer, values))


@bp.get("/<int:contact_id>")
def show(customer_id, contact_id):
    contact = _load(customer_id, contact_id)
    return _show(contact.customer, ContactForm(formdata=None, obj=contact), contact)


@bp.post("/<int:contact_id>")
def change(customer_id, contact_id):
    """Change a contact's name, phone, address, roles or absence."""
    contact = _load(customer_id, contact_id)
    form = ContactForm(obj=contact)
    return _save(contact.customer, form, lambda values: customers.change_contact(contact, values), contact)


@bp.get("/<int:contact_id>/entfernen")
def confirm_removal(customer_id, contact_id):
    contact = _load(customer_id, contact_id)
    parts = {"customer": contact.customer, "contact": contact, "pending": approvals.pending(contact.customer)}
    return render_page("staff/customers/confirm.html", step="contact", **parts)


@bp.post("/<int:contact_id>/entfernen")
def remove(customer_id, contact_id):
    customers.remove_contact(_load(customer_id, contact_id))
    return _back(customer_id)


def _load(customer_id, contact_id):
    return Contact.get_or_none(Contact.id == contact_id, Contact.customer == customer_id) or abort(404)


def _save(customer, form, save, contact=None):
    if not form.succeeds(lambda: save(form.data)):
        return _show(customer, form, contact, 422)
    return _back(customer.id)


def _back(customer_id):
    return redirect(url_for("staff.customers.show", customer_id=customer_id, _anchor="contacts"), 303)


def _show(customer, form, contact=None, status=200):
    parts = {"customer": customer, "form": form, "contact": contact, "notice": form.notice}
    return render_page("staff/customers/contact.html", status, **parts)
