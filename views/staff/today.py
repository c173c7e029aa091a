"""The start page of the office: what matters today."""

from flask import Blueprint

import clock
from services.reports.overview import overview
from views.shared.responses import render_page

bp = Blueprint("today", __name__)


@bp.get("/")
def show():
    """Show what waits for somebody, and whether the machine is well."""
    return render_page("staff/today.html", today=clock.today(), overview=overview(clock.now()))
