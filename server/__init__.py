"""Waitress: what is changed in it, and the trusted proxies."""
