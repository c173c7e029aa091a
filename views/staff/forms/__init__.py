"""The forms of the staff area."""
