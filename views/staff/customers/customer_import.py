"""The import of many customers from a CSV file, with a preview."""

from flask import Blueprint, Response, redirect, url_for

import clock
from services.customers import csv_import
from services.errors import UserError
from views.shared.responses import render_page
from views.staff.forms.customer import ImportConfirmedForm, ImportForm

bp = Blueprint("customer_import", __name__)


@bp.get("/kunden/einlesen")
def form():
    return _show(ImportForm(formdata=None))


@bp.get("/kunden/einlesen/muster.csv")
def sample():
    """Send a sample file that Excel opens without questions."""
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": "attachment; filename=kunden-muster.csv",
    }
    return Response(csv_import.SAMPLE.encode("utf-8-sig"), headers=headers)


@bp.post("/kunden/einlesen")
def preview():
    """Show what importing the file would do, line by line; nothing is stored."""
    form = ImportForm()
    if not form.validate():
        return _show(form, 422)
    try:
        text = csv_import.decode(form.file.data.read(csv_import.MAX_BYTES + 1))
        table = csv_import.parse(text)
    except UserError as error:
        form.place(error)
        return _show(form, 422)
    return _show_preview(ImportConfirmedForm(formdata=None, table=text), table)


@bp.post("/kunden/einlesen/ausfuehren")
def run():
    """Import the customers of the preview, all or none."""
    form = ImportConfirmedForm()
    form.validate()
    try:
        added = csv_import.import_customers(form.table.data or "", form.skip_faulty.data, clock.now())
    except UserError as error:
        again = ImportForm(formdata=None)
        if notice := again.place(error):
            return _show_preview(form, csv_import.parse(form.table.data), 422, notice=notice)
        return _show(again, 422)
    return redirect(url_for("staff.pin_letters.choose", eingelesen=len(added)), 303)


def _show(form, status=200):
    columns = csv_import.LABELS.values()
    return render_page("staff/customers/import.html", status, form=form, columns=columns)


def _show_preview(form, table, status=200, notice=""):
    parts = {"form": form, "table": table, "labels": csv_import.LABELS, "notice": notice}
    return render_page("staff/customers/import_preview.html", status, **parts)
