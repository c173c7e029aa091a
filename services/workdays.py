"""Working days, and the lead time for a new employee."""

import sys
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from settings import settings


def is_workday(day: date, federal_state: str) -> bool:
    """Say whether a day is a working day in a federal state (two letters, "NW")."""
    return day.weekday() < 5 and day not in _public_holidays(federal_state, day.year)


def last_day_in_time(entry_date: date, federal_state: str) -> date:
    """Return the last day on which an entry can be reported in time: the lead time before it."""
    return add_workdays(entry_date, -settings.lead_time_workdays, federal_state)


def add_workdays(day: date, number: int, federal_state: str) -> date:
    """Return the day that is a number of working days after a day, or before it if the number is negative."""
    step = timedelta(days=1 if number > 0 else -1)
    for _ in range(abs(number)):
        day += step
        while not is_workday(day, federal_state):
            day += step
    return day


@lru_cache
def _public_holidays(federal_state: str, year: int) -> frozenset[date]:
    # Imported only here: takes 30 ms and 5 MB.
    import holidays

    # This package would import 250 countries, which take 7 MB and three times as long.
    countries = ModuleType("holidays.countries")
    countries.__path__ = [str(Path(holidays.__file__).with_name("countries"))]
    sys.modules.setdefault("holidays.countries", countries)
    from holidays.countries.germany import Germany

    # Copied, because the library's own object adds years on access, which is not safe between threads.
    return frozenset(Germany(subdiv=federal_state, years=year))
