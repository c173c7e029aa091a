"""The command line of `start.py`."""
