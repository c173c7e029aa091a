"""Queue, ticket page, attachments and text blocks."""
