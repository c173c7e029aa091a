"""The tables, with the queries that several modules share."""

from functools import cached_property
from textwrap import shorten

from peewee import JOIN, BooleanField, CharField, Check, DateField, ForeignKeyField, IntegerField, Model, TextField
from playhouse.fields import EnumField
from playhouse.sqlite_ext import FTS5Model, SearchField

import enums
from database import BaseModel, UTCDateTimeField, database, prepared_rows
from i18n.folding import sorted_by_name
from i18n.typed_text import normalise_code


class Customer(BaseModel):
    """A company that may send requests once it has a PIN, whose hash is stored."""

    number = CharField(max_length=enums.MAX_CUSTOMER_NUMBER_LENGTH, unique=True)
    name = CharField(max_length=enums.MAX_SHORT_LENGTH)
    phone = CharField(max_length=enums.MAX_PHONE_LENGTH, default="")
    street = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    postcode = CharField(max_length=enums.MAX_POSTCODE_LENGTH, default="")
    town = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    note = TextField(default="")
    mail_domain = CharField(max_length=enums.MAX_EMAIL_LENGTH, default="")
    fully_managed = BooleanField(default=True)
    pin_hash = CharField(null=True)
    pin_issued_at = UTCDateTimeField(null=True)
    locked_at = UTCDateTimeField(null=True)
    created_at = UTCDateTimeField()
    guessing_told_at = UTCDateTimeField(null=True)

    @classmethod
    def by_number(cls):
        return cls.select().order_by(cls.number)

    @classmethod
    def without_pin(cls):
        """Return unlocked customers that wait for their first PIN."""
        return cls.by_number().where(cls.pin_hash.is_null(), cls.locked_at.is_null())

    @classmethod
    def unlocked(cls):
        return cls.by_number().where(cls.locked_at.is_null())

    @property
    def approvers(self):
        return self.contacts.where(Contact.is_approver)

    @property
    def approvers_by_name(self):
        return sorted_by_name(self.approvers)

    @cached_property
    def main_contact(self):
        """The first person to whom the mails for the customer go, or a contact without name and address."""
        return self.contacts.where(Contact.is_main).order_by(Contact.id).first() or Contact(name="")

    @property
    def contact_name(self):
        return self.main_contact.name

    @property
    def email(self):
        return self.main_contact.email


class Contact(BaseModel):
    """A person at a customer: the main one gets its mails, and an approver decides about its requests.

    Nobody decides while absent; the first and the last day are included.
    """

    customer = ForeignKeyField(Customer, backref="contacts", on_delete="CASCADE")
    name = CharField(max_length=enums.MAX_SHORT_LENGTH)
    phone = CharField(max_length=enums.MAX_PHONE_LENGTH, default="")
    email = CharField(max_length=enums.MAX_EMAIL_LENGTH, default="")
    is_main = BooleanField(default=False)
    is_approver = BooleanField(default=False)
    absent_from = DateField(null=True)
    absent_until = DateField(null=True)

    def is_absent(self, today):
        """Say whether the approver is absent on a day; an absence without first or last day is open on that side."""
        if self.absent_from is None and self.absent_until is None:
            return False
        return (self.absent_from or today) <= today <= (self.absent_until or today)


class FormerPin(BaseModel):
    """The hash of a replaced PIN, which tells its use from a typing error."""

    customer = ForeignKeyField(Customer, backref="former_pins", on_delete="CASCADE")
    pin_hash = CharField()
    replaced_at = UTCDateTimeField()


class WrongPin(BaseModel):
    """One wrong PIN for a customer; `site` is the sender's network (IPv4 /32, IPv6 /48)."""

    customer = ForeignKeyField(Customer, backref="wrong_pins", on_delete="CASCADE")
    site = CharField(max_length=enums.MAX_IP_LENGTH)
    at = UTCDateTimeField(index=True)


class KnownSender(BaseModel):
    """A site from which a request of a customer came with the right PIN, as a keyed digest of both."""

    customer = ForeignKeyField(Customer, backref="known_senders", on_delete="CASCADE")
    digest = CharField(max_length=64, unique=True)
    last_at = UTCDateTimeField(index=True)


class Submission(BaseModel):
    """What a person sent, unchanged; only the decision about it is added later."""

    draft = CharField(max_length=enums.TOKEN_LENGTH, unique=True)
    code = CharField(max_length=enums.CODE_LENGTH, unique=True)
    received_at = UTCDateTimeField()
    channel = EnumField(enums.Channel, default=enums.Channel.WEB)
    address = CharField(max_length=enums.MAX_IP_LENGTH, default="")
    state = EnumField(enums.SubmissionState, default=enums.SubmissionState.PENDING, index=True)
    unmatched_reason = EnumField(enums.UnmatchedReason, null=True)
    pin_proof = CharField(null=True)

    customer_number = CharField(max_length=enums.MAX_CUSTOMER_NUMBER_LENGTH)
    name = CharField(max_length=enums.MAX_SHORT_LENGTH)
    phone = CharField(max_length=enums.MAX_PHONE_LENGTH)
    email = CharField(max_length=enums.MAX_EMAIL_LENGTH, default="")
    category = EnumField(enums.Category)
    priority = EnumField(enums.Priority, default=enums.Priority.LOW)
    reference = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    description = TextField(default="")
    device = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    serial_number = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    order_reference = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    salutation = EnumField(enums.Salutation, null=True)
    first_name = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    last_name = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    extension = CharField(max_length=enums.MAX_PHONE_LENGTH, default="")
    mobile = CharField(max_length=enums.MAX_PHONE_LENGTH, default="")
    desired_email = CharField(max_length=enums.MAX_EMAIL_LENGTH, default="")
    position = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    entry_date = DateField(null=True)
    remarks = TextField(default="")

    class Meta:
        constraints = [
            Check("state = 'pending' OR pin_proof IS NULL", "submission_proof_erased"),
            Check("(state = 'unmatched') = (unmatched_reason IS NOT NULL)", "submission_reason_given"),
        ]

    @classmethod
    def pending(cls):
        return cls.select().where(cls.state == enums.SubmissionState.PENDING).order_by(cls.id)

    @classmethod
    def unmatched(cls):
        return cls.select().where(cls.state == enums.SubmissionState.UNMATCHED).order_by(cls.id.desc())

    @cached_property
    def attachments(self):
        """The files sent with it, without those of later messages; looked up once for all its mails."""
        return _sent_with(self.id)

    @property
    def spoken_code(self):
        return enums.format_code(self.code)

    @property
    def headline(self):
        """The subject in a few words: the device, the new employee or the beginning of the description."""
        words = " ".join((self.device or f"{self.first_name} {self.last_name}".strip() or self.description).split())
        limit = enums.MAX_HEADLINE_LENGTH
        return words if len(words) <= limit else f"{words[:limit].rsplit(' ', 1)[0]} …"

    @property
    def summary(self):
        """The subject in one line."""
        person = ", ".join(filter(None, [f"{self.first_name} {self.last_name}".strip(), self.position]))
        text = ": ".join(filter(None, [self.device, person, self.description]))
        return shorten(text, enums.MAX_SHORT_LENGTH, placeholder=" …")


class Staff(BaseModel):
    """A person in the office with an account for the staff area.

    The hash of a link is set while the person has yet to choose a password with it.
    """

    login = CharField(max_length=enums.MAX_SHORT_LENGTH, unique=True)
    name = CharField(max_length=enums.MAX_SHORT_LENGTH)
    role = EnumField(enums.StaffRole, default=enums.StaffRole.TEAM)
    link_hash = CharField(max_length=64, null=True, unique=True)
    link_expires_at = UTCDateTimeField(null=True)
    password_hash = CharField()
    totp_salt = CharField(null=True)
    totp_enabled_at = UTCDateTimeField(null=True)
    totp_last_step = IntegerField(null=True)
    locked_at = UTCDateTimeField(null=True)
    created_at = UTCDateTimeField()

    @classmethod
    def by_name(cls):
        return sorted_by_name(cls.select())

    @classmethod
    def active(cls):
        return cls.select().where(cls.locked_at.is_null())


class PinLetter(BaseModel):
    """A new PIN, sealed with the secret key, for the minutes in which the person who issued it may print it again."""

    customer = ForeignKeyField(Customer, backref="pin_letters", unique=True, on_delete="CASCADE")
    staff = ForeignKeyField(Staff, on_delete="CASCADE")
    nonce = CharField(max_length=enums.TOKEN_LENGTH)
    sealed = CharField(max_length=enums.PIN_DIGITS)
    issued_at = UTCDateTimeField()


class RecoveryCode(BaseModel):
    """The hash of a code that replaces a lost second factor once."""

    staff = ForeignKeyField(Staff, backref="recovery_codes", on_delete="CASCADE")
    code_hash = CharField()


class StaffSession(BaseModel):
    """A signed-in browser, found by the hash of the token in its cookie."""

    token_hash = CharField(max_length=64, unique=True)
    staff = ForeignKeyField(Staff, backref="sessions", on_delete="CASCADE")
    address = CharField(max_length=enums.MAX_IP_LENGTH)
    began_at = UTCDateTimeField()
    ended_at = UTCDateTimeField(null=True)


class FailedAttempts(BaseModel):
    """The number of failed sign-ins in a row for an account, a network or a site."""

    source = CharField(max_length=255, unique=True)
    count = IntegerField()
    last_at = UTCDateTimeField()


class Ticket(BaseModel):
    """The work that a submission with matching number and PIN became.

    Rank, category and due date are copied from the submission for the queue's indexes; the office may correct them, and
    the caller's name and phone, which are empty while the submission's hold. While an approval is pending, `reminders`
    were sent and the next one is due at `remind_at`, if any. `replied_at` is set while a message from the customer is
    unanswered. A ticket with a later `follow_up_on` is not to be done yet.
    """

    submission = ForeignKeyField(Submission, backref="tickets", unique=True, on_delete="RESTRICT")
    customer = ForeignKeyField(Customer, backref="tickets", on_delete="RESTRICT")
    category = EnumField(enums.Category)
    rank = IntegerField()
    status = EnumField(enums.TicketStatus, default=enums.TicketStatus.NEW)
    approval = EnumField(enums.Approval, default=enums.Approval.NOT_REQUIRED)
    assignee = ForeignKeyField(Staff, null=True, backref="tickets", on_delete="RESTRICT", index=False)
    due_on = DateField(null=True)
    lead_time_missed = BooleanField(default=False)
    remind_at = UTCDateTimeField(null=True)
    reminders = IntegerField(default=0)
    replied_at = UTCDateTimeField(null=True)
    created_at = UTCDateTimeField(index=True)
    first_action_at = UTCDateTimeField(null=True)
    closed_at = UTCDateTimeField(null=True)
    caller_name = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    caller_phone = CharField(max_length=enums.MAX_PHONE_LENGTH, default="")
    follow_up_on = DateField(null=True)
    follow_up_note = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    duplicate_of = ForeignKeyField("self", null=True, backref="duplicates", on_delete="SET NULL")

    class Meta:
        constraints = [Check("(status IN ('done', 'cancelled')) = (closed_at IS NOT NULL)", "ticket_closed_at_given")]

    @classmethod
    def with_details(cls):
        """Return all tickets with their submission, customer and assignee."""
        query = cls.select(cls, Submission, Customer, Staff).join_from(cls, Submission).join_from(cls, Customer)
        return query.join_from(cls, Staff, JOIN.LEFT_OUTER)

    @classmethod
    def newest_first(cls):
        return cls.with_details().order_by(cls.id.desc())

    @classmethod
    def find_by_code(cls, code):
        """Return the ticket with a typed Vorgangsnummer, or None."""
        return cls.with_details().where(Submission.code == normalise_code(code)).get_or_none()

    @property
    def is_open(self):
        return self.closed_at is None

    @property
    def priority(self):
        return enums.Priority.from_rank(self.rank)

    @property
    def name(self):
        """The name of the person who asks, as the office corrected it."""
        return self.caller_name or self.submission.name

    @property
    def phone(self):
        """The number to call back, as the office corrected it."""
        return self.caller_phone or self.submission.phone

    @property
    def flags(self):
        """What staff must not overlook, as short German phrases."""
        is_entry = self.category is enums.Category.NEW_EMPLOYEE
        return [
            phrase
            for phrase, applies in (
                ("Vorlauf unterschritten", self.lead_time_missed),
                ("keine E-Mail-Adresse gewünscht", is_entry and not self.submission.desired_email),
                ("Kunde nicht voll betreut", is_entry and not self.customer.fully_managed),
                ("Kunde gesperrt", self.customer.locked_at is not None),
            )
            if applies
        ]


# Open and closed tickets have separate partial indexes, so no filter makes the planner read the many closed ones for
# the few open ones. `ticket_open` is in the queue's order and holds every column that open tickets are filtered by.
_IS_OPEN, _IS_CLOSED = Ticket.closed_at.is_null(), Ticket.closed_at.is_null(False)
_STATE = [Ticket.status, Ticket.approval, Ticket.assignee, Ticket.category, Ticket.created_at, Ticket.closed_at]
_FILTERS = [*_STATE, Ticket.reminders, Ticket.customer, Ticket.replied_at, Ticket.follow_up_on]
Ticket.add_index(Ticket.rank, Ticket.id, *_FILTERS, where=_IS_OPEN, name="ticket_open")
Ticket.add_index(Ticket.customer, Ticket.rank, Ticket.id, where=_IS_OPEN)
Ticket.add_index(Ticket.due_on, where=_IS_OPEN)
Ticket.add_index(Ticket.remind_at, where=Ticket.remind_at.is_null(False))
Ticket.add_index(Ticket.closed_at, where=_IS_CLOSED)
for _column in (Ticket.status, Ticket.category, Ticket.approval, Ticket.assignee):
    Ticket.add_index(_column, Ticket.id, where=_IS_CLOSED)


class TicketWords(FTS5Model):
    """The search index: the words of a ticket in their searchable form. The row id is the ticket's."""

    words = SearchField()
    state = SearchField()

    class Meta:
        database = database
        legacy_table_names = False
        options = {"tokenize": "trigram"}


class Event(BaseModel):
    """One line of a ticket's history.

    draft: the submission key of the form, which may be sent twice. minutes: the time that staff worked for it. before:
    what the action that it ends has changed, as JSON, while that can be undone.
    """

    ticket = ForeignKeyField(Ticket, backref="events", on_delete="CASCADE")
    at = UTCDateTimeField()
    kind = EnumField(enums.EventKind)
    actor = CharField(max_length=enums.MAX_SHORT_LENGTH)
    text = TextField(default="")
    draft = CharField(max_length=enums.TOKEN_LENGTH, null=True, unique=True)
    minutes = IntegerField(default=0)
    before = TextField(null=True)


Event.add_index(Event.at, where=Event.minutes > 0)


class ChecklistItem(BaseModel):
    """A step for a new employee that staff has ticked off."""

    ticket = ForeignKeyField(Ticket, backref="checklist", on_delete="CASCADE")
    name = CharField(max_length=enums.MAX_SHORT_LENGTH)
    done_at = UTCDateTimeField()
    done_by = CharField(max_length=enums.MAX_SHORT_LENGTH)


ChecklistItem.add_index(ChecklistItem.ticket, ChecklistItem.name, unique=True)


class TicketLink(BaseModel):
    """A URL that opens one ticket for one purpose.

    Its token is derived from the nonce with the secret key, so the database alone opens nothing.
    """

    ticket = ForeignKeyField(Ticket, backref="links", on_delete="CASCADE")
    purpose = EnumField(enums.LinkPurpose)
    approver = ForeignKeyField(Contact, null=True, backref="links", on_delete="SET NULL")
    nonce = CharField(max_length=enums.TOKEN_LENGTH, unique=True)
    token_hash = CharField(max_length=64, unique=True)
    created_at = UTCDateTimeField()
    expires_at = UTCDateTimeField(null=True)
    revoked_at = UTCDateTimeField(null=True)


class Message(BaseModel):
    """A rendered mail or webhook call in the outbox; on delivery, the token replaces the link's nonce in the text.

    Webhook calls have no recipient. `event` is the one whose undoing concerns it. `leased_until` is set during a
    delivery, `failing_since` from the first failed attempt until the message is sent or discarded.
    """

    kind = EnumField(enums.MessageKind)
    ticket = ForeignKeyField(Ticket, null=True, backref="messages", on_delete="CASCADE")
    link = ForeignKeyField(TicketLink, null=True, on_delete="SET NULL")
    recipient = CharField(max_length=enums.MAX_EMAIL_LENGTH, default="")
    subject = CharField(max_length=enums.MAX_SUBJECT_LENGTH, default="")
    body = TextField()
    with_attachments = BooleanField(default=False)
    message_id = CharField(max_length=enums.MAX_MESSAGE_ID_LENGTH, unique=True)
    state = EnumField(enums.MessageState, default=enums.MessageState.WAITING)
    created_at = UTCDateTimeField()
    attempts = IntegerField(default=0)
    due_at = UTCDateTimeField()
    leased_until = UTCDateTimeField(null=True)
    failing_since = UTCDateTimeField(null=True)
    sent_at = UTCDateTimeField(null=True, index=True)
    last_error = CharField(max_length=enums.MAX_ERROR_LENGTH, default="")
    event = ForeignKeyField(Event, null=True, backref="messages", on_delete="SET NULL")
    file_ids = TextField(default="")

    class Meta:
        constraints = [Check("(state = 'sent') = (sent_at IS NOT NULL)", "message_sent_at_given")]


Message.add_index(Message.state, Message.due_at)
Message.add_index(Message.kind, Message.state, Message.due_at)
Message.add_index(Message.state, Message.id)
_IS_FAILING = Message.failing_since.is_null(False)
Message.add_index(Message.id, Message.failing_since, where=_IS_FAILING, name="message_failing")


class TextBlock(BaseModel):
    """A reusable text for answers."""

    name = CharField(max_length=enums.MAX_SHORT_LENGTH, unique=True)
    text = TextField()

    @classmethod
    def by_name(cls):
        return sorted_by_name(cls.select())


# Prefix of the stored name of a deleted file while its row stays; real stored names are hexadecimal.
DISCARDED_PREFIX = "discarded-"


class Attachment(BaseModel):
    """A stored file: staged under a submission key (`draft`) until the submission with that key adopts it.

    The file of a later message belongs to the submission, too, and names the event. `sent_name` is the name before its
    ending was changed to fit the content, or "". `active_content` says in German what in the file could act by itself.
    """

    draft = CharField(max_length=enums.TOKEN_LENGTH)
    submission = ForeignKeyField(Submission, null=True, backref="files", on_delete="CASCADE")
    event = ForeignKeyField(Event, null=True, backref="attachments", on_delete="CASCADE")
    stored_name = CharField(max_length=32, unique=True)
    name = CharField(max_length=enums.MAX_FILE_NAME_LENGTH)
    sent_name = CharField(max_length=enums.MAX_FILE_NAME_LENGTH, default="")
    media_type = CharField(max_length=40)
    active_content = CharField(max_length=enums.MAX_SHORT_LENGTH, default="")
    digest = CharField(max_length=64)
    size = IntegerField()
    address = CharField(max_length=enums.MAX_IP_LENGTH, index=True)
    staged_at = UTCDateTimeField()

    @property
    def warning(self):
        """Say in words what the office should know before it opens the file, or ""."""
        contained = [word for word in self.active_content.split(", ") if word not in ("", enums.ENCRYPTED)]
        sentences = [f"enthält {', '.join(contained)}"] if contained else []
        if enums.ENCRYPTED in self.active_content:
            sentences.append("ist mit Kennwort geschützt")
        return " und ".join(sentences)

    @classmethod
    def on_disk(cls):
        """Return the attachments whose file exists; some rows outlive their file for a receipt."""
        return cls.select().where(~cls.stored_name.startswith(DISCARDED_PREFIX)).order_by(cls.id)

    @classmethod
    def staged(cls, submission_key):
        return cls.select().where(cls.draft == submission_key, cls.submission.is_null()).order_by(cls.id)


# A retry or double click stores a file once.
_IS_STAGED = Attachment.submission.is_null()
Attachment.add_index(Attachment.draft, Attachment.digest, Attachment.name, unique=True, where=_IS_STAGED)

_sent_with = prepared_rows(
    lambda submission_id: (
        Attachment.select()
        .where(Attachment.submission == submission_id, Attachment.event.is_null())
        .order_by(Attachment.id)
    )
)

TABLES: tuple[type[Model], ...] = (*BaseModel.__subclasses__(), TicketWords)
