"""Keys, networks, rate limits, lockouts and the audit log."""
