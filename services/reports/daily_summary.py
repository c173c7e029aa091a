"""The summary of the day: one mail to the office, every working day from a time on, with what Heute shows."""

from datetime import datetime, time

from clock import TIME_ZONE
from database import transaction
from enums import MessageKind
from models import Message
from services import workdays
from services.mail import messages
from services.reports import overview
from settings import settings


def write_if_due(now):
    """Put today's summary into the outbox if it is time for it and it is not there yet.

    Who was off at that time does it later on the same day. Without a server it would only lie there and grow old.
    """
    local = now.astimezone(TIME_ZONE)
    if not (settings.summary_time and settings.smtp_url) or local.time() < time.fromisoformat(settings.summary_time):
        return
    if not workdays.is_workday(local.date(), settings.federal_state) or _is_written(local.date()):
        return
    with transaction():
        # Another process may have been faster.
        if not _is_written(local.date()):
            messages.summary(overview.overview(now), local.date(), now)


def _is_written(today):
    last = Message.select(Message.created_at).where(Message.kind == MessageKind.SUMMARY).order_by(Message.id.desc())
    written_at = last.limit(1).scalar()
    return written_at is not None and written_at >= datetime.combine(today, time.min, TIME_ZONE)
