"""The list of tickets: by default what is to be done, most urgent first."""

import hashlib
from functools import partial

from flask import Blueprint, g, request
from werkzeug.datastructures import MultiDict

import clock
from i18n import formats
from services.reports import csv_export
from services.tickets import queue
from views.shared.responses import csv_response, html_response, render_page
from views.staff.forms.common import QueueForm
from views.staff.sign_in import auth

bp = Blueprint("queue", __name__)

# The links above the list, with their filters.
DAILY_VIEWS = [
    ("Zu tun", {}),
    ("Mir zugewiesen", {"stand": "alle-offenen", "bearbeitet-von": "ich"}),
    ("Warten auf Freigabe", {"stand": "alle-offenen", "freigabe": "wartet"}),
    ("Warten auf Kunde", {"stand": "wartet-auf-kunde"}),
    ("Alle offenen", {"stand": "alle-offenen"}),
]


@bp.get("/tickets")
def show():
    """Show one page of the tickets that match the filters."""
    form = QueueForm(formdata=request.args)
    filters = form.filters(g.member)
    after = request.args.get("nach", "")
    found, following = queue.page(filters, after)
    count, max_counted = _count(filters, found, has_more=after or following)
    parts = {
        "query_args": form.query_args(),
        "tickets": found,
        "following": following,
        "after": after,
        "count": count,
        "max_counted": max_counted,
        "max_counted_daily": queue.MAX_COUNTED,
        "elsewhere": _elsewhere(form, filters, found) if filters.text and not after and not following else [],
        "max_counted_elsewhere": queue.MAX_COUNTED_ELSEWHERE,
        "daily_views": [(label, query_args, queue.count(_filters_of(query_args))) for label, query_args in DAILY_VIEWS],
    }
    fingerprint = _fingerprint(parts)
    if not auth.is_polling():
        return render_page("staff/tickets/queue.html", form=form, fingerprint=fingerprint, **parts)
    if request.args.get("gesehen") != fingerprint:
        return render_page("staff/tickets/_queue.html", fingerprint=fingerprint, **parts)
    response = html_response("")
    # Nothing has changed: do not replace what somebody is reading or has selected.
    response.headers["HX-Reswap"] = "none"
    return response


@bp.get("/tickets.csv")
def export():
    """Send all tickets that match the filters as a CSV file."""
    filters = QueueForm(formdata=request.args).filters(g.member)
    rows = csv_export.all_rows(partial(queue.page, filters))
    return csv_response(csv_export.csv_chunks(csv_export.TICKETS, rows), f"tickets-{clock.today()}.csv")


def _count(filters, found, has_more):
    """Return the number of tickets and the limit of counting; a text search is not repeated just to count."""
    if has_more and filters.text:
        return queue.PAGE_SIZE + 1, queue.PAGE_SIZE
    return queue.count(filters) if has_more else len(found), queue.MAX_COUNTED


def _elsewhere(form, filters, found):
    """Return the views with further tickets that the search finds, each with its filters and the number."""
    return [
        (view, form.query_args() | {form.view.name: formats.slugify(view.label, "-")}, number)
        for view, number in queue.count_elsewhere(filters, len(found))
    ]


def _filters_of(query_args):
    return QueueForm(formdata=MultiDict(query_args)).filters(g.member)


def _fingerprint(parts):
    """Return a hash that changes when the list does."""
    rows = [
        (ticket.id, ticket.status, ticket.approval, ticket.assignee_id, ticket.replied_at)
        for ticket in parts["tickets"]
    ]
    counts = [count for *_, count in parts["daily_views"] + parts["elsewhere"]]
    seen = repr((rows, parts["count"], counts))
    return hashlib.sha256(seen.encode()).hexdigest()[:16]
