"""The staff area: every page needs a sign-in unless auth.PUBLIC_ENDPOINTS names it."""

from flask import Blueprint
from flask_wtf.csrf import CSRFError

from views.staff import phone, today, unmatched
from views.staff.customers import contacts, customer_import, customers, pin_letters
from views.staff.office import figures, office, outbox, privacy, privacy_person
from views.staff.sign_in import account, auth, setup, sign_in
from views.staff.tickets import attachment, queue, text_blocks, ticket

bp = Blueprint("staff", __name__, url_prefix="/verwaltung")

bp.before_request(auth.require_sign_in)
bp.register_error_handler(CSRFError, auth.handle_csrf_error)
SIGN_IN = setup, sign_in, account
TICKETS = queue, ticket, attachment, text_blocks
CUSTOMERS = customers, contacts, pin_letters, customer_import
OFFICE = office, figures, outbox, privacy, privacy_person
for _page in (today, unmatched, phone, *SIGN_IN, *TICKETS, *CUSTOMERS, *OFFICE):
    bp.register_blueprint(_page.bp)

# The entries of the menu.
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
