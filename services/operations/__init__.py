"""Backup, restore, health check and the data folder."""
