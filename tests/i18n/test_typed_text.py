"""Typed text: cleaning it twice is cleaning it once, nothing invisible is left, and normalising takes linear time."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i18n import typed_text
from i18n.typed_text import (
    clean_line,
    clean_number,
    clean_text,
    has_control_characters,
    mark_control_characters,
    normalised,
)
from tests.support.pasted import BLANKS, DASHES, INVISIBLE, MARKS, with_invisible
from tests.support.property_tests import deterministic

CLEANINGS = [clean_text, clean_line, clean_number]

# Any text, and one in which the characters with a rule are frequent.
UNUSUAL = st.sampled_from([*INVISIBLE, *BLANKS, *DASHES, *MARKS, *"aä7\x00\x1b\x9fﷺ½Å\u1100\u1161\u11a8\ud800か\u3099"])
TEXTS = st.text(st.characters()) | st.lists(UNUSUAL).map("".join)


@pytest.mark.parametrize("cleaning", CLEANINGS)
@deterministic
@given(TEXTS)
def test_cleaning_twice_is_cleaning_once(cleaning, text):
    assert cleaning(cleaning(text)) == cleaning(text)


@pytest.mark.parametrize("cleaning", CLEANINGS)
@deterministic
@given(TEXTS)
def test_nothing_is_left_that_nobody_sees(cleaning, text):
    cleaned = cleaning(text)
    assert set(cleaned).isdisjoint(INVISIBLE)
    assert set(cleaned).isdisjoint(set("".join(BLANKS)) - {"\n", "\t"})
    assert cleaning is clean_text or set(cleaned).isdisjoint("\n\t")
    assert cleaned == cleaned.strip()


@deterministic
@given(TEXTS)
def test_marking_leaves_no_control_character_and_nothing_else_changed(text):
    cleaned = clean_text(text)
    marked = mark_control_characters(cleaned)
    assert not has_control_characters(marked)
    assert (marked != cleaned) == has_control_characters(cleaned)
    assert all(new in (old, "\N{REPLACEMENT CHARACTER}") for old, new in zip(cleaned, marked, strict=True))


@pytest.mark.parametrize(
    ("typed", "text", "line", "number"),
    [
        (with_invisible("Müller"), "Müller", "Müller", "Müller"),
        ("Mu\u0308\u200bller", "Müller", "Müller", "Müller"),
        ("Mu\u200b\u0308ller", "Müller", "Müller", "Müller"),
        ("eins\r\nzwei\u2028drei\x85vier", "eins\nzwei\ndrei\nvier", "eins zwei drei vier", "eins zwei drei vier"),
        ("a\tb", "a\tb", "a b", "a b"),
        ("\u00a0a\u00a0b\u3000", "a b", "a b", "a b"),
        (
            "0211\u2011\u2212\u2013\uff0d5",
            "0211\u2011\u2212\u2013\uff0d5",
            "0211\u2011\u2212\u2013\uff0d5",
            "0211----5",
        ),
        ("１２ ﬁ", "１２ ﬁ", "１２ ﬁ", "12 fi"),
    ],
)
def test_examples(typed, text, line, number):
    assert (clean_text(typed), clean_line(typed), clean_number(typed)) == (text, line, number)


@pytest.mark.parametrize(
    "text",
    [
        "Grüße aus Köln. " * 100,
        "Mu\u0308ller, " * 100,
        "Йорк" * 300,
        "Ё\u0301и\u0306" * 300,
        "か\u3099は\u309a" * 300,
        "\u1112\u1161\u11ab\u1100\u1173\u11af" * 100,
        "\U0001f600" * 1000,
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_normalising_in_pieces_is_normalising(text, form):
    assert normalised(text, form) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("text", [MARKS * 10_000, f"a{MARKS}" * 7000, "か\u3099" * 10_000, "ä" * 20_000])
def test_no_piece_is_long(pieces_normalised, text):
    normalised(text)
    assert sum(pieces_normalised) == len(text)
    assert max(pieces_normalised) <= typed_text.PIECE_CHARS
    assert len(pieces_normalised) < 2 * len(text) / typed_text.PIECE_CHARS + 2
