"""Errors that a person can put right."""

from collections.abc import Sequence
from typing import Any


class UserError(Exception):
    """Something cannot be done; the text is a sentence for the person who tried, in the language of their page.

    field: the name of the form field that the sentence is about, or "" if it is about the whole form.
    """

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class EditConflict(UserError):
    """Somebody else changed the same record since the person looked; `newer` lists what came meanwhile, if known."""

    def __init__(self, sentence: str, newer: Sequence[Any] = ()) -> None:
        super().__init__(sentence)
        self.newer = newer
