"""Somebody is recognised however the name, the number or the address is written, and nobody else is."""

import pytest

from services.privacy.person_matcher import Likeness, NotRecognisable


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("Anna Köhler", ["ANNA KÖHLER", "Anna Koehler", "anna.koehler@firma.example", "Köhler, Anna", "Anna\nKöhler"]),
        ("Anna Koehler", ["Anna Köhler", "Anna Ko\N{COMBINING DIAERESIS}hler", "KOEHLER ANNA", "Anna Köhlers Rechner"]),
        ("Groß", ["Frau GROSS", "Herr Groß", "gross_m.txt", "GROẞ"]),
        ("André Weiss", ["Andre Weiß", "ANDRÉ WEISS", "weiss-andre.png"]),
        ("Hans-Peter Mu\N{COMBINING DIAERESIS}ller", ["Hans Peter Müller", "Hanspeter Mueller", "Müller, Hans-Peter"]),
        ("O'Neill", ["Frau O’Neill", "ONeill"]),
        ("Łukasz", ["Łukasz"]),
        ("0211 555-0101", ["+49 211 5550101", "0049(0)211/5550101", "(0211) 555 01 01", "+49 (0)211 5550101"]),
        ("+49 172 5550199", ["0172/5550199", "01725550199", "0172 555 01 99", "+491725550199"]),
        ("+43 1 234567", ["+43 1 234567", "0043 1 23 45 67"]),
        ("anna@sommer.example", ["Anna@Sommer.Example", "<anna@sommer.example>", "anna@sommer.example."]),
    ],
)
def test_is_recognised(line, texts):
    likeness = Likeness([line])
    assert [text for text in texts if not likeness.is_in(f"Es war {text}, gestern.")] == []
    for text in texts:
        assert not likeness.is_in(left := likeness.removed_from(f"Es war {text}, gestern."))
        assert "[gelöscht]" in left


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("Anna", ["Hanna", "Annahme", "Johanna"]),
        ("Kohler", ["Köhler", "Koehler"]),
        ("Anna Köhler", ["Anna und Frau Köhler", "Anna", "Köhler", "Köhlerei"]),
        ("0211 5550101", ["0211 55501012", "0211 555010", "PF02115550102", "10211 5550101"]),
        ("anna@sommer.example", ["hanna@sommer.example", "anna@sommer.example-gmbh.de", "j.anna@sommer.example"]),
    ],
)
def test_is_somebody_else(line, texts):
    likeness = Likeness([line])
    assert [text for text in texts if likeness.is_in(text)] == []
    assert [likeness.removed_from(text) for text in texts] == texts


@pytest.mark.parametrize("lines", [[], ["  "], ["Al"], ["-"], ["0211"], ["+49 21"], ["."]])
def test_too_little_to_tell_somebody_by(lines):
    with pytest.raises(NotRecognisable, match=r"Bitte geben|zu kurz"):
        Likeness(lines)


def test_excerpt_is_short():
    excerpt = Likeness(["Anna Sommer"]).excerpt("x" * 500 + " Anna Sommer " + "y" * 500)
    assert excerpt.found == "Anna Sommer"
    assert len("".join(excerpt)) < 150


def test_further_lines_count_if_somebody_can_be_told_by_them():
    likeness = Likeness(["Anna Sommer"]).with_more(["42", "", "[gelöscht]", "0211 5550101"])
    assert likeness.lines == ["Anna Sommer", "0211 5550101"]


def test_a_place_where_two_pieces_of_a_long_text_meet(monkeypatch):
    likeness = Likeness(["Anna Sommer", "0211 5550101"])
    text = "Anna Sommer, 0211 5550101 – Sommer, Anna; 0211 55501012 Annas Sommer (0211) 555 01 01" * 3
    whole = likeness.removed_from(text)
    for length in range(1, 90):
        monkeypatch.setattr("services.privacy.person_matcher._PIECE", length)
        assert likeness.removed_from(text) == whole
