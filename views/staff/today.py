"""The start page of the office: what matters today."""

from flask import Blueprint, render_template

import clock
from services.reports.overview import Overview
from views.shared.responses import html_response

bp = Blueprint("today", __name__)


@bp.get("/")
def show():
    """Show what waits for somebody, and whether the machine is well."""
    return html_response(render_template("staff/today.html", today=clock.today(), overview=Overview(clock.now())))
