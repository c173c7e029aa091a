"""What the office reads: today's overview, statistics, CSV export, daily summary."""
