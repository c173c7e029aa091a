"""The import of many customers from a CSV file, with a preview."""

import base64

from flask import Blueprint, Response, redirect, request, url_for

import clock
from i18n import encodings
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
    return _show_preview(ImportConfirmedForm(formdata=None), form.file.data.read(csv_import.MAX_BYTES + 1))


@bp.post("/kunden/einlesen/ausfuehren")
def run():
    """Import the customers of the preview, all or none, or show it again in another encoding."""
    form = ImportConfirmedForm()
    try:
        content = base64.b64decode(form.content.data or "")
    except ValueError:
        content = b""
    if "again" in request.form:
        return _show_preview(form, content)
    try:
        text, _ = csv_import.decode(content, form.encoding.data or "")
        added = csv_import.import_customers(text, form.skip_faulty.data, clock.now())
    except UserError as error:
        return _show_preview(form, content, 422, str(error))
    return redirect(url_for("staff.pin_letters.choose", eingelesen=len(added)), 303)


def _show(form, status=200):
    columns = csv_import.LABELS.values()
    return render_page("staff/customers/import.html", status, form=form, columns=columns)


def _show_preview(form, content, status=200, notice=""):
    """Show the customers in a file, or why there are none; the file travels in the form and is not kept."""
    try:
        text, form.encoding.data = csv_import.decode(content, form.encoding.data or "")
        table = csv_import.parse(text)
    except UserError as error:
        form = ImportForm(formdata=None)
        form.place(error)
        return _show(form, 422)
    form.content.data = base64.b64encode(content).decode()
    parts = {"form": form, "table": table, "labels": csv_import.LABELS, "encodings": encodings.NAMES, "notice": notice}
    return render_page("staff/customers/import_preview.html", status, **parts)
