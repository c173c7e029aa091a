"""Errors that a person can put right."""


class AccountError(ValueError):
    """Something about a customer or an account cannot be done; its text is a German sentence for who tried."""
