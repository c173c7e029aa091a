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
    return workday_before(entry_date, LEAD_TIME_WORKDAYS, federal_state)


def workday_before(day, number, federal_state):
    """Return the working day that lies this number of working days before a day."""
    return _step(day, number, federal_state, timedelta(days=-1))


def workday_after(day, number, federal_state):
    """Return the working day that lies this number of working days after a day."""
    return _step(day, number, federal_state, timedelta(days=1))


def _step(day, number, federal_state, direction):
    for _ in range(number):
        day += direction
        while not is_workday(day, federal_state):
            day += direction
    return day


@lru_cache
def _public_holidays(federal_state, year):
    # Frozen, because the library's own object fills itself while several threads ask it.
    return frozenset(holidays.country_holidays("DE", subdiv=federal_state, years=year))
