"""Customers, their PINs and the import from CSV."""
