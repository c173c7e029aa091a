"""Uploaded files: staged, checked, stored."""
