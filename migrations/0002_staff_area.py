"""Staff area: accounts, approvers, columns and indexes of tickets, the search index.

Customers, submissions, tickets and events get columns with constraints, for which SQLite needs new tables.
"""

import unicodedata

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
from playhouse.sqlite_ext import FTS5Model, SearchField

from migrations.tables import rebuild

OPENED = "Ticket angelegt: "

# The current PIN was issued when the last former one was replaced.
PIN_ISSUED_AT = (
    "COALESCE((SELECT MAX(replaced_at) FROM former_pin WHERE former_pin.customer_id = customer.id), created_at)"
)


class Base(Model):
    class Meta:
        legacy_table_names = False


class Customer(Base):
    number = CharField(max_length=20, unique=True)
    name = CharField(max_length=100)
    contact_name = CharField(max_length=100)
    email = CharField(max_length=254)
    mail_domain = CharField(max_length=254)
    fully_managed = BooleanField()
    pin_hash = CharField(null=True)
    pin_issued_at = DateTimeField(null=True)
    locked_at = DateTimeField(null=True)
    created_at = DateTimeField()


class Approver(Base):
    customer = ForeignKeyField(Customer, on_delete="CASCADE")
    name = CharField(max_length=100)
    email = CharField(max_length=254)
    absent_from = DateField(null=True)
    absent_until = DateField(null=True)


class Submission(Base):
    draft = CharField(max_length=22, unique=True)
    code = CharField(max_length=8, unique=True)
    received_at = DateTimeField()
    channel = CharField()
    address = CharField(max_length=45)
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


class Staff(Base):
    login = CharField(max_length=100, unique=True)
    name = CharField(max_length=100)
    password_hash = CharField()
    totp_salt = CharField(null=True)
    totp_enabled_at = DateTimeField(null=True)
    totp_last_step = IntegerField(null=True)
    locked_at = DateTimeField(null=True)
    created_at = DateTimeField()


class RecoveryCode(Base):
    staff = ForeignKeyField(Staff, on_delete="CASCADE")
    code_hash = CharField()


class StaffSession(Base):
    token_hash = CharField(max_length=64, unique=True)
    staff = ForeignKeyField(Staff, on_delete="CASCADE")
    address = CharField(max_length=45)
    began_at = DateTimeField()
    ended_at = DateTimeField(null=True)


class FailedAttempts(Base):
    source = CharField(max_length=255, unique=True)
    count = IntegerField()
    last_at = DateTimeField()


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
        where=Ticket.closed_at.is_null(),
        name="ticket_open",
    )
)
Ticket.add_index(Ticket.index(Ticket.customer, Ticket.rank, Ticket.id, where=Ticket.closed_at.is_null()))
Ticket.add_index(Ticket.index(Ticket.due_on, where=Ticket.closed_at.is_null()))
for column in (Ticket.status, Ticket.category, Ticket.approval, Ticket.assignee):
    Ticket.add_index(Ticket.index(column, Ticket.id, where=Ticket.closed_at.is_null(False)))


class TicketWords(FTS5Model):
    words = SearchField()
    state = SearchField()

    class Meta:
        legacy_table_names = False
        options = {"tokenize": "trigram"}


class Event(Base):
    ticket = ForeignKeyField(Ticket, on_delete="CASCADE")
    at = DateTimeField()
    kind = CharField()
    actor = CharField(max_length=100)
    text = TextField()


REBUILT = {
    Customer: {"contact_name": "''", "mail_domain": "''", "fully_managed": "1", "pin_issued_at": PIN_ISSUED_AT},
    Submission: {"channel": "'web'", "address": "''"},
    Ticket: {
        "category": "(SELECT category FROM submission WHERE submission.id = submission_id)",
        "rank": "(SELECT CASE priority WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END "
        "FROM submission WHERE submission.id = submission_id)",
        "approval": "'not_required'",
        "assignee_id": "NULL",
        "due_on": "(SELECT entry_date FROM submission WHERE submission.id = submission_id)",
        "first_action_at": "NULL",
        "closed_at": "NULL",
    },
    Event: {"kind": "'opened'", "text": f"replace(text, '{OPENED}', '')"},
}


def up(migrator, db):
    added = [Approver, Staff, RecoveryCode, StaffSession, FailedAttempts, TicketWords]
    with db.bind_ctx([*REBUILT, *added]):
        db.create_tables(added, safe=False)
        for model, sources in REBUILT.items():
            rebuild(db, model, sources)
        _fill_search_index(db)


def _fill_search_index(db):
    columns = (
        "submission.code, submission.customer_number, customer.name, submission.name, phone, submission.email, "
        "reference, description, device, serial_number, order_reference, first_name, last_name, extension, mobile, "
        "desired_email, position, remarks, replace(phone, ' ', ''), replace(extension, ' ', ''), "
        "replace(mobile, ' ', ''), replace(serial_number, ' ', '')"
    )
    rows = db.execute_sql(
        f"SELECT ticket.id, {columns} FROM ticket JOIN submission ON submission.id = ticket.submission_id "
        "JOIN customer ON customer.id = ticket.customer_id"
    ).fetchall()
    for id, *texts in rows:
        TicketWords.insert({"rowid": id, "words": _searchable(" ".join(texts)), "state": "open"}).execute()


def _searchable(text):
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return " ".join("".join(filter(str.isalnum, word)) for word in folded.split())
