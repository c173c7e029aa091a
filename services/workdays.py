"""Working days, and the lead time for a new employee."""

import sys
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from types import ModuleType

from clock import TIME_ZONE
from settings import settings

# Older tickets are not measured.
_YEARS_BACK = 10


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


class WorkingHours:
    """The working hours of an office until a moment: from one time of day to another on each working day."""

    def __init__(self, federal_state: str, opens: str, closes: str, until: datetime) -> None:
        self.opens, self.length = _since_midnight(opens), _since_midnight(closes) - _since_midnight(opens)
        self.first = date(until.year - _YEARS_BACK, 1, 1)
        days = (self.first + timedelta(days=n) for n in range((until.date() - self.first).days + 2))
        # How many working days there are before each day.
        self.before = [0, *accumulate(is_workday(day, federal_state) for day in days)]

    def between(self, begin: datetime, end: datetime) -> timedelta:
        """Return the working time between two moments."""
        return max(self._worked(end) - self._worked(begin), timedelta())

    def _worked(self, moment: datetime) -> timedelta:
        local = moment.astimezone(TIME_ZONE)
        place = min(max((local.date() - self.first).days, 0), len(self.before) - 2)
        today = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second) - self.opens
        is_workday = self.before[place + 1] - self.before[place]
        return self.before[place] * self.length + is_workday * min(max(today, timedelta()), self.length)


def _since_midnight(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
