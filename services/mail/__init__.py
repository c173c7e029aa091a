"""Mails and webhooks: written, queued in the outbox, delivered."""
