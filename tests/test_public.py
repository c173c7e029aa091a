"""The customer's main job through the front door: report, receive, decide."""

import pytest

from tests.pages import EXAMPLES


@pytest.mark.parametrize("category", EXAMPLES)
def test_happy_path(anna, work, tickets, category):
    receipt = anna.report(category)
    assert "Ihre Anfrage ist eingegangen" in receipt.text
    assert tickets() == []
    work()
    (ticket,) = tickets()
    assert ticket.submission.category == category
    assert ticket.submission.spoken_code in receipt.text
