"""Waitress: limits on uploads, and the trusted proxy."""
