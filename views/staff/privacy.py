"""Data protection: what goes tonight, and by which rule."""

from flask import Blueprint, render_template

import clock
from services import retention
from views.answers import answer

bp = Blueprint("privacy", __name__, url_prefix="/datenschutz")


@bp.get("")
def show():
    """Show what the next night deletes, and what the week after it."""
    now = clock.now()
    forecasts = {forecast.name: forecast for forecast in retention.forecast(now)}
    return answer(render_template("staff/privacy/show.html", forecasts=forecasts, night=retention.next_night(now)))
