"""Long measurements on the running portal, by hand: python -m tests.stress.<name>; each module says what it shows."""
