"""The start page of the staff area: what matters today."""

import hashlib

from flask import Blueprint, g, render_template, request, url_for
from markupsafe import Markup

import clock
from enums import MessageKind, StaffRole
from models import Customer, Message, Ticket
from services.reports.overview import Overview
from settings import settings
from views.shared.responses import render_page, unchanged
from views.staff.sign_in import auth

bp = Blueprint("today", __name__)


@bp.get("/")
def show():
    """Show what needs attention, and the state of the system."""
    overview = Overview(clock.now())
    shown = {"today": clock.today(), "overview": overview, "first_steps": _first_steps()}
    lists = render_template("staff/_today.html", **shown)
    fingerprint = hashlib.sha256(lists.encode()).hexdigest()[:16]
    if auth.is_polling() and request.args.get("gesehen") == fingerprint:
        return unchanged()
    template = "staff/_today_live.html" if auth.is_polling() else "staff/today.html"
    rendered = Markup(lists)  # noqa: S704 - a template has escaped what it holds
    return render_page(template, lists=rendered, fingerprint=fingerprint, polling=auth.is_polling(), **shown)


def _first_steps():
    """Return what is still to be set up before the first ticket comes, each with its page, for the role "Leitung"."""
    if g.member.role is not StaffRole.LEAD or Ticket.select().exists():
        return []
    has_sent_mail = Message.select().where(Message.kind == MessageKind.TEST, Message.sent_at.is_null(False)).exists()

    def office(field):
        return url_for("staff.office.show", _anchor=field)

    steps = [
        ("E-Mail-Adresse des Büros", office("office_email"), settings.shown_email),
        ("Telefonnummer des Büros", office("office_phone"), settings.office_phone),
        ("Anschrift des Büros für die PIN-Briefe", office("office_street"), settings.office_street),
        ("Adresse des Portals im Netz", office("base_url"), settings.base_url),
        ("Mailserver mit Testmail", office("smtp_host"), has_sent_mail),
        ("Der erste Kunde", url_for("staff.customers.form"), Customer.select().exists()),
        ("Eine Probemeldung", url_for("public.form"), False),
    ]
    return [(label, url) for label, url, is_done in steps if not is_done]
