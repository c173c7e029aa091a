"""Phone numbers as people write them, with words beside them: find the one to dial, and compare them."""

import re

# Fewer digits may be a room or an extension.
MIN_DIGITS = 5

_GAP = r"[\s/.\-\u2010-\u2015\u2212]{0,5}"
# No number within a town begins with 0, so a slash before it separates two numbers, not an area code from the rest.
_IS_NEXT = r"\s{0,3}/\s{0,3}(?:\+|0\d)"
_BRACKET = r"\(\s?\+?\d[\d\s]{0,9}\)"
_NUMBER = re.compile(rf"(?:(?:\+|00){_GAP}\d{{1,3}}{_GAP})?(?:0?{_BRACKET}{_GAP}){{0,2}}\d(?:(?!{_IS_NEXT}){_GAP}\d)*")
_BETWEEN_WORDS = re.compile(rf"(?<!\w){_NUMBER.pattern}(?!\w)")
_TRUNK_PREFIX = re.compile(r"\(\s?0\s?\)")


def dialable(text: str) -> str:
    """Return the phone number in a text for a tel: link, or "" if the text has no digits.

    Of several it is the first with an area code: before it there may be a date or a postcode.
    """
    return max(all_dialable(text), key=lambda number: (_is_long_enough(number), number[0] in "+0"), default="")


def all_dialable(text: str) -> list[str]:
    """Return the phone numbers in a text in the form of `dialable`."""
    return [_dialled(number) for number in _NUMBER.findall(text)]


def comparable(text: str) -> str:
    """Return a text that is one whole phone number with its area code so that +49, 0049 and 0 are alike; else ""."""
    number = _dialled(text.strip()) if _NUMBER.fullmatch(text.strip()) else ""
    return re.sub(r"^\+", "00", re.sub(r"^\+49", "0", number)) if _is_long_enough(number) and number[0] in "+0" else ""


def all_comparable(text: str) -> list[str]:
    """Return the phone numbers in a text that have an area code, each as `comparable` does."""
    long_enough = (number for number in _NUMBER.findall(text) if len(number) >= MIN_DIGITS)
    return [number for number in map(comparable, long_enough) if number]


def apart(text: str) -> tuple[list[str], str]:
    """Return the phone numbers with an area code that stand between words, as they are written, and the other words."""
    numbers = [number for number in _BETWEEN_WORDS.findall(text) if comparable(number)]
    return numbers, _BETWEEN_WORDS.sub(lambda number: " " if comparable(number[0]) else number[0], text)


def _dialled(number: str) -> str:
    is_international = number.lstrip("( ").startswith(("+", "00"))
    if is_international:
        number = _TRUNK_PREFIX.sub("", number)
    digits = "".join(str(int(character)) for character in number if character.isdecimal())
    if not is_international:
        return digits
    digits = digits.removeprefix("00")
    return f"+49{digits[2:].lstrip('0')}" if digits.startswith("49") else f"+{digits}"


def _is_long_enough(number: str) -> bool:
    return len(number.removeprefix("+")) >= MIN_DIGITS
