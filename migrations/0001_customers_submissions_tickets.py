"""The first tables: customers and PINs, submissions, tickets and events, attachments."""

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


class Base(Model):
    class Meta:
        legacy_table_names = False


class Customer(Base):
    number = CharField(max_length=20, unique=True)
    name = CharField(max_length=100)
    email = CharField(max_length=254)
    pin_hash = CharField()
    locked_at = DateTimeField(null=True)
    created_at = DateTimeField()


class FormerPin(Base):
    customer = ForeignKeyField(Customer, on_delete="CASCADE")
    pin_hash = CharField()
    replaced_at = DateTimeField()


class Submission(Base):
    draft = CharField(max_length=22, unique=True)
    code = CharField(max_length=8, unique=True)
    received_at = DateTimeField()
    state = CharField(index=True)
    unmatched_reason = CharField(null=True)
    pin_proof = CharField(null=True)

    customer_number = CharField(max_length=20)
    name = CharField(max_length=100)
    phone = CharField(max_length=40)
    email = CharField(max_length=254)
    category = CharField()
    priority = CharField()
    reference = CharField(max_length=100)
    description = TextField()
    device = CharField(max_length=100)
    serial_number = CharField(max_length=100)
    order_reference = CharField(max_length=100)
    salutation = CharField(null=True)
    first_name = CharField(max_length=100)
    last_name = CharField(max_length=100)
    extension = CharField(max_length=40)
    mobile = CharField(max_length=40)
    desired_email = CharField(max_length=254)
    position = CharField(max_length=100)
    entry_date = DateField(null=True)
    remarks = TextField()

    class Meta:
        constraints = [
            Check("state = 'pending' OR pin_proof IS NULL", "submission_proof_erased"),
            Check("(state = 'unmatched') = (unmatched_reason IS NOT NULL)", "submission_reason_given"),
        ]


class Ticket(Base):
    submission = ForeignKeyField(Submission, unique=True, on_delete="RESTRICT")
    customer = ForeignKeyField(Customer, on_delete="RESTRICT")
    status = CharField(index=True)
    lead_time_missed = BooleanField()
    created_at = DateTimeField()


class Event(Base):
    ticket = ForeignKeyField(Ticket, on_delete="CASCADE")
    at = DateTimeField()
    actor = CharField(max_length=100)
    text = TextField()


class Attachment(Base):
    draft = CharField(max_length=22)
    submission = ForeignKeyField(Submission, null=True, on_delete="CASCADE")
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


def up(migrator, db):
    tables = [Customer, FormerPin, Submission, Ticket, Event, Attachment]
    with db.bind_ctx(tables):
        db.create_tables(tables, safe=False)
