"""Dates, times, durations, sizes and numbers as text, in the current language."""

import math
from datetime import date as Date
from datetime import datetime, timedelta

from clock import TIME_ZONE
from enums import MEBIBYTE
from i18n import catalogue
from i18n.catalogue import ngettext

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_WEEKDAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")

_MONTHS = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"


def _in_english() -> bool:
    return catalogue.current_language() == catalogue.ENGLISH


def date(value: Date) -> str:
    """Return a date: "23.03.2027" or "23 March 2027" (digits alone could be read in American order)."""
    # %B is English, because the portal sets no locale.
    return f"{value.day} {value:%B %Y}" if _in_english() else f"{value:%d.%m.%Y}"


def letter_date(value: Date) -> str:
    """Return a date as in letters: "1. Dezember 2026" or "1 December 2026"."""
    return date(value) if _in_english() else f"{value.day}. {_MONTHS.split()[value.month - 1]} {value.year}"


def weekday(value: Date) -> str:
    """Return a date with its weekday: "Dienstag, 23.03.2027"."""
    name = f"{value:%A}" if _in_english() else _WEEKDAYS[value.weekday()]
    return f"{name}, {date(value)}"


def in_days(value: Date, today: Date) -> str:
    """Return when a day is, seen from today: "heute", "morgen", "in 3 Tagen" or, if it is past, "am 23.11.2026"."""
    days = (value - today).days
    if days < 0:
        return f"am {date(value)}"
    return ("heute", "morgen")[days] if days < 2 else f"in {days} Tagen"


def local_date(value: datetime) -> str:
    """Return the German date of a point in time: "23.11.2026"."""
    return date(value.astimezone(TIME_ZONE))


def local_datetime(value: datetime) -> str:
    """Return a point in time in German time: "23.11.2026 um 17:05 Uhr" or "23 November 2026 at 17:05"."""
    local = value.astimezone(TIME_ZONE)
    if _in_english():
        return f"{date(local)} at {local:%H:%M}"
    return f"{date(local)} um {local:%H:%M}\N{NO-BREAK SPACE}Uhr"


def relative_datetime(value: datetime, today: Date) -> str:
    """Return a point in time in short form: "heute, 09:30", "gestern, 17:05" or "21.11.2026"."""
    local = value.astimezone(TIME_ZONE)
    days = (today - local.date()).days
    if days not in (0, 1):
        return f"{local:%d.%m.%Y}"
    return f"{('heute', 'gestern')[days]}, {local:%H:%M}"


def wait_time(duration: timedelta) -> str:
    """Return how long to wait, rounded up: "1 Sekunde", "45 Sekunden", "3 Minuten"."""
    seconds = max(1, math.ceil(duration.total_seconds()))
    if seconds > 90:
        return ngettext("%(num)d Minute", "%(num)d Minuten", math.ceil(seconds / 60))
    return ngettext("%(num)d Sekunde", "%(num)d Sekunden", seconds)


def duration(value: timedelta) -> str:
    """Return a working time: "unter 1 Min.", "20 Min.", "3 Std. 20 Min.", "27 Std."."""
    hours, minutes = divmod(int(value.total_seconds()) // 60, 60)
    parts = [f"{hours} Std."] if hours else []
    if minutes and hours < 10:
        parts.append(f"{minutes} Min.")
    return " ".join(parts) or "unter 1 Min."


def month(day: Date) -> str:
    """Return the month of a day: "November 2026"."""
    return f"{_MONTHS.split()[day.month - 1]} {day.year}"


def period(days: int) -> str:
    """Return a retention period, in years if it is a multiple of 365 days: "7 Jahre", "1 Jahr", "180 Tage"."""
    years, rest = divmod(days, 365)
    return ngettext("%(num)d Tag", "%(num)d Tage", days) if rest else ngettext("%(num)d Jahr", "%(num)d Jahre", years)


def file_size(size: int) -> str:
    """Return a number of bytes: "1,5 GB", "2,4 MB", "12 KB", and "1 KB" for anything smaller."""
    if size >= 1024 * MEBIBYTE:
        return f"{_with_comma(size / MEBIBYTE / 1024)}\N{NO-BREAK SPACE}GB"
    if size >= MEBIBYTE:
        return f"{_with_comma(size / MEBIBYTE)}\N{NO-BREAK SPACE}MB"
    return f"{max(1, round(size / 1024))}\N{NO-BREAK SPACE}KB"


def _with_comma(number: float) -> str:
    return f"{number:.1f}" if _in_english() else f"{number:.1f}".replace(".", ",")


def slugify(text: str, separator: str) -> str:
    """Return a text in lower case, without umlauts and with a separator for each space, for URLs and JSON names."""
    return text.lower().translate(_UMLAUTS).replace(" ", separator)
