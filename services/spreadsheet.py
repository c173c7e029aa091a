"""Texts in the cells of a CSV file: escaped for spreadsheets, and back as they were."""

import re
import unicodedata

from i18n.typed_text import normalised

_FORMULA_SIGNS = frozenset("=+-@")

# Texts that Excel would turn into a number, losing leading zeros or the last digits.
_LOOKS_LIKE_NUMBER = re.compile(r"0\d+|\d{12,}|\d+[eE]\d+")

# A formula that is written by hand, so that Excel does not take a text for a number.
_TEXT_FORMULA = re.compile(r'="([^"]*)"')


def escaped(text: str) -> str:
    """Return a text, with an apostrophe in front if a spreadsheet would take it for a formula or a number."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    first = next((sign for sign in text if unicodedata.category(sign)[0] not in "CZ"), "")
    # Some spreadsheets accept a full-width or superscript sign for the plain one.
    is_formula = normalised(first, "NFKC")[:1] in _FORMULA_SIGNS
    return f"'{text}" if is_formula or _LOOKS_LIKE_NUMBER.fullmatch(text.strip()) else text


def unescaped(cell: str) -> str:
    """Return the text of a cell without the apostrophe that `escaped` added, or the text in a formula like ="007"."""
    if cell.startswith("'") and escaped(cell[1:]) == cell:
        return cell[1:]
    formula = _TEXT_FORMULA.fullmatch(cell)
    return formula[1] if formula else cell
