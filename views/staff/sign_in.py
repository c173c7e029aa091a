"""In and out: signing in with name and password, signing out."""

from flask import Blueprint, redirect, render_template, url_for

import clock
from services import staff
from views.answers import answer
from views.staff import guard

bp = Blueprint("sign_in", __name__)


@bp.get("/anmelden")
def form():
    """Ask for name and password."""
    return answer(render_template("staff/sign_in.html"))


@bp.post("/abmelden")
def sign_out():
    """End this browser's session."""
    staff.end_session(guard.put_out(), clock.now())
    return redirect(url_for(".form"), 303)
