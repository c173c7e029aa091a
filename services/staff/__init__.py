"""Staff accounts, sessions and two-factor authentication."""
