"""The staff area: every page needs a sign-in unless auth.PUBLIC_ENDPOINTS names it."""

from flask import Blueprint
from flask_wtf.csrf import CSRFError

from enums import StaffRole
from views.staff import phone, today, unmatched
from views.staff.customers import contacts, customer_import, customers, pin_letters
from views.staff.office import accounts, figures, office, outbox, privacy, privacy_person
from views.staff.sign_in import account, account_link, auth, setup, sign_in
from views.staff.tickets import attachment, queue, text_blocks, ticket

bp = Blueprint("staff", __name__, url_prefix="/verwaltung")

bp.before_request(auth.require_sign_in)
bp.register_error_handler(CSRFError, auth.handle_csrf_error)
SIGN_IN = setup, sign_in, account, account_link
TICKETS = queue, ticket, attachment, text_blocks
CUSTOMERS = customers, contacts, pin_letters, customer_import
OFFICE = office, accounts, figures, outbox, privacy, privacy_person
for _page in (today, unmatched, phone, *SIGN_IN, *TICKETS, *CUSTOMERS, *OFFICE):
    bp.register_blueprint(_page.bp)

# The entries of the menu, with the other pages that belong to them.
MENU = [
    ("staff.today.show", "Heute", {"today"}),
    ("staff.queue.show", "Tickets", {"queue", "ticket", "unmatched"}),
    ("staff.phone.form", "Anruf", {"phone"}),
    ("staff.customers.show_all", "Kunden", {"customers", "contacts", "pin_letters", "customer_import"}),
]

# The entries below "Büro", each for these roles.
OFFICE_MENU = [
    ("staff.office.show", "Einstellungen", {StaffRole.LEAD}),
    ("staff.accounts.show_all", "Konten", {StaffRole.LEAD}),
    ("staff.figures.show", "Zahlen", set(StaffRole)),
    ("staff.outbox.show_all", "Postausgang", set(StaffRole)),
    ("staff.text_blocks.show_all", "Textbausteine", set(StaffRole)),
    ("staff.privacy.show", "Datenschutz", {StaffRole.LEAD}),
    ("staff.account.show", "Mein Konto", set(StaffRole)),
]
