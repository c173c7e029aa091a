"""Dates only: working days and the lead time of a new employee."""

from datetime import timedelta
from functools import lru_cache

import holidays

LEAD_TIME_WORKDAYS = 5


def is_workday(day, federal_state):
    """Say whether the offices of a federal state (two letters, "NW") work on this day."""
    return day.weekday() < 5 and day not in _public_holidays(federal_state, day.year)


def last_day_in_time(entry_date, federal_state):
    """Return the last day on which an entry can be reported in time: the fifth working day before it."""
    day = entry_date
    for _ in range(LEAD_TIME_WORKDAYS):
        day -= timedelta(days=1)
        while not is_workday(day, federal_state):
            day -= timedelta(days=1)
    return day


@lru_cache
def _public_holidays(federal_state, year):
    # Frozen, because the library's own object fills itself while several threads ask it.
    return frozenset(holidays.country_holidays("DE", subdiv=federal_state, years=year))
