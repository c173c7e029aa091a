"""Customers, approvers, import and PIN letters."""
