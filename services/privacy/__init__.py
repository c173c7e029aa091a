"""Retention, person search, data export and erasure."""
