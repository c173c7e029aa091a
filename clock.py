"""The only module that reads the clock. Services get the time as an argument."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

# Days and hours are those of the office and its customers in Germany.
TIME_ZONE = ZoneInfo("Europe/Berlin")


def now() -> datetime:
    """Return the current time as an aware datetime in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the current date in the office."""
    return now().astimezone(TIME_ZONE).date()
