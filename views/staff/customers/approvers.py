"""The approvers of a customer: add, change and remove them."""

from flask import Blueprint, abort, redirect, url_for

from models import Approver
from services.customers import customers
from services.tickets import approvals
from views.shared.responses import render_page
from views.staff.customers.customers import customer_or_404
from views.staff.forms.customer import ApproverForm

bp = Blueprint("approvers", __name__, url_prefix="/kunden/<int:customer_id>/genehmiger")


@bp.get("/neu")
def form(customer_id):
    return _show(customer_or_404(customer_id), ApproverForm(formdata=None))


@bp.post("/neu")
def add(customer_id):
    customer = customer_or_404(customer_id)
    return _save(customer, ApproverForm(), lambda values: customers.add_approver(customer, values))


@bp.get("/<int:approver_id>")
def show(customer_id, approver_id):
    approver = _load(customer_id, approver_id)
    return _show(approver.customer, ApproverForm(formdata=None, obj=approver), approver)


@bp.post("/<int:approver_id>")
def change(customer_id, approver_id):
    """Change an approver's name, address or absence."""
    approver = _load(customer_id, approver_id)
    form = ApproverForm(obj=approver)
    return _save(approver.customer, form, lambda values: customers.change_approver(approver, values), approver)


@bp.get("/<int:approver_id>/entfernen")
def confirm_removal(customer_id, approver_id):
    approver = _load(customer_id, approver_id)
    parts = {"customer": approver.customer, "approver": approver, "pending": approvals.pending(approver.customer)}
    return render_page("staff/customers/confirm.html", step="approver", **parts)


@bp.post("/<int:approver_id>/entfernen")
def remove(customer_id, approver_id):
    customers.remove_approver(_load(customer_id, approver_id))
    return _back(customer_id)


def _load(customer_id, approver_id):
    return Approver.get_or_none(Approver.id == approver_id, Approver.customer == customer_id) or abort(404)


def _save(customer, form, save, approver=None):
    if not form.succeeds(lambda: save(form.data)):
        return _show(customer, form, approver, 422)
    return _back(customer.id)


def _back(customer_id):
    return redirect(url_for("staff.customers.show", customer_id=customer_id, _anchor="approvers"), 303)


def _show(customer, form, approver=None, status=200):
    parts = {"customer": customer, "form": form, "approver": approver, "notice": form.notice}
    return render_page("staff/customers/approver.html", status, **parts)
