"""How a page is read: its words, what is wrong with them, and what its forms are told so that they say all they can."""

import re

from tests.support.wording import german

# What somebody might type into a field or choose by tampering, so that every sentence against it is said.
BAD_VALUES = ["", "x", "x" * 6000, "a\x07b", "99.99.2026", "0"]

INLINE = {"a", "b", "strong", "span", "small", "em", "label", "abbr", "code", "kbd"}
READ = {"alt", "aria-label", "placeholder", "title"}


def visible_text(page):
    """Return the words of a page as a reader or a screen reader gets them, each block on a line of its own."""

    def words(element):
        if element.tag in german.READ_BY_MACHINES or not isinstance(element.tag, str):
            return german.CODE
        text = (element.text or "") + "".join(words(child) + (child.tail or "") for child in element)
        text = text if element.tag in INLINE else f"\n{text}\n"
        return "".join([text, *(f"\n{element.get(name)}\n" for name in sorted(READ & element.attrib.keys()))])

    lines = (re.sub(r"[ \t]+", " ", line).strip(" ") for line in words(page.tree).splitlines())
    return "\n".join(filter(None, lines))


def wording_mistakes(words, without=()):
    """Return all that is wrong with words that somebody reads, but for rules that do not hold there."""
    rules = german.MISTAKES | german.FOREIGN_NUMBERS
    return german.mistakes(words, {name: rules[name] for name in rules.keys() - set(without)}) + german.english(words)


def tampered_forms(page):
    """Yield each form of a page with its address, every field that is asked filled in with the same."""
    for form in page.tree.iter("form"):
        fields = [element for element in form.iter() if element.tag in ("input", "select", "textarea")]
        kept = {field.get("name"): field.get("value", "") for field in fields if field.get("type") == "hidden"}
        asked = {field.get("name") for field in fields} - kept.keys() - {None}
        if form.get("method") == "post" and asked:
            for filling in BAD_VALUES:
                yield form.get("action"), kept | dict.fromkeys(asked, filling)
