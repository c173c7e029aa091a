"""The sites from which right PINs came are remembered, so that guesses from elsewhere do not keep them out."""

from peewee import CharField, DateTimeField, ForeignKeyField, Model


class Base(Model):
    class Meta:
        legacy_table_names = False


class Customer(Base):
    pass


class KnownSender(Base):
    customer = ForeignKeyField(Customer, on_delete="CASCADE")
    digest = CharField(max_length=64, unique=True)
    last_at = DateTimeField(index=True)


def up(migrator, db):
    with db.bind_ctx([KnownSender]):
        db.create_tables([KnownSender], safe=False)
