"""Outbox, statistics and data protection."""
