"""The main path of a customer: send a request, get the receipt, and a ticket is created."""

import pytest

from tests.support.pages import EXAMPLES


@pytest.mark.parametrize("category", EXAMPLES)
def test_happy_path(anna, run_worker, tickets, category):
    receipt = anna.report(category)
    assert "Ihre Anfrage ist eingegangen" in receipt.text
    assert tickets() == []
    run_worker()
    (ticket,) = tickets()
    assert ticket.submission.category == category
    assert ticket.submission.spoken_code in receipt.text
