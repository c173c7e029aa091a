"""Tickets: actions, approvals, conversation, events, queue."""
