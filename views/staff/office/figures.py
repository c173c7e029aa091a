"""Statistics of a period: tickets received, done and open, how long they took, and by customer."""

from flask import Blueprint, abort, request

import clock
from services.reports import csv_export, statistics
from views.shared.responses import csv_response, render_page
from views.staff.forms.common import FiguresForm
from views.staff.office import charts

bp = Blueprint("figures", __name__)

MAX_CUSTOMERS = 20

# The columns and the rows of each CSV file, by its name in the URL.
TABLES = {
    "wochen": (csv_export.WEEKS, lambda shown: shown.weeks),
    "zeiten": (csv_export.TIMES, lambda shown: shown.categories + shown.priorities),
    "kunden": (csv_export.CUSTOMER_TIMES, lambda shown: shown.customers),
}


@bp.get("/zahlen")
def show():
    """Show the statistics of a period as tables with small charts."""
    form = FiguresForm(formdata=request.args)
    if form.is_unknown_customer:
        return render_page("staff/office/figures.html", form=form)
    shown = statistics.for_period(form.chosen_period, form.customer, clock.now())
    return render_page(
        "staff/office/figures.html",
        form=form,
        figures=shown,
        chart=charts.stacked([(week.short_name, week.numbers) for week in shown.weeks]),
        tables=[
            ("Art", _measured(shown.categories)),
            ("Priorität", _measured(shown.priorities)),
            ("Kunde", _measured(shown.customers[:MAX_CUSTOMERS])),
        ],
    )


@bp.get("/zahlen.csv")
def export():
    """Send one table of the statistics as a CSV file."""
    form = FiguresForm(formdata=request.args)
    table = request.args.get("tabelle")
    if table not in TABLES or form.is_unknown_customer:
        abort(404)
    columns, rows_of = TABLES[table]
    rows = rows_of(statistics.for_period(form.chosen_period, form.customer, clock.now()))
    name = f"zahlen-{table}-{form.chosen_period.name}.csv"
    return csv_response(csv_export.csv_chunks(columns, rows), name)


def _measured(groups):
    """Return groups of tickets with the largest value of each column, to which the bars are scaled."""
    return {
        "groups": groups,
        "most": max((group.received for group in groups), default=0),
        "slowest_first_action": max((group.to_first_action for group in groups if group.to_first_action), default=None),
        "slowest_done": max((group.to_done for group in groups if group.to_done), default=None),
    }
