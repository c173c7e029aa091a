"""The log: its files, and the numbers of failures."""
