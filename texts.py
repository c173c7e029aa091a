"""How days, moments, sizes and numbers are written in German."""

import math

from settings import MEBIBYTE, TIME_ZONE

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_WEEKDAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")


def weekday(day):
    """Return a day with its weekday: "Dienstag, 23.03.2027"."""
    return f"{_WEEKDAYS[day.weekday()]}, {day:%d.%m.%Y}"


def day(value):
    """Return the day of a moment as the office's calendar showed it: "23.11.2026"."""
    return f"{value.astimezone(TIME_ZONE):%d.%m.%Y}"


def moment(value):
    """Return a moment as the office's clock showed it: "23.11.2026, 17:05 Uhr"."""
    return f"{value.astimezone(TIME_ZONE):%d.%m.%Y, %H:%M} Uhr"


def lately(value, today):
    """Return a moment as short as it can be understood today: "heute, 09:30", "gestern, 17:05", "21.11.2026"."""
    local = value.astimezone(TIME_ZONE)
    days = (today - local.date()).days
    if days not in (0, 1):
        return f"{local:%d.%m.%Y}"
    return f"{('heute', 'gestern')[days]}, {local:%H:%M}"


def wait(duration):
    """Return how long to wait, rounded up: "1 Sekunde", "45 Sekunden", "3 Minuten"."""
    seconds = max(1, math.ceil(duration.total_seconds()))
    if seconds > 90:
        return f"{math.ceil(seconds / 60)} Minuten"
    return "1 Sekunde" if seconds == 1 else f"{seconds} Sekunden"


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


def term(days):
    """Return how long something is kept, in whole years where it is some: "7 Jahre", "1 Jahr", "180 Tage"."""
    years, rest = divmod(days, 365)
    number, one, many = (days, "Tag", "Tage") if rest else (years, "Jahr", "Jahre")
    return f"{number} {one if number == 1 else many}"


def file_size(size):
    """Return a number of bytes as people read it: "1,5 GiB", "2,4 MiB", "12 KiB", "1 KiB" for anything smaller."""
    if size >= 1024 * MEBIBYTE:
        return f"{size / MEBIBYTE / 1024:.1f} GiB".replace(".", ",")
    if size >= MEBIBYTE:
        return f"{size / MEBIBYTE:.1f} MiB".replace(".", ",")
    return f"{max(1, round(size / 1024))} KiB"


def dialled(phone):
    """Return a phone number as a tel: link wants it, without blanks and brackets."""
    return "".join(character for character in phone if character.isdigit() or character == "+")


def without_umlauts(text, blank):
    """Return a word as addresses and scripts know it: in small letters, without umlauts, with a sign for each blank."""
    return text.lower().translate(_UMLAUTS).replace(" ", blank)
