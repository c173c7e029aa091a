"""Sign-in, first set-up, the own account."""
