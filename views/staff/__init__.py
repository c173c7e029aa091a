"""The staff area: closed by default, one file per thing."""

from flask import Blueprint
from flask_wtf.csrf import CSRFError

from views.staff import (
    account,
    approvers,
    attachment,
    customer_import,
    customers,
    figures,
    guard,
    outbox,
    person,
    phone,
    pin_letters,
    privacy,
    queue,
    setup,
    sign_in,
    text_blocks,
    ticket,
    today,
    unmatched,
)

bp = Blueprint("staff", __name__, url_prefix="/verwaltung")

bp.before_request(guard.admit_staff_only)
bp.register_error_handler(CSRFError, guard.refuse_token)
for _room in (
    setup,
    sign_in,
    today,
    queue,
    ticket,
    attachment,
    unmatched,
    phone,
    customers,
    approvers,
    pin_letters,
    customer_import,
    figures,
    outbox,
    text_blocks,
    privacy,
    person,
    account,
):
    bp.register_blueprint(_room.bp)

# What the menu shows, in the order of a morning.
MENU = [
    ("staff.today.show", "Heute"),
    ("staff.queue.show", "Tickets"),
    ("staff.unmatched.show_all", "Nicht zugeordnet"),
    ("staff.phone.form", "Anruf"),
    ("staff.customers.show_all", "Kunden"),
    ("staff.outbox.show_all", "Postausgang"),
    ("staff.figures.show", "Zahlen"),
    ("staff.account.show", "Konto"),
]
