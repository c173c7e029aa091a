"""A person is recognised in every spelling of the name, number or address, and nobody else is."""

import pytest

from services.errors import UserError
from services.privacy.person_matcher import PersonMatcher


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("Anna Köhler", ["ANNA KÖHLER", "Anna Koehler", "anna.koehler@firma.example", "Köhler, Anna", "Anna\nKöhler"]),
        ("Anna Koehler", ["Anna Köhler", "Anna Ko\N{COMBINING DIAERESIS}hler", "KOEHLER ANNA", "Anna Köhlers Rechner"]),
        (
            "An\u200bna Ko\u0308hler\ufeff",
            ["An\u00adna\u200b Köh\u00adler", "Köhler,\u00a0An\u200dna", "Anna\u2028Köhler"],
        ),
        ("Hans\u2011Peter Meier", ["Hans-Peter Meier", "Hans\u2010Peter\u2003Meier"]),
        ("0211\u2011555\u22120101", ["0211\u2011555\u20110101", "0211\u2212555\u20120101", "(0211)\u20115550101"]),
        ("Groß", ["Frau GROSS", "Herr Groß", "gross_m.txt", "GROẞ"]),
        ("André Weiss", ["Andre Weiß", "ANDRÉ WEISS", "weiss-andre.png"]),
        ("Hans-Peter Mu\N{COMBINING DIAERESIS}ller", ["Hans Peter Müller", "Hanspeter Mueller", "Müller, Hans-Peter"]),
        ("O'Neill", ["Frau O’Neill", "ONeill"]),
        ("Łukasz", ["Łukasz"]),
        ("(0211) 5550101", ["+49 211 5550101", "0211/5550101"]),
        ("(+49 211) 5550101", ["0211 5550101", "0049 211 5550101"]),
        ("0211 555-0101", ["+49 211 5550101", "0049(0)211/5550101", "(0211) 555 01 01", "+49 (0)211 5550101"]),
        ("+49 172 5550199", ["0172/5550199", "01725550199", "0172 555 01 99", "+491725550199"]),
        ("+43 1 234567", ["+43 1 234567", "0043 1 23 45 67"]),
        ("anna@sommer.example", ["Anna@Sommer.Example", "<anna@sommer.example>", "anna@sommer.example."]),
    ],
)
def test_is_recognised(line, texts):
    matcher = PersonMatcher([line])
    assert [text for text in texts if not matcher.is_found_in(f"Es war {text}, gestern.")] == []
    for text in texts:
        assert not matcher.is_found_in(left := matcher.redact(f"Es war {text}, gestern."))
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
    matcher = PersonMatcher([line])
    assert [text for text in texts if matcher.is_found_in(text)] == []
    assert [matcher.redact(text) for text in texts] == texts


@pytest.mark.parametrize("lines", [[], ["  "], ["Al"], ["-"], ["0211"], ["+49 21"], ["."]])
def test_too_short_to_recognise_anybody_by(lines):
    with pytest.raises(UserError, match=r"Bitte geben|zu kurz"):
        PersonMatcher(lines)


def test_excerpt_is_short():
    excerpt = PersonMatcher(["Anna Sommer"]).excerpt("x" * 500 + " Anna Sommer " + "y" * 500)
    assert excerpt.found == "Anna Sommer"
    assert len("".join(excerpt)) < 150


def test_further_lines_count_unless_they_are_too_short():
    matcher = PersonMatcher(["Anna Sommer"]).with_terms(["42", "", "[gelöscht]", "0211 5550101"])
    assert matcher.lines == ["Anna Sommer", "0211 5550101"]


def test_a_match_across_two_pieces_of_a_long_text(monkeypatch):
    matcher = PersonMatcher(["Anna Sommer", "0211 5550101"])
    text = "Anna Sommer, 0211 5550101 – Sommer, Anna; 0211 55501012 Annas Sommer (0211) 555 01 01" * 3
    whole = matcher.redact(text)
    for length in range(1, 90):
        monkeypatch.setattr("services.privacy.person_matcher.PIECE_CHARS", length)
        assert matcher.redact(text) == whole


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Große Straße: Frau KÖHLER, Anna, süß.", "Große Straße: Frau [gelöscht], süß."),
        ("Größe, Anna Köhlers Gerät", "Größe, [gelöscht] Gerät"),
        ("Tel. (0211) 555-0101 (Büro)", "Tel. [gelöscht] (Büro)"),
        ("Büro (Tel. 0211/5550101)", "Büro (Tel. [gelöscht])"),
        ("Weiß nicht, wo.", "Weiß nicht, wo."),
    ],
)
def test_only_the_match_is_replaced(text, redacted):
    """A letter may become two when a text is folded; the place in the original is still the right one."""
    assert PersonMatcher(["Anna Köhler", "+49 211 5550101"]).redact(text) == redacted


def test_excerpt_of_a_text_with_umlauts():
    excerpt = PersonMatcher(["Köhler"]).excerpt("Größe süßer Grüße an Frau Köhler, heißt es.")
    assert excerpt == ("Größe süßer Grüße an Frau ", "Köhler", ", heißt es.")


def test_a_long_run_of_combining_marks():
    """Composing them all at once would take hours."""
    marks = "̧́ͅ" * 200_000
    assert PersonMatcher(["Anna Köhler"]).is_found_in(f"a{marks} Anna Köhler")
