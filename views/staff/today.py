"""The start page of the office: what matters today."""

from flask import Blueprint, render_template

from views.answers import answer

bp = Blueprint("today", __name__)


@bp.get("/")
def show():
    """Show what is to be done today."""
    return answer(render_template("staff/today.html"))
