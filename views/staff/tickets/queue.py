"""The list of tickets: by default what is to be done, most urgent first; and what can be done to several at once."""

import hashlib
from functools import partial

from flask import Blueprint, abort, g, request, session, url_for
from werkzeug.datastructures import MultiDict

import clock
from form_fields import row_id
from i18n import formats
from models import Ticket
from services.errors import UserError
from services.reports import csv_export
from services.tickets import queue
from views.shared.responses import csv_response, redirect_to, render_page, unchanged
from views.staff.forms.common import QueueForm
from views.staff.forms.ticket import ACTION_FORMS
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

# What can be done to several tickets at once, by the part of the URL; the last one is for what was just done.
BATCH_SLUGS = ("zuweisen", "wiedervorlage", "erledigen", "rueckgaengig")

NOTHING_TICKED = "Bitte kreuzen Sie mindestens ein Ticket an."


@bp.get("/tickets")
def show():
    """Show one page of the tickets that match the filters."""
    return _show()


@bp.post("/tickets/auswahl/<slug>")
def act(slug):
    """Carry out an action on each ticked ticket, or show the list again with those where it was not possible."""
    form = ACTION_FORMS[slug]() if slug in BATCH_SLUGS else abort(404)
    ticked = _ticked()
    if not ticked or not form.validate():
        return _show(422, form=form, ticked=[ticket for ticket, _ in ticked], notice="" if ticked else NOTHING_TICKED)
    done, failed = [], []
    for ticket, form.seen.data in ticked:
        try:
            form.carry_out(ticket, by=g.member, now=clock.now())
            done.append(ticket)
        except UserError as error:
            failed.append((ticket, str(error)))
    # Where nothing had to change, the last event is of something else, which would be undone.
    seen = {ticket.id: event_id for ticket, event_id in ticked}
    ticks = [_tick(ticket, event) for ticket, event in _with_last_event(done) if event.id != seen[ticket.id]]
    result = {"slug": slug, "label": form.button, "ticks": ticks}
    if failed:
        notice = "Das war bei diesen Tickets nicht möglich:"
        return _show(422, form, [ticket for ticket, _ in failed], result, failed=failed, notice=notice)
    session["batch"] = result
    return redirect_to(url_for(".show", nach=request.args.get("nach"), **QueueForm(formdata=request.args).query_args()))


@bp.post("/tickets/drucken")
def print_ticked():
    """Show the ticked tickets, each on a sheet of its own."""
    tickets = [ticket for ticket, _ in _ticked()]
    return render_page("staff/tickets/print.html", tickets=tickets) if tickets else _show(422, notice=NOTHING_TICKED)


@bp.get("/tickets.csv")
def export():
    """Send all tickets that match the filters as a CSV file."""
    filters = QueueForm(formdata=request.args).filters(g.member)
    rows = csv_export.all_rows(partial(queue.page, filters))
    return csv_response(csv_export.csv_chunks(csv_export.TICKETS, rows), f"tickets-{clock.today()}.csv")


def _show(status=200, form=None, ticked=(), batch=None, **shown_before):
    """Show the list that the URL describes; `form` is the one of an action that was sent for the ticked tickets."""
    filter_form = QueueForm(formdata=request.args)
    filters = filter_form.filters(g.member)
    after = request.args.get("nach", "")
    found, following = queue.page(filters, after)
    count, max_counted = _count(filters, found, has_more=after or following)
    parts = {
        "query_args": filter_form.query_args(),
        "filters": filters,
        "tickets": [(ticket, event, _tick(ticket, event)) for ticket, event in _with_last_event(found)],
        "following": following,
        "after": after,
        "count": count,
        "max_counted": max_counted,
        "max_counted_daily": queue.MAX_COUNTED,
        "elsewhere": _elsewhere(filter_form, filters, None if following else len(found)) if not after else [],
        "max_counted_elsewhere": queue.MAX_COUNTED_ELSEWHERE,
        "daily_views": [(label, query_args, queue.count(_filters_of(query_args))) for label, query_args in DAILY_VIEWS],
        "sorts": {sort.label: formats.slugify(sort.label, "-") for sort in queue.QueueSort if filters.view.is_open},
        "batch_forms": [
            form if form is not None and form.slug == slug else ACTION_FORMS[slug](formdata=None)
            for slug in BATCH_SLUGS
        ],
        "ticked": ticked,
    }
    fingerprint = _fingerprint(parts)
    if not auth.is_polling():
        # What the link to the list in the menu opens.
        if session.get("queue", {}) != filter_form.choices():
            session["queue"] = filter_form.choices()
        shown = parts | shown_before | {"batch": batch or session.pop("batch", None), "failed_form": form}
        return render_page("staff/tickets/queue.html", status, form=filter_form, fingerprint=fingerprint, **shown)
    if request.args.get("gesehen") != fingerprint:
        return render_page("staff/tickets/_queue.html", fingerprint=fingerprint, **parts)
    return unchanged()


def _with_last_event(tickets):
    events = queue.last_events(tickets)
    return [(ticket, events[ticket.id]) for ticket in tickets]


def _tick(ticket, event):
    """Return the value that stands for a ticket in a form, with the last event that its reader saw."""
    return f"{ticket.id}-{event.id}"


def _ticked():
    """Return the ticked tickets, each with the last event that the person saw."""
    ticks = [value.partition("-") for value in request.form.getlist("ticket")[: queue.PAGE_SIZE]]
    seen = {row_id(id): row_id(event_id) for id, _, event_id in ticks}
    tickets = {ticket.id: ticket for ticket in Ticket.with_details().where(Ticket.id.in_(list(seen)))}
    return [(tickets[id], event_id) for id, event_id in seen.items() if id in tickets]


def _count(filters, found, has_more):
    """Return the number of tickets and the limit of counting; a text search is not repeated just to count."""
    if has_more and filters.text:
        return queue.PAGE_SIZE + 1, queue.PAGE_SIZE
    return queue.count(filters) if has_more else len(found), queue.MAX_COUNTED


def _elsewhere(form, filters, found):
    """Return the views with further tickets that the search finds, each with its filters and the number."""
    if not filters.text:
        return []
    return [
        (view, form.query_args() | {form.view.name: formats.slugify(view.label, "-")}, number)
        for view, number in queue.count_elsewhere(filters, found)
    ]


def _filters_of(query_args):
    return QueueForm(formdata=MultiDict(query_args)).filters(g.member)


def _fingerprint(parts):
    """Return a hash that changes when the list does."""
    ticks = [tick for _, _, tick in parts["tickets"]]
    counts = [count for *_, count in parts["daily_views"] + parts["elsewhere"]]
    return hashlib.sha256(repr((ticks, parts["count"], counts)).encode()).hexdigest()[:16]
