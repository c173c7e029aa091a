"""The start page of the staff area: what matters today."""

from flask import Blueprint

import clock
from services.reports.overview import Overview
from views.shared.responses import render_page

bp = Blueprint("today", __name__)


@bp.get("/")
def show():
    """Show what needs attention, and the state of the system."""
    return render_page("staff/today.html", today=clock.today(), overview=Overview(clock.now()))
