"""Wrong PINs are counted, and the active content of a file is stored."""

from peewee import CharField, DateTimeField, ForeignKeyField, IntegerField, Model

from migrations.tables import rebuild


class Base(Model):
    class Meta:
        legacy_table_names = False


class Customer(Base):
    pass


class Submission(Base):
    pass


class Event(Base):
    pass


class Ticket(Base):
    closed_at = DateTimeField(null=True)


class WrongPin(Base):
    customer = ForeignKeyField(Customer, on_delete="CASCADE")
    site = CharField(max_length=45)
    at = DateTimeField(index=True)


class Attachment(Base):
    draft = CharField(max_length=22)
    submission = ForeignKeyField(Submission, null=True, on_delete="CASCADE")
    event = ForeignKeyField(Event, null=True, on_delete="CASCADE")
    stored_name = CharField(max_length=32, unique=True)
    name = CharField(max_length=120)
    media_type = CharField(max_length=40)
    active_content = CharField(max_length=100)
    digest = CharField(max_length=64)
    size = IntegerField()
    address = CharField(max_length=45, index=True)
    staged_at = DateTimeField()


Attachment.add_index(
    Attachment.index(
        Attachment.draft, Attachment.digest, Attachment.name, unique=True, where=Attachment.submission.is_null()
    )
)

Ticket.add_index(Ticket.index(Ticket.closed_at, where=Ticket.closed_at.is_null(False)))


def up(migrator, db):
    with db.bind_ctx([WrongPin, Attachment, Ticket]):
        db.create_tables([WrongPin], safe=False)
        rebuild(db, Attachment, {"active_content": "''"})
        Ticket._schema.create_indexes(safe=False)
    migrator.migrate(migrator.add_column("customer", "guessing_told_at", DateTimeField(null=True)))
