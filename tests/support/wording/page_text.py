"""The visible text of a page, its mistakes, and invalid input that makes its forms show their error messages."""

import re

from tests.support.wording import german

# Input for every field, also for those where only tampering allows it, that causes every error message.
BAD_VALUES = ["", "x", "x" * 6000, "a\x07b", "99.99.2026", "0"]

INLINE = {"a", "b", "strong", "span", "small", "em", "label", "abbr", "code", "kbd"}
READ = {"alt", "aria-label", "placeholder", "title"}


def visible_text(page):
    """Return the text of a page for readers and screen readers, each block on a line of its own."""

    def words(element):
        if element.tag in german.READ_BY_MACHINES or not isinstance(element.tag, str):
            return german.CODE
        text = (element.text or "") + "".join(words(child) + (child.tail or "") for child in element)
        text = text if element.tag in INLINE else f"\n{text}\n"
        return "".join([text, *(f"\n{element.get(name)}\n" for name in sorted(READ & element.attrib.keys()))])

    lines = (re.sub(r"[ \t]+", " ", line).strip(" ") for line in words(page.tree).splitlines())
    return "\n".join(filter(None, lines))


def wording_mistakes(words, without=()):
    """Return all mistakes in a text; without: names of rules that do not apply."""
    rules = german.MISTAKES | german.FOREIGN_NUMBERS
    return german.mistakes(words, {name: rules[name] for name in rules.keys() - set(without)}) + german.english(words)


def tampered_forms(page):
    """Yield the action and values of each form of a page, once for each bad value in all of its visible fields."""
    for form in page.tree.iter("form"):
        fields = [element for element in form.iter() if element.tag in ("input", "select", "textarea")]
        hidden = {field.get("name"): field.get("value", "") for field in fields if field.get("type") == "hidden"}
        visible = {field.get("name") for field in fields} - hidden.keys() - {None}
        if form.get("method") == "post" and visible:
            for value in BAD_VALUES:
                yield form.get("action"), hidden | dict.fromkeys(visible, value)
