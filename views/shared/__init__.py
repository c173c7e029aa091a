"""What public and staff pages have in common."""
