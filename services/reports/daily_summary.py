"""The daily summary: a mail to the office on every working day, with what the start page shows."""

from datetime import date, datetime, time

from clock import TIME_ZONE
from database import transaction
from enums import MessageKind
from models import Message
from services import workdays
from services.mail import messages
from services.reports.overview import Overview
from settings import settings


def write_if_due(now: datetime) -> None:
    """Put today's summary into the outbox, from its time on, unless it is there already or no mail server is set."""
    local = now.astimezone(TIME_ZONE)
    if not (settings.summary_time and settings.smtp_url) or local.time() < time.fromisoformat(settings.summary_time):
        return
    if not workdays.is_workday(local.date(), settings.federal_state) or _is_written(local.date()):
        return
    with transaction():
        # Checked again: another process may have written it.
        if not _is_written(local.date()):
            messages.summary(Overview(now), local.date(), now)


def _is_written(today: date) -> bool:
    last = Message.select(Message.created_at).where(Message.kind == MessageKind.SUMMARY).order_by(Message.id.desc())
    written_at = last.limit(1).scalar()
    return written_at is not None and written_at >= datetime.combine(today, time.min, TIME_ZONE)
