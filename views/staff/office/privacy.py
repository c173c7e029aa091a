"""Data protection: what is deleted when, and the record of processing activities (Art. 30 GDPR)."""

from urllib.parse import urlsplit

from flask import Blueprint

import clock
from models import Staff
from services.mail import smtp
from services.privacy import retention, retention_schedule
from settings import settings
from views.shared.responses import render_page
from views.staff.sign_in import auth

bp = Blueprint("privacy", __name__, url_prefix="/datenschutz")
bp.before_request(auth.require_lead)


@bp.get("")
def show():
    """Show what the next deletion run deletes, and what the following week."""
    now = clock.now()
    run = retention_schedule.next_run(now)
    parts = {
        "run": run,
        "is_now": run.begins_at <= now,
        "lacks_backup": retention_schedule.lacks_backup(),
        "forecasts": {forecast.name: forecast for forecast in retention.forecast(max(now, run.begins_at))},
    }
    return render_page("staff/office/privacy/show.html", **parts)


@bp.get("/verzeichnis")
def record():
    """Show the record of processing activities according to the settings, ready to print."""
    parts = {
        "today": clock.today(),
        "mail_host": smtp.server().host if settings.smtp_url else "",
        "webhook_host": urlsplit(settings.webhook_url).hostname,
        "accounts": Staff.active().count(),
        "with_second_factor": Staff.active().where(Staff.totp_enabled_at.is_null(False)).count(),
    }
    return render_page("staff/office/privacy/record.html", **parts)
