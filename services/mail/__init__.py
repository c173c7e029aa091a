"""Mails and webhooks: written, stored in the outbox, delivered."""
