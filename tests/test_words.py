"""The words: how German is written wherever somebody reads it, and that nothing is said in English by mistake."""

import re

import pytest

from tests import german
from tests.mailbox import text_of

# Somebody is writing these anew; their turn comes next.
UNDER_WAY = {"services/attachments.py:26", "templates/help.html"}

NBSP = "\N{NO-BREAK SPACE}"

# What somebody might type into a field or choose by tampering, so that every sentence against it is said.
FILLINGS = ["", "x", "x" * 6000, "a\x07b", "99.99.2026", "0"]

INLINE = {"a", "b", "strong", "span", "small", "em", "label", "abbr", "code", "kbd"}
READ = {"alt", "aria-label", "placeholder", "title"}


def visible(page):
    """Return the words of a page as a reader or a screen reader gets them, each block on a line of its own."""

    def words(element):
        if element.tag in german.READ_BY_MACHINES or not isinstance(element.tag, str):
            return ""
        text = (element.text or "") + "".join(words(child) + (child.tail or "") for child in element)
        text = text if element.tag in INLINE else f"\n{text}\n"
        return "".join([text, *(f"\n{element.get(name)}\n" for name in sorted(READ & element.attrib.keys()))])

    lines = (re.sub(r"[ \t]+", " ", line).strip(" ") for line in words(page.tree).splitlines())
    return "\n".join(filter(None, lines))


def faults(words):
    """Return all that is wrong with words that somebody reads."""
    return german.mistakes(words, german.MISTAKES | german.FOREIGN_NUMBERS) + german.english(words)


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        ("straight quotes", 'der Knopf "Senden"', "der Knopf „Senden“"),
        ("straight quotes", "der Knopf 'Senden'", "Clara's und Annas Knopf"),
        ("English or reversed quotes", "der Knopf „Senden”", "der Knopf „Senden“, und ‚Senden‘"),
        ("English or reversed quotes", "der Knopf “Senden„", "(„Senden“)"),
        ("quotes that do not pair", "der Knopf „Senden und mehr", "„eins“ und „zwei“"),
        ("quotes that do not pair", "der Knopf Senden“ und mehr", "„Senden“ und mehr"),
        ("E-Mail", "Ihre Email an uns", "Ihre E-Mail an uns, office_email"),
        ("E-Mail", "eine e-mail", "E-Mails und Testmail an email@firma.de"),
        ("two blanks", "Bitte  warten", "Nummer   PIN"),
        ("a blank before a sign", "Bitte warten !", "Bitte warten! 10 : 2 … also doch"),
        ("three dots", "Bitte warten ...", "Bitte warten …"),
        ("a breaking blank before a unit", "höchstens 10 MiB", f"höchstens 10{NBSP}MiB, 3 MiBit"),
        ("a breaking blank before a unit", f"um {german.VALUE} Uhr", "um die Uhr"),
        ("a breaking blank before a unit", "50 % davon", f"50{NBSP}% davon, 50 %(name)s"),
        ("a breaking blank in an abbreviation", "z. B. hier", f"z.{NBSP}B. hier"),
        ("a breaking blank in an abbreviation", "Art. 6", f"Art.{NBSP}6"),
        ("a day", "am 2026-11-23", "am 23.11.2026"),
        ("a point before decimals", "1.5 GiB", "1,5 GiB am 23.11. von 127.0.0.1, um 1.000"),
        ("a half of the day", "5 p.m.", "5 Pfund am Montag"),
    ],
)
def test_rule_finds_what_is_wrong_and_nothing_else(rule, bad, good):
    rules = german.MISTAKES | german.FOREIGN_NUMBERS
    assert rule in {name for name, _ in german.mistakes(bad, rules)}
    if rule == "a blank before a sign":
        good = good.replace(" : ", ":")
    assert rule not in {name for name, _ in german.mistakes(good, rules)}


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("This field is required.", "Bitte füllen Sie das Feld aus."),
        ("Not a valid choice.", "Bitte wählen Sie etwas."),
        ("The CSRF token is missing.", "Das Token fehlt."),
        ("Not Found", "Not macht erfinderisch, und wir fanden nichts."),
        ("Am Monday", "Am Montag war die Kasse in Or an der Tür"),
        ("Please warten", "http://firma.de/the/of?is=the und pip-the-or"),
        ("Invalid email address.", "Die Adresse ist in der Liste."),
    ],
)
def test_english_is_told_from_german(bad, good):
    assert german.english(bad)
    assert german.english(good) == []


@pytest.mark.parametrize(
    ("source", "least"),
    [
        (german.from_python, 900),
        (german.from_templates, 150),
        (german.from_scripts, 0),
        (german.from_handbook, 100),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_german_text_is_written_by_the_rules(source, least):
    texts = [text for text in source() if text.place not in UNDER_WAY]
    assert len(texts) >= least
    assert [(text.place, *fault) for text in texts for fault in german.mistakes(text.words)] == []


def test_no_sentence_of_a_library_is_left_in_its_own_words():
    """What WTForms and Werkzeug would say is known here, so that it would be found on a page."""
    known = [sentence.pattern for sentence in german.sentences_of_libraries()]
    assert len(known) > 40
    assert german.english("Field must be at least 3 characters long.")
    assert german.english("The requested URL was not found on the server.")


def test_every_mail_is_written_by_the_rules(everything):
    assert {mail["Subject"] for mail in everything.mails}
    for mail in everything.mails:
        text = text_of(mail)
        assert "\n\n\n" not in text
        assert text == text.strip("\n") + "\n"
        assert faults(f"{mail['Subject']}\n\n{text}") == []
