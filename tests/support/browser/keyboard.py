"""A person who uses only the keyboard."""

import pytest

FOCUSED = """(() => {
    const element = document.activeElement;
    return element === document.body ? "" : element.innerText || element.ariaLabel || element.id;
})()"""


class Keyboard:
    """A person who uses only the keyboard."""

    def __init__(self, tab):
        self.tab, self.page = tab, tab.page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text):
        self.page.keyboard.type(text)

    def go_to(self, words):
        """Press Tab until the element with these words has the focus, and check that the focus is visible."""
        self.page.wait_for_load_state()  # A key pressed before htmx has run would send the plain form.
        for _ in range(80):
            self.press("Tab")
            if words in self.page.evaluate(FOCUSED):
                assert self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
                return
        pytest.fail(f"The keyboard does not reach: {words}")

    def follow(self, words):
        self.go_to(words)
        self.press("Enter")
