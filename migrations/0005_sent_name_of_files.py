"""The name under which a file was sent, if its content asked for another ending."""

from peewee import CharField, DateTimeField, ForeignKeyField, IntegerField, Model

from migrations.tables import rebuild


class Base(Model):
    class Meta:
        legacy_table_names = False


class Submission(Base):
    pass


class Event(Base):
    pass


class Attachment(Base):
    draft = CharField(max_length=22)
    submission = ForeignKeyField(Submission, null=True, on_delete="CASCADE")
    event = ForeignKeyField(Event, null=True, on_delete="CASCADE")
    stored_name = CharField(max_length=32, unique=True)
    name = CharField(max_length=120)
    sent_name = CharField(max_length=120)
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


def up(migrator, db):
    with db.bind_ctx([Attachment]):
        rebuild(db, Attachment, {"sent_name": "''"})
