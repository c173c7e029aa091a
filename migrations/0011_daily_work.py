"""Tickets have a follow-up date, corrected facts and a ticket to which they belong; events have minutes and an undo."""

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


class Submission(Base):
    pass


class Customer(Base):
    pass


class Staff(Base):
    pass


class TicketLink(Base):
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
    caller_name = CharField(max_length=100)
    caller_phone = CharField(max_length=80)
    follow_up_on = DateField(null=True)
    follow_up_note = CharField(max_length=100)
    duplicate_of = ForeignKeyField("self", null=True, on_delete="SET NULL")

    class Meta:
        constraints = [Check("(status IN ('done', 'cancelled')) = (closed_at IS NOT NULL)", "ticket_closed_at_given")]


IS_OPEN, IS_CLOSED = Ticket.closed_at.is_null(), Ticket.closed_at.is_null(False)
FILTERS = [
    Ticket.status,
    Ticket.approval,
    Ticket.assignee,
    Ticket.category,
    Ticket.created_at,
    Ticket.closed_at,
    Ticket.reminders,
    Ticket.customer,
    Ticket.replied_at,
    Ticket.follow_up_on,
]
Ticket.add_index(Ticket.index(Ticket.rank, Ticket.id, *FILTERS, where=IS_OPEN, name="ticket_open"))
Ticket.add_index(Ticket.index(Ticket.customer, Ticket.rank, Ticket.id, where=IS_OPEN))
Ticket.add_index(Ticket.index(Ticket.due_on, where=IS_OPEN))
Ticket.add_index(Ticket.index(Ticket.remind_at, where=Ticket.remind_at.is_null(False)))
Ticket.add_index(Ticket.index(Ticket.closed_at, where=IS_CLOSED))
for column in (Ticket.status, Ticket.category, Ticket.approval, Ticket.assignee):
    Ticket.add_index(Ticket.index(column, Ticket.id, where=IS_CLOSED))


class Event(Base):
    ticket = ForeignKeyField(Ticket, on_delete="CASCADE")
    at = DateTimeField()
    kind = CharField()
    actor = CharField(max_length=100)
    text = TextField()
    draft = CharField(max_length=22, null=True, unique=True)
    minutes = IntegerField()
    before = TextField(null=True)


Event.add_index(Event.index(Event.at, where=Event.minutes > 0))


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
    event = ForeignKeyField(Event, null=True, on_delete="SET NULL")
    file_ids = TextField()

    class Meta:
        constraints = [Check("(state = 'sent') = (sent_at IS NOT NULL)", "message_sent_at_given")]


Message.add_index(Message.index(Message.state, Message.due_at))
Message.add_index(Message.index(Message.kind, Message.state, Message.due_at))
Message.add_index(Message.index(Message.state, Message.id))
Message.add_index(
    Message.index(Message.id, Message.failing_since, where=Message.failing_since.is_null(False), name="message_failing")
)


class ChecklistItem(Base):
    ticket = ForeignKeyField(Ticket, on_delete="CASCADE")
    name = CharField(max_length=100)
    done_at = DateTimeField()
    done_by = CharField(max_length=100)


ChecklistItem.add_index(ChecklistItem.index(ChecklistItem.ticket, ChecklistItem.name, unique=True))

REBUILT = {
    Ticket: {
        "caller_name": "''",
        "caller_phone": "''",
        "follow_up_on": "NULL",
        "follow_up_note": "''",
        "duplicate_of_id": "NULL",
    },
    Event: {"minutes": "0", "before": "NULL"},
    Message: {"event_id": "NULL", "file_ids": "''"},
}


def up(migrator, db):
    with db.bind_ctx([*REBUILT, ChecklistItem]):
        for model, sources in REBUILT.items():
            rebuild(db, model, sources)
        db.create_tables([ChecklistItem], safe=False)
