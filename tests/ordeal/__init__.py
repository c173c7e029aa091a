"""Long measurements on the running portal, by hand: python -m tests.ordeal.<name>; each module says what it shows."""
