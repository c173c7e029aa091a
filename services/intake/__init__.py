"""From a submission to a ticket, or to the unmatched ones."""
