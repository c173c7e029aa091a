"""The log: its handlers and a throttle against floods."""
