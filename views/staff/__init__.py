"""The staff area: closed by default, one file per thing."""

from flask import Blueprint

from views.staff import attachment, guard, queue, sign_in, ticket, today

bp = Blueprint("staff", __name__, url_prefix="/verwaltung")

bp.before_request(guard.admit_staff_only)
for _room in (sign_in, today, queue, ticket, attachment):
    bp.register_blueprint(_room.bp)

# What the menu shows, in the order of a morning.
MENU = [
    ("staff.today.show", "Heute"),
    ("staff.queue.show", "Tickets"),
]
