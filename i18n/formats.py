"""How days, moments, sizes and numbers are written."""

import math

from clock import TIME_ZONE
from enums import MEBIBYTE
from i18n import catalogue
from i18n.catalogue import ngettext

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_WEEKDAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")


def _in_english():
    return catalogue.current_language() == catalogue.ENGLISH


def date(value):
    """Return a date: "23.03.2027", in English "23 March 2027", which nobody can take for another day."""
    # English by the language of Python itself: nobody sets another locale.
    return f"{value.day} {value:%B %Y}" if _in_english() else f"{value:%d.%m.%Y}"


def weekday(value):
    """Return a date with its weekday: "Dienstag, 23.03.2027"."""
    name = f"{value:%A}" if _in_english() else _WEEKDAYS[value.weekday()]
    return f"{name}, {date(value)}"


def local_date(value):
    """Return the day of a moment as the office's calendar showed it: "23.11.2026"."""
    return date(value.astimezone(TIME_ZONE))


def local_datetime(value):
    """Return a moment as the office's clock showed it: "23.11.2026 um 17:05 Uhr", "23 November 2026 at 17:05"."""
    local = value.astimezone(TIME_ZONE)
    if _in_english():
        return f"{date(local)} at {local:%H:%M}"
    return f"{date(local)} um {local:%H:%M}\N{NO-BREAK SPACE}Uhr"


def relative_datetime(value, today):
    """Return a moment as short as it can be understood today: "heute, 09:30", "gestern, 17:05", "21.11.2026"."""
    local = value.astimezone(TIME_ZONE)
    days = (today - local.date()).days
    if days not in (0, 1):
        return f"{local:%d.%m.%Y}"
    return f"{('heute', 'gestern')[days]}, {local:%H:%M}"


def wait_time(duration):
    """Return how long to wait, rounded up: "1 Sekunde", "45 Sekunden", "3 Minuten"."""
    seconds = max(1, math.ceil(duration.total_seconds()))
    if seconds > 90:
        return ngettext("%(num)d Minute", "%(num)d Minuten", math.ceil(seconds / 60))
    return ngettext("%(num)d Sekunde", "%(num)d Sekunden", seconds)


def duration(value):
    """Return a length of time as people say it: "unter 1 Min.", "3 Std. 20 Min.", "2 Tage 4 Std.", "12 Tage"."""
    minutes = int(value.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} {'Tag' if days == 1 else 'Tage'}"] if days else []
    if hours and days < 10:
        parts.append(f"{hours} Std.")
    if minutes and not days:
        parts.append(f"{minutes} Min.")
    return " ".join(parts) or "unter 1 Min."


def period(days):
    """Return how long something is kept, in whole years where it is some: "7 Jahre", "1 Jahr", "180 Tage"."""
    years, rest = divmod(days, 365)
    return ngettext("%(num)d Tag", "%(num)d Tage", days) if rest else ngettext("%(num)d Jahr", "%(num)d Jahre", years)


def file_size(size):
    """Return a number of bytes as people read it: "1,5 GiB", "2,4 MiB", "12 KiB", "1 KiB" for anything smaller."""
    if size >= 1024 * MEBIBYTE:
        return f"{_with_comma(size / MEBIBYTE / 1024)}\N{NO-BREAK SPACE}GiB"
    if size >= MEBIBYTE:
        return f"{_with_comma(size / MEBIBYTE)}\N{NO-BREAK SPACE}MiB"
    return f"{max(1, round(size / 1024))}\N{NO-BREAK SPACE}KiB"


def _with_comma(number):
    return f"{number:.1f}" if _in_english() else f"{number:.1f}".replace(".", ",")


def phone_digits(phone):
    """Return a phone number as a tel: link wants it, without blanks and brackets."""
    return "".join(character for character in phone if character.isdigit() or character == "+")


def slugify(text, blank):
    """Return a word as addresses and scripts know it: in small letters, without umlauts, with a sign for each blank."""
    return text.lower().translate(_UMLAUTS).replace(" ", blank)
