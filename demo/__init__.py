"""A throw-away portal with sample data."""
