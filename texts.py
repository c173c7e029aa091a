"""How days, moments, sizes and numbers are written in German."""

from settings import MEBIBYTE, TIME_ZONE

_WEEKDAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")


def weekday(day):
    """Return a day with its weekday: "Dienstag, 23.03.2027"."""
    return f"{_WEEKDAYS[day.weekday()]}, {day:%d.%m.%Y}"


def moment(value):
    """Return a moment as the office's clock showed it: "23.11.2026, 17:05 Uhr"."""
    return f"{value.astimezone(TIME_ZONE):%d.%m.%Y, %H:%M} Uhr"


def file_size(size):
    """Return a number of bytes as people read it: "2,4 MiB", "12 KiB", "1 KiB" for anything smaller."""
    if size >= MEBIBYTE:
        return f"{size / MEBIBYTE:.1f} MiB".replace(".", ",")
    return f"{max(1, round(size / 1024))} KiB"


def dialled(phone):
    """Return a phone number as a tel: link wants it, without blanks and brackets."""
    return "".join(character for character in phone if character.isdigit() or character == "+")
