"""The staff area: closed by default, one file per thing."""

from flask import Blueprint
from flask_wtf.csrf import CSRFError

from views.staff import phone, today, unmatched
from views.staff.customers import approvers, customer_import, customers, pin_letters
from views.staff.office import figures, outbox, privacy, privacy_person
from views.staff.sign_in import account, auth, setup, sign_in
from views.staff.tickets import attachment, queue, text_blocks, ticket

bp = Blueprint("staff", __name__, url_prefix="/verwaltung")

bp.before_request(auth.require_sign_in)
bp.register_error_handler(CSRFError, auth.handle_csrf_error)
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
    privacy_person,
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
