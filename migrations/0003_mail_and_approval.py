"""Mails and approvals: the outbox, links to tickets, reminders, messages from customers, text blocks.

Approvers were not asked by mail about tickets that are pending already. These count as reminded, so the office sees
them as overdue and can send the mail.
"""

from peewee import (
    BooleanField,
    CharField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from migrations.tables import rebuild


class Base(Model):
    class Meta:
        legacy_table_names = False


class Customer(Base):
    pass


class Approver(Base):
    pass


class Submission(Base):
    pass


class Staff(Base):
    pass


class Ticket(Base):
    submission = ForeignKeyField(Submission, unique=True, on_delete="RESTRICT")
    customer = ForeignKeyField(Customer, on_delete="RESTRICT")
    category = CharField()
    rank = IntegerField()
    status = CharField()
    approval = CharField()
    assignee = ForeignKeyField(Staff, null=True, on_delete="RESTRICT", index=False)
    due_on = DateField(null=True)
    lead_time_missed = BooleanField()
    remind_at = DateTimeField(null=True)
    reminders = IntegerField()
    replied_at = DateTimeField(null=True)
    created_at = DateTimeField(index=True)
    first_action_at = DateTimeField(null=True)
    closed_at = DateTimeField(null=True)

    class Meta:
        constraints = [
            Check("(status IN ('done', 'cancelled')) = (closed_at IS NOT NULL)", "ticket_closed_at_given"),
        ]


Ticket.add_index(
    Ticket.index(
        Ticket.rank,
        Ticket.id,
        Ticket.status,
        Ticket.approval,
        Ticket.assignee,
        Ticket.category,
        Ticket.created_at,
        Ticket.closed_at,
        Ticket.reminders,
        Ticket.customer,
        Ticket.replied_at,
        where=Ticket.closed_at.is_null(),
        name="ticket_open",
    )
)
Ticket.add_index(Ticket.index(Ticket.customer, Ticket.rank, Ticket.id, where=Ticket.closed_at.is_null()))
Ticket.add_index(Ticket.index(Ticket.due_on, where=Ticket.closed_at.is_null()))
Ticket.add_index(Ticket.index(Ticket.remind_at, where=Ticket.remind_at.is_null(False)))
for column in (Ticket.status, Ticket.category, Ticket.approval, Ticket.assignee):
    Ticket.add_index(Ticket.index(column, Ticket.id, where=Ticket.closed_at.is_null(False)))


class Event(Base):
    ticket = ForeignKeyField(Ticket, on_delete="CASCADE")
    at = DateTimeField()
    kind = CharField()
    actor = CharField(max_length=100)
    text = TextField()
    draft = CharField(max_length=22, null=True, unique=True)


class TicketLink(Base):
    ticket = ForeignKeyField(Ticket, on_delete="CASCADE")
    purpose = CharField()
    approver = ForeignKeyField(Approver, null=True, on_delete="SET NULL")
    nonce = CharField(max_length=22, unique=True)
    token_hash = CharField(max_length=64, unique=True)
    created_at = DateTimeField()
    expires_at = DateTimeField(null=True)
    revoked_at = DateTimeField(null=True)


class Message(Base):
    kind = CharField()
    ticket = ForeignKeyField(Ticket, null=True, on_delete="CASCADE")
    link = ForeignKeyField(TicketLink, null=True, on_delete="SET NULL")
    recipient = CharField(max_length=254)
    subject = CharField(max_length=200)
    body = TextField()
    with_attachments = BooleanField()
    message_id = CharField(max_length=320, unique=True)
    state = CharField()
    created_at = DateTimeField()
    attempts = IntegerField()
    due_at = DateTimeField()
    leased_until = DateTimeField(null=True)
    failing_since = DateTimeField(null=True)
    sent_at = DateTimeField(null=True, index=True)
    last_error = CharField(max_length=500)

    class Meta:
        constraints = [Check("(state = 'sent') = (sent_at IS NOT NULL)", "message_sent_at_given")]


Message.add_index(Message.index(Message.state, Message.due_at))
Message.add_index(Message.index(Message.kind, Message.state, Message.due_at))
Message.add_index(Message.index(Message.state, Message.id))
Message.add_index(
    Message.index(Message.id, Message.failing_since, where=Message.failing_since.is_null(False), name="message_failing")
)


class TextBlock(Base):
    name = CharField(max_length=100, unique=True)
    text = TextField()


class Attachment(Base):
    draft = CharField(max_length=22)
    submission = ForeignKeyField(Submission, null=True, on_delete="CASCADE")
    event = ForeignKeyField(Event, null=True, on_delete="CASCADE")
    stored_name = CharField(max_length=32, unique=True)
    name = CharField(max_length=120)
    media_type = CharField(max_length=40)
    digest = CharField(max_length=64)
    size = IntegerField()
    address = CharField(max_length=45, index=True)
    staged_at = DateTimeField()


Attachment.add_index(
    Attachment.index(
        Attachment.draft, Attachment.digest, Attachment.name, unique=True, where=Attachment.submission.is_null()
    )
)

REBUILT = {
    Ticket: {"remind_at": "NULL", "reminders": "CASE approval WHEN 'pending' THEN 2 ELSE 0 END", "replied_at": "NULL"},
    Event: {"draft": "NULL"},
    Attachment: {"event_id": "NULL"},
}


def up(migrator, db):
    added = [TicketLink, Message, TextBlock]
    with db.bind_ctx([*REBUILT, *added]):
        db.create_tables(added, safe=False)
        for model, sources in REBUILT.items():
            rebuild(db, model, sources)
