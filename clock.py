"""The one place that looks at the clock; whoever needs the time further in is given it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

# The office and its customers are in Germany; so are its days and hours.
TIME_ZONE = ZoneInfo("Europe/Berlin")

pass


def now():
    """Return this moment, aware, in UTC."""
    return datetime.now(UTC)


def today():
    """Return the day that it is in the office."""
    return now().astimezone(TIME_ZONE).date()
